//! CreateTopics and DeleteTopics: what comes into being, what is refused, and with which words.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::create_topics_request::CreatableReplicaAssignment;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::{BrokerId, CreateTopicsRequest, DeleteTopicsRequest};
use uuid::Uuid;

scenarios![
    a_created_topic_is_answered_with_what_its_version_knows,
    minus_one_stands_for_the_default_of_partitions_and_replicas,
    a_topic_that_exists_is_not_created_again,
    names_that_are_no_topic_names_are_refused,
    zero_or_fewer_partitions_are_refused,
    more_replicas_than_brokers_are_refused,
    a_config_that_does_not_exist_is_refused,
    a_config_value_that_does_not_parse_is_refused,
    a_topic_named_twice_is_refused_once,
    partitions_together_with_assignments_are_refused,
    a_deleted_topic_is_gone_and_its_name_is_free,
    deleting_a_topic_that_does_not_exist_is_refused,
    deleting_by_an_id_that_does_not_exist_is_refused,
];

/// Creates one topic; its configs are left out of the transcript, for other scenarios tell them.
async fn create(
    client: &mut Client,
    version: i16,
    request: CreateTopicsRequest,
) -> CreatableTopicResult {
    let mut response = client.ask(version, &request).await;
    for row in &mut response.topics {
        row.configs.take_if(|configs| !configs.is_empty());
    }
    client.record("> CreateTopics", &response);
    response.topics.remove(0)
}

/// Shows in every version that creating this topic is refused with that code.
async fn is_refused(
    mut client: Client,
    error: ErrorCode,
    topic: impl Fn(&str) -> kafka_protocol::messages::create_topics_request::CreatableTopic,
) {
    for version in client.each(2..=7) {
        let name = client.unique("t");
        let response = client.call(version, &create_topics(vec![topic(&name)])).await;
        expect(response.topics[0].error_code, error);
        let rows = client.ask(12, &metadata(12, &[&name])).await.topics;
        expect(rows[0].error_code, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn a_created_topic_is_answered_with_what_its_version_knows(mut client: Client) {
    for version in client.each(2..=7) {
        let name = client.unique("t");
        let topic = creatable(&name).with_num_partitions(3);
        let row = create(&mut client, version, create_topics(vec![topic])).await;
        expect(row.error_code, ErrorCode::None);
        assert_eq!(row.num_partitions, if version < 5 { -1 } else { 3 });
        assert_eq!(row.topic_id.is_nil(), version < 7);
    }
}

async fn minus_one_stands_for_the_default_of_partitions_and_replicas(mut client: Client) {
    for version in client.each(4..=7) {
        let name = client.unique("t");
        let topic = creatable(&name).with_num_partitions(-1).with_replication_factor(-1);
        let row = create(&mut client, version, create_topics(vec![topic])).await;
        expect(row.error_code, ErrorCode::None);
    }
}

async fn a_topic_that_exists_is_not_created_again(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=7) {
        let request = create_topics(vec![creatable(&topic.name)]);
        let response = client.call(version, &request).await;
        expect(response.topics[0].error_code, ErrorCode::TopicAlreadyExists);
    }
}

async fn names_that_are_no_topic_names_are_refused(mut client: Client) {
    for name in ["", ".", "..", "a b", "a/b", "ä", &"x".repeat(250)] {
        client.note(&format!("name of {} bytes: {name:.20}", name.len()));
        let response = client.call(7, &create_topics(vec![creatable(name)])).await;
        expect(response.topics[0].error_code, ErrorCode::InvalidTopic);
    }
}

async fn zero_or_fewer_partitions_are_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidPartitions, |name| creatable(name).with_num_partitions(0))
        .await;
}

async fn more_replicas_than_brokers_are_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidReplicationFactor, |name| {
        creatable(name).with_replication_factor(2)
    })
    .await;
}

async fn a_config_that_does_not_exist_is_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, |name| {
        with_config(creatable(name), "no.such.config", Some("1"))
    })
    .await;
}

async fn a_config_value_that_does_not_parse_is_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, |name| {
        with_config(creatable(name), "retention.ms", Some("long"))
    })
    .await;
}

async fn a_topic_named_twice_is_refused_once(mut client: Client) {
    for version in client.each(2..=7) {
        let name = client.unique("t");
        let request = create_topics(vec![creatable(&name), creatable(&name)]);
        let response = client.call(version, &request).await;
        assert_eq!(response.topics.len(), 1);
        expect(response.topics[0].error_code, ErrorCode::InvalidRequest);
    }
}

async fn partitions_together_with_assignments_are_refused(client: Client) {
    let node = BrokerId(client.target.node_id);
    is_refused(client, ErrorCode::InvalidRequest, |name| {
        let row = CreatableReplicaAssignment::default().with_broker_ids(vec![node]);
        creatable(name).with_assignments(vec![row])
    })
    .await;
}

async fn a_deleted_topic_is_gone_and_its_name_is_free(mut client: Client) {
    for version in client.each(1..=5) {
        let topic = client.topic("t", 1).await;
        let response = client.call(version, &delete_topics(&[&topic.name])).await;
        expect(response.responses[0].error_code, ErrorCode::None);
        let rows = client.ask(12, &metadata(12, &[&topic.name])).await.topics;
        expect(rows[0].error_code, ErrorCode::UnknownTopicOrPartition);
        let again = create(&mut client, 7, create_topics(vec![creatable(&topic.name)])).await;
        expect(again.error_code, ErrorCode::None);
        assert_ne!(again.topic_id, topic.id.0, "a topic of the same name is another topic");
    }
}

async fn deleting_a_topic_that_does_not_exist_is_refused(mut client: Client) {
    for version in client.each(1..=5) {
        let name = client.unique("missing");
        let response = client.call(version, &delete_topics(&[&name])).await;
        expect(response.responses[0].error_code, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn deleting_by_an_id_that_does_not_exist_is_refused(mut client: Client) {
    let state = DeleteTopicState::default().with_name(None).with_topic_id(Uuid::new_v4());
    let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(9_000);
    let response = client.call(6, &request).await;
    expect(response.responses[0].error_code, ErrorCode::UnknownTopicId);
}
