//! The last read: every partition from its beginning to its end, by consumers that are in no group and
//! know nothing of what the groups have seen.

use super::consume::{only_marks_left, received};
use super::stage::Stage;
use super::stop::Wish;
use crate::client::cluster::Place;
use crate::client::{ClientError, ConsumerSink, ConsumerSpec, Incoming, Reads};
use crate::judge::LastReader;
use crate::plan::Plan;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Readers at work side by side, at most.
const READERS_MAX: usize = 4;

/// How long a partition may be silent at its end: what is left are the marks of transactions.
const MARKS_TIMEOUT: Duration = Duration::from_secs(3);

/// What came of the last read.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct LastRead {
    /// Partitions that could not be read to their end.
    pub unfinished: usize,
}

/// Reads all partitions. `starts` and `ends` are by topic and partition, asked for after the drain.
pub(super) fn read_all(
    stage: &Stage,
    properties: &[(String, String)],
    starts: &[Vec<i64>],
    ends: &[Vec<i64>],
) -> Result<LastRead, ClientError> {
    let mut shares: Vec<HashMap<(u32, i32), Partition>> = Vec::new();
    let readers = std::thread::available_parallelism().map_or(1, usize::from).min(READERS_MAX);
    shares.resize_with(readers, HashMap::new);
    for (number, place) in stage.topics.places().iter().enumerate() {
        let (topic, partition) = stage.topics.indexes(place).expect("it is one of ours");
        let at = |table: &[Vec<i64>]| table[topic as usize][partition as usize];
        let reader = stage.judge.last_reader(topic, partition, at(starts));
        let end = at(ends);
        if at(starts) >= end {
            reader.finish();
        } else {
            let share = &mut shares[number % readers];
            let start = at(starts);
            share.insert((topic, partition), Partition { reader, start, next: start, end });
        }
    }
    let mut done = LastRead::default();
    let results: Vec<Result<usize, ClientError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = shares
            .into_iter()
            .filter(|share| !share.is_empty())
            .enumerate()
            .map(|(index, share)| scope.spawn(move || read_share(stage, properties, index, share)))
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join();
        threads.into_iter().map(|t| join(t).expect("a reader does not panic")).collect()
    });
    for result in results {
        done.unfinished += result?;
    }
    Ok(done)
}

struct Partition {
    reader: LastReader,
    start: i64,
    /// The offset after the last one that was read.
    next: i64,
    end: i64,
}

impl Partition {
    fn may_be_at_marks(&self, plan: &Plan) -> bool {
        let marks_max = i64::from(plan.producers);
        plan.transactional && only_marks_left(self.start, self.next, self.end, marks_max)
    }
}

/// Reads some partitions; says how many of them could not be read to the end.
fn read_share(
    stage: &Stage,
    properties: &[(String, String)],
    index: usize,
    partitions: HashMap<(u32, i32), Partition>,
) -> Result<usize, ClientError> {
    let place = |(topic, partition): &(u32, i32)| -> Place {
        (stage.topics.names[*topic as usize].clone(), *partition)
    };
    let spec = ConsumerSpec {
        client_id: format!("tidegate-load-reader-{index}"),
        reads: Reads::Partitions(partitions.keys().map(place).collect()),
        properties: properties.to_vec(),
    };
    let mut consumer = stage.client.consumer(&spec)?;
    let mut sink = Reading { stage, partitions, last_topic: 0, fatal: None };
    let mut progress = Instant::now();
    while !sink.partitions.is_empty() && progress.elapsed() < sink.patience() {
        if consumer.poll(Duration::from_millis(100), &mut sink) {
            progress = Instant::now();
        }
        if stage.stop.wish() == Wish::Abort {
            break;
        }
        if let Some(error) = sink.fatal.take() {
            return Err(error);
        }
    }
    let mut left = std::mem::take(&mut sink.partitions);
    consumer.close(&mut sink);
    if stage.stop.wish() < Wish::Abort {
        // The client shows no marks, so it cannot be seen that nothing else was left.
        let at_marks = |_: &_, partition: &mut Partition| partition.may_be_at_marks(stage.plan());
        for (_, partition) in left.extract_if(at_marks) {
            partition.reader.finish();
        }
    }
    Ok(left.len())
}

struct Reading<'a> {
    stage: &'a Stage,
    /// Those that are not read to the end.
    partitions: HashMap<(u32, i32), Partition>,
    last_topic: u32,
    fatal: Option<ClientError>,
}

impl Reading<'_> {
    /// How long nothing may come before what is left is given up.
    fn patience(&self) -> Duration {
        let plan = self.stage.plan();
        let timeout = plan.drain_timeout.duration();
        match self.partitions.values().all(|partition| partition.may_be_at_marks(plan)) {
            true => timeout.min(MARKS_TIMEOUT),
            false => timeout,
        }
    }
}

impl ConsumerSink for Reading<'_> {
    fn record(&mut self, record: &Incoming<'_>) {
        let Some(topic) = self.stage.topics.index_of(record.topic, &mut self.last_topic) else {
            return;
        };
        let place = (topic, record.partition);
        let Some(partition) = self.partitions.get_mut(&place) else { return };
        partition.reader.read(received(record, topic), record.headers.iter().copied());
        self.stage.read_back.fetch_add(1, Ordering::Relaxed);
        partition.next = partition.next.max(record.offset + 1);
        if partition.next >= partition.end
            && let Some(partition) = self.partitions.remove(&place)
        {
            partition.reader.finish();
        }
    }

    fn assigned(&mut self, _: &[(String, i32)]) {}

    fn revoked(&mut self, _: &[(String, i32)]) {}

    fn trouble(&mut self, error: &ClientError) {
        self.stage.error("consume", error);
        if error.fatal {
            self.fatal = Some(error.clone());
        }
    }
}
