//! The two files of a partition, and what they say together.
//!
//! `offset` holds the offset as a number. It alone says what is committed. `metadata` holds everything
//! else, of the newest commit that was begun and of the one before it, each with the offset that it
//! belongs to:
//!
//! ```text
//! metadata of 42, before it of 41    offset 41     41 is committed; 42 was begun
//! metadata of 42, before it of 41    offset 42     42 is committed
//! metadata of 42, before it of 41    offset 17     17 is committed, by another hand: without metadata
//! ```
//!
//! So a commit happens in the moment in which `offset` changes, whole or not at all.

use serde::{Deserialize, Serialize};
use tidegate_machine::group::OffsetAndMetadata;
use tidegate_model::{NO_LEADER_EPOCH, TimestampMs, TopicId};
use uuid::Uuid;

/// What `metadata` holds of one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    offset: i64,
    #[serde(default = "no_epoch")]
    leader_epoch: i32,
    #[serde(default)]
    metadata: String,
    commit_timestamp: TimestampMs,
    #[serde(default = "no_expiry")]
    expire_timestamp: TimestampMs,
    #[serde(default = "Uuid::nil")]
    topic_id: Uuid,
}

/// The file `metadata`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct MetadataFile {
    group: String,
    topic: String,
    partition: i32,
    #[serde(flatten)]
    commit: Entry,
    previous: Option<Entry>,
}

fn no_epoch() -> i32 {
    NO_LEADER_EPOCH
}

fn no_expiry() -> TimestampMs {
    -1
}

impl Entry {
    fn of(value: &OffsetAndMetadata) -> Self {
        Entry {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: value.metadata.clone(),
            commit_timestamp: value.commit_timestamp,
            expire_timestamp: value.expire_timestamp,
            topic_id: value.topic_id.0,
        }
    }

    fn value(self) -> OffsetAndMetadata {
        OffsetAndMetadata {
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            metadata: self.metadata,
            commit_timestamp: self.commit_timestamp,
            expire_timestamp: self.expire_timestamp,
            topic_id: TopicId(self.topic_id),
        }
    }
}

/// Where an offset belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The topic's name.
    pub topic: String,
    /// The partition.
    pub partition: i32,
}

/// The content of `offset`.
pub fn offset_file(value: &OffsetAndMetadata) -> String {
    value.offset.to_string()
}

/// The content of `metadata` that is written before `offset`.
pub fn metadata_file(
    group_id: &str,
    place: &Place,
    commit: &OffsetAndMetadata,
    previous: Option<&OffsetAndMetadata>,
) -> String {
    let file = MetadataFile {
        group: group_id.to_owned(),
        topic: place.topic.clone(),
        partition: place.partition,
        commit: Entry::of(commit),
        previous: previous.map(Entry::of),
    };
    let mut text = serde_json::to_string_pretty(&file).expect("names and numbers are JSON");
    text.push('\n');
    text
}

/// What the two files say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Nothing is committed.
    Nothing,
    /// This is.
    Committed(OffsetAndMetadata),
    /// This is, and its metadata is not to be had. A writer between its two files may look so.
    Bare(OffsetAndMetadata),
    /// `offset` is no number.
    Unreadable,
}

/// Reads both files; an absent one is `None`. `changed_at` is when `offset` was written.
pub fn read(offset: Option<&[u8]>, metadata: Option<&[u8]>, changed_at: TimestampMs) -> Said {
    let Some(offset) = offset else { return Said::Nothing };
    let number = std::str::from_utf8(offset).ok().and_then(|text| text.trim().parse::<i64>().ok());
    let Some(offset) = number else { return Said::Unreadable };
    let file: Option<MetadataFile> = metadata.and_then(|bytes| serde_json::from_slice(bytes).ok());
    let entries = file.map(|file| [Some(file.commit), file.previous]);
    let of_offset = entries.into_iter().flatten().flatten().find(|entry| entry.offset == offset);
    match of_offset {
        Some(entry) => Said::Committed(entry.value()),
        None => Said::Bare(OffsetAndMetadata::new(offset, changed_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(offset: i64, note: &str) -> OffsetAndMetadata {
        OffsetAndMetadata {
            leader_epoch: 3,
            metadata: note.to_owned(),
            topic_id: TopicId(Uuid::from_u128(77)),
            ..OffsetAndMetadata::new(offset, 1_000)
        }
    }

    fn metadata(commit: &OffsetAndMetadata, previous: Option<&OffsetAndMetadata>) -> String {
        let place = Place { topic: "t".to_owned(), partition: 5 };
        metadata_file("g", &place, commit, previous)
    }

    #[test]
    fn a_commit_happens_in_the_moment_in_which_the_offset_changes() {
        let (old, new) = (commit(41, "old"), commit(42, "new"));
        let file = metadata(&new, Some(&old));
        let told = |offset: &str| read(Some(offset.as_bytes()), Some(file.as_bytes()), 5);
        assert_eq!(told("41"), Said::Committed(old.clone()));
        assert_eq!(told("42"), Said::Committed(new.clone()));
        assert_eq!(told("42\n"), Said::Committed(new));
        assert_eq!(told("17"), Said::Bare(OffsetAndMetadata::new(17, 5)));
    }

    #[test]
    fn metadata_without_an_offset_is_nothing() {
        let file = metadata(&commit(42, "new"), None);
        assert_eq!(read(None, Some(file.as_bytes()), 5), Said::Nothing);
    }

    #[test]
    fn an_offset_that_others_wrote_counts_without_metadata() {
        for metadata in [None, Some(&b""[..]), Some(b"a note"), Some(b"{\"offset\": 7}")] {
            assert_eq!(read(Some(b"7"), metadata, 5), Said::Bare(OffsetAndMetadata::new(7, 5)));
        }
        for bad in ["", "x", "9223372036854775808", "1.5"] {
            assert_eq!(read(Some(bad.as_bytes()), None, 5), Said::Unreadable);
        }
    }

    #[test]
    fn the_file_is_what_the_manual_shows() {
        let file = metadata(&commit(42, "new"), Some(&commit(41, "old")));
        let manual = include_str!("../../../docs/formats/filer.md");
        let shown: String = file.lines().map(|line| format!("    {line}\n")).collect();
        assert!(manual.contains(&shown), "docs/formats/filer.md lacks\n{shown}");
    }
}
