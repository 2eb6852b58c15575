//! IncrementalAlterConfigs on topics: single configs are set, removed, and edited.

use crate::admin::*;
use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::incremental_alter_configs_request::AlterableConfig;

scenarios![
    a_config_that_is_set_is_in_force,
    a_removed_config_goes_back_to_the_brokers,
    removing_what_was_never_set_succeeds,
    other_configs_of_the_topic_stay,
    entries_are_appended_to_a_list,
    an_entry_that_is_there_is_not_appended_again,
    entries_are_subtracted_from_a_list,
    entries_that_are_not_there_are_not_subtracted,
    a_list_without_a_value_of_its_own_begins_with_kafkas_default,
    entries_are_appended_to_a_list_that_is_empty,
    only_lists_are_appended_to,
    only_lists_are_subtracted_from,
    a_null_value_is_refused,
    a_null_value_is_right_for_a_removal,
    an_empty_value_is_no_number,
    a_config_that_does_not_exist_is_refused,
    a_value_that_is_not_of_the_type_is_refused,
    a_value_out_of_range_is_refused,
    configs_that_contradict_each_other_are_refused,
    one_wrong_config_keeps_the_others_from_being_set,
    a_config_named_twice_is_refused,
    a_topic_named_twice_is_refused_and_others_succeed,
    checking_only_changes_nothing,
    checking_only_tells_what_would_be_refused,
    a_topic_that_does_not_exist_is_unknown,
    a_wrong_value_comes_before_a_missing_topic,
    names_that_are_no_topic_names,
    the_empty_topic_name_is_refused,
    topics_succeed_beside_those_that_fail,
    no_resources_are_answered_with_none,
    a_resource_without_changes_succeeds,
    resources_of_unknown_types_are_refused,
    operations_that_do_not_exist_are_refused,
    remote_storage_cannot_be_switched_on,
    a_deleted_topics_configs_are_gone_with_it,
    a_smaller_message_size_holds_for_the_next_produce,
    the_timestamps_type_holds_for_the_next_produce,
    no_more_replicas_in_sync_are_asked_for_than_a_partition_has,
];

/// Shows in both versions that a topic refuses these changes, and changes nothing.
async fn is_refused(mut client: Client, error: ErrorCode, changes: Vec<AlterableConfig>) {
    let topic = client.topic_with("t", 1, &[("segment.ms", "7000")]).await;
    for version in client.each(0..=1) {
        let request = alter(vec![resource(TOPIC, &topic.name, changes.clone())]);
        let response = client.call(version, &request).await;
        expect(response.responses[0].error_code, error);
    }
    until_config_is(&mut client, TOPIC, &topic.name, "segment.ms", Some("7000")).await;
}

/// Changes a topic's configs, which must succeed.
async fn change_topic(
    client: &mut Client,
    version: i16,
    topic: &str,
    changes: Vec<AlterableConfig>,
) {
    let response = client.call(version, &alter(vec![resource(TOPIC, topic, changes)])).await;
    expect(response.responses[0].error_code, ErrorCode::None);
}

async fn a_config_that_is_set_is_in_force(mut client: Client) {
    for version in client.each(0..=1) {
        let topic = client.topic("t", 1).await;
        change_topic(&mut client, version, &topic.name, vec![set("retention.ms", "60000")]).await;
        until_config_is(&mut client, TOPIC, &topic.name, "retention.ms", Some("60000")).await;
    }
}

async fn a_removed_config_goes_back_to_the_brokers(mut client: Client) {
    for version in client.each(0..=1) {
        let topic = client.topic_with("t", 1, &[("retention.ms", "60000")]).await;
        change_topic(&mut client, version, &topic.name, vec![unset("retention.ms")]).await;
        until_config_is(&mut client, TOPIC, &topic.name, "retention.ms", Some("-1")).await;
    }
}

async fn removing_what_was_never_set_succeeds(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=1) {
        for name in ["retention.ms", "no.such.config"] {
            change_topic(&mut client, version, &topic.name, vec![unset(name)]).await;
        }
    }
}

async fn other_configs_of_the_topic_stay(mut client: Client) {
    let topic = client.topic_with("t", 1, &[("segment.ms", "7000")]).await;
    let changes = vec![set("retention.ms", "60000"), set("flush.ms", "9")];
    change_topic(&mut client, 1, &topic.name, changes).await;
    change_topic(&mut client, 1, &topic.name, vec![unset("flush.ms")]).await;
    for (name, value) in
        [("flush.ms", "9223372036854775807"), ("segment.ms", "7000"), ("retention.ms", "60000")]
    {
        until_config_is(&mut client, TOPIC, &topic.name, name, Some(value)).await;
    }
}

