//! Client quotas in force: throttle times by Kafka's formulas, and connections that wait.

use crate::common::batch::Batch;
use crate::common::client::{Place, fetch_request, produce_request, topic_name};
use crate::common::{Gateway, RawClient, code, text};
use crate::quotas::{Entity, set};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::{
    ApiVersionsRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
};
use std::time::{Duration, Instant};
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::fetch::FetchRequest;
use tidegate_wire::produce::{ProduceRequest, encode_produce_request};

const RAW: Entity<'_> = &[("client-id", Some("raw"))];
const PRODUCER: &str = "producer_byte_rate";
const MUTATIONS: &str = "controller_mutation_rate";
const CONSUMER: &str = "consumer_byte_rate";

fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(text("tests"))
        .with_client_software_version(text("1.0"))
}

fn place(id: TopicId) -> Place<'static> {
    Place { name: "t", id, partition: 0 }
}

/// A Produce of about `len` bytes, and how many Kafka counts of it: all but the frame's length.
fn produce(id: TopicId, acks: i16, len: usize) -> (ProduceRequest, i32) {
    let request = produce_request(acks, place(id), Batch::of_len(len));
    let counted = encode_produce_request(9, 7, "raw", &request).len() - 4;
    (request, counted as i32)
}

/// The throttle time of one Produce of `len` bytes.
async fn throttle_ms(client: &mut RawClient, id: TopicId, len: usize) -> i32 {
    let sent = client.begin_produce(9, &produce(id, 1, len).0).await;
    client.end_produce(9, sent).await.throttle_time_ms
}

#[tokio::test]
async fn a_produce_beyond_its_quota_is_answered_at_once_and_then_its_connection_waits() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    set(&gateway, RAW, PRODUCER, Some(1_000.0)).await;
    let mut client = gateway.client().await;
    let (request, counted) = produce(id, 1, 12_000);
    let began = Instant::now();
    let sent = client.begin_produce(9, &request).await;
    // It arrives with the Produce and is not looked at before its time.
    let behind = client.begin(3, &api_versions()).await;
    let answer = client.end_produce(9, sent).await;
    assert_eq!(code(answer.topics[0].partitions[0].error_code), ErrorCode::None);
    // A rate of a tenth of what was counted, over ten seconds: (c / 10 - 1000) / 1000 * 10 s.
    assert_eq!(answer.throttle_time_ms, counted - 10_000);
    let throttle = Duration::from_millis(answer.throttle_time_ms as u64);
    // The client is throttled, not its host: another connection of the same client is served.
    gateway.client().await.call(3, &api_versions()).await;
    let silent = client.is_silent(Duration::from_millis(50)).await;
    assert!(silent || began.elapsed() >= throttle, "{:?} of {throttle:?}", began.elapsed());
    client.end::<ApiVersionsRequest>(3, behind).await;
    assert!(began.elapsed() >= throttle, "{:?} of {throttle:?}", began.elapsed());
}

#[tokio::test]
async fn a_produce_without_an_answer_makes_its_connection_wait_too() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    set(&gateway, RAW, PRODUCER, Some(1_000.0)).await;
    let mut client = gateway.client().await;
    let (request, counted) = produce(id, 0, 11_000);
    let began = Instant::now();
    client.begin_produce(9, &request).await;
    client.call(3, &api_versions()).await;
    let throttle = Duration::from_millis(counted as u64 - 10_000);
    assert!(began.elapsed() >= throttle, "{:?} of {throttle:?}", began.elapsed());
}

#[tokio::test]
async fn others_are_not_throttled_and_a_removed_quota_throttles_nobody() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    set(&gateway, &[("client-id", Some("other"))], PRODUCER, Some(1.0)).await;
    assert_eq!(throttle_ms(&mut gateway.client().await, id, 12_000).await, 0);
    // The default is for all who have none of their own, and comes after that of a user.
    set(&gateway, &[("client-id", None)], PRODUCER, Some(1.0)).await;
    assert!(throttle_ms(&mut gateway.client().await, id, 12_000).await > 0);
    set(&gateway, &[("user", Some("ANONYMOUS"))], PRODUCER, Some(1e9)).await;
    assert_eq!(throttle_ms(&mut gateway.client().await, id, 12_000).await, 0);
    set(&gateway, &[("user", Some("ANONYMOUS"))], PRODUCER, None).await;
    assert!(throttle_ms(&mut gateway.client().await, id, 12_000).await > 0);
    set(&gateway, &[("client-id", None)], PRODUCER, None).await;
    assert_eq!(throttle_ms(&mut gateway.client().await, id, 12_000).await, 0);
}

