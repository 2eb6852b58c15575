//! Conversations with Apache Kafka 4.3.1 about topics and configs, which the gateway must lead with
//! the same words.
//!
//! A file of `testdata` holds requests, one a line, each with the indented rows of its answer:
//!
//! ```text
//! alter topic t | set retention.ms=5 | append cleanup.policy=compact || broker 1 | delete x
//!     0
//!     35 Unexpected broker id, ...
//! ```
//!
//! `alter` is IncrementalAlterConfigs, `replace` AlterConfigs; `describe`, `list`, `create`,
//! `partitions` and `delete` are what they say, with `validate` behind the verb to check only.
//! Rows that begin with `~` are the gateway's where it differs from Kafka on purpose: they stand in
//! place of Kafka's rows above them. `examples/record_transcripts.rs` asks Kafka and writes down what
//! it says.

use super::client::topic_name;
use super::{RawClient, text};
use kafka_protocol::messages::*;
use std::path::PathBuf;

/// The files.
pub const NAMES: &[&str] = &[
    "create-partitions",
    "alter-topic-configs",
    "alter-broker-configs",
    "alter-other-configs",
    "create-topics",
    "topic-config-values",
];

/// A request with the rows that Kafka answered and those that the gateway shall.
pub struct Exchange {
    pub request: String,
    pub kafkas: Vec<String>,
    pub ours: Option<Vec<String>>,
}

/// A line of a file that is no answer, or an exchange.
pub enum Part {
    Comment(String),
    Exchange(Exchange),
}

pub fn file(name: &str) -> PathBuf {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/black_box/testdata");
    PathBuf::from(directory).join(format!("{name}.txt"))
}

pub fn parts(name: &str) -> Vec<Part> {
    let content = std::fs::read_to_string(file(name)).expect("the transcript is there");
    let mut parts = Vec::new();
    for line in content.lines() {
        match (line.strip_prefix("    "), parts.last_mut()) {
            (Some(row), Some(Part::Exchange(exchange))) => match row.strip_prefix('~') {
                Some(own) => exchange.ours.get_or_insert_default().push(own.trim().to_owned()),
                None => exchange.kafkas.push(row.to_owned()),
            },
            (Some(_), _) => panic!("{name}: an answer without a request: {line}"),
            (None, _) if line.is_empty() || line.starts_with('#') => {
                parts.push(Part::Comment(line.to_owned()));
            }
            (None, _) => parts.push(Part::Exchange(Exchange {
                request: line.to_owned(),
                kafkas: Vec::new(),
                ours: None,
            })),
        }
    }
    parts
}

/// Sends one request of a transcript; the rows of its answer.
pub async fn ask(client: &mut RawClient, line: &str) -> Vec<String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (validate_only, rest) = match rest.strip_prefix("validate ") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rows = match verb {
        "alter" => alter(client, validate_only, rest).await,
        "replace" => replace(client, validate_only, rest).await,
        "describe" => describe(client, rest).await,
        "list" => list(client, rest).await,
        "create" => create(client, validate_only, rest).await,
        "partitions" => partitions(client, validate_only, rest).await,
        "delete" => delete(client, rest).await,
        other => panic!("no such verb: {other}"),
    };
    rows.into_iter().map(|row| row.trim_end().replace('\n', "\\n")).collect()
}

/// Code, name and message of an answer's row.
fn row(code: i16, name: &str, message: Option<&str>) -> String {
    [&code.to_string(), name, message.unwrap_or("")].join(" ").replace("  ", " ")
}

fn resource_type(name: &str) -> i8 {
    match name {
        "topic" => 2,
        "broker" => 4,
        "logger" => 8,
        "metrics" => 16,
        "group" => 32,
        other => other.parse().expect("a resource type is a word or a number"),
    }
}

/// A resource's type, its name, and what is said of it: `topic t | set a=b | delete c`.
fn resource(text: &str) -> (i8, &str, Vec<&str>) {
    let mut fields = text.split(" | ").map(str::trim);
    let resource = fields.next().expect("a split has a first part");
    let (kind, name) = resource.split_once(' ').unwrap_or((resource, ""));
    (resource_type(kind), name, fields.collect())
}

/// A config's name and value; without `=` the value is null.
fn pair(text: &str) -> (&str, Option<&str>) {
    text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)))
}

