//! CreateTopics: what comes into being, what is refused, and with which words.

use crate::admin::brokers_configs;
use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::{BrokerId, CreateTopicsRequest};

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
    fewer_than_minus_one_partitions_are_refused,
    zero_replicas_are_refused,
    minus_one_is_the_default_before_v4_too,
    assignments_say_how_many_partitions_and_replicas,
    assignments_to_brokers_that_do_not_exist_are_refused,
    assignments_that_leave_a_partition_out_are_refused,
    assignments_of_a_partition_twice_are_refused,
    assignments_of_a_replica_twice_are_refused,
    assignments_of_no_replicas_are_refused,
    validate_only_answers_and_creates_nothing,
    validate_only_refuses_what_creating_would_refuse,
    a_refused_topic_leaves_the_others_alone,
    the_longest_name_is_taken,
    names_that_differ_in_dots_and_underscores_collide,
    names_that_differ_in_case_are_two_topics,
    the_metadata_log_cannot_be_created,
    a_config_without_a_value_is_refused,
    a_config_without_a_name_is_refused,
    of_a_config_given_twice_the_last_counts,
    configs_that_were_given_come_back_as_the_topics_own,
    no_topics_are_none_created,
    a_timeout_of_zero_or_less,
    ten_thousand_partitions_are_the_most,
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

/// The assignment of a partition to these brokers.
fn assigned(partition: i32, brokers: &[i32]) -> CreatableReplicaAssignment {
    CreatableReplicaAssignment::default()
        .with_partition_index(partition)
        .with_broker_ids(brokers.iter().copied().map(BrokerId).collect())
}

/// A topic whose assignments say everything.
fn with_assignments(name: &str, rows: Vec<CreatableReplicaAssignment>) -> CreatableTopic {
    let topic = creatable(name).with_num_partitions(-1).with_replication_factor(-1);
    topic.with_assignments(rows)
}

/// Shows in every version that creating this topic is refused with that code.
async fn is_refused(mut client: Client, error: ErrorCode, topic: impl Fn(&str) -> CreatableTopic) {
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

async fn fewer_than_minus_one_partitions_are_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidPartitions, |name| {
        creatable(name).with_num_partitions(-2)
    })
    .await;
}

async fn zero_replicas_are_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidReplicationFactor, |name| {
        creatable(name).with_replication_factor(0)
    })
    .await;
}

async fn minus_one_is_the_default_before_v4_too(mut client: Client) {
    for version in client.each(2..=3) {
        let name = client.unique("t");
        let topic = creatable(&name).with_num_partitions(-1).with_replication_factor(-1);
        let row = create(&mut client, version, create_topics(vec![topic])).await;
        expect(row.error_code, ErrorCode::None);
    }
}

async fn assignments_say_how_many_partitions_and_replicas(mut client: Client) {
    let node = client.target.node_id;
    for version in client.each(2..=7) {
        let name = client.unique("t");
        let rows = vec![assigned(1, &[node]), assigned(0, &[node]), assigned(2, &[node])];
        let request = create_topics(vec![with_assignments(&name, rows)]);
        let row = create(&mut client, version, request).await;
        expect(row.error_code, ErrorCode::None);
        let found = client.until_led(&name).await;
        assert_eq!(found.partitions.len(), 3);
    }
}

async fn assignments_to_brokers_that_do_not_exist_are_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidReplicaAssignment, |name| {
        with_assignments(name, vec![assigned(0, &[77])])
    })
    .await;
}

async fn assignments_that_leave_a_partition_out_are_refused(client: Client) {
    let node = client.target.node_id;
    is_refused(client, ErrorCode::InvalidReplicaAssignment, |name| {
        with_assignments(name, vec![assigned(0, &[node]), assigned(2, &[node])])
    })
    .await;
}

async fn assignments_of_a_partition_twice_are_refused(client: Client) {
    let node = client.target.node_id;
    is_refused(client, ErrorCode::InvalidReplicaAssignment, |name| {
        with_assignments(name, vec![assigned(0, &[node]), assigned(0, &[node])])
    })
    .await;
}

async fn assignments_of_a_replica_twice_are_refused(client: Client) {
    let node = client.target.node_id;
    is_refused(client, ErrorCode::InvalidReplicaAssignment, |name| {
        with_assignments(name, vec![assigned(0, &[node, node])])
    })
    .await;
}

async fn assignments_of_no_replicas_are_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidReplicaAssignment, |name| {
        with_assignments(name, vec![assigned(0, &[])])
    })
    .await;
}

async fn validate_only_answers_and_creates_nothing(mut client: Client) {
    for version in client.each(2..=7) {
        let name = client.unique("t");
        let request = create_topics(vec![creatable(&name).with_num_partitions(3)]);
        let row = create(&mut client, version, request.with_validate_only(true)).await;
        expect(row.error_code, ErrorCode::None);
        let rows = client.ask(12, &metadata(12, &[&name])).await.topics;
        expect(rows[0].error_code, ErrorCode::UnknownTopicOrPartition);
    }
}

async fn validate_only_refuses_what_creating_would_refuse(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let other = client.unique("u");
    for version in client.each(2..=7) {
        for topic in [
            creatable(&topic.name),
            creatable("a b"),
            creatable(&other).with_num_partitions(0),
            creatable(&other).with_replication_factor(9),
            with_config(creatable(&other), "retention.ms", Some("x")),
        ] {
            let request = create_topics(vec![topic]).with_validate_only(true);
            let response = client.call(version, &request).await;
            assert_ne!(response.topics[0].error_code, 0);
        }
    }
}

