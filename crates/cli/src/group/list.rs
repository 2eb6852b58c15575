//! `tidegate group list`.

use crate::args::{ConnectArgs, GroupState, GroupType};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Table, print, print_json};
use crate::scope::matches_any;
use clap::ValueEnum;
use serde::Serialize;

#[derive(Serialize)]
struct ListedGroup {
    group: String,
    state: String,
    r#type: String,
    protocol: String,
    coordinator: i32,
}

/// Prints the groups that all filters let through.
///
/// The filters work here and not in the request, because brokers before Kafka 3.8 do not know them.
pub fn run(
    connect: &ConnectArgs,
    patterns: &[String],
    states: &[GroupState],
    types: &[GroupType],
) -> Result<(), Failure> {
    let groups = Client::connect(connect)?.groups()?.into_iter();
    let mut groups: Vec<ListedGroup> = groups
        .map(|(coordinator, group)| ListedGroup {
            group: group.group_id.to_string(),
            state: group.group_state.to_string(),
            r#type: group.group_type.to_string(),
            protocol: group.protocol_type.to_string(),
            coordinator,
        })
        .collect();
    groups.retain(|group| {
        matches_any(patterns, &group.group)
            && is_one_of(states, &group.state)
            && is_one_of(types, &group.r#type)
    });
    if connect.json {
        return print_json(&groups);
    }
    let mut table = Table::new(&["GROUP", "STATE", "TYPE", "PROTOCOL", "COORDINATOR"]);
    for group in groups {
        let coordinator = group.coordinator.to_string();
        table.row([group.group, group.state, group.r#type, group.protocol, coordinator]);
    }
    print(&table.render())
}

/// Whether `value` is the name of one of `wanted`, or nothing in particular is wanted. Kafka has
/// changed the case of these names before.
fn is_one_of<T: ValueEnum>(wanted: &[T], value: &str) -> bool {
    let is = |wanted: &T| wanted.to_possible_value().is_some_and(|name| name.matches(value, true));
    wanted.is_empty() || wanted.iter().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_lets_any_of_its_values_through_in_any_case() {
        let states = [GroupState::Empty, GroupState::PreparingRebalance];
        assert!(is_one_of(&states, "Empty") && is_one_of(&states, "preparingrebalance"));
        assert!(!is_one_of(&states, "Stable"));
        assert!(is_one_of::<GroupType>(&[], "anything"));
    }
}
