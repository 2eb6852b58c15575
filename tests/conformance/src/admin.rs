//! What several areas of administration share: requests that change configs, and how their effect is
//! waited for. Kafka answers a moment before what it changed is seen.

use crate::client::{Client, Topic};
use crate::help::*;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{
    DescribeConfigsRequest, DescribeConfigsResponse, FindCoordinatorRequest,
    IncrementalAlterConfigsRequest, ListOffsetsRequest,
};
use kafka_protocol::protocol::Request;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// Types of resources with configs (`ConfigResource.Type`).
pub const TOPIC: i8 = 2;
pub const BROKER: i8 = 4;
pub const BROKER_LOGGER: i8 = 8;
pub const CLIENT_METRICS: i8 = 16;
pub const GROUP: i8 = 32;

/// A time that asks ListOffsets for the first offset.
pub const EARLIEST: i64 = -2;
/// A time that asks ListOffsets for the end.
pub const LATEST: i64 = -1;

pub fn change(operation: i8, name: &str, value: Option<&str>) -> AlterableConfig {
    AlterableConfig::default()
        .with_config_operation(operation)
        .with_name(text(name))
        .with_value(value.map(text))
}

pub fn set(name: &str, value: &str) -> AlterableConfig {
    change(0, name, Some(value))
}

pub fn unset(name: &str) -> AlterableConfig {
    change(1, name, None)
}

pub fn append(name: &str, value: &str) -> AlterableConfig {
    change(2, name, Some(value))
}

pub fn subtract(name: &str, value: &str) -> AlterableConfig {
    change(3, name, Some(value))
}

pub fn resource(kind: i8, name: &str, configs: Vec<AlterableConfig>) -> AlterConfigsResource {
    AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configs(configs)
}

pub fn alter(resources: Vec<AlterConfigsResource>) -> IncrementalAlterConfigsRequest {
    IncrementalAlterConfigsRequest::default().with_resources(resources)
}

/// Taken by scenarios that change configs of the broker itself, which all of them see, and by those
/// that tell all of a broker's or of a topic's configs.
pub async fn brokers_configs() -> MutexGuard<'static, ()> {
    static TAKEN: Mutex<()> = Mutex::const_new(());
    TAKEN.lock().await
}

/// Asks until the answer is as it shall be, which must come true within some seconds.
pub async fn until<R: Request>(
    client: &mut Client,
    version: i16,
    request: &R,
    done: impl Fn(&R::Response) -> bool,
) -> R::Response {
    for _ in 0..500 {
        let answer = client.ask(version, request).await;
        if done(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("what was waited for did not happen")
}

/// Describes one config until it has that value, and records it with all of its synonyms.
pub async fn until_config_is(
    client: &mut Client,
    kind: i8,
    resource: &str,
    config: &str,
    value: Option<&str>,
) {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configuration_keys(Some(vec![text(config)]));
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true);
    let has_it = |answer: &DescribeConfigsResponse| {
        let result = &answer.results[0];
        let told = result.configs.first().and_then(|config| config.value.as_deref());
        result.error_code == 0 && told == value
    };
    let mut answer = until(client, 4, &request, has_it).await;
    // Kafka changes value and source one after the other; both stand when they stay.
    loop {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let again = until(client, 4, &request, has_it).await;
        if again == answer {
            break;
        }
        answer = again;
    }
    client.record("> DescribeConfigs", &answer.results[0].configs);
}

/// Waits until the topic has so many partitions, and tells of each who leads it.
pub async fn until_partitions_are(client: &mut Client, topic: &Topic, count: usize) {
    let request = metadata(12, &[&topic.name]);
    until(client, 12, &request, |answer| {
        let partitions = &answer.topics[0].partitions;
        let led = partitions.iter().filter(|partition| partition.error_code == 0);
        partitions.len() == count && led.count() == count
    })
    .await;
    client.until_writable(topic, count as i32).await;
}

/// The offset that a partition has for a time.
pub async fn offset_at(client: &mut Client, place: Place<'_>, timestamp: i64) -> (i64, i64) {
    let partition = ListOffsetsPartition::default()
        .with_partition_index(place.partition)
        .with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default()
        .with_name(topic_name(place.name))
        .with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default().with_topics(vec![topic]);
    let mut response = client.ask(7, &request).await;
    let row = response.topics.remove(0).partitions.remove(0);
    expect(row.error_code, ErrorCode::None);
    (row.offset, row.timestamp)
}

/// Sees to it that `__consumer_offsets` is there: Kafka creates it for the first who asks for a
/// group's coordinator.
pub async fn offsets_topic(client: &mut Client) {
    let request = FindCoordinatorRequest::default().with_key(text("g"));
    until(client, 3, &request, |answer| answer.error_code == 0).await;
    let request = metadata(12, &["__consumer_offsets"]);
    until(client, 12, &request, |answer| {
        answer.topics[0].partitions.iter().all(|partition| partition.error_code == 0)
    })
    .await;
}
