//! A random history, compared with a model after every step.

use super::support::{Chance, Harness, Writer, batch, block_on, partition, read};
use crate::store::{BatchQuery, LogError, ReadRequest};
use std::collections::BTreeMap;
use tidegate_model::{BatchHeader, Batches, Offset, TimestampMs, TopicIdPartition};

const STEPS: usize = 600;
const PARTITIONS: u64 = 6;

/// What a partition's log must hold.
#[derive(Default, Clone)]
struct Model {
    batches: Vec<(Offset, Offset, TimestampMs, Vec<u8>)>,
    start: Offset,
    end: Offset,
}

impl Model {
    fn append(&mut self, bytes: &[u8]) {
        for (at, header) in Batches::new(bytes).map(|batch| batch.expect("sound batches")) {
            self.end = header.next_offset();
            self.batches.push((
                header.base_offset,
                self.end,
                header.max_timestamp,
                bytes[at..at + header.len].to_vec(),
            ));
        }
    }

    fn kept(&self, from: Offset, upper: Offset) -> impl Iterator<Item = &[u8]> {
        let within = move |batch: &&(Offset, Offset, TimestampMs, Vec<u8>)| {
            batch.1 > from && batch.0 < upper && from < upper
        };
        self.batches.iter().filter(within).map(|batch| &batch.3[..])
    }

    fn find(&self, query: BatchQuery, from: Offset, upper: Offset) -> Option<&[u8]> {
        let lower = from.max(self.start);
        let kept = self.batches.iter().filter(|batch| batch.1 > lower && batch.0 < upper);
        let found = match query {
            BatchQuery::TimestampAtLeast(at) => kept.into_iter().find(|batch| batch.2 >= at),
            BatchQuery::MaxTimestamp => kept.into_iter().rev().max_by_key(|batch| batch.2),
        };
        found.map(|batch| &batch.3[..])
    }
}

struct Run<'a> {
    harness: &'a mut dyn Harness,
    chance: Chance,
    models: BTreeMap<TopicIdPartition, Model>,
    writers: BTreeMap<TopicIdPartition, Writer>,
}

/// Appends, reads, trims, searches, deletes and restarts in any order agree with a model.
pub fn a_random_history_matches_its_model(harness: &mut dyn Harness) {
    let chance = Chance::from_environment();
    let mut run = Run { harness, chance, models: BTreeMap::new(), writers: BTreeMap::new() };
    for _ in 0..STEPS {
        let id = partition(1, run.chance.below(PARTITIONS) as i32);
        match run.chance.below(100) {
            0..45 => run.append(id),
            45..70 => run.read(id),
            70..80 => run.find(id),
            80..88 => run.trim(id),
            88..90 => run.delete(id),
            90..93 => run.restart(),
            _ => run.append_together(),
        }
    }
    run.compare();
}

