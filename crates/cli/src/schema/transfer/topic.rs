//! Reads `_schemas` itself, from any Kafka cluster: what a registry would read at its start.

use super::contents::Contents;
use super::dump::line;
use crate::args::ConnectArgs;
use crate::client::{At, Client, name_of};
use crate::failure::Failure;
use serde_json::Value;

/// What is in the topic.
#[derive(Debug, Default)]
pub struct Read {
    /// What the records come to.
    pub contents: Contents,
    /// The records as a dump.
    pub lines: String,
    /// Records that are none of a registry.
    pub notes: Vec<String>,
}

/// Reads the topic from its beginning to where it ends now.
pub fn read(bootstrap: &str, topic: &str, timeout_s: u64) -> Result<Read, Failure> {
    let args = ConnectArgs { bootstrap: bootstrap.to_owned(), json: false, timeout: timeout_s };
    let mut client = Client::connect(&args)?;
    let found = client.topics(Some(&[topic.to_owned()]))?;
    let Some(metadata) = found.iter().find(|found| name_of(found) == topic) else {
        return Err(Failure::Failed(format!("topic {topic} does not exist")));
    };
    let [partition] = &metadata.partitions[..] else {
        return Err(Failure::Failed(format!(
            "topic {topic} has {} partitions, and that of a registry has one",
            metadata.partitions.len()
        )));
    };
    let leader = partition.leader_id.0;
    let key = (topic.to_owned(), partition.partition_index);
    let bound = |offsets: crate::client::Offsets| offsets.get(&key).map_or(0, |found| found.offset);
    let mut offset = bound(client.offsets(&found, At::Earliest)?);
    let end = bound(client.offsets(&found, At::Latest)?);
    let mut read = Read::default();
    while offset < end {
        let (records, next) = client.fetch(leader, &key, offset)?;
        if next <= offset {
            let problem = format!("{topic} cannot be read at offset {offset}, and ends at {end}");
            return Err(Failure::Failed(problem));
        }
        for record in records {
            read.take(record.offset, record.key.as_deref(), record.value.as_deref());
        }
        offset = next;
    }
    Ok(read)
}

impl Read {
    fn take(&mut self, offset: i64, key: Option<&[u8]>, value: Option<&[u8]>) {
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
        // Karapace has written empty values for tombstones.
        let value = value.filter(|value| !value.is_empty());
        let taken = match (key.and_then(json), value, value.and_then(json)) {
            (None, _, _) => Err("its key is not in JSON".to_owned()),
            (_, Some(_), None) => Err("its value is not in JSON".to_owned()),
            (Some(key), _, value) => self.contents.replay(&key, value.as_ref()).map(|()| {
                self.lines += &line(&key, &value.unwrap_or_default());
            }),
        };
        if let Err(problem) = taken {
            self.notes.push(format!("the record at offset {offset} is left out: {problem}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_are_none_of_a_registry_are_told_by_offset() {
        let mut read = Read::default();
        read.take(0, Some(br#"{"keytype":"NOOP","magic":0}"#), None);
        read.take(1, Some(br#"{"keytype":"MODE","magic":0}"#), Some(br#"{"mode":"READONLY"}"#));
        read.take(2, None, Some(b"{}"));
        read.take(3, Some(b"key"), Some(b"{}"));
        read.take(4, Some(br#"{"keytype":"CONFIG","magic":0}"#), Some(b"\xff"));
        assert_eq!(read.contents.mode.as_deref(), Some("READONLY"));
        let lines: Vec<&str> = read.lines.lines().collect();
        assert_eq!(lines[0], r#"{"key":{"keytype":"NOOP","magic":0},"value":null}"#);
        assert_eq!((lines.len(), read.notes.len()), (2, 3));
        assert!(read.notes[0].contains("at offset 2"), "{:?}", read.notes);
    }
}
