//! Client quotas (KIP-13, KIP-257, KIP-546, KIP-599, KIP-612): whom they are for and which values
//! they take, with the errors of Kafka's `ClientQuotaControlManager` word for word.
//!
//! Addresses are IP literals here. Kafka also takes host names and resolves them; resolving is
//! nothing that a pure machine can do, so a name is answered as one that cannot be resolved.

use super::{AlterQuotas, CatalogMachine, CatalogOutcome, Failure, QuotaAlteration, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use tidegate_model::ErrorCode;

/// Entity type of an authenticated principal.
pub const USER: &str = "user";
/// Entity type of the name that clients give themselves.
pub const CLIENT_ID: &str = "client-id";
/// Entity type of the address that a connection comes from.
pub const IP: &str = "ip";

/// The order of entity types in messages and records, which is that of Kafka's hash map.
const TYPES: [&str; 3] = [CLIENT_ID, USER, IP];

/// Whom a quota is for: names by entity type, where no name is the default for all without one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct QuotaEntity(Vec<(String, Option<String>)>);

impl QuotaEntity {
    /// An entity of these parts; of parts with the same type the last one counts, as in Kafka.
    pub fn new(parts: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        let by_type: BTreeMap<_, _> = parts.into_iter().collect();
        let mut parts: Vec<_> = by_type.into_iter().collect();
        parts.sort_by_key(|(kind, _)| rank(kind));
        QuotaEntity(parts)
    }

    /// Types and names, each type once.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(kind, name)| (kind.as_str(), name.as_deref()))
    }

    /// Number of types.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if it names nothing at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name under that type: `None` if the type is not part of it, `Some(None)` for the default.
    pub fn name(&self, kind: &str) -> Option<Option<&str>> {
        self.parts().find(|(other, _)| *other == kind).map(|(_, name)| name)
    }
}

fn rank(kind: &str) -> usize {
    TYPES.iter().position(|known| *known == kind).unwrap_or(TYPES.len())
}

/// As Java prints a `ClientQuotaEntity`: clients show it to people.
impl fmt::Display for QuotaEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientQuotaEntity(entries={")?;
        for (at, (kind, name)) in self.parts().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{kind}={}", name.unwrap_or("null"))?;
        }
        f.write_str("})")
    }
}

/// A quota's value. Two are the same if their bits are, so that NaN, which Kafka takes, is stored
/// once.
#[derive(Debug, Clone, Copy)]
pub struct QuotaValue(pub f64);

impl PartialEq for QuotaValue {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for QuotaValue {}

/// The quotas of one entity by key.
pub type Quotas = BTreeMap<String, QuotaValue>;

/// Which numbers a key takes (`ConfigDef.Type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Int,
    Long,
    Double,
}

/// The keys of users and clients (`QuotaConfig.userAndClientQuotaConfigs`).
const CLIENT_KEYS: [(&str, Number); 4] = [
    ("producer_byte_rate", Number::Long),
    ("consumer_byte_rate", Number::Long),
    ("request_percentage", Number::Double),
    ("controller_mutation_rate", Number::Double),
];

/// The keys of addresses (`QuotaConfig.ipConfigs`).
const IP_KEYS: [(&str, Number); 1] = [("connection_creation_rate", Number::Int)];

impl CatalogMachine {
    /// Each entity is altered whole or not at all, and answered once.
    pub(super) fn alter_quotas(
        &self,
        request: AlterQuotas,
        out: &mut CatalogOutcome,
    ) -> Vec<(QuotaEntity, Failure)> {
        let mut results: Vec<(QuotaEntity, Failure)> = Vec::new();
        for alteration in request.alterations {
            let earlier = results.iter().position(|(entity, _)| *entity == alteration.entity);
            let mut keys = BTreeSet::new();
            let repeats = !alteration.ops.iter().all(|(key, _)| keys.insert(key));
            if earlier.is_some() || repeats {
                // What an earlier entry for the same entity changed stays changed.
                let message = format!("Ignoring duplicate entity {}", alteration.entity);
                let failure = invalid(message);
                match earlier {
                    Some(at) => results[at].1 = failure,
                    None => results.push((alteration.entity, failure)),
                }
                continue;
            }
            let records = self.quota_records(&alteration);
            let failure = Failure::of(records.map(|records| {
                if !request.validate_only {
                    out.records.extend(records);
                }
            }));
            results.push((alteration.entity, failure));
        }
        results
    }

    fn quota_records(&self, alteration: &QuotaAlteration) -> Result<Vec<Record>, Failure> {
        let entity = &alteration.entity;
        let keys = check_entity(entity)?;
        let current = self.catalog.quotas_of(entity);
        let mut records = Vec::with_capacity(alteration.ops.len());
        for (key, value) in &alteration.ops {
            if let Some(value) = value {
                check_value(keys, key, value.0)?;
            }
            // What stays as it is needs no record; nor does a key that is not there to remove.
            if current.and_then(|quotas| quotas.get(key)) != value.as_ref() {
                let (entity, key) = (entity.clone(), key.clone());
                records.push(Record::ClientQuota { entity, key, value: *value });
            }
        }
        Ok(records)
    }
}

/// Checks types, names and their combination; returns the keys that such an entity may have.
fn check_entity(entity: &QuotaEntity) -> Result<&'static [(&'static str, Number)], Failure> {
    if entity.is_empty() {
        return Err(invalid("Invalid empty client quota entity"));
    }
    for (kind, name) in entity.parts() {
        if !TYPES.contains(&kind) {
            return Err(invalid(format!("Unhandled client quota entity type: {kind}")));
        }
        if name == Some("") {
            return Err(invalid(format!("Empty {kind} not supported")));
        }
    }
    match entity.name(IP) {
        None => Ok(&CLIENT_KEYS),
        Some(_) if entity.len() > 1 => Err(invalid(
            "Invalid quota entity combination, IP entity shouldnot be combined with User or \
             ClientId",
        )),
        Some(Some(name)) if name.parse::<IpAddr>().is_err() => {
            Err(invalid(format!("{name} is not a valid IP or resolvable host.")))
        }
        Some(_) => Ok(&IP_KEYS),
    }
}

fn check_value(keys: &[(&str, Number)], key: &str, value: f64) -> Result<(), Failure> {
    let Some((_, number)) = keys.iter().find(|(known, _)| *known == key) else {
        return Err(invalid(format!("Invalid configuration key {key}")));
    };
    if value <= 0.0 {
        return Err(invalid(format!("Quota {key} must be greater than 0")));
    }
    let (max, name) = match number {
        Number::Double => return Ok(()),
        Number::Int => (f64::from(i32::MAX), "an INT"),
        Number::Long => (i64::MAX as f64, "a LONG"),
    };
    if value > max {
        return Err(invalid(format!("Proposed value for {key} is too large for {name}.")));
    }
    // Clients compute their numbers: a millionth is taken for a rounding error.
    const EPSILON: f64 = 1e-6;
    if value - value.trunc() > EPSILON {
        return Err(invalid(format!("{key} cannot be a fractional value.")));
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::InvalidRequest, message)
}

#[cfg(test)]
#[path = "quotas_tests.rs"]
mod tests;
