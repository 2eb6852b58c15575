//! IncrementalAlterConfigs (key 44), v0-v1. Sets, removes, and edits lists of single configs
//! (KIP-339). All changes of one resource succeed or none; resources succeed or fail each on its own,
//! in rows of the request's order. They are durable and in force when the response leaves.
//!
//! Versions: v1 flexible. An operation that does not exist is an INVALID_REQUEST, where Kafka
//! answers UNKNOWN_SERVER_ERROR for topics.

use crate::api::configs::{Asked, alter, strbytes};
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
use tidegate_machine::catalog::{Alteration, ConfigChange, Failure};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: IncrementalAlterConfigsRequest = request.decode()?;
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
        to.reply(&IncrementalAlterConfigsResponse::default().with_responses(rows.collect()))
    }))
}

fn asked(resource: &AlterConfigsResource) -> Asked {
    let configs = resource.configs.iter();
    Asked {
        resource_type: resource.resource_type,
        name: resource.resource_name.to_string(),
        config_names: configs.clone().map(|config| config.name.to_string()).collect(),
        null_names: configs
            .clone()
            .filter(|config| config.value.is_none() && config.config_operation != DELETE)
            .map(|config| config.name.to_string())
            .collect(),
        alteration: configs.map(change).collect::<Result<_, _>>().map(Alteration::Changes),
    }
}

fn change(config: &AlterableConfig) -> Result<(String, ConfigChange), Failure> {
    let value = config.value.as_deref().unwrap_or("").to_owned();
    let change = match config.config_operation {
        SET => ConfigChange::Set(value),
        DELETE => ConfigChange::Delete,
        APPEND => ConfigChange::Append(value),
        SUBTRACT => ConfigChange::Subtract(value),
        other => {
            let message = format!("Unknown operations type {other}");
            return Err(Failure::new(ErrorCode::InvalidRequest, message));
        }
    };
    Ok((config.name.to_string(), change))
}
