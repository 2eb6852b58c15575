//! Fetch without sessions: what is read, how much of it, when it waits, and what cannot be read.

use crate::batches::fill;
use crate::client::{Client, Topic};
use crate::help::*;
use crate::scenarios;
use bytes::Bytes;
use std::time::{Duration, Instant};
use tidegate_raw_client::batch::log_records;
use tidegate_wire::fetch::{FetchPartitionResponse, FetchRequest, FetchResponse};

scenarios![
    an_offset_inside_a_batch_returns_the_whole_batch,
    an_empty_partition_is_answered_without_records,
    batches_are_read_on_to_the_end,
    one_batch_is_returned_whatever_the_limits,
    only_the_first_partition_with_data_goes_beyond_the_limits,
    a_partitions_limit_holds_by_whole_batches,
    a_requests_limit_holds_over_all_partitions,
    a_limit_inside_a_batch,
    a_fetch_waits_until_there_are_min_bytes,
    a_waiting_fetch_is_woken_by_an_append,
    max_wait_ends_a_fetch_without_an_error,
    a_fetch_that_wants_no_bytes_does_not_wait,
    an_offset_past_the_end_is_out_of_range,
    an_offset_before_the_start_is_out_of_range,
    a_negative_offset_is_out_of_range,
    the_end_is_no_error_and_waits,
    an_error_answers_a_waiting_fetch_at_once,
    a_topic_that_does_not_exist_is_unknown,
    a_topic_id_that_does_not_exist_is_unknown,
    the_zero_id_is_unknown,
    a_partition_that_does_not_exist_is_unknown,
    a_recreated_topic_has_a_new_id_and_the_old_one_is_unknown,
    a_deleted_topic_ends_a_waiting_fetch,
    errors_and_records_stand_side_by_side,
    deleted_records_raise_the_log_start,
    a_fetch_of_nothing_is_answered,
    read_committed_answers_an_empty_list_of_aborted_transactions,
    the_high_watermark_covers_all_that_is_acknowledged,
    a_partitions_limit_of_zero,
    a_requests_limit_of_zero,
    a_partition_named_twice,
    records_appended_later_are_not_in_an_earlier_answer,
    many_partitions_are_answered_in_the_order_of_the_request,
    a_rack_changes_nothing_without_replicas,
];

const ALL: std::ops::RangeInclusive<i16> = 4..=18;

/// Shows in every version how a fetch of `topic` from `offset` fails.
async fn fails(client: &mut Client, topic: &Topic, offset: i64, error: ErrorCode) {
    for version in client.each(ALL) {
        let answer = client.fetch_one(version, topic.partition(0), offset).await;
        expect(answer.error_code, error);
        assert!(answer.records.is_empty());
    }
}

fn waiting(mut request: FetchRequest, min_bytes: i32, max_wait_ms: i32) -> FetchRequest {
    request.min_bytes = min_bytes;
    request.max_wait_ms = max_wait_ms;
    request
}

fn values(response: &FetchResponse<Bytes>) -> Vec<Vec<String>> {
    let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    let values = |bytes: &Bytes| log_records(bytes).into_iter().map(|(_, value)| value).collect();
    partitions.map(|partition| values(&partition.records)).collect()
}

async fn an_offset_inside_a_batch_returns_the_whole_batch(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b", "c", "d"], &["e"]]).await;
    for version in client.each(ALL) {
        for offset in [1, 2, 3] {
            let answer = client.fetch_one(version, topic.partition(0), offset).await;
            assert_eq!(log_records(&answer.records)[0], (1, "b".to_owned()));
        }
    }
}

async fn an_empty_partition_is_answered_without_records(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(ALL) {
        let answer = client.fetch_one(version, topic.partition(0), 0).await;
        expect(answer.error_code, ErrorCode::None);
        assert!(answer.records.is_empty());
    }
}

