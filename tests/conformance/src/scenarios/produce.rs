//! Produce: which batches are taken, with which offsets, and with which words others are refused.

use crate::batches::*;
use crate::client::{Client, Topic};
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::{ApiVersionsRequest, FindCoordinatorRequest};
use smallvec::smallvec;
use tidegate_wire::produce::{PartitionResponse, ProducePartition, ProduceRequest};

scenarios![
    a_batch_is_answered_with_its_base_offset,
    acks_of_one_and_all_are_answered_alike,
    acks_of_none_are_not_answered_and_the_batch_is_there,
    an_error_with_acks_of_none_closes_the_connection,
    other_acks_are_refused,
    answers_come_in_the_order_of_the_requests,
    five_idempotent_batches_in_flight_keep_their_order,
    a_request_of_nothing_is_answered,
    partitions_succeed_and_fail_each_on_its_own,
    a_topic_that_does_not_exist_is_unknown,
    a_topic_id_that_does_not_exist_is_unknown,
    a_partition_that_does_not_exist_is_unknown,
    empty_records_are_invalid,
    two_batches_for_a_partition_are_invalid,
    message_formats_of_old_are_invalid,
    a_magic_that_does_not_exist_is_corrupt,
    a_wrong_crc_is_a_corrupt_message,
    a_batch_that_is_cut_short_is_refused,
    a_length_that_is_not_the_batchs_is_refused,
    a_control_batch_of_a_client_is_invalid,
    a_base_offset_other_than_zero_is_invalid,
    a_batch_of_max_message_bytes_is_taken_and_one_byte_more_is_too_large,
    a_batch_larger_than_a_segment_is_too_large_a_list,
    a_null_key_on_a_compacted_topic_is_an_invalid_record,
    the_first_three_of_many_refused_records_are_told_in_the_message,
    a_record_count_that_is_not_the_batchs_is_invalid,
    a_last_offset_delta_that_is_not_the_counts_is_invalid,
    the_topic_of_offsets_takes_no_records_of_clients,
];

const ALL: std::ops::RangeInclusive<i16> = 3..=13;

/// Shows in every version that this batch is refused with that code, on a topic with those configs,
/// and that nothing of it was appended.
async fn is_refused(
    client: &mut Client,
    configs: &[(&str, &str)],
    error: ErrorCode,
    batch: &Batch,
) {
    let topic = client.topic_with("t", 1, configs).await;
    for version in client.each(ALL) {
        let answer = client.produce_one(version, topic.partition(0), batch.clone()).await;
        expect(answer.error_code, error);
    }
    is_empty(client, &topic).await;
}

async fn is_empty(client: &mut Client, topic: &Topic) {
    let end = client.raw.read(12, topic.partition(0), 0).await.high_watermark;
    assert_eq!(end, 0, "nothing was appended");
}

fn and(mut request: ProduceRequest, partition: i32, records: Option<Batch>) -> ProduceRequest {
    let records = records.map(Batch::bytes);
    request.topics[0].partitions.push(ProducePartition { index: partition, records });
    request
}

async fn a_batch_is_answered_with_its_base_offset(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        for (values, offset) in [(&["a", "b", "c"][..], 0), (&["d"][..], 3)] {
            let answer = client.produce_one(version, topic.partition(0), Batch::of(values)).await;
            expect(answer.error_code, ErrorCode::None);
            assert_eq!(answer.base_offset, offset);
        }
    }
}

async fn acks_of_one_and_all_are_answered_alike(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        for (acks, offset) in [(1, 0), (-1, 1)] {
            let request = produce_request(acks, topic.partition(0), Batch::of(&["v"]));
            let response = client.produce(version, &request).await;
            assert_eq!(response.topics[0].partitions[0].base_offset, offset);
        }
    }
}

async fn acks_of_none_are_not_answered_and_the_batch_is_there(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let request = produce_request(0, topic.partition(0), Batch::of(&["v"]));
        client.raw.begin_produce(version, &request).await;
        // The next answer is the next request's.
        client.ask(0, &ApiVersionsRequest::default()).await;
        let mut request = fetch_request(&[(topic.partition(0), 0)]);
        (request.min_bytes, request.max_wait_ms) = (1, 9_000);
        let response = client.fetch(12, &request).await;
        assert_eq!(response.topics[0].partitions[0].high_watermark, 1);
    }
}