async fn entries_are_appended_to_a_list(mut client: Client) {
    let name = "leader.replication.throttled.replicas";
    for version in client.each(0..=1) {
        let topic = client.topic_with("t", 1, &[(name, "0:1")]).await;
        change_topic(&mut client, version, &topic.name, vec![append(name, "1:1,2:1")]).await;
        until_config_is(&mut client, TOPIC, &topic.name, name, Some("0:1,1:1,2:1")).await;
    }
}

async fn an_entry_that_is_there_is_not_appended_again(mut client: Client) {
    let name = "leader.replication.throttled.replicas";
    let topic = client.topic_with("t", 1, &[(name, "0:1,1:1")]).await;
    change_topic(&mut client, 1, &topic.name, vec![append(name, "1:1,2:1")]).await;
    until_config_is(&mut client, TOPIC, &topic.name, name, Some("0:1,1:1,2:1")).await;
}

async fn entries_are_subtracted_from_a_list(mut client: Client) {
    let name = "cleanup.policy";
    for version in client.each(0..=1) {
        let topic = client.topic_with("t", 1, &[(name, "compact,delete")]).await;
        change_topic(&mut client, version, &topic.name, vec![subtract(name, "compact")]).await;
        until_config_is(&mut client, TOPIC, &topic.name, name, Some("delete")).await;
        change_topic(&mut client, version, &topic.name, vec![subtract(name, "delete")]).await;
        until_config_is(&mut client, TOPIC, &topic.name, name, Some("")).await;
    }
}

async fn entries_that_are_not_there_are_not_subtracted(mut client: Client) {
    let topic = client.topic_with("t", 1, &[("cleanup.policy", "compact")]).await;
    let changes = vec![subtract("cleanup.policy", "delete,x")];
    change_topic(&mut client, 1, &topic.name, changes).await;
    until_config_is(&mut client, TOPIC, &topic.name, "cleanup.policy", Some("compact")).await;
}

async fn a_list_without_a_value_of_its_own_begins_with_kafkas_default(mut client: Client) {
    for version in client.each(0..=1) {
        let topic = client.topic("t", 1).await;
        let changes = vec![append("cleanup.policy", "compact")];
        change_topic(&mut client, version, &topic.name, changes).await;
        let both = Some("delete,compact");
        until_config_is(&mut client, TOPIC, &topic.name, "cleanup.policy", both).await;
    }
}

async fn entries_are_appended_to_a_list_that_is_empty(mut client: Client) {
    let name = "follower.replication.throttled.replicas";
    for version in client.each(0..=1) {
        let topic = client.topic("t", 1).await;
        change_topic(&mut client, version, &topic.name, vec![append(name, "0:1")]).await;
        until_config_is(&mut client, TOPIC, &topic.name, name, Some("0:1")).await;
        change_topic(&mut client, version, &topic.name, vec![subtract(name, "0:1")]).await;
        until_config_is(&mut client, TOPIC, &topic.name, name, Some("")).await;
        change_topic(&mut client, version, &topic.name, vec![append(name, "*")]).await;
        until_config_is(&mut client, TOPIC, &topic.name, name, Some("*")).await;
    }
}

async fn only_lists_are_appended_to(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, vec![append("retention.ms", "5")]).await;
}

async fn only_lists_are_subtracted_from(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, vec![subtract("retention.ms", "5")]).await;
}

async fn a_null_value_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=1) {
        for changes in [
            vec![change(0, "retention.ms", None)],
            vec![change(0, "retention.ms", None), change(2, "cleanup.policy", None)],
            vec![change(3, "cleanup.policy", None), set("retention.ms", "5")],
        ] {
            let request = alter(vec![resource(TOPIC, &topic.name, changes)]);
            let response = client.call(version, &request).await;
            expect(response.responses[0].error_code, ErrorCode::InvalidRequest);
        }
    }
}

async fn a_null_value_is_right_for_a_removal(mut client: Client) {
    for version in client.each(0..=1) {
        let topic = client.topic_with("t", 1, &[("segment.ms", "7000"), ("flush.ms", "5")]).await;
        // What stands beside a removal is not looked at.
        let changes = vec![unset("segment.ms"), change(1, "flush.ms", Some("abc"))];
        change_topic(&mut client, version, &topic.name, changes).await;
        let week = Some("604800000");
        until_config_is(&mut client, TOPIC, &topic.name, "segment.ms", week).await;
        let never = Some("9223372036854775807");
        until_config_is(&mut client, TOPIC, &topic.name, "flush.ms", never).await;
    }
}

async fn an_empty_value_is_no_number(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, vec![set("retention.ms", "")]).await;
}

async fn a_config_that_does_not_exist_is_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, vec![set("zzzzzzzz", "1")]).await;
}

