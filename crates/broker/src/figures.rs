//! Figures that are worked out when somebody asks: how far groups are behind, and how large topics are.
//!
//! Nothing is counted for them while records flow. There may be any number of groups and partitions,
//! so that whoever asks says how many rows it can take, and is told how many there were.

use crate::broker::Broker;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use tidegate_machine::group::{GroupMachine, OffsetAndMetadata};
use tidegate_model::{Offset, TopicId};

/// How far a group is behind on one partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lag {
    /// Records from the committed offset to the high watermark.
    pub records: u64,
    /// The group.
    pub group_id: String,
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
}

/// The size and the bounds of one partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartitionSize {
    /// Bytes of all batches kept.
    pub bytes: u64,
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// First offset kept.
    pub log_start_offset: Offset,
    /// Offset after the last durable record.
    pub high_watermark: Offset,
}

/// The largest of some rows, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Largest<T> {
    /// The rows, largest first.
    pub rows: Vec<T>,
    /// How many rows there would be without a limit.
    pub of: usize,
}

/// Keeps the `max` largest of what is offered, without keeping the others even for a moment.
struct Keeper<T> {
    max: usize,
    of: usize,
    heap: BinaryHeap<Reverse<T>>,
}

impl<T: Ord> Keeper<T> {
    fn new(max: usize) -> Self {
        Keeper { max, of: 0, heap: BinaryHeap::new() }
    }

    fn offer(&mut self, is_larger: impl Fn(&T) -> bool, row: impl FnOnce() -> T) {
        self.of += 1;
        if self.heap.len() == self.max {
            if !self.heap.peek().is_some_and(|Reverse(least)| is_larger(least)) {
                return;
            }
            self.heap.pop();
        }
        self.heap.push(Reverse(row()));
    }

    fn finish(self) -> Largest<T> {
        let rows = self.heap.into_sorted_vec().into_iter().map(|Reverse(row)| row).collect();
        Largest { rows, of: self.of }
    }
}

impl Broker {
    /// The groups by the name of their state.
    pub fn groups_by_state(&self) -> BTreeMap<&'static str, usize> {
        let mut states = BTreeMap::new();
        for shard in self.groups().shards().iter() {
            let look = |machine: &mut GroupMachine, _| {
                let membership = machine.membership();
                for group_id in membership.group_ids() {
                    if let Some(state) = membership.state(group_id) {
                        *states.entry(state.name()).or_default() += 1;
                    }
                }
            };
            // A shard that is being folded again has no groups to show for a moment.
            drop(shard.read(look));
        }
        states
    }

    /// The largest lags of all groups and partitions that something was committed for.
    ///
    /// Offsets that are kept outside of memory are not asked for: what is not known here is not shown.
    pub fn lags(&self, max: usize) -> Largest<Lag> {
        let mut keeper = Keeper::new(max);
        if max == 0 {
            return keeper.finish();
        }
        self.groups().offsets().each_committed(&mut |group_id, topic_name, partition, value| {
            let Some((topic, records)) = self.lag_of(topic_name, partition, value) else { return };
            keeper.offer(
                |least: &Lag| records > least.records,
                || Lag { records, group_id: group_id.to_owned(), topic, partition },
            );
        });
        keeper.finish()
    }

    fn lag_of(
        &self,
        topic: &str,
        partition: i32,
        committed: &OffsetAndMetadata,
    ) -> Option<(Arc<str>, u64)> {
        let topic = self.topics().by_name(topic)?;
        // What was committed for a deleted topic says nothing of one that has its name.
        if committed.topic_id != TopicId::ZERO && committed.topic_id != topic.id {
            return None;
        }
        let high_watermark = topic.partition(partition)?.high_watermark();
        let records = u64::try_from(high_watermark - committed.offset).unwrap_or(0);
        Some((topic.name.clone(), records))
    }

    /// The largest partitions of all topics.
    pub fn partition_sizes(&self, max: usize) -> Largest<PartitionSize> {
        let mut keeper = Keeper::new(max);
        if max == 0 {
            return keeper.finish();
        }
        for topic in self.topics().all() {
            for (index, partition) in (0..).zip(&topic.partitions) {
                let bytes = partition.log().size_bytes();
                keeper.offer(
                    |least: &PartitionSize| bytes > least.bytes,
                    || PartitionSize {
                        bytes,
                        topic: topic.name.clone(),
                        partition: index,
                        log_start_offset: partition.log().log_start_offset(),
                        high_watermark: partition.high_watermark(),
                    },
                );
            }
        }
        keeper.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn largest(max: usize, rows: &[u32]) -> Largest<u32> {
        let mut keeper = Keeper::new(max);
        rows.iter().for_each(|row| keeper.offer(|least| row > least, || *row));
        keeper.finish()
    }

    #[test]
    fn the_largest_are_kept_and_all_are_counted() {
        let kept = largest(2, &[3, 9, 1, 7, 7]);
        assert_eq!((kept.rows, kept.of), (vec![9, 7], 5));
        let all = largest(10, &[3, 9, 1]);
        assert_eq!((all.rows, all.of), (vec![9, 3, 1], 3));
    }
}
