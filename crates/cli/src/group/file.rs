//! Offsets in a file: CSV as kafka-consumer-groups writes and reads it, or JSON.
//!
//! A line of CSV is `topic,partition,offset`, or `group,topic,partition,offset` where it is about
//! several groups. A value that holds a comma or a quote stands in quotes, with its quotes doubled.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// An offset of a group in a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The group; none if the file leaves it to the command.
    #[serde(default)]
    pub group: Option<String>,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset. What `reset-offsets --json` prints is read too.
    #[serde(alias = "new_offset")]
    pub offset: i64,
    /// The leader epoch of the record before it, if the consumer knew. JSON only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader_epoch: Option<i32>,
    /// What the consumer has put beside it. JSON only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub metadata: String,
}

/// Entries as CSV, with their groups if there are several.
pub fn to_csv(entries: &[Entry], with_group: bool) -> String {
    let mut csv = String::new();
    for entry in entries {
        let Entry { group, topic, partition, offset, .. } = entry;
        if with_group {
            write!(csv, "{},", quoted(group.as_deref().unwrap_or_default()))
                .expect("a string takes all");
        }
        writeln!(csv, "{},{partition},{offset}", quoted(topic)).expect("a string takes all");
    }
    csv
}

/// Reads a file of either form. The error says which line or what in it is wrong.
pub fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let entries = match text.trim_start().starts_with('[') {
        true => parse_json(text)?,
        false => parse_csv(text)?,
    };
    if entries.is_empty() { Err("there are no offsets in it".to_owned()) } else { Ok(entries) }
}

fn parse_json(text: &str) -> Result<Vec<Entry>, String> {
    serde_json::from_str(text).map_err(|error| {
        format!("{error}; it takes [{{\"topic\": \"orders\", \"partition\": 0, \"offset\": 42}}]")
    })
}

fn parse_csv(text: &str) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (index, line) in lines {
        let wrong = |problem: String| {
            format!(
                "line {}: {problem}; it takes TOPIC,PARTITION,OFFSET or \
                 GROUP,TOPIC,PARTITION,OFFSET",
                index + 1
            )
        };
        let values = values(line).ok_or_else(|| wrong("a quote does not end".to_owned()))?;
        let (group, topic, partition, offset) = match values.as_slice() {
            [topic, partition, offset] => (None, topic, partition, offset),
            [group, topic, partition, offset] => (Some(group.clone()), topic, partition, offset),
            values => return Err(wrong(format!("{} values", values.len()))),
        };
        let partition = partition.trim().parse().ok().filter(|partition| *partition >= 0);
        let partition: i32 = partition.ok_or_else(|| wrong("the partition is wrong".to_owned()))?;
        let offset = offset.trim().parse().map_err(|_| wrong("the offset is wrong".to_owned()))?;
        let topic = topic.clone();
        let (leader_epoch, metadata) = (None, String::new());
        entries.push(Entry { group, topic, partition, offset, leader_epoch, metadata });
    }
    Ok(entries)
}

/// The values of a line, or nothing if a quote does not end.
fn values(line: &str) -> Option<Vec<String>> {
    let mut values = vec![String::new()];
    let mut in_quotes = false;
    let mut characters = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if in_quotes && characters.peek() == Some(&'"') => {
                values.last_mut()?.push('"');
                characters.next();
            }
            '"' => in_quotes = !in_quotes,
            ',' if !in_quotes => values.push(String::new()),
            c => values.last_mut()?.push(c),
        }
    }
    (!in_quotes).then_some(values)
}

fn quoted(value: &str) -> String {
    match value.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(group: Option<&str>, topic: &str, partition: i32, offset: i64) -> Entry {
        let (group, topic) = (group.map(str::to_owned), topic.to_owned());
        let (leader_epoch, metadata) = (None, String::new());
        Entry { group, topic, partition, offset, leader_epoch, metadata }
    }

    #[test]
    fn what_is_exported_is_read_back() {
        let entries =
            vec![entry(Some("a,\"b\""), "orders", 0, 42), entry(Some("c"), "orders", 1, 0)];
        assert_eq!(parse(&to_csv(&entries, true)), Ok(entries.clone()));
        let json = serde_json::to_string(&entries).unwrap();
        assert_eq!(parse(&json), Ok(entries.clone()));
        let without: Vec<Entry> =
            entries.into_iter().map(|entry| Entry { group: None, ..entry }).collect();
        assert_eq!(to_csv(&without, false), "orders,0,42\norders,1,0\n");
        assert_eq!(parse("orders,0,42\r\n\norders,1,0"), Ok(without));
    }

    #[test]
    fn the_plan_of_a_reset_is_read_as_json() {
        let json =
            r#"[{"group": "g", "topic": "t", "partition": 3, "new_offset": 7, "note": null}]"#;
        assert_eq!(parse(json), Ok(vec![entry(Some("g"), "t", 3, 7)]));
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, line) in
            [("t,0,1\nt,x,1", 2), ("t,0", 1), ("t,0,1,2,3", 1), ("\"t,0,1", 1), ("t,-1,1", 1)]
        {
            let message = parse(text).expect_err(text);
            assert!(message.starts_with(&format!("line {line}: ")), "{message}");
        }
        assert!(parse("").is_err() && parse("[]").is_err() && parse("[{}]").is_err());
    }
}
