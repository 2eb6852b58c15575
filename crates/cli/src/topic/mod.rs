//! `tidegate topic`: topics, their configs, and the records in them.

mod change;
mod describe;
mod list;
mod lookup;
mod records;

pub use lookup::{Before, Lookup};

use crate::args::TopicCommand;
use crate::client::{Client, name_of};
use crate::failure::Failure;
use crate::scope::{is_pattern, matches_any};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;

/// Runs one of the commands.
pub fn run(command: TopicCommand) -> Result<(), Failure> {
    match command {
        TopicCommand::List { patterns, internal, connect } => {
            list::run(&connect, &patterns, internal)
        }
        TopicCommand::Describe { topics, all_configs, connect } => {
            describe::run(&connect, &topics, all_configs)
        }
        TopicCommand::Create(args) => change::create(&args),
        TopicCommand::Alter(args) => change::alter(&args),
        TopicCommand::Delete { topics, yes, if_exists, connect } => {
            change::delete(&connect, &topics, yes, if_exists)
        }
        TopicCommand::DeleteRecords(args) => records::run(&args),
        TopicCommand::Offsets { topics, at, connect } => lookup::run(&connect, &topics, &at),
    }
}

/// Topics, and the names that found nothing with what is to be said of them.
type Found = (Vec<MetadataResponseTopic>, Vec<(String, Failure)>);

/// The topics that `names` are or describe, and a failure for each name that finds nothing.
/// Patterns do not find the topics that a cluster keeps for itself: those want to be named.
fn find(client: &mut Client, names: &[String]) -> Result<Found, Failure> {
    let (patterns, exact): (Vec<String>, Vec<String>) =
        names.iter().cloned().partition(|name| is_pattern(name));
    let mut topics = match patterns.is_empty() {
        true => client.topics(Some(&exact))?,
        false => client.topics(None)?,
    };
    topics.retain(|topic| {
        let name = name_of(topic);
        let described = !patterns.is_empty() && !topic.is_internal && matches_any(&patterns, &name);
        described || exact.contains(&name)
    });
    let found: Vec<String> = topics.iter().map(name_of).collect();
    let mut failures = Vec::new();
    for name in names {
        let is_there = match is_pattern(name) {
            true => found.iter().any(|found| matches_any(std::slice::from_ref(name), found)),
            false => found.contains(name),
        };
        if !is_there {
            let problem = match is_pattern(name) {
                true => format!("no topic is like {name}"),
                false => format!("topic {name} does not exist"),
            };
            failures.push((name.clone(), Failure::Failed(problem)));
        }
    }
    Ok((topics, failures))
}
