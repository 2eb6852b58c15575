//! What does a record cost the load test itself?
//!
//! Questions: how many records a second can be made, and how many consumed and judged, on one core? How much
//! memory does the judge keep while millions of records come, each read by a group and once more at the end?
//! Without a target, so that nothing but the load test is measured:
//!
//! ```text
//! cargo run --release -p tidegate-load --example record_bench -- [records of the long run]
//! ```
//!
//! The long run has 2,000,000 records unless another number is given; 36,000,000 are an hour at 10,000
//! records/s. Baseline: the preset `stress` offers 40,000 records/s, and what is kept may not grow with the
//! number of records.

use std::time::{Duration, Instant};
use tidegate_load::judge::{ConsumerLedger, Failure, Judge, LastReader, Received, Timestamp};
use tidegate_load::message::{Encoded, Encoder, Run, SchemaIds};
use tidegate_load::plan::{Format, Plan};

const RUN: u64 = 0x0123_4567_89ab_cdef;
const DUE_US: i64 = 1_795_284_000_123_456;
const PRODUCERS: u32 = 10;

fn main() {
    let records = std::env::args().nth(1).map_or(2_000_000, |text| {
        text.parse().expect("the argument is how many records the long run has")
    });
    for format in Format::ALL {
        encoding(*format, true);
        encoding(*format, false);
    }
    judging();
    long_run(records);
}

fn plan() -> Plan {
    let mut plan = Plan::preset("default").expect("there is such a preset");
    plan.producers = PRODUCERS;
    plan
}

fn encoder(plan: &Plan) -> Encoder {
    Encoder::new(Run::new(plan, RUN, SchemaIds::made_up(plan)))
}

fn encoding(format: Format, compressible: bool) {
    let mut plan = plan();
    (plan.formats, plan.bytes, plan.compressible) = (vec![format], 1024, compressible);
    let (mut encoder, records) = (encoder(&plan), 500_000);
    let started = Instant::now();
    let bytes: usize =
        (0..records).map(|counter| encoder.encode(1, counter, DUE_US).value.len()).sum();
    let per_s = records as f64 / started.elapsed().as_secs_f64();
    println!("{format:?}, compressible {compressible}: {per_s:.0} records/s made ({bytes} bytes)");
}

/// A record that waits to be consumed.
struct Sent {
    topic: u32,
    offset: i64,
    key: Vec<u8>,
    value: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Sent {
    fn consumed(&self, consumer: &mut ConsumerLedger) {
        let received = received(self.topic, 0, self.offset, &self.key, &self.value);
        let sighting = consumer.consumed(received, headers(&self.headers));
        assert!(sighting.is_some(), "the judge knows its records");
    }
}

fn received<'a>(
    topic: u32,
    partition: i32,
    offset: i64,
    key: &'a [u8],
    value: &'a [u8],
) -> Received<'a> {
    let timestamp = Timestamp::Create(DUE_US / 1000);
    Received { topic, partition, offset, timestamp, key: Some(key), value: Some(value) }
}

fn headers(
    headers: &[(String, Vec<u8>)],
) -> impl Iterator<Item = (&str, Option<&[u8]>)> + Clone + '_ {
    headers.iter().map(|(name, value)| (name.as_str(), Some(&value[..])))
}

