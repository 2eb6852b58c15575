//! OffsetFetch (key 9), v0-v10. What a group committed, after it is durable.
//!
//! An offset that was never committed is -1 without an error. Versions: v2 null topics for all of
//! them and a top-level error, v5 leader epochs, v7 `require_stable` (without transactions every
//! offset is), v8 many groups (KIP-709), v9 member id and epoch (KIP-848), v10 topic ids.

use crate::api::errors;
use crate::api::request::{Client, Request, later};
use crate::net::connection::Reply;
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate_broker::{Broker, Committed};
use tidegate_log::BoxFuture;
use tidegate_machine::group::OffsetAndMetadata;
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::WireError;
use tidegate_wire::offsets::{
    FetchGroup, FetchTopic, FetchedGroup, FetchedOffset, FetchedTopic, OffsetFetchResponse,
    decode_offset_fetch_request, encode_offset_fetch_response,
};

const TOPIC_IDS_SINCE: i16 = 10;
const TOP_LEVEL_ERROR_SINCE: i16 = 2;

type Fetching = BoxFuture<Result<Vec<Committed>, ErrorCode>>;

pub fn handle(client: &mut Client, request: Request) -> Result<Reply, WireError> {
    let to = request.response_to();
    let decoded = decode_offset_fetch_request(to.version, request.body)?;
    let broker = client.broker().clone();
    let by_id = to.version >= TOPIC_IDS_SINCE;
    let mut groups: Vec<(FetchGroup, Fetching)> = Vec::with_capacity(decoded.groups.len());
    for mut group in decoded.groups {
        if by_id {
            name_topics(&broker, &mut group);
        }
        let wanted = group.topics.as_ref().map(|topics| {
            let partitions = topics.iter().flat_map(|topic| {
                topic.partitions.iter().map(|index| (topic.name.to_string(), *index))
            });
            partitions.collect()
        });
        let fetching = broker.groups().offsets().fetch(&group.group_id, wanted);
        groups.push((group, fetching));
    }
    Ok(later(async move {
        let mut response = OffsetFetchResponse::default();
        for (group, fetching) in groups {
            response.groups.push(answer(&broker, to.version, group, fetching.await));
        }
        let (version, correlation_id) = (to.version, to.correlation_id);
        let encoded = encode_offset_fetch_response(version, correlation_id, &response);
        to.encoded(Ok(encoded), errors::of_offset_fetch(&response))
    }))
}

/// Gives topics that came by id the names under which offsets are kept; unknown ones keep none.
fn name_topics(broker: &Arc<Broker>, group: &mut FetchGroup) {
    for topic in group.topics.iter_mut().flatten() {
        if let Some(known) = broker.topics().by_id(topic.topic_id) {
            topic.name = StrBytes::from_string(known.name.to_string());
        }
    }
}

fn answer(
    broker: &Arc<Broker>,
    version: i16,
    group: FetchGroup,
    fetched: Result<Vec<Committed>, ErrorCode>,
) -> FetchedGroup {
    let mut committed = match fetched {
        Ok(committed) => committed,
        Err(error) => return failed(version, group, error),
    };
    // A storage that was away when a topic was deleted has its offsets still: they are not those of a
    // newer topic of the name.
    committed.retain(|(topic, _, value)| {
        let known = broker.topics().by_name(topic);
        value.topic_id == TopicId::ZERO || known.is_none_or(|known| known.id == value.topic_id)
    });
    let by_place: BTreeMap<(String, i32), OffsetAndMetadata> = committed
        .into_iter()
        .map(|(topic, partition, value)| ((topic, partition), value))
        .collect();
    let topics = match group.topics {
        Some(topics) => {
            // As in Kafka, topics of unknown ids come last.
            let (unknown, known): (Vec<_>, Vec<_>) =
                topics.into_iter().partition(|topic| is_unknown(version, topic));
            let topics = known.into_iter().chain(unknown);
            topics.map(|topic| wanted_row(version, topic, &by_place)).collect()
        }
        None => all_rows(broker, version, by_place),
    };
    FetchedGroup { group_id: group.group_id, error_code: 0, topics }
}

/// Before version 2 there is no place for an error but each partition.
fn failed(version: i16, group: FetchGroup, error: ErrorCode) -> FetchedGroup {
    let mut row =
        FetchedGroup { group_id: group.group_id, error_code: error.code(), topics: Vec::new() };
    if version < TOP_LEVEL_ERROR_SINCE {
        row.topics = group
            .topics
            .unwrap_or_default()
            .into_iter()
            .map(|topic| FetchedTopic {
                name: topic.name,
                topic_id: topic.topic_id,
                partitions: topic.partitions.iter().map(|index| none(*index, error)).collect(),
            })
            .collect();
    }
    row
}

/// True if the id of the topic named none.
fn is_unknown(version: i16, topic: &FetchTopic) -> bool {
    version >= TOPIC_IDS_SINCE && topic.name.is_empty()
}

fn wanted_row(
    version: i16,
    topic: FetchTopic,
    committed: &BTreeMap<(String, i32), OffsetAndMetadata>,
) -> FetchedTopic {
    let partitions = topic.partitions.iter().map(|index| {
        if is_unknown(version, &topic) {
            return none(*index, ErrorCode::UnknownTopicId);
        }
        match committed.get(&(topic.name.to_string(), *index)) {
            Some(value) => found(*index, value.clone()),
            None => none(*index, ErrorCode::None),
        }
    });
    let partitions = partitions.collect();
    FetchedTopic { name: topic.name, topic_id: topic.topic_id, partitions }
}

fn all_rows(
    broker: &Arc<Broker>,
    version: i16,
    committed: BTreeMap<(String, i32), OffsetAndMetadata>,
) -> Vec<FetchedTopic> {
    let mut rows: Vec<FetchedTopic> = Vec::new();
    for ((name, index), value) in committed {
        if rows.last().is_none_or(|row| *row.name != *name) {
            let known = broker.topics().by_name(&name);
            // A topic that is gone has no id to answer by.
            if version >= TOPIC_IDS_SINCE && known.is_none() {
                continue;
            }
            rows.push(FetchedTopic {
                topic_id: known.map_or(TopicId::ZERO, |known| known.id),
                name: StrBytes::from_string(name),
                partitions: Vec::new(),
            });
        }
        if let Some(row) = rows.last_mut() {
            row.partitions.push(found(index, value));
        }
    }
    rows
}

fn found(index: i32, value: OffsetAndMetadata) -> FetchedOffset {
    FetchedOffset {
        index,
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: Some(StrBytes::from_string(value.metadata)),
        error_code: 0,
    }
}

fn none(index: i32, error: ErrorCode) -> FetchedOffset {
    FetchedOffset {
        index,
        offset: -1,
        leader_epoch: -1,
        metadata: Some(StrBytes::default()),
        error_code: error.code(),
    }
}
