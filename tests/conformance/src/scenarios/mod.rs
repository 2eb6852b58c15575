//! The scenarios, one file for each area. A new file is one line in each list.

mod acls;
mod alter_configs;
mod api_versions;
mod broker_configs;
mod client_quotas;
mod cluster;
mod configs;
mod connection;
mod create_partitions;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_groups;
mod elections;
mod fetch;
mod fetch_sessions;
mod find_coordinator;
mod group_errors;
mod heartbeat;
mod idempotence;
mod join_group;
mod leader_epochs;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod log_dirs;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod produce;
mod producer_ids;
mod producers;
mod quorum;
mod quotas;
mod rebalances;
mod record_formats;
mod replace_configs;
mod requests;
mod resource_configs;
mod scram;
mod static_members;
mod sync_group;
mod telemetry;
mod topic_partitions;
mod topics;

use crate::scenario::Scenario;

/// Every area's scenarios.
pub const AREAS: &[&[Scenario]] = &[
    acls::SCENARIOS,
    alter_configs::SCENARIOS,
    api_versions::SCENARIOS,
    broker_configs::SCENARIOS,
    client_quotas::SCENARIOS,
    cluster::SCENARIOS,
    configs::SCENARIOS,
    connection::SCENARIOS,
    create_partitions::SCENARIOS,
    delete_groups::SCENARIOS,
    delete_records::SCENARIOS,
    delete_topics::SCENARIOS,
    describe_groups::SCENARIOS,
    elections::SCENARIOS,
    fetch::SCENARIOS,
    fetch_sessions::SCENARIOS,
    find_coordinator::SCENARIOS,
    group_errors::SCENARIOS,
    heartbeat::SCENARIOS,
    idempotence::SCENARIOS,
    join_group::SCENARIOS,
    leader_epochs::SCENARIOS,
    leave_group::SCENARIOS,
    list_config_resources::SCENARIOS,
    list_groups::SCENARIOS,
    list_offsets::SCENARIOS,
    log_dirs::SCENARIOS,
    metadata::SCENARIOS,
    offset_commit::SCENARIOS,
    offset_delete::SCENARIOS,
    offset_fetch::SCENARIOS,
    produce::SCENARIOS,
    producer_ids::SCENARIOS,
    producers::SCENARIOS,
    quorum::SCENARIOS,
    quotas::SCENARIOS,
    rebalances::SCENARIOS,
    record_formats::SCENARIOS,
    replace_configs::SCENARIOS,
    requests::SCENARIOS,
    resource_configs::SCENARIOS,
    scram::SCENARIOS,
    static_members::SCENARIOS,
    sync_group::SCENARIOS,
    telemetry::SCENARIOS,
    topic_partitions::SCENARIOS,
    topics::SCENARIOS,
];

/// Every scenario whose id contains `filter`.
pub fn all(filter: Option<&str>) -> Vec<Scenario> {
    let every = AREAS.iter().flat_map(|area| area.iter().copied());
    every.filter(|scenario| filter.is_none_or(|filter| scenario.id().contains(filter))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_scenario_is_listed_twice() {
        let mut seen = BTreeSet::new();
        for scenario in all(None) {
            assert!(seen.insert(scenario.id()), "{} is listed twice", scenario.id());
        }
    }
}
