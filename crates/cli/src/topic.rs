//! `tidegate topic`: list, describe, create and delete topics.

use crate::args::{ConnectArgs, TopicCommand};
use crate::client::{Client, EARLIEST, LATEST, check, name_of, text};
use crate::failure::Failure;
use crate::output::{Table, print, print_json};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use kafka_protocol::messages::{
    CreateTopicsRequest, DeleteTopicsRequest, DescribeConfigsRequest, TopicName,
};
use serde::Serialize;
use std::collections::BTreeMap;
use tidegate_model::ErrorCode;

/// Runs one of the commands.
pub fn run(command: TopicCommand) -> Result<(), Failure> {
    match command {
        TopicCommand::List { internal, connect } => list(&connect, internal),
        TopicCommand::Describe { topic, all_configs, connect } => {
            describe(&connect, &topic, all_configs)
        }
        TopicCommand::Create { topic, partitions, config, if_not_exists, connect } => {
            create(&connect, &topic, partitions, &config, if_not_exists)
        }
        TopicCommand::Delete { topics, connect } => delete(&connect, &topics),
    }
}

#[derive(Serialize)]
struct ListedTopic {
    topic: String,
    topic_id: String,
    partitions: usize,
    internal: bool,
}

fn list(connect: &ConnectArgs, internal: bool) -> Result<(), Failure> {
    let mut topics: Vec<ListedTopic> = Client::connect(connect)?
        .topics(None)?
        .iter()
        .map(|topic| ListedTopic {
            topic: name_of(topic),
            topic_id: topic.topic_id.to_string(),
            partitions: topic.partitions.len(),
            internal: topic.is_internal,
        })
        .collect();
    topics.retain(|topic| internal || !topic.internal);
    if connect.json {
        return print_json(&topics);
    }
    let mut table = Table::new(&["TOPIC", "PARTITIONS", "ID"]);
    for topic in topics {
        table.row([topic.topic, topic.partitions.to_string(), topic.topic_id]);
    }
    print(&table.render())
}

#[derive(Serialize)]
struct DescribedTopic {
    topic: String,
    topic_id: String,
    internal: bool,
    partitions: Vec<DescribedPartition>,
    configs: Vec<DescribedConfig>,
}

#[derive(Serialize)]
struct DescribedPartition {
    partition: i32,
    leader: i32,
    leader_epoch: i32,
    replicas: Vec<i32>,
    start_offset: Option<i64>,
    end_offset: Option<i64>,
}

#[derive(Serialize)]
struct DescribedConfig {
    name: String,
    value: Option<String>,
    source: &'static str,
}

fn describe(connect: &ConnectArgs, name: &str, all_configs: bool) -> Result<(), Failure> {
    let mut client = Client::connect(connect)?;
    let topic = client.topic(name)?;
    let topics = std::slice::from_ref(&topic);
    let start = client.offsets(topics, EARLIEST)?;
    let end = client.offsets(topics, LATEST)?;
    let at =
        |offsets: &BTreeMap<_, i64>, partition| offsets.get(&(name.to_owned(), partition)).copied();
    let mut partitions: Vec<DescribedPartition> = topic
        .partitions
        .iter()
        .map(|partition| DescribedPartition {
            partition: partition.partition_index,
            leader: partition.leader_id.0,
            leader_epoch: partition.leader_epoch,
            replicas: partition.replica_nodes.iter().map(|node| node.0).collect(),
            start_offset: at(&start, partition.partition_index),
            end_offset: at(&end, partition.partition_index),
        })
        .collect();
    partitions.sort_by_key(|partition| partition.partition);
    let described = DescribedTopic {
        topic: name.to_owned(),
        topic_id: topic.topic_id.to_string(),
        internal: topic.is_internal,
        partitions,
        configs: configs(&mut client, name, all_configs)?,
    };
    if connect.json { print_json(&described) } else { print(&rendered(&described)) }
}

fn rendered(topic: &DescribedTopic) -> String {
    let mut table = Table::new(&["PARTITION", "LEADER", "EPOCH", "START", "END", "OFFSETS"]);
    let number = |value: Option<i64>| value.map_or("-".to_owned(), |value| value.to_string());
    for partition in &topic.partitions {
        let offsets = match (partition.start_offset, partition.end_offset) {
            (Some(start), Some(end)) => Some(end - start),
            _ => None,
        };
        table.row([
            partition.partition.to_string(),
            partition.leader.to_string(),
            partition.leader_epoch.to_string(),
            number(partition.start_offset),
            number(partition.end_offset),
            number(offsets),
        ]);
    }
    let mut configs = Table::new(&["CONFIG", "VALUE", "SOURCE"]);
    for config in &topic.configs {
        let value = config.value.clone().unwrap_or_default();
        configs.row([config.name.clone(), value, config.source.to_owned()]);
    }
    let configs = match topic.configs.is_empty() {
        true => "all configs are defaults\n".to_owned(),
        false => configs.render(),
    };
    format!("{}  {}\n\n{}\n{configs}", topic.topic, topic.topic_id, table.render())
}

