//! Consumer groups: members that read, judge and measure every record, join, leave and are counted.

use super::stage::Stage;
use super::stop::{Stop, Wish};
use super::tally::Tally;
use crate::client::{ClientError, Consumer, ConsumerSink, ConsumerSpec, Incoming, Reads};
use crate::judge::{ConsumerLedger, Received};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a consumer waits for records before it looks whether it should leave.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// How long a consumer waits before it takes the place of one that cannot go on.
const REVIVE_PAUSE: Duration = Duration::from_secs(1);

/// What others may see of a group.
#[derive(Debug)]
pub(super) struct GroupState {
    /// Its id.
    pub name: String,
    /// By topic and partition: the offset after the last record that the application has.
    positions: Vec<Vec<AtomicI64>>,
    assigned: AtomicI64,
    members: AtomicU32,
    pub members_max: AtomicU32,
    pub rebalances: AtomicU64,
    pub consumed: AtomicU64,
}

impl GroupState {
    /// How many of the records up to `ends` the application of this group has not had.
    pub fn behind(&self, ends: &[Vec<i64>]) -> u64 {
        let behind = |(row, ends): (&Vec<AtomicI64>, &Vec<i64>)| -> u64 {
            let pairs = row.iter().zip(ends);
            pairs.map(|(at, end)| (end - at.load(Ordering::Acquire)).max(0) as u64).sum()
        };
        self.positions.iter().zip(ends).map(behind).sum()
    }

    /// The same, without what may be marks of transactions at the end of a partition.
    pub fn behind_but_for_marks(&self, starts: &[Vec<i64>], ends: &[Vec<i64>], marks: i64) -> u64 {
        let of = |((at, start), end): ((&AtomicI64, &i64), &i64)| -> u64 {
            let at = at.load(Ordering::Acquire);
            if only_marks_left(*start, at, *end, marks) { 0 } else { (end - at).max(0) as u64 }
        };
        let row = |((row, starts), ends): ((&Vec<AtomicI64>, &Vec<i64>), &Vec<i64>)| -> u64 {
            row.iter().zip(starts).zip(ends).map(of).sum()
        };
        self.positions.iter().zip(starts).zip(ends).map(row).sum()
    }

    /// Partitions that members hold.
    pub fn assigned(&self) -> i64 {
        self.assigned.load(Ordering::Acquire)
    }
}

/// Whether what lies between `next` and `end` may be nothing but marks of transactions, which no application
/// gets: behind the last record there is at most one of each producer, and a mark has a record before it.
pub(super) fn only_marks_left(start: i64, next: i64, end: i64, producers: i64) -> bool {
    next > start && end - next <= producers
}

/// All groups of a run, at work.
pub(super) struct Groups {
    stage: Arc<Stage>,
    properties: Vec<(String, String)>,
    groups: Vec<Group>,
    /// Numbers the members, so that each has a client id of its own.
    next_member: u32,
}

struct Group {
    state: Arc<GroupState>,
    members: VecDeque<Member>,
}

