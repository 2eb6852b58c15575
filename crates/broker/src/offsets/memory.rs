//! Offsets in memory only, for tests and throw-away gateways: a restart forgets them.

use super::{Committed, Look, OffsetStore, Select};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use tidegate_log::BoxFuture;
use tidegate_machine::group::OffsetAndMetadata;
use tidegate_model::ErrorCode;

type ByPartition = BTreeMap<(String, i32), OffsetAndMetadata>;

/// A store that is gone with its process.
#[derive(Default)]
pub struct OffsetsInMemory {
    groups: Mutex<BTreeMap<String, ByPartition>>,
}

impl OffsetsInMemory {
    /// Removes what `is_gone` says of a group, and the group if nothing is left of it.
    fn prune(&self, group_id: &str, is_gone: impl Fn(&(String, i32), &OffsetAndMetadata) -> bool) {
        let mut groups = self.groups.lock();
        let Some(offsets) = groups.get_mut(group_id) else { return };
        offsets.retain(|place, value| !is_gone(place, value));
        if offsets.is_empty() {
            groups.remove(group_id);
        }
    }
}

impl OffsetStore for OffsetsInMemory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn each_known(&self, look: Look<'_>) {
        for (group_id, offsets) in &*self.groups.lock() {
            for ((topic, partition), value) in offsets {
                look(group_id, topic, *partition, value);
            }
        }
    }

    fn put(&self, group_id: &str, offsets: Vec<Committed>) -> BoxFuture<Vec<ErrorCode>> {
        let codes = vec![ErrorCode::None; offsets.len()];
        let mut groups = self.groups.lock();
        if !groups.contains_key(group_id) {
            groups.insert(group_id.to_owned(), ByPartition::new());
        }
        let kept = groups.get_mut(group_id).expect("inserted above");
        for (topic, partition, value) in offsets {
            kept.insert((topic, partition), value);
        }
        ready(codes)
    }

    fn get(&self, group_id: &str, select: Select) -> BoxFuture<Result<Vec<Committed>, ErrorCode>> {
        let groups = self.groups.lock();
        let Some(offsets) = groups.get(group_id) else { return ready(Ok(Vec::new())) };
        let all = offsets.iter();
        let row = |((topic, partition), value): (&(String, i32), &OffsetAndMetadata)| {
            (topic.clone(), *partition, value.clone())
        };
        let found = match select {
            Select::All => all.map(row).collect(),
            Select::Topics(topics) => {
                all.filter(|((topic, _), _)| topics.contains(topic)).map(row).collect()
            }
            Select::Partitions(wanted) => wanted
                .into_iter()
                .filter_map(|place| {
                    let value = offsets.get(&place)?.clone();
                    Some((place.0, place.1, value))
                })
                .collect(),
        };
        ready(Ok(found))
    }

    fn remove(
        &self,
        group_id: &str,
        partitions: Vec<(String, i32)>,
    ) -> BoxFuture<Result<(), ErrorCode>> {
        self.prune(group_id, |place, _| partitions.contains(place));
        ready(Ok(()))
    }

    fn remove_unchanged(
        &self,
        group_id: &str,
        offsets: Vec<Committed>,
    ) -> BoxFuture<Result<(), ErrorCode>> {
        let gone: ByPartition = offsets
            .into_iter()
            .map(|(topic, partition, value)| ((topic, partition), value))
            .collect();
        self.prune(group_id, |place, value| gone.get(place) == Some(value));
        ready(Ok(()))
    }

    fn remove_group(&self, group_id: &str) -> BoxFuture<Result<(), ErrorCode>> {
        self.groups.lock().remove(group_id);
        ready(Ok(()))
    }

    fn group_ids(&self) -> BoxFuture<Result<Vec<String>, ErrorCode>> {
        ready(Ok(self.groups.lock().keys().cloned().collect()))
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<T> {
    Box::pin(std::future::ready(value))
}
