//! Connections: versions, headers, order of answers, and what closes them.

use crate::common::batch::Batch;
use crate::common::client::{Place, RawClient, fetch_request, produce_request};
use crate::common::{Gateway, code, text};
use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse, MetadataResponse};
use std::time::{Duration, Instant};
use tidegate_model::{ErrorCode, TopicId};
use tidegate_server::Limits;
use tidegate_server::api::APIS;
use tidegate_wire::codec::{decode_response, encode_request};
use tidegate_wire::produce::encode_produce_request;

fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(text("tests"))
        .with_client_software_version(text("1.0"))
}

/// An ApiVersions frame without its length, to be bent.
fn api_versions_frame(version: i16) -> BytesMut {
    let frame = encode_request(18, version, 7, "raw", &api_versions())
        .expect("the request has this version");
    BytesMut::from(&frame[4..])
}

async fn is_served(gateway: &Gateway) -> bool {
    let answer = gateway.client().await.call(3, &api_versions()).await;
    code(answer.error_code) == ErrorCode::None
}

#[tokio::test]
async fn api_versions_has_response_header_v0_in_every_version() {
    let gateway = Gateway::start().await;
    for version in 0..=4 {
        let mut client = gateway.client().await;
        let id = client.begin(version, &api_versions()).await;
        let frame = client.receive().await;
        assert_eq!(frame[..4], id.to_be_bytes(), "v{version}");
        // Header v1 would put a byte of tagged fields before the error code.
        assert_eq!(frame[4..6], [0, 0], "v{version}: the body begins with the error code");
        let count = APIS.len();
        if version < 3 {
            assert_eq!(frame[6..10], (count as i32).to_be_bytes(), "v{version}");
        } else {
            assert_eq!(usize::from(frame[6]), count + 1, "v{version}");
        }
    }
}

#[tokio::test]
async fn an_unknown_api_versions_version_gets_a_v0_body_with_error_35_and_the_range() {
    let gateway = Gateway::start().await;
    for version in [5, 6, 99, i16::MAX] {
        let mut client = gateway.client().await;
        let mut frame = api_versions_frame(4);
        frame[2..4].copy_from_slice(&version.to_be_bytes());
        client.send_frame(&frame).await;
        let answer = client.receive().await;
        assert_eq!(answer[..], [0, 0, 0, 7, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4], "v{version}");
        // The client comes down on the same connection.
        let answer = client.call(4, &api_versions()).await;
        assert_eq!(code(answer.error_code), ErrorCode::None);
    }
}

#[tokio::test]
async fn api_versions_names_exactly_the_versions_of_the_table() {
    let gateway = Gateway::start().await;
    let answer = gateway.client().await.call(4, &api_versions()).await;
    let told: Vec<_> =
        answer.api_keys.iter().map(|k| (k.api_key, k.min_version, k.max_version)).collect();
    let table: Vec<_> =
        APIS.iter().map(|a| (a.key, *a.advertised.start(), *a.advertised.end())).collect();
    assert_eq!(told, table);
}

#[tokio::test]
async fn a_bad_client_software_name_is_an_invalid_request() {
    let gateway = Gateway::start().await;
    for version in [3, 4] {
        let bad = api_versions().with_client_software_name(text("not a name"));
        let answer: ApiVersionsResponse = gateway.client().await.call(version, &bad).await;
        assert_eq!(code(answer.error_code), ErrorCode::InvalidRequest, "v{version}");
    }
}

#[tokio::test]
async fn unknown_tagged_fields_in_header_and_body_are_passed_over() {
    let gateway = Gateway::start().await;
    let mut frame = BytesMut::new();
    frame.put_slice(&[0, 3, 0, 12, 0, 0, 0, 9, 0, 3]);
    frame.put_slice(b"raw");
    frame.put_slice(&[2, 90, 1, 7, 91, 0]);
    // No topics, two flags, and two unknown fields.
    frame.put_slice(&[1, 0, 0, 2, 100, 3, 1, 2, 3, 101, 0]);
    let mut client = gateway.client().await;
    client.send_frame(&frame).await;
    let (id, answer) = decode_response::<MetadataResponse>(3, 12, client.receive().await).unwrap();
    assert_eq!((id, answer.topics.len(), answer.brokers.len()), (9, 0, 1));
}

