//! What may lie inside a produced batch, and what becomes of its header.

use crate::common::batch::{Batch, headers};
use crate::common::client::Place;
use crate::common::{Gateway, RawClient, code};
use bytes::{BufMut, BytesMut};
use std::time::{SystemTime, UNIX_EPOCH};
use tidegate_broker::compression::{Levels, compress_to, record_bytes};
use tidegate_model::{
    BatchHeader, Compression, ErrorCode, Record, RecordHeader, Records, put_varint,
};
use tidegate_wire::produce::PartitionResponse;

const HOUR_MS: i64 = 3_600_000;

/// The attribute bit of a batch that a broker has stamped.
const LOG_APPEND_TIME: i16 = 1 << 3;

const REJECTED: &str = "One or more records have been rejected due to invalid timestamp";

const CODECS: [(&str, Compression); 5] = [
    ("uncompressed", Compression::None),
    ("gzip", Compression::Gzip),
    ("snappy", Compression::Snappy),
    ("lz4", Compression::Lz4),
    ("zstd", Compression::Zstd),
];

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_millis()).expect("the time fits")
}

fn max_timestamp(batch: Batch, timestamp: i64) -> Batch {
    batch.set(35, &timestamp.to_be_bytes())
}

/// The records of `batch`, packed with any codec.
fn packed(batch: Batch, codec: Compression) -> Batch {
    let levels = Levels { gzip: -1, zstd: 3 };
    let payload = compress_to(Vec::new(), codec, levels, &batch.clone().bytes()[61..]);
    batch.attributes(codec.id()).payload(&payload.expect("memory takes all writes"))
}

fn gzipped(batch: Batch) -> Batch {
    packed(batch, Compression::Gzip)
}

fn named(answer: &PartitionResponse) -> Vec<i32> {
    answer.record_errors.iter().map(|record| record.batch_index).collect()
}

fn refused(answer: &PartitionResponse) -> (ErrorCode, Vec<i32>) {
    (code(answer.error_code), named(answer))
}

async fn stored(client: &mut RawClient, place: Place<'_>, batch: Batch) -> BatchHeader {
    let offset = client.append(place, batch).await;
    let fetched = client.read(12, place, offset).await;
    assert!(tidegate_model::batch_crc_matches(&fetched.records), "the CRC is right");
    headers(&fetched.records)[0]
}

#[tokio::test]
async fn a_timestamp_over_an_hour_ahead_is_refused_by_record() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let now = now_ms();
    let times = [now, now + 2 * HOUR_MS, now + HOUR_MS / 2, now + 3 * HOUR_MS];
    for batch in [Batch::at_times(&times), gzipped(Batch::at_times(&times))] {
        let answer = client.produce(9, place, batch.clone()).await;
        assert_eq!(refused(&answer), (ErrorCode::InvalidTimestamp, vec![1, 3]));
        assert_eq!(answer.error_message.as_deref(), Some(REJECTED));
        let message = answer.record_errors[0].message.as_deref().unwrap();
        let expected = format!(
            "Timestamp {} of message with offset 1 is out of range. The timestamp ",
            times[1]
        );
        assert!(message.starts_with(&expected), "{message}");
        let answer = client.produce(7, place, batch).await;
        assert_eq!(refused(&answer), (ErrorCode::InvalidTimestamp, vec![]), "before KIP-467");
    }
    assert_eq!(client.read(12, place, 0).await.high_watermark, 0, "nothing is appended");
}

#[tokio::test]
async fn the_topics_range_of_timestamps_counts_both_ways_and_no_timestamp_is_always_fine() {
    let gateway = Gateway::start().await;
    let minute = "60000";
    let configs =
        [("message.timestamp.before.max.ms", minute), ("message.timestamp.after.max.ms", minute)];
    let id = gateway.topic_with("t", 1, &configs).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let now = now_ms();
    let times = [now, now - HOUR_MS, -1, now + HOUR_MS, now + 30_000];
    for batch in [Batch::at_times(&times), gzipped(Batch::at_times(&times))] {
        let answer = client.produce(9, place, batch).await;
        assert_eq!(refused(&answer), (ErrorCode::InvalidTimestamp, vec![1, 3]));
    }
    for times in [[now, now], [-1, -1], [-1, now]] {
        client.append(place, Batch::at_times(&times)).await;
        client.append(place, gzipped(Batch::at_times(&times))).await;
    }
}

