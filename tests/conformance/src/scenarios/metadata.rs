//! Metadata: which topics are told of, what their rows hold, and which ones asking creates.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{FindCoordinatorRequest, MetadataRequest, MetadataResponse};
use std::time::Duration;
use uuid::Uuid;

scenarios![
    brokers_and_controller_are_told_even_without_topics,
    no_topics_are_all_topics_in_v0,
    null_topics_are_all_topics_since_v1,
    an_empty_list_of_topics_is_none_since_v1,
    a_known_topic_has_a_row_for_each_partition,
    an_unknown_topic_gets_a_row_with_an_error,
    topics_come_beside_errors_of_others,
    a_topic_asked_for_twice,
    names_that_are_no_topic_names_are_invalid,
    a_topic_is_found_by_its_id_since_v12,
    an_unknown_id_is_an_unknown_topic_id,
    a_zero_id_beside_a_null_name,
    ids_before_v12_are_refused,
    an_id_beside_a_name_decides,
    authorized_operations_are_told_when_asked_for,
    cluster_operations_are_told_from_v8_to_v10,
    offsets_topic_is_internal,
    an_unknown_topic_is_created_by_asking_if_that_is_allowed,
    a_topic_created_by_asking_has_the_defaults,
    a_bad_name_is_not_created_by_asking,
    a_name_that_collides_is_not_created_by_asking,
    a_recreated_topic_has_another_id,
    a_topic_created_by_asking_can_be_written,
    names_and_ids_may_be_asked_for_together,
    many_names_are_answered_each,
    the_leader_epoch_that_is_told_is_the_leaders,
    asking_without_creating_creates_nothing,
];

fn rows<'a>(response: &'a MetadataResponse, name: &str) -> Vec<&'a MetadataResponseTopic> {
    let is_it = |row: &&MetadataResponseTopic| row.name.as_ref().is_some_and(|n| **n == *name);
    response.topics.iter().filter(is_it).collect()
}

fn by_id(id: Uuid, name: Option<&str>) -> MetadataRequest {
    let row = MetadataRequestTopic::default().with_topic_id(id).with_name(name.map(topic_name));
    MetadataRequest::default().with_topics(Some(vec![row])).with_allow_auto_topic_creation(false)
}

async fn brokers_and_controller_are_told_even_without_topics(mut client: Client) {
    for version in client.each(1..=13) {
        let response = client.call(version, &metadata(version, &[])).await;
        assert_eq!(response.brokers.len(), 1);
        assert_eq!(response.controller_id, response.brokers[0].node_id);
        assert_eq!(response.cluster_id.is_some(), version >= 2);
    }
}

async fn no_topics_are_all_topics_in_v0(mut client: Client) {
    let topic = client.topic("t", 2).await;
    let mut response = client.ask(0, &metadata(0, &[])).await;
    assert_eq!(rows(&response, &topic.name).len(), 1);
    response.topics.retain(|row| row.name.as_ref().is_some_and(|n| **n == *topic.name));
    client.record("> Metadata v0", &response);
}

async fn null_topics_are_all_topics_since_v1(mut client: Client) {
    let (one, two) = (client.topic("one", 1).await, client.topic("two", 2).await);
    for version in client.each(1..=13) {
        let request = metadata(version, &[]).with_topics(None);
        let response = client.ask(version, &request).await;
        for name in [&one.name, &two.name] {
            client.record("> Metadata", &rows(&response, name));
            assert_eq!(rows(&response, name).len(), 1);
        }
    }
}

async fn an_empty_list_of_topics_is_none_since_v1(mut client: Client) {
    client.topic("t", 1).await;
    for version in client.each(1..=13) {
        assert!(client.ask(version, &metadata(version, &[])).await.topics.is_empty());
    }
}

async fn a_known_topic_has_a_row_for_each_partition(mut client: Client) {
    let topic = client.topic("t", 3).await;
    for version in client.each(0..=13) {
        let mut response = client.ask(version, &metadata(version, &[&topic.name])).await;
        response.topics[0].partitions.sort_by_key(|row| row.partition_index);
        client.record("> Metadata", &response);
        let row = &response.topics[0];
        assert_eq!(row.partitions.len(), 3);
        assert_eq!(row.topic_id, if version < 10 { Uuid::nil() } else { topic.id.0 });
        for partition in &row.partitions {
            assert_eq!(partition.leader_id, response.brokers[0].node_id);
            assert_eq!(partition.leader_epoch, if version < 7 { -1 } else { 0 });
        }
    }
}

