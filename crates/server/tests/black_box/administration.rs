//! Administration of what one gateway cannot change, and what it shows of itself.

use crate::common::batch::Batch;
use crate::common::client::{Place, topic_name};
use crate::common::{Gateway, code};
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use tidegate_model::ErrorCode;
use uuid::Uuid;

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

#[tokio::test]
async fn electing_leaders_is_never_needed() {
    let gateway = Gateway::start().await;
    gateway.topic("t", 2).await;
    let mut client = gateway.client().await;
    for version in 0..=2 {
        let named = |name: &str, partitions: &[i32]| {
            TopicPartitions::default()
                .with_topic(topic_name(name))
                .with_partitions(partitions.to_vec())
        };
        let request = ElectLeadersRequest::default()
            .with_topic_partitions(Some(vec![named("t", &[1, 9]), named("nope", &[0])]));
        let response = client.call(version, &request).await;
        let rows =
            response.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
        let codes: Vec<_> = rows.map(|row| code(row.error_code)).collect();
        let unknown = ErrorCode::UnknownTopicOrPartition;
        assert_eq!(codes, [ErrorCode::ElectionNotNeeded, unknown, unknown]);
        let all = ElectLeadersRequest::default().with_topic_partitions(None);
        let all = client.call(version, &all).await.replica_election_results;
        assert!(all.len() == 1 && all[0].partition_result.is_empty(), "{all:?}");
    }
    let odd = ElectLeadersRequest::default().with_election_type(2).with_topic_partitions(None);
    assert_eq!(code(client.call(2, &odd).await.error_code), ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn a_partition_can_only_be_assigned_to_where_it_is() {
    let gateway = Gateway::start().await;
    gateway.topic("t", 1).await;
    let mut client = gateway.client().await;
    for version in 0..=1 {
        for (index, replicas, expected, message) in [
            (0, Some(vec![1]), ErrorCode::None, None),
            (0, None, ErrorCode::NoReassignmentInProgress, None),
            (
                7,
                Some(vec![1]),
                ErrorCode::UnknownTopicOrPartition,
                Some("Unable to find partition t:7."),
            ),
            (
                0,
                Some(vec![1, 1]),
                ErrorCode::InvalidReplicaAssignment,
                Some("The manual partition assignment includes the broker 1 more than once."),
            ),
            (
                0,
                Some(vec![1, 2]),
                ErrorCode::InvalidReplicaAssignment,
                Some(
                    "The manual partition assignment includes broker 2, but no such broker is registered.",
                ),
            ),
            (
                0,
                Some(vec![]),
                ErrorCode::InvalidReplicaAssignment,
                Some("The manual partition assignment includes an empty replica list."),
            ),
        ] {
            let partition = ReassignablePartition::default()
                .with_partition_index(index)
                .with_replicas(replicas.map(|ids| ids.into_iter().map(BrokerId).collect()));
            let topic = ReassignableTopic::default()
                .with_name(topic_name("t"))
                .with_partitions(vec![partition]);
            let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]);
            let row = client.call(version, &request).await.responses.remove(0).partitions.remove(0);
            assert_eq!((code(row.error_code), row.error_message.as_deref()), (expected, message));
        }
    }
    let all = ListPartitionReassignmentsRequest::default().with_topics(None);
    assert!(client.call(0, &all).await.topics.is_empty());
}

#[tokio::test]
async fn the_quorum_is_this_gateway_alone() {
    let gateway = Gateway::start().await;
    gateway.topic("t", 1).await;
    let mut client = gateway.client().await;
    let about = |name: &str| {
        let topic = TopicData::default()
            .with_topic_name(topic_name(name))
            .with_partitions(vec![PartitionData::default()]);
        DescribeQuorumRequest::default().with_topics(vec![topic])
    };
    for version in 0..=2 {
        let response = client.call(version, &about("__cluster_metadata")).await;
        let row = &response.topics[0].partitions[0];
        assert_eq!((row.error_code, row.leader_id.0), (0, 1));
        assert!(row.high_watermark > 0, "the topic's creation is in the log");
        assert_eq!(row.current_voters.len(), 1);
        assert_eq!(row.current_voters[0].log_end_offset, row.high_watermark);
        assert_eq!(response.nodes.len(), usize::from(version >= 2));
        let other = client.call(version, &about("t")).await;
        let error = code(other.topics[0].partitions[0].error_code);
        assert_eq!(error, ErrorCode::UnknownTopicOrPartition);
    }
}

