//! Fetch: limits, waiting, offsets out of range, epochs, topic ids.

use crate::common::batch::Batch;
use crate::common::batch::{headers, log_records};
use crate::common::client::{Place, RawClient, fetch_request, topic_name};
use crate::common::{Gateway, code};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{DeleteTopicsRequest, OffsetForLeaderEpochRequest};
use std::time::{Duration, Instant};
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::fetch::FetchRequest;

/// The lowest and the highest version and those at which something changes.
const VERSIONS: [i16; 10] = [4, 5, 7, 9, 11, 12, 13, 15, 17, 18];

async fn one_topic(gateway: &Gateway, partitions: i32) -> Place<'static> {
    Place { name: "t", id: gateway.topic("t", partitions).await, partition: 0 }
}

pub async fn delete_topic(client: &mut RawClient, name: &str) {
    let state = DeleteTopicState::default().with_name(Some(topic_name(name)));
    let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(9_000);
    let answer = client.call(6, &request).await;
    assert_eq!(code(answer.responses[0].error_code), ErrorCode::None);
}

#[tokio::test]
async fn an_offset_inside_a_batch_returns_the_whole_batch() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 1).await;
    let mut client = gateway.client().await;
    client.append(place, Batch::of(&["a", "b", "c"])).await;
    client.append(place, Batch::of(&["d", "e"])).await;
    for version in VERSIONS {
        for offset in 0..3 {
            let records = log_records(&client.read(version, place, offset).await.records);
            assert_eq!(records[0].0, 0, "v{version}, offset {offset}");
            assert_eq!(records.len(), 5);
        }
        for offset in 3..5 {
            let records = log_records(&client.read(version, place, offset).await.records);
            assert_eq!(records, [(3, "d".to_owned()), (4, "e".to_owned())]);
        }
    }
}

#[tokio::test]
async fn one_batch_is_returned_whatever_the_limits_but_only_one() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 2).await;
    let other = Place { partition: 1, ..place };
    let mut client = gateway.client().await;
    for place in [place, other] {
        client.append(place, Batch::of_len(5_000)).await;
        client.append(place, Batch::of_len(5_000)).await;
    }
    for version in VERSIONS {
        for (request_max, partition_max) in [(1, i32::MAX), (i32::MAX, 1), (1, 1), (0, 0)] {
            let mut request = fetch_request(&[(place, 0), (other, 0)]);
            request.max_bytes = request_max;
            request.topics[0].partitions.iter_mut().for_each(|p| p.max_bytes = partition_max);
            let answer = client.fetch(version, &request).await;
            let batches: Vec<_> =
                answer.topics[0].partitions.iter().map(|p| headers(&p.records).len()).collect();
            assert_eq!(batches, [1, 0], "v{version}, limits {request_max} and {partition_max}");
        }
    }
}

#[tokio::test]
async fn limits_of_request_and_partition_are_kept_by_whole_batches() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 2).await;
    let other = Place { partition: 1, ..place };
    let mut client = gateway.client().await;
    let len = Batch::of_len(1_000).len() as i32;
    for place in [place, other] {
        for _ in 0..5 {
            client.append(place, Batch::of_len(1_000)).await;
        }
    }
    let mut request = fetch_request(&[(place, 0), (other, 0)]);
    request.topics[0].partitions.iter_mut().for_each(|p| p.max_bytes = 2 * len + 10);
    let answer = client.fetch(12, &request).await;
    for partition in &answer.topics[0].partitions {
        assert_eq!(headers(&partition.records).len(), 2);
    }
    request.max_bytes = 3 * len;
    let answer = client.fetch(12, &request).await;
    let batches: Vec<_> =
        answer.topics[0].partitions.iter().map(|p| headers(&p.records).len()).collect();
    assert_eq!(batches, [2, 1], "the request's limit counts over all partitions");
}

#[tokio::test]
async fn a_waiting_fetch_is_woken_by_an_append_and_not_by_its_deadline() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 1).await;
    let mut reader = gateway.client().await;
    let mut writer = gateway.client().await;
    let mut took = Vec::new();
    for offset in 0..20 {
        let mut request = fetch_request(&[(place, offset)]);
        (request.min_bytes, request.max_wait_ms) = (1, 15_000);
        let id = reader.begin_fetch(12, &request).await;
        assert!(reader.is_silent(Duration::from_millis(10)).await, "there is nothing yet");
        let started = Instant::now();
        writer.append(place, Batch::of(&["v"])).await;
        let answer = reader.end_fetch(12, id).await;
        took.push(started.elapsed());
        assert_eq!(log_records(&answer.topics[0].partitions[0].records).len(), 1);
    }
    // A sync of the disk is in it, so the bound is no more than what tells a wake-up from the deadline.
    let slowest = took.iter().max().expect("there were twenty");
    assert!(*slowest < Duration::from_secs(14), "none waits for the deadline: {slowest:?}");
}

