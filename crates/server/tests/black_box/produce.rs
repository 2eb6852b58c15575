//! Produce: what is kept verbatim, what is refused, and what repeated batches are answered.

use crate::common::batch::Batch;
use crate::common::batch::headers;
use crate::common::client::{Place, RawClient, fetch_request, produce_request};
use crate::common::{Gateway, code};
use smallvec::smallvec;
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::produce::{ProducePartition, ProduceRequest};

/// The lowest and the highest version and those at which something changes.
const VERSIONS: [i16; 8] = [3, 5, 7, 8, 9, 10, 12, 13];

async fn one_topic(gateway: &Gateway) -> Place<'static> {
    Place { name: "t", id: gateway.topic("t", 1).await, partition: 0 }
}

async fn refusal(client: &mut RawClient, version: i16, to: Place<'_>, batch: Batch) -> ErrorCode {
    let answer = client.produce(version, to, batch).await;
    assert_ne!(answer.error_code, 0, "the batch must be refused");
    assert_eq!(answer.base_offset, -1, "a refused batch has no offset");
    code(answer.error_code)
}

#[tokio::test]
async fn bytes_come_back_verbatim_but_for_base_offset_and_leader_epoch() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let epoch = gateway.broker.topics().by_name("t").unwrap().partition(0).unwrap().leader_epoch();
    let mut client = gateway.client().await;
    let mut expected = Vec::new();
    let mut offset = 0;
    for version in VERSIONS {
        // The epoch that a producer writes counts for nothing.
        let batch = Batch::with_every_oddity().damage(12, &[9; 4]);
        let answer = client.produce(version, place, batch.clone()).await;
        assert_eq!((code(answer.error_code), answer.base_offset), (ErrorCode::None, offset));
        expected.extend_from_slice(&batch.stored_at(offset, epoch));
        offset += 3;
    }
    for version in [4, 5, 7, 9, 11, 12, 13, 15, 18] {
        let fetched = client.read(version, place, 0).await;
        assert_eq!(fetched.records[..], expected[..], "Fetch v{version}");
    }
}

#[tokio::test]
async fn compressed_records_are_not_looked_at() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    for codec in 1..=4 {
        let batch = Batch::of(&["v"]).attributes(codec).payload(b"not the codec's format");
        let offset = client.append(place, batch.clone()).await;
        let fetched = client.read(12, place, offset).await.records;
        assert_eq!(fetched, batch.stored_at(offset, headers(&fetched)[0].leader_epoch));
    }
}

#[tokio::test]
async fn a_wrong_crc_is_a_corrupt_message_and_nothing_is_appended() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    for version in VERSIONS {
        let batch = Batch::of(&["value"]);
        let last = batch.len() - 1;
        let refused = refusal(&mut client, version, place, batch.damage(last, b"!")).await;
        assert_eq!(refused, ErrorCode::CorruptMessage);
    }
    assert_eq!(client.read(12, place, 0).await.high_watermark, 0);
}

#[tokio::test]
async fn control_batches_of_clients_are_refused() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    for attributes in [1 << 5, 1 << 5 | 1 << 4] {
        let control = Batch::of(&["v"]).attributes(attributes).by(1, 0, 0);
        let refused = refusal(&mut client, 9, place, control).await;
        assert_eq!(refused, ErrorCode::InvalidRecord, "attributes {attributes:#x}");
    }
}

#[tokio::test]
async fn old_message_formats_empty_and_double_batches_are_refused() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    let (invalid, corrupt) = (ErrorCode::InvalidRecord, ErrorCode::CorruptMessage);
    for (magic, expected) in [(0, invalid), (1, invalid), (3, corrupt), (0xff, corrupt)] {
        let refused = refusal(&mut client, 9, place, Batch::of(&["v"]).damage(16, &[magic])).await;
        assert_eq!(refused, expected, "magic {magic}");
    }
    let mut two = produce_request(-1, place, Batch::of(&["v"]));
    let bytes = two.topics[0].partitions[0].records.as_mut().unwrap();
    bytes.extend_from_slice(&Batch::of(&["w"]).bytes());
    let id = client.begin_produce(9, &two).await;
    let answer = client.end_produce(9, id).await;
    assert_eq!(code(answer.topics[0].partitions[0].error_code), ErrorCode::InvalidRecord);
    let mut none = produce_request(-1, place, Batch::of(&["v"]));
    none.topics[0].partitions[0].records = None;
    let id = client.begin_produce(9, &none).await;
    let answer = client.end_produce(9, id).await;
    assert_eq!(code(answer.topics[0].partitions[0].error_code), ErrorCode::InvalidRecord);
}

