//! `tidegate quota`: quotas of users, client ids and addresses.

use crate::args::{QuotaCommand, QuotaEntity};
use crate::client::{Client, Entity};
use crate::failure::Failure;
use crate::outcome::report;
use crate::output::{Table, print, print_json};
use serde::Serialize;
use std::collections::BTreeMap;

/// Runs one of the commands.
pub fn run(command: QuotaCommand) -> Result<(), Failure> {
    match command {
        QuotaCommand::List { entity, connect } => {
            let wanted = entity_of(&entity);
            let mut quotas = Client::connect(&connect)?.quotas()?;
            quotas
                .retain(|found, _| wanted.iter().all(|(kind, name)| found.get(kind) == Some(name)));
            list(connect.json, quotas)
        }
        QuotaCommand::Set { quotas, entity, connect } => {
            let parsed = quotas.iter().map(|quota| parse(quota)).collect::<Result<Vec<_>, _>>()?;
            let entity = named(&entity)?;
            let result = Client::connect(&connect)?.alter_quotas(&entity, &parsed);
            let said =
                result.map(|()| format!("set for {}: {}", label(&entity), quotas.join(", ")));
            report(connect.json, vec![(label(&entity), said)])
        }
        QuotaCommand::Unset { quotas, entity, connect } => {
            let removed: Vec<_> = quotas.iter().map(|quota| (quota.clone(), None)).collect();
            let entity = named(&entity)?;
            let result = Client::connect(&connect)?.alter_quotas(&entity, &removed);
            let said =
                result.map(|()| format!("removed of {}: {}", label(&entity), quotas.join(", ")));
            report(connect.json, vec![(label(&entity), said)])
        }
    }
}

#[derive(Serialize)]
struct ListedQuota {
    entity: Entity,
    quotas: BTreeMap<String, f64>,
}

fn list(json: bool, quotas: BTreeMap<Entity, BTreeMap<String, f64>>) -> Result<(), Failure> {
    if json {
        let rows = quotas.into_iter().map(|(entity, quotas)| ListedQuota { entity, quotas });
        return print_json(&rows.collect::<Vec<_>>());
    }
    let mut table = Table::new(&["ENTITY", "QUOTA", "VALUE"]);
    for (entity, quotas) in &quotas {
        for (key, value) in quotas {
            table.row([label(entity), key.clone(), value.to_string()]);
        }
    }
    print(&table.render())
}

/// `NAME=NUMBER`.
fn parse(quota: &str) -> Result<(String, Option<f64>), Failure> {
    let parsed = quota.split_once('=').and_then(|(name, value)| {
        let value: f64 = value.trim().parse().ok()?;
        (!name.trim().is_empty() && value.is_finite())
            .then(|| (name.trim().to_owned(), Some(value)))
    });
    parsed.ok_or_else(|| Failure::Usage(format!("{quota:?} is not a quota; it takes NAME=NUMBER")))
}

/// The entity in Kafka's names for its parts.
fn entity_of(flags: &QuotaEntity) -> Entity {
    let parts = [
        ("user", &flags.user, flags.user_default),
        ("client-id", &flags.client_id, flags.client_id_default),
        ("ip", &flags.ip, flags.ip_default),
    ];
    parts
        .into_iter()
        .filter(|(_, name, is_default)| name.is_some() || *is_default)
        .map(|(kind, name, _)| (kind.to_owned(), name.clone()))
        .collect()
}

fn named(flags: &QuotaEntity) -> Result<Entity, Failure> {
    let entity = entity_of(flags);
    if entity.is_empty() {
        return Err(Failure::Usage(
            "nobody is named; it takes --user, --client-id, both, or --ip, or their defaults such as \
             --user-default"
                .to_owned(),
        ));
    }
    Ok(entity)
}

fn label(entity: &Entity) -> String {
    let part = |(kind, name): (&String, &Option<String>)| match name {
        Some(name) => format!("{kind} {name}"),
        None => format!("every other {kind}"),
    };
    entity.iter().map(part).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_name_and_a_finite_number() {
        let parsed = parse("producer_byte_rate=1e6").expect("valid");
        assert_eq!(parsed, ("producer_byte_rate".to_owned(), Some(1_000_000.0)));
        for wrong in ["producer_byte_rate", "=1", "x=", "x=much", "x=inf", "x=NaN"] {
            assert!(matches!(parse(wrong), Err(Failure::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn an_entity_has_the_parts_that_were_named() {
        let flags = QuotaEntity {
            user_default: true,
            client_id: Some("batch".to_owned()),
            ..QuotaEntity::default()
        };
        let entity = entity_of(&flags);
        assert_eq!(label(&entity), "client-id batch, every other user");
        assert!(named(&QuotaEntity::default()).is_err());
    }
}