#[tokio::test]
async fn a_waiting_fetch_is_not_answered_before_min_bytes_are_there() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 2).await;
    let other = Place { partition: 1, ..place };
    let mut reader = gateway.client().await;
    let mut writer = gateway.client().await;
    let len = Batch::of_len(1_000).len() as i32;
    let mut request = fetch_request(&[(place, 0), (other, 0)]);
    (request.min_bytes, request.max_wait_ms) = (3 * len, 15_000);
    let id = reader.begin_fetch(12, &request).await;
    for place in [place, other] {
        writer.append(place, Batch::of_len(1_000)).await;
        assert!(reader.is_silent(Duration::from_millis(50)).await);
    }
    writer.append(place, Batch::of_len(1_000)).await;
    let answer = reader.end_fetch(12, id).await;
    let bytes: usize = answer.topics[0].partitions.iter().map(|p| p.records.len()).sum();
    assert_eq!(bytes as i32, 3 * len);
}

#[tokio::test]
async fn max_wait_ends_a_fetch_with_what_there_is_and_without_an_error() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 1).await;
    let mut client = gateway.client().await;
    client.append(place, Batch::of(&["v"])).await;
    for (offset, expected) in [(0, 1), (1, 0)] {
        let mut request = fetch_request(&[(place, offset)]);
        (request.min_bytes, request.max_wait_ms) = (1 << 20, 200);
        let started = Instant::now();
        let answer = client.fetch(12, &request).await;
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(190), "{took:?}");
        assert!(took < Duration::from_secs(30), "{took:?}");
        let partition = &answer.topics[0].partitions[0];
        assert_eq!((answer.error_code, partition.error_code), (0, 0));
        assert_eq!(log_records(&partition.records).len(), expected);
    }
}

#[tokio::test]
async fn a_fetch_of_nothing_is_answered_at_once() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    for version in VERSIONS {
        let request = FetchRequest { min_bytes: 1, max_wait_ms: 15_000, ..Default::default() };
        let started = Instant::now();
        let answer = client.fetch(version, &request).await;
        assert!(answer.topics.is_empty());
        assert!(started.elapsed() < Duration::from_secs(14), "v{version}");
    }
}

#[tokio::test]
async fn an_offset_out_of_range_is_told_at_once_and_the_end_waits() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 1).await;
    let mut client = gateway.client().await;
    client.append(place, Batch::of(&["v"])).await;
    for version in VERSIONS {
        for offset in [2, -1, i64::MIN, i64::MAX] {
            let mut request = fetch_request(&[(place, offset)]);
            (request.min_bytes, request.max_wait_ms) = (1, 15_000);
            let started = Instant::now();
            let answer = client.fetch(version, &request).await;
            let partition = &answer.topics[0].partitions[0];
            assert_eq!(code(partition.error_code), ErrorCode::OffsetOutOfRange);
            assert!(partition.records.is_empty());
            assert!(started.elapsed() < Duration::from_secs(14));
        }
    }
    let mut request = fetch_request(&[(place, 1)]);
    (request.min_bytes, request.max_wait_ms) = (1, 15_000);
    client.begin_fetch(12, &request).await;
    assert!(client.is_silent(Duration::from_millis(100)).await);
}

#[tokio::test]
async fn one_error_answers_a_waiting_fetch_with_the_other_partitions_as_they_are() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 1).await;
    let mut client = gateway.client().await;
    let beyond = Place { partition: 7, ..place };
    let mut request = fetch_request(&[(place, 0), (beyond, 0)]);
    (request.min_bytes, request.max_wait_ms) = (1, 15_000);
    let answer = client.fetch(12, &request).await;
    let codes: Vec<_> =
        answer.topics[0].partitions.iter().map(|p| (p.index, code(p.error_code))).collect();
    assert_eq!(codes, [(0, ErrorCode::None), (7, ErrorCode::UnknownTopicOrPartition)]);
}

#[tokio::test]
async fn unknown_topics_are_told_by_name_and_by_id() {
    let gateway = Gateway::start().await;
    let missing = Place { name: "missing", id: TopicId(uuid::Uuid::from_u128(9)), partition: 0 };
    let mut client = gateway.client().await;
    for version in VERSIONS {
        let error = code(client.read(version, missing, 0).await.error_code);
        let expected = match version {
            13.. => ErrorCode::UnknownTopicId,
            _ => ErrorCode::UnknownTopicOrPartition,
        };
        assert_eq!(error, expected, "v{version}");
    }
}

#[tokio::test]
async fn a_recreated_topic_has_a_new_id_and_the_old_one_is_unknown() {
    let gateway = Gateway::start().await;
    let old = one_topic(&gateway, 1).await;
    let mut client = gateway.client().await;
    client.append(old, Batch::of(&["old"])).await;
    delete_topic(&mut client, "t").await;
    let new = one_topic(&gateway, 1).await;
    assert_ne!(old.id, new.id);
    for version in [13, 18] {
        let error = code(client.read(version, old, 0).await.error_code);
        assert_eq!(error, ErrorCode::UnknownTopicId, "v{version}");
        let fetched = client.read(version, new, 0).await;
        assert_eq!((code(fetched.error_code), fetched.high_watermark), (ErrorCode::None, 0));
    }
    let refused = client.produce(13, old, Batch::of(&["v"])).await;
    assert_eq!(code(refused.error_code), ErrorCode::UnknownTopicId);
}