#[tokio::test]
async fn a_batch_of_max_message_bytes_is_taken_and_one_byte_more_is_too_large() {
    let gateway = Gateway::start().await;
    let id = gateway.topic_with("t", 1, &[("max.message.bytes", "1000")]).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let overhead = Batch::of_len(900).len() - 900;
    let fits = Batch::of_len(1_000 - overhead);
    assert_eq!(fits.len(), 1_000);
    client.append(place, fits).await;
    let large = Batch::of_len(1_001 - overhead);
    assert_eq!(refusal(&mut client, 9, place, large).await, ErrorCode::MessageTooLarge);
}

#[tokio::test]
async fn null_keys_on_a_compacted_topic_are_invalid_records_named_by_index() {
    let gateway = Gateway::start().await;
    let id = gateway.topic_with("t", 1, &[("cleanup.policy", "compact")]).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let keys = [Some(&b"a"[..]), None, Some(b""), None];
    for version in VERSIONS {
        let answer = client.produce(version, place, Batch::of_keys(&keys)).await;
        assert_eq!(code(answer.error_code), ErrorCode::InvalidRecord, "v{version}");
        let named: Vec<_> = answer.record_errors.iter().map(|r| r.batch_index).collect();
        let expected = if version >= 8 { vec![1, 3] } else { vec![] };
        assert_eq!(named, expected, "v{version}");
        assert_eq!(answer.error_message.is_some(), version >= 8);
    }
    client.append(place, Batch::of_keys(&[Some(b"a"), Some(b"")])).await;
    assert_eq!(client.read(12, place, 0).await.high_watermark, 2);
}

#[tokio::test]
async fn a_repetition_of_one_of_the_last_five_batches_gets_its_original_offset() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    let batch = |sequence| Batch::of(&["a", "b"]).by(5, 0, sequence * 2);
    for sequence in 0..6 {
        assert_eq!(client.append(place, batch(sequence)).await, i64::from(sequence) * 2);
    }
    for version in VERSIONS {
        for sequence in 1..6 {
            let answer = client.produce(version, place, batch(sequence)).await;
            let offset = i64::from(sequence) * 2;
            assert_eq!((code(answer.error_code), answer.base_offset), (ErrorCode::None, offset));
        }
    }
    let forgotten = refusal(&mut client, 9, place, batch(0)).await;
    assert_eq!(forgotten, ErrorCode::OutOfOrderSequenceNumber, "six batches ago");
    assert_eq!(client.read(12, place, 0).await.high_watermark, 12, "nothing is appended twice");
}

#[tokio::test]
async fn a_repetition_that_follows_at_once_gets_its_original_offset() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    let request = || produce_request(-1, place, Batch::of(&["v"]).by(5, 0, 0));
    // On one connection and from another, without waiting for the first answer.
    let mut other = gateway.client().await;
    let ids =
        [client.begin_produce(9, &request()).await, client.begin_produce(9, &request()).await];
    let other_id = other.begin_produce(9, &request()).await;
    for id in ids {
        assert_eq!(client.end_produce(9, id).await.topics[0].partitions[0].base_offset, 0);
    }
    assert_eq!(other.end_produce(9, other_id).await.topics[0].partitions[0].base_offset, 0);
    assert_eq!(client.read(12, place, 0).await.high_watermark, 1);
}

#[tokio::test]
async fn a_gap_in_the_sequence_is_out_of_order_and_leaves_the_producer_usable() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    client.append(place, Batch::of(&["v"]).by(5, 0, 0)).await;
    for sequence in [2, 3, i32::MAX] {
        let gap = Batch::of(&["v"]).by(5, 0, sequence);
        let refused = refusal(&mut client, 9, place, gap).await;
        assert_eq!(refused, ErrorCode::OutOfOrderSequenceNumber, "sequence {sequence}");
    }
    assert_eq!(client.append(place, Batch::of(&["v"]).by(5, 0, 1)).await, 1);
}

