//! DescribeConfigs: every setting of a topic or of the broker, with where it comes from.

use crate::admin::brokers_configs;
use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;

scenarios![
    every_config_of_a_topic_has_a_value_and_a_source,
    the_topics_own_values_come_before_the_brokers,
    synonyms_are_told_when_asked_for,
    only_the_configs_that_are_asked_for_are_told,
    an_empty_list_of_configs,
    configs_that_do_not_exist_are_left_out,
    types_and_documentation_are_told_since_v3,
    a_topic_that_does_not_exist_is_unknown,
    a_name_that_is_no_topic_name_is_invalid,
    a_resource_named_twice,
    another_broker_is_refused,
    a_broker_whose_name_is_no_number_is_refused,
    the_empty_broker_name_asks_for_the_clusters_defaults,
    every_config_of_the_broker_is_told,
    resources_of_unknown_types,
    no_resources_are_none,
    a_group_that_nobody_knows_has_the_defaults,
    a_subscription_that_nobody_knows_has_the_defaults,
    empty_names_of_groups_subscriptions_and_loggers_are_refused,
    loggers_are_told_by_their_own_broker_only,
    a_config_named_twice,
    names_of_configs_are_told_apart_by_case,
    several_resources_are_each_answered,
    configs_of_the_broker_come_with_their_synonyms,
];

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const LOGGER: i8 = 8;
const METRICS: i8 = 16;
const GROUP: i8 = 32;

