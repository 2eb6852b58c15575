//! A target and its clients in memory, which do wrong what they are told to. The judge is the real
//! one, and so are the records' bytes.

use crate::judge::{
    ConsumerLedger, Failure, FaultKind, Judge, LastReader, ProducerLedger, Received, Timestamp,
    Verdict,
};
use crate::message::{Encoder, Run, SchemaIds};
use crate::plan::Plan;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub(super) const DUE_US: i64 = 1_795_284_000_000_000;

/// What is done to a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Deed {
    /// The fault itself.
    Fault(FaultKind),
    /// Not acknowledged, and not there.
    Refused,
    /// Not acknowledged, and there all the same.
    NotAcknowledgedButThere,
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) timestamp: Timestamp,
    /// A group that does not get it.
    pub(super) hidden_from: Option<u32>,
}

pub(super) struct World {
    pub(super) run: Arc<Run>,
    pub(super) judge: Judge,
    pub(super) producers: Vec<ProducerLedger>,
    pub(super) consumers: Vec<ConsumerLedger>,
    encoder: Encoder,
    next: Vec<u64>,
    /// By partition among all.
    pub(super) logs: Vec<Vec<Record>>,
    /// A record that is held back, until the next of its producer in its partition went before.
    held: BTreeMap<(u32, usize), (Record, u64)>,
    /// Delivery reports on their way.
    reports: VecDeque<(u32, u64, usize, i64)>,
    /// By group and partition.
    positions: Vec<Vec<usize>>,
    pub(super) random: Random,
    /// How many of each kind were done.
    pub(super) done: BTreeMap<FaultKind, u64>,
}

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Three topics, one of each format, with two partitions; three producers; two groups.
pub(super) fn plan() -> Plan {
    let mut plan = Plan::preset("default").unwrap();
    (plan.topics, plan.partitions, plan.producers, plan.groups) = (3, 2, 3, 2);
    (plan.bytes, plan.keys) = (300, 20);
    plan
}

impl World {
    pub(super) fn new(plan: &Plan, seed: u64) -> World {
        let run = Run::new(plan, 77, SchemaIds::made_up(plan));
        let judge = Judge::new(run.clone(), &[]);
        let partitions = (plan.topics * plan.partitions) as usize;
        World {
            producers: (0..plan.producers).map(|producer| judge.producer(producer)).collect(),
            consumers: (0..plan.groups).map(|group| judge.consumer(group)).collect(),
            encoder: Encoder::new(run.clone()),
            next: vec![0; plan.producers as usize],
            logs: vec![Vec::new(); partitions],
            held: BTreeMap::new(),
            reports: VecDeque::new(),
            positions: vec![vec![0; partitions]; plan.groups as usize],
            random: Random(seed * 0x9e37_79b9 + 1),
            done: BTreeMap::new(),
            judge,
            run,
        }
    }

    /// The next record of a producer, and what is done to it.
    pub(super) fn send(&mut self, producer: u32, deed: Option<Deed>) {
        let counter = self.next[producer as usize];
        self.next[producer as usize] += 1;
        self.producers[producer as usize].sent(counter);
        let due = DUE_US + counter as i64 * 1000;
        let encoded = self.encoder.encode(producer, counter, due);
        let per_topic = self.run.plan().partitions;
        let spread =
            encoded.key.iter().fold(7u32, |sum, byte| sum * 31 % 65_521 + u32::from(*byte));
        let partition = (encoded.topic * per_topic + spread % per_topic) as usize;
        let record = Record {
            key: Some(encoded.key.to_vec()),
            value: Some(encoded.value.to_vec()),
            headers: encoded.headers.to_vec(),
            timestamp: Timestamp::Create(encoded.timestamp_ms),
            hidden_from: None,
        };
        match deed {
            None => self.append(producer, counter, partition, record),
            Some(Deed::Refused) => {
                self.producers[producer as usize].failed(counter, Failure::NotWritten);
            }
            Some(Deed::NotAcknowledgedButThere) => {
                self.logs[partition].push(record);
                self.producers[producer as usize].failed(counter, Failure::Unknown);
            }
            Some(Deed::Fault(kind)) => {
                if self.spoil(producer, counter, partition, record, kind) {
                    *self.done.entry(kind).or_default() += 1;
                }
            }
        }
    }

