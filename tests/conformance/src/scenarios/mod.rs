//! The scenarios, one file for each area. A new file is one line in the list.

use crate::scenario::Scenario;

/// Declares the files, and gathers their scenarios.
macro_rules! areas {
    ($($area:ident)*) => {
        $(mod $area;)*

        /// Every area's scenarios.
        pub const AREAS: &[&[Scenario]] = &[$($area::SCENARIOS),*];
    };
}

areas! {
    api_versions
    configs
    connection
    heartbeat
    join_group
    metadata
    producer_ids
    topic_partitions
    topics
}

/// Every scenario whose id contains `filter`.
pub fn all(filter: Option<&str>) -> Vec<Scenario> {
    let every = AREAS.iter().flat_map(|area| area.iter().copied());
    every.filter(|scenario| filter.is_none_or(|filter| scenario.id().contains(filter))).collect()
}
