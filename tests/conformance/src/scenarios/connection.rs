//! Frames, headers, order: what holds for every request on a connection.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use bytes::Bytes;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::{
    AlterClientQuotasRequest, ApiVersionsRequest, MetadataRequest, MetadataResponse,
};
use std::time::{Duration, Instant};
use tidegate_wire::codec::{decode_response, encode_request};
use tidegate_wire::fetch::FetchRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

scenarios![
    answers_come_in_the_order_of_the_requests,
    a_request_behind_a_waiting_fetch_is_answered_after_it,
    any_correlation_id_comes_back,
    a_client_may_have_no_name_or_a_long_one,
    a_client_name_that_is_not_utf_8,
    unknown_tagged_fields_of_header_and_body_are_passed_over,
    defaults_of_tagged_fields_are_not_sent,
    a_request_in_single_bytes_is_answered,
    requests_glued_together_are_answered_one_by_one,
    a_frame_of_negative_length_closes_the_connection,
    a_frame_of_no_bytes_closes_the_connection,
    a_frame_larger_than_allowed_closes_the_connection,
    a_frame_shorter_than_its_header_closes_the_connection,
    a_count_larger_than_the_frame_closes_the_connection,
    a_negative_count_where_null_is_not_allowed_closes_the_connection,
    a_count_below_minus_1,
    a_string_longer_than_the_frame_closes_the_connection,
    bytes_behind_a_request,
    a_cut_off_request_leaves_other_connections_alone,
    acks_0_is_not_answered,
    an_error_with_acks_0_closes_the_connection,
    five_idempotent_batches_in_flight_keep_their_order,
    a_thousand_requests_at_once_are_answered_in_order,
    a_throttled_request_is_answered_before_its_connection_is_muted,
    tagged_fields_twice_or_in_any_order,
    tagged_fields_longer_than_the_frame_close_the_connection,
    a_count_of_tagged_fields_that_is_no_int,
    a_number_of_more_than_five_bytes_closes_the_connection,
    any_byte_but_zero_is_true,
    null_where_it_is_not_allowed_closes_the_connection,
    a_topic_name_that_is_not_utf_8,
    a_sasl_handshake_where_there_is_no_sasl,
];

const VERSIONS_V0: &[u8] = b"\0\x12\0\0\0\0\0\x07\0\x03raw";

async fn answers_come_in_the_order_of_the_requests(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let mut pending = Vec::new();
    for round in 0..20 {
        let names: &[&str] = if round % 2 == 0 { &[&topic.name] } else { &[] };
        pending.push(client.begin(12, &metadata(12, names)).await);
    }
    for (round, pending) in pending.into_iter().enumerate() {
        // Ids are checked on the way; the answers must also be those of their requests.
        assert_eq!(client.receive(pending).await.topics.len(), usize::from(round % 2 == 0));
    }
}

async fn a_request_behind_a_waiting_fetch_is_answered_after_it(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let mut fetch: FetchRequest = fetch_request(&[(topic.partition(0), 0)]);
    (fetch.max_wait_ms, fetch.min_bytes) = (300, 1);
    let id = client.raw.begin_fetch(12, &fetch).await;
    let behind = client.begin(0, &ApiVersionsRequest::default()).await;
    let response = client.raw.end_fetch(12, id).await;
    assert!(response.topics[0].partitions[0].records.is_empty());
    client.receive(behind).await;
}

async fn any_correlation_id_comes_back(mut client: Client) {
    for id in [0, -1, i32::MIN, i32::MAX, 7, 7] {
        let mut frame = VERSIONS_V0.to_vec();
        frame[4..8].copy_from_slice(&id.to_be_bytes());
        let answer = client.send_frame(&format!("correlation id {id}"), &frame).await;
        assert_eq!(answer.expect("answered")[..4], id.to_be_bytes());
    }
}

async fn a_client_may_have_no_name_or_a_long_one(mut client: Client) {
    let header = |name: &[u8]| [&VERSIONS_V0[..8], name].concat();
    let long = [&[0x40, 0][..], &[b'x'; 0x4000]].concat();
    for (what, name) in [("null", &b"\xff\xff"[..]), ("empty", b"\0\0"), ("16384 bytes", &long)] {
        let answer = client.send_frame(what, &header(name)).await;
        assert!(answer.is_some());
    }
}

async fn a_client_name_that_is_not_utf_8(mut client: Client) {
    let frame = [&VERSIONS_V0[..8], b"\0\x03a\xff\xfe"].concat();
    let answer = client.send_frame("client id with bytes that are no UTF-8", &frame).await;
    assert!(answer.is_some());
}

