//! CreatePartitions: what is usable when the answer has come.

use crate::alter_configs::alter;
use crate::common::batch::{Batch, log_records};
use crate::common::client::{Place, fetch_request, topic_name};
use crate::common::{Gateway, RawClient, code};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{CreatePartitionsRequest, MetadataRequest};
use tidegate_model::ErrorCode;

/// Asks for `count` partitions of each topic; the codes of the rows.
pub async fn grow(client: &mut RawClient, version: i16, topics: &[(&str, i32)]) -> Vec<ErrorCode> {
    let topic = |(name, count): &(&str, i32)| {
        CreatePartitionsTopic::default()
            .with_name(topic_name(name))
            .with_count(*count)
            .with_assignments(None)
    };
    let request = CreatePartitionsRequest::default()
        .with_topics(topics.iter().map(topic).collect())
        .with_timeout_ms(9_000);
    let answer = client.call(version, &request).await;
    answer.results.iter().map(|row| code(row.error_code)).collect()
}

async fn partitions(client: &mut RawClient, name: &str) -> Vec<i32> {
    let topic = MetadataRequestTopic::default().with_name(Some(topic_name(name)));
    let answer = client.call(12, &MetadataRequest::default().with_topics(Some(vec![topic]))).await;
    answer.topics[0].partitions.iter().map(|partition| partition.partition_index).collect()
}

#[tokio::test]
async fn a_new_partition_takes_and_gives_records_with_the_next_request() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let mut client = gateway.client().await;
    for version in 0..=3 {
        let partition = i32::from(version) + 1;
        let place = Place { name: "t", id, partition };
        let early = client.produce(9, place, Batch::of(&["v"])).await;
        assert_eq!(code(early.error_code), ErrorCode::UnknownTopicOrPartition, "v{version}");
        assert_eq!(grow(&mut client, version, &[("t", partition + 1)]).await, [ErrorCode::None]);
        assert_eq!(client.append(place, Batch::of(&["v"])).await, 0, "v{version}");
        let fetched = client.read(12, place, 0).await;
        assert_eq!(log_records(&fetched.records), [(0, "v".to_owned())], "v{version}");
        assert_eq!(partitions(&mut client, "t").await, (0..=partition).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_partitions_that_were_there_keep_their_records_and_their_waiting_fetches() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let place = Place { name: "t", id, partition: 0 };
    let (mut client, mut waiting) = (gateway.client().await, gateway.client().await);
    client.append(place, Batch::of(&["before"])).await;
    let mut request = fetch_request(&[(place, 1)]);
    request.max_wait_ms = 15_000;
    request.min_bytes = 1;
    let fetch = waiting.begin_fetch(12, &request).await;
    assert_eq!(grow(&mut client, 3, &[("t", 3)]).await, [ErrorCode::None]);
    client.append(place, Batch::of(&["after"])).await;
    let fetched = waiting.end_fetch(12, fetch).await;
    let records = log_records(&fetched.topics[0].partitions[0].records);
    assert_eq!(records, [(1, "after".to_owned())]);
    let all = client.read(12, place, 0).await;
    assert_eq!(log_records(&all.records).len(), 2);
}

#[tokio::test]
async fn the_partitions_of_the_offsets_topic_stay_as_many_as_groups_were_spread_over() {
    let gateway = Gateway::start().await;
    gateway.topic("__consumer_offsets", 3).await;
    gateway.topic("t", 1).await;
    let mut client = gateway.client().await;
    let codes = grow(&mut client, 3, &[("__consumer_offsets", 4), ("t", 2)]).await;
    assert_eq!(codes, [ErrorCode::InvalidRequest, ErrorCode::None]);
    assert_eq!(partitions(&mut client, "__consumer_offsets").await, [0, 1, 2]);
}

#[tokio::test]
async fn topics_grow_and_change_at_the_same_time_without_losing_either() {
    let gateway = Gateway::start().await;
    gateway.topic("t", 1).await;
    let growing = async {
        let mut client = gateway.client().await;
        for count in 2..20 {
            assert_eq!(grow(&mut client, 3, &[("t", count)]).await, [ErrorCode::None]);
            assert_eq!(partitions(&mut client, "t").await.len(), count as usize);
        }
    };
    let changing = async {
        let mut client = gateway.client().await;
        for value in 1_000..1_040 {
            let value = value.to_string();
            let failed = alter(&mut client, 2, "t", &[("retention.ms", Some(&value))]).await;
            assert_eq!(failed, ErrorCode::None);
            let topic = gateway.broker.topics().by_name("t").expect("it exists");
            assert_eq!(topic.configs["retention.ms"], value);
        }
    };
    tokio::join!(growing, changing);
    let topic = gateway.broker.topics().by_name("t").expect("it exists");
    assert_eq!((topic.partitions.len(), topic.settings.retention_ms), (19, 1_039));
}
