//! ListOffsets: the ends of a log, offsets by time, and what cannot be told.

use crate::batches::{PACKED, fill, now_ms};
use crate::client::{Client, Topic};
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest};

scenarios![
    an_empty_log_begins_and_ends_at_zero,
    the_ends_of_a_log_are_its_first_and_next_offset,
    a_deletion_raises_the_start_and_leaves_the_end,
    a_time_finds_the_first_record_at_it_or_after_it,
    a_time_after_the_last_record_finds_nothing,
    a_time_before_the_first_record_finds_the_first,
    a_time_finds_records_whose_times_do_not_rise,
    a_time_finds_records_inside_compressed_batches,
    a_time_finds_the_brokers_time_under_log_append_time,
    a_time_never_finds_deleted_records,
    a_time_finds_no_records_without_a_time,
    the_largest_time_is_found_where_it_stands,
    the_first_of_several_records_with_the_largest_time_is_found,
    the_largest_time_of_an_empty_log_is_nothing,
    the_largest_time_of_deleted_records_is_not_found,
    the_largest_time_under_log_append_time,
    the_largest_time_inside_a_compressed_batch,
    the_local_log_begins_where_the_log_does,
    nothing_is_tiered_without_tiers,
    special_times_need_their_versions,
    other_negative_times,
    read_committed_ends_at_the_last_stable_offset,
    a_topic_that_does_not_exist_is_unknown,
    a_partition_that_does_not_exist_is_unknown,
    a_partition_named_twice_is_an_invalid_request,
    a_leader_epoch_of_the_future_is_unknown,
    the_leader_epoch_that_there_is_is_fine,
    every_partition_is_answered_on_its_own,
    a_request_of_nothing_is_answered,
];

const ALL: std::ops::RangeInclusive<i16> = 1..=10;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;

fn asked(partition: i32, at: i64) -> ListOffsetsPartition {
    ListOffsetsPartition::default().with_partition_index(partition).with_timestamp(at)
}

fn rows(name: &str, partitions: Vec<ListOffsetsPartition>) -> ListOffsetsTopic {
    ListOffsetsTopic::default().with_name(topic_name(name)).with_partitions(partitions)
}

fn request(topics: Vec<ListOffsetsTopic>) -> ListOffsetsRequest {
    ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(topics)
}

async fn list(
    client: &mut Client,
    version: i16,
    name: &str,
    partition: ListOffsetsPartition,
) -> ListOffsetsPartitionResponse {
    let response = client.call(version, &request(vec![rows(name, vec![partition])])).await;
    response.topics[0].partitions[0].clone()
}

/// Shows in these versions what is found at that time in the topic's first partition.
async fn finds<V: IntoIterator<Item = i16>>(
    client: &mut Client,
    versions: V,
    topic: &Topic,
    at: i64,
    offset: i64,
) {
    for version in client.each(versions) {
        let answer = list(client, version, &topic.name, asked(0, at)).await;
        assert_eq!((code(answer.error_code), answer.offset), (ErrorCode::None, offset));
    }
}

async fn an_empty_log_begins_and_ends_at_zero(mut client: Client) {
    let topic = client.topic("t", 1).await;
    finds(&mut client, ALL, &topic, EARLIEST, 0).await;
    finds(&mut client, ALL, &topic, LATEST, 0).await;
    client.note("any time");
    finds(&mut client, ALL, &topic, 0, -1).await;
}

async fn the_ends_of_a_log_are_its_first_and_next_offset(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b", "c"]]).await;
    finds(&mut client, ALL, &topic, EARLIEST, 0).await;
    finds(&mut client, ALL, &topic, LATEST, 3).await;
}

