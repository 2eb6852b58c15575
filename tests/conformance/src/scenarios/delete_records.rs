//! DeleteRecords: the beginning of a partition moves up, and what lies before it is gone.

use crate::admin::{EARLIEST, LATEST, offset_at, offsets_topic};
use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_records_response::DeleteRecordsPartitionResult;
use kafka_protocol::messages::{
    DeleteRecordsRequest, DeleteRecordsResponse, InitProducerIdRequest,
};

scenarios![
    the_log_begins_at_the_offset_that_was_asked_for,
    minus_one_deletes_up_to_the_high_watermark,
    an_offset_behind_the_high_watermark_is_out_of_range,
    a_negative_offset_is_out_of_range,
    an_offset_before_the_log_start_changes_nothing,
    deleting_again_at_the_log_start_changes_nothing,
    an_empty_partition_has_nothing_but_its_beginning,
    offsets_go_on_after_everything_was_deleted,
    a_batch_that_holds_the_log_start_is_read_whole,
    times_before_the_log_start_find_what_is_left,
    a_producer_goes_on_after_its_records_were_deleted,
    a_topic_that_does_not_exist_is_unknown,
    a_partition_that_does_not_exist_is_unknown,
    names_that_are_no_topic_names,
    a_compacted_topic_does_not_lose_records,
    a_topic_that_is_compacted_and_deleted_may_lose_records,
    the_offsets_topic_does_not_lose_records,
    a_partition_named_twice_is_told_once,
    a_topic_named_twice,
    no_topics_are_answered_with_none,
    a_topic_without_partitions,
    partitions_succeed_beside_those_that_fail,
];

fn rows(name: &str, rows: &[(i32, i64)]) -> DeleteRecordsTopic {
    let rows = rows.iter().map(|(partition, offset)| {
        DeleteRecordsPartition::default().with_partition_index(*partition).with_offset(*offset)
    });
    DeleteRecordsTopic::default().with_name(topic_name(name)).with_partitions(rows.collect())
}

fn delete(topics: Vec<DeleteRecordsTopic>) -> DeleteRecordsRequest {
    DeleteRecordsRequest::default().with_topics(topics).with_timeout_ms(9_000)
}

async fn delete_one(
    client: &mut Client,
    version: i16,
    at: Place<'_>,
    offset: i64,
) -> DeleteRecordsPartitionResult {
    let request = delete(vec![rows(at.name, &[(at.partition, offset)])]);
    let mut response = client.call(version, &request).await;
    response.topics.remove(0).partitions.remove(0)
}

/// Kafka tells topics and partitions in no order.
fn sorted(mut response: DeleteRecordsResponse) -> DeleteRecordsResponse {
    response.topics.sort_by_key(|row| row.name.clone());
    for topic in &mut response.topics {
        topic.partitions.sort_by_key(|row| row.partition_index);
    }
    response
}

async fn the_log_begins_at_the_offset_that_was_asked_for(mut client: Client) {
    for version in client.each(0..=2) {
        let topic = client.topic("t", 1).await;
        let place = topic.partition(0);
        for value in ["a", "b", "c"] {
            client.append(place, Batch::of(&[value])).await;
        }
        let row = delete_one(&mut client, version, place, 2).await;
        expect(row.error_code, ErrorCode::None);
        assert_eq!(row.low_watermark, 2);
        assert_eq!(offset_at(&mut client, place, EARLIEST).await.0, 2);
        assert_eq!(offset_at(&mut client, place, LATEST).await.0, 3);
        let fetched = client.fetch_one(12, place, 1).await;
        expect(fetched.error_code, ErrorCode::OffsetOutOfRange);
        client.fetch_one(12, place, 2).await;
    }
}

async fn minus_one_deletes_up_to_the_high_watermark(mut client: Client) {
    for version in client.each(0..=2) {
        let topic = client.topic("t", 1).await;
        let place = topic.partition(0);
        client.append(place, Batch::of(&["a", "b", "c"])).await;
        let row = delete_one(&mut client, version, place, -1).await;
        assert_eq!(row.low_watermark, 3);
        assert_eq!(offset_at(&mut client, place, EARLIEST).await.0, 3);
    }
}