    fn append(&mut self, producer: u32, counter: u64, partition: usize, record: Record) {
        self.report(producer, counter, partition, self.logs[partition].len() as i64);
        self.logs[partition].push(record);
        if let Some((record, counter)) = self.held.remove(&(producer, partition)) {
            *self.done.entry(FaultKind::Reordered).or_default() += 1;
            self.append(producer, counter, partition, record);
        }
    }

    fn report(&mut self, producer: u32, counter: u64, partition: usize, offset: i64) {
        self.reports.push_back((producer, counter, partition, offset));
    }

    /// Whether it is done already.
    fn spoil(
        &mut self,
        producer: u32,
        counter: u64,
        partition: usize,
        mut record: Record,
        kind: FaultKind,
    ) -> bool {
        let end = self.logs[partition].len() as i64;
        match kind {
            FaultKind::Lost => {
                self.report(producer, counter, partition, end);
                return true;
            }
            FaultKind::Missed => record.hidden_from = Some(self.random.below(2) as u32),
            FaultKind::Duplicated => {
                let second = self.random.below(2) as i64;
                self.report(producer, counter, partition, end + second);
                self.logs[partition].extend([record.clone(), record]);
                return true;
            }
            FaultKind::Reordered => {
                let held = self.held.contains_key(&(producer, partition));
                if held {
                    self.append(producer, counter, partition, record);
                } else {
                    self.held.insert((producer, partition), (record, counter));
                }
                return false;
            }
            FaultKind::WrongOffset => {
                let reported = end + 1 + self.random.below(5000) as i64;
                self.report(producer, counter, partition, reported);
                self.logs[partition].push(record);
                return true;
            }
            FaultKind::WrongPartition => {
                self.report(producer, counter, partition ^ 1, end);
                self.logs[partition].push(record);
                return true;
            }
            FaultKind::Foreign => {
                let mut plan = plan();
                plan.seed = 5;
                let other = Run::new(&plan, 78, SchemaIds::made_up(&plan));
                let topic = partition as u32 / 2;
                let encoded = Encoder::new(other).encode(topic, 0, DUE_US).value.to_vec();
                let value = [Some(encoded), Some(b"hello".to_vec()), None];
                let value = value[self.random.below(3) as usize].clone();
                let timestamp = Timestamp::Create(1);
                let foreign =
                    Record { key: None, value, headers: vec![], timestamp, hidden_from: None };
                self.logs[partition].push(foreign);
            }
            _ => change(&mut record, kind, &mut self.random),
        }
        self.append(producer, counter, partition, record);
        true
    }

    /// Delivery reports and deliveries, in any order.
    pub(super) fn go_on(&mut self, steps: u64) {
        for _ in 0..steps {
            match self.random.below(8) {
                0..=2 => self.report_one(),
                3 => {
                    let producer = self.random.below(self.producers.len() as u64) as usize;
                    self.producers[producer].flush();
                }
                4 => {
                    let group = self.random.below(self.consumers.len() as u64) as usize;
                    self.consumers[group].flush();
                }
                _ => {
                    let group = self.random.below(self.consumers.len() as u64) as u32;
                    let partition = self.random.below(self.logs.len() as u64) as usize;
                    self.deliver(group, partition);
                }
            }
        }
    }

    fn report_one(&mut self) {
        let Some((producer, counter, partition, offset)) = self.reports.pop_front() else { return };
        let (topic, partition) = self.name(partition);
        self.producers[producer as usize].acknowledged(counter, topic, partition, Some(offset));
    }

    pub(super) fn name(&self, partition: usize) -> (u32, i32) {
        let per_topic = self.run.plan().partitions;
        (partition as u32 / per_topic, (partition as u32 % per_topic) as i32)
    }

