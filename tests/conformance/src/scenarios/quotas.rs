//! AlterClientQuotas and DescribeClientQuotas, and what quotas do to those who are beyond them.

use crate::client::{Client, Topic};
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, CreatePartitionsRequest,
    CreateTopicsRequest, DeleteTopicsRequest, DescribeClientQuotasRequest,
};
use std::time::Duration;
use tidegate_wire::produce::encode_produce_request;

scenarios![
    quotas_are_set_changed_and_removed,
    a_removed_key_that_is_not_there_is_no_error,
    validation_alone_changes_nothing,
    entities_that_make_no_sense_are_refused,
    keys_that_the_entity_does_not_have_are_refused,
    values_that_are_no_quota_are_refused,
    an_entity_named_twice_is_refused,
    a_key_named_twice_is_refused,
    entities_are_altered_each_on_its_own,
    filters_match_by_name_default_and_type,
    filters_that_make_no_sense_are_refused,
    a_produce_beyond_the_quota_is_told_to_wait,
    a_fetch_beyond_the_quota_returns_nothing,
    topics_beyond_the_quota_are_refused,
    older_clients_are_told_to_wait_for_their_topics,
    partitions_beyond_the_quota_are_refused,
    deletions_beyond_the_quota_are_refused,
    asking_for_a_topic_creates_none_beyond_the_quota,
    what_fails_anyway_and_validation_alone_count_as_they_do,
];

type Part<'a> = (&'a str, Option<&'a str>);

const CLIENT_ID: &str = "client-id";
const PRODUCER: &str = "producer_byte_rate";

/// A quota of Kafka's is in force a moment after the answer.
const IN_FORCE_AFTER: Duration = Duration::from_millis(1_500);

fn entry(entity: &[Part<'_>], ops: &[(&str, Option<f64>)]) -> EntryData {
    let part = |(kind, name): &Part<'_>| {
        EntityData::default().with_entity_type(text(kind)).with_entity_name(name.map(text))
    };
    let op = |(key, value): &(&str, Option<f64>)| {
        let op = OpData::default().with_key(text(key)).with_remove(value.is_none());
        op.with_value(value.unwrap_or(0.0))
    };
    EntryData::default()
        .with_entity(entity.iter().map(part).collect())
        .with_ops(ops.iter().map(op).collect())
}

fn alter(entries: Vec<EntryData>) -> AlterClientQuotasRequest {
    AlterClientQuotasRequest::default().with_entries(entries)
}

fn filter(components: &[(&str, i8, Option<&str>)], strict: bool) -> DescribeClientQuotasRequest {
    let component = |(kind, match_type, name): &(&str, i8, Option<&str>)| {
        let component = ComponentData::default().with_entity_type(text(kind));
        component.with_match_type(*match_type).with_match(name.map(text))
    };
    DescribeClientQuotasRequest::default()
        .with_components(components.iter().map(component).collect())
        .with_strict(strict)
}

/// The answer with its rows in an order: Kafka's is that of a hash map.
async fn sorted(client: &mut Client, version: i16, request: &AlterClientQuotasRequest) {
    let mut response: AlterClientQuotasResponse = client.ask(version, request).await;
    for row in &mut response.entries {
        row.entity.sort_by(|one, next| one.entity_type.cmp(&next.entity_type));
    }
    response.entries.sort_by_key(|row| format!("{:?}", row.entity));
    client.record("> AlterClientQuotas", &response);
}

/// Describes what matches, with entities, their parts and values in an order.
async fn describe(client: &mut Client, version: i16, request: &DescribeClientQuotasRequest) {
    let mut response = client.ask(version, request).await;
    for row in response.entries.iter_mut().flatten() {
        row.entity.sort_by(|one, next| one.entity_type.cmp(&next.entity_type));
        row.values.sort_by(|one, next| one.key.cmp(&next.key));
    }
    if let Some(rows) = &mut response.entries {
        rows.sort_by_key(|row| format!("{:?}", row.entity));
    }
    client.record("> DescribeClientQuotas", &response);
}

