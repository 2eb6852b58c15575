//! The ledgers: what threads tell the judge, in batches.

use super::inspect::Inspector;
use super::offsets::{Place, RecordId};
use super::state::{Result, Seen, SeenFlaw, Told};
use super::{Failure, Received, Shared, Sighting, Timestamp};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// After so many records a ledger tells the judge.
const BATCH: usize = 512;

/// What a producer's thread tells.
#[derive(Debug)]
pub struct ProducerLedger {
    shared: Arc<Shared>,
    producer: u32,
    told: Vec<Told>,
}

/// What a consumer's thread tells.
#[derive(Debug)]
pub struct ConsumerLedger {
    shared: Arc<Shared>,
    group: u32,
    inspector: Inspector,
    /// By partition: the last offset since it was assigned, if any.
    last: Vec<Option<i64>>,
    seen: Vec<Seen>,
    flaws: Vec<SeenFlaw>,
}

/// What the last, independent reader of one partition tells.
#[derive(Debug)]
pub struct LastReader {
    shared: Arc<Shared>,
    partition: u32,
    inspector: Inspector,
    last: Option<i64>,
    seen: Vec<Seen>,
    flaws: Vec<SeenFlaw>,
    skipped: u64,
    earlier: u64,
    not_compared: u64,
}

impl ProducerLedger {
    pub(super) fn new(shared: Arc<Shared>, producer: u32) -> ProducerLedger {
        assert!((producer as usize) < shared.sent.len(), "the plan has that producer");
        ProducerLedger { shared, producer, told: Vec::with_capacity(BATCH) }
    }

    /// A record is about to be handed to the client: call it before. Counters begin at 0 and have
    /// no gaps. A producer may have several ledgers, one for each of its threads.
    pub fn sent(&mut self, counter: u64) {
        self.shared.sent[self.producer as usize].fetch_max(counter + 1, Ordering::Relaxed);
    }

    /// The target acknowledged a record. `offset` is none where acks is 0.
    pub fn acknowledged(&mut self, counter: u64, topic: u32, partition: i32, offset: Option<i64>) {
        let reported = match (self.shared.partition(topic, partition), offset) {
            (_, None) => Result::AcknowledgedSomewhere,
            (Some(partition), Some(offset)) if offset >= 0 => {
                Result::Acknowledged(Place { partition, offset })
            }
            (_, Some(offset)) => Result::AcknowledgedNowhere { partition, offset },
        };
        self.tell(Told { counter, result: reported });
    }

    /// The client gave a record up.
    pub fn failed(&mut self, counter: u64, failure: Failure) {
        self.tell(Told { counter, result: Result::Failed(failure) });
    }

    /// Tells the judge what it was not told yet. Call it when there is nothing else to do.
    pub fn flush(&mut self) {
        if !self.told.is_empty() {
            self.shared.state().told(self.producer, &self.told);
            self.told.clear();
        }
    }

    fn tell(&mut self, told: Told) {
        self.told.push(told);
        if self.told.len() >= BATCH {
            self.flush();
        }
    }
}

impl ConsumerLedger {
    pub(super) fn new(shared: Arc<Shared>, group: u32) -> ConsumerLedger {
        assert!((group as usize) < shared.ends.len(), "the plan has that group");
        ConsumerLedger {
            inspector: inspector(&shared),
            last: vec![None; shared.starts.len()],
            seen: Vec::with_capacity(BATCH),
            flaws: Vec::new(),
            shared,
            group,
        }
    }

    /// The consumer got partitions: the next record of each may be anywhere.
    pub fn assigned(&mut self, partitions: &[(u32, i32)]) {
        for (topic, partition) in partitions {
            if let Some(partition) = self.shared.partition(*topic, *partition) {
                self.last[partition as usize] = None;
            }
        }
    }

