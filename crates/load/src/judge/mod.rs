//! The judge: it takes what was acknowledged and what was read, and says what was lost, repeated,
//! reordered or changed.
//!
//! Each thread has a ledger of its own ([`ProducerLedger`], [`ConsumerLedger`], [`LastReader`]). It
//! does the work on a record's bytes there and tells the judge in batches, so that a lock is taken
//! once for hundreds of records. `flush` tells what is left; dropping a ledger does too.
//!
//! The order of a run: ledgers of producers and consumers while it lasts; when all of those are
//! dropped, one [`LastReader`] for each partition, from its start to its end; then the verdict.

mod verdict;

pub use verdict::{Counts, EXAMPLES_MAX, Example, Fault, FaultKind, GroupCounts, Verdict};

use crate::message::Run;
use std::sync::Arc;

/// The judge of a run; clones are the same judge.
#[derive(Clone, Debug)]
pub struct Judge {
    run: Arc<Run>,
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

/// What a producer's thread tells.
#[derive(Debug)]
pub struct ProducerLedger {
    judge: Judge,
    producer: u32,
}

/// What a consumer's thread tells.
#[derive(Debug)]
pub struct ConsumerLedger {
    judge: Judge,
    group: u32,
}

/// What the last, independent reader of one partition tells.
#[derive(Debug)]
pub struct LastReader {
    judge: Judge,
    topic: u32,
    partition: i32,
}

impl Judge {
    /// A judge for a run. `starts` are the end offsets of topics and partitions before the first
    /// record: what lies below is none of this run's business.
    pub fn new(run: Arc<Run>, _starts: &[Vec<i64>]) -> Judge {
        Judge { run }
    }

    /// A ledger for the records of one producer.
    pub fn producer(&self, producer: u32) -> ProducerLedger {
        ProducerLedger { judge: self.clone(), producer }
    }

    /// A ledger for one consumer of a group.
    pub fn consumer(&self, group: u32) -> ConsumerLedger {
        ConsumerLedger { judge: self.clone(), group }
    }

    /// A reader of one partition, from its log start offset on, after everything else is over.
    pub fn last_reader(&self, topic: u32, partition: i32, _log_start_offset: i64) -> LastReader {
        LastReader { judge: self.clone(), topic, partition }
    }

    /// What is known so far.
    pub fn progress(&self) -> Progress {
        Progress::default()
    }

    /// The verdict, when all ledgers and readers are dropped.
    pub fn verdict(&self) -> Verdict {
        let _ = &self.run;
        Verdict::default()
    }
}

impl ProducerLedger {
    /// A record was handed to the client: counters begin at 0 and have no gaps.
    pub fn sent(&mut self, counter: u64) {
        let _ = (&self.judge, self.producer, counter);
    }

    /// The target acknowledged a record. `offset` is none where acks is 0.
    pub fn acknowledged(
        &mut self,
        _counter: u64,
        _topic: u32,
        _partition: i32,
        _offset: Option<i64>,
    ) {
    }

    /// The client gave a record up.
    pub fn failed(&mut self, _counter: u64, _failure: Failure) {}

    /// Tells the judge what it was not told yet. Call it when there is nothing else to do.
    pub fn flush(&mut self) {}
}

impl ConsumerLedger {
    /// The consumer got partitions: the next record of each may be anywhere.
    pub fn assigned(&mut self, _partitions: &[(u32, i32)]) {
        let _ = (&self.judge, self.group);
    }

    /// The consumer got a record. The answer names it, if it can be named.
    pub fn consumed<'h>(
        &mut self,
        _record: Received<'_>,
        _headers: impl Iterator<Item = (&'h str, Option<&'h [u8]>)>,
    ) -> Option<Sighting> {
        None
    }

    /// Tells the judge what it was not told yet. Call it when there is nothing else to do.
    pub fn flush(&mut self) {}
}

impl LastReader {
    /// The next record of the partition.
    pub fn read<'h>(
        &mut self,
        _record: Received<'_>,
        _headers: impl Iterator<Item = (&'h str, Option<&'h [u8]>)>,
    ) {
        let _ = (&self.judge, self.topic, self.partition);
    }

    /// The partition was read up to its end. A reader that is dropped without it could not read
    /// all, and the verdict says so.
    pub fn finish(self) {}
}