#[tokio::test]
async fn an_unknown_producer_may_begin_at_any_sequence() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    assert_eq!(client.append(place, Batch::of(&["v"]).by(5, 3, 17)).await, 0);
    assert_eq!(client.append(place, Batch::of(&["v"]).by(5, 3, 18)).await, 1);
}

#[tokio::test]
async fn an_older_epoch_is_refused_and_a_newer_one_begins_at_zero() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    client.append(place, Batch::of(&["v"]).by(5, 1, 0)).await;
    let old = refusal(&mut client, 9, place, Batch::of(&["v"]).by(5, 0, 1)).await;
    assert_eq!(old, ErrorCode::InvalidProducerEpoch);
    let late = refusal(&mut client, 9, place, Batch::of(&["v"]).by(5, 2, 1)).await;
    assert_eq!(late, ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(client.append(place, Batch::of(&["v"]).by(5, 2, 0)).await, 1);
    let fenced = refusal(&mut client, 9, place, Batch::of(&["v"]).by(5, 1, 1)).await;
    assert_eq!(fenced, ErrorCode::InvalidProducerEpoch);
}

#[tokio::test]
async fn sequences_wrap_from_the_largest_number_to_zero() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    client.append(place, Batch::of(&["a", "b"]).by(5, 0, i32::MAX - 2)).await;
    // Holds the sequences 2147483647 and 0.
    let wrapping = Batch::of(&["c", "d"]).by(5, 0, i32::MAX);
    assert_eq!(client.append(place, wrapping.clone()).await, 2);
    assert_eq!(client.append(place, Batch::of(&["e"]).by(5, 0, 1)).await, 4);
    assert_eq!(client.append(place, wrapping).await, 2, "a repetition");
}

#[tokio::test]
async fn producers_have_sequences_of_their_own_in_every_partition() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 2).await;
    let mut client = gateway.client().await;
    for partition in 0..2 {
        for producer_id in [5, 6] {
            for sequence in 0..2 {
                let batch = Batch::of(&["v"]).by(producer_id, 0, sequence);
                client.append(Place { name: "t", id, partition }, batch).await;
            }
        }
        let fetched = client.read(12, Place { name: "t", id, partition }, 0).await;
        assert_eq!(fetched.high_watermark, 4);
    }
}

#[tokio::test]
async fn zstd_needs_produce_7() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    let zstd = || Batch::of(&["v"]).attributes(4);
    for version in [3, 6] {
        let refused = refusal(&mut client, version, place, zstd()).await;
        assert_eq!(refused, ErrorCode::UnsupportedCompressionType, "v{version}");
    }
    for version in [7, 13] {
        let answer = client.produce(version, place, zstd()).await;
        assert_eq!(code(answer.error_code), ErrorCode::None, "v{version}");
    }
}

#[tokio::test]
async fn log_append_time_is_told_and_written_into_the_batch_and_create_time_is_not() {
    let gateway = Gateway::start().await;
    let create = one_topic(&gateway).await;
    let log_append_time = [("message.timestamp.type", "LogAppendTime")];
    let id = gateway.topic_with("stamped", 1, &log_append_time).await;
    let stamped = Place { name: "stamped", id, partition: 0 };
    let mut client = gateway.client().await;
    for version in VERSIONS {
        let answer = client.produce(version, create, Batch::of(&["v"])).await;
        assert_eq!(answer.log_append_time_ms, -1, "v{version}");
        let answer = client.produce(version, stamped, Batch::of(&["v"])).await;
        assert!(answer.log_append_time_ms > 1_700_000_000_000, "v{version}: {answer:?}");
        let fetched = client.read(12, stamped, answer.base_offset).await;
        let header = headers(&fetched.records)[0];
        assert!(header.attributes.is_log_append_time());
        assert_eq!(header.max_timestamp, answer.log_append_time_ms);
        assert!(tidegate_model::batch_crc_matches(&fetched.records));
    }
    let fetched = client.read(12, create, 0).await;
    assert!(headers(&fetched.records).iter().all(|h| !h.attributes.is_log_append_time()));
}