async fn quotas_are_set_changed_and_removed(mut client: Client) {
    for version in client.each(0..=1) {
        let (user, id) = (client.unique("u"), client.unique("c"));
        let entity = [("user", Some(&*user)), (CLIENT_ID, Some(&*id))];
        let ours = filter(&[("user", 0, Some(&user)), (CLIENT_ID, 0, Some(&id))], true);
        for ops in [
            &[(PRODUCER, Some(1024.0)), ("request_percentage", Some(12.5))][..],
            &[(PRODUCER, Some(2048.0)), ("consumer_byte_rate", Some(1e6))],
            &[(PRODUCER, None), ("controller_mutation_rate", Some(0.5))],
            &[
                ("request_percentage", None),
                ("consumer_byte_rate", None),
                ("controller_mutation_rate", None),
            ],
        ] {
            sorted(&mut client, version, &alter(vec![entry(&entity, ops)])).await;
            tokio::time::sleep(IN_FORCE_AFTER).await;
            describe(&mut client, version, &ours).await;
        }
    }
}

async fn a_removed_key_that_is_not_there_is_no_error(mut client: Client) {
    for version in client.each(0..=1) {
        let id = client.unique("c");
        for key in [PRODUCER, "connection_creation_rate", "no_such_key"] {
            client.note(key);
            let request = alter(vec![entry(&[(CLIENT_ID, Some(&id))], &[(key, None)])]);
            client.call(version, &request).await;
        }
    }
}

async fn validation_alone_changes_nothing(mut client: Client) {
    for version in client.each(0..=1) {
        let id = client.unique("c");
        for value in [1024.0, -1.0] {
            let entry = entry(&[(CLIENT_ID, Some(&id))], &[(PRODUCER, Some(value))]);
            client.call(version, &alter(vec![entry]).with_validate_only(true)).await;
        }
        tokio::time::sleep(IN_FORCE_AFTER).await;
        describe(&mut client, version, &filter(&[(CLIENT_ID, 0, Some(&id))], false)).await;
    }
}

async fn entities_that_make_no_sense_are_refused(mut client: Client) {
    for version in client.each(0..=1) {
        for entity in [
            &[][..],
            &[("", Some("x"))],
            &[("group", Some("x"))],
            &[("USER", None)],
            &[("user", Some(""))],
            &[(CLIENT_ID, Some(""))],
            &[("ip", Some(""))],
            &[("ip", Some("1.2.3.4")), ("user", Some("u"))],
            &[("ip", None), (CLIENT_ID, None)],
            &[("ip", Some("300.1.1.1"))],
            &[("ip", Some("not an address"))],
        ] {
            client.note(&format!("{entity:?}"));
            let request = alter(vec![entry(entity, &[(PRODUCER, Some(1.0))])]);
            sorted(&mut client, version, &request).await;
        }
    }
}

async fn keys_that_the_entity_does_not_have_are_refused(mut client: Client) {
    for version in client.each(0..=1) {
        let id = client.unique("c");
        for (entity, key) in [
            ((CLIENT_ID, &*id), "no_such_key"),
            ((CLIENT_ID, &*id), ""),
            ((CLIENT_ID, &*id), "connection_creation_rate"),
            (("user", &*id), "PRODUCER_BYTE_RATE"),
            (("ip", "192.0.2.1"), PRODUCER),
            (("ip", "192.0.2.1"), "request_percentage"),
        ] {
            client.note(&format!("{} {key}", entity.0));
            let entity = [(entity.0, Some(entity.1))];
            client.call(version, &alter(vec![entry(&entity, &[(key, Some(1.0))])])).await;
        }
    }
}

