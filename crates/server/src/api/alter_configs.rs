//! AlterConfigs (key 33), v0-v2. Replaces all configs of a resource: those not named go back to
//! their defaults. Otherwise as IncrementalAlterConfigs, which clients should use.
//!
//! Versions: v2 flexible.

use crate::api::configs::{Asked, alter, strbytes};
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};
use tidegate_machine::catalog::Alteration;
use tidegate_wire::WireError;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: AlterConfigsRequest = request.decode()?;
    let asked = decoded.resources.iter().map(asked).collect();
    let pending = alter(client.broker(), asked, decoded.validate_only);
    Ok(later(async move {
        let rows = decoded.resources.into_iter().zip(pending.await).map(|(resource, failure)| {
            AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name)
                .with_error_code(failure.error.code())
                .with_error_message(failure.message.as_deref().map(strbytes))
        });
        to.reply(&AlterConfigsResponse::default().with_responses(rows.collect()))
    }))
}

fn asked(resource: &AlterConfigsResource) -> Asked {
    let configs = resource.configs.iter();
    let set = configs.clone().filter_map(|config| {
        let value = config.value.as_ref()?;
        Some((config.name.to_string(), value.to_string()))
    });
    let null = configs.clone().filter(|config| config.value.is_none());
    Asked {
        resource_type: resource.resource_type,
        name: resource.resource_name.to_string(),
        config_names: configs.map(|config| config.name.to_string()).collect(),
        null_names: null.map(|config| config.name.to_string()).collect(),
        alteration: Ok(Alteration::Replacement(set.collect())),
    }
}
