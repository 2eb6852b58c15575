//! DescribeConfigs (key 32), v1-v4. Every setting of a topic or of this node, with its source.
//!
//! Versions: v1 synonyms (KIP-226), v3 types and documentation (KIP-569). Groups and client metrics
//! have no settings of their own here yet and answer INVALID_REQUEST.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request};
use crate::net::connection::Reply;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use tidegate_broker::config::DescribedConfig;
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: DescribeConfigsRequest = request.decode()?;
    let synonyms = decoded.include_synonyms;
    let documentation = decoded.include_documentation && to.version >= 3;
    let mut response = DescribeConfigsResponse::default();
    for resource in decoded.resources {
        let row = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        response.results.push(match describe(client, &resource, synonyms, documentation) {
            Ok(configs) => {
                let configs = configs.into_iter();
                row.with_configs(configs.map(|config| config_row(config, to.version)).collect())
            }
            Err((error, message)) => {
                row.with_error_code(error.code()).with_error_message(Some(strbytes(&message)))
            }
        });
    }
    Ok(to.reply(&response))
}

fn describe(
    client: &Client,
    resource: &DescribeConfigsResource,
    synonyms: bool,
    documentation: bool,
) -> Result<Vec<DescribedConfig>, (ErrorCode, String)> {
    let broker = client.broker();
    let name = &*resource.resource_name;
    let names: Option<Vec<&str>> =
        resource.configuration_keys.as_ref().map(|keys| keys.iter().map(|key| &**key).collect());
    match resource.resource_type {
        TOPIC => {
            tidegate_broker::check_topic_name(name)
                .map_err(|message| (ErrorCode::InvalidTopic, message))?;
            let topic = broker.topics().by_name(name).ok_or_else(|| {
                (ErrorCode::UnknownTopicOrPartition, format!("there is no topic {name}"))
            })?;
            let names = names.as_deref();
            Ok(broker.describe_topic_configs(&topic.configs, names, synonyms, documentation))
        }
        BROKER => {
            let id = client.context.node_id;
            if !name.is_empty() && name.parse() != Ok(id) {
                let message = format!("broker {name} is not this one, whose id is {id}");
                return Err((ErrorCode::InvalidRequest, message));
            }
            // The empty name asks for cluster-wide dynamic settings, of which there are none.
            if name.is_empty() {
                return Ok(Vec::new());
            }
            Ok(broker.describe_broker_configs(names.as_deref(), synonyms, documentation))
        }
        other => Err((
            ErrorCode::InvalidRequest,
            format!("resources of type {other} have no settings here"),
        )),
    }
}

fn config_row(config: DescribedConfig, version: i16) -> DescribeConfigsResourceResult {
    let synonyms = config.synonyms.iter().map(|synonym| {
        DescribeConfigsSynonym::default()
            .with_name(strbytes(&synonym.name))
            .with_value(synonym.value.as_deref().map(strbytes))
            .with_source(synonym.source.id())
    });
    let row = DescribeConfigsResourceResult::default()
        .with_name(strbytes(config.name))
        .with_value(config.value.as_deref().map(strbytes))
        .with_read_only(config.read_only)
        .with_config_source(config.source.id())
        .with_is_sensitive(config.is_sensitive)
        .with_synonyms(synonyms.collect());
    if version < 3 {
        return row;
    }
    row.with_config_type(config.config_type.id())
        .with_documentation(config.documentation.map(strbytes))
}
