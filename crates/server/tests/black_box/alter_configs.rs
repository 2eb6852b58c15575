//! IncrementalAlterConfigs: what is in force when the answer has come. What is answered is in the
//! transcripts.

use crate::common::batch::{Batch, headers};
use crate::common::client::Place;
use crate::common::{Gateway, RawClient, code, text};
use kafka_protocol::messages::IncrementalAlterConfigsRequest;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use tidegate_model::ErrorCode;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Sets configs of one resource, or removes those without a value.
pub async fn alter(
    client: &mut RawClient,
    resource_type: i8,
    name: &str,
    configs: &[(&str, Option<&str>)],
) -> ErrorCode {
    let configs = configs.iter().map(|(name, value)| {
        AlterableConfig::default()
            .with_name(text(name))
            .with_config_operation(if value.is_some() { 0 } else { 1 })
            .with_value(value.map(text))
    });
    let resource = AlterConfigsResource::default()
        .with_resource_type(resource_type)
        .with_resource_name(text(name))
        .with_configs(configs.collect());
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    code(client.call(1, &request).await.responses[0].error_code)
}

async fn accepted(client: &mut RawClient, place: Place<'_>, len: usize) -> ErrorCode {
    code(client.produce(9, place, Batch::of_len(len)).await.error_code)
}

#[tokio::test]
async fn a_topics_limit_holds_for_the_next_produce_and_goes_with_the_config() {
    let gateway = Gateway::start().await;
    let place = Place { name: "t", id: gateway.topic("t", 1).await, partition: 0 };
    let mut client = gateway.client().await;
    let small = [("max.message.bytes", Some("500"))];
    assert_eq!(accepted(&mut client, place, 1_000).await, ErrorCode::None);
    assert_eq!(alter(&mut client, TOPIC, "t", &small).await, ErrorCode::None);
    assert_eq!(accepted(&mut client, place, 1_000).await, ErrorCode::MessageTooLarge);
    let gone = [("max.message.bytes", None)];
    assert_eq!(alter(&mut client, TOPIC, "t", &gone).await, ErrorCode::None);
    assert_eq!(accepted(&mut client, place, 1_000).await, ErrorCode::None);
}

#[tokio::test]
async fn a_topic_whose_policy_becomes_compact_wants_keys_from_then_on() {
    let gateway = Gateway::start().await;
    let place = Place { name: "t", id: gateway.topic("t", 1).await, partition: 0 };
    let mut client = gateway.client().await;
    client.append(place, Batch::of_keys(&[None])).await;
    let compact = [("cleanup.policy", Some("compact"))];
    assert_eq!(alter(&mut client, TOPIC, "t", &compact).await, ErrorCode::None);
    let refused = client.produce(9, place, Batch::of_keys(&[None])).await;
    assert_eq!(code(refused.error_code), ErrorCode::InvalidRecord);
    client.append(place, Batch::of_keys(&[Some(b"k")])).await;
}

#[tokio::test]
async fn the_gateways_time_stamps_records_once_the_topic_asks_for_it() {
    let gateway = Gateway::start().await;
    let place = Place { name: "t", id: gateway.topic("t", 1).await, partition: 0 };
    let mut client = gateway.client().await;
    client.append(place, Batch::at_times(&[1_000])).await;
    let stamped = [("message.timestamp.type", Some("LogAppendTime"))];
    assert_eq!(alter(&mut client, TOPIC, "t", &stamped).await, ErrorCode::None);
    client.append(place, Batch::at_times(&[1_000])).await;
    let fetched = client.read(12, place, 0).await.records;
    let times: Vec<i64> = headers(&fetched).iter().map(|header| header.max_timestamp).collect();
    assert_eq!(times[0], 1_000);
    assert!(times[1] > 1_000_000_000_000, "{}", times[1]);
}

#[tokio::test]
async fn a_brokers_config_is_in_force_on_topics_that_have_none_of_their_own() {
    let gateway = Gateway::start().await;
    let place = Place { name: "t", id: gateway.topic("t", 1).await, partition: 0 };
    let configs = [("max.message.bytes", "5000")];
    let id = gateway.topic_with("own", 1, &configs).await;
    let own = Place { name: "own", id, partition: 0 };
    let mut client = gateway.client().await;
    let small = |bytes| [("message.max.bytes", bytes)];
    // On all nodes, then on this one, which beats it.
    assert_eq!(alter(&mut client, BROKER, "", &small(Some("500"))).await, ErrorCode::None);
    assert_eq!(accepted(&mut client, place, 1_000).await, ErrorCode::MessageTooLarge);
    assert_eq!(accepted(&mut client, own, 1_000).await, ErrorCode::None);
    let later = Place { name: "new", id: gateway.topic("new", 1).await, partition: 0 };
    assert_eq!(accepted(&mut client, later, 1_000).await, ErrorCode::MessageTooLarge);
    assert_eq!(alter(&mut client, BROKER, "1", &small(Some("2000"))).await, ErrorCode::None);
    assert_eq!(accepted(&mut client, place, 1_000).await, ErrorCode::None);
    assert_eq!(accepted(&mut client, place, 3_000).await, ErrorCode::MessageTooLarge);
    for name in ["", "1"] {
        assert_eq!(alter(&mut client, BROKER, name, &small(None)).await, ErrorCode::None);
    }
    assert_eq!(accepted(&mut client, place, 3_000).await, ErrorCode::None);
}

#[tokio::test]
async fn a_lower_limit_of_connections_keeps_those_that_are_open() {
    let gateway = Gateway::start().await;
    gateway.topic("t", 1).await;
    let mut client = gateway.client().await;
    let one = [("max.connections", Some("1"))];
    assert_eq!(alter(&mut client, BROKER, "1", &one).await, ErrorCode::None);
    let mut late = gateway.client().await;
    assert_eq!(late.receive_or_end().await, None, "one connection is open already");
    let none = [("max.connections", None)];
    assert_eq!(alter(&mut client, BROKER, "1", &none).await, ErrorCode::None);
    let mut third = gateway.client().await;
    assert_eq!(alter(&mut third, TOPIC, "t", &[]).await, ErrorCode::None);
}

#[tokio::test]
async fn what_is_refused_changes_nothing_of_its_resource() {
    let gateway = Gateway::start().await;
    gateway.topic("t", 1).await;
    let mut client = gateway.client().await;
    let configs = [("retention.ms", Some("5")), ("segment.bytes", Some("x"))];
    assert_eq!(alter(&mut client, TOPIC, "t", &configs).await, ErrorCode::InvalidConfig);
    assert!(gateway.broker.topics().by_name("t").expect("it exists").configs.is_empty());
    let configs = [("message.max.bytes", Some("5")), ("num.partitions", Some("5"))];
    assert_eq!(alter(&mut client, BROKER, "1", &configs).await, ErrorCode::InvalidRequest);
    assert_eq!(gateway.broker.settings().message_max_bytes(), 1_048_588);
}
