//! `tidegate topic list`.

use crate::args::ConnectArgs;
use crate::client::{Client, name_of};
use crate::failure::Failure;
use crate::output::{Table, print, print_json};
use crate::scope::matches_any;
use serde::Serialize;

#[derive(Serialize)]
struct ListedTopic {
    topic: String,
    topic_id: String,
    partitions: usize,
    internal: bool,
}

/// Prints the topics of these names.
pub fn run(connect: &ConnectArgs, patterns: &[String], internal: bool) -> Result<(), Failure> {
    let mut topics: Vec<ListedTopic> = Client::connect(connect)?
        .topics(None)?
        .iter()
        .map(|topic| ListedTopic {
            topic: name_of(topic),
            topic_id: topic.topic_id.to_string(),
            partitions: topic.partitions.len(),
            internal: topic.is_internal,
        })
        .collect();
    topics.retain(|topic| (internal || !topic.internal) && matches_any(patterns, &topic.topic));
    if connect.json {
        return print_json(&topics);
    }
    let mut table = Table::new(&["TOPIC", "PARTITIONS", "ID"]);
    for topic in topics {
        table.row([topic.topic, topic.partitions.to_string(), topic.topic_id]);
    }
    print(&table.render())
}
