//! CreateTopics (key 19), v2-v7. Each topic succeeds or fails on its own; the response waits until
//! those created are durable, and they are usable with the next request.
//!
//! -1 stands for `num.partitions` and `default.replication.factor` (KIP-464, v4). Versions: v5
//! returns partitions and configs (KIP-525), v6 refusals by quota (KIP-599), v7 topic ids (KIP-516). Omitted: a policy of the
//! operator's own (`create.topic.policy.class.name`), which is a Java class.

use crate::api::configs::{sentence, strbytes};
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, TopicName};
use std::collections::HashSet;
use tidegate_broker::{Broker, CreateTopic, CreatedTopic};
use tidegate_wire::WireError;

/// From here on, topics beyond the sender's quota are refused (KIP-599).
const STRICT_SINCE: i16 = 6;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: CreateTopicsRequest = request.decode()?;
    let broker = client.broker().clone();
    let names: Vec<TopicName> = decoded.topics.iter().map(|topic| topic.name.clone()).collect();
    let wanted = decoded.topics.into_iter().map(wanted).collect();
    let pending = match request.account.filter(|account| account.limits_mutations()) {
        None => broker.create_topics(wanted, decoded.validate_only),
        Some(account) => {
            let allow = &mut |partitions| account.charge_mutation(partitions, STRICT_SINCE);
            broker.create_topics_within(wanted, decoded.validate_only, allow)
        }
    };
    Ok(later(async move {
        let mut response = CreateTopicsResponse::default();
        let mut answered = HashSet::new();
        for (name, outcome) in names.into_iter().zip(pending.await) {
            // A name given twice is answered once, as Kafka does.
            if !answered.insert(name.clone()) {
                continue;
            }
            // The library's default is empty text.
            let row = CreatableTopicResult::default().with_name(name).with_error_message(None);
            response.topics.push(match outcome {
                Ok(created) => created_row(&broker, row, created, to.version),
                Err((error, message)) => row
                    .with_error_code(error.code())
                    .with_error_message(sentence(&message))
                    .with_num_partitions(-1)
                    .with_replication_factor(-1)
                    .with_configs(if to.version >= 5 { Some(Vec::new()) } else { None }),
            });
        }
        to.reply(&response)
    }))
}

fn wanted(topic: CreatableTopic) -> CreateTopic {
    CreateTopic {
        name: topic.name.to_string(),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic
            .assignments
            .into_iter()
            .map(|row| (row.partition_index, row.broker_ids.iter().map(|id| id.0).collect()))
            .collect(),
        configs: topic
            .configs
            .into_iter()
            .map(|config| (config.name.to_string(), config.value.map(|value| value.to_string())))
            .collect(),
    }
}

fn created_row(
    broker: &Broker,
    row: CreatableTopicResult,
    created: CreatedTopic,
    version: i16,
) -> CreatableTopicResult {
    if version < 5 {
        return row;
    }
    let configs = broker.describe_topic_configs(&created.configs, None, false, false);
    let configs = configs
        .into_iter()
        .map(|config| {
            // Kafka's controller tells what was set as it was written.
            let value = created.configs.get(&*config.name).or(config.value.as_ref());
            CreatableTopicConfigs::default()
                .with_name(strbytes(&config.name))
                .with_value(value.map(|value| strbytes(value)))
                .with_read_only(config.read_only)
                .with_config_source(config.source.id())
                .with_is_sensitive(config.is_sensitive)
        })
        .collect();
    let row = row
        .with_num_partitions(created.partitions)
        .with_replication_factor(created.replication_factor)
        .with_configs(Some(configs));
    if version >= 7 { row.with_topic_id(created.id.0) } else { row }
}
