//! `tidegate topic create`, `alter` and `delete`.

use super::find;
use crate::args::{AlterArgs, ConnectArgs, CreateArgs};
use crate::client::{Change, Client, Resource, check, name_of, text};
use crate::failure::Failure;
use crate::outcome::{Outcome, report};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, TopicName,
};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use tidegate_model::ErrorCode;

/// Creates a topic.
pub fn create(args: &CreateArgs) -> Result<(), Failure> {
    let name = &args.topic;
    let configs = args.config.iter().map(|config| match config.split_once('=') {
        Some((name, value)) => Ok(CreatableTopicConfig::default()
            .with_name(text(name.trim()))
            .with_value(Some(text(value)))),
        None => Err(Failure::Usage(format!("--config {config:?}: it takes NAME=VALUE"))),
    });
    let topic = CreatableTopic::default()
        .with_name(TopicName(text(name)))
        .with_num_partitions(args.partitions.unwrap_or(-1))
        .with_replication_factor(args.replicas.unwrap_or(-1))
        .with_configs(configs.collect::<Result<_, _>>()?);
    let mut client = Client::connect(&args.connect)?;
    let request = CreateTopicsRequest::default()
        .with_topics(vec![topic])
        .with_validate_only(args.validate_only)
        .with_timeout_ms(client.timeout_ms());
    // Version 4 is the first that takes -1 for the cluster's defaults.
    let response = client.ask(&request, 4..=7)?;
    let Some(row) = response.topics.first() else {
        return Err(Failure::Failed(format!(
            "topic {name}: the broker did not say what came of it"
        )));
    };
    let existed = row.error_code == ErrorCode::TopicAlreadyExists.code();
    let said = match (existed && args.if_not_exists, args.validate_only, row.num_partitions) {
        (true, _, _) => Ok(format!("topic {name} exists already")),
        (false, true, _) => Ok(format!("topic {name} could be created")),
        (false, false, 1) => Ok(format!("created topic {name} with 1 partition")),
        (false, false, count) if count > 1 => {
            Ok(format!("created topic {name} with {count} partitions"))
        }
        (false, false, _) => Ok(format!("created topic {name}")),
    };
    let checked = match existed && args.if_not_exists {
        true => Ok(()),
        false => check(row.error_code, row.error_message.as_deref(), || {
            format!("topic {name} was not created")
        }),
    };
    report(args.connect.json, vec![(name.clone(), checked.and(said))])
}

/// Adds partitions to topics and changes their configs. Of one topic either all is done or, where the
/// first part is refused, nothing: the configs are not touched if the partitions could not be added.
pub fn alter(args: &AlterArgs) -> Result<(), Failure> {
    let mut client = Client::connect(&args.connect)?;
    let (topics, missing) = find(&mut client, &args.topics)?;
    let names: Vec<String> = topics.iter().map(name_of).collect();
    let mut results: BTreeMap<String, Result<Vec<String>, Failure>> =
        names.iter().map(|name| (name.clone(), Ok(Vec::new()))).collect();
    if let Some(count) = args.partitions {
        for (name, result) in add_partitions(&mut client, &names, count, args.validate_only)? {
            results.insert(name, result.map(|()| vec![format!("{count} partitions")]));
        }
    }
    let deletions = args.delete_config.iter().map(|name| Change::delete(name));
    let changes: Vec<Change> = args.config.iter().cloned().chain(deletions).collect();
    let resources: Vec<Resource> = names
        .iter()
        .filter(|name| matches!(results.get(*name), Some(Ok(_))))
        .map(|name| Resource::topic(name))
        .collect();
    if !changes.is_empty() && !resources.is_empty() {
        let said: Vec<String> = changes.iter().map(|change| change.name.clone()).collect();
        for (resource, result) in client.alter_configs(&resources, &changes, args.validate_only)? {
            let Some(before) = results.remove(&resource.name) else { continue };
            let both = before.and_then(|mut parts| {
                result?;
                parts.extend(said.iter().cloned());
                Ok(parts)
            });
            results.insert(resource.name, both);
        }
    }
    let verb = if args.validate_only { "could be altered" } else { "altered" };
    let missing = missing.into_iter().map(|(name, failure)| (name, Err(failure)));
    let done = results.into_iter().map(|(name, result)| {
        let said = result.map(|parts| format!("topic {name} {verb}: {}", parts.join(", ")));
        (name, said)
    });
    report(args.connect.json, done.chain(missing).collect())
}

/// Raises the number of partitions of each topic to `count`.
fn add_partitions(
    client: &mut Client,
    names: &[String],
    count: i32,
    validate_only: bool,
) -> Result<BTreeMap<String, Result<(), Failure>>, Failure> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let topics = names.iter().map(|name| {
        CreatePartitionsTopic::default()
            .with_name(TopicName(text(name)))
            .with_count(count)
            .with_assignments(None)
    });
    let request = CreatePartitionsRequest::default()
        .with_topics(topics.collect())
        .with_timeout_ms(client.timeout_ms())
        .with_validate_only(validate_only);
    let response = client.ask(&request, 0..=3)?;
    let results = response.results.into_iter().map(|row| {
        let name = row.name.to_string();
        let what = || format!("topic {name} got no partitions");
        let checked = check(row.error_code, row.error_message.as_deref(), what);
        (name, checked)
    });
    Ok(results.collect())
}

/// Deletes topics. What patterns have found is shown first, and deleted if the user agrees.
pub fn delete(
    connect: &ConnectArgs,
    names: &[String],
    yes: bool,
    if_exists: bool,
) -> Result<(), Failure> {
    let mut client = Client::connect(connect)?;
    let (topics, missing) = find(&mut client, names)?;
    let found: Vec<String> = topics.iter().map(name_of).collect();
    let by_pattern: Vec<&String> = found.iter().filter(|name| !names.contains(name)).collect();
    if !by_pattern.is_empty() && !yes {
        confirm(&by_pattern)?;
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    if !found.is_empty() {
        // From version 6 on topics go by another field, which only adds deletion by id.
        let request = DeleteTopicsRequest::default()
            .with_topic_names(found.iter().map(|name| TopicName(text(name))).collect())
            .with_timeout_ms(client.timeout_ms());
        for row in client.ask(&request, 1..=5)?.responses {
            let name = row.name.map(|name| name.to_string()).unwrap_or_default();
            let what = || format!("topic {name} was not deleted");
            let checked = check(row.error_code, row.error_message.as_deref(), what);
            let said = checked.map(|()| format!("deleted topic {name}"));
            outcomes.push((name, said));
        }
    }
    if !if_exists {
        outcomes.extend(missing.into_iter().map(|(name, failure)| (name, Err(failure))));
    }
    report(connect.json, outcomes)
}

/// Shows the topics that patterns have found and asks on the terminal whether to go on.
fn confirm(topics: &[&String]) -> Result<(), Failure> {
    let list: String = topics.iter().map(|topic| format!("  {topic}\n")).collect();
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "--yes is needed to delete what a pattern found:\n{}",
            list.trim_end()
        )));
    }
    let mut stderr = std::io::stderr();
    let asked = write!(stderr, "{list}delete what was found, {} in all? [y/N] ", topics.len())
        .and_then(|()| stderr.flush());
    let mut answer = String::new();
    let read = asked.and_then(|()| std::io::stdin().read_line(&mut answer));
    match read {
        Ok(_) if ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) => Ok(()),
        _ => Err(Failure::Failed("nothing was deleted".to_owned())),
    }
}
