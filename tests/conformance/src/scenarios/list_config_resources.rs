//! ListConfigResources: the names of what has configs.

use crate::admin::*;
use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::ListConfigResourcesRequest;

scenarios![
    subscriptions_with_configs_are_listed,
    a_subscription_without_configs_is_not_listed,
    groups_with_configs_are_listed,
    a_group_without_configs_is_not_listed,
    every_topic_is_listed,
    the_broker_and_its_loggers_are_listed,
    the_clusters_defaults_are_not_listed,
    only_the_types_that_are_asked_for_are_listed,
    no_types_are_all_of_them,
    a_type_named_twice_is_listed_once,
    a_type_that_does_not_exist_is_refused,
    version_0_lists_subscriptions_only,
];

/// What no client matches, for subscriptions that are not meant for those of other scenarios.
const NOBODY: &str = "client_id=nobody-of-that-name";

fn list(types: &[i8]) -> ListConfigResourcesRequest {
    ListConfigResourcesRequest::default().with_resource_types(types.to_vec())
}

/// Asks until a resource is there, or is not, and tells which resources of that name there are.
async fn until_listed(client: &mut Client, version: i16, types: &[i8], name: &str, is_there: bool) {
    let answer = until(client, version, &list(types), |answer| {
        let found = answer.config_resources.iter().any(|row| &*row.resource_name == name);
        answer.error_code == 0 && found == is_there
    })
    .await;
    let mut own = answer.config_resources;
    own.retain(|row| &*row.resource_name == name);
    // Kafka tells them in no order.
    own.sort_by_key(|row| row.resource_type);
    client.record("> ListConfigResources", &own);
}

async fn configure(client: &mut Client, kind: i8, name: &str, config: &str, value: Option<&str>) {
    let change = value.map_or_else(|| unset(config), |value| set(config, value));
    let response = client.ask(1, &alter(vec![resource(kind, name, vec![change])])).await;
    expect(response.responses[0].error_code, ErrorCode::None);
}

async fn subscriptions_with_configs_are_listed(mut client: Client) {
    let name = client.unique("s");
    configure(&mut client, CLIENT_METRICS, &name, "match", Some(NOBODY)).await;
    for version in client.each(0..=1) {
        until_listed(&mut client, version, &[], &name, true).await;
    }
    configure(&mut client, CLIENT_METRICS, &name, "match", None).await;
}

async fn a_subscription_without_configs_is_not_listed(mut client: Client) {
    for version in client.each(0..=1) {
        let name = client.unique("s");
        configure(&mut client, CLIENT_METRICS, &name, "match", Some(NOBODY)).await;
        until_listed(&mut client, version, &[], &name, true).await;
        configure(&mut client, CLIENT_METRICS, &name, "match", None).await;
        until_listed(&mut client, version, &[], &name, false).await;
    }
}

async fn groups_with_configs_are_listed(mut client: Client) {
    let name = client.unique("g");
    let config = "consumer.session.timeout.ms";
    configure(&mut client, GROUP, &name, config, Some("50000")).await;
    until_listed(&mut client, 1, &[], &name, true).await;
    until_listed(&mut client, 1, &[GROUP], &name, true).await;
    until_listed(&mut client, 1, &[TOPIC, CLIENT_METRICS], &name, false).await;
}

async fn a_group_without_configs_is_not_listed(mut client: Client) {
    let name = client.unique("g");
    let config = "consumer.session.timeout.ms";
    configure(&mut client, GROUP, &name, config, Some("50000")).await;
    until_listed(&mut client, 1, &[GROUP], &name, true).await;
    configure(&mut client, GROUP, &name, config, None).await;
    until_listed(&mut client, 1, &[GROUP], &name, false).await;
}

async fn every_topic_is_listed(mut client: Client) {
    let (plain, own) =
        (client.topic("plain", 1).await, client.topic_with("own", 1, &[("flush.ms", "5")]).await);
    for topic in [plain, own] {
        until_listed(&mut client, 1, &[], &topic.name, true).await;
        until_listed(&mut client, 1, &[TOPIC], &topic.name, true).await;
    }
}

async fn the_broker_and_its_loggers_are_listed(mut client: Client) {
    let node = client.target.node_id.to_string();
    for types in [&[BROKER][..], &[BROKER_LOGGER], &[BROKER_LOGGER, BROKER]] {
        until_listed(&mut client, 1, types, &node, true).await;
    }
}

async fn the_clusters_defaults_are_not_listed(mut client: Client) {
    let response = client.ask(1, &list(&[BROKER])).await;
    client.record("> ListConfigResources", &response);
    assert_eq!(response.config_resources.len(), 1);
}

async fn only_the_types_that_are_asked_for_are_listed(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for types in [&[BROKER][..], &[GROUP, CLIENT_METRICS], &[TOPIC, BROKER]] {
        let response = client.ask(1, &list(types)).await;
        assert!(response.config_resources.iter().all(|row| types.contains(&row.resource_type)));
        let found = response.config_resources.iter().any(|row| *row.resource_name == topic.name);
        assert_eq!(found, types.contains(&TOPIC));
        client.record("is the topic listed", &found);
    }
}

async fn no_types_are_all_of_them(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let node = client.target.node_id.to_string();
    until_listed(&mut client, 1, &[], &topic.name, true).await;
    until_listed(&mut client, 1, &[], &node, true).await;
}

async fn a_type_named_twice_is_listed_once(mut client: Client) {
    client.call(1, &list(&[BROKER, BROKER])).await;
}

async fn a_type_that_does_not_exist_is_refused(mut client: Client) {
    for types in [&[64][..], &[0], &[1], &[-1], &[3, BROKER]] {
        let response = client.call(1, &list(types)).await;
        expect(response.error_code, ErrorCode::UnsupportedVersion);
        assert!(response.config_resources.is_empty());
    }
}

async fn version_0_lists_subscriptions_only(mut client: Client) {
    let topic = client.topic("t", 1).await;
    until_listed(&mut client, 1, &[], &topic.name, true).await;
    until_listed(&mut client, 0, &[], &topic.name, false).await;
}