fn resource(kind: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsResource {
    DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configuration_keys(keys.map(|keys| keys.iter().map(|key| text(key)).collect()))
}

fn describe(resources: Vec<DescribeConfigsResource>) -> DescribeConfigsRequest {
    DescribeConfigsRequest::default().with_resources(resources)
}

/// Asks about one resource and records the answer with its configs in the order of their names.
async fn ask(
    client: &mut Client,
    version: i16,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResult {
    let mut result = client.ask(version, &request).await.results.remove(0);
    result.configs.sort_by(|one, next| one.name.cmp(&next.name));
    client.record("> DescribeConfigs", &result);
    result
}

/// Shows in every version that asking about this resource is refused with that code.
async fn is_refused(mut client: Client, kind: i8, name: &str, error: ErrorCode) {
    for version in client.each(1..=4) {
        let result = ask(&mut client, version, describe(vec![resource(kind, name, None)])).await;
        expect(result.error_code, error);
        assert!(result.configs.is_empty());
    }
}

async fn every_config_of_a_topic_has_a_value_and_a_source(mut client: Client) {
    let _alone = brokers_configs().await;
    let topic = client.topic("t", 1).await;
    for version in client.each(1..=4) {
        let request = describe(vec![resource(TOPIC, &topic.name, None)]);
        let mut result = client.ask(version, &request).await.results.remove(0);
        assert!(result.configs.iter().all(|config| config.config_source > 0));
        // The cluster's default for it, which Kafka has from being formatted, is told below.
        result.configs.retain(|config| &*config.name != "min.insync.replicas");
        result.configs.sort_by(|one, next| one.name.cmp(&next.name));
        client.record("> DescribeConfigs", &result);
    }
}

async fn the_topics_own_values_come_before_the_brokers(mut client: Client) {
    let topic = client.topic_with("t", 1, &[("max.message.bytes", "1234")]).await;
    for version in client.each(1..=4) {
        let keys: &[&str] = &["max.message.bytes", "retention.ms", "cleanup.policy"];
        let request = describe(vec![resource(TOPIC, &topic.name, Some(keys))]);
        let result = ask(&mut client, version, request).await;
        let sources: Vec<i8> = result.configs.iter().map(|config| config.config_source).collect();
        // The default, the topic's own, the broker's file.
        assert_eq!(sources, [5, 1, 4]);
    }
}

async fn synonyms_are_told_when_asked_for(mut client: Client) {
    let _alone = brokers_configs().await;
    let own = [("max.message.bytes", "1234"), ("retention.ms", "77")];
    let topic = client.topic_with("t", 1, &own).await;
    for version in client.each(1..=4) {
        let keys: &[&str] =
            &["max.message.bytes", "retention.ms", "cleanup.policy", "segment.ms", "flush.ms"];
        let request = describe(vec![resource(TOPIC, &topic.name, Some(keys))]);
        ask(&mut client, version, request.with_include_synonyms(true)).await;
    }
}

async fn only_the_configs_that_are_asked_for_are_told(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(1..=4) {
        let keys: &[&str] = &["segment.bytes", "retention.ms"];
        let request = describe(vec![resource(TOPIC, &topic.name, Some(keys))]);
        assert_eq!(ask(&mut client, version, request).await.configs.len(), 2);
    }
}

async fn an_empty_list_of_configs(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(1..=4) {
        let request = describe(vec![resource(TOPIC, &topic.name, Some(&[]))]);
        let count = client.ask(version, &request).await.results[0].configs.len();
        client.record("are all of them told", &(count > 10));
    }
}

async fn configs_that_do_not_exist_are_left_out(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(1..=4) {
        let keys: &[&str] = &["no.such.config", "segment.bytes"];
        let request = describe(vec![resource(TOPIC, &topic.name, Some(keys))]);
        assert_eq!(ask(&mut client, version, request).await.configs.len(), 1);
    }
}

async fn types_and_documentation_are_told_since_v3(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(1..=4) {
        let request = describe(vec![resource(TOPIC, &topic.name, Some(&["segment.bytes"]))]);
        let request = request.with_include_documentation(version >= 3);
        let result = client.ask(version, &request).await.results.remove(0);
        let config = &result.configs[0];
        let documented = config.documentation.as_ref().is_some_and(|text| !text.is_empty());
        client.record("type, is documented", &(config.config_type, documented));
        assert_eq!(documented, version >= 3);
    }
}

async fn a_topic_that_does_not_exist_is_unknown(client: Client) {
    let name = client.unique("missing");
    is_refused(client, TOPIC, &name, ErrorCode::UnknownTopicOrPartition).await;
}

async fn a_name_that_is_no_topic_name_is_invalid(client: Client) {
    is_refused(client, TOPIC, "no topic", ErrorCode::InvalidTopic).await;
}

async fn a_resource_named_twice(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let row = resource(TOPIC, &topic.name, Some(&["segment.bytes"]));
    client.call(4, &describe(vec![row.clone(), row])).await;
}

async fn another_broker_is_refused(client: Client) {
    is_refused(client, BROKER, "77", ErrorCode::InvalidRequest).await;
}

async fn a_broker_whose_name_is_no_number_is_refused(client: Client) {
    is_refused(client, BROKER, "one", ErrorCode::InvalidRequest).await;
}

async fn the_empty_broker_name_asks_for_the_clusters_defaults(mut client: Client) {
    let _alone = brokers_configs().await;
    for version in client.each(1..=4) {
        let result = ask(&mut client, version, describe(vec![resource(BROKER, "", None)])).await;
        expect(result.error_code, ErrorCode::None);
    }
}

async fn every_config_of_the_broker_is_told(mut client: Client) {
    let _alone = brokers_configs().await;
    let node = client.target.node_id.to_string();
    let request = describe(vec![resource(BROKER, &node, None)]);
    let mut result = client.ask(4, &request).await.results.remove(0);
    expect(result.error_code, ErrorCode::None);
    result.configs.sort_by(|one, next| one.name.cmp(&next.name));
    for config in &result.configs {
        // Values tell of ports, paths and sizes of this very broker.
        let (kind, read_only) = (config.config_type, config.read_only);
        let name = &config.name;
        let sensitive = config.is_sensitive;
        client.note(&format!("{name}: type {kind}, read only {read_only}, sensitive {sensitive}"));
    }
}

async fn resources_of_unknown_types(mut client: Client) {
    for kind in [0, 1, 3, 5, 99, -1] {
        client.note(&format!("type {kind}"));
        client.call(4, &describe(vec![resource(kind, "x", None)])).await;
    }
}

async fn no_resources_are_none(mut client: Client) {
    for version in client.each(1..=4) {
        assert!(client.call(version, &describe(Vec::new())).await.results.is_empty());
    }
}

async fn a_group_that_nobody_knows_has_the_defaults(mut client: Client) {
    let group = client.unique("g");
    for version in client.each(1..=4) {
        let request = describe(vec![resource(GROUP, &group, None)]).with_include_synonyms(true);
        let result = ask(&mut client, version, request).await;
        expect(result.error_code, ErrorCode::None);
    }
}

async fn a_subscription_that_nobody_knows_has_the_defaults(mut client: Client) {
    let name = client.unique("m");
    for version in client.each(1..=4) {
        let request = describe(vec![resource(METRICS, &name, None)]).with_include_synonyms(true);
        let result = ask(&mut client, version, request).await;
        expect(result.error_code, ErrorCode::None);
    }
}

async fn empty_names_of_groups_subscriptions_and_loggers_are_refused(mut client: Client) {
    for kind in [GROUP, METRICS, LOGGER] {
        let result = ask(&mut client, 4, describe(vec![resource(kind, "", None)])).await;
        expect(result.error_code, ErrorCode::InvalidRequest);
    }
}

async fn loggers_are_told_by_their_own_broker_only(mut client: Client) {
    for name in ["77", "one"] {
        let result = ask(&mut client, 4, describe(vec![resource(LOGGER, name, None)])).await;
        expect(result.error_code, ErrorCode::InvalidRequest);
    }
    let node = client.target.node_id.to_string();
    let response = client.ask(4, &describe(vec![resource(LOGGER, &node, None)])).await;
    expect(response.results[0].error_code, ErrorCode::None);
}

async fn a_config_named_twice(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let keys: &[&str] = &["segment.bytes", "segment.bytes"];
    ask(&mut client, 4, describe(vec![resource(TOPIC, &topic.name, Some(keys))])).await;
}

async fn names_of_configs_are_told_apart_by_case(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let keys: &[&str] = &["Segment.Bytes", "SEGMENT.BYTES", " segment.bytes"];
    let request = describe(vec![resource(TOPIC, &topic.name, Some(keys))]);
    assert!(ask(&mut client, 4, request).await.configs.is_empty());
}

async fn several_resources_are_each_answered(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let missing = client.unique("missing");
    let node = client.target.node_id.to_string();
    let keys: Option<&[&str]> = Some(&["segment.index.bytes", "num.partitions"]);
    let mut response = client
        .ask(
            4,
            &describe(vec![
                resource(BROKER, &node, keys),
                resource(TOPIC, &missing, keys),
                resource(TOPIC, &topic.name, keys),
                resource(BROKER, "77", keys),
            ]),
        )
        .await;
    // Kafka answers in no particular order.
    response.results.sort_by_key(|row| (row.error_code, row.resource_type));
    client.record("> DescribeConfigs", &response);
    assert_eq!(response.results.len(), 4);
}

async fn configs_of_the_broker_come_with_their_synonyms(mut client: Client) {
    let node = client.target.node_id.to_string();
    // Of those that only a restart changes.
    let keys: &[&str] = &[
        "auto.create.topics.enable",
        "default.replication.factor",
        "group.min.session.timeout.ms",
        "log.retention.hours",
        "num.partitions",
    ];
    for version in client.each(1..=4) {
        let request = describe(vec![resource(BROKER, &node, Some(keys))]);
        let result = ask(&mut client, version, request.with_include_synonyms(true)).await;
        assert_eq!(result.configs.len(), keys.len());
    }
}