async fn a_deletion_raises_the_start_and_leaves_the_end(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b", "c", "d"]]).await;
    client.ask(2, &delete_records(topic.partition(0), 2)).await;
    finds(&mut client, ALL, &topic, EARLIEST, 2).await;
    finds(&mut client, ALL, &topic, LATEST, 4).await;
    client.note("all of it");
    client.ask(2, &delete_records(topic.partition(0), -1)).await;
    finds(&mut client, ALL, &topic, EARLIEST, 4).await;
    finds(&mut client, ALL, &topic, LATEST, 4).await;
}

async fn at_times(client: &mut Client, batches: &[&[i64]]) -> Topic {
    let topic = client.topic("t", 1).await;
    for times in batches {
        client.append(topic.partition(0), Batch::at_times(times)).await;
    }
    topic
}

async fn a_time_finds_the_first_record_at_it_or_after_it(mut client: Client) {
    let topic = at_times(&mut client, &[&[10, 20, 30], &[40], &[50, 60]]).await;
    for (at, offset) in [(10, 0), (11, 1), (20, 1), (30, 2), (31, 3), (45, 4), (60, 5)] {
        client.note(&format!("time {at}"));
        finds(&mut client, ALL, &topic, at, offset).await;
    }
}

async fn a_time_after_the_last_record_finds_nothing(mut client: Client) {
    let topic = at_times(&mut client, &[&[10, 20]]).await;
    finds(&mut client, ALL, &topic, 21, -1).await;
    finds(&mut client, ALL, &topic, i64::MAX, -1).await;
}

async fn a_time_before_the_first_record_finds_the_first(mut client: Client) {
    let topic = at_times(&mut client, &[&[10, 20]]).await;
    finds(&mut client, ALL, &topic, 0, 0).await;
    finds(&mut client, ALL, &topic, 9, 0).await;
}

async fn a_time_finds_records_whose_times_do_not_rise(mut client: Client) {
    let topic = at_times(&mut client, &[&[50, 10, 90], &[20], &[30, 95, 40], &[100]]).await;
    for (at, offset) in [(0, 0), (10, 0), (51, 2), (90, 2), (91, 5), (96, 7), (101, -1)] {
        client.note(&format!("time {at}"));
        finds(&mut client, ALL, &topic, at, offset).await;
    }
}

/// The batch of `a` and `b`, both at time 1000, packed by gzip.
async fn packed(client: &mut Client) -> Topic {
    let topic = client.topic("t", 1).await;
    client.append(topic.partition(0), PACKED[0].batch()).await;
    client.append(topic.partition(0), Batch::at_times(&[2_000])).await;
    topic
}

async fn a_time_finds_records_inside_compressed_batches(mut client: Client) {
    let topic = packed(&mut client).await;
    for (at, offset) in [(999, 0), (1_000, 0), (1_001, 2)] {
        finds(&mut client, ALL, &topic, at, offset).await;
    }
}

async fn stamped(client: &mut Client) -> Topic {
    let configs = [("message.timestamp.type", "LogAppendTime")];
    let topic = client.topic_with("t", 1, &configs).await;
    client.append(topic.partition(0), Batch::at_times(&[5, 9])).await;
    topic
}

async fn a_time_finds_the_brokers_time_under_log_append_time(mut client: Client) {
    let topic = stamped(&mut client).await;
    finds(&mut client, ALL, &topic, 9, 0).await;
    finds(&mut client, ALL, &topic, now_ms() - 60_000, 0).await;
    finds(&mut client, ALL, &topic, now_ms() + 60_000, -1).await;
}

async fn a_time_never_finds_deleted_records(mut client: Client) {
    let topic = at_times(&mut client, &[&[10, 20, 30], &[15], &[40]]).await;
    client.ask(2, &delete_records(topic.partition(0), 1)).await;
    client.note("the middle of a batch");
    finds(&mut client, ALL, &topic, 5, 1).await;
    client.ask(2, &delete_records(topic.partition(0), 3)).await;
    client.note("the whole batch");
    finds(&mut client, ALL, &topic, 12, 3).await;
    finds(&mut client, ALL, &topic, 16, 4).await;
    client.ask(2, &delete_records(topic.partition(0), -1)).await;
    client.note("everything");
    finds(&mut client, ALL, &topic, 0, -1).await;
}