async fn unknown_tagged_fields_of_header_and_body_are_passed_over(mut client: Client) {
    let unknown = Bytes::from_static(b"anything");
    let request = MetadataRequest::default()
        .with_topics(Some(Vec::new()))
        .with_unknown_tagged_field(99, unknown.clone());
    client.ask(12, &request).await;
    let request = ApiVersionsRequest::default()
        .with_client_software_name(text("suite"))
        .with_client_software_version(text("1"))
        .with_unknown_tagged_field(0, unknown.clone())
        .with_unknown_tagged_field(9_999, unknown);
    expect(client.ask(3, &request).await.error_code, ErrorCode::None);
    // Two tagged fields in the header, of which Kafka knows none.
    let frame = b"\0\x12\0\x03\0\0\0\x07\0\x03raw\x02\x05\x01a\x64\x02bc\x06suite\x021\0";
    assert!(client.send_frame("tagged fields in the header", frame).await.is_some());
}

async fn defaults_of_tagged_fields_are_not_sent(mut client: Client) {
    // Every answer is encoded again from its values, defaults left out, and compared.
    let topic = client.topic("t", 1).await;
    client.fetch_one(12, topic.partition(0), 0).await;
    client.produce_one(9, topic.partition(0), Batch::of(&["a"])).await;
}

async fn a_request_in_single_bytes_is_answered(mut client: Client) {
    client.raw.send(&[0, 0, 0, VERSIONS_V0.len() as u8]).await;
    for byte in VERSIONS_V0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        client.raw.send(&[*byte]).await;
    }
    assert!(client.fate("ApiVersions in single bytes").await.is_some());
}

async fn requests_glued_together_are_answered_one_by_one(mut client: Client) {
    let one = [&[0, 0, 0, VERSIONS_V0.len() as u8], VERSIONS_V0].concat();
    client.raw.send(&one.repeat(3)).await;
    for _ in 0..3 {
        assert!(client.fate("ApiVersions").await.is_some());
    }
}

async fn a_frame_of_negative_length_closes_the_connection(mut client: Client) {
    for len in [-1, i32::MIN] {
        client.raw.send(&len.to_be_bytes()).await;
        assert!(client.fate(&format!("length {len}")).await.is_none());
    }
}

async fn a_frame_of_no_bytes_closes_the_connection(mut client: Client) {
    client.raw.send(&[0; 4]).await;
    assert!(client.fate("length 0").await.is_none());
}

async fn a_frame_larger_than_allowed_closes_the_connection(mut client: Client) {
    // One more than socket.request.max.bytes; the bytes need not even arrive.
    for len in [100 * 1024 * 1024 + 1, i32::MAX] {
        client.raw.send(&len.to_be_bytes()).await;
        assert!(client.fate(&format!("length {len}")).await.is_none());
    }
}

async fn a_frame_shorter_than_its_header_closes_the_connection(mut client: Client) {
    for len in 1..VERSIONS_V0.len() {
        let what = format!("{len} bytes of a header");
        assert!(client.send_frame(&what, &VERSIONS_V0[..len]).await.is_none());
    }
}

async fn a_count_larger_than_the_frame_closes_the_connection(mut client: Client) {
    for (what, version, count) in [
        ("2147483647 topics", 1, &b"\x7f\xff\xff\xff"[..]),
        ("1000 topics in no bytes", 1, b"\0\0\x03\xe8"),
        ("4294967294 compact topics", 12, b"\xff\xff\xff\xff\x0f"),
    ] {
        let answer = client.send_frame(what, &frame(3, version, count)).await;
        assert!(answer.is_none());
    }
}

async fn a_negative_count_where_null_is_not_allowed_closes_the_connection(mut client: Client) {
    for (what, key, version, count) in [
        ("null topics in Metadata v0", 3, 0, &b"\xff\xff\xff\xff"[..]),
        ("null groups in DescribeGroups v0", 15, 0, b"\xff\xff\xff\xff"),
    ] {
        assert!(client.send_frame(what, &frame(key, version, count)).await.is_none());
    }
}

async fn a_count_below_minus_1(mut client: Client) {
    let count = b"\xff\xff\xff\xfe";
    client.send_frame("-2 topics in Metadata v1", &frame(3, 1, count)).await;
}

async fn a_string_longer_than_the_frame_closes_the_connection(mut client: Client) {
    for (what, version, body) in [
        ("a name of 32767 bytes in none", 1, &b"\0\0\0\x01\x7f\xff"[..]),
        ("a name of negative length", 1, b"\0\0\0\x01\xff\xfe"),
        ("a compact name of 4294967294 bytes", 12, b"\x02\xff\xff\xff\xff\x0f"),
    ] {
        client.send_frame(what, &frame(3, version, body)).await;
    }
}