/// DescribeConfigs' resource type of a topic.
const TOPIC_RESOURCE: i8 = 2;
/// DescribeConfigs' source of a value that nobody set.
const DEFAULT_SOURCE: i8 = 5;

fn configs(
    client: &mut Client,
    topic: &str,
    all_configs: bool,
) -> Result<Vec<DescribedConfig>, Failure> {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC_RESOURCE)
        .with_resource_name(text(topic))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let mut described = Vec::new();
    for result in client.ask(&request, 4)?.results {
        let message = result.error_message.as_deref();
        check(result.error_code, message, || format!("the configs of topic {topic}"))?;
        let told = |config: &DescribeConfigsResourceResult| {
            all_configs || config.config_source != DEFAULT_SOURCE
        };
        described.extend(result.configs.into_iter().filter(told).map(|config| DescribedConfig {
            name: config.name.to_string(),
            value: config.value.map(|value| value.to_string()),
            source: source_name(config.config_source),
        }));
    }
    described.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(described)
}

fn source_name(source: i8) -> &'static str {
    match source {
        1 => "topic",
        2 => "broker, while running",
        3 => "cluster, while running",
        4 => "broker's settings",
        DEFAULT_SOURCE => "default",
        _ => "unknown",
    }
}

#[derive(Serialize)]
struct Done<'a> {
    name: &'a str,
    done: bool,
    error: Option<String>,
}

fn create(
    connect: &ConnectArgs,
    name: &str,
    partitions: Option<i32>,
    configs: &[String],
    if_not_exists: bool,
) -> Result<(), Failure> {
    let configs = configs.iter().map(|config| match config.split_once('=') {
        Some((name, value)) => Ok(CreatableTopicConfig::default()
            .with_name(text(name.trim()))
            .with_value(Some(text(value)))),
        None => Err(Failure::Usage(format!("--config {config:?}: it takes NAME=VALUE"))),
    });
    let topic = CreatableTopic::default()
        .with_name(TopicName(text(name)))
        .with_num_partitions(partitions.unwrap_or(-1))
        .with_replication_factor(-1)
        .with_configs(configs.collect::<Result<_, _>>()?);
    let request = CreateTopicsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(timeout_ms(connect));
    let response = Client::connect(connect)?.ask(&request, 7)?;
    let Some(result) = response.topics.first() else {
        return Err(Failure::Failed(format!(
            "topic {name}: the broker did not say what came of it"
        )));
    };
    let existed = result.error_code == ErrorCode::TopicAlreadyExists.code();
    if !(existed && if_not_exists) {
        let message = result.error_message.as_deref();
        check(result.error_code, message, || format!("topic {name} was not created"))?;
    }
    if connect.json {
        return print_json(&Done { name, done: !existed, error: None });
    }
    print(&match (existed, result.num_partitions) {
        (true, _) => format!("topic {name} exists already\n"),
        (false, 1) => format!("created topic {name} with 1 partition\n"),
        (false, count) if count > 1 => format!("created topic {name} with {count} partitions\n"),
        (false, _) => format!("created topic {name}\n"),
    })
}

fn delete(connect: &ConnectArgs, names: &[String]) -> Result<(), Failure> {
    let names: Vec<TopicName> = names.iter().map(|name| TopicName(text(name))).collect();
    let request =
        DeleteTopicsRequest::default().with_topic_names(names).with_timeout_ms(timeout_ms(connect));
    // From version 6 on topics go by another field, which only adds deletion by id.
    let response = Client::connect(connect)?.ask(&request, 5)?;
    let results = response.responses.iter().map(|result| {
        let name = result.name.as_ref().map(|name| name.to_string()).unwrap_or_default();
        let message = result.error_message.as_deref();
        let what = format!("topic {name} was not deleted");
        (name, check(result.error_code, message, || what))
    });
    report(connect, "topic", results.collect())
}

/// Prints what came of deleting several things, and fails if one of them stayed.
pub fn report(
    connect: &ConnectArgs,
    kind: &str,
    results: Vec<(String, Result<(), Failure>)>,
) -> Result<(), Failure> {
    if connect.json {
        let done: Vec<Done> = results
            .iter()
            .map(|(name, result)| Done {
                name,
                done: result.is_ok(),
                error: result.as_ref().err().map(ToString::to_string),
            })
            .collect();
        print_json(&done)?;
    } else {
        for (name, _) in results.iter().filter(|(_, result)| result.is_ok()) {
            print(&format!("deleted {kind} {name}\n"))?;
        }
    }
    let failures: Vec<String> = results
        .into_iter()
        .filter_map(|(_, result)| result.err().map(|failure| failure.to_string()))
        .collect();
    if failures.is_empty() { Ok(()) } else { Err(Failure::Failed(failures.join("\n          "))) }
}

fn timeout_ms(connect: &ConnectArgs) -> i32 {
    i32::try_from(connect.timeout * 1000).expect("the flag takes an hour at most")
}
