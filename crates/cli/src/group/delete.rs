//! `tidegate group delete` and `tidegate group delete-offsets`.

use crate::args::ConnectArgs;
use crate::client::{Client, Partition};
use crate::failure::Failure;
use crate::outcome::{Outcome, report};
use crate::scope::TopicScope;
use std::collections::BTreeSet;

/// Deletes each of `groups`.
pub fn groups(connect: &ConnectArgs, groups: Vec<String>) -> Result<(), Failure> {
    let mut client = Client::connect(connect)?;
    let delete = |group: String| {
        let result = client.delete_group(&group).map(|()| format!("deleted group {group}"));
        (group, result)
    };
    let outcomes: Vec<Outcome> = groups.into_iter().map(delete).collect();
    report(connect.json, outcomes)
}

/// Deletes the committed offsets of `group` in `scopes`. A whole topic stands for the partitions
/// that have one.
pub fn offsets(connect: &ConnectArgs, group: &str, scopes: &[TopicScope]) -> Result<(), Failure> {
    let mut client = Client::connect(connect)?;
    let coordinator = client.coordinator(group)?;
    let committed = client.committed(coordinator, group)?;
    let mut partitions: BTreeSet<Partition> = BTreeSet::new();
    let mut outcomes: Vec<Outcome> = Vec::new();
    for TopicScope { topic, partitions: named } in scopes {
        let of_topic: BTreeSet<i32> = match named {
            Some(named) => named.clone(),
            None => committed.keys().filter(|(of, _)| of == topic).map(|(_, p)| *p).collect(),
        };
        if of_topic.is_empty() {
            let problem = format!("group {group} has committed no offsets of topic {topic}");
            outcomes.push((topic.clone(), Err(Failure::Failed(problem))));
        }
        partitions.extend(of_topic.into_iter().map(|partition| (topic.clone(), partition)));
    }
    if !partitions.is_empty() {
        for ((topic, partition), result) in
            client.delete_offsets(coordinator, group, &partitions)?
        {
            let name = format!("{topic}-{partition}");
            let said = format!("deleted the committed offset of {name}");
            outcomes.push((name, result.map(|()| said)));
        }
    }
    report(connect.json, outcomes)
}
