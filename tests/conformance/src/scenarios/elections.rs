//! ElectLeaders, AlterPartitionReassignments and ListPartitionReassignments, as one broker that leads
//! everything answers them.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, ElectLeadersRequest,
    ListPartitionReassignmentsRequest,
};

scenarios![
    a_partition_that_is_led_needs_no_election,
    an_unclean_election_is_not_needed_either,
    no_topic_fails_where_all_are_asked_for,
    an_election_in_a_topic_that_does_not_exist,
    an_election_in_a_partition_that_does_not_exist,
    an_election_type_that_does_not_exist_is_refused,
    no_topics_need_no_elections,
    a_topic_without_partitions_needs_no_elections,
    a_partition_named_twice_is_answered_twice,
    a_partition_stays_where_it_is,
    a_partition_cannot_go_to_an_unknown_broker,
    a_partition_cannot_be_on_a_broker_twice,
    a_partition_cannot_be_on_no_broker,
    a_partition_cannot_be_on_a_negative_broker,
    a_reassignment_that_is_not_under_way_cannot_be_cancelled,
    the_number_of_replicas_may_be_held_since_v1,
    a_reassignment_in_a_topic_that_does_not_exist,
    a_reassignment_of_a_partition_that_does_not_exist,
    a_topic_named_twice_in_a_reassignment,
    partitions_are_reassigned_each_on_its_own,
    no_topics_are_reassigned,
    nothing_is_being_reassigned,
    nothing_is_being_reassigned_in_topics_that_are_named,
];

fn elect(version: i16, kind: i8, topics: Option<&[(&str, &[i32])]>) -> ElectLeadersRequest {
    let rows = topics.map(|topics| {
        let rows = topics.iter().map(|(name, partitions)| {
            TopicPartitions::default()
                .with_topic(topic_name(name))
                .with_partitions(partitions.to_vec())
        });
        rows.collect()
    });
    let request = ElectLeadersRequest::default().with_topic_partitions(rows).with_timeout_ms(9_000);
    if version >= 1 { request.with_election_type(kind) } else { request }
}

const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;

async fn a_partition_that_is_led_needs_no_election(mut client: Client) {
    let topic = client.topic("t", 2).await;
    for version in client.each(0..=2) {
        let request = elect(version, PREFERRED, Some(&[(&topic.name, &[1, 0])]));
        let response = client.call(version, &request).await;
        expect(response.error_code, ErrorCode::None);
        let row = &response.replica_election_results[0].partition_result[0];
        expect(row.error_code, ErrorCode::ElectionNotNeeded);
    }
}

async fn an_unclean_election_is_not_needed_either(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(1..=2) {
        let request = elect(version, UNCLEAN, Some(&[(&topic.name, &[0])]));
        let response = client.call(version, &request).await;
        let row = &response.replica_election_results[0].partition_result[0];
        expect(row.error_code, ErrorCode::ElectionNotNeeded);
    }
}

async fn no_topic_fails_where_all_are_asked_for(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=2) {
        let mut response = client.ask(version, &elect(version, PREFERRED, None)).await;
        let of_others = |name: &str| name != topic.name;
        response.replica_election_results.retain(|row| !of_others(&row.topic));
        client.record("> ElectLeaders", &response);
    }
}

async fn an_election_in_a_topic_that_does_not_exist(mut client: Client) {
    let name = client.unique("missing");
    for version in client.each(0..=2) {
        for name in [&name, "a b", ""] {
            let request = elect(version, PREFERRED, Some(&[(name, &[0])]));
            let response = client.call(version, &request).await;
            let row = &response.replica_election_results[0].partition_result[0];
            expect(row.error_code, ErrorCode::UnknownTopicOrPartition);
        }
    }
}

async fn an_election_in_a_partition_that_does_not_exist(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=2) {
        let request = elect(version, PREFERRED, Some(&[(&topic.name, &[1, -1])]));
        let response = client.call(version, &request).await;
        let row = &response.replica_election_results[0].partition_result[0];
        expect(row.error_code, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn an_election_type_that_does_not_exist_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(1..=2) {
        for kind in [2, -1] {
            client.call(version, &elect(version, kind, Some(&[(&topic.name, &[0])]))).await;
            client.call(version, &elect(version, kind, None)).await;
        }
    }
}

async fn no_topics_need_no_elections(mut client: Client) {
    for version in client.each(0..=2) {
        let response = client.call(version, &elect(version, PREFERRED, Some(&[]))).await;
        assert!(response.replica_election_results.is_empty());
    }
}

async fn a_topic_without_partitions_needs_no_elections(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=2) {
        client.call(version, &elect(version, PREFERRED, Some(&[(&topic.name, &[])]))).await;
    }
}

async fn a_partition_named_twice_is_answered_twice(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=2) {
        client.call(version, &elect(version, PREFERRED, Some(&[(&topic.name, &[0, 0])]))).await;
    }
}

// ---------------------------------------------------------------------- reassignments

type Row<'a> = (&'a str, i32, Option<&'a [i32]>);

