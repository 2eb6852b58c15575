//! Produce by idempotent producers: what is a repetition, what is a gap, and who is fenced.

use crate::client::{Client, Topic};
use crate::help::*;
use crate::scenarios;
use tidegate_wire::produce::PartitionResponse;

scenarios![
    a_repeated_batch_gets_its_original_offset,
    a_repetition_of_any_of_the_last_five_batches_gets_its_offset,
    the_sixth_last_batch_is_no_repetition_any_more,
    a_gap_in_the_sequence_is_out_of_order,
    a_batch_that_overlaps_the_last_one_is_out_of_order,
    a_producer_nobody_knows_may_begin_at_any_sequence,
    an_older_epoch_is_fenced,
    a_newer_epoch_must_begin_at_zero,
    a_newer_epoch_leaves_repetitions_of_the_older_one_fenced,
    sequences_wrap_from_the_largest_number_to_zero,
    a_batch_may_lie_across_the_wrap,
    every_partition_has_sequences_of_its_own,
    every_producer_has_sequences_of_its_own,
    a_repetition_of_another_length_is_out_of_order,
    a_producer_id_without_a_sequence_is_refused,
    a_producer_id_without_an_epoch,
    batches_without_a_producer_id_go_between,
    a_refused_batch_leaves_the_sequence_as_it_was,
    a_repetition_is_found_whatever_its_records_are,
    deleted_records_leave_the_sequence_as_it_was,
];

const ALL: std::ops::RangeInclusive<i16> = 3..=13;

/// Produces `count` records by producer 7 of that epoch, from that sequence number on.
async fn by(
    client: &mut Client,
    version: i16,
    topic: &Topic,
    (epoch, sequence): (i16, i32),
    count: usize,
) -> PartitionResponse {
    let batch = Batch::of(&vec!["v"; count]).by(7, epoch, sequence);
    let request = produce_request(-1, topic.partition(0), batch);
    let id = client.raw.begin_produce(version, &request).await;
    let mut response = client.raw.end_produce(version, id).await;
    let answer = &mut response.topics[0].partitions[0];
    // What is told here of a repetition is the subject of record_formats.
    answer.log_append_time_ms = -1;
    let answer = answer.clone();
    client.answered("Produce", version, &response);
    answer
}

#[track_caller]
fn is_at(answer: &PartitionResponse, offset: i64) {
    assert_eq!((code(answer.error_code), answer.base_offset), (ErrorCode::None, offset));
}

async fn a_repeated_batch_gets_its_original_offset(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        client.append(topic.partition(0), Batch::of(&["before"])).await;
        is_at(&by(&mut client, version, &topic, (0, 0), 3).await, 1);
        client.append(topic.partition(0), Batch::of(&["after"])).await;
        is_at(&by(&mut client, version, &topic, (0, 0), 3).await, 1);
        let read = client.fetch_one(12, topic.partition(0), 4).await;
        assert_eq!(read.high_watermark, 5);
    }
}

async fn a_repetition_of_any_of_the_last_five_batches_gets_its_offset(mut client: Client) {
    for version in client.each([3, 8, 13]) {
        let topic = client.topic("t", 1).await;
        for sequence in 0..6 {
            is_at(&by(&mut client, version, &topic, (0, sequence), 1).await, sequence.into());
        }
        for sequence in [3, 1, 5, 2, 4] {
            is_at(&by(&mut client, version, &topic, (0, sequence), 1).await, sequence.into());
        }
    }
}

async fn the_sixth_last_batch_is_no_repetition_any_more(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        for sequence in 0..6 {
            client.append(topic.partition(0), Batch::of(&["v"]).by(7, 0, sequence)).await;
        }
        let answer = by(&mut client, version, &topic, (0, 0), 1).await;
        expect(answer.error_code, ErrorCode::OutOfOrderSequenceNumber);
    }
}

async fn a_gap_in_the_sequence_is_out_of_order(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (0, 0), 2).await, 0);
        for sequence in [3, 100, i32::MAX] {
            let answer = by(&mut client, version, &topic, (0, sequence), 1).await;
            expect(answer.error_code, ErrorCode::OutOfOrderSequenceNumber);
        }
        is_at(&by(&mut client, version, &topic, (0, 2), 1).await, 2);
    }
}

async fn a_batch_that_overlaps_the_last_one_is_out_of_order(mut client: Client) {
    for version in client.each([3, 8, 13]) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (0, 0), 3).await, 0);
        for (sequence, count) in [(1, 3), (2, 2), (2, 1), (0, 4)] {
            let answer = by(&mut client, version, &topic, (0, sequence), count).await;
            expect(answer.error_code, ErrorCode::OutOfOrderSequenceNumber);
        }
    }
}

async fn a_producer_nobody_knows_may_begin_at_any_sequence(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (3, 12), 2).await, 0);
        is_at(&by(&mut client, version, &topic, (3, 14), 1).await, 2);
    }
}

async fn an_older_epoch_is_fenced(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (5, 0), 1).await, 0);
        for (epoch, sequence) in [(4, 1), (0, 0), (4, 0)] {
            let answer = by(&mut client, version, &topic, (epoch, sequence), 1).await;
            expect(answer.error_code, ErrorCode::InvalidProducerEpoch);
        }
    }
}

