//! Quotas of users, client ids and addresses (KIP-546).

use super::{Client, check, text};
use crate::failure::Failure;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::{AlterClientQuotasRequest, DescribeClientQuotasRequest};
use std::collections::BTreeMap;

/// Whose quota it is: names by the type of entity, none for the default of that type.
pub type Entity = BTreeMap<String, Option<String>>;

impl Client {
    /// All quotas, by entity.
    pub fn quotas(&mut self) -> Result<BTreeMap<Entity, BTreeMap<String, f64>>, Failure> {
        let request = DescribeClientQuotasRequest::default();
        let response = self.ask(&request, 0..=1)?;
        let what = || "the quotas".to_owned();
        check(response.error_code, response.error_message.as_deref(), what)?;
        let entries = response.entries.unwrap_or_default().into_iter().map(|entry| {
            let entity = entry.entity.into_iter().map(|part| {
                (part.entity_type.to_string(), part.entity_name.map(|name| name.to_string()))
            });
            let values = entry.values.into_iter().map(|value| (value.key.to_string(), value.value));
            (entity.collect(), values.collect())
        });
        Ok(entries.collect())
    }

    /// Sets the quotas that have a value and removes the others.
    pub fn alter_quotas(
        &mut self,
        entity: &Entity,
        quotas: &[(String, Option<f64>)],
    ) -> Result<(), Failure> {
        let parts = entity.iter().map(|(kind, name)| {
            EntityData::default()
                .with_entity_type(text(kind))
                .with_entity_name(name.as_deref().map(text))
        });
        let operations = quotas.iter().map(|(key, value)| {
            OpData::default()
                .with_key(text(key))
                .with_value(value.unwrap_or_default())
                .with_remove(value.is_none())
        });
        let entry =
            EntryData::default().with_entity(parts.collect()).with_ops(operations.collect());
        let request = AlterClientQuotasRequest::default().with_entries(vec![entry]);
        for row in self.ask(&request, 0..=1)?.entries {
            let what = || "the quotas were not changed".to_owned();
            check(row.error_code, row.error_message.as_deref(), what)?;
        }
        Ok(())
    }
}