#[tokio::test]
async fn default_tagged_fields_are_left_out_of_answers() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    client.begin(3, &api_versions()).await;
    let frame = client.receive().await;
    assert_eq!(frame.last(), Some(&0), "ApiVersions v3 ends with an empty list of tagged fields");
    // Correlation id, error code, count, seven bytes for each key, throttle time, tagged fields.
    assert_eq!(frame.len(), 4 + 2 + 1 + 7 * APIS.len() + 4 + 1);
}

#[tokio::test]
async fn requests_that_are_not_served_close_the_connection() {
    let gateway = Gateway::start().await;
    // An unknown key, a key of brokers alone, a Produce that is named but refused, a version that
    // does not exist, a negative one.
    for (key, version) in [(999i16, 0i16), (4, 0), (0, 2), (3, 99), (1, -1), (-1, 0)] {
        let mut client = gateway.client().await;
        let mut frame = api_versions_frame(0);
        frame[..2].copy_from_slice(&key.to_be_bytes());
        frame[2..4].copy_from_slice(&version.to_be_bytes());
        client.send_frame(&frame).await;
        assert_eq!(client.receive_or_end().await, None, "key {key} v{version}");
    }
    assert!(is_served(&gateway).await);
}

#[tokio::test]
async fn an_oversized_or_negative_frame_length_closes_the_connection() {
    let gateway = Gateway::with(&[("socket.request.max.bytes", "5000")], Limits::default()).await;
    for len in [5_001, i32::MAX, -1, i32::MIN] {
        let mut client = gateway.client().await;
        client.send(&len.to_be_bytes()).await;
        assert_eq!(client.receive_or_end().await, None, "length {len}");
    }
    let mut client = gateway.client().await;
    let mut frame = api_versions_frame(0);
    frame.resize(5_000, 0);
    client.send_frame(&frame).await;
    assert!(client.receive_or_end().await.is_some(), "a frame of the limit itself is read");
}

#[tokio::test]
async fn a_frame_that_comes_byte_by_byte_is_answered() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    let frame = encode_request(18, 3, 7, "raw", &api_versions()).unwrap();
    for byte in &frame {
        client.send(&[*byte]).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(client.receive().await[..4], [0, 0, 0, 7]);
}

#[tokio::test]
async fn a_thousand_pipelined_requests_are_answered_in_order() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    let mut frames = BytesMut::new();
    for id in 0..1_000 {
        let frame = encode_request(18, 2, id, "raw", &api_versions()).unwrap();
        frames.put_slice(&frame);
    }
    // Sent from a task of its own: answers must flow while requests still come.
    let (mut reader, mut writer) = client.stream.into_split();
    let sent = tokio::spawn(async move {
        tokio::io::AsyncWriteExt::write_all(&mut writer, &frames).await.unwrap();
        writer
    });
    for id in 0..1_000 {
        use tokio::io::AsyncReadExt;
        let len = reader.read_i32().await.unwrap();
        assert_eq!(reader.read_i32().await.unwrap(), id);
        let mut rest = vec![0; len as usize - 4];
        reader.read_exact(&mut rest).await.unwrap();
    }
    drop(sent.await);
    client = gateway.client().await;
    client.call(0, &ApiVersionsRequest::default()).await;
}