async fn an_offset_behind_the_high_watermark_is_out_of_range(mut client: Client) {
    let topic = client.topic("t", 1).await;
    client.append(topic.partition(0), Batch::of(&["a", "b"])).await;
    for version in client.each(0..=2) {
        for offset in [3, i64::MAX] {
            let row = delete_one(&mut client, version, topic.partition(0), offset).await;
            expect(row.error_code, ErrorCode::OffsetOutOfRange);
            assert_eq!(row.low_watermark, -1);
        }
    }
    assert_eq!(offset_at(&mut client, topic.partition(0), EARLIEST).await.0, 0);
}

async fn a_negative_offset_is_out_of_range(mut client: Client) {
    let topic = client.topic("t", 1).await;
    client.append(topic.partition(0), Batch::of(&["a", "b"])).await;
    for version in client.each(0..=2) {
        for offset in [-2, i64::MIN] {
            let row = delete_one(&mut client, version, topic.partition(0), offset).await;
            expect(row.error_code, ErrorCode::OffsetOutOfRange);
        }
    }
}

async fn an_offset_before_the_log_start_changes_nothing(mut client: Client) {
    for version in client.each(0..=2) {
        let topic = client.topic("t", 1).await;
        client.append(topic.partition(0), Batch::of(&["a", "b", "c"])).await;
        delete_one(&mut client, version, topic.partition(0), 2).await;
        let row = delete_one(&mut client, version, topic.partition(0), 1).await;
        expect(row.error_code, ErrorCode::None);
        assert_eq!(row.low_watermark, 2);
    }
}

async fn deleting_again_at_the_log_start_changes_nothing(mut client: Client) {
    let topic = client.topic("t", 1).await;
    client.append(topic.partition(0), Batch::of(&["a", "b", "c"])).await;
    for version in client.each(0..=2) {
        let row = delete_one(&mut client, version, topic.partition(0), 2).await;
        expect(row.error_code, ErrorCode::None);
        assert_eq!(row.low_watermark, 2);
    }
}

async fn an_empty_partition_has_nothing_but_its_beginning(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=2) {
        for (offset, error) in
            [(-1, ErrorCode::None), (0, ErrorCode::None), (1, ErrorCode::OffsetOutOfRange)]
        {
            let row = delete_one(&mut client, version, topic.partition(0), offset).await;
            expect(row.error_code, error);
        }
    }
}

async fn offsets_go_on_after_everything_was_deleted(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let place = topic.partition(0);
    client.append(place, Batch::of(&["a", "b", "c"])).await;
    delete_one(&mut client, 2, place, -1).await;
    client.fetch_one(12, place, 3).await;
    let row = client.produce_one(9, place, Batch::of(&["d"])).await;
    assert_eq!((row.base_offset, row.log_start_offset), (3, 3));
    client.fetch_one(12, place, 3).await;
}

async fn a_batch_that_holds_the_log_start_is_read_whole(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let place = topic.partition(0);
    client.append(place, Batch::of(&["a", "b", "c"])).await;
    delete_one(&mut client, 2, place, 1).await;
    // The batch is one piece: readers skip what comes before the offset they asked for.
    client.fetch_one(12, place, 1).await;
    let fetched = client.fetch_one(12, place, 0).await;
    expect(fetched.error_code, ErrorCode::OffsetOutOfRange);
}

async fn times_before_the_log_start_find_what_is_left(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let place = topic.partition(0);
    client.append(place, Batch::at_times(&[10, 20, 30])).await;
    client.append(place, Batch::at_times(&[40, 50])).await;
    delete_one(&mut client, 2, place, 2).await;
    for time in [5, 10, 20, 30, 31, 50, 51] {
        let found = offset_at(&mut client, place, time).await;
        client.record(&format!("offset and time at {time}"), &found);
    }
    assert_eq!(offset_at(&mut client, place, 10).await, (2, 30));
}

async fn a_producer_goes_on_after_its_records_were_deleted(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let place = topic.partition(0);
    let request = InitProducerIdRequest::default().with_transaction_timeout_ms(60_000);
    let response = client.ask(4, &request.with_transactional_id(None)).await;
    let id = response.producer_id.0;
    client.append(place, Batch::of(&["a", "b"]).by(id, 0, 0)).await;
    delete_one(&mut client, 2, place, -1).await;
    // A repetition is known as one, a gap as one, and what follows fits.
    let after_a_gap = ErrorCode::OutOfOrderSequenceNumber;
    for (sequence, error) in [(0, ErrorCode::None), (9, after_a_gap), (2, ErrorCode::None)] {
        let batch = Batch::of(&["c", "d"]).by(id, 0, sequence);
        let row = client.raw.produce(9, place, batch).await;
        expect(row.error_code, error);
        client.record("base offset and log start", &(row.base_offset, row.log_start_offset));
    }
    assert_eq!(offset_at(&mut client, place, LATEST).await.0, 4);
}