async fn an_error_with_acks_of_none_closes_the_connection(client: Client) {
    for version in client.each(ALL) {
        let mut other = client.connect().await;
        let missing = Place { name: "missing", id: TopicId::default(), partition: 0 };
        let request = produce_request(0, missing, Batch::of(&["v"]));
        other.raw.begin_produce(version, &request).await;
        assert_eq!(other.raw.receive_or_end().await, None);
        client.note("closed");
    }
}

async fn other_acks_are_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(ALL) {
        for acks in [2, -2, i16::MAX] {
            let request = produce_request(acks, topic.partition(0), Batch::of(&["v"]));
            let response = client.produce(version, &request).await;
            let answer = &response.topics[0].partitions[0];
            expect(answer.error_code, ErrorCode::InvalidRequiredAcks);
        }
    }
    is_empty(&mut client, &topic).await;
}

async fn answers_come_in_the_order_of_the_requests(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let place = topic.partition(0);
    let mut slow = fetch_request(&[(place, 0)]);
    slow.min_bytes = 1_000_000;
    slow.max_wait_ms = 300;
    // The fetch waits, the produce behind it does not, and neither overtakes the other.
    let fetch = client.raw.begin_fetch(12, &slow).await;
    let produce = client.raw.begin_produce(9, &produce_request(-1, place, Batch::of(&["v"]))).await;
    let metadata = client.begin(0, &ApiVersionsRequest::default()).await;
    let fetched = client.raw.end_fetch(12, fetch).await;
    client.record("> Fetch", &fetched.error_code);
    let produced = client.raw.end_produce(9, produce).await;
    client.record("> Produce", &produced);
    client.receive(metadata).await;
}

async fn five_idempotent_batches_in_flight_keep_their_order(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let place = topic.partition(0);
        let mut ids = Vec::new();
        for sequence in 0..5 {
            let batch = Batch::of(&["v"]).by(7, 0, sequence);
            let request = produce_request(-1, place, batch);
            ids.push(client.raw.begin_produce(version, &request).await);
        }
        for (offset, id) in (0..).zip(ids) {
            let response = client.raw.end_produce(version, id).await;
            client.record("> Produce", &response);
            assert_eq!(response.topics[0].partitions[0].base_offset, offset);
        }
    }
}

async fn a_request_of_nothing_is_answered(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(ALL) {
        for acks in [1, -1] {
            let mut request = produce_request(acks, topic.partition(0), Batch::of(&["v"]));
            request.topics[0].partitions.clear();
            client.produce(version, &request).await;
            request.topics.clear();
            client.produce(version, &request).await;
        }
    }
}

async fn partitions_succeed_and_fail_each_on_its_own(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 2).await;
        let other = client.topic("other", 1).await;
        let bad = Batch::of(&["v"]).damage(17, &[1, 2, 3, 4]);
        let mut request = produce_request(-1, topic.partition(1), Batch::of(&["v"]));
        request = and(request, 0, Some(bad));
        request = and(request, 7, Some(Batch::of(&["v"])));
        let more = produce_request(-1, other.partition(0), Batch::of(&["v"]));
        request.topics.extend(more.topics);
        let id = client.raw.begin_produce(version, &request).await;
        let mut response = client.raw.end_produce(version, id).await;
        // Kafka groups its answers by outcome; their order is nobody's promise.
        response.topics.sort_by_key(|row| *row.name == *other.name || row.topic_id == other.id);
        for row in &mut response.topics {
            row.partitions.sort_by_key(|partition| partition.index);
        }
        client.answered("Produce", version, &response);
        let answers = response.topics.iter().flat_map(|topic| &topic.partitions);
        let errors: Vec<ErrorCode> = answers.map(|answer| code(answer.error_code)).collect();
        let [none, corrupt] = [ErrorCode::None, ErrorCode::CorruptMessage];
        assert_eq!(errors, [corrupt, none, ErrorCode::UnknownTopicOrPartition, none]);
    }
}