    fn deliver(&mut self, group: u32, partition: usize) {
        let position = &mut self.positions[group as usize][partition];
        let offset = *position;
        if offset < self.logs[partition].len() {
            *position += 1;
            self.deliver_at(group, partition, offset);
        }
    }

    pub(super) fn deliver_at(&mut self, group: u32, partition: usize, offset: usize) {
        let name = self.name(partition);
        let record = &self.logs[partition][offset];
        if record.hidden_from != Some(group) {
            let ledger = &mut self.consumers[group as usize];
            ledger.consumed(received(record, name, offset as i64), headers(record));
        }
    }

    /// A consumer starts again from some offset that it had already.
    pub(super) fn rebalance(&mut self, group: u32, partition: usize) {
        let name = self.name(partition);
        self.consumers[group as usize].assigned(&[name]);
        let position = &mut self.positions[group as usize][partition];
        *position = self.random.below(*position as u64 + 1) as usize;
    }

    /// Everything arrives, is read at last, and is judged. `ends` are log start offsets.
    pub(super) fn end(mut self, log_starts: &[usize]) -> Verdict {
        for ((producer, partition), (record, counter)) in std::mem::take(&mut self.held) {
            self.append(producer, counter, partition, record);
        }
        while !self.reports.is_empty() {
            self.report_one();
        }
        for (group, partition) in self.everywhere() {
            while self.positions[group as usize][partition] < self.logs[partition].len() {
                self.deliver(group, partition);
            }
        }
        (self.producers, self.consumers) = (Vec::new(), Vec::new());
        for (partition, log) in self.logs.iter().enumerate() {
            let start = log_starts.get(partition).copied().unwrap_or(0);
            let name = self.name(partition);
            let mut reader = self.judge.last_reader(name.0, name.1, start as i64);
            for (offset, record) in log.iter().enumerate().skip(start) {
                read(&mut reader, record, name, offset as i64);
            }
            reader.finish();
        }
        self.judge.verdict()
    }

    fn everywhere(&self) -> Vec<(u32, usize)> {
        let groups = 0..self.consumers.len() as u32;
        groups.flat_map(|group| (0..self.logs.len()).map(move |at| (group, at))).collect()
    }
}

pub(super) fn read(reader: &mut LastReader, record: &Record, name: (u32, i32), offset: i64) {
    reader.read(received(record, name, offset), headers(record));
}

fn received(record: &Record, (topic, partition): (u32, i32), offset: i64) -> Received<'_> {
    let (key, value) = (record.key.as_deref(), record.value.as_deref());
    Received { topic, partition, offset, timestamp: record.timestamp, key, value }
}

fn headers(record: &Record) -> impl Iterator<Item = (&str, Option<&[u8]>)> + Clone {
    record.headers.iter().map(|(name, value)| (name.as_str(), Some(value.as_slice())))
}

fn change(record: &mut Record, kind: FaultKind, random: &mut Random) {
    let value = record.value.as_mut().expect("it has one");
    match kind {
        FaultKind::Missed => {}
        FaultKind::ChangedValue if random.below(10) == 0 => record.value = None,
        FaultKind::ChangedValue if random.below(10) == 0 => value.truncate(150),
        FaultKind::ChangedValue => {
            let at = 5 + random.below(value.len() as u64 - 5) as usize;
            value[at] ^= 1 << random.below(7);
        }
        FaultKind::WrongSchema => value[4] += 40,
        FaultKind::ChangedKey if random.below(3) == 0 => record.key = None,
        FaultKind::ChangedKey => *record.key.as_mut().expect("it has one").last_mut().unwrap() ^= 1,
        FaultKind::ChangedHeaders => match random.below(4) {
            0 => record.headers.clear(),
            1 => record.headers.reverse(),
            2 => record.headers[1].1.push(b'!'),
            _ => record.headers[0].0.push('!'),
        },
        FaultKind::ChangedTimestamp => {
            let other = [Timestamp::Create(1), Timestamp::Missing, Timestamp::Create(-1)];
            record.timestamp = other[random.below(3) as usize];
        }
        _ => unreachable!("{kind:?} is not in the record"),
    }
}
