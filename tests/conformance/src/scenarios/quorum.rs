//! DescribeQuorum and UpdateFeatures: what leads the cluster, and what it can be made to do.

use crate::client::Client;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::{DescribeQuorumRequest, UpdateFeaturesRequest};

scenarios![
    one_node_leads_the_metadata_and_is_its_only_voter,
    the_metadatas_log_does_not_go_back,
    other_partitions_of_the_metadata_do_not_exist,
    other_topics_have_no_quorum,
    the_metadata_beside_another_topic_is_unknown_too,
    the_metadata_without_a_partition,
    no_topics_have_no_quorum,
    a_feature_that_does_not_exist_is_refused,
    a_feature_that_does_not_exist_is_removed_in_vain,
    a_negative_level_of_a_feature_is_refused,
    a_kind_of_upgrade_that_does_not_exist_is_refused,
    no_updates_of_features_succeed,
    two_features_are_refused_together,
    a_feature_named_twice,
];

const METADATA: &str = "__cluster_metadata";

fn about(topics: &[(&str, &[i32])]) -> DescribeQuorumRequest {
    let topics = topics.iter().map(|(name, partitions)| {
        let rows =
            partitions.iter().map(|index| PartitionData::default().with_partition_index(*index));
        TopicData::default().with_topic_name(topic_name(name)).with_partitions(rows.collect())
    });
    DescribeQuorumRequest::default().with_topics(topics.collect())
}

async fn one_node_leads_the_metadata_and_is_its_only_voter(mut client: Client) {
    let node = client.target.node_id;
    for version in client.each(0..=2) {
        let response = client.ask(version, &about(&[(METADATA, &[0])])).await;
        expect(response.error_code, ErrorCode::None);
        let row = &response.topics[0].partitions[0];
        expect(row.error_code, ErrorCode::None);
        assert_eq!(row.leader_id.0, node);
        let [voter] = &row.current_voters[..] else { panic!("{:?}", row.current_voters) };
        assert_eq!(voter.replica_id.0, node);
        assert!(row.observers.is_empty() && voter.log_end_offset >= row.high_watermark);
        // Times are told since v1, nodes since v2.
        let times = [voter.last_fetch_timestamp, voter.last_caught_up_timestamp];
        let times_are_told = times.map(|time| time > 0);
        client.record("times and nodes", &(times_are_told, response.nodes.len()));
    }
}

async fn the_metadatas_log_does_not_go_back(mut client: Client) {
    let mut last = 0;
    for version in client.each([0, 1, 2, 2]) {
        let response = client.ask(version, &about(&[(METADATA, &[0])])).await;
        let row = &response.topics[0].partitions[0];
        assert!(row.high_watermark >= last && row.leader_epoch >= 0);
        last = row.high_watermark;
        client.note("it does not");
    }
}

async fn other_partitions_of_the_metadata_do_not_exist(mut client: Client) {
    for version in client.each(0..=2) {
        client.call(version, &about(&[(METADATA, &[1])])).await;
        client.call(version, &about(&[(METADATA, &[0, 1])])).await;
    }
}

async fn other_topics_have_no_quorum(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(0..=2) {
        client.call(version, &about(&[(&topic.name, &[0])])).await;
    }
}

async fn the_metadata_beside_another_topic_is_unknown_too(mut client: Client) {
    for version in client.each(0..=2) {
        client.call(version, &about(&[(METADATA, &[0]), ("other", &[0])])).await;
    }
}

async fn the_metadata_without_a_partition(mut client: Client) {
    for version in client.each(0..=2) {
        client.call(version, &about(&[(METADATA, &[])])).await;
    }
}

async fn no_topics_have_no_quorum(mut client: Client) {
    for version in client.each(0..=2) {
        client.call(version, &about(&[])).await;
    }
}

// ---------------------------------------------------------------------- features

const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;
const UNSAFE_DOWNGRADE: i8 = 3;

/// Only checked where that can be said, since v1; what is asked for is refused in any case.
fn update(version: i16, features: &[(&str, i16, i8)]) -> UpdateFeaturesRequest {
    let rows = features.iter().map(|(name, level, kind)| {
        let row =
            FeatureUpdateKey::default().with_feature(text(name)).with_max_version_level(*level);
        if version >= 1 {
            row.with_upgrade_type(*kind)
        } else {
            row.with_allow_downgrade(*kind != UPGRADE)
        }
    });
    let request = UpdateFeaturesRequest::default()
        .with_feature_updates(rows.collect())
        .with_timeout_ms(9_000);
    if version >= 1 { request.with_validate_only(true) } else { request }
}

async fn a_feature_that_does_not_exist_is_refused(mut client: Client) {
    for version in client.each(0..=2) {
        for kind in [UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE] {
            let request = update(version, &[("no.such.feature", 1, kind)]);
            let response = client.call(version, &request).await;
            expect(response.error_code, ErrorCode::InvalidUpdateVersion);
        }
    }
}

async fn a_feature_that_does_not_exist_is_removed_in_vain(mut client: Client) {
    for version in client.each(0..=2) {
        let request = update(version, &[("no.such.feature", 0, SAFE_DOWNGRADE)]);
        client.call(version, &request).await;
        client.call(version, &update(version, &[("", 0, UPGRADE)])).await;
    }
}

async fn a_negative_level_of_a_feature_is_refused(mut client: Client) {
    for version in client.each(0..=2) {
        client.call(version, &update(version, &[("no.such.feature", -1, UPGRADE)])).await;
    }
}

async fn a_kind_of_upgrade_that_does_not_exist_is_refused(mut client: Client) {
    for version in client.each(1..=2) {
        for kind in [0, 4, -1] {
            client.call(version, &update(version, &[("no.such.feature", 1, kind)])).await;
        }
    }
}

async fn no_updates_of_features_succeed(mut client: Client) {
    for version in client.each(0..=2) {
        let response = client.call(version, &update(version, &[])).await;
        expect(response.error_code, ErrorCode::None);
    }
}

async fn two_features_are_refused_together(mut client: Client) {
    for version in client.each(0..=2) {
        let request = update(version, &[("no.such", 1, UPGRADE), ("neither.such", 2, UPGRADE)]);
        client.call(version, &request).await;
    }
}

async fn a_feature_named_twice(mut client: Client) {
    for version in client.each(0..=2) {
        let request = update(version, &[("no.such", 1, UPGRADE), ("no.such", 2, UPGRADE)]);
        client.call(version, &request).await;
    }
}
