//! DescribeClientQuotas (key 48), v0-v1. The quotas of the entities that a filter asks for, with
//! Kafka's refusals of filters that say nothing or contradict themselves.
//!
//! Versions: v1 flexible. Entities come in the order of their names; Kafka promises none.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use kafka_protocol::messages::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};
use tidegate_broker::Refusal;
use tidegate_broker::quota::{QuotaFilter, QuotaMatch};
use tidegate_machine::catalog::{CLIENT_ID, IP, QuotaEntity, Quotas, USER};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

const MATCH_EXACT: i8 = 0;
const MATCH_DEFAULT: i8 = 1;
const MATCH_SPECIFIED: i8 = 2;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DescribeClientQuotasRequest = request.decode()?;
    let described = filter(decoded.components, decoded.strict)
        .and_then(|filter| client.broker().describe_quotas(&filter));
    let response = DescribeClientQuotasResponse::default();
    Ok(to.reply(&match described {
        Ok(quotas) => response.with_entries(Some(quotas.into_iter().map(row).collect())),
        Err((error, message)) => response
            .with_error_code(error.code())
            .with_error_message(Some(strbytes(&message)))
            .with_entries(None),
    }))
}

fn filter(components: Vec<ComponentData>, strict: bool) -> Result<QuotaFilter, Refusal> {
    let invalid = |message: String| Err((ErrorCode::InvalidRequest, message));
    let mut filter = QuotaFilter { components: Vec::with_capacity(components.len()), strict };
    for component in components {
        let kind = component.entity_type.to_string();
        if kind.is_empty() {
            return invalid("Invalid empty entity type.".to_owned());
        }
        if filter.components.iter().any(|(other, _)| *other == kind) {
            return invalid(format!(
                "Entity type {kind} cannot appear more than once in the filter."
            ));
        }
        if ![USER, CLIENT_ID, IP].contains(&&*kind) {
            let message = format!("Unsupported entity type {kind}");
            return Err((ErrorCode::UnsupportedVersion, message));
        }
        let name = component._match.map(|name| name.to_string());
        let wanted = match (component.match_type, name) {
            (MATCH_EXACT, Some(name)) => QuotaMatch::Exact(name),
            (MATCH_EXACT, None) => {
                let message = "Request specified MATCH_TYPE_EXACT, but set match string to null.";
                return invalid(message.to_owned());
            }
            (MATCH_DEFAULT, None) => QuotaMatch::Default,
            (MATCH_SPECIFIED, None) => QuotaMatch::Any,
            (MATCH_DEFAULT | MATCH_SPECIFIED, Some(_)) => {
                let name =
                    if component.match_type == MATCH_DEFAULT { "DEFAULT" } else { "SPECIFIED" };
                return invalid(format!(
                    "Request specified MATCH_TYPE_{name}, but also specified a match string."
                ));
            }
            (other, _) => return invalid(format!("Unknown match type {other}")),
        };
        filter.components.push((kind, wanted));
    }
    let by_address = filter.components.iter().any(|(kind, _)| kind == IP);
    if by_address && filter.components.len() > 1 {
        let message = "Invalid entity filter component combination. IP filter component should \
                       not be used with user or clientId filter component.";
        return invalid(message.to_owned());
    }
    Ok(filter)
}

fn row((entity, quotas): (QuotaEntity, Quotas)) -> EntryData {
    let parts = entity.parts().map(|(kind, name)| {
        EntityData::default().with_entity_type(strbytes(kind)).with_entity_name(name.map(strbytes))
    });
    let values = quotas
        .iter()
        .map(|(key, value)| ValueData::default().with_key(strbytes(key)).with_value(value.0));
    EntryData::default().with_entity(parts.collect()).with_values(values.collect())
}