async fn alter(client: &mut RawClient, validate_only: bool, rest: &str) -> Vec<String> {
    use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let resources = rest.split(" || ").map(|part| {
        let (kind, name, fields) = resource(part);
        let configs = fields.into_iter().map(|field| {
            let (operation, config) = field.split_once(' ').expect("an operation and a config");
            let operation = match operation {
                "set" => 0,
                "delete" => 1,
                "append" => 2,
                "subtract" => 3,
                other => other.parse().expect("an operation is a word or a number"),
            };
            let (name, value) = pair(config);
            AlterableConfig::default()
                .with_name(text(name))
                .with_config_operation(operation)
                .with_value(value.map(text))
        });
        AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(configs.collect())
    });
    let request = IncrementalAlterConfigsRequest::default()
        .with_resources(resources.collect())
        .with_validate_only(validate_only);
    let answer = client.call(1, &request).await;
    let rows = answer.responses.iter();
    rows.map(|r| row(r.error_code, "", r.error_message.as_deref())).collect()
}

async fn replace(client: &mut RawClient, validate_only: bool, rest: &str) -> Vec<String> {
    use alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let resources = rest.split(" || ").map(|part| {
        let (kind, name, fields) = resource(part);
        let configs = fields.into_iter().map(|field| {
            let (name, value) = pair(field);
            AlterableConfig::default().with_name(text(name)).with_value(value.map(text))
        });
        AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(configs.collect())
    });
    let request = AlterConfigsRequest::default()
        .with_resources(resources.collect())
        .with_validate_only(validate_only);
    let answer = client.call(2, &request).await;
    let rows = answer.responses.iter();
    rows.map(|r| row(r.error_code, "", r.error_message.as_deref())).collect()
}

async fn describe(client: &mut RawClient, rest: &str) -> Vec<String> {
    use describe_configs_request::DescribeConfigsResource;
    let resources = rest.split(" || ").map(|part| {
        let (kind, name, fields) = resource(part);
        let keys = match fields[..] {
            ["*"] => None,
            _ => Some(fields.into_iter().map(text).collect()),
        };
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(keys)
    });
    let request = DescribeConfigsRequest::default()
        .with_resources(resources.collect())
        .with_include_synonyms(true);
    let answer = client.call(4, &request).await;
    let mut rows = Vec::new();
    for result in &answer.results {
        rows.push(row(result.error_code, "", result.error_message.as_deref()));
        let mut configs: Vec<String> = result.configs.iter().map(described).collect();
        configs.sort();
        rows.extend(configs);
    }
    rows
}

fn described(config: &describe_configs_response::DescribeConfigsResourceResult) -> String {
    let value = config.value.as_deref().unwrap_or("null");
    let mut row = format!("{}={value} {}", &*config.name, source(config.config_source));
    row.push_str(if config.read_only { " read-only" } else { "" });
    row.push_str(if config.is_sensitive { " sensitive" } else { "" });
    for synonym in &config.synonyms {
        let value = synonym.value.as_deref().unwrap_or("null");
        let from = source(synonym.source);
        row.push_str(&format!(" ({}={value} {from})", &*synonym.name));
    }
    format!("{row} type {}", config.config_type)
}

fn source(id: i8) -> String {
    let names = ["unknown", "topic", "broker", "default-broker", "static", "default", "logger"];
    let more = ["metrics", "group"];
    let name = usize::try_from(id).ok().and_then(|id| names.iter().chain(&more).nth(id));
    name.map_or_else(|| id.to_string(), |name| (*name).to_owned())
}

async fn list(client: &mut RawClient, rest: &str) -> Vec<String> {
    let kinds = rest.split_whitespace().map(resource_type);
    let request = ListConfigResourcesRequest::default().with_resource_types(kinds.collect());
    let answer = client.call(1, &request).await;
    let mut rows = vec![row(answer.error_code, "", None)];
    let resources = answer.config_resources.iter();
    rows.extend(resources.map(|r| format!("{} {}", r.resource_type, &*r.resource_name)));
    rows[1..].sort();
    rows
}