async fn a_value_that_is_not_of_the_type_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for (name, value) in [
        ("retention.ms", "long"),
        ("segment.bytes", "1.5"),
        ("preallocate", "maybe"),
        ("min.cleanable.dirty.ratio", "half"),
        ("cleanup.policy", "rot"),
        ("compression.type", "brotli"),
        ("message.timestamp.type", "never"),
    ] {
        let request = alter(vec![resource(TOPIC, &topic.name, vec![set(name, value)])]);
        let response = client.call(1, &request).await;
        expect(response.responses[0].error_code, ErrorCode::InvalidConfig);
    }
}

async fn a_value_out_of_range_is_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, vec![set("min.insync.replicas", "0")]).await;
}

async fn configs_that_contradict_each_other_are_refused(client: Client) {
    let changes = vec![set("min.compaction.lag.ms", "100"), set("max.compaction.lag.ms", "50")];
    is_refused(client, ErrorCode::InvalidConfig, changes).await;
}

async fn one_wrong_config_keeps_the_others_from_being_set(client: Client) {
    let changes = vec![set("segment.ms", "9000"), set("retention.ms", "long")];
    is_refused(client, ErrorCode::InvalidConfig, changes).await;
}

async fn a_config_named_twice_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=1) {
        for second in [set("retention.ms", "2"), unset("retention.ms")] {
            let changes = vec![set("retention.ms", "1"), second];
            let request = alter(vec![resource(TOPIC, &topic.name, changes)]);
            let response = client.call(version, &request).await;
            expect(response.responses[0].error_code, ErrorCode::InvalidRequest);
        }
    }
}

async fn a_topic_named_twice_is_refused_and_others_succeed(mut client: Client) {
    for version in client.each(0..=1) {
        let topic = client.topic_with("t", 1, &[("segment.ms", "7000")]).await;
        let other = client.topic("other", 1).await;
        let row = |name: &str, value| resource(TOPIC, name, vec![set("segment.ms", value)]);
        let rows = vec![row(&topic.name, "1"), row(&other.name, "2000"), row(&topic.name, "3000")];
        let mut response = client.ask(version, &alter(rows)).await;
        // Kafka tells them in no order.
        response.responses.sort_by_key(|row| row.resource_name.clone());
        client.record("> IncrementalAlterConfigs", &response);
        until_config_is(&mut client, TOPIC, &other.name, "segment.ms", Some("2000")).await;
        until_config_is(&mut client, TOPIC, &topic.name, "segment.ms", Some("7000")).await;
    }
}

async fn checking_only_changes_nothing(mut client: Client) {
    let topic = client.topic_with("t", 1, &[("segment.ms", "7000")]).await;
    for version in client.each(0..=1) {
        let changes = vec![set("segment.ms", "8000"), append("cleanup.policy", "compact")];
        let request = alter(vec![resource(TOPIC, &topic.name, changes)]).with_validate_only(true);
        let response = client.call(version, &request).await;
        expect(response.responses[0].error_code, ErrorCode::None);
    }
    change_topic(&mut client, 1, &topic.name, vec![set("flush.ms", "5")]).await;
    until_config_is(&mut client, TOPIC, &topic.name, "flush.ms", Some("5")).await;
    until_config_is(&mut client, TOPIC, &topic.name, "segment.ms", Some("7000")).await;
    until_config_is(&mut client, TOPIC, &topic.name, "cleanup.policy", Some("delete")).await;
}

async fn checking_only_tells_what_would_be_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let missing = client.unique("missing");
    for version in client.each(0..=1) {
        let row = |name: &str, value| resource(TOPIC, name, vec![set("segment.ms", value)]);
        for row in [row(&topic.name, "x"), row(&missing, "5"), row("a b", "5")] {
            let request = alter(vec![row]).with_validate_only(true);
            let response = client.call(version, &request).await;
            assert_ne!(response.responses[0].error_code, 0);
        }
    }
}

async fn a_topic_that_does_not_exist_is_unknown(mut client: Client) {
    let name = client.unique("missing");
    for version in client.each(0..=1) {
        for changes in [vec![set("retention.ms", "1")], vec![unset("retention.ms")], vec![]] {
            let response =
                client.call(version, &alter(vec![resource(TOPIC, &name, changes)])).await;
            expect(response.responses[0].error_code, ErrorCode::UnknownTopicOrPartition);
        }
    }
}

async fn a_wrong_value_comes_before_a_missing_topic(mut client: Client) {
    let name = client.unique("missing");
    let request = alter(vec![resource(TOPIC, &name, vec![set("retention.ms", "x")])]);
    let response = client.call(1, &request).await;
    expect(response.responses[0].error_code, ErrorCode::InvalidConfig);
}

async fn names_that_are_no_topic_names(mut client: Client) {
    for name in [".", "..", "a b", "a/b", &"x".repeat(250)] {
        client.note(&format!("name of {} bytes: {name:.20}", name.len()));
        let request = alter(vec![resource(TOPIC, name, vec![set("retention.ms", "1")])]);
        client.call(1, &request).await;
    }
}