#[tokio::test]
async fn no_feature_has_a_level_that_could_be_changed() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    assert_eq!(client.call(2, &UpdateFeaturesRequest::default()).await.error_code, 0);
    for (level, why) in [
        (1, "Local controller 1 does not support this feature."),
        (0, "Feature metadata.version not found."),
        (-1, "A feature version cannot be less than 0."),
    ] {
        let update = FeatureUpdateKey::default()
            .with_feature(text("metadata.version"))
            .with_max_version_level(level)
            .with_upgrade_type(1);
        let request = UpdateFeaturesRequest::default().with_feature_updates(vec![update]);
        let response = client.call(1, &request).await;
        assert_eq!(code(response.error_code), ErrorCode::InvalidUpdateVersion);
        assert!(response.error_message.expect("says why").ends_with(why));
    }
}

#[tokio::test]
async fn producers_are_described_with_their_last_sequence() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 2).await;
    let mut client = gateway.client().await;
    let place = Place { name: "t", id, partition: 1 };
    for sequence in [0, 2] {
        client.append(place, Batch::of(&["a", "b"]).by(77, 3, sequence)).await;
    }
    let ask = |name: &str, partitions: &[i32]| {
        TopicRequest::default()
            .with_name(topic_name(name))
            .with_partition_indexes(partitions.to_vec())
    };
    let topics = vec![ask("t", &[1, 0, 2]), ask("nope", &[0]), ask("b@d", &[0])];
    let response = client.call(0, &DescribeProducersRequest::default().with_topics(topics)).await;
    let rows: Vec<_> = response.topics.iter().flat_map(|topic| &topic.partitions).collect();
    let codes: Vec<_> = rows.iter().map(|row| code(row.error_code)).collect();
    let unknown = ErrorCode::UnknownTopicOrPartition;
    let none = ErrorCode::None;
    assert_eq!(codes, [none, none, unknown, unknown, ErrorCode::InvalidTopic]);
    let producer = &rows[0].active_producers[0];
    assert_eq!((producer.producer_id.0, producer.producer_epoch), (77, 3));
    assert_eq!((producer.last_sequence, producer.current_txn_start_offset), (3, -1));
    assert!(rows[1].active_producers.is_empty());
}

#[tokio::test]
async fn no_metrics_are_wanted_of_clients_and_pushed_ones_are_dropped() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    let first = client.call(0, &GetTelemetrySubscriptionsRequest::default()).await;
    assert!(first.error_code == 0 && !first.client_instance_id.is_nil());
    assert!(first.requested_metrics.is_empty() && first.push_interval_ms == 300_000);
    let push = |id: Uuid, subscription: i32| {
        PushTelemetryRequest::default()
            .with_client_instance_id(id)
            .with_subscription_id(subscription)
    };
    let (id, subscription) = (first.client_instance_id, first.subscription_id);
    for (request, expected) in [
        (push(id, subscription), ErrorCode::None),
        (push(id, subscription ^ 1), ErrorCode::UnknownSubscriptionId),
        (push(Uuid::nil(), subscription), ErrorCode::InvalidRequest),
        (push(id, subscription).with_compression_type(9), ErrorCode::UnsupportedCompressionType),
        (
            push(id, subscription).with_metrics(vec![0; (1 << 20) + 1].into()),
            ErrorCode::TelemetryTooLarge,
        ),
    ] {
        assert_eq!(code(client.call(0, &request).await.error_code), expected);
    }
}