async fn a_time_finds_no_records_without_a_time(mut client: Client) {
    let topic = at_times(&mut client, &[&[-1, -1], &[7]]).await;
    finds(&mut client, ALL, &topic, 0, 2).await;
}

async fn the_largest_time_is_found_where_it_stands(mut client: Client) {
    let topic = at_times(&mut client, &[&[50, 10], &[20, 90, 30], &[40]]).await;
    finds(&mut client, 7..=10, &topic, MAX_TIMESTAMP, 3).await;
}

async fn the_first_of_several_records_with_the_largest_time_is_found(mut client: Client) {
    let topic = at_times(&mut client, &[&[10, 90, 90], &[90], &[20, 90]]).await;
    finds(&mut client, 7..=10, &topic, MAX_TIMESTAMP, 1).await;
}

async fn the_largest_time_of_an_empty_log_is_nothing(mut client: Client) {
    let topic = client.topic("t", 1).await;
    finds(&mut client, 7..=10, &topic, MAX_TIMESTAMP, -1).await;
    client.append(topic.partition(0), Batch::of(&["v"])).await;
    client.ask(2, &delete_records(topic.partition(0), -1)).await;
    client.note("emptied");
    for version in client.each(7..=10) {
        list(&mut client, version, &topic.name, asked(0, MAX_TIMESTAMP)).await;
    }
}

async fn the_largest_time_of_deleted_records_is_not_found(mut client: Client) {
    let topic = at_times(&mut client, &[&[10, 90], &[50], &[20]]).await;
    client.ask(2, &delete_records(topic.partition(0), 2)).await;
    for version in client.each(7..=10) {
        list(&mut client, version, &topic.name, asked(0, MAX_TIMESTAMP)).await;
    }
}

async fn the_largest_time_under_log_append_time(mut client: Client) {
    let topic = stamped(&mut client).await;
    for version in client.each(7..=10) {
        list(&mut client, version, &topic.name, asked(0, MAX_TIMESTAMP)).await;
    }
}

async fn the_largest_time_inside_a_compressed_batch(mut client: Client) {
    let topic = client.topic("t", 1).await;
    client.append(topic.partition(0), PACKED[0].batch()).await;
    finds(&mut client, 7..=10, &topic, MAX_TIMESTAMP, 0).await;
}

async fn the_local_log_begins_where_the_log_does(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    finds(&mut client, 8..=10, &topic, EARLIEST_LOCAL, 0).await;
    client.ask(2, &delete_records(topic.partition(0), 1)).await;
    finds(&mut client, 8..=10, &topic, EARLIEST_LOCAL, 1).await;
}

async fn nothing_is_tiered_without_tiers(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    finds(&mut client, 9..=10, &topic, LATEST_TIERED, -1).await;
}

async fn special_times_need_their_versions(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    for (at, since) in [(MAX_TIMESTAMP, 7), (EARLIEST_LOCAL, 8), (LATEST_TIERED, 9), (-6, 11)] {
        client.note(&format!("time {at}"));
        for version in client.each(1..since) {
            let answer = list(&mut client, version, &topic.name, asked(0, at)).await;
            expect(answer.error_code, ErrorCode::UnsupportedVersion);
        }
    }
}

async fn other_negative_times(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    for at in [-7, -100, i64::MIN] {
        client.note(&format!("time {at}"));
        for version in client.each(ALL) {
            list(&mut client, version, &topic.name, asked(0, at)).await;
        }
    }
}

async fn read_committed_ends_at_the_last_stable_offset(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"], &["b"]]).await;
    for version in client.each(2..=10) {
        for at in [LATEST, EARLIEST, 0] {
            let request = request(vec![rows(&topic.name, vec![asked(0, at)])]);
            let response = client.call(version, &request.with_isolation_level(1)).await;
            let expected = if at == LATEST { 2 } else { 0 };
            assert_eq!(response.topics[0].partitions[0].offset, expected);
        }
    }
}

