//! `tidegate group`: consumer groups and their committed offsets.

mod delete;
mod describe;
mod export;
mod file;
mod list;
mod plan;
mod reset;

use crate::args::GroupCommand;
use crate::client::{Client, DEAD, Group};
use crate::failure::Failure;

/// Runs one of the commands.
pub fn run(command: GroupCommand) -> Result<(), Failure> {
    match command {
        GroupCommand::List { patterns, state, r#type, connect } => {
            list::run(&connect, &patterns, &state, &r#type)
        }
        GroupCommand::Describe { groups, connect } => describe::run(&connect, &groups),
        GroupCommand::ResetOffsets(args) => reset::run(args),
        GroupCommand::ExportOffsets { groups, topic, connect } => {
            export::run(&connect, &groups, &topic)
        }
        GroupCommand::DeleteOffsets { group, topic, connect } => {
            delete::offsets(&connect, &group, &topic)
        }
        GroupCommand::Delete { groups, connect } => delete::groups(&connect, groups),
    }
}

/// Refuses a group of another kind than these commands know. Brokers describe it as one that does
/// not exist, so only their list tells.
fn check_kind(client: &mut Client, name: &str, group: &Group) -> Result<(), Failure> {
    if group.state != DEAD {
        return Ok(());
    }
    let groups = client.groups()?;
    match groups.iter().find(|(_, listed)| *listed.group_id.0 == *name) {
        Some((_, listed)) if ["share", "streams"].contains(&&*listed.group_type.to_lowercase()) => {
            Err(Failure::Failed(format!(
                "group {name} is a {} group, and these commands are for consumer groups",
                listed.group_type.to_lowercase()
            )))
        }
        _ => Ok(()),
    }
}
