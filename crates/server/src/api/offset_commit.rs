//! OffsetCommit (key 8), v0-v10. The group decides whether the member may commit; the response waits
//! until the offsets are durable.
//!
//! Versions: v1 generation and member, v2 retention, v5 without it again, v6 leader epochs (KIP-320),
//! v7 static members (KIP-345), v9 GROUP_ID_NOT_FOUND (KIP-848), v10 topic ids. A partition that does
//! not exist is UNKNOWN_TOPIC_OR_PARTITION, as in Kafka; it stops none of the others.

use crate::api::groups::optional;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use std::sync::Arc;
use tidegate_broker::{Broker, Topic};
use tidegate_machine::group::{CommitIdentity, CommitOffsets, OffsetToCommit};
use tidegate_model::ErrorCode;
use tidegate_wire::WireError;
use tidegate_wire::offsets::{
    CommitTopic, CommittedTopic, OffsetCommitResponse, decode_offset_commit_request,
    encode_offset_commit_response,
};
use tracing::debug;

const TOPIC_IDS_SINCE: i16 = 10;

pub fn handle(client: &mut Client, request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded = decode_offset_commit_request(to.version, request.body)?;
    let broker = client.broker();
    let mut commit = CommitOffsets {
        identity: CommitIdentity {
            group_id: decoded.group_id.to_string(),
            member_id: decoded.member_id.to_string(),
            group_instance_id: optional(&decoded.group_instance_id),
            generation_id: decoded.generation_id,
            knows_group_id_not_found: to.version >= 9,
        },
        retention_time_ms: decoded.retention_time_ms,
        offsets: Vec::new(),
    };
    // Where in the response the code of each offset belongs.
    let mut places = Vec::new();
    let mut topics = Vec::with_capacity(decoded.topics.len());
    for topic in decoded.topics {
        let row = add_topic(broker, to.version, topic, topics.len(), &mut commit, &mut places);
        topics.push(row);
    }
    let mut response = OffsetCommitResponse { throttle_time_ms: 0, topics };
    let group_id = commit.identity.group_id.clone();
    let logged: Vec<_> = if tracing::enabled!(tracing::Level::DEBUG) {
        let offsets = commit.offsets.iter();
        offsets.map(|one| (one.topic.clone(), one.partition, one.offset)).collect()
    } else {
        Vec::new()
    };
    let pending = broker.groups().offsets().commit(commit);
    Ok(later(async move {
        let codes = match pending.await {
            Ok(codes) => codes,
            Err(error) => vec![error; places.len()],
        };
        for (topic, partition, offset) in &logged {
            let count = logged.len();
            debug!(group = group_id, topic, partition, offset, count, error = ?codes.first(), "offset commit");
        }
        for ((topic, partition), code) in places.into_iter().zip(codes) {
            response.topics[topic].partitions[partition].1 = code.code();
        }
        let (version, correlation_id) = (to.version, to.correlation_id);
        to.encoded(Ok(encode_offset_commit_response(version, correlation_id, &response)))
    }))
}

/// Adds the offsets of partitions that exist to `commit`, and a row for all of them.
fn add_topic(
    broker: &Arc<Broker>,
    version: i16,
    wanted: CommitTopic,
    row_index: usize,
    commit: &mut CommitOffsets,
    places: &mut Vec<(usize, usize)>,
) -> CommittedTopic {
    let by_id = version >= TOPIC_IDS_SINCE;
    let (topic, missing) = if by_id {
        (broker.topics().by_id(wanted.topic_id), ErrorCode::UnknownTopicId)
    } else {
        (broker.topics().by_name(&wanted.name), ErrorCode::UnknownTopicOrPartition)
    };
    let mut row = CommittedTopic {
        name: wanted.name,
        topic_id: wanted.topic_id,
        partitions: Vec::with_capacity(wanted.partitions.len()),
    };
    for partition in wanted.partitions {
        let topic: Result<&Arc<Topic>, ErrorCode> = topic.as_ref().ok_or(missing);
        let known = topic.and_then(|topic| match topic.partition(partition.index) {
            Some(_) => Ok(topic),
            None => Err(ErrorCode::UnknownTopicOrPartition),
        });
        match known {
            Ok(topic) => {
                places.push((row_index, row.partitions.len()));
                row.partitions.push((partition.index, ErrorCode::None.code()));
                commit.offsets.push(OffsetToCommit {
                    topic: topic.name.to_string(),
                    topic_id: topic.id,
                    partition: partition.index,
                    offset: partition.offset,
                    leader_epoch: partition.leader_epoch,
                    metadata: optional(&partition.metadata),
                });
            }
            Err(error) => row.partitions.push((partition.index, error.code())),
        }
    }
    row
}
