//! `tidegate group export-offsets`.

use super::file::{Entry, to_csv};
use crate::args::ConnectArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::outcome::failed;
use crate::output::{print, print_json};
use crate::scope::TopicScope;

/// Prints the committed offsets of `groups` in `scopes`, or all if there are none.
pub fn run(connect: &ConnectArgs, groups: &[String], scopes: &[TopicScope]) -> Result<(), Failure> {
    let mut client = Client::connect(connect)?;
    let (mut entries, mut failures) = (Vec::new(), Vec::new());
    for group in groups {
        match committed(&mut client, group, scopes) {
            Ok(of_group) => entries.extend(of_group),
            Err(failure) => failures.push(failure),
        }
    }
    if connect.json {
        print_json(&entries)?;
    } else {
        print(&to_csv(&entries, groups.len() > 1))?;
    }
    failed(failures, groups.len())
}

fn committed(
    client: &mut Client,
    group: &str,
    scopes: &[TopicScope],
) -> Result<Vec<Entry>, Failure> {
    let coordinator = client.coordinator(group)?;
    let committed = client.committed(coordinator, group)?;
    let wanted = |topic: &str, partition: i32| {
        let covers = |scope: &TopicScope| {
            scope.topic == topic
                && scope.partitions.as_ref().is_none_or(|named| named.contains(&partition))
        };
        scopes.is_empty() || scopes.iter().any(covers)
    };
    let entries: Vec<Entry> = committed
        .into_iter()
        .filter(|((topic, partition), _)| wanted(topic, *partition))
        .map(|((topic, partition), committed)| Entry {
            group: Some(group.to_owned()),
            topic,
            partition,
            offset: committed.offset,
            leader_epoch: committed.leader_epoch,
            metadata: committed.metadata,
        })
        .collect();
    if entries.is_empty() {
        let scope = if scopes.is_empty() { "" } else { " there" };
        return Err(Failure::Failed(format!("group {group} has committed no offsets{scope}")));
    }
    Ok(entries)
}
