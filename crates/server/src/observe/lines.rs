//! The line that a request leaves in the log at DEBUG.
//!
//! It is made of the bytes of the request and its answer, as a client sees them, and only while its target is at
//! that level. Lists of partitions are cut after a few.

use super::observation::{Asked, Observation, Seen};
use super::show::{Decoded, error_of};
use std::fmt::Write;
use std::sync::Arc;
use tidegate_broker::TopicMap;
use tidegate_model::{ErrorCode, TopicId};
use tidegate_wire::fields::{Entity, Field, Value};
use tracing::level_filters::LevelFilter;
use tracing::{Level, debug, enabled};

const PRODUCE: i16 = 0;
const FETCH: i16 = 1;
const OFFSET_COMMIT: i16 = 8;
const OFFSET_FETCH: i16 = 9;

/// Partitions that a line names.
const NAMED_MAX: usize = 20;

/// What a line needs of its request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// There will be no line.
    Nothing,
    /// The header.
    Header,
    /// All of the request and its answer.
    Message,
}

/// What the line of a request of that type needs now. One relaxed load while nothing is at DEBUG.
pub fn need(api_key: i16) -> Need {
    if LevelFilter::current() < LevelFilter::DEBUG {
        return Need::Nothing;
    }
    let (is_on, need) = match api_key {
        PRODUCE => (enabled!(target: "tidegate::produce", Level::DEBUG), Need::Message),
        FETCH => (enabled!(target: "tidegate::fetch", Level::DEBUG), Need::Message),
        OFFSET_COMMIT | OFFSET_FETCH => {
            (enabled!(target: "tidegate::offsets", Level::DEBUG), Need::Message)
        }
        _ => (enabled!(target: "tidegate::request", Level::DEBUG), Need::Header),
    };
    if is_on { need } else { Need::Nothing }
}

/// Writes the line of a request whose message was kept.
pub fn write(seen: &Seen, topics: &TopicMap) {
    let decoded = Decoded::of(seen);
    let none = Value::Null;
    let request = decoded.request.as_ref().unwrap_or(&none);
    let response = match &decoded.response {
        Some(Ok(response)) => response,
        _ => &none,
    };
    let observation: &Arc<Observation> = &seen.observation;
    let connection = observation.connection.id;
    let client_id = observation.header.client_id.as_deref().unwrap_or_default();
    let correlation_id = observation.header.correlation_id;
    let (version, took_us) = (observation.header.api_version, seen.took.as_micros() as u64);
    let errors = match decoded.errors() {
        errors if errors.is_empty() => ErrorCode::None.name().to_owned(),
        errors => errors.join(" "),
    };
    match observation.header.api_key {
        FETCH => {
            let asked = named(observation.asked().iter().map(
                |Asked { topic, partition, fetch_offset }| {
                    format!("{topic}-{partition}@{fetch_offset}")
                },
            ));
            let answered = named(rows(response, topics).iter().map(Row::fetched));
            debug!(target: "tidegate::fetch", connection, client_id, correlation_id, version, asked, answered, errors, took_us, "fetch");
        }
        PRODUCE => {
            let sent = named(rows(request, topics).iter().map(Row::produced));
            let answered =
                named(rows(response, topics).iter().map(|row| row.with("BaseOffset", '@')));
            debug!(target: "tidegate::produce", connection, client_id, correlation_id, version, sent, answered, errors, took_us, "produce");
        }
        OFFSET_COMMIT => {
            let group = group_of(request);
            let offsets =
                named(rows(request, topics).iter().map(|row| row.with("CommittedOffset", '@')));
            let refused = rows(response, topics);
            let refused = named(
                refused.iter().filter(|row| row.error().is_some()).map(|row| row.with("", ' ')),
            );
            debug!(target: "tidegate::offsets", connection, client_id, correlation_id, version, group, offsets, refused, errors, took_us, "offset commit");
        }
        _ => {
            let group = group_of(request);
            let offsets =
                named(rows(response, topics).iter().map(|row| row.with("CommittedOffset", '@')));
            debug!(target: "tidegate::offsets", connection, client_id, correlation_id, version, group, offsets, errors, took_us, "offset fetch");
        }
    }
}

