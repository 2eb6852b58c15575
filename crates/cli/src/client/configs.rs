//! Configs of topics, brokers and groups.

use super::{Client, check, text};
use crate::failure::Failure;
use clap::ValueEnum;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// What has configs, with its number on the wire (ConfigResource.Type).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum ResourceType {
    /// A topic
    Topic = 2,
    /// A broker by its id, or all brokers of the cluster if no id is given
    Broker = 4,
    /// What a broker logs, by the broker's id
    BrokerLogger = 8,
    /// A subscription to clients' metrics
    ClientMetrics = 16,
    /// A group
    Group = 32,
}

/// One thing that has configs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// What it is.
    pub r#type: ResourceType,
    /// Its name; empty for the defaults of all brokers.
    pub name: String,
}

impl Resource {
    /// A topic.
    pub fn topic(name: &str) -> Resource {
        Resource { r#type: ResourceType::Topic, name: name.to_owned() }
    }

    /// The broker that must be asked, if it is not the same which. Every broker knows its own.
    fn broker(&self) -> Result<Option<i32>, Failure> {
        let own = matches!(self.r#type, ResourceType::Broker | ResourceType::BrokerLogger);
        if !own || self.name.is_empty() {
            return Ok(None);
        }
        self.name.parse().map(Some).map_err(|_| {
            Failure::Usage(format!("{:?} is not a broker; it takes the broker's id", self.name))
        })
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.r#type.to_possible_value().expect("no type is hidden");
        match self.name.as_str() {
            "" => write!(f, "{} defaults", kind.get_name()),
            name => write!(f, "{} {name}", kind.get_name()),
        }
    }
}

/// A config as a broker describes it.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// Its name.
    pub name: String,
    /// Its value; none if there is none, or it is a secret.
    pub value: Option<String>,
    /// Where the value comes from, in Kafka's words (ConfigEntry.ConfigSource).
    pub source: &'static str,
    /// True for a secret.
    pub sensitive: bool,
    /// True if it cannot be changed while the broker runs.
    pub read_only: bool,
}

impl Config {
    /// Whether nobody has set it.
    pub fn is_default(&self) -> bool {
        self.source == "DEFAULT_CONFIG"
    }
}

/// What becomes of a config, with its number on the wire (AlterConfigOp.OpType).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It gets this value.
    Set = 0,
    /// It goes back to its default.
    Delete = 1,
    /// These values join the list.
    Append = 2,
    /// These values leave the list.
    Subtract = 3,
}

/// A change of a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The config.
    pub name: String,
    /// What becomes of it.
    pub operation: Operation,
    /// The value; none where it is deleted.
    pub value: Option<String>,
}

impl Change {
    /// A deletion of the config `name`.
    pub fn delete(name: &str) -> Change {
        Change { name: name.trim().to_owned(), operation: Operation::Delete, value: None }
    }
}

impl std::str::FromStr for Change {
    type Err = String;

    /// `NAME=VALUE` sets, `NAME+=VALUE` appends to a list, `NAME-=VALUE` takes out of a list.
    fn from_str(text: &str) -> Result<Change, String> {
        let Some((name, value)) = text.split_once('=') else {
            return Err("it takes NAME=VALUE, or NAME+=VALUE and NAME-=VALUE for lists".to_owned());
        };
        let (name, operation) = match name.as_bytes().last() {
            Some(b'+') => (&name[..name.len() - 1], Operation::Append),
            Some(b'-') => (&name[..name.len() - 1], Operation::Subtract),
            _ => (name, Operation::Set),
        };
        if name.trim().is_empty() {
            return Err("the config has no name; it takes NAME=VALUE".to_owned());
        }
        let (name, value) = (name.trim().to_owned(), Some(value.to_owned()));
        Ok(Change { name, operation, value })
    }
}

/// What came of each resource.
pub type OfEach<T> = Vec<(Resource, Result<T, Failure>)>;