async fn the_empty_topic_name_is_refused(mut client: Client) {
    for version in client.each(0..=1) {
        let request = alter(vec![resource(TOPIC, "", vec![set("retention.ms", "1")])]);
        let response = client.call(version, &request).await;
        expect(response.responses[0].error_code, ErrorCode::InvalidRequest);
    }
}

async fn topics_succeed_beside_those_that_fail(mut client: Client) {
    let missing = client.unique("missing");
    for version in client.each(0..=1) {
        let (good, bad) = (client.topic("good", 1).await, client.topic("bad", 1).await);
        let row = |name: &str, value| resource(TOPIC, name, vec![set("segment.ms", value)]);
        let rows = vec![row(&missing, "5"), row(&bad.name, "x"), row(&good.name, "9000")];
        let mut response = client.ask(version, &alter(rows)).await;
        response.responses.sort_by_key(|row| row.resource_name.clone());
        client.record("> IncrementalAlterConfigs", &response);
        until_config_is(&mut client, TOPIC, &good.name, "segment.ms", Some("9000")).await;
    }
}

async fn no_resources_are_answered_with_none(mut client: Client) {
    for version in client.each(0..=1) {
        assert!(client.call(version, &alter(Vec::new())).await.responses.is_empty());
    }
}

async fn a_resource_without_changes_succeeds(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=1) {
        change_topic(&mut client, version, &topic.name, Vec::new()).await;
    }
}

async fn resources_of_unknown_types_are_refused(mut client: Client) {
    for version in client.each(0..=1) {
        for kind in [0, 1, 3, 5, 64, -1] {
            let request = alter(vec![resource(kind, "x", vec![set("retention.ms", "1")])]);
            let response = client.call(version, &request).await;
            expect(response.responses[0].error_code, ErrorCode::InvalidRequest);
        }
    }
}

async fn operations_that_do_not_exist_are_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=1) {
        for operation in [4, -1] {
            let changes = vec![change(operation, "retention.ms", Some("1"))];
            let request = alter(vec![resource(TOPIC, &topic.name, changes)]);
            let response = client.call(version, &request).await;
            assert_ne!(response.responses[0].error_code, 0);
        }
    }
}

async fn remote_storage_cannot_be_switched_on(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, vec![set("remote.storage.enable", "true")]).await;
}

async fn a_deleted_topics_configs_are_gone_with_it(mut client: Client) {
    let topic = client.topic_with("t", 1, &[("segment.ms", "7000")]).await;
    let response = client.ask(5, &delete_topics(&[&topic.name])).await;
    expect(response.responses[0].error_code, ErrorCode::None);
    let response = client.ask(7, &create_topics(vec![creatable(&topic.name)])).await;
    expect(response.topics[0].error_code, ErrorCode::None);
    until_config_is(&mut client, TOPIC, &topic.name, "segment.ms", Some("604800000")).await;
}

async fn a_smaller_message_size_holds_for_the_next_produce(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let place = topic.partition(0);
    client.append(place, Batch::of_len(500)).await;
    let changes = vec![set("max.message.bytes", "200")];
    change_topic(&mut client, 1, &topic.name, changes).await;
    until_config_is(&mut client, TOPIC, &topic.name, "max.message.bytes", Some("200")).await;
    for (bytes, error) in [(500, ErrorCode::MessageTooLarge), (50, ErrorCode::None)] {
        let row = client.raw.produce(9, place, Batch::of_len(bytes)).await;
        expect(row.error_code, error);
    }
    // What was there before is still read.
    let fetched = client.fetch_one(12, place, 0).await;
    expect(fetched.error_code, ErrorCode::None);
}

async fn the_timestamps_type_holds_for_the_next_produce(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let place = topic.partition(0);
    let row = client.produce_one(9, place, Batch::of(&["a"])).await;
    assert_eq!(row.log_append_time_ms, -1);
    let name = "message.timestamp.type";
    let changes = vec![set(name, "LogAppendTime")];
    change_topic(&mut client, 1, &topic.name, changes).await;
    until_config_is(&mut client, TOPIC, &topic.name, name, Some("LogAppendTime")).await;
    let row = client.produce_one(9, place, Batch::of(&["b"])).await;
    assert!(row.log_append_time_ms > 0);
    client.fetch_one(12, place, 1).await;
}

async fn no_more_replicas_in_sync_are_asked_for_than_a_partition_has(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let place = topic.partition(0);
    let changes = vec![set("min.insync.replicas", "2"), set("flush.ms", "5")];
    change_topic(&mut client, 1, &topic.name, changes).await;
    until_config_is(&mut client, TOPIC, &topic.name, "flush.ms", Some("5")).await;
    let row = client.produce_one(9, place, Batch::of(&["a"])).await;
    expect(row.error_code, ErrorCode::None);
}
