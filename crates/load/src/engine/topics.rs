//! The topics of a run: found or created, and waited for.

use super::properties::topic_configs;
use super::stage::Topics;
use super::stop::{Stop, Wish};
use crate::client::ClientError;
use crate::client::cluster::{Cluster, Place, TopicSpec};
use crate::plan::Plan;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long partitions may take to be led after their creation.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// Finds or creates the plan's topics; an error is a sentence for the user.
pub(super) fn prepare(cluster: &Cluster, plan: &Plan, stop: &Stop) -> Result<Topics, String> {
    let mut topics = Topics::new(plan);
    let existing = list(cluster)?;
    let mut missing = Vec::new();
    for name in &topics.names {
        match existing.get(name) {
            Some(partitions) => same_size(name, *partitions, plan)?,
            None => missing.push(spec(name, plan)),
        }
    }
    if !missing.is_empty() {
        let refused = cluster.create(&missing).map_err(|error| {
            format!("the topics could not be created: {error}; see the broker's log")
        })?;
        // Somebody else may have been quicker, which the wait below looks at.
        let other = refused.iter().find(|(_, error)| error.code != "TOPIC_ALREADY_EXISTS");
        if let Some((name, error)) = other {
            return Err(format!(
                "topic {name} could not be created: {error}; create it yourself with {} partitions, or \
                 change the plan",
                plan.partitions
            ));
        }
        topics.created = without(missing, &refused);
    }
    let (starts, ends) = wait_until_ready(cluster, &topics, plan, stop)?;
    topics.starts = topics.table(&starts, 0);
    topics.ends = topics.table(&ends, 0);
    Ok(topics)
}

/// The names of the topics that were created: what others have created is not this run's to delete.
fn without(missing: Vec<TopicSpec>, refused: &[(String, ClientError)]) -> Vec<String> {
    let is_refused = |name: &String| refused.iter().any(|(other, _)| other == name);
    missing.into_iter().map(|spec| spec.name).filter(|name| !is_refused(name)).collect()
}

/// Removes what the run has created. A sentence for each thing that stays behind.
pub(super) fn remove(cluster: &Cluster, topics: &Topics) -> Vec<String> {
    let names: Vec<&str> = topics.created.iter().map(String::as_str).collect();
    if names.is_empty() {
        return Vec::new();
    }
    match cluster.delete(&names) {
        Ok(refused) => refused
            .into_iter()
            .map(|(name, error)| format!("topic {name} was not deleted: {error}"))
            .collect(),
        Err(error) => vec![format!("the topics were not deleted: {error}")],
    }
}

fn list(cluster: &Cluster) -> Result<BTreeMap<String, usize>, String> {
    cluster.topics().map_err(|error| format!("the cluster does not tell its topics: {error}"))
}

fn same_size(name: &str, partitions: usize, plan: &Plan) -> Result<(), String> {
    if partitions == plan.partitions as usize {
        return Ok(());
    }
    Err(format!(
        "topic {name} exists with {partitions} partitions and the plan has {}: delete the topic, \
         write --partitions {partitions}, or name others with --topic-prefix",
        plan.partitions
    ))
}

fn spec(name: &str, plan: &Plan) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions: i32::try_from(plan.partitions).expect("the plan was checked"),
        replication_factor: plan.replication_factor.into(),
        configs: topic_configs(plan),
    }
}

type Offsets = BTreeMap<Place, i64>;

/// Waits until every partition tells where it begins and ends: only then it has a leader.
fn wait_until_ready(
    cluster: &Cluster,
    topics: &Topics,
    plan: &Plan,
    stop: &Stop,
) -> Result<(Offsets, Offsets), String> {
    let places = topics.places();
    let deadline = Instant::now() + READY_TIMEOUT;
    loop {
        let existing = list(cluster)?;
        let mut there = true;
        for name in &topics.names {
            match existing.get(name) {
                // A topic that has just been created may show up with fewer partitions for a moment.
                Some(partitions) if Instant::now() >= deadline => {
                    same_size(name, *partitions, plan)?
                }
                Some(partitions) => there &= *partitions == plan.partitions as usize,
                None => there = false,
            }
        }
        let why = match there {
            false => "they are not in the cluster's metadata".to_owned(),
            true => match (cluster.start_offsets(&places), cluster.end_offsets(&places)) {
                (Ok(starts), Ok(ends))
                    if starts.len() == places.len() && ends.len() == places.len() =>
                {
                    return Ok((starts, ends));
                }
                (Err(error), _) | (_, Err(error)) => error.to_string(),
                _ => "not all partitions tell their offsets".to_owned(),
            },
        };
        if Instant::now() >= deadline {
            return Err(format!(
                "the topics are not ready after {} s: {why}; see the broker's log",
                READY_TIMEOUT.as_secs()
            ));
        }
        if stop.wait(Duration::from_millis(100), Wish::Stop) {
            return Err("stopped before the topics were ready".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_somebody_else_created_meanwhile_is_not_deleted_at_the_end() {
        let plan = Plan::preset("quick").expect("there is one");
        let missing = ["a", "b", "c"].map(|name| spec(name, &plan)).to_vec();
        let error = ClientError::local("TOPIC_ALREADY_EXISTS", "Topic 'b' already exists.");
        assert_eq!(without(missing, &[("b".to_owned(), error)]), ["a", "c"]);
    }
}
