//! DeleteRecords: logs begin later, and nothing below their start is ever told again.

use crate::common::batch::{Batch, log_records};
use crate::common::client::{Place, RawClient, fetch_request, topic_name};
use crate::common::{Gateway, code};
use crate::groups::coordinated;
use crate::offsets::{filled, list};
use kafka_protocol::messages::DeleteRecordsRequest;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{BrokerId, OffsetForLeaderEpochRequest};
use std::time::{Duration, Instant};
use tidegate_model::ErrorCode;

const ALL: i64 = -1;

/// One row of an answer: partition, error, low watermark.
type Row = (i32, ErrorCode, i64);

async fn delete_all(
    client: &mut RawClient,
    version: i16,
    wanted: &[(&str, &[(i32, i64)])],
) -> Vec<(String, Vec<Row>)> {
    let partition = |(index, offset): &(i32, i64)| {
        DeleteRecordsPartition::default().with_partition_index(*index).with_offset(*offset)
    };
    let topics = wanted.iter().map(|(name, partitions)| {
        DeleteRecordsTopic::default()
            .with_name(topic_name(name))
            .with_partitions(partitions.iter().map(partition).collect())
    });
    let request =
        DeleteRecordsRequest::default().with_topics(topics.collect()).with_timeout_ms(9_000);
    let answer = client.call(version, &request).await;
    let row =
        |row: &kafka_protocol::messages::delete_records_response::DeleteRecordsPartitionResult| {
            (row.partition_index, code(row.error_code), row.low_watermark)
        };
    let topics = answer.topics.iter();
    topics
        .map(|topic| (topic.name.to_string(), topic.partitions.iter().map(row).collect()))
        .collect()
}

/// Deletes in one partition; the error and the low watermark.
pub async fn delete(client: &mut RawClient, place: Place<'_>, before: i64) -> (ErrorCode, i64) {
    let rows = delete_all(client, 2, &[(place.name, &[(place.partition, before)])]).await;
    let (_, error, low_watermark) = rows[0].1[0];
    (error, low_watermark)
}

#[tokio::test]
async fn records_below_the_offset_are_gone_and_the_low_watermark_is_told() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[&[10, 11], &[12, 13], &[14, 15]]).await;
    let mut client = gateway.client().await;
    for (version, before) in [(0, 2), (1, 4), (2, 5)] {
        let told = delete_all(&mut client, version, &[("t", &[(0, before)])]).await;
        assert_eq!(told, [("t".to_owned(), vec![(0, ErrorCode::None, before)])], "v{version}");
        assert_eq!(list(&mut client, 10, place, -2).await, (ErrorCode::None, before, -1));
        assert_eq!(list(&mut client, 10, place, -4).await, (ErrorCode::None, before, -1));
        let below = client.read(18, place, before - 1).await;
        assert_eq!(code(below.error_code), ErrorCode::OffsetOutOfRange);
        let at = client.read(18, place, before).await;
        assert_eq!((code(at.error_code), at.log_start_offset), (ErrorCode::None, before));
    }
}

#[tokio::test]
async fn a_batch_that_reaches_over_the_log_start_is_returned_whole() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[&[10, 11, 12], &[13]]).await;
    let mut client = gateway.client().await;
    assert_eq!(delete(&mut client, place, 1).await, (ErrorCode::None, 1));
    let records = log_records(&client.read(18, place, 1).await.records);
    assert_eq!(records.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[tokio::test]
async fn an_offset_below_the_log_start_changes_nothing_and_is_no_error() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[&[10, 11, 12]]).await;
    let mut client = gateway.client().await;
    assert_eq!(delete(&mut client, place, 2).await, (ErrorCode::None, 2));
    for before in [0, 1, 2] {
        assert_eq!(delete(&mut client, place, before).await, (ErrorCode::None, 2));
    }
}

#[tokio::test]
async fn offsets_above_the_high_watermark_or_negative_are_out_of_range() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[&[10, 11, 12]]).await;
    let mut client = gateway.client().await;
    for before in [4, i64::MAX, -2, i64::MIN] {
        let refused = (ErrorCode::OffsetOutOfRange, -1);
        assert_eq!(delete(&mut client, place, before).await, refused, "{before}");
    }
    assert_eq!(list(&mut client, 10, place, -2).await.1, 0);
}

#[tokio::test]
async fn minus_one_empties_the_log_which_goes_on_at_its_end() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[&[10, 11, 12]]).await;
    let mut client = gateway.client().await;
    assert_eq!(delete(&mut client, place, ALL).await, (ErrorCode::None, 3));
    assert_eq!(delete(&mut client, place, ALL).await, (ErrorCode::None, 3));
    for (timestamp, offset) in [(-1, 3), (-2, 3), (-4, 3), (-3, -1), (0, -1)] {
        let told = list(&mut client, 10, place, timestamp).await;
        assert_eq!(told, (ErrorCode::None, offset, -1), "{timestamp}");
    }
    let end = client.read(18, place, 3).await;
    assert_eq!((code(end.error_code), end.high_watermark), (ErrorCode::None, 3));
    assert_eq!(client.append(place, Batch::of(&["next"])).await, 3);
    assert_eq!(log_records(&client.read(18, place, 3).await.records), [(3, "next".to_owned())]);
}

