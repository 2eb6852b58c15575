//! What the suite's tests are written with: batches, an observer that remembers, chance by seed.

use crate::commit::Commit;
use crate::slice::LogRead;
use crate::store::{
    Append, LogError, LogObserver, LogStore, Opened, PartitionLog, ReadRequest, Snapshot,
};
use bytes::Bytes;
use parking_lot::Mutex;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use tidegate_model::{
    BatchBuilder, BatchHeader, Batches, LeaderEpoch, Offset, Record, TimestampMs, TopicId,
    TopicIdPartition, batch_crc_matches, set_base_offset, set_leader_epoch,
};

/// An engine under test, with the means to end it and start it again.
pub trait Harness {
    /// The running store.
    fn store(&self) -> Arc<dyn LogStore>;

    /// Closes the store and opens it again. False if the engine keeps nothing; then it is as before.
    fn reopen(&mut self) -> bool;

    /// Drops the store without closing it and opens it again. False if the engine keeps nothing.
    fn crash(&mut self) -> bool;
}

/// Waits for `future` on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}

/// Pseudo-random numbers that a seed determines (SplitMix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of that seed.
    pub fn of_seed(seed: u64) -> Self {
        Chance(seed)
    }

    /// The seed in `TIDEGATE_SEED`, or a new one; printed, so that a failure can be repeated.
    pub fn from_environment() -> Self {
        let given = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
            since.map_or(0, |since| since.as_nanos() as u64)
        });
        eprintln!("TIDEGATE_SEED={seed}");
        Chance(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_u64() % limit.max(1)
    }
}

/// An observer that remembers how far it was told the log is durable.
#[derive(Default)]
pub struct Recorder {
    ends: Mutex<Vec<Offset>>,
    snapshot: Mutex<Option<Snapshot>>,
}

impl Recorder {
    /// A recorder that was told nothing.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The end it was told last.
    pub fn durable_end(&self) -> Option<Offset> {
        self.ends.lock().last().copied()
    }

    /// What it answers when the engine asks for a snapshot.
    pub fn set_snapshot(&self, snapshot: Snapshot) {
        *self.snapshot.lock() = Some(snapshot);
    }
}

impl LogObserver for Recorder {
    fn on_durable(&self, end: Offset) {
        let mut ends = self.ends.lock();
        assert!(
            ends.last().is_none_or(|last| *last < end),
            "the durable end rises: {ends:?}, {end}"
        );
        ends.push(end);
    }

    fn snapshot(&self) -> Option<Snapshot> {
        self.snapshot.lock().clone()
    }
}

/// A partition opened by its only writer.
pub struct Writer {
    /// The log.
    pub log: Arc<dyn PartitionLog>,
    /// What the engine told.
    pub observer: Arc<Recorder>,
    /// Offset of the next record.
    pub next_offset: Offset,
    /// The epoch it appends under.
    pub leader_epoch: LeaderEpoch,
    /// The snapshot that came with the log.
    pub snapshot: Option<Snapshot>,
}

/// Partition `partition` of the suite's topic number `topic`.
pub fn partition(topic: u128, partition: i32) -> TopicIdPartition {
    let id = 0x5eed_0000_0000_4000_8000_0000_0000_0000 + topic;
    TopicIdPartition::new(TopicId(uuid::Uuid::from_u128(id)), partition)
}

impl Writer {
    /// Opens `partition` under `leader_epoch`, which no newer one may fence.
    pub fn open(store: &dyn LogStore, id: TopicIdPartition, leader_epoch: LeaderEpoch) -> Self {
        Self::try_open(store, id, leader_epoch).expect("no newer epoch is known")
    }

    /// Opens `partition` under `leader_epoch`.
    pub fn try_open(
        store: &dyn LogStore,
        id: TopicIdPartition,
        leader_epoch: LeaderEpoch,
    ) -> Result<Self, LogError> {
        let observer = Recorder::new();
        let step = store.open(id, leader_epoch, observer.clone());
        let Opened { log, log_start_offset, log_end_offset, snapshot } = block_on(step.wait())?;
        assert_eq!(log.log_start_offset(), log_start_offset);
        Ok(Writer { log, observer, next_offset: log_end_offset, leader_epoch, snapshot })
    }

    /// Enqueues the batches that follow what was enqueued before.
    pub fn enqueue(&mut self, batches: &mut [u8]) -> Result<Commit, LogError> {
        let mut at = 0;
        let (mut next_offset, mut max_timestamp) = (self.next_offset, TimestampMs::MIN);
        while at < batches.len() {
            set_base_offset(&mut batches[at..], next_offset);
            set_leader_epoch(&mut batches[at..], self.leader_epoch);
            let header =
                BatchHeader::parse(&batches[at..]).expect("the suite builds sound batches");
            next_offset = header.next_offset();
            max_timestamp = max_timestamp.max(header.max_timestamp);
            at += header.len;
        }
        let append = Append {
            base_offset: self.next_offset,
            next_offset,
            leader_epoch: self.leader_epoch,
            max_timestamp,
            batches,
        };
        let commit = self.log.enqueue(append)?;
        self.next_offset = next_offset;
        Ok(commit)
    }

    /// Appends `records` records of `value_len` bytes and waits until they are durable.
    pub fn append(&mut self, records: usize, value_len: usize, timestamp: TimestampMs) -> Vec<u8> {
        let mut bytes = batch(records, value_len, timestamp);
        let commit = self.enqueue(&mut bytes).expect("the store takes appends");
        block_on(commit).expect("the store stays open");
        bytes
    }

    /// Reads from `from` to the durable end.
    pub fn read(&self, from: Offset) -> Vec<u8> {
        read_all(&*self.log, from, Offset::MAX)
    }
}

/// One batch of `records` records whose values are `value_len` bytes long.
pub fn batch(records: usize, value_len: usize, timestamp: TimestampMs) -> Vec<u8> {
    let value: Vec<u8> = (0..value_len).map(|at| (at as i64 ^ timestamp) as u8).collect();
    let mut builder = BatchBuilder::new();
    for _ in 0..records {
        builder.push(&Record::new(timestamp, None, Some(&value)));
    }
    builder.finish().expect("there is at least one record").to_vec()
}

/// One read, with everything it returned checked for being whole batches.
pub fn read(log: &dyn PartitionLog, request: ReadRequest) -> Result<(Bytes, LogRead), LogError> {
    let read = block_on(log.read(request).wait())?;
    let bytes = read.to_bytes().expect("slices stay readable");
    let mut next_offset = request.from;
    for (at, header) in Batches::new(&bytes).map(|batch| batch.expect("reads return whole batches"))
    {
        assert!(batch_crc_matches(&bytes[at..at + header.len]), "batch at {}", header.base_offset);
        assert!(header.base_offset < request.upper, "upper is {}", request.upper);
        assert!(header.next_offset() > request.from, "from is {}", request.from);
        next_offset = header.next_offset();
    }
    assert_eq!(read.next_offset, next_offset);
    Ok((bytes, read))
}

/// Reads on until nothing comes any more.
pub fn read_all(log: &dyn PartitionLog, mut from: Offset, upper: Offset) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let request = ReadRequest { from, upper, max_bytes: 100_000, at_least_one_batch: true };
        let (bytes, found) = read(log, request).expect("the offset is within the log");
        if bytes.is_empty() {
            return all;
        }
        from = found.next_offset;
        all.extend_from_slice(&bytes);
    }
}
