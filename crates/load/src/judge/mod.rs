//! The judge: it takes what was acknowledged and what was read, and says what was lost, repeated,
//! reordered or changed.
//!
//! Each thread has a ledger of its own ([`ProducerLedger`], [`ConsumerLedger`], [`LastReader`]). It
//! does the work on a record's bytes there and tells the judge in batches, so that a lock is taken
//! once for hundreds of records. `flush` tells what is left; dropping a ledger does too.
//!
//! The order of a run: ledgers of producers and consumers while it lasts; when all of those are
//! dropped, one [`LastReader`] for each partition, from its start to its end; then the verdict.

mod counters;
mod ending;
mod faults;
mod inspect;
mod ledger;
mod offsets;
mod state;
#[cfg(test)]
mod tests;
mod verdict;

pub use ledger::{ConsumerLedger, LastReader, ProducerLedger};
pub use verdict::{Counts, EXAMPLES_MAX, Example, Fault, FaultKind, GroupCounts, Verdict};

use crate::message::Run;
use faults::Wanted;
use state::State;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard};

/// The judge of a run; clones are the same judge.
#[derive(Clone, Debug)]
pub struct Judge {
    shared: Arc<Shared>,
}

/// What ledgers need without a lock, and what they lock.
#[derive(Debug)]
struct Shared {
    run: Arc<Run>,
    wanted: Arc<Wanted>,
    /// How many records each producer has sent.
    sent: Arc<[AtomicU64]>,
    /// End offsets before the first record, by partition among all.
    starts: Vec<i64>,
    /// By group and partition: the offset behind the last one that the group got.
    ends: Vec<Vec<AtomicI64>>,
    state: Mutex<State>,
}

/// A record as a consumer got it.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// The topic's index in the plan.
    pub topic: u32,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The timestamp, and who set it.
    pub timestamp: Timestamp,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: Option<&'a [u8]>,
}

/// A record's timestamp, and who set it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timestamp {
    /// The producer, in milliseconds.
    Create(i64),
    /// The broker: what the producer said is not to be had, and is not compared.
    LogAppend(i64),
    /// There is none.
    Missing,
}

/// A record that a consumer could name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sighting {
    /// Who sent it.
    pub producer: u32,
    /// Which of the producer's it is.
    pub counter: u64,
    /// When it should have been sent, in microseconds since 1970.
    pub due_us: i64,
    /// Whether the group sees it for the first time. Only then does it count for latency.
    pub first: bool,
}

/// Why a record was not acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// It was not written: the target refused it, or it was never sent.
    NotWritten,
    /// Nobody knows: it may be there or not.
    Unknown,
    /// Its transaction was aborted: nobody may see it who reads committed records.
    Aborted,
}

/// What is known while a run lasts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Progress {
    /// Records that were acknowledged.
    pub acknowledged: u64,
    /// Records that could not be produced.
    pub failed: u64,
    /// Records that consumers got, of all groups together.
    pub consumed: u64,
    /// Faults that are certain already.
    pub faults: u64,
    /// Records that a group got again after a rebalance: not a fault.
    pub redelivered: u64,
}

impl Judge {
    /// A judge for a run. `starts` are, by topic and partition, the end offsets before the first
    /// record: what lies below is none of this run's business.
    pub fn new(run: Arc<Run>, starts: &[Vec<i64>]) -> Judge {
        let plan = run.plan();
        let per_topic = plan.partitions as usize;
        let partitions = plan.topics as usize * per_topic;
        let start = |index: usize| starts.get(index / per_topic)?.get(index % per_topic).copied();
        let starts: Vec<i64> = (0..partitions).map(|index| start(index).unwrap_or(0)).collect();
        let groups = if plan.consumers == 0 { 0 } else { plan.groups };
        let ends = |_| starts.iter().map(|start| AtomicI64::new(*start)).collect();
        let wanted = Arc::new(Wanted::default());
        let shared = Shared {
            sent: (0..plan.producers).map(|_| AtomicU64::new(0)).collect(),
            ends: (0..groups).map(ends).collect(),
            state: Mutex::new(State::new(&run, groups, wanted.clone())),
            starts,
            wanted,
            run,
        };
        Judge { shared: Arc::new(shared) }
    }

    /// A ledger for the records of one producer.
    pub fn producer(&self, producer: u32) -> ProducerLedger {
        ProducerLedger::new(self.shared.clone(), producer)
    }

    /// A ledger for one consumer of a group.
    pub fn consumer(&self, group: u32) -> ConsumerLedger {
        ConsumerLedger::new(self.shared.clone(), group)
    }

    /// A reader of one partition, from its log start offset on, after everything else is over.
    pub fn last_reader(&self, topic: u32, partition: i32, log_start_offset: i64) -> LastReader {
        LastReader::new(self.shared.clone(), topic, partition, log_start_offset)
    }

    /// What is known so far.
    pub fn progress(&self) -> Progress {
        self.shared.state().progress()
    }

    /// The verdict, when all ledgers and readers are dropped.
    pub fn verdict(&self) -> Verdict {
        ending::verdict(&self.shared)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics that holds it")
    }

    /// A partition's index among all of the run's; none for one that the plan does not have.
    fn partition(&self, topic: u32, partition: i32) -> Option<u32> {
        let plan = self.run.plan();
        let partition = u32::try_from(partition).ok()?;
        (topic < plan.topics && partition < plan.partitions)
            .then(|| topic * plan.partitions + partition)
    }
}
