//! ListOffsets: the ends of a log, and records by their time.

use crate::common::batch::Batch;
use crate::common::client::{Place, RawClient, topic_name};
use crate::common::{Gateway, code};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest};
use tidegate_model::{ErrorCode, TopicId};

pub async fn list(
    client: &mut RawClient,
    version: i16,
    place: Place<'_>,
    timestamp: i64,
) -> (ErrorCode, i64, i64) {
    let partition = ListOffsetsPartition::default()
        .with_partition_index(place.partition)
        .with_current_leader_epoch(-1)
        .with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default()
        .with_name(topic_name(place.name))
        .with_partitions(vec![partition]);
    let mut request =
        ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
    if version >= 2 {
        request.isolation_level = 1;
    }
    let answer = client.call(version, &request).await;
    let told = &answer.topics[0].partitions[0];
    (code(told.error_code), told.offset, told.timestamp)
}

pub async fn filled(gateway: &Gateway, batches: &[&[i64]]) -> Place<'static> {
    let place = Place { name: "t", id: gateway.topic("t", 1).await, partition: 0 };
    let mut client = gateway.client().await;
    for times in batches {
        client.append(place, Batch::at_times(times)).await;
    }
    place
}

#[tokio::test]
async fn latest_and_earliest_are_the_ends_of_the_log() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[&[10, 20], &[30]]).await;
    let mut client = gateway.client().await;
    for version in 1..=10 {
        assert_eq!(list(&mut client, version, place, -1).await, (ErrorCode::None, 3, -1));
        assert_eq!(list(&mut client, version, place, -2).await, (ErrorCode::None, 0, -1));
    }
}

#[tokio::test]
async fn special_timestamps_are_answered_from_the_version_on_that_has_them() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[&[10, 90], &[30, 40]]).await;
    let mut client = gateway.client().await;
    for version in 1..=10 {
        for (special, since, offset, timestamp) in
            [(-3, 7, 1, 90), (-4, 8, 0, -1), (-5, 9, -1, -1), (-6, 99, 0, 0), (-99, 99, 0, 0)]
        {
            let told = list(&mut client, version, place, special).await;
            if version >= since {
                let expected = (ErrorCode::None, offset, timestamp);
                assert_eq!(told, expected, "v{version}, timestamp {special}");
            } else {
                let error = ErrorCode::UnsupportedVersion;
                assert_eq!(told.0, error, "v{version}, timestamp {special}");
            }
        }
    }
}

#[tokio::test]
async fn a_time_finds_the_first_record_at_or_after_it_though_times_go_back_and_forth() {
    let gateway = Gateway::start().await;
    let times: [&[i64]; 5] = [&[50, 10, 70], &[20], &[5, 5], &[100, 60, 110], &[30, 30]];
    let place = filled(&gateway, &times).await;
    let mut client = gateway.client().await;
    let flat: Vec<i64> = times.concat();
    for version in [1, 4, 7, 10] {
        for wanted in 0..=115 {
            let at = flat.iter().position(|time| *time >= wanted);
            let expected =
                at.map_or((ErrorCode::None, -1, -1), |at| (ErrorCode::None, at as i64, flat[at]));
            let told = list(&mut client, version, place, wanted).await;
            assert_eq!(told, expected, "v{version}, time {wanted}");
        }
    }
}

#[tokio::test]
async fn the_largest_timestamp_is_found_wherever_it_is() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[&[1, 2], &[5, 99, 7, 99], &[99], &[3]]).await;
    let mut client = gateway.client().await;
    for version in [7, 10] {
        assert_eq!(list(&mut client, version, place, -3).await, (ErrorCode::None, 3, 99));
    }
}

#[tokio::test]
async fn an_empty_partition_has_no_record_for_any_time() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[]).await;
    let mut client = gateway.client().await;
    for timestamp in [-3, 0, 5] {
        assert_eq!(list(&mut client, 10, place, timestamp).await, (ErrorCode::None, -1, -1));
    }
    assert_eq!(list(&mut client, 10, place, -1).await, (ErrorCode::None, 0, -1));
}

#[tokio::test]
async fn unknown_topics_and_partitions_get_a_row_with_an_error() {
    let gateway = Gateway::start().await;
    let place = filled(&gateway, &[]).await;
    let mut client = gateway.client().await;
    let missing = Place { name: "missing", id: TopicId::ZERO, partition: 0 };
    for place in [missing, Place { partition: 7, ..place }] {
        let (error, offset, timestamp) = list(&mut client, 10, place, -1).await;
        assert_eq!(error, ErrorCode::UnknownTopicOrPartition);
        assert_eq!((offset, timestamp), (-1, -1));
    }
}
