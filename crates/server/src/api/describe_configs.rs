//! DescribeConfigs (key 32), v1-v4. Every setting of a topic, a node, a group or a subscription to
//! clients' metrics, with its source. The empty name of a broker asks for what was set on all of them
//! while they ran.
//!
//! Versions: v1 synonyms (KIP-226), v3 types and documentation (KIP-569). Loggers have no levels that
//! could be told: there are none.

use crate::api::configs::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC, strbytes};
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

/// `ConfigEntry.ConfigType.UNKNOWN`.
const UNKNOWN_TYPE: i8 = 0;

/// What Kafka says of an INVALID_REQUEST that has no words of its own.
const MALFORMED: &str = "This most likely occurs because of a request being malformed by the client \
                         library or the message was sent to an incompatible broker. See the broker \
                         logs for more details.";

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
    // No names are all names, as null is.
    let names = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty());
    let names: Option<Vec<&str>> = names.map(|keys| keys.iter().map(|key| &**key).collect());
    match resource.resource_type {
        TOPIC => {
            tidegate_broker::check_topic_name(name)
                .map_err(|message| (ErrorCode::InvalidTopic, message))?;
            // Kafka has no words for this one.
            let unknown = || (ErrorCode::UnknownTopicOrPartition, String::new());
            let topic = broker.topics().by_name(name).ok_or_else(unknown)?;
            let names = names.as_deref();
            Ok(broker.describe_topic_configs(&topic.configs, names, synonyms, documentation))
        }
        BROKER if name.is_empty() => {
            Ok(broker.describe_cluster_configs(names.as_deref(), synonyms, documentation))
        }
        BROKER => {
            check_id(client, name, "or empty string, but")?;
            Ok(broker.describe_broker_configs(names.as_deref(), synonyms, documentation))
        }
        BROKER_LOGGER if name.is_empty() => Err(invalid("Broker id must not be empty")),
        BROKER_LOGGER => {
            check_id(client, name, "but")?;
            Ok(Vec::new())
        }
        CLIENT_METRICS if name.is_empty() => {
            Err(invalid("Client metrics subscription name must not be empty"))
        }
        CLIENT_METRICS => {
            broker.describe_client_metrics_configs(name, names.as_deref(), synonyms, documentation)
        }
        GROUP if name.is_empty() => Err(invalid("Group name must not be empty")),
        GROUP => broker.describe_group_configs(name, names.as_deref(), synonyms, documentation),
        _ => Err(invalid(MALFORMED)),
    }
}

fn invalid(message: impl Into<String>) -> (ErrorCode, String) {
    (ErrorCode::InvalidRequest, message.into())
}

/// Fails for a name that is not this node's id.
fn check_id(client: &Client, name: &str, but: &str) -> Result<(), (ErrorCode, String)> {
    let id = client.context.node_id;
    match name.parse::<i32>() {
        Ok(asked) if asked == id => Ok(()),
        Ok(_) => Err(invalid(format!("Unexpected broker id, expected {id} {but} received {name}"))),
        Err(_) => Err(invalid(format!("Broker id must be an integer, but it is: {name}"))),
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
        .with_name(strbytes(&config.name))
        .with_value(config.value.as_deref().map(strbytes))
        .with_read_only(config.read_only)
        .with_config_source(config.source.id())
        .with_is_sensitive(config.is_sensitive)
        .with_synonyms(synonyms.collect());
    if version < 3 {
        return row;
    }
    row.with_config_type(config.config_type.map_or(UNKNOWN_TYPE, |kind| kind.id()))
        .with_documentation(config.documentation.map(strbytes))
}