#[tokio::test]
async fn a_parked_fetch_holds_back_the_answers_behind_it_but_not_their_effects() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 2).await;
    let place = |partition| Place { name: "t", id, partition };
    let mut client = gateway.client().await;
    let mut parked = fetch_request(&[(place(0), 0)]);
    (parked.min_bytes, parked.max_wait_ms) = (1, 15_000);
    let fetch_id = client.begin_fetch(12, &parked).await;
    let mut produced = Vec::new();
    for value in ["a", "b", "c"] {
        let request = produce_request(-1, place(1), Batch::of(&[value]));
        produced.push(client.begin_produce(9, &request).await);
    }
    assert!(client.is_silent(Duration::from_millis(150)).await, "nothing overtakes the fetch");
    let mut other = gateway.client().await;
    assert_eq!(other.read(12, place(1), 0).await.high_watermark, 3, "the appends have happened");
    other.append(place(0), Batch::of(&["wake"])).await;
    let fetched = client.end_fetch(12, fetch_id).await;
    assert_eq!(fetched.topics[0].partitions[0].high_watermark, 1);
    for (index, id) in produced.into_iter().enumerate() {
        let answer = client.end_produce(9, id).await;
        assert_eq!(answer.topics[0].partitions[0].base_offset, index as i64);
    }
}

#[tokio::test]
async fn a_parked_fetch_is_woken_by_a_produce_on_its_own_connection() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let mut parked = fetch_request(&[(place, 0)]);
    (parked.min_bytes, parked.max_wait_ms) = (1, 15_000);
    let started = Instant::now();
    let fetch_id = client.begin_fetch(12, &parked).await;
    let produce_id = client.begin_produce(9, &produce_request(1, place, Batch::of(&["v"]))).await;
    assert!(!client.end_fetch(12, fetch_id).await.topics[0].partitions[0].records.is_empty());
    assert_eq!(client.end_produce(9, produce_id).await.topics[0].partitions[0].error_code, 0);
    assert!(started.elapsed() < Duration::from_secs(14), "woken, not timed out");
}

#[tokio::test]
async fn five_idempotent_batches_in_flight_keep_their_order() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    for round in 0..20 {
        let mut ids = Vec::new();
        for slot in 0..5 {
            let batch = Batch::of(&["v"]).by(77, 0, round * 5 + slot);
            ids.push(client.begin_produce(9, &produce_request(-1, place, batch)).await);
        }
        for (slot, id) in ids.into_iter().enumerate() {
            let answer = &client.end_produce(9, id).await.topics[0].partitions[0];
            assert_eq!(code(answer.error_code), ErrorCode::None);
            assert_eq!(answer.base_offset, i64::from(round) * 5 + slot as i64);
        }
    }
}

#[tokio::test]
async fn acks_0_sends_nothing_back() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    for version in [3, 8, 9, 13] {
        let mut client = gateway.client().await;
        client.begin_produce(version, &produce_request(0, place, Batch::of(&["v"]))).await;
        assert!(client.is_silent(Duration::from_millis(50)).await, "v{version}");
        // The next answer is the next request's.
        client.call(3, &api_versions()).await;
    }
    assert_eq!(gateway.client().await.read(12, place, 0).await.high_watermark, 4);
}

#[tokio::test]
async fn acks_0_closes_the_connection_on_an_error_after_answering_what_came_before() {
    let gateway = Gateway::start().await;
    let missing = Place { name: "missing", id: TopicId::ZERO, partition: 0 };
    let mut client = gateway.client().await;
    let before = client.begin(3, &api_versions()).await;
    client.begin_produce(9, &produce_request(0, missing, Batch::of(&["v"]))).await;
    client.end::<ApiVersionsRequest>(3, before).await;
    assert_eq!(client.receive_or_end().await, None);
}

