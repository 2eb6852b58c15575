//! `tidegate group import`: commits the offsets of a file just as they are, wherever the gateway keeps them.
//!
//! Unlike `reset-offsets --from-file` it asks nothing of the partitions' logs, and brings epochs and notes
//! with it that the file has.

use super::file::{self, Entry};
use super::{check_inactive, check_kind};
use crate::args::ConnectArgs;
use crate::client::{Client, Committed, CommittedOffset};
use crate::failure::Failure;
use crate::outcome::failed;
use crate::output::{Table, number, print, print_json};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// One partition of one group.
#[derive(Serialize)]
struct Row {
    group: String,
    topic: String,
    partition: i32,
    current_offset: Option<i64>,
    new_offset: i64,
    done: bool,
    error: Option<String>,
}

/// Commits what `path` has, for the group of that name where it names none.
pub fn run(
    connect: &ConnectArgs,
    path: &Path,
    group: Option<&str>,
    execute: bool,
) -> Result<(), Failure> {
    let groups = read(path, group)?;
    let count = groups.len();
    let mut client = Client::connect(connect)?;
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for (name, offsets) in groups {
        match import(&mut client, &name, &offsets, execute) {
            Ok(of_group) => {
                let errors = of_group.iter().filter_map(|row| row.error.clone());
                let errors: Vec<String> = errors.collect();
                if !errors.is_empty() {
                    failures.push(Failure::several(errors));
                }
                rows.extend(of_group);
            }
            Err(failure) => failures.push(failure),
        }
    }
    show(connect.json, execute, &rows)?;
    failed(failures, count)
}

fn read(path: &Path, group: Option<&str>) -> Result<BTreeMap<String, Committed>, Failure> {
    let wrong = |problem: &str| Failure::Usage(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
    let mut groups: BTreeMap<String, Committed> = BTreeMap::new();
    for entry in file::parse(&text).map_err(|problem| wrong(&problem))? {
        let Entry { group: named, topic, partition, offset, leader_epoch, metadata } = entry;
        let Some(name) = named.as_deref().or(group) else {
            return Err(wrong(
                "it does not say of which group the offsets are; name it with --group",
            ));
        };
        // With a group named, the offsets of others in the file are not asked for.
        if group.is_some_and(|wanted| wanted != name) {
            continue;
        }
        let offset = CommittedOffset { offset, leader_epoch, metadata };
        groups.entry(name.to_owned()).or_default().insert((topic, partition), offset);
    }
    match (groups.is_empty(), group) {
        (true, Some(group)) => Err(wrong(&format!("it has no offsets of group {group}"))),
        _ => Ok(groups),
    }
}

fn import(
    client: &mut Client,
    name: &str,
    offsets: &Committed,
    execute: bool,
) -> Result<Vec<Row>, Failure> {
    let group = client.group(name)?;
    check_kind(client, name, &group)?;
    check_inactive(name, &group)?;
    let current = client.committed(group.coordinator, name)?;
    let mut results = match execute {
        true => Some(client.commit(group.coordinator, name, offsets)?),
        false => None,
    };
    let rows = offsets.iter().map(|(partition, offset)| {
        let result = results.as_mut().map(|results| results.remove(partition));
        let (done, error) = match result {
            None => (false, None),
            Some(Some(Ok(()))) => (true, None),
            Some(Some(Err(failure))) => (false, Some(failure.to_string())),
            Some(None) => (false, Some("the broker did not say what came of it".to_owned())),
        };
        Row {
            group: name.to_owned(),
            topic: partition.0.clone(),
            partition: partition.1,
            current_offset: current.get(partition).map(|committed| committed.offset),
            new_offset: offset.offset,
            done,
            error,
        }
    });
    Ok(rows.collect())
}

fn show(json: bool, execute: bool, rows: &[Row]) -> Result<(), Failure> {
    if json {
        return print_json(&rows);
    }
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&["GROUP", "TOPIC", "PARTITION", "CURRENT", "NEW", "NOTE"]);
    for row in rows {
        table.row([
            row.group.clone(),
            row.topic.clone(),
            row.partition.to_string(),
            number(row.current_offset),
            row.new_offset.to_string(),
            row.error.as_ref().map(|_| "not committed".to_owned()).unwrap_or_default(),
        ]);
    }
    let done = rows.iter().filter(|row| row.done).count();
    let said = match (execute, done) {
        (false, _) => "nothing was changed; --execute commits these offsets".to_owned(),
        (true, 1) => "committed 1 offset".to_owned(),
        (true, done) => format!("committed {done} offsets"),
    };
    print(&format!("{}\n{said}\n", table.render()))
}