async fn an_unknown_topic_gets_a_row_with_an_error(mut client: Client) {
    for version in client.each(4..=13) {
        let name = client.unique("missing");
        let response = client.call(version, &metadata(version, &[&name])).await;
        assert_eq!(response.topics.len(), 1);
        expect(response.topics[0].error_code, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn topics_come_beside_errors_of_others(mut client: Client) {
    let topic = client.topic("known", 1).await;
    for version in client.each([4, 9, 12, 13]) {
        let missing = client.unique("missing");
        let names: &[&str] = &[&missing, &topic.name, "no topic"];
        let mut response = client.ask(version, &metadata(version, names)).await;
        // Kafka tells the errors first or last, as it happens to find them.
        response.topics.sort_by_key(|row| row.error_code);
        client.record("> Metadata", &response.topics);
        let codes: Vec<_> = response.topics.iter().map(|row| code(row.error_code)).collect();
        let unknown = ErrorCode::UnknownTopicOrPartition;
        assert_eq!(codes, [ErrorCode::None, unknown, ErrorCode::InvalidTopic]);
    }
}

async fn a_topic_asked_for_twice(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each([0, 4, 9, 12, 13]) {
        let request = metadata(version, &[&topic.name, &topic.name]);
        let response = client.ask(version, &request).await;
        client.record("> Metadata", &response.topics);
    }
}

async fn names_that_are_no_topic_names_are_invalid(mut client: Client) {
    for version in client.each([4, 9, 12, 13]) {
        for name in ["", ".", "..", "a b", "a/b", "ä", &"x".repeat(250)] {
            let response = client.ask(version, &metadata(version, &[name])).await;
            client.record("> Metadata", &response.topics);
            expect(response.topics[0].error_code, ErrorCode::InvalidTopic);
        }
    }
}

async fn a_topic_is_found_by_its_id_since_v12(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(12..=13) {
        let response = client.call(version, &by_id(topic.id.0, None)).await;
        assert_eq!(rows(&response, &topic.name).len(), 1);
    }
}

async fn an_unknown_id_is_an_unknown_topic_id(mut client: Client) {
    for version in client.each(12..=13) {
        let response = client.call(version, &by_id(Uuid::new_v4(), None)).await;
        expect(response.topics[0].error_code, ErrorCode::UnknownTopicId);
    }
}

async fn a_zero_id_beside_a_null_name(mut client: Client) {
    for version in client.each(10..=13) {
        client.call(version, &by_id(Uuid::nil(), None)).await;
    }
}

async fn ids_before_v12_are_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(10..=11) {
        for name in [None, Some(topic.name.as_str())] {
            client.call(version, &by_id(topic.id.0, name)).await;
        }
    }
}

async fn an_id_beside_a_name_decides(mut client: Client) {
    let (one, other) = (client.topic("one", 1).await, client.topic("other", 1).await);
    for version in client.each(12..=13) {
        for name in [&other.name, &one.name, ""] {
            client.note(&format!("the id of one beside the name {name:?}"));
            client.call(version, &by_id(one.id.0, Some(name))).await;
        }
    }
}

async fn authorized_operations_are_told_when_asked_for(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(8..=13) {
        for asked in [false, true] {
            let request = metadata(version, &[&topic.name]);
            let request = request.with_include_topic_authorized_operations(asked);
            let response = client.ask(version, &request).await;
            client.record(&format!("asked: {asked}"), &response.topics);
            assert_eq!(response.topics[0].topic_authorized_operations != i32::MIN, asked);
        }
    }
}

async fn cluster_operations_are_told_from_v8_to_v10(mut client: Client) {
    for version in client.each(8..=10) {
        for asked in [false, true] {
            let request = metadata(version, &[]).with_include_cluster_authorized_operations(asked);
            let response = client.call(version, &request).await;
            assert_eq!(response.cluster_authorized_operations != i32::MIN, asked);
        }
    }
}

async fn offsets_topic_is_internal(mut client: Client) {
    let group = client.unique("g");
    let find = FindCoordinatorRequest::default().with_key(text(&group));
    let mut wait = 200;
    // Kafka creates the topic when it is first asked for a coordinator.
    while client.ask(3, &find).await.error_code != 0 && wait > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        wait -= 1;
    }
    for version in client.each([1, 4, 9, 12, 13]) {
        let request = metadata(version, &["__consumer_offsets"]);
        let response = client.ask(version, &request).await;
        let row = &response.topics[0];
        client.record("is internal, partitions", &(row.is_internal, row.partitions.len()));
        assert!(row.is_internal);
    }
}

async fn an_unknown_topic_is_created_by_asking_if_that_is_allowed(mut client: Client) {
    for version in client.each([0, 3, 4, 9, 12, 13]) {
        let name = client.unique("t");
        let request = metadata(version, &[&name]).with_allow_auto_topic_creation(true);
        let response = client.ask(version, &request).await;
        client.record("> Metadata", &response.topics);
        appears(&mut client, &name).await;
    }
}

/// Waits until the topic is there; its row.
async fn appears(client: &mut Client, name: &str) -> MetadataResponseTopic {
    for _ in 0..500 {
        let mut response = client.ask(12, &metadata(12, &[name])).await;
        let row = response.topics.remove(0);
        if row.error_code == 0 && row.partitions.iter().all(|row| row.error_code == 0) {
            return row;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{name} does not appear");
}

async fn a_topic_created_by_asking_has_the_defaults(mut client: Client) {
    let name = client.unique("t");
    let request = metadata(12, &[&name]).with_allow_auto_topic_creation(true);
    client.ask(12, &request).await;
    let row = appears(&mut client, &name).await;
    client.record("then", &row);
}

async fn a_bad_name_is_not_created_by_asking(mut client: Client) {
    for version in client.each([0, 4, 9, 12, 13]) {
        let request = metadata(version, &["no topic"]).with_allow_auto_topic_creation(true);
        let response = client.ask(version, &request).await;
        client.record("> Metadata", &response.topics);
        expect(response.topics[0].error_code, ErrorCode::InvalidTopic);
    }
}

async fn a_name_that_collides_is_not_created_by_asking(mut client: Client) {
    // Names of metrics cannot tell '.' and '_' apart.
    let topic = client.topic("a_b", 1).await;
    let colliding = topic.name.replacen('_', ".", 1);
    client.transcript().alias(&colliding, "a.b");
    let request = metadata(12, &[&colliding]).with_allow_auto_topic_creation(true);
    let response = client.ask(12, &request).await;
    client.record("> Metadata v12", &response.topics);
    assert_ne!(response.topics[0].error_code, 0);
}

async fn a_recreated_topic_has_another_id(mut client: Client) {
    let topic = client.topic("t", 1).await;
    client.ask(5, &delete_topics(&[&topic.name])).await;
    client.ask(7, &create_topics(vec![creatable(&topic.name)])).await;
    let again = appears(&mut client, &topic.name).await;
    assert_ne!(again.topic_id, topic.id.0);
    let response = client.call(12, &by_id(topic.id.0, None)).await;
    expect(response.topics[0].error_code, ErrorCode::UnknownTopicId);
}

async fn a_topic_created_by_asking_can_be_written(mut client: Client) {
    let name = client.unique("t");
    let request = metadata(12, &[&name]).with_allow_auto_topic_creation(true);
    client.ask(12, &request).await;
    let row = client.until_led(&name).await;
    let place = Place { name: &name, id: TopicId(row.topic_id), partition: 0 };
    assert_eq!(client.append(place, Batch::of(&["a"])).await, 0);
}

async fn names_and_ids_may_be_asked_for_together(mut client: Client) {
    let (one, other) = (client.topic("one", 1).await, client.topic("other", 1).await);
    let by_name = MetadataRequestTopic::default().with_name(Some(topic_name(&one.name)));
    let by_id = MetadataRequestTopic::default().with_topic_id(other.id.0).with_name(None);
    for version in client.each(12..=13) {
        let topics = vec![by_name.clone(), by_id.clone()];
        let request = MetadataRequest::default().with_topics(Some(topics));
        let response = client.ask(version, &request.with_allow_auto_topic_creation(false)).await;
        let mut names: Vec<String> = response
            .topics
            .iter()
            .map(|row| row.name.as_ref().map(|name| name.0.to_string()).unwrap_or_default())
            .collect();
        names.sort_unstable();
        client.record("names", &names);
    }
}

async fn many_names_are_answered_each(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let names: Vec<String> = (0..500).map(|number| format!("{}-{number}", topic.name)).collect();
    let mut asked: Vec<&str> = names.iter().map(String::as_str).collect();
    asked.push(&topic.name);
    let response = client.ask(12, &metadata(12, &asked)).await;
    assert_eq!(response.topics.len(), asked.len());
    let found = response.topics.iter().filter(|row| row.error_code == 0).count();
    assert_eq!(found, 1);
}

async fn the_leader_epoch_that_is_told_is_the_leaders(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let row = client.told_of(&topic.name).await;
    let epoch = row.partitions[0].leader_epoch;
    for (epoch, error) in [
        (epoch, ErrorCode::None),
        (epoch + 1, ErrorCode::UnknownLeaderEpoch),
        (-1, ErrorCode::None),
    ] {
        let mut fetch: tidegate_wire::fetch::FetchRequest =
            fetch_request(&[(topic.partition(0), 0)]);
        fetch.topics[0].partitions[0].current_leader_epoch = epoch;
        let response = client.fetch(12, &fetch).await;
        expect(response.topics[0].partitions[0].error_code, error);
    }
}

async fn asking_without_creating_creates_nothing(mut client: Client) {
    let name = client.unique("missing");
    for version in 4..=13 {
        let response = client.ask(version, &metadata(version, &[&name])).await;
        expect(response.topics[0].error_code, ErrorCode::UnknownTopicOrPartition);
    }
    let all = client.ask(12, &MetadataRequest::default().with_topics(None)).await;
    assert!(rows(&all, &name).is_empty());
}
