//! CreatePartitions (key 37), v0-v3. Each topic succeeds or fails on its own; the response waits
//! until the new partitions are durable, and they are usable with the next request.
//!
//! Versions: v2 flexible, v3 refusals by quota (KIP-599). More than 10,000 partitions in one
//! request are a POLICY_VIOLATION, where Kafka answers UNKNOWN_SERVER_ERROR without a word. Refused
//! is `__consumer_offsets`, whose number of partitions decides where groups are kept.

use crate::api::configs::strbytes;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse, TopicName};
use std::collections::HashSet;
use tidegate_machine::catalog::{CreatePartitions, MorePartitions};
use tidegate_wire::WireError;

/// From here on, partitions beyond the sender's quota are refused (KIP-599).
const STRICT_SINCE: i16 = 3;

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: CreatePartitionsRequest = request.decode()?;
    let names: Vec<TopicName> = decoded.topics.iter().map(|topic| topic.name.clone()).collect();
    let topics = decoded.topics.into_iter().map(wanted).collect();
    let wanted = CreatePartitions { topics, validate_only: decoded.validate_only };
    let broker = client.broker();
    let pending = match request.account.filter(|account| account.limits_mutations()) {
        None => broker.create_partitions(wanted),
        Some(account) => {
            let allow = &mut |partitions| account.charge_mutation(partitions, STRICT_SINCE);
            broker.create_partitions_within(wanted, allow)
        }
    };
    Ok(later(async move {
        let mut response = CreatePartitionsResponse::default();
        let mut answered = HashSet::new();
        for (name, failure) in names.into_iter().zip(pending.await) {
            // A name given twice is answered once, as Kafka does.
            if answered.insert(name.clone()) {
                let row = CreatePartitionsTopicResult::default()
                    .with_name(name)
                    .with_error_code(failure.error.code())
                    .with_error_message(failure.message.as_deref().map(strbytes));
                response.results.push(row);
            }
        }
        to.reply(&response)
    }))
}

fn wanted(topic: CreatePartitionsTopic) -> MorePartitions {
    let nodes = |assignments: Vec<_>| {
        let rows = assignments.into_iter();
        rows.map(|row: CreatePartitionsAssignment| row.broker_ids.iter().map(|id| id.0).collect())
            .collect()
    };
    MorePartitions {
        name: topic.name.to_string(),
        count: topic.count,
        assignments: topic.assignments.map(nodes),
    }
}