#[tokio::test]
async fn deleting_a_topic_wakes_a_fetch_that_waits_for_it() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 1).await;
    let mut client = gateway.client().await;
    let mut request = fetch_request(&[(place, 0)]);
    (request.min_bytes, request.max_wait_ms) = (1, 15_000);
    for version in [4, 12, 13, 18] {
        let id = gateway.broker.topics().by_name("t").unwrap().id;
        request.topics[0].topic_id = id;
        let started = Instant::now();
        let fetch_id = client.begin_fetch(version, &request).await;
        assert!(client.is_silent(Duration::from_millis(50)).await);
        delete_topic(&mut gateway.client().await, "t").await;
        let answer = client.end_fetch(version, fetch_id).await;
        let told = code(answer.topics[0].partitions[0].error_code);
        assert!(started.elapsed() < Duration::from_secs(14), "v{version}: woken, not timed out");
        assert_eq!(told, ErrorCode::UnknownTopicOrPartition, "v{version}");
        gateway.topic("t", 1).await;
    }
}

#[tokio::test]
async fn a_leader_epoch_from_the_future_is_unknown_and_one_of_the_past_is_fenced() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 1).await;
    let mut client = gateway.client().await;
    client.append(place, Batch::of(&["v"])).await;
    let epoch = gateway.broker.topics().by_name("t").unwrap().partition(0).unwrap().leader_epoch();
    for version in VERSIONS {
        let told = async |client: &mut RawClient, epoch| {
            let mut request = fetch_request(&[(place, 0)]);
            request.topics[0].partitions[0].current_leader_epoch = epoch;
            let answer = client.fetch(version, &request).await;
            code(answer.topics[0].partitions[0].error_code)
        };
        let knows_epochs = version >= 9;
        let future = told(&mut client, epoch + 1).await;
        assert_eq!(future == ErrorCode::UnknownLeaderEpoch, knows_epochs, "v{version}");
        // Topics begin at epoch 0, and -1 is none: the nearest older one is -2.
        let past = told(&mut client, -2).await;
        assert_eq!(past == ErrorCode::FencedLeaderEpoch, knows_epochs, "v{version}");
        for right in [epoch, -1] {
            assert_eq!(told(&mut client, right).await, ErrorCode::None, "v{version}");
        }
    }
}

#[tokio::test]
async fn offset_for_leader_epoch_tells_the_end_of_the_epoch_and_minus_one_of_an_unknown_one() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 1).await;
    let mut client = gateway.client().await;
    client.append(place, Batch::of(&["a", "b", "c"])).await;
    let epoch = gateway.broker.topics().by_name("t").unwrap().partition(0).unwrap().leader_epoch();
    for version in 2..=4 {
        for (asked, expected) in [(epoch, (epoch, 3)), (epoch + 5, (-1, -1))] {
            let partition = OffsetForLeaderPartition::default()
                .with_partition(0)
                .with_current_leader_epoch(-1)
                .with_leader_epoch(asked);
            let topic = OffsetForLeaderTopic::default()
                .with_topic(topic_name("t"))
                .with_partitions(vec![partition]);
            let mut request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
            if version >= 3 {
                request.replica_id = kafka_protocol::messages::BrokerId(-1);
            }
            let answer = client.call(version, &request).await;
            let told = &answer.topics[0].partitions[0];
            assert_eq!(code(told.error_code), ErrorCode::None);
            assert_eq!((told.leader_epoch, told.end_offset), expected, "v{version}, {asked}");
        }
    }
}

#[tokio::test]
async fn the_last_fetched_epoch_does_not_diverge_while_the_log_is_the_same() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 1).await;
    let mut client = gateway.client().await;
    client.append(place, Batch::of(&["a", "b"])).await;
    let epoch = gateway.broker.topics().by_name("t").unwrap().partition(0).unwrap().leader_epoch();
    for version in [12, 13, 18] {
        let mut request = fetch_request(&[(place, 1)]);
        request.topics[0].partitions[0].last_fetched_epoch = epoch;
        let answer = client.fetch(version, &request).await;
        let partition = &answer.topics[0].partitions[0];
        assert_eq!(partition.diverging_epoch, None, "v{version}");
        assert!(!partition.records.is_empty());
    }
}

#[tokio::test]
async fn read_committed_sees_everything_where_there_are_no_transactions() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway, 1).await;
    let mut client = gateway.client().await;
    client.append(place, Batch::of(&["a", "b"])).await;
    for version in VERSIONS {
        let mut request = fetch_request(&[(place, 0)]);
        request.isolation_level = 1;
        let answer = client.fetch(version, &request).await;
        let partition = &answer.topics[0].partitions[0];
        assert_eq!((partition.high_watermark, partition.last_stable_offset), (2, 2));
        assert_eq!(log_records(&partition.records).len(), 2);
    }
}
