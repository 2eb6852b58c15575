//! `inspect groups` and `inspect offsets`.

use super::reader::Reader;
use crate::failure::Failure;
use crate::output::Table;
use crate::time::format_datetime;
use serde::Serialize;
use std::ops::ControlFlow;
use tidegate_broker::CONSUMER_OFFSETS;
use tidegate_machine::group::{GroupMachine, Record, Settings};
use tidegate_machine::{Machine, Now};

#[derive(Serialize)]
struct GroupRow {
    group: String,
    state: &'static str,
    protocol_type: String,
    protocol: Option<String>,
    generation: i32,
    leader: Option<String>,
    members: Vec<MemberRow>,
    offsets: usize,
}

#[derive(Serialize)]
struct MemberRow {
    member_id: String,
    instance_id: Option<String>,
    client_id: String,
    host: String,
    session_timeout_ms: i32,
}

#[derive(Serialize)]
struct OffsetRow {
    group: String,
    topic: String,
    partition: i32,
    committed_offset: i64,
    leader_epoch: i32,
    metadata: String,
    committed_ms: i64,
}

/// The groups as the gateway would find them at its start.
pub fn groups(reader: &Reader) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for machine in fold(reader)? {
        for group in machine.membership().group_ids() {
            let state = machine.membership().state(group).map_or("Dead", |state| state.name());
            let Some(known) = machine.membership().snapshot(group) else { continue };
            let members = known.members.into_iter().map(|member| MemberRow {
                member_id: member.member_id,
                instance_id: member.group_instance_id,
                client_id: member.client_id,
                host: member.client_host,
                session_timeout_ms: member.session_timeout_ms,
            });
            rows.push(GroupRow {
                group: group.to_owned(),
                state,
                protocol_type: known.protocol_type,
                protocol: known.protocol,
                generation: known.generation,
                leader: known.leader,
                members: members.collect(),
                offsets: machine.all(group).count(),
            });
        }
    }
    rows.sort_by(|one, other| one.group.cmp(&other.group));
    reader.print(&rows, |rows| {
        let mut table =
            Table::new(&["GROUP", "STATE", "GENERATION", "MEMBERS", "OFFSETS", "PROTOCOL"]);
        for row in rows {
            table.row([
                row.group.clone(),
                row.state.to_owned(),
                row.generation.to_string(),
                row.members.len().to_string(),
                row.offsets.to_string(),
                row.protocol.clone().unwrap_or_else(|| "-".to_owned()),
            ]);
        }
        table
    })
}

/// The committed offsets, of one group or of all.
pub fn offsets(reader: &Reader, only: Option<&str>) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for machine in fold(reader)? {
        let groups = machine.offsets().group_ids();
        for group in groups.filter(|group| only.is_none_or(|only| only == *group)) {
            rows.extend(machine.all(group).map(|(topic, partition, value)| OffsetRow {
                group: group.to_owned(),
                topic: topic.to_owned(),
                partition,
                committed_offset: value.offset,
                leader_epoch: value.leader_epoch,
                metadata: value.metadata.clone(),
                committed_ms: value.commit_timestamp,
            }));
        }
    }
    rows.sort_by(|one, other| one.group.cmp(&other.group));
    reader.print(&rows, |rows| {
        let mut table =
            Table::new(&["GROUP", "TOPIC", "PARTITION", "OFFSET", "COMMITTED", "METADATA"]);
        for row in rows {
            table.row([
                row.group.clone(),
                row.topic.clone(),
                row.partition.to_string(),
                row.committed_offset.to_string(),
                format_datetime(row.committed_ms),
                row.metadata.clone(),
            ]);
        }
        table
    })
}

/// The coordinators of all partitions of `__consumer_offsets`.
fn fold(reader: &Reader) -> Result<Vec<GroupMachine>, Failure> {
    // A gateway that never had a group has no such topic.
    let Ok(topic_id) = reader.topic_id(CONSUMER_OFFSETS) else { return Ok(Vec::new()) };
    let now = Now { steady_ms: 0, wall_ms: 0 };
    let mut machines = Vec::new();
    for id in reader.partitions(topic_id) {
        let mut machine = GroupMachine::new(Settings::default());
        reader.records(id, 0, &mut |_, _, record| {
            if let Ok(record) = Record::decode(record.key, record.value) {
                machine.replay(now, &record);
            }
            ControlFlow::Continue(())
        })?;
        machines.push(machine);
    }
    Ok(machines)
}