#[tokio::test]
async fn a_fetch_returns_no_more_than_its_quota_allows_and_then_nothing() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let mut client = gateway.client().await;
    for _ in 0..3 {
        client.append(place(id), Batch::of_len(4_000)).await;
    }
    set(&gateway, RAW, CONSUMER, Some(1_000.0)).await;
    let first = client.fetch(12, &fetch_request(&[(place(id), 0)])).await;
    assert_eq!(first.throttle_time_ms, 0);
    let len = first.topics[0].partitions[0].records.len();
    assert!((8_000..10_000).contains(&len), "two batches of {len}: ten seconds allow 10,000 bytes");
    // A session that begins with a throttled answer does not begin at all.
    let request = FetchRequest { session_epoch: 0, ..fetch_request(&[(place(id), 2)]) };
    let began = Instant::now();
    let second = client.fetch(12, &request).await;
    assert!(second.throttle_time_ms > 1_500, "{second:?}");
    assert_eq!((second.error_code, second.session_id, second.topics.len()), (0, 0, 0));
    assert!(gateway.broker.fetch_sessions().is_empty());
    client.call(3, &api_versions()).await;
    let throttle = Duration::from_millis(second.throttle_time_ms as u64);
    assert!(began.elapsed() >= throttle, "{:?} of {throttle:?}", began.elapsed());
}

#[tokio::test]
async fn a_throttled_fetch_keeps_its_session_and_costs_nothing() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let mut client = gateway.client().await;
    let request = FetchRequest { session_epoch: 0, ..fetch_request(&[(place(id), 0)]) };
    let session_id = client.fetch(12, &request).await.session_id;
    client.append(place(id), Batch::of_len(20_000)).await;
    set(&gateway, RAW, CONSUMER, Some(1_000.0)).await;
    let next = |session_epoch| FetchRequest { session_id, session_epoch, ..fetch_request(&[]) };
    let throttled = client.fetch(12, &next(1)).await;
    assert!(throttled.throttle_time_ms > 10_000, "{throttled:?}");
    assert_eq!((throttled.session_id, throttled.topics.len()), (session_id, 0));
    // With room for these bytes once, but not for what was withheld as well.
    set(&gateway, RAW, CONSUMER, Some(3_000.0)).await;
    let served = gateway.client().await.fetch(12, &next(2)).await;
    assert_eq!(served.throttle_time_ms, 0);
    assert!(served.topics[0].partitions[0].records.len() > 20_000);
}

const REFUSED: (ErrorCode, Option<String>) = (ErrorCode::ThrottlingQuotaExceeded, None);
const DONE: (ErrorCode, Option<String>) = (ErrorCode::None, None);

fn create(topics: &[(&str, i32)]) -> CreateTopicsRequest {
    let topic = |(name, partitions): &(&str, i32)| {
        let topic = CreatableTopic::default().with_name(topic_name(name));
        topic.with_num_partitions(*partitions).with_replication_factor(1)
    };
    let topics = topics.iter().map(topic).collect();
    CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(9_000)
}

/// Creates topics on a new connection; their results and the throttle time.
async fn created(
    gateway: &Gateway,
    version: i16,
    topics: &[(&str, i32)],
) -> (Vec<(ErrorCode, Option<String>)>, i32) {
    let response = gateway.client().await.call(version, &create(topics)).await;
    let row = |row: &kafka_protocol::messages::create_topics_response::CreatableTopicResult| {
        (code(row.error_code), row.error_message.as_ref().map(ToString::to_string))
    };
    (response.topics.iter().map(row).collect(), response.throttle_time_ms)
}