async fn batches_are_read_on_to_the_end(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b", "c"], &["d"]]).await;
    for version in client.each(ALL) {
        let answer = client.fetch_one(version, topic.partition(0), 0).await;
        assert_eq!(log_records(&answer.records).len(), 4);
    }
}

async fn one_batch_is_returned_whatever_the_limits(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a", "b"], &["c"]]).await;
    for version in client.each(ALL) {
        for (of_request, of_partition) in [(1, 1), (i32::MAX, 1), (1, i32::MAX)] {
            let mut request = fetch_request(&[(topic.partition(0), 0)]);
            request.max_bytes = of_request;
            request.topics[0].partitions[0].max_bytes = of_partition;
            let response = client.fetch(version, &request).await;
            assert_eq!(values(&response), [["a", "b"]]);
        }
    }
}

async fn only_the_first_partition_with_data_goes_beyond_the_limits(mut client: Client) {
    let topic = client.topic("t", 3).await;
    for partition in [1, 2] {
        fill(&mut client, topic.partition(partition), &[&["a", "b"]]).await;
    }
    for version in client.each(ALL) {
        let wanted = [0, 1, 2].map(|partition| (topic.partition(partition), 0));
        let mut request = fetch_request(&wanted);
        request.topics[0].partitions.iter_mut().for_each(|partition| partition.max_bytes = 1);
        let response = client.fetch(version, &request).await;
        assert_eq!(values(&response), [&[][..], &["a".to_owned(), "b".to_owned()], &[]]);
    }
}

async fn a_partitions_limit_holds_by_whole_batches(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let len = Batch::of(&["a"]).len() as i32;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"], &["c"]]).await;
    for version in client.each(ALL) {
        for (max_bytes, count) in [(len, 1), (2 * len, 2), (3 * len, 3), (9 * len, 3)] {
            let mut request = fetch_request(&[(topic.partition(0), 0)]);
            request.topics[0].partitions[0].max_bytes = max_bytes;
            let response = client.fetch(version, &request).await;
            assert_eq!(values(&response)[0].len(), count);
        }
    }
}

async fn a_requests_limit_holds_over_all_partitions(mut client: Client) {
    let topic = client.topic("t", 3).await;
    let len = Batch::of(&["a"]).len() as i32;
    for partition in 0..3 {
        fill(&mut client, topic.partition(partition), &[&["a"], &["b"]]).await;
    }
    let wanted = [0, 1, 2].map(|partition| (topic.partition(partition), 0));
    for version in client.each(ALL) {
        for (max_bytes, counts) in
            [(2 * len, [2, 0, 0]), (3 * len, [2, 1, 0]), (5 * len, [2, 2, 1])]
        {
            let mut request = fetch_request(&wanted);
            request.max_bytes = max_bytes;
            let response = client.fetch(version, &request).await;
            let read: Vec<usize> = values(&response).iter().map(Vec::len).collect();
            assert_eq!(read, counts);
        }
    }
}

async fn a_limit_inside_a_batch(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let len = Batch::of(&["a"]).len() as i32;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    for version in client.each([4, 18]) {
        let mut request = fetch_request(&[(topic.partition(0), 0)]);
        request.topics[0].partitions[0].max_bytes = len + 20;
        client.fetch(version, &request).await;
    }
}

async fn a_fetch_waits_until_there_are_min_bytes(mut client: Client) {
    for version in client.each([4, 7, 13, 18]) {
        let topic = client.topic("t", 1).await;
        let mut producer = client.connect().await;
        let len = Batch::of(&["a"]).len() as i32;
        let request = waiting(fetch_request(&[(topic.partition(0), 0)]), 2 * len, 20_000);
        let fetch = client.raw.begin_fetch(version, &request).await;
        producer.append(topic.partition(0), Batch::of(&["a"])).await;
        assert!(client.raw.is_silent(Duration::from_millis(200)).await, "one is not enough");
        producer.append(topic.partition(0), Batch::of(&["b"])).await;
        let response = client.raw.end_fetch(version, fetch).await;
        client.answered("Fetch", version, &response);
        assert_eq!(values(&response), [["a", "b"]]);
    }
}