async fn a_newer_epoch_must_begin_at_zero(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (0, 0), 1).await, 0);
        let answer = by(&mut client, version, &topic, (1, 1), 1).await;
        expect(answer.error_code, ErrorCode::OutOfOrderSequenceNumber);
        is_at(&by(&mut client, version, &topic, (1, 0), 1).await, 1);
        is_at(&by(&mut client, version, &topic, (9, 0), 1).await, 2);
    }
}

async fn a_newer_epoch_leaves_repetitions_of_the_older_one_fenced(mut client: Client) {
    for version in client.each([3, 8, 13]) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (0, 0), 1).await, 0);
        is_at(&by(&mut client, version, &topic, (1, 0), 1).await, 1);
        let answer = by(&mut client, version, &topic, (0, 0), 1).await;
        expect(answer.error_code, ErrorCode::InvalidProducerEpoch);
        is_at(&by(&mut client, version, &topic, (1, 0), 1).await, 1);
    }
}

async fn sequences_wrap_from_the_largest_number_to_zero(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (0, i32::MAX - 1), 2).await, 0);
        is_at(&by(&mut client, version, &topic, (0, 0), 1).await, 2);
        is_at(&by(&mut client, version, &topic, (0, i32::MAX - 1), 2).await, 0);
    }
}

async fn a_batch_may_lie_across_the_wrap(mut client: Client) {
    for version in client.each([3, 8, 13]) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (0, i32::MAX - 1), 4).await, 0);
        is_at(&by(&mut client, version, &topic, (0, 2), 1).await, 4);
        let answer = by(&mut client, version, &topic, (0, 2), 2).await;
        expect(answer.error_code, ErrorCode::OutOfOrderSequenceNumber);
    }
}

async fn every_partition_has_sequences_of_its_own(mut client: Client) {
    for version in client.each([3, 13]) {
        let topic = client.topic("t", 2).await;
        for partition in [0, 1] {
            let batch = Batch::of(&["v"]).by(7, 0, 0);
            let answer = client.produce_one(version, topic.partition(partition), batch).await;
            is_at(&answer, 0);
        }
    }
}

async fn every_producer_has_sequences_of_its_own(mut client: Client) {
    for version in client.each([3, 13]) {
        let topic = client.topic("t", 1).await;
        for (offset, producer_id) in [7, 8, 0, i64::MAX].into_iter().enumerate() {
            let batch = Batch::of(&["v"]).by(producer_id, 0, 0);
            let answer = client.produce_one(version, topic.partition(0), batch).await;
            is_at(&answer, offset as i64);
        }
    }
}

async fn a_repetition_of_another_length_is_out_of_order(mut client: Client) {
    for version in client.each([3, 8, 13]) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (0, 0), 2).await, 0);
        for count in [1, 3] {
            let answer = by(&mut client, version, &topic, (0, 0), count).await;
            expect(answer.error_code, ErrorCode::OutOfOrderSequenceNumber);
        }
    }
}

async fn a_producer_id_without_a_sequence_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(ALL) {
        let answer = by(&mut client, version, &topic, (0, -1), 1).await;
        expect(answer.error_code, ErrorCode::InvalidRecord);
    }
}

async fn a_producer_id_without_an_epoch(mut client: Client) {
    for version in client.each(ALL) {
        let topic = client.topic("t", 1).await;
        let answer = by(&mut client, version, &topic, (-1, 0), 1).await;
        client.note(code(answer.error_code).name());
    }
}

async fn batches_without_a_producer_id_go_between(mut client: Client) {
    for version in client.each([3, 13]) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (0, 0), 1).await, 0);
        let plain = client.produce_one(version, topic.partition(0), Batch::of(&["v"])).await;
        is_at(&plain, 1);
        is_at(&by(&mut client, version, &topic, (0, 1), 1).await, 2);
    }
}

async fn a_refused_batch_leaves_the_sequence_as_it_was(mut client: Client) {
    for version in client.each([3, 8, 13]) {
        let topic = client.topic_with("t", 1, &[("max.message.bytes", "100")]).await;
        is_at(&by(&mut client, version, &topic, (0, 0), 1).await, 0);
        let answer = by(&mut client, version, &topic, (0, 1), 20).await;
        expect(answer.error_code, ErrorCode::MessageTooLarge);
        let damaged = Batch::of(&["v"]).by(7, 0, 1).damage(17, &[0; 4]);
        let answer = client.produce_one(version, topic.partition(0), damaged).await;
        expect(answer.error_code, ErrorCode::CorruptMessage);
        is_at(&by(&mut client, version, &topic, (0, 1), 1).await, 1);
    }
}

async fn a_repetition_is_found_whatever_its_records_are(mut client: Client) {
    for version in client.each([3, 13]) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (0, 0), 1).await, 0);
        let other = Batch::of(&["other"]).by(7, 0, 0);
        assert_eq!(client.append(topic.partition(0), other).await, 0);
        let read = client.fetch_one(12, topic.partition(0), 0).await;
        assert_eq!(read.high_watermark, 1);
    }
}

async fn deleted_records_leave_the_sequence_as_it_was(mut client: Client) {
    for version in client.each([3, 8, 13]) {
        let topic = client.topic("t", 1).await;
        is_at(&by(&mut client, version, &topic, (0, 0), 2).await, 0);
        client.ask(2, &delete_records(topic.partition(0), -1)).await;
        is_at(&by(&mut client, version, &topic, (0, 2), 1).await, 2);
        let answer = by(&mut client, version, &topic, (0, 0), 2).await;
        client.note(code(answer.error_code).name());
    }
}