#[tokio::test]
async fn topics_beyond_the_quota_are_refused_and_what_fails_anyway_costs_nothing() {
    let gateway = Gateway::start().await;
    // A bucket of 11 that fills by 1 a second.
    let began = Instant::now();
    set(&gateway, RAW, MUTATIONS, Some(1.0)).await;
    let (rows, throttle_ms) = created(&gateway, 7, &[("a", 11), ("b/", 100), ("c", 11)]).await;
    // What is there may be overdrawn once; the next topic finds nothing left.
    assert_eq!((rows[0].clone(), rows[2].clone(), throttle_ms), (DONE, DONE, 0));
    assert_eq!(rows[1].0, ErrorCode::InvalidTopic);
    let (rows, throttle_ms) = created(&gateway, 7, &[("d", 1), ("e", 1)]).await;
    assert_eq!(rows, [REFUSED, REFUSED]);
    // 11 are missing, less what came back in between.
    let least_ms = 10_999 - began.elapsed().as_millis() as i32;
    assert!((least_ms..=11_000).contains(&throttle_ms), "{throttle_ms}, at least {least_ms}");
    assert!(gateway.broker.topics().by_name("d").is_none());

    let more = CreatePartitionsTopic::default()
        .with_name(topic_name("a"))
        .with_count(12)
        .with_assignments(None);
    let request = CreatePartitionsRequest::default().with_topics(vec![more]);
    let response = gateway.client().await.call(3, &request).await;
    assert_eq!(code(response.results[0].error_code), ErrorCode::ThrottlingQuotaExceeded);
    assert!(response.throttle_time_ms > 2_000, "{response:?}");

    let state = DeleteTopicState::default().with_name(Some(topic_name("a")));
    let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(9_000);
    let response = gateway.client().await.call(6, &request).await;
    assert_eq!(code(response.responses[0].error_code), ErrorCode::ThrottlingQuotaExceeded);
    assert!(response.throttle_time_ms > 2_000, "{response:?}");
    assert!(gateway.broker.topics().by_name("a").is_some());
}

#[tokio::test]
async fn older_clients_create_what_they_want_and_wait_afterwards() {
    let gateway = Gateway::start().await;
    set(&gateway, RAW, MUTATIONS, Some(10.0)).await;
    let mut client = gateway.client().await;
    let began = Instant::now();
    let response = client.call(5, &create(&[("a", 110), ("b", 45)])).await;
    assert_eq!(code(response.topics[1].error_code), ErrorCode::None);
    // 45 too many at 10 a second, less what came back in between.
    let throttle_ms = response.throttle_time_ms;
    assert!((1..=4_500).contains(&throttle_ms), "{throttle_ms}");
    client.call(3, &api_versions()).await;
    assert!(began.elapsed() >= Duration::from_millis(throttle_ms as u64));
}

#[tokio::test]
async fn connections_beyond_their_addresss_quota_are_closed_after_a_while() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    let began = Instant::now();
    set(&gateway, &[("ip", Some("127.0.0.1"))], "connection_creation_rate", Some(1.0)).await;
    // Ten in ten seconds. An answer shows that a connection was taken.
    for _ in 0..10 {
        gateway.client().await.call(3, &api_versions()).await;
    }
    let mut throttled = gateway.client().await;
    throttled.begin(3, &api_versions()).await;
    assert_eq!(throttled.receive_or_end().await, None);
    // Until there is room for an eleventh: a second after the first, and whole seconds after that.
    assert!(began.elapsed() >= Duration::from_millis(950), "{:?}", began.elapsed());
    // Those that are open stay so.
    client.call(3, &api_versions()).await;
}

#[tokio::test]
async fn a_large_request_that_has_begun_to_arrive_is_not_held_back() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let mut client = gateway.client().await;
    client.append(place(id), Batch::of_len(100_000)).await;
    set(&gateway, RAW, CONSUMER, Some(1_000.0)).await;
    // The Fetch waits while the first half of a Produce arrives, which takes its share of memory.
    let wanted = [(place(id), 1)];
    let fetch = FetchRequest { max_wait_ms: 60_000, min_bytes: 1, ..fetch_request(&wanted) };
    let fetch = client.begin_fetch(12, &fetch).await;
    let large = encode_produce_request(9, 99, "raw", &produce(id, 1, 3_000_000).0);
    let (first, rest) = large.split_at(large.len() / 2);
    for piece in first.chunks(64 << 10) {
        client.send(piece).await;
        // It is to be read before the Fetch is answered.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    gateway.client().await.append(place(id), Batch::of_len(100_000)).await;
    let throttled = client.end_fetch(12, fetch).await.throttle_time_ms;
    assert!(throttled > 60_000, "{throttled}: longer than this test has patience");
    // Others wait for that memory, so the rest is read, and answered.
    client.send(rest).await;
    client.end_produce(9, 99).await;
    client.begin(3, &api_versions()).await;
    assert!(client.is_silent(Duration::from_millis(100)).await, "what comes after it waits");
}