#[tokio::test]
async fn a_header_that_lies_about_its_largest_timestamp_is_put_right() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let now = now_ms();
    let batch = || Batch::at_times(&[now, now + 7, now + 3]);
    for lie in [5, -1, now + 5 * HOUR_MS, i64::MAX] {
        let header = stored(&mut client, place, max_timestamp(batch(), lie)).await;
        assert_eq!(header.max_timestamp, now + 7, "told {lie}");
    }
    let header =
        stored(&mut client, place, max_timestamp(gzipped(batch()), now + 5 * HOUR_MS)).await;
    assert_eq!(header.max_timestamp, now + 7);
    let hidden = max_timestamp(Batch::at_times(&[now, now + 5 * HOUR_MS]), now);
    let answer = client.produce(9, place, hidden).await;
    assert_eq!(refused(&answer), (ErrorCode::InvalidTimestamp, vec![1]));
}

#[tokio::test]
async fn a_producer_must_not_stamp_batches_in_the_brokers_place() {
    let gateway = Gateway::start().await;
    let log_append_time = [("message.timestamp.type", "LogAppendTime")];
    let id = gateway.topic_with("stamped", 1, &log_append_time).await;
    let place = Place { name: "stamped", id, partition: 0 };
    let mut client = gateway.client().await;
    let now = now_ms();
    let batch = || Batch::at_times(&[now, now + 5]);
    for batch in
        [batch().attributes(LOG_APPEND_TIME), gzipped(batch()).attributes(1 | LOG_APPEND_TIME)]
    {
        let answer = client.produce(9, place, batch).await;
        assert_eq!(refused(&answer), (ErrorCode::InvalidTimestamp, vec![0, 1]));
        let message = answer.record_errors[1].message.as_deref().unwrap();
        assert!(message.ends_with("Producer should not set timestamp type to LogAppendTime."));
    }
    // Where timestamps are the producer's, the mark is taken away.
    let id = gateway.topic("plain", 1).await;
    let place = Place { name: "plain", id, partition: 0 };
    let header = stored(&mut client, place, batch().attributes(LOG_APPEND_TIME)).await;
    assert!(!header.attributes.is_log_append_time());
    assert_eq!(header.max_timestamp, now + 5);
}

/// The body of a record: attributes, timestamp delta, offset delta, then as told.
fn body(offset_delta: i64, rest: &[i64]) -> BytesMut {
    let mut body = BytesMut::new();
    for number in [0, 0, offset_delta].iter().chain(rest) {
        put_varint(&mut body, *number);
    }
    body
}

fn framed(len: i64, body: &[u8]) -> Vec<u8> {
    let mut framed = BytesMut::new();
    put_varint(&mut framed, len);
    framed.put_slice(body);
    framed.to_vec()
}

fn whole(body: &[u8]) -> Vec<u8> {
    framed(body.len() as i64, body)
}

#[tokio::test]
async fn bytes_that_are_no_records_are_refused() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let null = body(0, &[-1, -1, 0]);
    let good = whole(&null);
    let cases: [(&str, Vec<u8>); 15] = [
        ("nothing", vec![]),
        ("surplus byte", [&good[..], &[0]].concat()),
        ("surplus record", [&good[..], &whole(&body(1, &[-1, -1, 0]))].concat()),
        ("length below 0", framed(-5, &null)),
        ("length 0", framed(0, &null)),
        ("length beyond the batch", framed(500, &null)),
        ("length too short", framed(null.len() as i64 - 1, &null)),
        ("length too long", framed(null.len() as i64 + 1, &[&null[..], &[0]].concat())),
        ("key beyond the record", whole(&body(0, &[100, -1, 0]))),
        ("key length below -1", whole(&body(0, &[-2, -1, 0]))),
        ("value beyond the record", whole(&body(0, &[-1, 100, 0]))),
        ("header count below 0", whole(&body(0, &[-1, -1, -1]))),
        ("headers beyond the record", whole(&body(0, &[-1, -1, 100]))),
        ("header without a name", whole(&body(0, &[-1, -1, 1, -1, -1]))),
        ("number of eleven bytes", whole(&[&[0][..], &[0xff; 11], &[0; 4]].concat())),
    ];
    for (case, payload) in cases {
        let answer = client.produce(9, place, Batch::of(&["v"]).payload(&payload)).await;
        assert_eq!(refused(&answer), (ErrorCode::InvalidRecord, vec![]), "{case}");
    }
    client.append(place, Batch::of(&["v"]).payload(&good)).await;
    assert_eq!(client.read(12, place, 0).await.high_watermark, 1, "only the good one is there");
}