async fn a_topic_that_does_not_exist_is_unknown(mut client: Client) {
    for version in client.each(ALL) {
        let name = client.unique("missing");
        for at in [LATEST, EARLIEST, 5] {
            let answer = list(&mut client, version, &name, asked(0, at)).await;
            expect(answer.error_code, ErrorCode::UnknownTopicOrPartition);
        }
    }
}

async fn a_partition_that_does_not_exist_is_unknown(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(ALL) {
        for partition in [1, -1] {
            let answer = list(&mut client, version, &topic.name, asked(partition, LATEST)).await;
            expect(answer.error_code, ErrorCode::UnknownTopicOrPartition);
        }
    }
}

async fn a_partition_named_twice_is_an_invalid_request(mut client: Client) {
    let topic = client.topic("t", 2).await;
    for version in client.each(ALL) {
        let twice = vec![asked(0, LATEST), asked(1, LATEST), asked(0, EARLIEST)];
        let mut response = client.ask(version, &request(vec![rows(&topic.name, twice)])).await;
        // In which order the rows stand is nobody's promise.
        response.topics[0].partitions.sort_by_key(|answer| answer.partition_index);
        client.answered("ListOffsets", version, &response);
        let answers = response.topics[0].partitions.iter();
        let errors: Vec<ErrorCode> = answers.map(|answer| code(answer.error_code)).collect();
        assert_eq!(errors, [ErrorCode::InvalidRequest, ErrorCode::None]);
    }
}

async fn a_leader_epoch_of_the_future_is_unknown(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(4..=10) {
        for at in [LATEST, EARLIEST, 5] {
            let wanted = asked(0, at).with_current_leader_epoch(1);
            let answer = list(&mut client, version, &topic.name, wanted).await;
            expect(answer.error_code, ErrorCode::UnknownLeaderEpoch);
        }
    }
}

async fn the_leader_epoch_that_there_is_is_fine(mut client: Client) {
    let topic = client.topic("t", 1).await;
    fill(&mut client, topic.partition(0), &[&["a"]]).await;
    for version in client.each(4..=10) {
        for at in [LATEST, EARLIEST, 5] {
            let wanted = asked(0, at).with_current_leader_epoch(0);
            let answer = list(&mut client, version, &topic.name, wanted).await;
            assert_eq!((answer.error_code, answer.leader_epoch), (0, 0));
        }
    }
}

async fn every_partition_is_answered_on_its_own(mut client: Client) {
    let topic = client.topic("t", 3).await;
    let other = client.topic("other", 1).await;
    fill(&mut client, topic.partition(1), &[&["a", "b"]]).await;
    for version in client.each(ALL) {
        let wanted = vec![asked(1, LATEST), asked(7, LATEST), asked(0, LATEST), asked(2, EARLIEST)];
        let topics = vec![rows(&topic.name, wanted), rows(&other.name, vec![asked(0, LATEST)])];
        let mut response = client.ask(version, &request(topics)).await;
        // In which order the rows stand is nobody's promise.
        response.topics.sort_by_key(|row| *row.name == *other.name);
        for row in &mut response.topics {
            row.partitions.sort_by_key(|partition| partition.partition_index);
        }
        client.answered("ListOffsets", version, &response);
        let offsets: Vec<i64> =
            response.topics[0].partitions.iter().map(|answer| answer.offset).collect();
        assert_eq!(offsets, [0, 2, 0, -1]);
    }
}

async fn a_request_of_nothing_is_answered(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(ALL) {
        client.call(version, &request(vec![])).await;
        client.note("a topic without partitions");
        client.call(version, &request(vec![rows(&topic.name, vec![])])).await;
    }
}