async fn a_waiting_fetch_is_woken_by_an_append(mut client: Client) {
    for version in client.each([4, 7, 13, 18]) {
        let topic = client.topic("t", 2).await;
        let mut producer = client.connect().await;
        let wanted = [0, 1].map(|partition| (topic.partition(partition), 0));
        let request = waiting(fetch_request(&wanted), 1, 20_000);
        let fetch = client.raw.begin_fetch(version, &request).await;
        assert!(client.raw.is_silent(Duration::from_millis(100)).await, "there is nothing");
        producer.append(topic.partition(1), Batch::of(&["a"])).await;
        let response = client.raw.end_fetch(version, fetch).await;
        client.answered("Fetch", version, &response);
        assert_eq!(values(&response), [&[][..], &["a".to_owned()]]);
    }
}

async fn max_wait_ends_a_fetch_without_an_error(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for version in client.each(ALL) {
        let begun = Instant::now();
        let request = waiting(fetch_request(&[(topic.partition(0), 0)]), 1_000_000, 100);
        let response = client.fetch(version, &request).await;
        assert!(begun.elapsed() >= Duration::from_millis(95), "it waits");
        expect(response.topics[0].partitions[0].error_code, ErrorCode::None);
        assert_eq!(values(&response), [["a"]]);
    }
}

async fn a_fetch_that_wants_no_bytes_does_not_wait(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each([4, 13, 18]) {
        for min_bytes in [0, -1] {
            let begun = Instant::now();
            let request = waiting(fetch_request(&[(topic.partition(0), 0)]), min_bytes, 15_000);
            client.fetch(version, &request).await;
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not wait");
        }
    }
}

async fn an_offset_past_the_end_is_out_of_range(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a", "b"]]).await;
    for offset in [3, 1_000, i64::MAX] {
        client.note(&format!("offset {offset}"));
        fails(&mut client, &topic, offset, ErrorCode::OffsetOutOfRange).await;
    }
}

async fn an_offset_before_the_start_is_out_of_range(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a", "b", "c"], &["d"]]).await;
    client.ask(2, &delete_records(topic.partition(0), 2)).await;
    for offset in [0, 1] {
        client.note(&format!("offset {offset}"));
        fails(&mut client, &topic, offset, ErrorCode::OffsetOutOfRange).await;
    }
}

async fn a_negative_offset_is_out_of_range(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for offset in [-1, -2, i64::MIN] {
        client.note(&format!("offset {offset}"));
        fails(&mut client, &topic, offset, ErrorCode::OffsetOutOfRange).await;
    }
}

async fn the_end_is_no_error_and_waits(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for version in client.each(ALL) {
        let begun = Instant::now();
        let request = waiting(fetch_request(&[(topic.partition(0), 1)]), 1, 100);
        let response = client.fetch(version, &request).await;
        assert!(begun.elapsed() >= Duration::from_millis(95), "it waits");
        expect(response.topics[0].partitions[0].error_code, ErrorCode::None);
    }
}

async fn an_error_answers_a_waiting_fetch_at_once(mut client: Client) {
    let topic = client.topic("t", 2).await;
    for version in client.each(ALL) {
        let begun = Instant::now();
        let wanted = [(topic.partition(0), 0), (topic.partition(1), 5)];
        let response = client.fetch(version, &waiting(fetch_request(&wanted), 1, 15_000)).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not wait");
        let answers = &response.topics[0].partitions;
        expect(answers[0].error_code, ErrorCode::None);
        expect(answers[1].error_code, ErrorCode::OffsetOutOfRange);
    }
}