struct Member {
    leave: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Groups {
    /// Starts the plan's consumers; an error is one that no consumer could be made with.
    pub fn start(
        stage: &Arc<Stage>,
        properties: Vec<(String, String)>,
    ) -> Result<Groups, ClientError> {
        let plan = stage.plan();
        let count = if plan.consumers == 0 { 0 } else { plan.groups };
        let mut groups =
            Groups { stage: stage.clone(), properties, groups: Vec::new(), next_member: 0 };
        for index in 0..count {
            let start = |row: &Vec<i64>| row.iter().copied().map(AtomicI64::new).collect();
            let state = Arc::new(GroupState {
                name: format!("{}-{:016x}-{index}", plan.group_prefix, stage.run.id),
                positions: stage.topics.starts.iter().map(start).collect(),
                assigned: AtomicI64::new(0),
                members: AtomicU32::new(0),
                members_max: AtomicU32::new(0),
                rebalances: AtomicU64::new(0),
                consumed: AtomicU64::new(0),
            });
            groups.groups.push(Group { state, members: VecDeque::new() });
            for _ in 0..plan.consumers {
                groups.join_one(index)?;
            }
        }
        Ok(groups)
    }

    /// The groups.
    pub fn states(&self) -> Vec<Arc<GroupState>> {
        self.groups.iter().map(|group| group.state.clone()).collect()
    }

    /// Waits until all partitions are assigned in every group. Says whether they were in time.
    pub fn await_assignment(&self, timeout: Duration) -> bool {
        let partitions = self.stage.topics.places().len() as i64;
        let deadline = Instant::now() + timeout;
        loop {
            if self.groups.iter().all(|group| group.state.assigned() >= partitions) {
                return true;
            }
            if Instant::now() >= deadline
                || self.stage.stop.wait(Duration::from_millis(20), Wish::Stop)
            {
                return false;
            }
        }
    }

    /// One member of each group leaves, and another one joins.
    pub fn churn(&mut self) -> Result<(), ClientError> {
        for index in 0..self.groups.len() {
            if let Some(member) = self.groups[index].members.pop_front() {
                member.leave.store(true, Ordering::Release);
                member.thread.join().expect("a consumer's thread does not panic");
            }
            self.join_one(index as u32)?;
        }
        Ok(())
    }

    /// All members leave, having committed what they read.
    pub fn leave(self) {
        let members: Vec<Member> =
            self.groups.into_iter().flat_map(|group| group.members).collect();
        for member in &members {
            member.leave.store(true, Ordering::Release);
        }
        for member in members {
            member.thread.join().expect("a consumer's thread does not panic");
        }
    }

    fn join_one(&mut self, index: u32) -> Result<(), ClientError> {
        let member = self.next_member;
        self.next_member += 1;
        let group = &mut self.groups[index as usize];
        let spec = ConsumerSpec {
            client_id: format!("tidegate-load-consumer-{member}"),
            reads: Reads::Group {
                group: group.state.name.clone(),
                topics: self.stage.topics.names.clone(),
            },
            properties: self.properties.clone(),
        };
        let consumer = self.stage.client.consumer(&spec)?;
        let leave = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            stage: self.stage.clone(),
            state: group.state.clone(),
            spec,
            leave: leave.clone(),
            index,
        };
        let thread = std::thread::Builder::new()
            .name(format!("consumer-{member}"))
            .spawn(move || reader.run(consumer))
            .map_err(|error| ClientError::local("_THREAD", error.to_string()))?;
        group.members.push_back(Member { leave, thread });
        Ok(())
    }
}

/// Lets a member of each group leave and another one join at the plan's interval, until `over`.
pub(super) fn churn(stage: &Stage, groups: &Mutex<Groups>, over: &Stop) {
    let interval = stage.plan().churn.duration();
    while !interval.is_zero() && !over.wait(interval, Wish::Stop) {
        if let Err(error) = groups.lock().expect("nobody panics with the lock").churn() {
            stage.error("consume", &error);
        }
    }
}

/// A member's thread.
struct Reader {
    stage: Arc<Stage>,
    state: Arc<GroupState>,
    spec: ConsumerSpec,
    leave: Arc<AtomicBool>,
    index: u32,
}

impl Reader {
    fn run(self, consumer: Box<dyn Consumer>) {
        let members = self.state.members.fetch_add(1, Ordering::AcqRel) + 1;
        self.state.members_max.fetch_max(members, Ordering::AcqRel);
        let mut consumer = consumer;
        while !self.read(consumer) {
            // The client was of no more use, and the group should not go without the member.
            consumer = loop {
                std::thread::sleep(REVIVE_PAUSE);
                if self.leave.load(Ordering::Acquire) {
                    self.state.members.fetch_sub(1, Ordering::AcqRel);
                    return;
                }
                match self.stage.client.consumer(&self.spec) {
                    Ok(consumer) => break consumer,
                    Err(error) => self.stage.error("consume", &error),
                }
            };
        }
        self.state.members.fetch_sub(1, Ordering::AcqRel);
    }

