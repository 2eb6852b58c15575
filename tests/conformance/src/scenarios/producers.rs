//! DescribeProducers: who writes to a partition.

use crate::client::{Client, Topic};
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_producers_response::PartitionResponse;
use kafka_protocol::messages::{DescribeProducersRequest, InitProducerIdRequest};

scenarios![
    who_has_written_is_told_with_its_last_sequence,
    a_newer_epoch_takes_the_place_of_the_older_one,
    who_has_no_producer_id_is_not_told,
    nobody_has_written_to_an_empty_partition,
    each_partition_has_producers_of_its_own,
    a_partition_that_does_not_exist_is_unknown,
    a_topic_that_does_not_exist_is_unknown,
    a_name_that_is_no_topic_name_is_refused,
    a_partition_asked_for_twice,
    nothing_asked_for_is_nothing_told,
];

fn describe(name: &str, partitions: &[i32]) -> DescribeProducersRequest {
    let topic = TopicRequest::default()
        .with_name(topic_name(name))
        .with_partition_indexes(partitions.to_vec());
    DescribeProducersRequest::default().with_topics(vec![topic])
}

async fn producer_id(client: &mut Client) -> i64 {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1);
    client.ask(4, &request).await.producer_id.0
}

/// Asks about the partitions of a topic; the rows in the order of their partitions.
async fn rows(client: &mut Client, topic: &Topic, partitions: &[i32]) -> Vec<PartitionResponse> {
    let mut response = client.ask(0, &describe(&topic.name, partitions)).await;
    let mut rows = response.topics.remove(0).partitions;
    rows.sort_by_key(|row| row.partition_index);
    for row in &mut rows {
        row.active_producers.sort_by_key(|producer| producer.producer_id.0);
    }
    client.record("> DescribeProducers", &rows);
    rows
}

async fn who_has_written_is_told_with_its_last_sequence(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let producer = producer_id(&mut client).await;
    client.append(topic.partition(0), Batch::of(&["a", "b"]).by(producer, 0, 0)).await;
    client.append(topic.partition(0), Batch::of(&["c"]).by(producer, 0, 2)).await;
    let row = rows(&mut client, &topic, &[0]).await.remove(0);
    expect(row.error_code, ErrorCode::None);
    assert_eq!(row.active_producers.len(), 1);
    let told = &row.active_producers[0];
    assert_eq!((told.producer_id.0, told.producer_epoch, told.last_sequence), (producer, 0, 2));
}

async fn a_newer_epoch_takes_the_place_of_the_older_one(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let producer = producer_id(&mut client).await;
    client.append(topic.partition(0), Batch::of(&["a"]).by(producer, 0, 0)).await;
    client.append(topic.partition(0), Batch::of(&["b"]).by(producer, 3, 0)).await;
    let row = rows(&mut client, &topic, &[0]).await.remove(0);
    assert_eq!(row.active_producers.len(), 1);
    assert_eq!(row.active_producers[0].producer_epoch, 3);
}

async fn who_has_no_producer_id_is_not_told(mut client: Client) {
    let topic = client.topic("t", 1).await;
    client.append(topic.partition(0), Batch::of(&["a"])).await;
    assert!(rows(&mut client, &topic, &[0]).await[0].active_producers.is_empty());
}

async fn nobody_has_written_to_an_empty_partition(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let row = rows(&mut client, &topic, &[0]).await.remove(0);
    expect(row.error_code, ErrorCode::None);
    assert!(row.active_producers.is_empty());
}

async fn each_partition_has_producers_of_its_own(mut client: Client) {
    let topic = client.topic("t", 3).await;
    let (one, two) = (producer_id(&mut client).await, producer_id(&mut client).await);
    client.append(topic.partition(0), Batch::of(&["a"]).by(one, 0, 0)).await;
    client.append(topic.partition(1), Batch::of(&["a"]).by(one, 0, 0)).await;
    client.append(topic.partition(1), Batch::of(&["a", "b"]).by(two, 0, 0)).await;
    let rows = rows(&mut client, &topic, &[2, 0, 1]).await;
    let counts: Vec<usize> = rows.iter().map(|row| row.active_producers.len()).collect();
    assert_eq!(counts, [1, 2, 0]);
}

async fn a_partition_that_does_not_exist_is_unknown(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let rows = rows(&mut client, &topic, &[0, 1, -1]).await;
    let codes: Vec<ErrorCode> = rows.iter().map(|row| code(row.error_code)).collect();
    let unknown = ErrorCode::UnknownTopicOrPartition;
    assert_eq!(codes, [unknown, ErrorCode::None, unknown]);
}

async fn a_topic_that_does_not_exist_is_unknown(mut client: Client) {
    let name = client.unique("missing");
    let response = client.call(0, &describe(&name, &[0])).await;
    expect(response.topics[0].partitions[0].error_code, ErrorCode::UnknownTopicOrPartition);
}

async fn a_name_that_is_no_topic_name_is_refused(mut client: Client) {
    for name in ["", "a b", ".."] {
        let response = client.call(0, &describe(name, &[0])).await;
        assert_ne!(response.topics[0].partitions[0].error_code, 0);
    }
}

async fn a_partition_asked_for_twice(mut client: Client) {
    let topic = client.topic("t", 1).await;
    rows(&mut client, &topic, &[0, 0]).await;
    let mut request = describe(&topic.name, &[0]);
    request.topics.push(request.topics[0].clone());
    client.call(0, &request).await;
}

async fn nothing_asked_for_is_nothing_told(mut client: Client) {
    let topic = client.topic("t", 1).await;
    assert!(client.call(0, &DescribeProducersRequest::default()).await.topics.is_empty());
    client.call(0, &describe(&topic.name, &[])).await;
}