fn reassign(rows: &[Row<'_>]) -> AlterPartitionReassignmentsRequest {
    let topics = rows.iter().map(|(name, index, replicas)| {
        let replicas = replicas.map(|ids| ids.iter().map(|id| BrokerId(*id)).collect());
        let partition =
            ReassignablePartition::default().with_partition_index(*index).with_replicas(replicas);
        ReassignableTopic::default().with_name(topic_name(name)).with_partitions(vec![partition])
    });
    AlterPartitionReassignmentsRequest::default()
        .with_topics(topics.collect())
        .with_timeout_ms(9_000)
}

/// Shows in both versions what moving this topic's partition to these brokers comes to.
async fn answers(mut client: Client, error: ErrorCode, partition: i32, replicas: Option<&[i32]>) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=1) {
        let request = reassign(&[(&topic.name, partition, replicas)]);
        let response = client.call(version, &request).await;
        expect(response.responses[0].partitions[0].error_code, error);
    }
}

async fn a_partition_stays_where_it_is(client: Client) {
    let node = client.target.node_id;
    answers(client, ErrorCode::None, 0, Some(&[node])).await;
}

async fn a_partition_cannot_go_to_an_unknown_broker(client: Client) {
    answers(client, ErrorCode::InvalidReplicaAssignment, 0, Some(&[77])).await;
}

async fn a_partition_cannot_be_on_a_broker_twice(client: Client) {
    let node = client.target.node_id;
    answers(client, ErrorCode::InvalidReplicaAssignment, 0, Some(&[node, node])).await;
}

async fn a_partition_cannot_be_on_no_broker(client: Client) {
    answers(client, ErrorCode::InvalidReplicaAssignment, 0, Some(&[])).await;
}

async fn a_partition_cannot_be_on_a_negative_broker(client: Client) {
    answers(client, ErrorCode::InvalidReplicaAssignment, 0, Some(&[-1])).await;
}

async fn a_reassignment_that_is_not_under_way_cannot_be_cancelled(client: Client) {
    answers(client, ErrorCode::NoReassignmentInProgress, 0, None).await;
}

async fn the_number_of_replicas_may_be_held_since_v1(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let node = client.target.node_id;
    for version in client.each([1]) {
        for replicas in [&[node][..], &[node, 77]] {
            let request = reassign(&[(&topic.name, 0, Some(replicas))]);
            client.call(version, &request.with_allow_replication_factor_change(false)).await;
        }
    }
}

async fn a_reassignment_in_a_topic_that_does_not_exist(mut client: Client) {
    let (name, node) = (client.unique("missing"), client.target.node_id);
    for version in client.each(0..=1) {
        for replicas in [Some(&[node][..]), None] {
            let response = client.call(version, &reassign(&[(&name, 0, replicas)])).await;
            let row = &response.responses[0].partitions[0];
            expect(row.error_code, ErrorCode::UnknownTopicOrPartition);
        }
    }
}

async fn a_reassignment_of_a_partition_that_does_not_exist(client: Client) {
    let node = client.target.node_id;
    answers(client, ErrorCode::UnknownTopicOrPartition, 5, Some(&[node])).await;
}

async fn a_topic_named_twice_in_a_reassignment(mut client: Client) {
    let (topic, node) = (client.topic("t", 2).await, client.target.node_id);
    for version in client.each(0..=1) {
        for rows in [
            [(&topic.name[..], 0, Some(&[node][..])), (&topic.name, 1, Some(&[node]))],
            [(&topic.name, 0, Some(&[node])), (&topic.name, 0, None)],
        ] {
            client.call(version, &reassign(&rows)).await;
        }
    }
}

async fn partitions_are_reassigned_each_on_its_own(mut client: Client) {
    let (topic, other) = (client.topic("t", 1).await, client.topic("other", 1).await);
    let (name, node) = (client.unique("missing"), client.target.node_id);
    for version in client.each(0..=1) {
        let rows: [Row<'_>; 3] = [
            (&topic.name, 0, Some(&[node])),
            (&name, 0, Some(&[node])),
            (&other.name, 0, Some(&[77])),
        ];
        let response = client.call(version, &reassign(&rows)).await;
        expect(response.error_code, ErrorCode::None);
    }
}

async fn no_topics_are_reassigned(mut client: Client) {
    for version in client.each(0..=1) {
        client.call(version, &reassign(&[])).await;
    }
}

fn under_way(topics: Option<&[(&str, &[i32])]>) -> ListPartitionReassignmentsRequest {
    let rows = topics.map(|topics| {
        let rows = topics.iter().map(|(name, partitions)| {
            ListPartitionReassignmentsTopics::default()
                .with_name(topic_name(name))
                .with_partition_indexes(partitions.to_vec())
        });
        rows.collect()
    });
    ListPartitionReassignmentsRequest::default().with_topics(rows).with_timeout_ms(9_000)
}

async fn nothing_is_being_reassigned(mut client: Client) {
    for topics in [None, Some(&[][..])] {
        let response = client.call(0, &under_way(topics)).await;
        assert!(response.topics.is_empty());
    }
}

async fn nothing_is_being_reassigned_in_topics_that_are_named(mut client: Client) {
    let (topic, missing) = (client.topic("t", 1).await, client.unique("missing"));
    for rows in [(&topic.name[..], &[0][..]), (&topic.name, &[7]), (&missing, &[0])] {
        let response = client.call(0, &under_way(Some(&[rows]))).await;
        assert!(response.topics.is_empty());
    }
}
