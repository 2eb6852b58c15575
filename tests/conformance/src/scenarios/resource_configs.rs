//! IncrementalAlterConfigs and DescribeConfigs on groups and on subscriptions to clients' metrics.

use crate::admin::*;
use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;

scenarios![
    every_config_of_a_group_has_the_brokers_default,
    a_groups_config_comes_before_the_brokers,
    a_groups_config_that_does_not_exist_is_refused,
    a_groups_times_are_bounded_by_the_brokers,
    a_groups_session_is_longer_than_its_heartbeats,
    a_groups_configs_are_no_lists,
    the_group_without_a_name_is_refused,
    checking_a_groups_config_only_changes_nothing,
    every_config_of_a_subscription_has_a_default,
    a_subscriptions_config_is_in_force,
    a_subscriptions_config_that_does_not_exist_is_refused,
    a_subscriptions_interval_is_bounded,
    a_subscriptions_match_names_what_is_known_of_clients,
    the_subscription_without_a_name_is_refused,
    groups_and_subscriptions_beside_topics,
];

/// Describes all configs of one resource, in the order of their names.
async fn describe_all(client: &mut Client, version: i16, kind: i8, name: &str) {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true);
    let mut result = client.ask(version, &request).await.results.remove(0);
    result.configs.sort_by(|one, next| one.name.cmp(&next.name));
    client.record("> DescribeConfigs", &result);
}

/// Sets each of these configs on a resource of its own and shows in both versions what comes of it.
async fn each_answers(
    mut client: Client,
    error: ErrorCode,
    kind: i8,
    name: &str,
    configs: &[(&str, &str)],
) {
    for version in client.each(0..=1) {
        for (config, value) in configs {
            let request = alter(vec![resource(kind, name, vec![set(config, value)])]);
            let response = client.call(version, &request).await;
            expect(response.responses[0].error_code, error);
        }
    }
}

async fn every_config_of_a_group_has_the_brokers_default(mut client: Client) {
    let group = client.unique("g");
    for version in client.each(1..=4) {
        describe_all(&mut client, version, GROUP, &group).await;
    }
}

async fn a_groups_config_comes_before_the_brokers(mut client: Client) {
    let config = "consumer.session.timeout.ms";
    for version in client.each(0..=1) {
        let group = client.unique("g");
        for (change, value) in [(set(config, "50000"), "50000"), (unset(config), "45000")] {
            let response =
                client.call(version, &alter(vec![resource(GROUP, &group, vec![change])])).await;
            expect(response.responses[0].error_code, ErrorCode::None);
            until_config_is(&mut client, GROUP, &group, config, Some(value)).await;
        }
    }
}

async fn a_groups_config_that_does_not_exist_is_refused(client: Client) {
    let group = client.unique("g");
    let configs = [("no.such.config", "1"), ("session.timeout.ms", "50000")];
    each_answers(client, ErrorCode::InvalidConfig, GROUP, &group, &configs).await;
}

async fn a_groups_times_are_bounded_by_the_brokers(client: Client) {
    let group = client.unique("g");
    let configs = [
        ("consumer.session.timeout.ms", "1"),
        ("consumer.session.timeout.ms", "1000000000"),
        ("consumer.heartbeat.interval.ms", "1"),
        ("consumer.heartbeat.interval.ms", "x"),
        ("share.record.lock.duration.ms", "1"),
        ("share.auto.offset.reset", "never"),
        ("share.isolation.level", "none"),
        ("streams.num.standby.replicas", "5"),
    ];
    each_answers(client, ErrorCode::InvalidConfig, GROUP, &group, &configs).await;
}

async fn a_groups_session_is_longer_than_its_heartbeats(mut client: Client) {
    let group = client.unique("g");
    let changes = vec![
        set("consumer.session.timeout.ms", "45000"),
        set("consumer.heartbeat.interval.ms", "15000"),
    ];
    let response = client.call(1, &alter(vec![resource(GROUP, &group, changes)])).await;
    expect(response.responses[0].error_code, ErrorCode::None);
    let config = "consumer.heartbeat.interval.ms";
    until_config_is(&mut client, GROUP, &group, config, Some("15000")).await;
}

async fn a_groups_configs_are_no_lists(mut client: Client) {
    let group = client.unique("g");
    for version in client.each(0..=1) {
        for change in [append("consumer.session.timeout.ms", "5"), subtract("no.such", "5")] {
            let request = alter(vec![resource(GROUP, &group, vec![change])]);
            let response = client.call(version, &request).await;
            expect(response.responses[0].error_code, ErrorCode::InvalidConfig);
        }
    }
}

