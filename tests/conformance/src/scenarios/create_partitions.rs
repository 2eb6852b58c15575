//! CreatePartitions: topics grow, and do not shrink.

use crate::admin::{LATEST, offset_at, offsets_topic, until_partitions_are};
use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::{BrokerId, CreatePartitionsRequest};

scenarios![
    added_partitions_begin_at_0_beside_those_that_were,
    as_many_partitions_as_there_are_is_refused,
    fewer_partitions_than_there_are_are_refused,
    no_or_negative_partitions_are_refused,
    a_topic_that_does_not_exist_is_unknown,
    names_that_are_no_topic_names,
    a_topic_named_twice_is_refused,
    checking_only_adds_nothing,
    assignments_of_the_new_partitions_are_taken,
    assignments_of_another_number_are_refused,
    an_assignment_to_an_unknown_broker_is_refused,
    an_assignment_to_a_broker_twice_is_refused,
    an_assignment_to_nobody_is_refused,
    an_empty_list_of_assignments_is_of_another_number,
    no_topics_are_answered_with_none,
    topics_succeed_beside_those_that_fail,
    partitions_of_the_offsets_topic,
    more_than_10000_partitions_at_once,
    a_deleted_topic_gets_no_partitions,
];

fn more(name: &str, count: i32) -> CreatePartitionsTopic {
    CreatePartitionsTopic::default()
        .with_name(topic_name(name))
        .with_count(count)
        .with_assignments(None)
}

fn assigned(topic: CreatePartitionsTopic, nodes: &[&[i32]]) -> CreatePartitionsTopic {
    let rows = nodes.iter().map(|nodes| {
        let nodes = nodes.iter().map(|node| BrokerId(*node)).collect();
        CreatePartitionsAssignment::default().with_broker_ids(nodes)
    });
    topic.with_assignments(Some(rows.collect()))
}

fn create(topics: Vec<CreatePartitionsTopic>) -> CreatePartitionsRequest {
    CreatePartitionsRequest::default().with_topics(topics).with_timeout_ms(9_000)
}

/// Shows in every version that a topic of two partitions is refused this.
async fn is_refused(
    mut client: Client,
    error: ErrorCode,
    wanted: impl Fn(&str) -> CreatePartitionsTopic,
) {
    let topic = client.topic("t", 2).await;
    for version in client.each(0..=3) {
        let response = client.call(version, &create(vec![wanted(&topic.name)])).await;
        expect(response.results[0].error_code, error);
    }
    until_partitions_are(&mut client, &topic, 2).await;
}

async fn added_partitions_begin_at_0_beside_those_that_were(mut client: Client) {
    for version in client.each(0..=3) {
        let topic = client.topic("t", 1).await;
        client.append(topic.partition(0), Batch::of(&["a", "b"])).await;
        let response = client.call(version, &create(vec![more(&topic.name, 3)])).await;
        expect(response.results[0].error_code, ErrorCode::None);
        until_partitions_are(&mut client, &topic, 3).await;
        for (partition, end) in [(0, 2), (1, 0), (2, 0)] {
            assert_eq!(offset_at(&mut client, topic.partition(partition), LATEST).await.0, end);
        }
        client.produce_one(9, topic.partition(2), Batch::of(&["c"])).await;
        client.fetch_one(12, topic.partition(2), 0).await;
    }
}

async fn as_many_partitions_as_there_are_is_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidPartitions, |name| more(name, 2)).await;
}

async fn fewer_partitions_than_there_are_are_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidPartitions, |name| more(name, 1)).await;
}

async fn no_or_negative_partitions_are_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=3) {
        for count in [0, -1, i32::MIN] {
            let response = client.call(version, &create(vec![more(&topic.name, count)])).await;
            expect(response.results[0].error_code, ErrorCode::InvalidPartitions);
        }
    }
}

