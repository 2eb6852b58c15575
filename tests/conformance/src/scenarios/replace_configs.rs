//! AlterConfigs: all configs of a resource are replaced by those of the request.

use crate::admin::*;
use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::AlterConfigsRequest;
use kafka_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};

scenarios![
    what_is_not_named_goes_back_to_the_default,
    no_configs_at_all_are_the_defaults,
    checking_only_changes_nothing,
    one_wrong_config_keeps_all_as_they_are,
    a_config_that_does_not_exist_is_refused,
    a_null_value_is_refused,
    a_config_named_twice_is_refused,
    a_topic_that_does_not_exist_is_unknown,
    the_empty_topic_name_is_refused,
    names_that_are_no_topic_names,
    resources_of_unknown_types_are_refused,
    loggers_are_not_replaced,
    topics_succeed_beside_those_that_fail,
    no_resources_are_answered_with_none,
    configs_of_a_group_are_replaced,
    configs_of_a_subscription_are_replaced,
    configs_of_the_broker_are_replaced,
    another_broker_is_refused,
];

fn with(kind: i8, name: &str, configs: &[(&str, Option<&str>)]) -> AlterConfigsResource {
    let configs = configs.iter().map(|(name, value)| {
        AlterableConfig::default().with_name(text(name)).with_value(value.map(text))
    });
    AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configs(configs.collect())
}

fn replace(resources: Vec<AlterConfigsResource>) -> AlterConfigsRequest {
    AlterConfigsRequest::default().with_resources(resources)
}

/// Replaces the configs of one resource and shows in every version what is answered.
async fn answers(
    client: &mut Client,
    version: i16,
    error: ErrorCode,
    kind: i8,
    name: &str,
    configs: &[(&str, Option<&str>)],
) {
    let response = client.call(version, &replace(vec![with(kind, name, configs)])).await;
    expect(response.responses[0].error_code, error);
}

/// Shows in every version that a topic refuses these configs, and keeps what it has.
async fn is_refused(mut client: Client, error: ErrorCode, configs: &[(&str, Option<&str>)]) {
    let topic = client.topic_with("t", 1, &[("segment.ms", "7000")]).await;
    for version in client.each(0..=2) {
        answers(&mut client, version, error, TOPIC, &topic.name, configs).await;
    }
    until_config_is(&mut client, TOPIC, &topic.name, "segment.ms", Some("7000")).await;
}

async fn what_is_not_named_goes_back_to_the_default(mut client: Client) {
    for version in client.each(0..=2) {
        let topic = client.topic_with("t", 1, &[("segment.ms", "7000"), ("flush.ms", "5")]).await;
        let configs: &[_] = &[("flush.ms", Some("6")), ("retention.ms", Some("60000"))];
        answers(&mut client, version, ErrorCode::None, TOPIC, &topic.name, configs).await;
        for (name, value) in
            [("retention.ms", "60000"), ("segment.ms", "604800000"), ("flush.ms", "6")]
        {
            until_config_is(&mut client, TOPIC, &topic.name, name, Some(value)).await;
        }
    }
}

async fn no_configs_at_all_are_the_defaults(mut client: Client) {
    for version in client.each(0..=2) {
        let topic = client.topic_with("t", 1, &[("segment.ms", "7000")]).await;
        answers(&mut client, version, ErrorCode::None, TOPIC, &topic.name, &[]).await;
        let week = Some("604800000");
        until_config_is(&mut client, TOPIC, &topic.name, "segment.ms", week).await;
    }
}

async fn checking_only_changes_nothing(mut client: Client) {
    let topic = client.topic_with("t", 1, &[("segment.ms", "7000")]).await;
    for version in client.each(0..=2) {
        for (value, error) in [("8000", ErrorCode::None), ("x", ErrorCode::InvalidConfig)] {
            let row = with(TOPIC, &topic.name, &[("segment.ms", Some(value))]);
            let response = client.call(version, &replace(vec![row]).with_validate_only(true)).await;
            expect(response.responses[0].error_code, error);
        }
    }
    until_config_is(&mut client, TOPIC, &topic.name, "segment.ms", Some("7000")).await;
}

async fn one_wrong_config_keeps_all_as_they_are(client: Client) {
    let configs = [("retention.ms", Some("5")), ("flush.ms", Some("x"))];
    is_refused(client, ErrorCode::InvalidConfig, &configs).await;
}

async fn a_config_that_does_not_exist_is_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidConfig, &[("zzzzzzzz", Some("5"))]).await;
}

async fn a_null_value_is_refused(client: Client) {
    let configs = [("retention.ms", None), ("flush.ms", None)];
    is_refused(client, ErrorCode::InvalidRequest, &configs).await;
}

async fn a_config_named_twice_is_refused(client: Client) {
    let configs = [("retention.ms", Some("5")), ("retention.ms", Some("5"))];
    is_refused(client, ErrorCode::InvalidRequest, &configs).await;
}

