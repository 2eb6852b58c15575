//! The scenarios, one file for each area. A new file is one line in each list.

mod api_versions;
mod configs;
mod connection;
mod alter_configs;
mod broker_configs;
mod create_partitions;
mod delete_records;
mod heartbeat;
mod join_group;
mod metadata;
mod producer_ids;
mod topic_partitions;
mod leave_group;
mod static_members;
mod sync_group;
mod replace_configs;
mod topics;

use crate::scenario::Scenario;

/// Every area's scenarios.
pub const AREAS: &[&[Scenario]] = &[
    api_versions::SCENARIOS,
    configs::SCENARIOS,
    connection::SCENARIOS,
    heartbeat::SCENARIOS,
    join_group::SCENARIOS,
    metadata::SCENARIOS,
    producer_ids::SCENARIOS,
    topic_partitions::SCENARIOS,
    heartbeat::SCENARIOS,
    join_group::SCENARIOS,
    leave_group::SCENARIOS,
    static_members::SCENARIOS,
    sync_group::SCENARIOS,
    alter_configs::SCENARIOS,
    broker_configs::SCENARIOS,
    create_partitions::SCENARIOS,
    delete_records::SCENARIOS,
    heartbeat::SCENARIOS,
    join_group::SCENARIOS,
    replace_configs::SCENARIOS,
    topics::SCENARIOS,
];

/// Every scenario whose id contains `filter`.
pub fn all(filter: Option<&str>) -> Vec<Scenario> {
    let every = AREAS.iter().flat_map(|area| area.iter().copied());
    every.filter(|scenario| filter.is_none_or(|filter| scenario.id().contains(filter))).collect()
}
