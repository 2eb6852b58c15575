//! The scenarios, one file for each area. A new file is one line in each list.

mod topics;

use crate::scenario::Scenario;

/// Every area's scenarios.
pub const AREAS: &[&[Scenario]] = &[topics::SCENARIOS];

/// Every scenario whose id contains `filter`.
pub fn all(filter: Option<&str>) -> Vec<Scenario> {
    let every = AREAS.iter().flat_map(|area| area.iter().copied());
    every.filter(|scenario| filter.is_none_or(|filter| scenario.id().contains(filter))).collect()
}
