//! ListOffsets (key 2), v1-v10. Timestamps: -1 latest, -2 earliest, -3 the record with the largest
//! timestamp (v7), -4 earliest local (v8), -5 latest tiered (v9, none here), -6 earliest pending
//! upload (v11 and later only).
//!
//! Latest is the last stable offset for `read_committed`, else the high watermark. A timestamp after
//! the last record gives offset -1. Versions: v4 leader epochs (KIP-320).

use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::messages::{
    ListOffsetsRequest, ListOffsetsResponse, TopicName,
    list_offsets_request::ListOffsetsPartition,
    list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
};
use std::collections::HashMap;
use std::sync::Arc;
use tidegate_broker::{Broker, Partition, check_leader_epoch};
use tidegate_log::LogError;
use tidegate_model::{ErrorCode, LeaderEpoch, Offset, TimestampMs};
use tidegate_wire::WireError;
use tracing::error;

const LATEST: TimestampMs = -1;
const EARLIEST: TimestampMs = -2;
const MAX_TIMESTAMP: TimestampMs = -3;
const EARLIEST_LOCAL: TimestampMs = -4;
const LATEST_TIERED: TimestampMs = -5;

/// What a special timestamp needs at least (`ListOffsetsRequest.json`).
const SPECIAL_SINCE: [(TimestampMs, i16); 3] =
    [(MAX_TIMESTAMP, 7), (EARLIEST_LOCAL, 8), (LATEST_TIERED, 9)];

pub fn handle(client: &mut Client, mut request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded: ListOffsetsRequest = request.decode()?;
    let broker = client.broker().clone();
    Ok(later(async move {
        let read_committed = decoded.isolation_level == 1;
        let mut response = ListOffsetsResponse::default();
        let mut asked = asked(&decoded);
        for topic in decoded.topics {
            let mut answers = Vec::with_capacity(topic.partitions.len());
            for partition in &topic.partitions {
                let found = match asked.remove(&(topic.name.clone(), partition.partition_index)) {
                    Some(1) => {
                        list(&broker, &topic.name, partition, to.version, read_committed).await
                    }
                    Some(_) => Err(ErrorCode::InvalidRequest),
                    None => continue,
                };
                answers.push(answer(partition.partition_index, to.version, found));
            }
            // A topic without partitions gets no row in Kafka's answers either.
            if answers.is_empty() {
                continue;
            }
            response.topics.push(
                ListOffsetsTopicResponse::default().with_name(topic.name).with_partitions(answers),
            );
        }
        to.reply(&response)
    }))
}

/// How often the request names each partition. One that is named twice is refused, once.
fn asked(request: &ListOffsetsRequest) -> HashMap<(TopicName, i32), usize> {
    let mut asked = HashMap::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            *asked.entry((topic.name.clone(), partition.partition_index)).or_default() += 1;
        }
    }
    asked
}

type Found = Result<(TimestampMs, Offset, LeaderEpoch), ErrorCode>;

fn answer(index: i32, version: i16, found: Found) -> ListOffsetsPartitionResponse {
    let (error, (timestamp, offset, epoch)) = match found {
        Ok(found) => (ErrorCode::None, found),
        Err(error) => (error, (-1, -1, -1)),
    };
    let answer = ListOffsetsPartitionResponse::default()
        .with_partition_index(index)
        .with_error_code(error.code())
        .with_timestamp(timestamp)
        .with_offset(offset);
    if version >= 4 { answer.with_leader_epoch(epoch) } else { answer }
}

async fn list(
    broker: &Arc<Broker>,
    topic: &str,
    request: &ListOffsetsPartition,
    version: i16,
    read_committed: bool,
) -> Found {
    let topic = broker.topics().by_name(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let partition =
        topic.partition(request.partition_index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    check_leader_epoch(partition, request.current_leader_epoch)?;
    let needs = SPECIAL_SINCE.iter().find(|(special, _)| *special == request.timestamp);
    if needs.is_some_and(|(_, since)| version < *since) || request.timestamp < LATEST_TIERED {
        return Err(ErrorCode::UnsupportedVersion);
    }
    let bounds = partition.bounds();
    let upper = if read_committed { bounds.last_stable_offset } else { bounds.high_watermark };
    let epoch = partition.leader_epoch();
    match request.timestamp {
        LATEST => Ok((-1, upper, epoch)),
        EARLIEST | EARLIEST_LOCAL => Ok((-1, bounds.log_start_offset, first_epoch(partition))),
        LATEST_TIERED => Ok((-1, -1, -1)),
        MAX_TIMESTAMP => found(partition.offset_of_max_timestamp(upper).await),
        at => found(partition.offset_for_timestamp(at, upper).await),
    }
}

fn first_epoch(partition: &Partition) -> LeaderEpoch {
    let first = partition.log().epochs().first().map(|start| start.leader_epoch);
    first.unwrap_or(partition.leader_epoch())
}

fn found(result: Result<Option<tidegate_broker::TimestampedOffset>, LogError>) -> Found {
    match result {
        Ok(Some(found)) => Ok((found.timestamp, found.offset, found.leader_epoch)),
        Ok(None) => Ok((-1, -1, -1)),
        Err(error) => {
            error!(target: "tidegate::request", %error, "timestamp lookup failed");
            Err(ErrorCode::KafkaStorageError)
        }
    }
}