async fn a_refused_topic_leaves_the_others_alone(mut client: Client) {
    for version in client.each(2..=7) {
        let (good, bad) = (client.unique("good"), client.unique("bad"));
        let topics =
            vec![creatable(&bad).with_num_partitions(0), creatable(&good), creatable("not a name")];
        let mut response = client.ask(version, &create_topics(topics)).await;
        response.topics.sort_by_key(|row| row.error_code);
        let codes: Vec<i16> = response.topics.iter().map(|row| row.error_code).collect();
        client.record("codes", &codes);
        assert_eq!(codes, [0, ErrorCode::InvalidTopic.code(), ErrorCode::InvalidPartitions.code()]);
        client.until_led(&good).await;
    }
}

async fn the_longest_name_is_taken(mut client: Client) {
    let name = client.unique("t");
    let long = format!("{name}{}", "x".repeat(249 - name.len()));
    let row = create(&mut client, 7, create_topics(vec![creatable(&long)])).await;
    expect(row.error_code, ErrorCode::None);
    client.until_led(&long).await;
    client
        .append(Place { name: &long, id: TopicId(row.topic_id), partition: 0 }, Batch::of(&["a"]))
        .await;
    expect(client.ask(5, &delete_topics(&[&long])).await.responses[0].error_code, ErrorCode::None);
}

async fn names_that_differ_in_dots_and_underscores_collide(mut client: Client) {
    let topic = client.topic("a.b_c", 1).await;
    let others = [topic.name.replace('.', "_"), topic.name.replace('_', ".")];
    client.transcript().alias(&others[0], "a_b_c");
    client.transcript().alias(&others[1], "a.b.c");
    for version in client.each(2..=7) {
        for other in &others {
            let response = client.call(version, &create_topics(vec![creatable(other)])).await;
            expect(response.topics[0].error_code, ErrorCode::InvalidTopic);
        }
    }
}

async fn names_that_differ_in_case_are_two_topics(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let upper = topic.name.to_uppercase();
    client.transcript().alias(&upper, "T");
    let row = create(&mut client, 7, create_topics(vec![creatable(&upper)])).await;
    expect(row.error_code, ErrorCode::None);
}

async fn the_metadata_log_cannot_be_created(mut client: Client) {
    for version in client.each(2..=7) {
        let request = create_topics(vec![creatable("__cluster_metadata")]);
        let response = client.call(version, &request).await;
        assert_ne!(response.topics[0].error_code, 0);
    }
}

async fn a_config_without_a_value_is_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, |name| {
        with_config(creatable(name), "retention.ms", None)
    })
    .await;
}

async fn a_config_without_a_name_is_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, |name| {
        with_config(creatable(name), "", Some("1"))
    })
    .await;
}

async fn of_a_config_given_twice_the_last_counts(mut client: Client) {
    let name = client.unique("t");
    let config = |value: &str| {
        CreatableTopicConfig::default()
            .with_name(text("segment.bytes"))
            .with_value(Some(text(value)))
    };
    let topic = creatable(&name).with_configs(vec![config("2000000"), config("3000000")]);
    let mut response = client.ask(7, &create_topics(vec![topic])).await;
    expect(response.topics[0].error_code, ErrorCode::None);
    let mut configs = response.topics.remove(0).configs.expect("v7 tells them");
    configs.retain(|config| &*config.name == "segment.bytes");
    client.record("configs", &configs);
}

async fn configs_that_were_given_come_back_as_the_topics_own(mut client: Client) {
    let _alone = brokers_configs().await;
    for version in client.each(5..=7) {
        let name = client.unique("t");
        let topic = with_config(creatable(&name), "max.message.bytes", Some("  2345 "));
        let mut response = client.ask(version, &create_topics(vec![topic])).await;
        let mut configs = response.topics.remove(0).configs.expect("told since v5");
        configs.sort_by(|one, next| one.name.cmp(&next.name));
        // The cluster's default for it, which Kafka has from being formatted, is another claim's.
        configs.retain(|config| &*config.name != "min.insync.replicas");
        client.record("configs", &configs);
        let own: Vec<&str> = configs
            .iter()
            .filter(|config| config.config_source == 1)
            .map(|config| &*config.name)
            .collect();
        assert_eq!(own, ["max.message.bytes"]);
    }
}

async fn no_topics_are_none_created(mut client: Client) {
    for version in client.each(2..=7) {
        assert!(client.call(version, &create_topics(Vec::new())).await.topics.is_empty());
    }
}

async fn a_timeout_of_zero_or_less(mut client: Client) {
    for timeout_ms in [0, -1, i32::MIN] {
        let name = client.unique("t");
        let request = create_topics(vec![creatable(&name)]).with_timeout_ms(timeout_ms);
        let row = client.ask(7, &request).await.topics.remove(0);
        client.record(&format!("timeout {timeout_ms}"), &(row.error_code, row.error_message));
    }
}

async fn ten_thousand_partitions_are_the_most(client: Client) {
    is_refused(client, ErrorCode::PolicyViolation, |name| {
        creatable(name).with_num_partitions(10_001)
    })
    .await;
}