#[tokio::test]
async fn a_time_finds_no_record_below_the_log_start() {
    let gateway = Gateway::start().await;
    // The first batch holds the largest timestamps, and its end is what is left of it.
    let times: [&[i64]; 3] = [&[90, 99, 20, 30], &[25, 40], &[50, 10]];
    let place = filled(&gateway, &times).await;
    let flat: Vec<i64> = times.concat();
    let mut client = gateway.client().await;
    for start in 0..=8 {
        assert_eq!(delete(&mut client, place, start).await, (ErrorCode::None, start));
        let kept = || flat.iter().enumerate().skip(start as usize);
        for wanted in 0..=100 {
            let first = kept().find(|(_, time)| **time >= wanted);
            let expected = first.map_or((-1, -1), |(at, time)| (at as i64, *time));
            let (error, offset, timestamp) = list(&mut client, 10, place, wanted).await;
            assert_eq!(error, ErrorCode::None);
            assert_eq!((offset, timestamp), expected, "time {wanted} from {start} on");
        }
        let largest = kept().rev().max_by_key(|(_, time)| **time);
        let expected = largest.map_or((-1, -1), |(at, time)| (at as i64, *time));
        let (_, offset, timestamp) = list(&mut client, 10, place, -3).await;
        assert_eq!((offset, timestamp), expected, "largest from {start} on");
    }
}

#[tokio::test]
async fn each_partition_is_answered_once_and_fails_on_its_own() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[&[10, 11, 12]]).await;
    let mut client = gateway.client().await;
    drop(coordinated(&gateway).await);
    let told = delete_all(
        &mut client,
        2,
        &[
            ("t", &[(7, 0), (0, 1), (0, 2)]),
            ("missing", &[(0, 0)]),
            ("__consumer_offsets", &[(0, 0), (99, 0)]),
            ("__cluster_metadata", &[(0, ALL)]),
        ],
    )
    .await;
    let unknown = ErrorCode::UnknownTopicOrPartition;
    let named = |name: &str, rows: Vec<Row>| (name.to_owned(), rows);
    let expected = [
        named("__cluster_metadata", vec![(0, unknown, -1)]),
        named("__consumer_offsets", vec![(0, ErrorCode::InvalidTopic, -1), (99, unknown, -1)]),
        named("missing", vec![(0, unknown, -1)]),
        named("t", vec![(0, ErrorCode::None, 2), (7, unknown, -1)]),
    ];
    assert_eq!(told, expected);
    assert_eq!(list(&mut client, 10, place, -2).await.1, 2);
}

#[tokio::test]
async fn a_topic_that_is_only_compacted_violates_the_policy() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    for (name, policy, expected) in [
        ("compacted", "compact", (ErrorCode::PolicyViolation, -1)),
        ("both", "compact,delete", (ErrorCode::None, 1)),
        ("neither", "", (ErrorCode::None, 1)),
    ] {
        let id = gateway.topic_with(name, 1, &[("cleanup.policy", policy)]).await;
        let place = Place { name, id, partition: 0 };
        client.append(place, Batch::of_keys(&[Some(b"k"), Some(b"l")])).await;
        assert_eq!(delete(&mut client, place, 1).await, expected, "{policy}");
        // The policy is looked at first.
        let above = delete(&mut client, place, 3).await.0;
        let policy_first = expected.0 == ErrorCode::PolicyViolation;
        let expected =
            if policy_first { ErrorCode::PolicyViolation } else { ErrorCode::OffsetOutOfRange };
        assert_eq!(above, expected, "{policy}");
    }
}

#[tokio::test]
async fn a_waiting_fetch_below_the_new_log_start_is_answered_at_once() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[&[10, 11], &[12]]).await;
    let mut waiting = gateway.client().await;
    let mut request = fetch_request(&[(place, 1)]);
    (request.max_wait_ms, request.min_bytes) = (15_000, 1_000_000);
    let begun = Instant::now();
    let id = waiting.begin_fetch(17, &request).await;
    assert!(waiting.is_silent(Duration::from_millis(200)).await);
    let mut client = gateway.client().await;
    assert_eq!(delete(&mut client, place, 2).await, (ErrorCode::None, 2));
    let answer = waiting.end_fetch(17, id).await;
    let told = &answer.topics[0].partitions[0];
    assert_eq!(code(told.error_code), ErrorCode::OffsetOutOfRange);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_producer_goes_on_in_its_sequence_after_all_its_records_are_gone() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[]).await;
    let mut client = gateway.client().await;
    let batch = |sequence| Batch::of(&["v"]).by(77, 0, sequence);
    for sequence in 0..3 {
        client.append(place, batch(sequence)).await;
    }
    assert_eq!(delete(&mut client, place, ALL).await, (ErrorCode::None, 3));
    assert_eq!(client.append(place, batch(2)).await, 2, "a repetition keeps its offset");
    let gap = client.produce(9, place, batch(9)).await;
    assert_eq!(code(gap.error_code), ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(client.append(place, batch(3)).await, 3);
}

#[tokio::test]
async fn the_epoch_history_is_told_from_the_log_start_on() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[&[10, 11], &[12]]).await;
    let mut client = gateway.client().await;
    assert_eq!(delete(&mut client, place, 2).await, (ErrorCode::None, 2));
    let partition = gateway.broker.topics().by_name("t").expect("it exists").partitions[0].clone();
    let epochs = partition.log().epochs();
    assert_eq!(epochs.iter().map(|start| start.start_offset).collect::<Vec<_>>(), [2]);
    let asked = OffsetForLeaderPartition::default()
        .with_partition(0)
        .with_current_leader_epoch(-1)
        .with_leader_epoch(partition.leader_epoch());
    let topic =
        OffsetForLeaderTopic::default().with_topic(topic_name("t")).with_partitions(vec![asked]);
    let request = OffsetForLeaderEpochRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![topic]);
    let answer = client.call(4, &request).await;
    assert_eq!(answer.topics[0].partitions[0].end_offset, 3);
}