impl Run<'_> {
    fn writer(&mut self, id: TopicIdPartition) -> &mut Writer {
        let store = self.harness.store();
        self.models.entry(id).or_default();
        self.writers.entry(id).or_insert_with(|| Writer::open(&*store, id, 0))
    }

    fn some_batches(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..=self.chance.below(3) {
            let len = match self.chance.below(12) {
                0 => self.chance.below(400_000),
                1..4 => self.chance.below(20_000),
                _ => self.chance.below(300),
            };
            let records = 1 + self.chance.below(4) as usize;
            let timestamp = self.chance.below(1_000) as i64;
            bytes.extend(batch(records, len as usize / records, timestamp));
        }
        bytes
    }

    fn append(&mut self, id: TopicIdPartition) {
        let mut bytes = self.some_batches();
        let commit = self.writer(id).enqueue(&mut bytes).expect("taken");
        block_on(commit).expect("durable");
        self.models.entry(id).or_default().append(&bytes);
    }

    /// A burst over all partitions, awaited at its end.
    fn append_together(&mut self) {
        let mut commits = Vec::new();
        for n in 0..PARTITIONS * 4 {
            let id = partition(1, (n % PARTITIONS) as i32);
            let mut bytes = self.some_batches();
            commits.push(self.writer(id).enqueue(&mut bytes).expect("taken"));
            self.models.entry(id).or_default().append(&bytes);
        }
        commits.into_iter().for_each(|commit| block_on(commit).expect("durable"));
    }

    fn read(&mut self, id: TopicIdPartition) {
        self.writer(id);
        let model = self.models[&id].clone();
        let log = self.writers[&id].log.clone();
        let from = self.chance.below(model.end as u64 + 2) as Offset;
        let upper = match self.chance.below(2) {
            0 => model.end,
            _ => self.chance.below(model.end as u64 + 2) as Offset,
        };
        let max_bytes = self.chance.below(100_000) as usize;
        let at_least_one_batch = self.chance.below(2) == 0;
        let request = ReadRequest { from, upper, max_bytes, at_least_one_batch };
        let found = read(&*log, request);
        if from < model.start || from > model.end {
            assert!(matches!(found, Err(LogError::OffsetOutOfRange { .. })), "{request:?}");
            return;
        }
        let (bytes, _) = found.expect("within the log");
        let expected: Vec<u8> = model.kept(from, upper).flatten().copied().collect();
        assert!(expected.starts_with(&bytes), "{request:?}");
        let first = model.kept(from, upper).next().map_or(0, <[u8]>::len);
        let owed = first > 0 && (at_least_one_batch || first <= max_bytes);
        assert_eq!(!bytes.is_empty(), owed, "{request:?}");
        assert!(bytes.len() <= max_bytes || (at_least_one_batch && bytes.len() == first));
    }

    fn find(&mut self, id: TopicIdPartition) {
        self.writer(id);
        let model = &self.models[&id];
        let upper = self.chance.below(model.end as u64 + 2) as Offset;
        let from = self.chance.below(model.end as u64 + 2) as Offset;
        let query = match self.chance.below(2) {
            0 => BatchQuery::MaxTimestamp,
            _ => BatchQuery::TimestampAtLeast(self.chance.below(1_000) as i64),
        };
        let found = block_on(self.writers[&id].log.find_batch(query, from, upper).wait());
        let found = found.expect("readable");
        let offset = |bytes: &[u8]| BatchHeader::parse(bytes).map(|header| header.base_offset);
        assert!(
            found.as_deref() == model.find(query, from, upper),
            "{query:?} in {from}..{upper}: {:?}, not {:?}",
            found.as_deref().map(offset),
            model.find(query, from, upper).map(offset)
        );
    }

    fn trim(&mut self, id: TopicIdPartition) {
        let end = self.writer(id).next_offset;
        let new_start = self.chance.below(end as u64 + 2) as Offset;
        let trimmed = block_on(self.writers[&id].log.trim(new_start).wait());
        assert_eq!(trimmed.is_ok(), new_start <= end, "{new_start} of {end}");
        let model = self.models.entry(id).or_default();
        if new_start <= end {
            model.start = model.start.max(new_start);
        }
        assert_eq!(self.writers[&id].log.log_start_offset(), model.start);
    }

    fn delete(&mut self, id: TopicIdPartition) {
        self.writers.remove(&id);
        self.models.remove(&id);
        block_on(self.harness.store().delete(id).wait()).expect("deleted");
    }

    fn restart(&mut self) {
        self.writers.clear();
        let kept = match self.chance.below(2) {
            0 => self.harness.reopen(),
            _ => self.harness.crash(),
        };
        if kept {
            self.compare();
        }
    }

    fn compare(&mut self) {
        let ids: Vec<_> = self.models.keys().copied().collect();
        for id in ids {
            self.writer(id);
            let (model, writer) = (&self.models[&id], &self.writers[&id]);
            assert_eq!(writer.log.log_start_offset(), model.start, "{id}");
            assert_eq!(writer.next_offset, model.end, "{id}");
            let expected: Vec<u8> = model.kept(model.start, model.end).flatten().copied().collect();
            assert!(writer.read(model.start) == expected, "{id}");
            assert_eq!(writer.log.bytes_between(model.end, Offset::MAX), 0, "{id}");
        }
    }
}