#[tokio::test]
async fn stopping_answers_what_is_in_flight_and_then_closes() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let mut parked = fetch_request(&[(place, 0)]);
    (parked.min_bytes, parked.max_wait_ms) = (1 << 20, 60_000);
    let fetch_id = client.begin_fetch(12, &parked).await;
    let produce_id = client.begin_produce(9, &produce_request(-1, place, Batch::of(&["v"]))).await;
    assert!(client.is_silent(Duration::from_millis(100)).await);
    let mut idle: RawClient = gateway.client().await;
    let address = gateway.address;
    let started = Instant::now();
    let stopping = tokio::spawn(gateway.stop());
    let fetched = client.end_fetch(12, fetch_id).await;
    assert_eq!(code(fetched.topics[0].partitions[0].error_code), ErrorCode::None);
    let produced = client.end_produce(9, produce_id).await;
    assert_eq!(produced.topics[0].partitions[0].base_offset, 0);
    assert_eq!(client.receive_or_end().await, None);
    assert_eq!(idle.receive_or_end().await, None);
    stopping.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(30), "nothing waits for the fetch's minute");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_client_that_ends_its_sending_side_still_gets_its_answers() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    let id = client.begin(3, &api_versions()).await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.unwrap();
    client.end::<ApiVersionsRequest>(3, id).await;
    assert_eq!(client.receive_or_end().await, None);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_room_comes_back() {
    let gateway = Gateway::with(&[("max.connections", "2")], Limits::default()).await;
    let mut first = gateway.client().await;
    let mut second = gateway.client().await;
    first.call(3, &api_versions()).await;
    second.call(3, &api_versions()).await;
    assert_eq!(gateway.client().await.receive_or_end().await, None);
    drop(first);
    // There is room when the gateway has seen that.
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let mut third = gateway.client().await;
        third.begin(3, &api_versions()).await;
        if third.receive_or_end().await.is_some() {
            break;
        }
        assert!(Instant::now() < until, "no room comes back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn idle_connections_are_closed_after_connections_max_idle_ms() {
    let gateway = Gateway::with(&[("connections.max.idle.ms", "300")], Limits::default()).await;
    let mut client = gateway.client().await;
    let started = Instant::now();
    client.call(3, &api_versions()).await;
    assert_eq!(client.receive_or_end().await, None);
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(250), "{took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[tokio::test]
async fn a_request_that_stalls_is_closed_after_the_stall_limit() {
    let limits = Limits { request_stall_ms: 300, ..Limits::default() };
    let gateway = Gateway::with(&[], limits).await;
    let mut client = gateway.client().await;
    let started = Instant::now();
    client.send(&[0, 0]).await;
    assert_eq!(client.receive_or_end().await, None);
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(250), "{took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[tokio::test]
async fn a_client_that_reads_no_answers_is_closed_after_the_idle_limit() {
    let gateway = Gateway::with(&[("connections.max.idle.ms", "400")], Limits::default()).await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    gateway.client().await.append(place, Batch::of_len(1_000_000)).await;
    let mut client = gateway.client().await;
    for _ in 0..64 {
        client.begin_fetch(12, &fetch_request(&[(place, 0)])).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let mut answers = 0;
    while client.receive_or_end().await.is_some() {
        answers += 1;
    }
    assert!(answers < 64, "what the system had buffered is all that is left: {answers}");
}

#[tokio::test]
async fn large_requests_wait_for_each_other_s_memory_and_small_ones_do_not_wait() {
    let limits = Limits {
        request_bytes_in_flight_max: 4 << 20,
        request_stall_ms: 4_000,
        ..Limits::default()
    };
    let gateway = Gateway::with(&[], limits).await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    let large = || produce_request(-1, place, Batch::of_len(3 << 20));
    let mut stalled = gateway.client().await;
    let frame = encode_produce_request(9, 1, "raw", &large());
    stalled.send(&frame[..2 << 20]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut waiting = gateway.client().await;
    let started = Instant::now();
    let mut small = gateway.client().await;
    let ((answer, large_answered), small_answered) = tokio::join!(
        async {
            let id = waiting.begin_produce(9, &large()).await;
            (waiting.end_produce(9, id).await, started.elapsed())
        },
        async {
            small.append(place, Batch::of(&["v"])).await;
            started.elapsed()
        }
    );
    assert!(large_answered > Duration::from_secs(2), "{large_answered:?}, without waiting");
    assert!(small_answered < large_answered, "{small_answered:?}, {large_answered:?}");
    let told = code(answer.topics[0].partitions[0].error_code);
    assert_eq!(told, ErrorCode::MessageTooLarge, "read to its end, and then too large");
    assert_eq!(stalled.receive_or_end().await, None);
}