async fn a_topic_that_does_not_exist_is_unknown(mut client: Client) {
    let name = client.unique("missing");
    for version in client.each(0..=2) {
        let response = client.call(version, &delete(vec![rows(&name, &[(0, 0)])])).await;
        let row = &response.topics[0].partitions[0];
        expect(row.error_code, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn a_partition_that_does_not_exist_is_unknown(mut client: Client) {
    let topic = client.topic("t", 2).await;
    for version in client.each(0..=2) {
        for partition in [2, -1, i32::MAX] {
            let request = delete(vec![rows(&topic.name, &[(partition, 0)])]);
            let response = client.call(version, &request).await;
            let row = &response.topics[0].partitions[0];
            expect(row.error_code, ErrorCode::UnknownTopicOrPartition);
        }
    }
}

async fn names_that_are_no_topic_names(mut client: Client) {
    for name in ["", "..", "a/b"] {
        client.note(&format!("name {name:?}"));
        client.call(2, &delete(vec![rows(name, &[(0, 0)])])).await;
    }
}

async fn a_compacted_topic_does_not_lose_records(mut client: Client) {
    let topic = client.topic_with("t", 1, &[("cleanup.policy", "compact")]).await;
    client.append(topic.partition(0), Batch::of_keys(&[Some(b"k")])).await;
    for version in client.each(0..=2) {
        let row = delete_one(&mut client, version, topic.partition(0), 1).await;
        expect(row.error_code, ErrorCode::PolicyViolation);
    }
    assert_eq!(offset_at(&mut client, topic.partition(0), EARLIEST).await.0, 0);
}

async fn a_topic_that_is_compacted_and_deleted_may_lose_records(mut client: Client) {
    let topic = client.topic_with("t", 1, &[("cleanup.policy", "compact,delete")]).await;
    client.append(topic.partition(0), Batch::of_keys(&[Some(b"k")])).await;
    let row = delete_one(&mut client, 2, topic.partition(0), 1).await;
    expect(row.error_code, ErrorCode::None);
}

async fn the_offsets_topic_does_not_lose_records(mut client: Client) {
    offsets_topic(&mut client).await;
    for version in client.each(0..=2) {
        client.call(version, &delete(vec![rows("__consumer_offsets", &[(0, 0)])])).await;
    }
}

async fn a_partition_named_twice_is_told_once(mut client: Client) {
    for version in client.each(0..=2) {
        let topic = client.topic("t", 1).await;
        client.append(topic.partition(0), Batch::of(&["a", "b", "c"])).await;
        let request = delete(vec![rows(&topic.name, &[(0, 2), (0, 1)])]);
        let response = client.call(version, &request).await;
        assert_eq!(response.topics[0].partitions.len(), 1);
    }
}

async fn a_topic_named_twice(mut client: Client) {
    for version in client.each(0..=2) {
        let topic = client.topic("t", 2).await;
        client.append(topic.partition(0), Batch::of(&["a", "b", "c"])).await;
        let twice = vec![rows(&topic.name, &[(0, 2)]), rows(&topic.name, &[(1, 0)])];
        let response = sorted(client.ask(version, &delete(twice)).await);
        client.record("> DeleteRecords", &response);
    }
}

async fn no_topics_are_answered_with_none(mut client: Client) {
    for version in client.each(0..=2) {
        assert!(client.call(version, &delete(Vec::new())).await.topics.is_empty());
    }
}

async fn a_topic_without_partitions(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=2) {
        client.call(version, &delete(vec![rows(&topic.name, &[])])).await;
    }
}

async fn partitions_succeed_beside_those_that_fail(mut client: Client) {
    let missing = client.unique("x-missing");
    let topic = client.topic("t", 3).await;
    client.append(topic.partition(1), Batch::of(&["a", "b"])).await;
    for version in client.each(0..=2) {
        let topics =
            vec![rows(&missing, &[(0, 0)]), rows(&topic.name, &[(2, 5), (1, 1), (7, 0), (0, -1)])];
        let response = sorted(client.ask(version, &delete(topics)).await);
        client.record("> DeleteRecords", &response);
    }
    assert_eq!(offset_at(&mut client, topic.partition(1), EARLIEST).await.0, 1);
}
