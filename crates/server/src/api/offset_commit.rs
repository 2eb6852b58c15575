//! OffsetCommit (key 8), v0-v10. The group decides whether the member may commit; the response waits
//! until the offsets are durable.
//!
//! Versions: v1 generation and member, v2 retention, v5 without it again, v6 leader epochs (KIP-320),
//! v7 static members (KIP-345), v9 GROUP_ID_NOT_FOUND (KIP-848), v10 topic ids. A partition that does
//! not exist is UNKNOWN_TOPIC_OR_PARTITION, as in Kafka; it stops none of the others and stands before
//! them in the response. A topic without partitions is left out of it.

use crate::api::errors;
use crate::api::groups::optional;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::protocol::StrBytes;
use std::collections::HashMap;
use std::sync::Arc;
use tidegate_broker::{Broker, Topic};
use tidegate_machine::group::{CommitIdentity, CommitOffsets, OffsetToCommit};
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::WireError;
use tidegate_wire::offsets::{
    CommitTopic, CommittedTopic, OffsetCommitResponse, decode_offset_commit_request,
    encode_offset_commit_response,
};

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
    let mut refused = Rows::default();
    let mut taken = Vec::with_capacity(decoded.topics.len());
    for topic in decoded.topics {
        let row = add_topic(broker, to.version, topic, &mut commit, &mut refused);
        if !row.partitions.is_empty() {
            taken.push(row);
        }
    }
    let count = commit.offsets.len();
    let pending = broker.groups().offsets().commit(commit);
    Ok(later(async move {
        let codes = match pending.await {
            Ok(codes) => codes,
            Err(error) => vec![error; count],
        };
        let rows = taken.iter_mut().flat_map(|topic| &mut topic.partitions);
        for (row, code) in rows.zip(codes) {
            row.1 = code.code();
        }
        let response = OffsetCommitResponse { throttle_time_ms: 0, topics: refused.with(taken) };
        let (version, correlation_id) = (to.version, to.correlation_id);
        let encoded = encode_offset_commit_response(version, correlation_id, &response);
        to.encoded(Ok(encoded), errors::of_commit(&response))
    }))
}

/// Adds the offsets of partitions that exist to `commit` and the others to `refused`; the row of
/// those that exist.
fn add_topic(
    broker: &Arc<Broker>,
    version: i16,
    wanted: CommitTopic,
    commit: &mut CommitOffsets,
    refused: &mut Rows,
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
            Err(error) => refused.of(&row).partitions.push((partition.index, error.code())),
        }
    }
    row
}

/// Rows of a response, one for each topic, in order of appearance.
#[derive(Default)]
struct Rows {
    rows: Vec<CommittedTopic>,
    places: HashMap<(StrBytes, TopicId), usize>,
}

impl Rows {
    /// The row of the topic that `like` is of.
    fn of(&mut self, like: &CommittedTopic) -> &mut CommittedTopic {
        let (name, topic_id) = (like.name.clone(), like.topic_id);
        let place = *self.places.entry((name.clone(), topic_id)).or_insert_with(|| {
            self.rows.push(CommittedTopic { name, topic_id, partitions: Vec::new() });
            self.rows.len() - 1
        });
        &mut self.rows[place]
    }

    /// These rows and then `others`, each with the row of its topic if there is one.
    fn with(mut self, others: Vec<CommittedTopic>) -> Vec<CommittedTopic> {
        if self.rows.is_empty() {
            return others;
        }
        for other in others {
            self.of(&other).partitions.extend(other.partitions);
        }
        self.rows
    }
}