#[tokio::test]
async fn a_repetition_under_log_append_time_gets_the_original_time() {
    let gateway = Gateway::start().await;
    let log_append_time = [("message.timestamp.type", "LogAppendTime")];
    let id = gateway.topic_with("t", 1, &log_append_time).await;
    let place = Place { name: "t", id, partition: 0 };
    let mut client = gateway.client().await;
    let first = client.produce(9, place, Batch::of(&["v"]).by(5, 0, 0)).await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let again = client.produce(9, place, Batch::of(&["v"]).by(5, 0, 0)).await;
    assert_eq!(again, first);
}

#[tokio::test]
async fn acks_other_than_0_1_and_all_are_refused() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    for acks in [2, -2, i16::MAX] {
        let id = client.begin_produce(9, &produce_request(acks, place, Batch::of(&["v"]))).await;
        let answer = &client.end_produce(9, id).await.topics[0].partitions[0];
        assert_eq!(code(answer.error_code), ErrorCode::InvalidRequiredAcks, "acks {acks}");
    }
    for acks in [-1, 1] {
        let id = client.begin_produce(9, &produce_request(acks, place, Batch::of(&["v"]))).await;
        let answer = &client.end_produce(9, id).await.topics[0].partitions[0];
        assert_eq!(code(answer.error_code), ErrorCode::None, "acks {acks}");
    }
}

#[tokio::test]
async fn unknown_topics_ids_and_partitions_have_errors_of_their_own() {
    let gateway = Gateway::start().await;
    let known = one_topic(&gateway).await;
    let mut client = gateway.client().await;
    let missing = Place { name: "missing", id: TopicId(uuid::Uuid::from_u128(9)), partition: 0 };
    for version in VERSIONS {
        let expected = match version {
            13 => ErrorCode::UnknownTopicId,
            _ => ErrorCode::UnknownTopicOrPartition,
        };
        assert_eq!(refusal(&mut client, version, missing, Batch::of(&["v"])).await, expected);
        for partition in [1, -1, i32::MAX] {
            let beyond = Place { partition, ..known };
            let refused = refusal(&mut client, version, beyond, Batch::of(&["v"])).await;
            assert_eq!(refused, ErrorCode::UnknownTopicOrPartition);
        }
    }
}

#[tokio::test]
async fn partitions_of_one_request_succeed_and_fail_each_on_its_own() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 3).await;
    let mut client = gateway.client().await;
    let place = Place { name: "t", id, partition: 0 };
    let mut request = produce_request(-1, place, Batch::of(&["v"]));
    let bad = Batch::of(&["v"]).damage(17, &[1, 2, 3, 4]).bytes();
    request.topics[0].partitions.push(ProducePartition { index: 1, records: Some(bad) });
    let good = Batch::of(&["w"]).bytes();
    request.topics[0].partitions.push(ProducePartition { index: 2, records: Some(good) });
    let id = client.begin_produce(13, &request).await;
    let answer = client.end_produce(13, id).await;
    let codes: Vec<_> =
        answer.topics[0].partitions.iter().map(|p| (p.index, code(p.error_code))).collect();
    let (none, corrupt) = (ErrorCode::None, ErrorCode::CorruptMessage);
    assert_eq!(codes, [(0, none), (1, corrupt), (2, none)]);
}

#[tokio::test]
async fn a_produce_of_nothing_is_answered() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    for version in VERSIONS {
        let request = ProduceRequest { acks: -1, topics: smallvec![], ..Default::default() };
        let id = client.begin_produce(version, &request).await;
        assert!(client.end_produce(version, id).await.topics.is_empty());
    }
}

#[tokio::test]
async fn the_high_watermark_covers_all_that_is_acknowledged_and_never_falls() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut writers = Vec::new();
    for _ in 0..4 {
        let mut client = gateway.client().await;
        let mut reader = gateway.client().await;
        writers.push(tokio::spawn(async move {
            let mut seen = 0;
            for _ in 0..100 {
                let offset = client.append(place, Batch::of(&["v"])).await;
                let fetched = reader.fetch(12, &fetch_request(&[(place, 0)])).await;
                let high_watermark = fetched.topics[0].partitions[0].high_watermark;
                assert!(high_watermark > offset, "{high_watermark} covers {offset}");
                assert!(high_watermark >= seen, "{high_watermark} after {seen}");
                seen = high_watermark;
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(gateway.client().await.read(12, place, 0).await.high_watermark, 400);
}