async fn a_topic_that_does_not_exist_is_unknown(mut client: Client) {
    for version in client.each(3..=12) {
        let name = client.unique("missing");
        let place = Place { name: &name, id: TopicId::default(), partition: 0 };
        let answer = client.produce_one(version, place, Batch::of(&["v"])).await;
        expect(answer.error_code, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn a_topic_id_that_does_not_exist_is_unknown(mut client: Client) {
    for id in [uuid::Uuid::new_v4(), uuid::Uuid::nil()] {
        let place = Place { name: "", id: TopicId(id), partition: 0 };
        let answer = client.produce_one(13, place, Batch::of(&["v"])).await;
        expect(answer.error_code, ErrorCode::UnknownTopicId);
    }
}

async fn a_partition_that_does_not_exist_is_unknown(mut client: Client) {
    let topic = client.topic("t", 2).await;
    for version in client.each(ALL) {
        for partition in [2, -1, i32::MAX] {
            let answer =
                client.produce_one(version, topic.partition(partition), Batch::of(&["v"])).await;
            expect(answer.error_code, ErrorCode::UnknownTopicOrPartition);
        }
    }
}

async fn empty_records_are_invalid(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(ALL) {
        let mut request = produce_request(-1, topic.partition(0), Batch::of(&["v"]));
        let records = Some(Default::default());
        request.topics[0].partitions = smallvec![ProducePartition { index: 0, records }];
        let response = client.produce(version, &request).await;
        expect(response.topics[0].partitions[0].error_code, ErrorCode::InvalidRecord);
    }
    is_empty(&mut client, &topic).await;
}

async fn two_batches_for_a_partition_are_invalid(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(ALL) {
        let mut request = produce_request(-1, topic.partition(0), Batch::of(&["v"]));
        let records = request.topics[0].partitions[0].records.as_mut().expect("it has records");
        records.extend_from_slice(&Batch::of(&["v"]).bytes());
        let response = client.produce(version, &request).await;
        expect(response.topics[0].partitions[0].error_code, ErrorCode::InvalidRecord);
    }
    is_empty(&mut client, &topic).await;
}

async fn message_formats_of_old_are_invalid(mut client: Client) {
    for magic in [0, 1] {
        client.note(&format!("magic {magic}"));
        let batch = Batch::of(&["v"]).set(16, &[magic]);
        is_refused(&mut client, &[], ErrorCode::InvalidRecord, &batch).await;
    }
}

async fn a_magic_that_does_not_exist_is_corrupt(mut client: Client) {
    let topic = client.topic("t", 1).await;
    // Later versions tell in a message which magic Kafka's reader met.
    for version in client.each(3..=7) {
        for magic in [3, 0xff] {
            let batch = Batch::of(&["v"]).set(16, &[magic]);
            let answer = client.produce_one(version, topic.partition(0), batch).await;
            expect(answer.error_code, ErrorCode::CorruptMessage);
        }
    }
    is_empty(&mut client, &topic).await;
}

async fn a_wrong_crc_is_a_corrupt_message(mut client: Client) {
    let batch = Batch::of(&["v"]);
    let (crc, last) = (batch.clone().damage(17, &[0; 4]), batch.len() - 1);
    is_refused(&mut client, &[], ErrorCode::CorruptMessage, &crc).await;
    client.note("a record's byte");
    is_refused(&mut client, &[], ErrorCode::CorruptMessage, &batch.damage(last, &[9])).await;
}

async fn a_batch_that_is_cut_short_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let batch = Batch::of(&["some", "records"]);
    for version in client.each([3, 8, 13]) {
        for len in [1, 11, 12, 16, 17, 30, 60, 61, 62, batch.len() - 1] {
            client.note(&format!("{len} bytes of {}", batch.len()));
            let mut request = produce_request(-1, topic.partition(0), batch.clone());
            let records = request.topics[0].partitions[0].records.as_mut();
            records.expect("it has records").truncate(len);
            let response = client.produce(version, &request).await;
            assert_ne!(response.topics[0].partitions[0].error_code, 0);
        }
    }
    is_empty(&mut client, &topic).await;
}

async fn a_length_that_is_not_the_batchs_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let batch = Batch::of(&["v"]);
    let len = batch.len() as i32 - 12;
    for version in client.each([3, 7]) {
        for told in [i32::MIN, -1, 0, 13, 14, 48, len + 1, len + 100] {
            client.note(&format!("{told} for {len}"));
            let batch = batch.clone().damage(8, &told.to_be_bytes());
            let answer = client.produce_one(version, topic.partition(0), batch).await;
            assert_ne!(answer.error_code, 0);
        }
    }
    is_empty(&mut client, &topic).await;
}

async fn a_control_batch_of_a_client_is_invalid(mut client: Client) {
    let batch = Batch::of(&["v"]).attributes(CONTROL);
    is_refused(&mut client, &[], ErrorCode::InvalidRecord, &batch).await;
}

async fn a_base_offset_other_than_zero_is_invalid(mut client: Client) {
    for offset in [1_i64, -1] {
        client.note(&format!("base offset {offset}"));
        let batch = Batch::of(&["v"]).damage(0, &offset.to_be_bytes());
        is_refused(&mut client, &[], ErrorCode::InvalidRecord, &batch).await;
    }
}

async fn a_batch_of_max_message_bytes_is_taken_and_one_byte_more_is_too_large(mut client: Client) {
    let configs = [("max.message.bytes", "1000")];
    let topic = client.topic_with("t", 1, &configs).await;
    for version in client.each(ALL) {
        let answer = client.produce_one(version, topic.partition(0), batch_of_len(1_001)).await;
        expect(answer.error_code, ErrorCode::MessageTooLarge);
    }
    for version in client.each(ALL) {
        let topic = client.topic_with("t", 1, &configs).await;
        let answer = client.produce_one(version, topic.partition(0), batch_of_len(1_000)).await;
        expect(answer.error_code, ErrorCode::None);
    }
}

async fn a_batch_larger_than_a_segment_is_too_large_a_list(mut client: Client) {
    let configs = [("max.message.bytes", "3000000"), ("segment.bytes", "1048576")];
    let batch = Batch::of_len(1_100_000);
    is_refused(&mut client, &configs, ErrorCode::RecordListTooLarge, &batch).await;
}

async fn a_null_key_on_a_compacted_topic_is_an_invalid_record(mut client: Client) {
    let batch = Batch::of_keys(&[Some(b"k"), None, Some(b""), None]);
    let configs = [("cleanup.policy", "compact")];
    is_refused(&mut client, &configs, ErrorCode::InvalidRecord, &batch).await;
    client.note("and also where data are deleted too");
    let configs = [("cleanup.policy", "compact,delete")];
    is_refused(&mut client, &configs, ErrorCode::InvalidRecord, &batch).await;
}

async fn the_first_three_of_many_refused_records_are_told_in_the_message(mut client: Client) {
    let batch = Batch::of_keys(&[None; 5]);
    let topic = client.topic_with("t", 1, &[("cleanup.policy", "compact")]).await;
    for version in client.each([7, 8, 13]) {
        let answer: PartitionResponse =
            client.produce_one(version, topic.partition(0), batch.clone()).await;
        expect(answer.error_code, ErrorCode::InvalidRecord);
        assert_eq!(answer.record_errors.len(), if version < 8 { 0 } else { 5 });
    }
}

async fn a_record_count_that_is_not_the_batchs_is_invalid(mut client: Client) {
    for count in [0_i32, 1, 3, i32::MAX] {
        client.note(&format!("{count} for 2"));
        let batch = Batch::of(&["a", "b"]).set(57, &count.to_be_bytes());
        is_refused(&mut client, &[], ErrorCode::InvalidRecord, &batch).await;
    }
}

async fn a_last_offset_delta_that_is_not_the_counts_is_invalid(mut client: Client) {
    for delta in [0_i32, 2, i32::MAX] {
        client.note(&format!("{delta} for 1"));
        let batch = Batch::of(&["a", "b"]).set(23, &delta.to_be_bytes());
        is_refused(&mut client, &[], ErrorCode::InvalidRecord, &batch).await;
    }
}

async fn the_topic_of_offsets_takes_no_records_of_clients(mut client: Client) {
    let group = client.unique("g");
    // Who asks for a coordinator makes the topic.
    let ask = FindCoordinatorRequest::default().with_key(text(&group));
    client.ask(3, &ask).await;
    let id = TopicId(client.until_led("__consumer_offsets").await.topic_id);
    for version in client.each(ALL) {
        let place = Place { name: "__consumer_offsets", id, partition: 0 };
        let answer = client.produce_one(version, place, Batch::of(&["v"])).await;
        expect(answer.error_code, ErrorCode::InvalidTopic);
    }
}
