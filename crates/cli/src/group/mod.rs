//! `tidegate group`: consumer groups and their committed offsets.

mod delete;
mod describe;
mod export;
mod file;
mod import;
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
        GroupCommand::Import { file, group, execute, connect } => {
            import::run(&connect, &file, group.as_deref(), execute)
        }
        GroupCommand::DeleteOffsets { group, topic, connect } => {
            delete::offsets(&connect, &group, &topic)
        }
        GroupCommand::Delete { groups, connect } => delete::groups(&connect, groups),
    }
}

/// Refuses a group that has members: only they commit for it.
fn check_inactive(name: &str, group: &Group) -> Result<(), Failure> {
    if group.members.is_empty() && matches!(&*group.state, "Empty" | DEAD) {
        return Ok(());
    }
    let members = match group.members.len() {
        1 => "1 member".to_owned(),
        count => format!("{count} members"),
    };
    Err(Failure::Failed(format!(
        "the offsets of group {name} can be reset only while it has no members: it is {} with \
         {members}; stop its consumers first",
        group.state
    )))
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