async fn a_topic_that_does_not_exist_is_unknown(mut client: Client) {
    let name = client.unique("missing");
    for version in client.each(0..=2) {
        let unknown = ErrorCode::UnknownTopicOrPartition;
        answers(&mut client, version, unknown, TOPIC, &name, &[]).await;
        let configs: &[_] = &[("flush.ms", Some("6"))];
        answers(&mut client, version, unknown, TOPIC, &name, configs).await;
    }
}

async fn the_empty_topic_name_is_refused(mut client: Client) {
    for version in client.each(0..=2) {
        answers(&mut client, version, ErrorCode::InvalidRequest, TOPIC, "", &[]).await;
    }
}

async fn names_that_are_no_topic_names(mut client: Client) {
    for name in [".", "a b", &"x".repeat(250)] {
        client.note(&format!("name of {} bytes: {name:.20}", name.len()));
        client.call(2, &replace(vec![with(TOPIC, name, &[("flush.ms", Some("6"))])])).await;
    }
}

async fn resources_of_unknown_types_are_refused(mut client: Client) {
    for version in client.each(0..=2) {
        for kind in [0, 1, 3, 64, -1] {
            answers(&mut client, version, ErrorCode::InvalidRequest, kind, "x", &[]).await;
        }
    }
}

async fn loggers_are_not_replaced(mut client: Client) {
    let node = client.target.node_id.to_string();
    for version in client.each(0..=2) {
        let configs: &[_] = &[("root", Some("INFO"))];
        let refused = ErrorCode::InvalidRequest;
        answers(&mut client, version, refused, BROKER_LOGGER, &node, configs).await;
    }
}

async fn topics_succeed_beside_those_that_fail(mut client: Client) {
    let missing = client.unique("missing");
    for version in client.each(0..=2) {
        let (good, bad) = (client.topic("good", 1).await, client.topic("bad", 1).await);
        let row = |name: &str, value| with(TOPIC, name, &[("segment.ms", Some(value))]);
        let rows = vec![row(&missing, "5"), row(&bad.name, "x"), row(&good.name, "9000")];
        let mut response = client.ask(version, &replace(rows)).await;
        // Kafka tells them in no order.
        response.responses.sort_by_key(|row| row.resource_name.clone());
        client.record("> AlterConfigs", &response);
        until_config_is(&mut client, TOPIC, &good.name, "segment.ms", Some("9000")).await;
    }
}

async fn no_resources_are_answered_with_none(mut client: Client) {
    for version in client.each(0..=2) {
        assert!(client.call(version, &replace(Vec::new())).await.responses.is_empty());
    }
}

async fn configs_of_a_group_are_replaced(mut client: Client) {
    for version in client.each(0..=2) {
        let group = client.unique("g");
        let name = "consumer.heartbeat.interval.ms";
        for (configs, value) in [(vec![(name, Some("6000"))], "6000"), (vec![], "5000")] {
            answers(&mut client, version, ErrorCode::None, GROUP, &group, &configs).await;
            until_config_is(&mut client, GROUP, &group, name, Some(value)).await;
        }
        let wrong: &[_] = &[("no.such", Some("1"))];
        answers(&mut client, version, ErrorCode::InvalidConfig, GROUP, &group, wrong).await;
    }
}

async fn configs_of_a_subscription_are_replaced(mut client: Client) {
    // No client matches, for others ask for their subscriptions meanwhile.
    let nobody = "client_id=nobody-of-that-name";
    for version in client.each(0..=2) {
        let subscription = client.unique("s");
        for (configs, value) in [(vec![("match", Some(nobody))], nobody), (vec![], "")] {
            let kind = CLIENT_METRICS;
            answers(&mut client, version, ErrorCode::None, kind, &subscription, &configs).await;
            until_config_is(&mut client, kind, &subscription, "match", Some(value)).await;
        }
    }
}

async fn configs_of_the_broker_are_replaced(mut client: Client) {
    let _alone = brokers_configs().await;
    let node = client.target.node_id.to_string();
    for version in client.each(0..=2) {
        let name = "log.cleaner.backoff.ms";
        for (configs, value) in [(vec![(name, Some("16000"))], "16000"), (vec![], "15000")] {
            answers(&mut client, version, ErrorCode::None, BROKER, &node, &configs).await;
            until_config_is(&mut client, BROKER, &node, name, Some(value)).await;
        }
        let fixed: &[_] = &[("num.partitions", Some("5"))];
        answers(&mut client, version, ErrorCode::InvalidRequest, BROKER, &node, fixed).await;
    }
}

async fn another_broker_is_refused(mut client: Client) {
    for version in client.each(0..=2) {
        for name in ["77", "one"] {
            answers(&mut client, version, ErrorCode::InvalidRequest, BROKER, name, &[]).await;
        }
    }
}
