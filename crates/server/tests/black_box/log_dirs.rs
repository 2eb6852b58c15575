//! DescribeLogDirs: how large every partition is, and where it lies.

use crate::common::batch::Batch;
use crate::common::client::{Place, RawClient, topic_name};
use crate::common::{Gateway, code};
use crate::delete_records::delete;
use kafka_protocol::messages::DescribeLogDirsRequest;
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsResult;
use tidegate_model::{ErrorCode, TopicId};

/// Describes the topics, or all; there is one directory.
async fn describe(
    client: &mut RawClient,
    version: i16,
    wanted: Option<&[(&str, &[i32])]>,
) -> DescribeLogDirsResult {
    let topic = |(name, partitions): &(&str, &[i32])| {
        let topic = DescribableLogDirTopic::default().with_topic(topic_name(name));
        topic.with_partitions(partitions.to_vec())
    };
    let topics = wanted.map(|wanted| wanted.iter().map(topic).collect());
    let request = DescribeLogDirsRequest::default().with_topics(topics);
    let mut answer = client.call(version, &request).await;
    assert_eq!((code(answer.error_code), answer.results.len()), (ErrorCode::None, 1));
    answer.results.remove(0)
}

/// Name, partition and size of every row.
fn sizes(directory: &DescribeLogDirsResult) -> Vec<(String, i32, i64)> {
    let rows = directory.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|row| {
            assert_eq!((row.offset_lag, row.is_future_key), (0, false));
            (topic.name.to_string(), row.partition_index, row.partition_size)
        })
    });
    rows.collect()
}

#[tokio::test]
async fn every_partition_is_as_large_as_the_batches_it_keeps() {
    let gateway = Gateway::start().await;
    let place = Place { name: "t", id: gateway.topic("t", 2).await, partition: 1 };
    gateway.topic("empty", 1).await;
    let mut client = gateway.client().await;
    let batch = Batch::of(&["a", "b"]);
    let len = batch.len() as i64;
    client.append(place, batch.clone()).await;
    client.append(place, batch).await;
    let row = |name: &str, index, size| (name.to_owned(), index, size);
    let all = [row("empty", 0, 0), row("t", 0, 0), row("t", 1, 2 * len)];
    for version in 1..=4 {
        let told = describe(&mut client, version, None).await;
        assert_eq!((code(told.error_code), &*told.log_dir), (ErrorCode::None, "memory"));
        assert_eq!(sizes(&told), all, "v{version}");
        assert_eq!((told.total_bytes, told.usable_bytes), (-1, -1), "memory has no volume");
    }
    assert_eq!(delete(&mut client, place, 2).await, (ErrorCode::None, 2));
    let told = describe(&mut client, 4, Some(&[("t", &[1])])).await;
    assert_eq!(sizes(&told), [row("t", 1, len)]);
}

#[tokio::test]
async fn what_does_not_exist_is_left_out_and_what_is_named_twice_comes_once() {
    let gateway = Gateway::start().await;
    let place = Place { name: "t", id: TopicId::ZERO, partition: 0 };
    gateway.topic(place.name, 2).await;
    let mut client = gateway.client().await;
    for (wanted, expected) in [
        (&[("t", &[0, 9, -1, 0][..]), ("missing", &[0][..]), ("t", &[0][..])][..], 1),
        (&[("t", &[7][..])][..], 0),
        (&[("t", &[][..])][..], 0),
        (&[][..], 0),
    ] {
        let told = describe(&mut client, 4, Some(wanted)).await;
        assert_eq!(told.topics.len(), expected, "{wanted:?}");
        assert_eq!(sizes(&told).len(), expected, "{wanted:?}");
    }
}