async fn values_that_are_no_quota_are_refused(mut client: Client) {
    for version in client.each(0..=1) {
        let id = client.unique("c");
        for key in [PRODUCER, "request_percentage", "controller_mutation_rate"] {
            for value in [0.0, -0.0, -1.0, 1.5, 1e-9, 1.000_000_1, 1e19, f64::INFINITY, f64::NAN] {
                client.note(&format!("{key} {value}"));
                let entry = entry(&[(CLIENT_ID, Some(&id))], &[(key, Some(value))]);
                client.call(version, &alter(vec![entry]).with_validate_only(true)).await;
            }
        }
        for value in [0.0, 1.5, 2_147_483_647.0, 2_147_483_648.0] {
            client.note(&format!("connection_creation_rate {value}"));
            let ops = [("connection_creation_rate", Some(value))];
            let entry = entry(&[("ip", Some("192.0.2.1"))], &ops);
            client.call(version, &alter(vec![entry]).with_validate_only(true)).await;
        }
    }
}

async fn an_entity_named_twice_is_refused(mut client: Client) {
    for version in client.each(0..=1) {
        let id = client.unique("c");
        let entity = [(CLIENT_ID, Some(&*id))];
        let one = |value| entry(&entity, &[(PRODUCER, Some(value))]);
        sorted(&mut client, version, &alter(vec![one(1.0), one(2.0)])).await;
        tokio::time::sleep(IN_FORCE_AFTER).await;
        describe(&mut client, version, &filter(&[(CLIENT_ID, 0, Some(&id))], false)).await;
    }
}

async fn a_key_named_twice_is_refused(mut client: Client) {
    for version in client.each(0..=1) {
        let id = client.unique("c");
        let ops = [(PRODUCER, Some(1.0)), (PRODUCER, Some(2.0))];
        client.call(version, &alter(vec![entry(&[(CLIENT_ID, Some(&id))], &ops)])).await;
        tokio::time::sleep(IN_FORCE_AFTER).await;
        describe(&mut client, version, &filter(&[(CLIENT_ID, 0, Some(&id))], false)).await;
    }
}

async fn entities_are_altered_each_on_its_own(mut client: Client) {
    for version in client.each(0..=1) {
        let (good, bad) = (client.unique("c"), client.unique("d"));
        let entries = vec![
            entry(&[(CLIENT_ID, Some(&good))], &[(PRODUCER, Some(1.0))]),
            // The first of these would be right.
            entry(
                &[(CLIENT_ID, Some(&bad))],
                &[("consumer_byte_rate", Some(1.0)), (PRODUCER, Some(0.0))],
            ),
        ];
        sorted(&mut client, version, &alter(entries)).await;
        tokio::time::sleep(IN_FORCE_AFTER).await;
        for id in [good, bad] {
            describe(&mut client, version, &filter(&[(CLIENT_ID, 0, Some(&id))], false)).await;
        }
    }
}