    /// Reads until it should leave. Says whether it should; else the client is of no more use.
    fn read(&self, mut consumer: Box<dyn Consumer>) -> bool {
        let mut sink = Arrivals {
            stage: &self.stage,
            state: &self.state,
            ledger: self.stage.judge.consumer(self.index),
            tally: self.stage.arrivals.join(),
            last_topic: 0,
            held: 0,
            fatal: false,
        };
        let leave = || self.leave.load(Ordering::Acquire);
        while !leave() && !sink.fatal {
            if !consumer.poll(POLL_TIMEOUT, &mut sink) {
                sink.ledger.flush();
            }
        }
        let fatal = sink.fatal;
        consumer.close(&mut sink);
        self.state.assigned.fetch_sub(sink.held, Ordering::AcqRel);
        !fatal || leave()
    }
}

/// Takes what one consumer gets.
struct Arrivals<'a> {
    stage: &'a Stage,
    state: &'a GroupState,
    ledger: ConsumerLedger,
    tally: Tally,
    last_topic: u32,
    held: i64,
    fatal: bool,
}

impl Arrivals<'_> {
    fn holds(&mut self, change: i64) {
        self.held += change;
        self.state.assigned.fetch_add(change, Ordering::AcqRel);
    }
}

impl ConsumerSink for Arrivals<'_> {
    fn record(&mut self, record: &Incoming<'_>) {
        let now_us = self.stage.clock.now_us();
        let Some(topic) = self.stage.topics.index_of(record.topic, &mut self.last_topic) else {
            return;
        };
        let sighting =
            self.ledger.consumed(received(record, topic), record.headers.iter().copied());
        let bytes = size(record);
        self.tally.with(|measured| {
            measured.record(now_us, bytes);
            if let Some(sighting) = sighting.filter(|sighting| sighting.first) {
                measured.latency(now_us - sighting.due_us);
            }
        });
        self.state.consumed.fetch_add(1, Ordering::Relaxed);
        let row = &self.state.positions[topic as usize];
        if let Some(at) = usize::try_from(record.partition).ok().and_then(|index| row.get(index)) {
            at.fetch_max(record.offset + 1, Ordering::AcqRel);
        }
    }

    fn assigned(&mut self, partitions: &[(String, i32)]) {
        self.holds(partitions.len() as i64);
        self.state.rebalances.fetch_add(1, Ordering::AcqRel);
        self.tally.with(|measured| measured.rebalances += 1);
        let places: Vec<(u32, i32)> =
            partitions.iter().filter_map(|place| self.stage.topics.indexes(place)).collect();
        self.ledger.assigned(&places);
    }

    fn revoked(&mut self, partitions: &[(String, i32)]) {
        self.holds(-(partitions.len() as i64));
        self.ledger.flush();
    }

    fn trouble(&mut self, error: &ClientError) {
        self.fatal |= error.fatal;
        self.stage.error("consume", error);
    }
}

/// A record as the judge takes it.
pub(super) fn received<'a>(record: &Incoming<'a>, topic: u32) -> Received<'a> {
    Received {
        topic,
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key,
        value: record.value,
    }
}

fn size(record: &Incoming<'_>) -> usize {
    let headers: usize =
        record.headers.iter().map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len)).sum();
    record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len) + headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_as_many_offsets_as_there_are_producers_may_be_marks() {
        assert!(only_marks_left(0, 97, 100, 3));
        assert!(!only_marks_left(0, 96, 100, 3), "one of four is a record");
        assert!(!only_marks_left(0, 0, 2, 3), "there is a record before the first mark");
        assert!(!only_marks_left(50, 50, 52, 3), "of this run there is none yet");
    }
}