async fn the_group_without_a_name_is_refused(mut client: Client) {
    let configs = vec![set("consumer.session.timeout.ms", "50000")];
    let response = client.call(1, &alter(vec![resource(GROUP, "", configs)])).await;
    expect(response.responses[0].error_code, ErrorCode::InvalidRequest);
    for version in client.each(1..=4) {
        describe_all(&mut client, version, GROUP, "").await;
    }
}

async fn checking_a_groups_config_only_changes_nothing(mut client: Client) {
    let group = client.unique("g");
    let config = "consumer.session.timeout.ms";
    for version in client.each(0..=1) {
        for (value, error) in [("50000", ErrorCode::None), ("1", ErrorCode::InvalidConfig)] {
            let request = alter(vec![resource(GROUP, &group, vec![set(config, value)])]);
            let response = client.call(version, &request.with_validate_only(true)).await;
            expect(response.responses[0].error_code, error);
        }
    }
    until_config_is(&mut client, GROUP, &group, config, Some("45000")).await;
}

async fn every_config_of_a_subscription_has_a_default(mut client: Client) {
    let subscription = client.unique("s");
    for version in client.each(1..=4) {
        describe_all(&mut client, version, CLIENT_METRICS, &subscription).await;
    }
}

async fn a_subscriptions_config_is_in_force(mut client: Client) {
    // No client matches, for others ask for their subscriptions meanwhile.
    let nobody = set("match", "client_id=nobody-of-that-name");
    for version in client.each(0..=1) {
        let name = client.unique("s");
        for (changes, config, value) in [
            (vec![nobody.clone()], "match", "client_id=nobody-of-that-name"),
            (vec![set("interval.ms", "1000")], "interval.ms", "1000"),
            (vec![set("metrics", "org.apache.kafka.")], "metrics", "org.apache.kafka."),
            (vec![unset("metrics"), unset("interval.ms")], "metrics", ""),
            (vec![unset("match")], "match", ""),
        ] {
            let request = alter(vec![resource(CLIENT_METRICS, &name, changes)]);
            let response = client.call(version, &request).await;
            expect(response.responses[0].error_code, ErrorCode::None);
            until_config_is(&mut client, CLIENT_METRICS, &name, config, Some(value)).await;
        }
    }
}

async fn a_subscriptions_config_that_does_not_exist_is_refused(client: Client) {
    let name = client.unique("s");
    let configs = [("no.such.config", "1")];
    each_answers(client, ErrorCode::InvalidRequest, CLIENT_METRICS, &name, &configs).await;
}

async fn a_subscriptions_interval_is_bounded(client: Client) {
    let name = client.unique("s");
    let configs = [("interval.ms", "99"), ("interval.ms", "3600001"), ("interval.ms", "-1")];
    each_answers(client, ErrorCode::InvalidRequest, CLIENT_METRICS, &name, &configs).await;
}

async fn a_subscriptions_match_names_what_is_known_of_clients(client: Client) {
    let name = client.unique("s");
    let configs = [("match", "client_id"), ("match", "shoe_size=44"), ("match", "=")];
    each_answers(client, ErrorCode::InvalidConfig, CLIENT_METRICS, &name, &configs).await;
}

async fn the_subscription_without_a_name_is_refused(mut client: Client) {
    let configs = vec![set("interval.ms", "1000")];
    let response = client.call(1, &alter(vec![resource(CLIENT_METRICS, "", configs)])).await;
    expect(response.responses[0].error_code, ErrorCode::InvalidRequest);
    for version in client.each(1..=4) {
        describe_all(&mut client, version, CLIENT_METRICS, "").await;
    }
}

async fn groups_and_subscriptions_beside_topics(mut client: Client) {
    for version in client.each(0..=1) {
        let topic = client.topic("t", 1).await;
        let (group, subscription) = (client.unique("g"), client.unique("s"));
        let rows = vec![
            resource(TOPIC, &topic.name, vec![set("flush.ms", "5")]),
            resource(GROUP, &group, vec![set("consumer.session.timeout.ms", "50000")]),
            resource(CLIENT_METRICS, &subscription, vec![set("interval.ms", "5")]),
            resource(BROKER_LOGGER, "77", vec![set("root", "INFO")]),
        ];
        let mut response = client.ask(version, &alter(rows)).await;
        // Kafka tells them in no order.
        response.responses.sort_by_key(|row| row.resource_type);
        client.record("> IncrementalAlterConfigs", &response);
        until_config_is(&mut client, TOPIC, &topic.name, "flush.ms", Some("5")).await;
    }
}