/// Topics as `NAME PARTITIONS REPLICATION_FACTOR | config=value | 0:1,2`: the last is an assignment.
async fn create(client: &mut RawClient, validate_only: bool, rest: &str) -> Vec<String> {
    use create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig};
    let topics = rest.split(" || ").map(|part| {
        let mut fields = part.split(" | ").map(str::trim);
        let head: Vec<&str> = fields.next().expect("a first part").split(' ').collect();
        let number = |at: usize| head.get(at).map_or(-1, |n| n.parse().expect("a number"));
        let mut topic = CreatableTopic::default()
            .with_name(topic_name(&head[0].replace("LONG", &"x".repeat(250))))
            .with_num_partitions(number(1))
            .with_replication_factor(number(2) as i16);
        for field in fields {
            match field.split_once(':') {
                Some((index, nodes)) if index.parse::<i32>().is_ok() => {
                    let assignment = CreatableReplicaAssignment::default()
                        .with_partition_index(index.parse().expect("a partition"))
                        .with_broker_ids(ids(nodes));
                    topic.assignments.push(assignment);
                }
                _ => {
                    let (name, value) = pair(field);
                    let config = CreatableTopicConfig::default().with_name(text(name));
                    topic.configs.push(config.with_value(value.map(text)));
                }
            }
        }
        topic
    });
    let request = CreateTopicsRequest::default()
        .with_topics(topics.collect())
        .with_timeout_ms(9_000)
        .with_validate_only(validate_only);
    let answer = client.call(7, &request).await;
    let mut rows = Vec::new();
    for topic in &answer.topics {
        let mut told = row(topic.error_code, &topic.name, topic.error_message.as_deref());
        if topic.error_code == 0 {
            let id = if topic.topic_id.is_nil() { "without id" } else { "with id" };
            let (count, factor) = (topic.num_partitions, topic.replication_factor);
            told.push_str(&format!(" {id} partitions {count} replicas {factor}"));
            for config in topic.configs.iter().flatten().filter(|c| c.config_source == 1) {
                let value = config.value.as_deref().unwrap_or("null");
                told.push_str(&format!(" {}={value}", &*config.name));
            }
        }
        rows.push(told);
    }
    rows.sort();
    rows
}

fn ids(text: &str) -> Vec<BrokerId> {
    let numbers = text.split(',').filter(|id| !id.is_empty());
    numbers.map(|id| BrokerId(id.parse().expect("a node id"))).collect()
}

/// Topics as `NAME COUNT | 1 | 1,2`: the latter are the nodes of each new partition; `none` alone
/// is an empty list of assignments.
async fn partitions(client: &mut RawClient, validate_only: bool, rest: &str) -> Vec<String> {
    use create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
    let topics = rest.split(" || ").map(|part| {
        let mut fields = part.split(" | ").map(str::trim);
        let head = fields.next().expect("a first part");
        let (name, count) = head.split_once(' ').expect("a name and a count");
        let nodes: Vec<&str> = fields.collect();
        let assigned = |nodes: &&str| match *nodes {
            "none" => None,
            nodes => Some(CreatePartitionsAssignment::default().with_broker_ids(ids(nodes))),
        };
        let assignments = nodes.iter().filter_map(assigned).collect();
        CreatePartitionsTopic::default()
            .with_name(topic_name(name))
            .with_count(count.parse().expect("a count"))
            .with_assignments((!nodes.is_empty()).then_some(assignments))
    });
    let request = CreatePartitionsRequest::default()
        .with_topics(topics.collect())
        .with_timeout_ms(9_000)
        .with_validate_only(validate_only);
    let answer = client.call(3, &request).await;
    let rows = answer.results.iter();
    let mut rows: Vec<String> =
        rows.map(|r| row(r.error_code, &r.name, r.error_message.as_deref())).collect();
    rows.sort();
    rows
}

async fn delete(client: &mut RawClient, rest: &str) -> Vec<String> {
    use delete_topics_request::DeleteTopicState;
    let names = rest.split(' ').map(|name| Some(topic_name(name)));
    let topics = names.map(|name| DeleteTopicState::default().with_name(name));
    let request =
        DeleteTopicsRequest::default().with_topics(topics.collect()).with_timeout_ms(9_000);
    let answer = client.call(6, &request).await;
    let rows = answer.responses.iter();
    rows.map(|r| row(r.error_code, "", r.error_message.as_deref())).collect()
}