#[tokio::test]
async fn record_counts_and_offset_deltas_must_be_those_of_the_records() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let two = || Batch::of(&["a", "b"]);
    let counted =
        |count: i32| two().set(57, &count.to_be_bytes()).set(23, &(count - 1).to_be_bytes());
    let with_deltas = |first, second| {
        let records = [whole(&body(first, &[-1, -1, 0])), whole(&body(second, &[-1, -1, 0]))];
        two().payload(&records.concat())
    };
    for (case, batch) in [
        ("one too few", counted(1)),
        ("one too many", counted(3)),
        ("none", counted(0)),
        ("deltas 1, 0", with_deltas(1, 0)),
        ("deltas 0, 5", with_deltas(0, 5)),
        ("deltas -1, 0", with_deltas(-1, 0)),
        ("base offset", two().damage(7, &[1])),
    ] {
        let answer = client.produce(9, place, batch).await;
        assert_eq!(refused(&answer), (ErrorCode::InvalidRecord, vec![]), "{case}");
    }
    client.append(place, with_deltas(0, 1)).await;
}

#[tokio::test]
async fn batches_are_stored_with_the_topics_codec_and_nothing_else_about_them_changes() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    let now = now_ms();
    let value = "tide ".repeat(30_000);
    let records = || {
        let record = |time, key, value| Record::new(time, key, value);
        let header = RecordHeader { key: b"h", value: None };
        [
            record(now - 7, None, None),
            Record { headers: vec![header; 3], ..record(now + 9, Some(&b""[..]), Some(&b""[..])) },
            record(now, Some(b"\xff"), Some(value.as_bytes())),
        ]
    };
    for (name, stored_codec) in CODECS {
        let id = gateway.topic_with(name, 1, &[("compression.type", name)]).await;
        let place = Place { name, id, partition: 0 };
        for (n, (sent_name, codec)) in CODECS.into_iter().enumerate() {
            let sent = packed(Batch::of_records(records()), codec).by(n as i64, 3, i32::MAX);
            let offset = client.append(place, sent.clone()).await;
            assert_eq!(offset, n as i64 * 3);
            let bytes = client.read(12, place, offset).await.records;
            let header = headers(&bytes)[0];
            let what = format!("{sent_name} to {name}");
            if codec == stored_codec {
                assert_eq!(bytes, sent.clone().stored_at(offset, header.leader_epoch), "{what}");
            }
            assert!(tidegate_model::batch_crc_matches(&bytes), "{what}");
            assert_eq!(header.attributes.compression(), Some(stored_codec), "{what}");
            assert_eq!((header.base_offset, header.record_count), (offset, 3), "{what}");
            assert_eq!((header.base_timestamp, header.max_timestamp), (now - 7, now + 9));
            assert_eq!((header.producer_id, header.producer_epoch), (n as i64, 3), "{what}");
            assert_eq!(header.base_sequence, i32::MAX, "{what}");
            let plain = record_bytes(&header, &bytes).unwrap();
            let read: Vec<_> = Records::of_bytes(&header, &plain).map(Result::unwrap).collect();
            let mut expected = records();
            (0..).zip(&mut expected).for_each(|(n, record)| record.offset_delta = n);
            assert_eq!(read, expected, "{what}");
            assert_eq!(client.append(place, sent).await, offset, "{what}: a repetition");
        }
    }
}

#[tokio::test]
async fn the_size_limit_holds_before_and_after_a_batch_is_stored_with_another_codec() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    let large = Batch::of_len(2_000);
    for (codec, batch) in [("gzip", large.clone()), ("uncompressed", gzipped(large))] {
        let configs = [("compression.type", codec), ("max.message.bytes", "1000")];
        let id = gateway.topic_with(codec, 1, &configs).await;
        let place = Place { name: codec, id, partition: 0 };
        let answer = client.produce(9, place, batch).await;
        assert_eq!(refused(&answer), (ErrorCode::MessageTooLarge, vec![]), "to {codec}");
    }
    let configs = [("max.message.bytes", "3000000"), ("segment.bytes", "1048576")];
    let id = gateway.topic_with("segments", 1, &configs).await;
    let place = Place { name: "segments", id, partition: 0 };
    let answer = client.produce(9, place, Batch::of_len(2_000_000)).await;
    assert_eq!(refused(&answer), (ErrorCode::RecordListTooLarge, vec![]));
}

#[tokio::test]
async fn records_of_a_batch_that_is_stored_with_another_codec_are_checked() {
    let gateway = Gateway::start().await;
    let id = gateway.topic_with("t", 1, &[("compression.type", "lz4")]).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    for codec in 1..=4 {
        let noise = Batch::of(&["v"]).attributes(codec).payload(b"not the codec's format");
        let answer = client.produce(9, place, noise).await;
        let expected = if codec == 3 { ErrorCode::None } else { ErrorCode::InvalidRecord };
        assert_eq!(refused(&answer), (expected, vec![]), "codec {codec}");
    }
    let late = gzipped(Batch::at_times(&[now_ms(), now_ms() + 2 * HOUR_MS]));
    let answer = client.produce(9, place, max_timestamp(late, 0)).await;
    assert_eq!(
        refused(&answer),
        (ErrorCode::InvalidTimestamp, vec![1]),
        "whatever the header says"
    );
}

