//! Committed offsets: a fold over the OffsetCommit records of one partition.

use super::{OffsetAndMetadata, Record};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_model::TopicId;

type ByPartition = BTreeMap<i32, OffsetAndMetadata>;
type ByTopic = BTreeMap<String, ByPartition>;

/// The committed offsets of all groups of one `__consumer_offsets` partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offsets {
    groups: BTreeMap<String, ByTopic>,
}

impl Offsets {
    /// The offset that `group_id` committed for the partition.
    pub fn committed(
        &self,
        group_id: &str,
        topic: &str,
        partition: i32,
    ) -> Option<&OffsetAndMetadata> {
        self.groups.get(group_id)?.get(topic)?.get(&partition)
    }

    /// All that `group_id` committed, in order of topic and partition.
    pub fn all(&self, group_id: &str) -> impl Iterator<Item = (&str, i32, &OffsetAndMetadata)> {
        self.groups.get(group_id).into_iter().flatten().flat_map(|(topic, partitions)| {
            partitions.iter().map(|(partition, value)| (topic.as_str(), *partition, value))
        })
    }

    /// What `group_id` committed for the topic, in order of partitions.
    pub fn of_topic(
        &self,
        group_id: &str,
        topic: &str,
    ) -> impl Iterator<Item = (i32, &OffsetAndMetadata)> {
        let partitions = self.groups.get(group_id).and_then(|topics| topics.get(topic));
        partitions.into_iter().flatten().map(|(partition, value)| (*partition, value))
    }

    /// The topics of which any group has an offset, with the ids under which it was committed.
    pub fn topics(&self) -> BTreeSet<(&str, TopicId)> {
        let topics = self.groups.values().flatten();
        topics
            .flat_map(|(topic, partitions)| {
                partitions.values().map(|value| (topic.as_str(), value.topic_id))
            })
            .collect()
    }

    /// True if no group has offsets.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Number of offsets kept.
    pub fn len(&self) -> usize {
        self.groups.values().flat_map(BTreeMap::values).map(BTreeMap::len).sum()
    }

    /// The groups that have offsets, in order.
    pub fn group_ids(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// Folds one record; other kinds than offsets change nothing.
    pub fn replay(&mut self, record: &Record) {
        match record {
            Record::OffsetCommit { group_id, topic, partition, value } => {
                self.insert(group_id, topic, *partition, value.clone());
            }
            Record::OffsetTombstone { group_id, topic, partition } => {
                self.remove(group_id, topic, *partition);
            }
            Record::GroupMetadata { .. }
            | Record::GroupTombstone { .. }
            | Record::Unknown { .. } => {}
        }
    }

    fn insert(&mut self, group_id: &str, topic: &str, partition: i32, value: OffsetAndMetadata) {
        // Commits repeat the same keys over and over: no key is copied unless it is new.
        let topics = self.groups.get_mut(group_id);
        if let Some(partitions) = topics.and_then(|topics| topics.get_mut(topic)) {
            partitions.insert(partition, value);
            return;
        }
        let topics = self.groups.entry(group_id.to_owned()).or_default();
        topics.entry(topic.to_owned()).or_default().insert(partition, value);
    }

    fn remove(&mut self, group_id: &str, topic: &str, partition: i32) {
        let Some(topics) = self.groups.get_mut(group_id) else { return };
        let Some(partitions) = topics.get_mut(topic) else { return };
        partitions.remove(&partition);
        if partitions.is_empty() {
            topics.remove(topic);
        }
        if topics.is_empty() {
            self.groups.remove(group_id);
        }
    }

    /// Tombstones for all that `group_id` committed and `which` picks.
    pub(super) fn tombstones(
        &self,
        group_id: &str,
        which: impl Fn(&str, i32, &OffsetAndMetadata) -> bool,
    ) -> Vec<Record> {
        self.all(group_id)
            .filter(|(topic, partition, value)| which(topic, *partition, value))
            .map(|(topic, partition, _)| Record::OffsetTombstone {
                group_id: group_id.to_owned(),
                topic: topic.to_owned(),
                partition,
            })
            .collect()
    }
}
