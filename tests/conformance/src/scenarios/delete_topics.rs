//! DeleteTopics: by name and by id, what is refused, and what is left.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::DeleteTopicsRequest;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use uuid::Uuid;

scenarios![
    a_deleted_topic_is_gone_and_its_name_is_free,
    deleting_a_topic_that_does_not_exist_is_refused,
    deleting_by_an_id_that_does_not_exist_is_refused,
    a_topic_is_deleted_by_its_id_since_v6,
    neither_name_nor_id_is_refused,
    a_name_given_twice,
    an_id_given_twice,
    a_topic_given_by_name_and_by_id,
    a_refused_topic_leaves_the_others_alone,
    names_that_are_no_topic_names_are_unknown,
    no_topics_are_none_deleted,
    what_was_in_a_deleted_topic_is_not_in_its_successor,
    a_deleted_topic_cannot_be_written_or_read,
];

fn by_ids(rows: &[(Option<&str>, Uuid)]) -> DeleteTopicsRequest {
    let rows = rows.iter().map(|(name, id)| {
        DeleteTopicState::default().with_name(name.map(topic_name)).with_topic_id(*id)
    });
    DeleteTopicsRequest::default().with_topics(rows.collect()).with_timeout_ms(9_000)
}

async fn a_deleted_topic_is_gone_and_its_name_is_free(mut client: Client) {
    for version in client.each(1..=5) {
        let topic = client.topic("t", 1).await;
        let response = client.call(version, &delete_topics(&[&topic.name])).await;
        expect(response.responses[0].error_code, ErrorCode::None);
        client.until_gone(&topic.name).await;
        let again = client.ask(7, &create_topics(vec![creatable(&topic.name)])).await;
        let again = &again.topics[0];
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
    let response = client.call(6, &by_ids(&[(None, Uuid::new_v4())])).await;
    expect(response.responses[0].error_code, ErrorCode::UnknownTopicId);
}

async fn a_topic_is_deleted_by_its_id_since_v6(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let response = client.call(6, &by_ids(&[(None, topic.id.0)])).await;
    expect(response.responses[0].error_code, ErrorCode::None);
    client.until_gone(&topic.name).await;
}

async fn neither_name_nor_id_is_refused(mut client: Client) {
    client.call(6, &by_ids(&[(None, Uuid::nil())])).await;
}

async fn a_name_given_twice(mut client: Client) {
    for version in client.each(1..=5) {
        let topic = client.topic("t", 1).await;
        client.call(version, &delete_topics(&[&topic.name, &topic.name])).await;
        let left = client.told_of(&topic.name).await.error_code;
        client.note(&format!("afterwards: {}", code(left).name()));
    }
    let topic = client.topic("t", 1).await;
    let row = (Some(topic.name.as_str()), Uuid::nil());
    client.call(6, &by_ids(&[row, row])).await;
}

async fn an_id_given_twice(mut client: Client) {
    let topic = client.topic("t", 1).await;
    client.call(6, &by_ids(&[(None, topic.id.0), (None, topic.id.0)])).await;
}

async fn a_topic_given_by_name_and_by_id(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let rows = [(None, topic.id.0), (Some(topic.name.as_str()), Uuid::nil())];
    client.call(6, &by_ids(&rows)).await;
    let left = client.told_of(&topic.name).await.error_code;
    client.note(&format!("afterwards: {}", code(left).name()));
}

async fn a_refused_topic_leaves_the_others_alone(mut client: Client) {
    for version in client.each(1..=5) {
        let topic = client.topic("t", 1).await;
        let missing = client.unique("missing");
        let mut response = client.ask(version, &delete_topics(&[&missing, &topic.name])).await;
        response.responses.sort_by_key(|row| row.error_code);
        client.record("> DeleteTopics", &response);
        let codes: Vec<i16> = response.responses.iter().map(|row| row.error_code).collect();
        assert_eq!(codes, [0, ErrorCode::UnknownTopicOrPartition.code()]);
    }
}

async fn names_that_are_no_topic_names_are_unknown(mut client: Client) {
    for name in ["", "a b", "..", "ä"] {
        let response = client.call(5, &delete_topics(&[name])).await;
        assert_ne!(response.responses[0].error_code, 0);
    }
}

async fn no_topics_are_none_deleted(mut client: Client) {
    for version in client.each(1..=5) {
        assert!(client.call(version, &delete_topics(&[])).await.responses.is_empty());
    }
    assert!(client.call(6, &by_ids(&[])).await.responses.is_empty());
}

async fn what_was_in_a_deleted_topic_is_not_in_its_successor(mut client: Client) {
    let topic = client.topic("t", 1).await;
    client.append(topic.partition(0), Batch::of(&["old"])).await;
    let deleted = client.ask(5, &delete_topics(&[&topic.name])).await;
    expect(deleted.responses[0].error_code, ErrorCode::None);
    client.until_gone(&topic.name).await;
    let again = client.ask(7, &create_topics(vec![creatable(&topic.name)])).await;
    expect(again.topics[0].error_code, ErrorCode::None);
    client.until_led(&topic.name).await;
    let place = Place { name: &topic.name, id: TopicId(again.topics[0].topic_id), partition: 0 };
    assert_eq!(client.append(place, Batch::of(&["new"])).await, 0, "offsets begin anew");
    let row = client.fetch_one(12, place, 0).await;
    assert_eq!(log_records(&row.records), [(0, "new".to_owned())]);
}

async fn a_deleted_topic_cannot_be_written_or_read(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let deleted = client.ask(5, &delete_topics(&[&topic.name])).await;
    expect(deleted.responses[0].error_code, ErrorCode::None);
    client.until_gone(&topic.name).await;
    for version in client.each([3, 12, 13]) {
        let answer = client.produce_one(version, topic.partition(0), Batch::of(&["a"])).await;
        assert_ne!(answer.error_code, 0);
    }
    for version in client.each([4, 12, 13, 18]) {
        assert_ne!(client.fetch_one(version, topic.partition(0), 0).await.error_code, 0);
    }
}