#[tokio::test]
async fn log_append_time_and_the_topics_codec_go_together() {
    let gateway = Gateway::start().await;
    let configs = [("compression.type", "zstd"), ("message.timestamp.type", "LogAppendTime")];
    let id = gateway.topic_with("t", 1, &configs).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let before = now_ms();
    let sent = Batch::at_times(&[5, 900 * HOUR_MS]).by(5, 0, 0);
    let answer = client.produce(9, place, sent.clone()).await;
    let bytes = client.read(12, place, 0).await.records;
    let header = headers(&bytes)[0];
    assert!(header.attributes.is_log_append_time() && tidegate_model::batch_crc_matches(&bytes));
    assert_eq!(header.attributes.compression(), Some(Compression::Zstd));
    assert_eq!((header.base_timestamp, header.max_timestamp), (5, answer.log_append_time_ms));
    assert!((before..=now_ms()).contains(&header.max_timestamp));
    assert_eq!(client.produce(9, place, sent).await, answer, "a repetition");
}

#[tokio::test]
async fn a_compacted_topic_says_which_records_lack_a_key_in_kafkas_words() {
    let gateway = Gateway::start().await;
    let id = gateway.topic_with("t", 1, &[("cleanup.policy", "compact")]).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let keys = [Some(&b"a"[..]), None, Some(b""), None, None, None];
    for batch in [Batch::of_keys(&keys), gzipped(Batch::of_keys(&keys))] {
        let answer = client.produce(9, place, batch).await;
        assert_eq!(refused(&answer), (ErrorCode::InvalidRecord, vec![1, 3, 4, 5]));
        let why = "Compacted topic cannot accept message without key in topic partition t-0";
        assert_eq!(answer.record_errors[0].message.as_deref(), Some(why));
        let expected = format!(
            "One or more records have been rejected due to 4 record errors in total, and only \
             showing the first three errors at most: [RecordError(batchIndex=1, message='{why}'), \
             RecordError(batchIndex=3, message='{why}'), RecordError(batchIndex=4, message='{why}')]"
        );
        assert_eq!(answer.error_message, Some(expected));
    }
    let late = Record::new(now_ms() + 9 * HOUR_MS, Some(b"k"), None);
    let answer =
        client.produce(9, place, Batch::of_records([Record::new(0, None, None), late])).await;
    assert_eq!(refused(&answer), (ErrorCode::InvalidTimestamp, vec![0, 1]), "time goes first");
}

#[tokio::test]
async fn a_response_names_at_most_a_thousand_refused_records() {
    let gateway = Gateway::start().await;
    let id = gateway.topic_with("t", 1, &[("cleanup.policy", "compact")]).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let answer = client.produce(9, place, Batch::of_keys(&[None; 1_500])).await;
    assert_eq!(answer.record_errors.len(), 1_000);
    let message = answer.error_message.unwrap();
    assert!(message.contains("due to 1500 record errors in total"), "{message}");
}

#[tokio::test]
async fn compressed_records_are_checked_where_the_gateway_is_told_to_unpack_them() {
    let gateway = Gateway::that_unpacks().await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let now = now_ms();
    for (name, codec) in &CODECS[1..] {
        let noise = Batch::of(&["v"]).attributes(codec.id()).payload(b"not the codec's format");
        let answer = client.produce(9, place, noise).await;
        assert_eq!(refused(&answer), (ErrorCode::InvalidRecord, vec![]), "{name}");
        let surplus = packed(Batch::of(&["a", "b"]), *codec);
        let surplus = surplus.set(57, &1_i32.to_be_bytes()).set(23, &0_i32.to_be_bytes());
        let answer = client.produce(9, place, surplus).await;
        assert_eq!(refused(&answer), (ErrorCode::InvalidRecord, vec![]), "{name}");
        let late = packed(Batch::at_times(&[now, now + 2 * HOUR_MS]), *codec);
        let answer = client.produce(9, place, max_timestamp(late, now)).await;
        assert_eq!(refused(&answer), (ErrorCode::InvalidTimestamp, vec![1]), "{name}");
        let lying = max_timestamp(packed(Batch::at_times(&[now, now + 7]), *codec), 3);
        assert_eq!(stored(&mut client, place, lying).await.max_timestamp, now + 7, "{name}");
    }
}