async fn a_topic_that_does_not_exist_is_unknown(mut client: Client) {
    let name = client.unique("missing");
    for version in client.each(0..=3) {
        let response = client.call(version, &create(vec![more(&name, 3)])).await;
        expect(response.results[0].error_code, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn names_that_are_no_topic_names(mut client: Client) {
    for name in ["", ".", "a b", &"x".repeat(250)] {
        client.note(&format!("name of {} bytes: {name:.20}", name.len()));
        client.call(3, &create(vec![more(name, 3)])).await;
    }
}

async fn a_topic_named_twice_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=3) {
        let twice = vec![more(&topic.name, 2), more(&topic.name, 3)];
        let response = client.call(version, &create(twice)).await;
        assert_eq!(response.results.len(), 1);
        expect(response.results[0].error_code, ErrorCode::InvalidRequest);
    }
    until_partitions_are(&mut client, &topic, 1).await;
}

async fn checking_only_adds_nothing(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=3) {
        for (count, error) in [(4, ErrorCode::None), (1, ErrorCode::InvalidPartitions)] {
            let request = create(vec![more(&topic.name, count)]).with_validate_only(true);
            let response = client.call(version, &request).await;
            expect(response.results[0].error_code, error);
        }
    }
    until_partitions_are(&mut client, &topic, 1).await;
}

async fn assignments_of_the_new_partitions_are_taken(mut client: Client) {
    let node = client.target.node_id;
    for version in client.each(0..=3) {
        let topic = client.topic("t", 1).await;
        let wanted = assigned(more(&topic.name, 3), &[&[node], &[node]]);
        let response = client.call(version, &create(vec![wanted])).await;
        expect(response.results[0].error_code, ErrorCode::None);
        until_partitions_are(&mut client, &topic, 3).await;
        client.call(12, &metadata(12, &[&topic.name])).await;
    }
}

async fn assignments_of_another_number_are_refused(client: Client) {
    let node = client.target.node_id;
    is_refused(client, ErrorCode::InvalidReplicaAssignment, |name| {
        assigned(more(name, 5), &[&[node], &[node]])
    })
    .await;
}

async fn an_assignment_to_an_unknown_broker_is_refused(client: Client) {
    let node = client.target.node_id;
    is_refused(client, ErrorCode::InvalidReplicaAssignment, |name| {
        assigned(more(name, 4), &[&[node], &[77]])
    })
    .await;
}

async fn an_assignment_to_a_broker_twice_is_refused(client: Client) {
    let node = client.target.node_id;
    is_refused(client, ErrorCode::InvalidReplicaAssignment, |name| {
        assigned(more(name, 3), &[&[node, node]])
    })
    .await;
}

async fn an_assignment_to_nobody_is_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidReplicaAssignment, |name| assigned(more(name, 3), &[&[]]))
        .await;
}

async fn an_empty_list_of_assignments_is_of_another_number(client: Client) {
    is_refused(client, ErrorCode::InvalidReplicaAssignment, |name| assigned(more(name, 3), &[]))
        .await;
}

async fn no_topics_are_answered_with_none(mut client: Client) {
    for version in client.each(0..=3) {
        assert!(client.call(version, &create(Vec::new())).await.results.is_empty());
    }
}

async fn topics_succeed_beside_those_that_fail(mut client: Client) {
    let missing = client.unique("missing");
    for version in client.each(0..=3) {
        let (grows, stays) = (client.topic("grows", 1).await, client.topic("stays", 2).await);
        let topics = vec![more(&missing, 4), more(&grows.name, 2), more(&stays.name, 2)];
        let mut response = client.ask(version, &create(topics)).await;
        // Kafka tells them in no order.
        response.results.sort_by_key(|row| row.name.clone());
        client.record("> CreatePartitions", &response);
        until_partitions_are(&mut client, &grows, 2).await;
        until_partitions_are(&mut client, &stays, 2).await;
    }
}

async fn partitions_of_the_offsets_topic(mut client: Client) {
    offsets_topic(&mut client).await;
    let request = create(vec![more("__consumer_offsets", 100)]).with_validate_only(true);
    client.call(3, &request).await;
}

async fn more_than_10000_partitions_at_once(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=3) {
        let request = create(vec![more(&topic.name, 10_002)]).with_validate_only(true);
        client.call(version, &request).await;
    }
}

async fn a_deleted_topic_gets_no_partitions(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let response = client.ask(5, &delete_topics(&[&topic.name])).await;
    expect(response.responses[0].error_code, ErrorCode::None);
    let response = client.call(3, &create(vec![more(&topic.name, 2)])).await;
    expect(response.results[0].error_code, ErrorCode::UnknownTopicOrPartition);
}