impl Client {
    /// The configs of each of `resources`, by name, in one request for each broker involved.
    pub fn describe_configs(
        &mut self,
        resources: &[Resource],
    ) -> Result<OfEach<Vec<Config>>, Failure> {
        let mut described = Vec::new();
        for (broker, resources) in by_broker(resources)? {
            let asked_by_name = by_name(&resources);
            let asked = resources.iter().map(|resource| {
                DescribeConfigsResource::default()
                    .with_resource_type(resource.r#type as i8)
                    .with_resource_name(text(&resource.name))
                    .with_configuration_keys(None)
            });
            let request = DescribeConfigsRequest::default().with_resources(asked.collect());
            let response = match broker {
                Some(broker) => self.ask_broker(broker, &request, 1..=4)?,
                None => self.ask(&request, 1..=4)?,
            };
            for result in response.results {
                let key = (result.resource_type, &*result.resource_name);
                let Some(resource) = asked_by_name.get(&key) else { continue };
                let what = || format!("the configs of {resource}");
                let checked = check(result.error_code, result.error_message.as_deref(), what);
                let mut configs: Vec<Config> = result
                    .configs
                    .into_iter()
                    .map(|config| Config {
                        name: config.name.to_string(),
                        value: config.value.map(|value| value.to_string()),
                        source: source_name(config.config_source),
                        sensitive: config.is_sensitive,
                        read_only: config.read_only,
                    })
                    .collect();
                configs.sort_by(|a, b| a.name.cmp(&b.name));
                described.push(((*resource).clone(), checked.map(|()| configs)));
            }
        }
        Ok(described)
    }

    /// Changes configs of each of `resources`, or only checks whether it could.
    pub fn alter_configs(
        &mut self,
        resources: &[Resource],
        changes: &[Change],
        validate_only: bool,
    ) -> Result<OfEach<()>, Failure> {
        let configs: Vec<AlterableConfig> = changes
            .iter()
            .map(|change| {
                AlterableConfig::default()
                    .with_name(text(&change.name))
                    .with_config_operation(change.operation as i8)
                    .with_value(change.value.as_deref().map(text))
            })
            .collect();
        let mut altered = Vec::new();
        for (broker, resources) in by_broker(resources)? {
            let asked_by_name = by_name(&resources);
            let asked = resources.iter().map(|resource| {
                AlterConfigsResource::default()
                    .with_resource_type(resource.r#type as i8)
                    .with_resource_name(text(&resource.name))
                    .with_configs(configs.clone())
            });
            let request = IncrementalAlterConfigsRequest::default()
                .with_resources(asked.collect())
                .with_validate_only(validate_only);
            let response = match broker {
                Some(broker) => self.ask_broker(broker, &request, 0..=1)?,
                None => self.ask(&request, 0..=1)?,
            };
            for result in response.responses {
                let key = (result.resource_type, &*result.resource_name);
                let Some(resource) = asked_by_name.get(&key) else { continue };
                let what = || format!("the configs of {resource} were not changed");
                let checked = check(result.error_code, result.error_message.as_deref(), what);
                altered.push(((*resource).clone(), checked));
            }
        }
        Ok(altered)
    }
}

/// Resources under the brokers that must be asked; none where any broker will do.
fn by_broker(resources: &[Resource]) -> Result<BTreeMap<Option<i32>, Vec<Resource>>, Failure> {
    let mut brokers: BTreeMap<Option<i32>, Vec<Resource>> = BTreeMap::new();
    for resource in resources {
        brokers.entry(resource.broker()?).or_default().push(resource.clone());
    }
    Ok(brokers)
}

/// Resources by what answers call them.
fn by_name(resources: &[Resource]) -> BTreeMap<(i8, &str), &Resource> {
    let key = |resource: &Resource| resource.r#type as i8;
    resources.iter().map(|resource| ((key(resource), resource.name.as_str()), resource)).collect()
}

fn source_name(source: i8) -> &'static str {
    match source {
        1 => "DYNAMIC_TOPIC_CONFIG",
        2 => "DYNAMIC_BROKER_CONFIG",
        3 => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        4 => "STATIC_BROKER_CONFIG",
        5 => "DEFAULT_CONFIG",
        6 => "DYNAMIC_BROKER_LOGGER_CONFIG",
        7 => "DYNAMIC_CLIENT_METRICS_CONFIG",
        8 => "DYNAMIC_GROUP_CONFIG",
        _ => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_sets_appends_or_subtracts() {
        let change = |text: &str| text.parse::<Change>().expect("valid");
        let expected = |operation, value: &str| Change {
            name: "cleanup.policy".to_owned(),
            operation,
            value: Some(value.to_owned()),
        };
        assert_eq!(change("cleanup.policy=delete"), expected(Operation::Set, "delete"));
        assert_eq!(change("cleanup.policy+=compact"), expected(Operation::Append, "compact"));
        assert_eq!(change("cleanup.policy-=delete"), expected(Operation::Subtract, "delete"));
        // Only what stands before the first equals sign tells.
        assert_eq!(change("cleanup.policy=a+=b"), expected(Operation::Set, "a+=b"));
        assert_eq!(change("cleanup.policy="), expected(Operation::Set, ""));
    }

    #[test]
    fn a_change_without_a_name_or_a_value_is_refused() {
        for text in ["retention.ms", "=1", "+=1"] {
            assert!(text.parse::<Change>().expect_err(text).contains("NAME=VALUE"), "{text}");
        }
    }

    #[test]
    fn a_brokers_own_configs_are_asked_of_that_broker() {
        let resource = |r#type, name: &str| Resource { r#type, name: name.to_owned() };
        let asked = |resource: Resource| resource.broker().ok().flatten();
        assert_eq!(asked(resource(ResourceType::Broker, "3")), Some(3));
        assert_eq!(asked(resource(ResourceType::Broker, "")), None);
        assert_eq!(asked(resource(ResourceType::Topic, "3")), None);
        assert!(matches!(resource(ResourceType::Broker, "x").broker(), Err(Failure::Usage(_))));
    }
}
