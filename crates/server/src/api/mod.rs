//! The Kafka API: one file per request type, one table of them all.
//!
//! Handlers turn version-shaped requests into version-free calls of the broker and back. What a
//! request does begins before its handler returns; a handler that has to wait leaves a future.

mod acls;
mod alter_client_quotas;
mod alter_configs;
mod api_versions;
mod configs;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_client_quotas;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod describe_user_scram_credentials;
mod elect_leaders;
mod errors;
mod fetch;
mod find_coordinator;
mod groups;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod reassignments;
mod request;
mod sync_group;
mod telemetry;
mod update_features;

pub use api_versions::{KEY as API_VERSIONS_KEY, unsupported as unsupported_api_versions};
pub use produce::KEY as PRODUCE_KEY;
pub use request::{Client, Context, Endpoint, Request};

use crate::net::connection::Reply;
use std::ops::RangeInclusive;
use tidegate_wire::WireError;

/// One request type that this gateway serves.
pub struct Api {
    /// The number on the wire.
    pub key: i16,
    /// Kafka's name.
    pub name: &'static str,
    /// Versions that ApiVersions names.
    pub advertised: RangeInclusive<i16>,
    /// The first version that is answered; below it the connection is closed.
    pub served_from: i16,
    /// Begins one request.
    pub handle: fn(&mut Client, Request) -> Result<Reply, WireError>,
}

impl Api {
    const fn new(
        key: i16,
        name: &'static str,
        advertised: RangeInclusive<i16>,
        handle: fn(&mut Client, Request) -> Result<Reply, WireError>,
    ) -> Self {
        let served_from = *advertised.start();
        Api { key, name, advertised, served_from, handle }
    }

    /// True if requests of that version are answered.
    pub fn serves(&self, version: i16) -> bool {
        (self.served_from..=*self.advertised.end()).contains(&version)
    }
}

/// Every request type served, by rising key: dispatch, ApiVersions and the documentation are
/// derived from this.
pub static APIS: &[Api] = &[
    // Versions 0 to 2 are named so that librdkafka below 2.11 goes on compressing (KAFKA-18659).
    Api { served_from: 3, ..Api::new(0, "Produce", 0..=13, produce::handle) },
    Api::new(1, "Fetch", 4..=18, fetch::handle),
    Api::new(2, "ListOffsets", 1..=10, list_offsets::handle),
    Api::new(3, "Metadata", 0..=13, metadata::handle),
    Api::new(8, "OffsetCommit", 0..=10, offset_commit::handle),
    Api::new(9, "OffsetFetch", 0..=10, offset_fetch::handle),
    Api::new(10, "FindCoordinator", 0..=6, find_coordinator::handle),
    Api::new(11, "JoinGroup", 0..=9, join_group::handle),
    Api::new(12, "Heartbeat", 0..=4, heartbeat::handle),
    Api::new(13, "LeaveGroup", 0..=5, leave_group::handle),
    Api::new(14, "SyncGroup", 0..=5, sync_group::handle),
    Api::new(15, "DescribeGroups", 0..=6, describe_groups::handle),
    Api::new(16, "ListGroups", 0..=5, list_groups::handle),
    Api::new(18, "ApiVersions", 0..=4, api_versions::handle),
    Api::new(19, "CreateTopics", 2..=7, create_topics::handle),
    Api::new(20, "DeleteTopics", 1..=6, delete_topics::handle),
    Api::new(21, "DeleteRecords", 0..=2, delete_records::handle),
    Api::new(22, "InitProducerId", 0..=5, init_producer_id::handle),
    Api::new(23, "OffsetForLeaderEpoch", 2..=4, offset_for_leader_epoch::handle),
    Api::new(29, "DescribeAcls", 1..=3, acls::describe),
    Api::new(30, "CreateAcls", 1..=3, acls::create),
    Api::new(31, "DeleteAcls", 1..=3, acls::delete),
    Api::new(32, "DescribeConfigs", 1..=4, describe_configs::handle),
    Api::new(33, "AlterConfigs", 0..=2, alter_configs::handle),
    Api::new(35, "DescribeLogDirs", 1..=4, describe_log_dirs::handle),
    Api::new(37, "CreatePartitions", 0..=3, create_partitions::handle),
    Api::new(42, "DeleteGroups", 0..=2, delete_groups::handle),
    Api::new(43, "ElectLeaders", 0..=2, elect_leaders::handle),
    Api::new(44, "IncrementalAlterConfigs", 0..=1, incremental_alter_configs::handle),
    Api::new(45, "AlterPartitionReassignments", 0..=1, reassignments::alter),
    Api::new(46, "ListPartitionReassignments", 0..=0, reassignments::list),
    Api::new(47, "OffsetDelete", 0..=0, offset_delete::handle),
    Api::new(48, "DescribeClientQuotas", 0..=1, describe_client_quotas::handle),
    Api::new(49, "AlterClientQuotas", 0..=1, alter_client_quotas::handle),
    Api::new(50, "DescribeUserScramCredentials", 0..=0, describe_user_scram_credentials::handle),
    Api::new(55, "DescribeQuorum", 0..=2, describe_quorum::handle),
    Api::new(57, "UpdateFeatures", 0..=2, update_features::handle),
    Api::new(60, "DescribeCluster", 0..=2, describe_cluster::handle),
    Api::new(61, "DescribeProducers", 0..=0, describe_producers::handle),
    Api::new(71, "GetTelemetrySubscriptions", 0..=0, telemetry::get_subscriptions),
    Api::new(72, "PushTelemetry", 0..=0, telemetry::push),
    Api::new(74, "ListConfigResources", 0..=1, list_config_resources::handle),
    Api::new(75, "DescribeTopicPartitions", 0..=0, describe_topic_partitions::handle),
];

/// The entry of that key.
pub fn find(key: i16) -> Option<&'static Api> {
    APIS.binary_search_by_key(&key, |api| api.key).ok().map(|index| &APIS[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_rise_so_that_the_search_finds_each() {
        assert!(APIS.is_sorted_by(|one, next| one.key < next.key));
        assert!(APIS.iter().all(|api| find(api.key).is_some_and(|found| found.name == api.name)));
    }

    #[test]
    fn old_produce_versions_are_named_but_not_served() {
        let produce = find(0).expect("Produce is served");
        assert!(produce.advertised.contains(&0) && !produce.serves(2) && produce.serves(3));
    }
}
