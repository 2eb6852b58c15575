//! What all threads of a run share.

use super::clock::RunClock;
use super::errors::ErrorLog;
use super::stop::Stop;
use super::tally::Tallies;
use crate::client::cluster::Place;
use crate::client::{Client, ClientError};
use crate::judge::Judge;
use crate::message::Run;
use crate::plan::Plan;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// What all threads of a run share.
pub(super) struct Stage {
    pub run: Arc<Run>,
    pub judge: Judge,
    pub clock: RunClock,
    pub client: Box<dyn Client>,
    /// The user's wish.
    pub stop: Arc<Stop>,
    pub errors: ErrorLog,
    /// From due to acknowledged, of producers.
    pub acks: Tallies,
    /// From due to received, of consumers.
    pub arrivals: Tallies,
    pub topics: Topics,
    /// When the first record is due, in microseconds since 1970; 0 until producing begins.
    pub epoch_us: AtomicI64,
    /// What the last reader has read.
    pub read_back: AtomicU64,
}

impl Stage {
    pub fn plan(&self) -> &Plan {
        self.run.plan()
    }

    /// Counts an error of a client.
    pub fn error(&self, place: &'static str, error: &ClientError) {
        self.errors.count(place, error, self.clock.elapsed_ms());
    }

    /// When the first record is due.
    pub fn epoch_us(&self) -> i64 {
        self.epoch_us.load(Ordering::Acquire)
    }
}

/// The topics of a run: names, indexes, and where their partitions began and ended before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Topics {
    pub names: Vec<String>,
    index: HashMap<String, u32>,
    pub partitions: u32,
    /// Log start offsets by topic and partition.
    pub starts: Vec<Vec<i64>>,
    /// End offsets by topic and partition, before the first record.
    pub ends: Vec<Vec<i64>>,
    /// Those that this run has created.
    pub created: Vec<String>,
}

impl Topics {
    pub fn new(plan: &Plan) -> Topics {
        let names: Vec<String> = (0..plan.topics).map(|topic| plan.topic(topic)).collect();
        let index = names.iter().cloned().zip(0..).collect();
        Topics { names, index, partitions: plan.partitions, ..Topics::default() }
    }

    /// A topic's index. `last` remembers the answer: records come in batches of one topic.
    pub fn index_of(&self, name: &str, last: &mut u32) -> Option<u32> {
        if self.names[*last as usize] != name {
            *last = *self.index.get(name)?;
        }
        Some(*last)
    }

    /// All partitions, in order.
    pub fn places(&self) -> Vec<Place> {
        let partitions = i32::try_from(self.partitions).expect("the plan was checked");
        let of_topic = |name: &String| {
            let name = name.clone();
            (0..partitions).map(move |partition| (name.clone(), partition))
        };
        self.names.iter().flat_map(of_topic).collect()
    }

    /// A place as indexes, if it is one of ours.
    pub fn indexes(&self, (name, partition): &Place) -> Option<(u32, i32)> {
        Some((*self.index.get(name)?, *partition))
    }

    /// Offsets of places as a table by topic and partition; what is missing is `default`.
    pub fn table(&self, offsets: &BTreeMap<Place, i64>, default: i64) -> Vec<Vec<i64>> {
        let mut table = vec![vec![default; self.partitions as usize]; self.names.len()];
        for ((topic, partition), offset) in self.known(offsets) {
            table[topic][partition] = offset;
        }
        table
    }

    /// Those of `offsets` that are of our partitions, by index of topic and partition.
    pub fn known<'a>(
        &'a self,
        offsets: &'a BTreeMap<Place, i64>,
    ) -> impl Iterator<Item = ((usize, usize), i64)> + 'a {
        offsets.iter().filter_map(|(place, offset)| {
            let (topic, partition) = self.indexes(place)?;
            let partition = usize::try_from(partition).ok()?;
            (partition < self.partitions as usize).then_some(((topic as usize, partition), *offset))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn a_topic_is_found_by_its_name_whichever_was_asked_for_before() {
        let topics = Topics::new(&Plan::preset("quick").unwrap());
        let mut last = 0;
        for index in [3, 3, 0, 4, 1] {
            let name = format!("loadtest-topic-{index}");
            assert_eq!(topics.index_of(&name, &mut last), Some(index));
        }
        assert_eq!(topics.index_of("other", &mut last), None);
        assert_eq!(topics.places().len(), 20);
    }

    #[test]
    fn offsets_become_a_table_and_what_is_missing_has_the_default() {
        let topics = Topics::new(&Plan::preset("quick").unwrap());
        let places = [("loadtest-topic-2", 3, 7), ("loadtest-topic-2", 4, 9), ("other", 0, 1)];
        let offsets =
            places.map(|(topic, partition, offset)| ((topic.to_owned(), partition), offset));
        let table = topics.table(&offsets.into(), -1);
        assert_eq!(table[2], [-1, -1, -1, 7]);
        assert_eq!(table[0], [-1; 4]);
    }
}