async fn bytes_behind_a_request(mut client: Client) {
    let more = [VERSIONS_V0, b"more"].concat();
    client.send_frame("ApiVersions v0 and four bytes more", &more).await;
    client.send_frame("Metadata v1 and four bytes more", &frame(3, 1, b"\0\0\0\0more")).await;
}

async fn a_cut_off_request_leaves_other_connections_alone(mut client: Client) {
    let mut other = client.connect().await;
    client.raw.send(&[0, 0, 0x10, 0]).await;
    client.raw.send(VERSIONS_V0).await;
    drop(client);
    other.ask(0, &ApiVersionsRequest::default()).await;
}

async fn acks_0_is_not_answered(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in 3..=13 {
        let request = produce_request(0, topic.partition(0), Batch::of(&["a"]));
        client.raw.begin_produce(version, &request).await;
    }
    // The next answer on the connection is that of the next request.
    client.ask(0, &ApiVersionsRequest::default()).await;
    // Nobody has said that the records are there yet; they arrive.
    let mut fetch = fetch_request(&[(topic.partition(0), 10)]);
    (fetch.max_wait_ms, fetch.min_bytes) = (10_000, 1);
    let response = client.fetch(12, &fetch).await;
    assert_eq!(log_records(&response.topics[0].partitions[0].records), [(10, "a".to_owned())]);
}

async fn an_error_with_acks_0_closes_the_connection(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for (what, partition, batch) in [
        ("a partition that is not there", 9, Batch::of(&["a"])),
        ("a damaged batch", 0, Batch::of(&["a"]).damage(61, &[0xff])),
    ] {
        let request = produce_request(0, topic.partition(partition), batch);
        client.raw.begin_produce(9, &request).await;
        assert!(client.fate(what).await.is_none());
    }
}

async fn five_idempotent_batches_in_flight_keep_their_order(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let request = kafka_protocol::messages::InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1);
    let producer = client.ask(4, &request).await.producer_id.0;
    let mut ids = Vec::new();
    for sequence in 0..5 {
        let batch = Batch::of(&["a"]).by(producer, 0, sequence);
        let request = produce_request(-1, topic.partition(0), batch);
        ids.push(client.raw.begin_produce(9, &request).await);
    }
    for (offset, id) in (0..).zip(ids) {
        let response = client.raw.end_produce(9, id).await;
        let row = &response.topics[0].partitions[0];
        expect(row.error_code, ErrorCode::None);
        assert_eq!(row.base_offset, offset);
    }
}

async fn a_thousand_requests_at_once_are_answered_in_order(client: Client) {
    let mut frames = Vec::new();
    for id in 0..1_000_i32 {
        frames.extend_from_slice(&(VERSIONS_V0.len() as i32).to_be_bytes());
        frames.extend_from_slice(&VERSIONS_V0[..4]);
        frames.extend_from_slice(&id.to_be_bytes());
        frames.extend_from_slice(&VERSIONS_V0[8..]);
    }
    let mut stream = client.raw.stream;
    let (mut answers, mut requests) = stream.split();
    // Read while writing: neither side has room for all of it.
    let write = async { requests.write_all(&frames).await.expect("the broker reads on") };
    let read = async {
        for id in 0..1_000 {
            let len = answers.read_i32().await.expect("an answer comes");
            let mut answer = vec![0; usize::try_from(len).expect("lengths are positive")];
            answers.read_exact(&mut answer).await.expect("an answer comes");
            assert_eq!(answer[..4], i32::to_be_bytes(id));
        }
    };
    tokio::join!(write, read);
}

/// Limits the share of the broker's time that requests of a client id may take.
async fn limit_requests(client: &mut Client, client_id: &str, percentage: f64, remove: bool) {
    let entity = EntityData::default()
        .with_entity_type(text("client-id"))
        .with_entity_name(Some(text(client_id)));
    let op = OpData::default()
        .with_key(text("request_percentage"))
        .with_value(percentage)
        .with_remove(remove);
    let entry = EntryData::default().with_entity(vec![entity]).with_ops(vec![op]);
    let response =
        client.ask(1, &AlterClientQuotasRequest::default().with_entries(vec![entry])).await;
    expect(response.entries[0].error_code, ErrorCode::None);
}

