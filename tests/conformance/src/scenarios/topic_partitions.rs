//! DescribeTopicPartitions: topics page by page.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};

scenarios![
    topics_are_told_in_the_order_of_their_names,
    a_topic_that_does_not_exist_gets_a_row_with_an_error,
    a_name_that_is_no_topic_name_gets_a_row_with_an_error,
    a_topic_named_twice_is_told_once,
    partitions_beyond_the_limit_wait_for_the_next_page,
    pages_together_are_the_whole,
    a_limit_of_zero_or_less,
    a_cursor_into_the_middle_of_a_topic,
    a_cursor_behind_the_last_partition,
    a_cursor_behind_every_topic,
    a_cursor_of_a_topic_that_does_not_exist,
    a_cursor_of_negative_partition_is_refused,
    no_topics_are_all_topics,
];

fn request(
    names: &[&str],
    limit: i32,
    cursor: Option<(&str, i32)>,
) -> DescribeTopicPartitionsRequest {
    let topics = names.iter().map(|name| TopicRequest::default().with_name(topic_name(name)));
    let cursor = cursor.map(|(name, partition)| {
        Cursor::default().with_topic_name(topic_name(name)).with_partition_index(partition)
    });
    DescribeTopicPartitionsRequest::default()
        .with_topics(topics.collect())
        .with_response_partition_limit(limit)
        .with_cursor(cursor)
}

/// Name and partitions of each row.
fn told(response: &DescribeTopicPartitionsResponse) -> Vec<(String, Vec<i32>)> {
    let mut told = Vec::new();
    for row in &response.topics {
        let name = row.name.as_ref().map_or("", |name| name);
        let indexes = row.partitions.iter().map(|partition| partition.partition_index);
        told.push((name.to_owned(), indexes.collect()));
    }
    told
}

async fn topics_are_told_in_the_order_of_their_names(mut client: Client) {
    let (b, a) = (client.topic("b", 1).await, client.topic("a", 2).await);
    let response = client.call(0, &request(&[&b.name, &a.name], 2_000, None)).await;
    assert_eq!(told(&response), [(a.name, vec![0, 1]), (b.name, vec![0])]);
}

async fn a_topic_that_does_not_exist_gets_a_row_with_an_error(mut client: Client) {
    let name = client.unique("missing");
    let response = client.call(0, &request(&[&name], 2_000, None)).await;
    expect(response.topics[0].error_code, ErrorCode::UnknownTopicOrPartition);
}

async fn a_name_that_is_no_topic_name_gets_a_row_with_an_error(mut client: Client) {
    for name in ["", "a b", ".."] {
        client.call(0, &request(&[name], 2_000, None)).await;
    }
}

async fn a_topic_named_twice_is_told_once(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let response = client.call(0, &request(&[&topic.name, &topic.name], 2_000, None)).await;
    assert_eq!(response.topics.len(), 1);
}

async fn partitions_beyond_the_limit_wait_for_the_next_page(mut client: Client) {
    let (a, b) = (client.topic("a", 3).await, client.topic("b", 2).await);
    for limit in 1..=6 {
        client.note(&format!("limit {limit}"));
        let response = client.call(0, &request(&[&a.name, &b.name], limit, None)).await;
        let count: usize = response.topics.iter().map(|row| row.partitions.len()).sum();
        assert_eq!(count, usize::try_from(limit.min(5)).expect("small"));
        assert_eq!(response.next_cursor.is_none(), limit >= 5);
    }
}

async fn pages_together_are_the_whole(mut client: Client) {
    let (a, b) = (client.topic("a", 3).await, client.topic("b", 2).await);
    let mut pages = Vec::new();
    let mut cursor: Option<(String, i32)> = None;
    for _ in 0..10 {
        let at = cursor.as_ref().map(|(name, partition)| (name.as_str(), *partition));
        let response = client.ask(0, &request(&[&a.name, &b.name], 2, at)).await;
        pages.extend(told(&response));
        let Some(next) = response.next_cursor else { break };
        cursor = Some((next.topic_name.to_string(), next.partition_index));
    }
    client.record("pages of 2", &pages);
    let partitions: Vec<i32> = pages.into_iter().flat_map(|(_, partitions)| partitions).collect();
    assert_eq!(partitions, [0, 1, 2, 0, 1]);
}

async fn a_limit_of_zero_or_less(mut client: Client) {
    let topic = client.topic("t", 2).await;
    for limit in [0, -1, i32::MIN] {
        client.note(&format!("limit {limit}"));
        client.call(0, &request(&[&topic.name], limit, None)).await;
    }
}

async fn a_cursor_into_the_middle_of_a_topic(mut client: Client) {
    let (a, b) = (client.topic("a", 3).await, client.topic("b", 1).await);
    let cursor = Some((a.name.as_str(), 2));
    let response = client.call(0, &request(&[&a.name, &b.name], 2_000, cursor)).await;
    assert_eq!(told(&response), [(a.name, vec![2]), (b.name, vec![0])]);
}

async fn a_cursor_behind_the_last_partition(mut client: Client) {
    let (a, b) = (client.topic("a", 1).await, client.topic("b", 1).await);
    let cursor = Some((a.name.as_str(), 7));
    client.call(0, &request(&[&a.name, &b.name], 2_000, cursor)).await;
}

async fn a_cursor_behind_every_topic(mut client: Client) {
    let topic = client.topic("a", 1).await;
    client.call(0, &request(&[&topic.name], 2_000, Some(("zzz", 0)))).await;
}

async fn a_cursor_of_a_topic_that_does_not_exist(mut client: Client) {
    let (a, c) = (client.topic("a", 1).await, client.topic("c", 2).await);
    let gone = client.unique("b");
    client.call(0, &request(&[&a.name, &gone, &c.name], 2_000, Some((&gone, 1)))).await;
}

async fn a_cursor_of_negative_partition_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let response = client.call(0, &request(&[&topic.name], 10, Some((&topic.name, -1)))).await;
    expect(response.topics[0].error_code, ErrorCode::InvalidRequest);
}

async fn no_topics_are_all_topics(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let mut cursor: Option<(String, i32)> = None;
    loop {
        let at = cursor.as_ref().map(|(name, partition)| (name.as_str(), *partition));
        let response = client.ask(0, &request(&[], 2_000, at)).await;
        if told(&response).iter().any(|(name, _)| *name == topic.name) {
            return;
        }
        let next = response.next_cursor.expect("one of the pages has the topic");
        cursor = Some((next.topic_name.to_string(), next.partition_index));
    }
}
