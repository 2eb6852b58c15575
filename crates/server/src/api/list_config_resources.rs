//! ListConfigResources (key 74), v0-v1. The names of what has configs: all topics, this node, and the
//! groups and subscriptions to clients' metrics for which something is set.
//!
//! Versions: v0 lists subscriptions only (KIP-1000), v1 all types, or those asked for (KIP-1142).
//! UNSUPPORTED_VERSION for a type that does not exist.

use crate::api::configs::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC, strbytes};
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};
use tidegate_broker::Refusal;
use tidegate_machine::catalog::ConfigResourceType;
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

const TYPES: &[i8] = &[TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: ListConfigResourcesRequest = request.decode()?;
    let asked = match &decoded.resource_types[..] {
        _ if to.version == 0 => &[CLIENT_METRICS],
        [] => TYPES,
        asked => asked,
    };
    let response = ListConfigResourcesResponse::default();
    if asked.iter().any(|kind| !TYPES.contains(kind)) {
        let error = ErrorCode::UnsupportedVersion.code();
        return Ok(to.reply(&response.with_error_code(error)));
    }
    let mut resources = Vec::new();
    for kind in TYPES.iter().filter(|kind| asked.contains(kind)) {
        let names = match names(client, *kind) {
            Ok(names) => names,
            Err((error, _)) => return Ok(to.reply(&response.with_error_code(error.code()))),
        };
        resources.extend(names.iter().map(|name| {
            let resource = ConfigResource::default().with_resource_name(strbytes(name));
            if to.version >= 1 { resource.with_resource_type(*kind) } else { resource }
        }));
    }
    Ok(to.reply(&response.with_config_resources(resources)))
}

fn names(client: &Client, kind: i8) -> Result<Vec<String>, Refusal> {
    let broker = client.broker();
    match kind {
        TOPIC => Ok(broker.topics().all().iter().map(|topic| topic.name.to_string()).collect()),
        CLIENT_METRICS => broker.configured(ConfigResourceType::ClientMetrics),
        GROUP => broker.configured(ConfigResourceType::Group),
        _ => Ok(vec![client.context.node_id.to_string()]),
    }
}
