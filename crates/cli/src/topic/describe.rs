//! `tidegate topic describe`.

use super::find;
use crate::args::ConnectArgs;
use crate::client::{At, Client, Config, Offsets, Resource, Sizes, name_of};
use crate::failure::Failure;
use crate::outcome::failed;
use crate::output::{Table, number, print, print_json};
use kafka_protocol::messages::metadata_response::{
    MetadataResponsePartition, MetadataResponseTopic,
};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct DescribedTopic {
    topic: String,
    topic_id: String,
    internal: bool,
    partitions: Vec<DescribedPartition>,
    configs: Vec<Config>,
}

#[derive(Serialize)]
struct DescribedPartition {
    partition: i32,
    leader: i32,
    leader_epoch: i32,
    replicas: Vec<i32>,
    in_sync_replicas: Vec<i32>,
    start_offset: Option<i64>,
    end_offset: Option<i64>,
    size_bytes: Option<i64>,
}

/// What was asked about all topics together.
struct Asked {
    start: Offsets,
    end: Offsets,
    sizes: Sizes,
    configs: BTreeMap<String, Vec<Config>>,
}

/// Prints the topics that `names` are or describe. However many they are, each broker is asked once for
/// each kind of fact.
pub fn run(connect: &ConnectArgs, names: &[String], all_configs: bool) -> Result<(), Failure> {
    let mut client = Client::connect(connect)?;
    let (topics, missing) = find(&mut client, names)?;
    let count = topics.len() + missing.len();
    let mut failures: Vec<Failure> = missing.into_iter().map(|(_, failure)| failure).collect();
    let mut asked = Asked {
        start: client.offsets(&topics, At::Earliest)?,
        end: client.offsets(&topics, At::Latest)?,
        sizes: client.sizes(&topics)?,
        configs: BTreeMap::new(),
    };
    let resources: Vec<Resource> =
        topics.iter().map(|topic| Resource::topic(&name_of(topic))).collect();
    for (resource, configs) in client.describe_configs(&resources)? {
        match configs {
            Ok(mut configs) => {
                configs.retain(|config| all_configs || !config.is_default());
                asked.configs.insert(resource.name, configs);
            }
            Err(failure) => failures.push(failure),
        }
    }
    let described: Vec<DescribedTopic> =
        topics.iter().map(|topic| described(topic, &mut asked)).collect();
    if connect.json {
        print_json(&described)?;
    } else {
        let texts: Vec<String> = described.iter().map(rendered).collect();
        print(&texts.join("\n"))?;
    }
    failed(failures, count)
}

fn described(topic: &MetadataResponseTopic, asked: &mut Asked) -> DescribedTopic {
    let name = name_of(topic);
    let partition = |partition: &MetadataResponsePartition| {
        let key = (name.clone(), partition.partition_index);
        let nodes = |nodes: &[kafka_protocol::messages::BrokerId]| -> Vec<i32> {
            nodes.iter().map(|node| node.0).collect()
        };
        DescribedPartition {
            partition: partition.partition_index,
            leader: partition.leader_id.0,
            leader_epoch: partition.leader_epoch,
            replicas: nodes(&partition.replica_nodes),
            in_sync_replicas: nodes(&partition.isr_nodes),
            start_offset: asked.start.get(&key).map(|listed| listed.offset),
            end_offset: asked.end.get(&key).map(|listed| listed.offset),
            size_bytes: asked.sizes.get(&key).copied(),
        }
    };
    DescribedTopic {
        topic_id: topic.topic_id.to_string(),
        internal: topic.is_internal,
        partitions: topic.partitions.iter().map(partition).collect(),
        configs: asked.configs.remove(&name).unwrap_or_default(),
        topic: name,
    }
}

fn rendered(topic: &DescribedTopic) -> String {
    let mut table =
        Table::new(&["PARTITION", "LEADER", "EPOCH", "START", "END", "OFFSETS", "BYTES"]);
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
            number(partition.size_bytes),
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
