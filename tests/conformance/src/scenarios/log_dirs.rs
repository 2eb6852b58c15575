//! DescribeLogDirs: how many bytes a partition has on the disk.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::DescribeLogDirsRequest;
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsTopic;

scenarios![
    a_partitions_size_is_the_bytes_of_its_batches,
    null_asks_for_every_partition_there_is,
    a_topic_that_does_not_exist_is_left_out,
    a_partition_that_does_not_exist_is_left_out,
    no_topics_are_answered_with_none,
    a_topic_without_partitions_is_left_out,
    a_topic_named_twice_is_told_once,
    only_the_partitions_that_are_asked_for_are_told,
    the_size_of_the_volume_is_told_since_v4,
    a_deleted_topic_is_left_out,
];

fn about(topics: &[(&str, &[i32])]) -> DescribeLogDirsRequest {
    let topics = topics.iter().map(|(name, partitions)| {
        DescribableLogDirTopic::default()
            .with_topic(topic_name(name))
            .with_partitions(partitions.to_vec())
    });
    DescribeLogDirsRequest::default().with_topics(Some(topics.collect()))
}

/// The topics of the one directory, by name, and their partitions by number. Where the directory is
/// and how full its volume is is the broker's affair.
async fn told(
    client: &mut Client,
    version: i16,
    request: &DescribeLogDirsRequest,
) -> Vec<DescribeLogDirsTopic> {
    let mut response = client.ask(version, request).await;
    expect(response.error_code, ErrorCode::None);
    assert_eq!(response.results.len(), 1);
    let directory = response.results.remove(0);
    expect(directory.error_code, ErrorCode::None);
    let mut topics = directory.topics;
    topics.sort_by_key(|topic| topic.name.clone());
    for topic in &mut topics {
        topic.partitions.sort_by_key(|partition| partition.partition_index);
    }
    topics
}

async fn records_what_is_told(client: &mut Client, version: i16, request: DescribeLogDirsRequest) {
    let topics = told(client, version, &request).await;
    client.record("> DescribeLogDirs", &topics);
}

async fn a_partitions_size_is_the_bytes_of_its_batches(mut client: Client) {
    let topic = client.topic("t", 2).await;
    let batches = [Batch::of(&["a", "b"]), Batch::of_len(1000)];
    let bytes: usize = batches.iter().map(Batch::len).sum();
    for batch in batches {
        client.append(topic.partition(1), batch).await;
    }
    for version in client.each(1..=4) {
        let topics = told(&mut client, version, &about(&[(&topic.name, &[0, 1])])).await;
        client.record("> DescribeLogDirs", &topics);
        let sizes: Vec<_> = topics[0].partitions.iter().map(|row| row.partition_size).collect();
        assert_eq!(sizes, [0, bytes as i64]);
    }
}

async fn null_asks_for_every_partition_there_is(mut client: Client) {
    let topic = client.topic("t", 3).await;
    for version in client.each(1..=4) {
        let request = DescribeLogDirsRequest::default().with_topics(None);
        let mut topics = told(&mut client, version, &request).await;
        topics.retain(|row| **row.name == topic.name[..]);
        client.record("> DescribeLogDirs", &topics);
        assert_eq!(topics[0].partitions.len(), 3);
    }
}

async fn a_topic_that_does_not_exist_is_left_out(mut client: Client) {
    let (topic, missing) = (client.topic("t", 1).await, client.unique("missing"));
    for version in client.each(1..=4) {
        let request = about(&[(&missing, &[0]), (&topic.name, &[0]), ("a b", &[0])]);
        records_what_is_told(&mut client, version, request).await;
    }
}

async fn a_partition_that_does_not_exist_is_left_out(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(1..=4) {
        for partitions in [&[1, -1][..], &[0, 1]] {
            let request = about(&[(&topic.name, partitions)]);
            records_what_is_told(&mut client, version, request).await;
        }
    }
}

async fn no_topics_are_answered_with_none(mut client: Client) {
    for version in client.each(1..=4) {
        assert!(told(&mut client, version, &about(&[])).await.is_empty());
        client.note("no topics");
    }
}

async fn a_topic_without_partitions_is_left_out(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(1..=4) {
        assert!(told(&mut client, version, &about(&[(&topic.name, &[])])).await.is_empty());
        client.note("no topics");
    }
}

async fn a_topic_named_twice_is_told_once(mut client: Client) {
    let topic = client.topic("t", 2).await;
    for version in client.each(1..=4) {
        for second in [1, 0] {
            let request = about(&[(&topic.name, &[0]), (&topic.name, &[second])]);
            records_what_is_told(&mut client, version, request).await;
        }
    }
}

async fn only_the_partitions_that_are_asked_for_are_told(mut client: Client) {
    let topic = client.topic("t", 3).await;
    for version in client.each(1..=4) {
        let request = about(&[(&topic.name, &[2, 0])]);
        records_what_is_told(&mut client, version, request).await;
    }
}

async fn the_size_of_the_volume_is_told_since_v4(mut client: Client) {
    for version in client.each(1..=4) {
        let response = client.ask(version, &about(&[])).await;
        let directory = &response.results[0];
        assert!(!directory.log_dir.is_empty());
        if version < 4 {
            assert_eq!((directory.total_bytes, directory.usable_bytes), (-1, -1));
        }
        assert!(directory.usable_bytes <= directory.total_bytes);
        client.note("no more is free than there is");
    }
}

async fn a_deleted_topic_is_left_out(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let response = client.ask(5, &delete_topics(&[&topic.name])).await;
    expect(response.responses[0].error_code, ErrorCode::None);
    let request = about(&[(&topic.name, &[0])]);
    crate::admin::until(&mut client, 4, &request, |answer| answer.results[0].topics.is_empty())
        .await;
    client.note("is left out");
}
