//! What the handlers of configs share.

use kafka_protocol::protocol::StrBytes;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tidegate_broker::Broker;
use tidegate_machine::catalog::{
    AlterConfigs, Alteration, ConfigChange, ConfigResource, ConfigResourceType, Failure,
};
use tidegate_model::ErrorCode;

/// A topic's number on the wire (`ConfigResource.Type`).
pub const TOPIC: i8 = 2;
/// A broker's.
pub const BROKER: i8 = 4;
/// That of a broker's loggers, by the broker's id.
pub const BROKER_LOGGER: i8 = 8;
/// That of a subscription to clients' metrics.
pub const CLIENT_METRICS: i8 = 16;
/// A group's.
pub const GROUP: i8 = 32;

/// A string as the codec takes it.
pub fn strbytes(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// An error's sentence; null where there is none.
pub fn sentence(message: &str) -> Option<StrBytes> {
    (!message.is_empty()).then(|| strbytes(message))
}

/// A resource of a request that alters configs, before it is known whether it makes sense.
pub struct Asked {
    /// `ConfigResource.Type`, as a number.
    pub resource_type: i8,
    /// The resource's name.
    pub name: String,
    /// The names of all configs that are to be altered.
    pub config_names: Vec<String>,
    /// Of those, the ones that lack a value.
    pub null_names: Vec<String>,
    /// What is to become of them.
    pub alteration: Result<Alteration, Failure>,
}

/// Alters configs; the results are in the order of `asked`.
///
/// What is wrong with the request itself is found first, in the order of Kafka's
/// `ConfigAdminManager.preprocess`; the rest is the catalog's to decide.
pub fn alter(
    broker: &Arc<Broker>,
    asked: Vec<Asked>,
    validate_only: bool,
) -> impl Future<Output = Vec<Failure>> + Send + 'static {
    let mut times: HashMap<(i8, String), usize> = HashMap::new();
    for resource in &asked {
        *times.entry((resource.resource_type, resource.name.clone())).or_default() += 1;
    }
    let mut resources = Vec::new();
    let mut refused: Vec<Option<Failure>> = Vec::with_capacity(asked.len());
    for resource in asked {
        let key = (resource.resource_type, resource.name.clone());
        let checked = match times[&key] {
            1 => checked(broker, resource),
            _ => Err(invalid("Each resource must appear at most once.")),
        };
        refused.push(match checked {
            Ok(alteration) => {
                resources.push(alteration);
                None
            }
            Err(refused) => Some(refused),
        });
    }
    let decided = broker.alter_configs(AlterConfigs { resources, validate_only });
    async move {
        let mut decided = decided.await.into_iter();
        refused.into_iter().filter_map(|refused| refused.or_else(|| decided.next())).collect()
    }
}

fn checked(broker: &Broker, asked: Asked) -> Result<(ConfigResource, Alteration), Failure> {
    let mut names = HashSet::new();
    if !asked.config_names.iter().all(|name| names.insert(name)) {
        return Err(invalid("Error due to duplicate config keys"));
    }
    if !asked.null_names.is_empty() {
        let names = asked.null_names.join(", ");
        return Err(invalid(format!("Null value not supported for : {names}")));
    }
    // AlterConfigs does not know loggers.
    match (asked.resource_type, &asked.alteration) {
        (BROKER_LOGGER, Ok(Alteration::Changes(changes))) => {
            return Err(no_logger(broker.node_id(), &asked.name, changes));
        }
        (BROKER_LOGGER, Err(refused)) => return Err(refused.clone()),
        _ => {}
    }
    let Some(kind) = ConfigResourceType::from_id(asked.resource_type) else {
        return Err(invalid(format!("Unknown resource type {}", asked.resource_type)));
    };
    Ok((ConfigResource { kind, name: asked.name }, asked.alteration?))
}

/// What Kafka answers where there is no logger of the name. Here is none of any name: log levels are
/// the gateway's own setting.
fn no_logger(node_id: i32, name: &str, changes: &[(String, ConfigChange)]) -> Failure {
    match name.parse::<i32>() {
        Err(_) => return invalid(format!("Node id must be an integer, but it is: {name}")),
        Ok(id) if id != node_id => {
            let message = format!("Unexpected node id. Expected {node_id}, but received {name}");
            return invalid(message);
        }
        Ok(_) => {}
    }
    let operation = match changes.first() {
        Some((_, ConfigChange::Append(_))) => "APPEND",
        Some((_, ConfigChange::Subtract(_))) => "SUBTRACT",
        Some((logger, ConfigChange::Set(_) | ConfigChange::Delete)) => {
            let message = format!("Logger {logger} does not exist!");
            return Failure::new(ErrorCode::InvalidConfig, message);
        }
        None => return Failure::NONE,
    };
    invalid(format!("{operation} operation is not allowed for the BROKER_LOGGER resource"))
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::InvalidRequest, message)
}