async fn a_topic_that_does_not_exist_is_unknown(mut client: Client) {
    for version in client.each(4..=12) {
        let name = client.unique("missing");
        let place = Place { name: &name, id: TopicId::default(), partition: 0 };
        let answer = client.fetch_one(version, place, 0).await;
        expect(answer.error_code, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn a_topic_id_that_does_not_exist_is_unknown(mut client: Client) {
    for version in client.each(13..=18) {
        let place = Place { name: "", id: TopicId(uuid::Uuid::new_v4()), partition: 0 };
        let answer = client.fetch_one(version, place, 0).await;
        expect(answer.error_code, ErrorCode::UnknownTopicId);
    }
}

async fn the_zero_id_is_unknown(mut client: Client) {
    for version in client.each(13..=18) {
        let place = Place { name: "", id: TopicId::default(), partition: 0 };
        let answer = client.fetch_one(version, place, 0).await;
        expect(answer.error_code, ErrorCode::UnknownTopicId);
    }
}

async fn a_partition_that_does_not_exist_is_unknown(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(ALL) {
        for partition in [1, -1, i32::MAX] {
            let answer = client.fetch_one(version, topic.partition(partition), 0).await;
            expect(answer.error_code, ErrorCode::UnknownTopicOrPartition);
        }
    }
}

async fn recreated(client: &mut Client) -> (Topic, TopicId) {
    let old = client.topic("t", 1).await;
    client.ask(5, &delete_topics(&[&old.name])).await;
    let new = client.topic_again(&old.name, 1).await;
    (new, old.id)
}

async fn a_recreated_topic_has_a_new_id_and_the_old_one_is_unknown(mut client: Client) {
    let (new, old) = recreated(&mut client).await;
    assert_ne!(new.id, old);
    fill(&mut client, new.partition(0), &[&["new"]]).await;
    for version in client.each(13..=18) {
        let place = Place { id: old, ..new.partition(0) };
        let answer = client.fetch_one(version, place, 0).await;
        expect(answer.error_code, ErrorCode::UnknownTopicId);
        let answer = client.fetch_one(version, new.partition(0), 0).await;
        expect(answer.error_code, ErrorCode::None);
    }
}

async fn a_deleted_topic_ends_a_waiting_fetch(mut client: Client) {
    for version in client.each([4, 12, 13, 18]) {
        let topic = client.topic("t", 1).await;
        let mut admin = client.connect().await;
        let request = waiting(fetch_request(&[(topic.partition(0), 0)]), 1, 15_000);
        let begun = Instant::now();
        let fetch = client.raw.begin_fetch(version, &request).await;
        assert!(client.raw.is_silent(Duration::from_millis(100)).await, "there is nothing");
        admin.ask(5, &delete_topics(&[&topic.name])).await;
        let response = client.raw.end_fetch(version, fetch).await;
        client.answered("Fetch", version, &response);
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not wait on");
        assert_ne!(response.topics[0].partitions[0].error_code, 0);
    }
}

async fn errors_and_records_stand_side_by_side(mut client: Client) {
    let topic = client.topic("t", 2).await;
    let other = client.topic("other", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    fill(&mut client, other.partition(0), &[&["b"]]).await;
    for version in client.each(ALL) {
        let missing = topic.partition(9);
        let wanted = [
            (topic.partition(0), 0),
            (topic.partition(1), 7),
            (missing, 0),
            (other.partition(0), 0),
        ];
        // In which order the rows stand is nobody's promise.
        let response = client.raw.fetch(version, &fetch_request(&wanted)).await;
        let rows = response.topics.iter().flat_map(|topic| &topic.partitions);
        let row = |index, records| {
            let has = |row: &&FetchPartitionResponse<Bytes>| {
                row.index == index && row.records.is_empty() != records
            };
            rows.clone().find(has).map(|row| code(row.error_code))
        };
        assert_eq!(row(0, true), Some(ErrorCode::None));
        assert_eq!(row(1, false), Some(ErrorCode::OffsetOutOfRange));
        assert_eq!(row(9, false), Some(ErrorCode::UnknownTopicOrPartition));
        assert_eq!(values(&response).concat().len(), 2);
    }
}

async fn deleted_records_raise_the_log_start(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a", "b", "c"], &["d"]]).await;
    client.ask(2, &delete_records(topic.partition(0), 1)).await;
    for version in client.each(ALL) {
        let answer = client.fetch_one(version, topic.partition(0), 1).await;
        assert_eq!(answer.log_start_offset, if version < 5 { -1 } else { 1 });
        assert_eq!(log_records(&answer.records).len(), 4, "the batch is whole");
    }
}

async fn a_fetch_of_nothing_is_answered(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(ALL) {
        let begun = Instant::now();
        let request = waiting(FetchRequest::default(), 1, 15_000);
        client.fetch(version, &request).await;
        client.note("a topic without partitions");
        let mut request = waiting(fetch_request(&[(topic.partition(0), 0)]), 1, 15_000);
        request.topics[0].partitions.clear();
        client.fetch(version, &request).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not wait");
    }
}

async fn read_committed_answers_an_empty_list_of_aborted_transactions(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for version in client.each(ALL) {
        let mut request = fetch_request(&[(topic.partition(0), 0)]);
        request.isolation_level = 1;
        let response = client.fetch(version, &request).await;
        assert_eq!(response.topics[0].partitions[0].aborted_transactions, Some(vec![]));
    }
}

async fn the_high_watermark_covers_all_that_is_acknowledged(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for n in 0..10 {
        let at = client.append(topic.partition(0), Batch::of(&["v"])).await;
        let read = client.raw.read(18, topic.partition(0), 0).await;
        assert_eq!((at, read.high_watermark, read.last_stable_offset), (n, n + 1, n + 1));
    }
}

async fn a_partitions_limit_of_zero(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    for version in client.each([4, 18]) {
        let mut request = fetch_request(&[(topic.partition(0), 0)]);
        request.topics[0].partitions[0].max_bytes = 0;
        client.fetch(version, &request).await;
    }
}

async fn a_requests_limit_of_zero(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    for version in client.each([4, 18]) {
        let mut request = fetch_request(&[(topic.partition(0), 0)]);
        request.max_bytes = 0;
        client.fetch(version, &request).await;
    }
}

async fn a_partition_named_twice(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    for version in client.each([4, 12, 13, 18]) {
        let wanted = [(topic.partition(0), 0), (topic.partition(0), 1)];
        client.fetch(version, &fetch_request(&wanted)).await;
    }
}

async fn records_appended_later_are_not_in_an_earlier_answer(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for version in client.each([4, 18]) {
        // Both requests are on their way before any is answered.
        let request = fetch_request(&[(topic.partition(0), 0)]);
        let fetch = client.raw.begin_fetch(version, &request).await;
        let batch = produce_request(-1, topic.partition(0), Batch::of(&["b"]));
        let produce = client.raw.begin_produce(9, &batch).await;
        let response = client.raw.end_fetch(version, fetch).await;
        client.raw.end_produce(9, produce).await;
        let answer = &response.topics[0].partitions[0];
        let last = log_records(&answer.records).last().map(|(offset, _)| *offset);
        assert_eq!(last, Some(answer.high_watermark - 1));
    }
}

async fn many_partitions_are_answered_in_the_order_of_the_request(mut client: Client) {
    let topic = client.topic("t", 4).await;
    let other = client.topic("other", 2).await;
    for version in client.each(ALL) {
        let wanted = [
            (other.partition(1), 0),
            (other.partition(0), 0),
            (topic.partition(2), 0),
            (topic.partition(0), 0),
            (topic.partition(3), 0),
        ];
        client.fetch(version, &fetch_request(&wanted)).await;
    }
}

async fn a_rack_changes_nothing_without_replicas(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for version in client.each(11..=18) {
        let mut request = fetch_request(&[(topic.partition(0), 0)]);
        request.rack_id = text("r1");
        let response = client.fetch(version, &request).await;
        assert_eq!(response.topics[0].partitions[0].preferred_read_replica, -1);
    }
}