async fn filters_match_by_name_default_and_type(mut client: Client) {
    for version in client.each(0..=1) {
        let (user, id) = (client.unique("u"), client.unique("c"));
        let entities: [&[Part<'_>]; 3] = [
            &[("user", Some(&user))],
            &[("user", Some(&user)), (CLIENT_ID, None)],
            &[("user", Some(&user)), (CLIENT_ID, Some(&id))],
        ];
        let entries = entities.iter().map(|entity| entry(entity, &[(PRODUCER, Some(1.0))]));
        sorted(&mut client, version, &alter(entries.collect())).await;
        tokio::time::sleep(IN_FORCE_AFTER).await;
        let of_user = ("user", 0, Some(&*user));
        for (components, strict) in [
            (&[of_user][..], false),
            (&[of_user], true),
            (&[of_user, (CLIENT_ID, 1, None)], false),
            (&[of_user, (CLIENT_ID, 2, None)], false),
            (&[of_user, (CLIENT_ID, 2, None)], true),
            (&[of_user, (CLIENT_ID, 0, Some(&id))], true),
            (&[(CLIENT_ID, 0, Some(&id))], false),
            (&[(CLIENT_ID, 0, Some(&id))], true),
            (&[], true),
        ] {
            client.note(&format!("{components:?} strict {strict}"));
            describe(&mut client, version, &filter(components, strict)).await;
        }
    }
}

async fn filters_that_make_no_sense_are_refused(mut client: Client) {
    for version in client.each(0..=1) {
        for components in [
            &[("", 0, Some("x"))][..],
            &[("group", 0, Some("x"))],
            &[("user", 0, Some("u")), ("user", 1, None)],
            &[("user", 0, None)],
            &[("user", 1, Some("u"))],
            &[("user", 2, Some("u"))],
            &[("user", 3, None)],
            &[("user", -1, Some("u"))],
            &[("ip", 2, None), ("user", 2, None)],
            &[("ip", 0, Some("not an address"))],
            &[("user", 0, Some(""))],
        ] {
            client.note(&format!("{components:?}"));
            client.call(version, &filter(components, false)).await;
        }
    }
}

/// Sets a quota of a new client id, under which `client` goes on.
async fn limit(client: &mut Client, key: &str, value: f64) {
    let id = client.unique("c");
    let request = alter(vec![entry(&[(CLIENT_ID, Some(&id))], &[(key, Some(value))])]);
    let response = client.ask(1, &request).await;
    expect(response.entries[0].error_code, ErrorCode::None);
    tokio::time::sleep(IN_FORCE_AFTER).await;
    client.raw.client_id = id;
}

async fn a_produce_beyond_the_quota_is_told_to_wait(mut client: Client) {
    let topic = client.topic("t", 1).await;
    limit(&mut client, PRODUCER, 1_000.0).await;
    let request = produce_request(1, topic.partition(0), Batch::of_len(11_000));
    let counted = encode_produce_request(9, 7, &client.raw.client_id, &request).len() as i32 - 4;
    let response = client.produce(9, &request).await;
    assert_eq!(response.throttle_time_ms, counted - 10_000);
}

async fn a_fetch_beyond_the_quota_returns_nothing(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for _ in 0..3 {
        client.append(topic.partition(0), Batch::of_len(4_000)).await;
    }
    limit(&mut client, "consumer_byte_rate", 1_000.0).await;
    // Kafka cuts batches at the limit; Tidegate does not, so the limits are those of batches.
    let len = Batch::of_len(4_000).len() as i32;
    let from = |offset, max_bytes| {
        let wanted = [(topic.partition(0), offset)];
        tidegate_wire::fetch::FetchRequest { max_bytes, ..fetch_request(&wanted) }
    };
    let first = client.raw.fetch(12, &from(0, len)).await;
    assert_eq!(first.throttle_time_ms, 0);
    assert_eq!(first.topics[0].partitions[0].records.len() as i32, len);
    let mut second = client.raw.fetch(12, &from(1, 2 * len)).await;
    assert!((2_000..=3_000).contains(&second.throttle_time_ms), "{second:?}");
    second.throttle_time_ms = 0;
    client.answered("Fetch", 12, &second);
}

/// Creates topics and writes down what became of them, without their configs and ids.
async fn create(client: &mut Client, version: i16, request: &CreateTopicsRequest) -> i32 {
    let response = client.ask(version, request).await;
    for row in &response.topics {
        let told = (&row.error_message, row.num_partitions, row.replication_factor);
        client.record(&format!("> CreateTopics {}", code(row.error_code)), &told);
    }
    response.throttle_time_ms
}

fn wide(
    name: &str,
    partitions: i32,
) -> kafka_protocol::messages::create_topics_request::CreatableTopic {
    creatable(name).with_num_partitions(partitions)
}

/// Has used up what may be created, and 10 more, at 1 a second.
async fn overdraw(client: &mut Client) -> Topic {
    // The connection may be one that is not read for a while; the quota is the client's.
    *client = client.connect().await;
    limit(client, "controller_mutation_rate", 1.0).await;
    let name = client.unique("full");
    let response = client.ask(7, &create_topics(vec![wide(&name, 21)])).await;
    expect(response.topics[0].error_code, ErrorCode::None);
    assert_eq!(response.throttle_time_ms, 0, "it may be overdrawn once");
    Topic { name, id: TopicId(response.topics[0].topic_id) }
}

/// Waiting for what [`overdraw`] left over, less the time that has gone by since.
fn waits(throttle_ms: i32) {
    assert!((1_000..=10_000).contains(&throttle_ms), "{throttle_ms}: 10 were missing");
}

async fn topics_beyond_the_quota_are_refused(mut client: Client) {
    for version in client.each(6..=7) {
        overdraw(&mut client).await;
        let (one, two) = (client.unique("t"), client.unique("s"));
        let request = create_topics(vec![wide(&one, 1), wide(&two, 2)]);
        waits(create(&mut client, version, &request).await);
        let mut other = client.connect().await;
        let rows = other.ask(12, &metadata(12, &[&one])).await.topics;
        expect(rows[0].error_code, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn older_clients_are_told_to_wait_for_their_topics(mut client: Client) {
    for version in client.each(2..=5) {
        overdraw(&mut client).await;
        let name = client.unique("t");
        let throttle_ms = create(&mut client, version, &create_topics(vec![wide(&name, 1)])).await;
        assert!((2_000..=11_000).contains(&throttle_ms), "{throttle_ms}: 11 were missing");
    }
}

async fn partitions_beyond_the_quota_are_refused(mut client: Client) {
    for version in client.each(0..=3) {
        let full = overdraw(&mut client).await;
        let more = CreatePartitionsTopic::default().with_name(topic_name(&full.name));
        let more = more.with_count(22).with_assignments(None);
        let request =
            CreatePartitionsRequest::default().with_topics(vec![more]).with_timeout_ms(9_000);
        let mut response = client.ask(version, &request).await;
        waits(std::mem::take(&mut response.throttle_time_ms) - if version < 3 { 1_000 } else { 0 });
        client.answered("CreatePartitions", version, &response);
    }
}

async fn deletions_beyond_the_quota_are_refused(mut client: Client) {
    for version in client.each(4..=6) {
        let full = overdraw(&mut client).await;
        let request = match version {
            6 => DeleteTopicsRequest::default()
                .with_topics(vec![
                    DeleteTopicState::default().with_name(Some(topic_name(&full.name))),
                ])
                .with_timeout_ms(9_000),
            _ => delete_topics(&[&full.name]),
        };
        let mut response = client.ask(version, &request).await;
        let throttle_ms = std::mem::take(&mut response.throttle_time_ms);
        if version < 5 {
            assert!((22_000..=31_000).contains(&throttle_ms), "{throttle_ms}: 31 were missing");
        } else {
            waits(throttle_ms);
        }
        client.answered("DeleteTopics", version, &response);
    }
}

async fn asking_for_a_topic_creates_none_beyond_the_quota(mut client: Client) {
    overdraw(&mut client).await;
    let name = client.unique("t");
    let mut request = metadata(12, &[&name]);
    for allowed in [true, true, false] {
        request.allow_auto_topic_creation = allowed;
        let response = client.ask(12, &request).await;
        client.record("> Metadata", &(response.throttle_time_ms, &response.topics));
        expect(response.topics[0].error_code, ErrorCode::UnknownTopicOrPartition);
        tokio::time::sleep(IN_FORCE_AFTER).await;
    }
}

async fn what_fails_anyway_and_validation_alone_count_as_they_do(mut client: Client) {
    limit(&mut client, "controller_mutation_rate", 1.0).await;
    client.note("names that are no names");
    create(&mut client, 7, &create_topics(vec![wide("no/name", 100)])).await;
    client.note("validation alone of a topic of 21");
    let name = client.unique("t");
    let request = create_topics(vec![wide(&name, 21)]).with_validate_only(true);
    create(&mut client, 7, &request).await;
    client.note("a topic of 1");
    create(&mut client, 7, &create_topics(vec![wide(&name, 1)])).await;
}
