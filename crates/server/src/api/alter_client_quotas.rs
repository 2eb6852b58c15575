//! AlterClientQuotas (key 49), v0-v1. Sets and removes quotas; each entity is altered whole or not
//! at all. The response waits until that is durable, and the quotas are in force with it.
//!
//! Versions: v1 flexible. Omitted: host names as addresses, which Kafka resolves.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::alter_client_quotas_response::{EntityData, EntryData};
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, alter_client_quotas_request,
};
use tidegate_machine::catalog::{AlterQuotas, QuotaAlteration, QuotaEntity, QuotaValue};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: AlterClientQuotasRequest = request.decode()?;
    let alterations: Vec<_> = decoded.entries.into_iter().map(alteration).collect();
    let entities: Vec<_> = alterations.iter().map(|one| one.entity.clone()).collect();
    let request = AlterQuotas { alterations, validate_only: decoded.validate_only };
    let pending = client.broker().alter_quotas(request);
    Ok(later(async move {
        let entries = match pending.await {
            Ok(altered) => altered
                .into_iter()
                .map(|(entity, failure)| row(&entity, failure.error, failure.message))
                .collect(),
            Err((error, message)) => {
                entities.iter().map(|entity| row(entity, error, Some(message.clone()))).collect()
            }
        };
        to.reply(&AlterClientQuotasResponse::default().with_entries(entries))
    }))
}

fn alteration(entry: alter_client_quotas_request::EntryData) -> QuotaAlteration {
    let parts = entry
        .entity
        .into_iter()
        .map(|part| (part.entity_type.to_string(), part.entity_name.map(|name| name.to_string())));
    let ops = entry
        .ops
        .into_iter()
        .map(|op| (op.key.to_string(), (!op.remove).then_some(QuotaValue(op.value))));
    QuotaAlteration { entity: QuotaEntity::new(parts), ops: ops.collect() }
}

fn row(entity: &QuotaEntity, error: ErrorCode, message: Option<String>) -> EntryData {
    let parts = entity.parts().map(|(kind, name)| {
        EntityData::default().with_entity_type(strbytes(kind)).with_entity_name(name.map(strbytes))
    });
    EntryData::default()
        .with_error_code(error.code())
        .with_error_message(message.as_deref().map(strbytes))
        .with_entity(parts.collect())
}
