//! `tidegate group describe`.

use super::check_kind;
use crate::args::ConnectArgs;
use crate::client::{At, Client, Committed, DEAD, Member, Partition};
use crate::failure::Failure;
use crate::outcome::failed;
use crate::output::{Table, number, print, print_json};
use crate::scope::topics_of;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Serialize)]
struct DescribedGroup {
    group: String,
    state: String,
    r#type: &'static str,
    assignor: String,
    coordinator: i32,
    members: Vec<DescribedMember>,
    offsets: Vec<DescribedOffset>,
}

#[derive(Serialize)]
struct DescribedMember {
    member_id: String,
    instance_id: Option<String>,
    client_id: String,
    host: String,
    /// Topics with their partitions; none if the assignment is not a consumer's.
    assignment: BTreeMap<String, Vec<i32>>,
}

#[derive(Serialize)]
struct DescribedOffset {
    topic: String,
    partition: i32,
    committed_offset: Option<i64>,
    leader_epoch: Option<i32>,
    start_offset: Option<i64>,
    end_offset: Option<i64>,
    lag: Option<i64>,
    metadata: Option<String>,
    member_id: Option<String>,
}

/// Describes each of `groups`.
pub fn run(connect: &ConnectArgs, groups: &[String]) -> Result<(), Failure> {
    let mut client = Client::connect(connect)?;
    let (mut described, mut failures) = (Vec::new(), Vec::new());
    for group in groups {
        match describe(&mut client, group) {
            Ok(group) => described.push(group),
            Err(failure) => failures.push(failure),
        }
    }
    if connect.json {
        print_json(&described)?;
    } else {
        let described: Vec<String> = described.iter().map(rendered).collect();
        print(&described.join("\n"))?;
    }
    failed(failures, groups.len())
}

fn describe(client: &mut Client, name: &str) -> Result<DescribedGroup, Failure> {
    let group = client.group(name)?;
    check_kind(client, name, &group)?;
    let committed = client.committed(group.coordinator, name)?;
    if group.state == DEAD && committed.is_empty() {
        return Err(Failure::Failed(format!("group {name} does not exist")));
    }
    Ok(DescribedGroup {
        group: name.to_owned(),
        state: group.state,
        r#type: group.r#type,
        assignor: group.assignor,
        coordinator: group.coordinator,
        offsets: offsets(client, &group.members, committed)?,
        members: group.members.into_iter().map(member).collect(),
    })
}

fn member(member: Member) -> DescribedMember {
    let Member { member_id, instance_id, client_id, host, assignment } = member;
    DescribedMember { member_id, instance_id, client_id, host, assignment }
}

/// A row for each partition that the group has committed an offset of or that a member holds.
fn offsets(
    client: &mut Client,
    members: &[Member],
    mut committed: Committed,
) -> Result<Vec<DescribedOffset>, Failure> {
    let mut holders: BTreeMap<Partition, &str> = BTreeMap::new();
    for member in members {
        for (topic, partitions) in &member.assignment {
            for partition in partitions {
                holders.insert((topic.clone(), *partition), &member.member_id);
            }
        }
    }
    let partitions: BTreeSet<Partition> = committed.keys().chain(holders.keys()).cloned().collect();
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let topics = topics_of(client, &partitions)?;
    let starts = client.offsets(&topics, At::Earliest)?;
    let ends = client.offsets(&topics, At::Latest)?;
    let row = |partition: Partition| {
        let committed = committed.remove(&partition);
        let offset = committed.as_ref().map(|committed| committed.offset);
        let end = ends.get(&partition).map(|end| end.offset);
        DescribedOffset {
            committed_offset: offset,
            leader_epoch: committed.as_ref().and_then(|committed| committed.leader_epoch),
            start_offset: starts.get(&partition).map(|start| start.offset),
            end_offset: end,
            lag: offset.and_then(|offset| Some((end? - offset).max(0))),
            metadata: committed.map(|committed| committed.metadata).filter(|m| !m.is_empty()),
            member_id: holders.get(&partition).map(|member| (*member).to_owned()),
            topic: partition.0,
            partition: partition.1,
        }
    };
    Ok(partitions.into_iter().map(row).collect())
}

fn rendered(group: &DescribedGroup) -> String {
    let assignor = match group.assignor.as_str() {
        "" => String::new(),
        assignor => format!(", assigned by {assignor}"),
    };
    let members = match group.members.is_empty() {
        true => "no members\n".to_owned(),
        false => members_table(&group.members).render(),
    };
    let offsets = match group.offsets.is_empty() {
        true => "no committed offsets\n".to_owned(),
        false => offsets_table(&group.offsets).render(),
    };
    format!(
        "{}  {} ({}{assignor}), coordinator {}\n\n{members}\n{offsets}",
        group.group,
        group.state,
        group.r#type.to_lowercase(),
        group.coordinator
    )
}

fn members_table(members: &[DescribedMember]) -> Table {
    let mut table = Table::new(&["MEMBER", "INSTANCE", "CLIENT", "HOST", "PARTITIONS"]);
    for member in members {
        let held = |(topic, partitions): (&String, &Vec<i32>)| {
            let partitions: Vec<String> = partitions.iter().map(ToString::to_string).collect();
            format!("{topic}:{}", partitions.join(","))
        };
        let held: Vec<String> = member.assignment.iter().map(held).collect();
        table.row([
            member.member_id.clone(),
            member.instance_id.clone().unwrap_or_else(|| "-".to_owned()),
            member.client_id.clone(),
            member.host.clone(),
            if held.is_empty() { "-".to_owned() } else { held.join(" ") },
        ]);
    }
    table
}

fn offsets_table(offsets: &[DescribedOffset]) -> Table {
    let with_metadata = offsets.iter().any(|offset| offset.metadata.is_some());
    let mut headings = vec!["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER"];
    headings.extend(with_metadata.then_some("METADATA"));
    let mut table = Table::new(&headings);
    for offset in offsets {
        let mut row = vec![
            offset.topic.clone(),
            offset.partition.to_string(),
            number(offset.committed_offset),
            number(offset.end_offset),
            number(offset.lag),
            offset.member_id.clone().unwrap_or_else(|| "-".to_owned()),
        ];
        row.extend(with_metadata.then(|| offset.metadata.clone().unwrap_or_default()));
        table.row(row);
    }
    table
}