/// The groups that a request names.
fn group_of(request: &Value) -> String {
    let mut groups = Vec::new();
    request.visit(&mut |field| {
        if let (Entity::Group, Value::Text(group)) = (field.entity, &field.value) {
            groups.push(group.clone());
        }
    });
    named(groups.into_iter())
}

/// The first few, and how many more there are.
fn named(all: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    let mut more = 0;
    for (index, one) in all.enumerate() {
        if index >= NAMED_MAX {
            more += 1;
            continue;
        }
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&one);
    }
    if more > 0 {
        write!(text, " and {more} more").expect("a string takes all writes");
    }
    text
}

/// The fields of one partition in a message.
struct Row<'a> {
    place: String,
    fields: &'a Value,
}

impl Row<'_> {
    fn error(&self) -> Option<&'static str> {
        let Value::Struct(fields) = self.fields else { return None };
        fields.iter().find_map(error_of).filter(|name| *name != ErrorCode::None.name())
    }

    /// The partition with one of its fields and its error.
    fn with(&self, name: &str, mark: char) -> String {
        let mut text = self.place.clone();
        if let Some(Value::Int(value)) = self.fields.get(name) {
            write!(text, "{mark}{value}").expect("a string takes all writes");
        }
        if let Some(error) = self.error() {
            write!(text, " {error}").expect("a string takes all writes");
        }
        text
    }

    fn fetched(&self) -> String {
        let (records, bytes) = self.records();
        let text = self.with("HighWatermark", '<');
        if bytes == 0 { text } else { format!("{text} {records} records in {bytes} bytes") }
    }

    fn produced(&self) -> String {
        let (records, bytes) = self.records();
        format!("{} {records} records in {bytes} bytes", self.place)
    }

    fn records(&self) -> (i64, usize) {
        match self.fields.get("Records") {
            Some(Value::Records { batches, bytes }) => {
                (batches.iter().map(|batch| i64::from(batch.records)).sum(), *bytes)
            }
            _ => (0, 0),
        }
    }
}

/// The partitions of a message: structs within a list of a struct that names a topic.
fn rows<'a>(message: &'a Value, topics: &TopicMap) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    message.visit(&mut |field| {
        let Value::List { items, .. } = &field.value else { return };
        for item in items {
            let Value::Struct(fields) = item else { return };
            let Some(topic) = fields.iter().find_map(|field| topic_name(field, topics)) else {
                return;
            };
            let lists = fields.iter().filter_map(|field| match &field.value {
                Value::List { items, .. } => Some(items),
                _ => None,
            });
            rows.extend(lists.flatten().filter_map(|item| row(&topic, item)));
        }
    });
    rows
}

fn row<'a>(topic: &str, fields: &'a Value) -> Option<Row<'a>> {
    let index = match fields {
        // OffsetFetch names partitions by their numbers alone.
        Value::Int(index) => *index,
        _ => ["PartitionIndex", "Partition", "Index"].iter().find_map(|name| {
            match fields.get(name) {
                Some(Value::Int(index)) => Some(*index),
                _ => None,
            }
        })?,
    };
    Some(Row { place: format!("{topic}-{index}"), fields })
}

fn topic_name(field: &Field, topics: &TopicMap) -> Option<String> {
    match &field.value {
        Value::Text(name) if field.entity == Entity::Topic => Some(name.clone()),
        Value::Uuid(id) if field.name == "TopicId" => Some(match topics.by_id(TopicId(*id)) {
            Some(topic) => topic.name.to_string(),
            None => TopicId(*id).to_string(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_few_partitions_and_counts_the_others() {
        let all = |count: usize| named((0..count).map(|index| format!("t-{index}")));
        assert_eq!(all(2), "t-0, t-1");
        assert!(all(NAMED_MAX).ends_with(", t-19"));
        assert!(all(NAMED_MAX + 5).ends_with(", t-19 and 5 more"));
    }
}