/// Records are made a thousand at a time, outside of what is measured.
fn judging() {
    let mut plan = plan();
    (plan.topics, plan.partitions) = (5, 1);
    let mut encoder = encoder(&plan);
    let judge = Judge::new(encoder.run().clone(), &[]);
    let mut producers: Vec<_> = (0..PRODUCERS).map(|producer| judge.producer(producer)).collect();
    let (mut consumer, mut took) = (judge.consumer(0), Duration::ZERO);
    let (records, mut ends, mut batch) = (1_000_000, [0; 5], Vec::new());
    for counter in 0..records / u64::from(PRODUCERS) {
        for (producer, ledger) in (0..).zip(&mut producers) {
            ledger.sent(counter);
            let Encoded { topic, key, value, headers, .. } =
                encoder.encode(producer, counter, DUE_US);
            let end = &mut ends[topic as usize];
            ledger.acknowledged(counter, topic, 0, Some(*end));
            let (key, value, headers) = (key.to_vec(), value.to_vec(), headers.to_vec());
            batch.push(Sent { topic, offset: *end, key, value, headers });
            *end += 1;
        }
        if batch.len() == 1000 {
            let started = Instant::now();
            batch.iter().for_each(|sent| sent.consumed(&mut consumer));
            took += started.elapsed();
            batch.clear();
        }
    }
    assert_eq!(judge.progress().faults, 0);
    println!("{:.0} records/s consumed and judged", records as f64 / took.as_secs_f64());
}

/// Which record lies at an offset: not its bytes, which would be most of the memory.
#[derive(Clone, Copy)]
struct Written {
    producer: u32,
    counter: u64,
    partition: i32,
    offset: i64,
}

/// A group is 50,000 to 100,000 records behind, and the last readers read what the group has read.
fn long_run(records: u64) {
    let plan = plan();
    let (topics, partitions) = (plan.topics as usize, plan.partitions as usize);
    let mut encoder = encoder(&plan);
    let run = encoder.run().clone();
    let judge = Judge::new(run.clone(), &[]);
    let mut producers: Vec<_> = (0..PRODUCERS).map(|producer| judge.producer(producer)).collect();
    let mut consumer = judge.consumer(0);
    let reader =
        |index| judge.last_reader((index / partitions) as u32, (index % partitions) as i32, 0);
    let mut readers: Vec<LastReader> = (0..topics * partitions).map(reader).collect();
    let mut ends = vec![0; readers.len()];
    let mut log: Vec<Written> = Vec::new();
    println!("{} MiB before the long run", resident_mib());
    let rounds = records / u64::from(PRODUCERS);
    for counter in 0..rounds {
        for (producer, ledger) in (0..).zip(&mut producers) {
            let topic = run.topic(producer, counter);
            let partition = (counter * 7 + u64::from(producer) * 3) as usize % partitions;
            let end = &mut ends[topic as usize * partitions + partition];
            let (partition, offset) = (partition as i32, *end);
            *end += 1;
            ledger.sent(counter);
            // One in a million is not acknowledged although it is there, and leaves a gap for ever.
            match (counter * u64::from(PRODUCERS) + u64::from(producer)) % 1_000_000 {
                7 => ledger.failed(counter, Failure::Unknown),
                _ => ledger.acknowledged(counter, topic, partition, Some(offset)),
            }
            log.push(Written { producer, counter, partition, offset });
        }
        if log.len() == 100_000 {
            let behind: Vec<Written> = log.drain(..50_000).collect();
            for Written { producer, counter, partition, offset } in behind.iter().copied() {
                let record = encoder.encode(producer, counter, DUE_US);
                let received = received(record.topic, partition, offset, record.key, record.value);
                consumer.consumed(received, headers(record.headers));
            }
            // What the group has read has to be known before the last readers look for it.
            consumer.flush();
            for Written { producer, counter, partition, offset } in behind {
                let record = encoder.encode(producer, counter, DUE_US);
                let received = received(record.topic, partition, offset, record.key, record.value);
                let reader = record.topic as usize * partitions + partition as usize;
                readers[reader].read(received, headers(record.headers));
            }
        }
        if (counter + 1) % (rounds / 10).max(1) == 0 {
            let records = (counter + 1) * u64::from(PRODUCERS);
            println!("{} MiB after {records} records", resident_mib());
        }
    }
    assert_eq!(judge.progress().faults, 0);
}

fn resident_mib() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    resident.expect("its second number is the resident pages") * 4096 / (1 << 20)
}