    /// The consumer got a record. The answer names it, if it can be named.
    pub fn consumed<'h>(
        &mut self,
        record: Received<'_>,
        headers: impl Iterator<Item = (&'h str, Option<&'h [u8]>)> + Clone,
    ) -> Option<Sighting> {
        let partition = self.shared.partition(record.topic, record.partition)?;
        let offset = record.offset;
        if offset < self.shared.starts[partition as usize] {
            return None;
        }
        let place = Place { partition, offset };
        let finding = self.inspector.inspect(record, headers);
        let last = self.last[partition as usize].replace(offset);
        let end = &self.shared.ends[self.group as usize][partition as usize];
        let again = end.fetch_max(offset + 1, Ordering::Relaxed) > offset;
        let claim = finding.claim;
        let id = claim.map(|claim| RecordId::new(claim.producer, claim.counter));
        let went_back = last.is_some_and(|last| offset <= last);
        let behind = last.filter(|last| offset <= *last);
        self.seen.push(Seen { id, place, again, behind });
        let group = Some(self.group);
        self.flaws.extend(finding.flaws.into_iter().map(|flaw| SeenFlaw {
            flaw,
            id,
            place,
            group,
        }));
        if self.seen.len() >= BATCH {
            self.flush();
        }
        let claim = claim?;
        Some(Sighting {
            producer: claim.producer,
            counter: claim.counter,
            due_us: claim.timestamp_us,
            first: !again && !went_back,
        })
    }

    /// Tells the judge what it was not told yet. Call it when there is nothing else to do.
    pub fn flush(&mut self) {
        if !self.seen.is_empty() {
            let mut state = self.shared.state();
            state.consumed(self.group, &self.seen);
            state.flawed(self.flaws.drain(..));
            self.seen.clear();
        }
    }
}

impl LastReader {
    pub(super) fn new(shared: Arc<Shared>, topic: u32, partition: i32, log_start: i64) -> Self {
        let partition = shared.partition(topic, partition).expect("the plan has that partition");
        shared.state().last_reading(partition, log_start);
        LastReader {
            inspector: inspector(&shared),
            partition,
            last: None,
            // There may be one for each of very many partitions.
            seen: Vec::new(),
            flaws: Vec::new(),
            skipped: 0,
            earlier: 0,
            not_compared: 0,
            shared,
        }
    }

    /// The next record of the partition.
    pub fn read<'h>(
        &mut self,
        record: Received<'_>,
        headers: impl Iterator<Item = (&'h str, Option<&'h [u8]>)> + Clone,
    ) {
        let offset = record.offset;
        let place = Place { partition: self.partition, offset };
        if offset < self.shared.starts[self.partition as usize] {
            self.earlier += 1;
            return;
        }
        let behind = self.last.filter(|last| offset <= *last);
        if let (Some(last), None) = (self.last, behind) {
            self.skipped += (offset - last - 1) as u64;
        }
        self.last = Some(offset);
        if matches!(record.timestamp, Timestamp::LogAppend(_)) {
            self.not_compared += 1;
        }
        let finding = self.inspector.inspect(record, headers);
        let id = finding.claim.map(|claim| RecordId::new(claim.producer, claim.counter));
        self.seen.push(Seen { id, place, again: false, behind });
        let flaws = finding.flaws.into_iter();
        self.flaws.extend(flaws.map(|flaw| SeenFlaw { flaw, id, place, group: None }));
        if self.seen.len() >= BATCH {
            self.flush();
        }
    }

    /// The partition was read up to its end. A reader that is dropped without it could not read
    /// all, and the verdict says so.
    pub fn finish(mut self) {
        self.flush();
        self.shared.state().last_reading_done(self.partition);
    }

    fn flush(&mut self) {
        let mut state = self.shared.state();
        state.read_last(self.partition, &self.seen);
        state.flawed(self.flaws.drain(..));
        state.read_besides(
            std::mem::take(&mut self.earlier),
            std::mem::take(&mut self.skipped),
            std::mem::take(&mut self.not_compared),
        );
        self.seen.clear();
    }
}

impl Drop for ProducerLedger {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Drop for ConsumerLedger {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Drop for LastReader {
    fn drop(&mut self) {
        self.flush();
    }
}

fn inspector(shared: &Shared) -> Inspector {
    Inspector::new(shared.run.clone(), shared.wanted.clone(), shared.sent.clone())
}