async fn a_throttled_request_is_answered_before_its_connection_is_muted(mut client: Client) {
    let slow = client.unique("slow");
    limit_requests(&mut client, &slow, 0.000_1, false).await;
    let none = MetadataRequest::default().with_topics(Some(Vec::new()));
    let frame = encode_request(3, 12, 7, &slow, &none).expect("v12 has all of its fields");
    // The quota is in force a moment after it was set, one request is no rate, and a busy machine
    // may take its time once.
    for _ in 0..100 {
        let mut other = client.connect().await;
        let begun = Instant::now();
        other.raw.send(&frame.repeat(2)).await;
        let answer = other.raw.receive().await;
        let first = begun.elapsed();
        let (_, response): (i32, MetadataResponse) =
            decode_response(3, 12, answer).expect("the answer decodes");
        if response.throttle_time_ms < 100 {
            continue;
        }
        other.raw.receive().await;
        let second = begun.elapsed();
        let throttle = Duration::from_millis(response.throttle_time_ms as u64);
        if first < throttle / 2 && second - first > throttle / 2 {
            limit_requests(&mut client, &slow, 0.0, true).await;
            return;
        }
    }
    panic!("no request was throttled, or none was answered at once");
}

async fn tagged_fields_twice_or_in_any_order(mut client: Client) {
    let header = b"\0\x12\0\x03\0\0\0\x07\0\x03raw\0\x06suite\x021";
    for (what, tags) in [
        ("tags that fall", &b"\x02\x64\x01a\x05\x01b"[..]),
        ("a tag twice", b"\x02\x05\x01a\x05\x01b"),
        ("an empty tagged field", b"\x01\x05\0"),
    ] {
        client.send_frame(what, &[&header[..], tags].concat()).await;
    }
}

async fn tagged_fields_longer_than_the_frame_close_the_connection(mut client: Client) {
    let header = b"\0\x12\0\x03\0\0\0\x07\0\x03raw\0\x06suite\x021";
    for (what, tags) in [
        ("a field of 4294967295 bytes", &b"\x01\x05\xff\xff\xff\xff\x0f"[..]),
        ("a field of five bytes in two", b"\x01\x05\x05ab"),
        ("two fields of which one is there", b"\x02\x05\x01a"),
    ] {
        let answer = client.send_frame(what, &[&header[..], tags].concat()).await;
        assert!(answer.is_none());
    }
}

async fn a_count_of_tagged_fields_that_is_no_int(mut client: Client) {
    let frame = b"\0\x12\0\x03\0\0\0\x07\0\x03raw\0\x06suite\x021\xff\xff\xff\xff\x0f";
    client.send_frame("4294967295 fields", frame).await;
}

async fn a_number_of_more_than_five_bytes_closes_the_connection(mut client: Client) {
    let body = b"\x80\x80\x80\x80\x80\x80\x01\0\0\0\0";
    assert!(client.send_frame("a count of seven bytes", &frame(3, 12, body)).await.is_none());
}

async fn any_byte_but_zero_is_true(mut client: Client) {
    let topic = client.unique("t");
    let name = [&[topic.len() as u8 + 1], topic.as_bytes()].concat();
    for yes in [1, 2, 0x7f, 0xff] {
        // One topic by name, no creation, operations of topics as the byte says.
        let body = [&[2][..], &[0; 16], &name, &[0, 0, yes, 0]].concat();
        let answer = client.send_frame(&format!("a bool of {yes}"), &frame(3, 12, &body)).await;
        let (_, response): (i32, MetadataResponse) =
            decode_response(3, 12, answer.expect("answered")).expect("the answer decodes");
        assert!(response.topics[0].topic_authorized_operations > 0);
    }
}

async fn null_where_it_is_not_allowed_closes_the_connection(mut client: Client) {
    for (what, key, version, body) in [
        ("null groups in DescribeGroups v5", 15, 5, &b"\0\0\0"[..]),
        ("a null group in DescribeGroups v0", 15, 0, b"\0\0\0\x01\xff\xff"),
        ("a null group in DescribeGroups v5", 15, 5, b"\x02\0\0\0"),
        ("null topics in CreateTopics v2", 19, 2, b"\xff\xff\xff\xff\0\0\0\x01\0"),
        ("a null name in Metadata v9", 3, 9, b"\x02\0\0\0\0\0\0"),
    ] {
        assert!(client.send_frame(what, &frame(key, version, body)).await.is_none());
    }
}

async fn a_topic_name_that_is_not_utf_8(mut client: Client) {
    let body = b"\0\0\0\x01\0\x03a\xff\xfe";
    client.send_frame("a name with bytes that are no UTF-8", &frame(3, 1, body)).await;
}

async fn a_sasl_handshake_where_there_is_no_sasl(mut client: Client) {
    for version in 0..=1 {
        let frame = frame(17, version, b"\0\x05PLAIN");
        let answer = client.send_frame(&format!("SaslHandshake v{version}"), &frame).await;
        client.record("answer", &answer.map(|answer| answer.to_vec()));
    }
}
