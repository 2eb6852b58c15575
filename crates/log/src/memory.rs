//! An engine without disks: logs live as long as the store.
//!
//! One thread makes appends "durable", so that commits, observers and waiting behave as they do
//! on the other engines.

use crate::commit::{Commit, CommitQueue};
use crate::segments::{SegmentFill, SegmentLimits, SegmentSummary, wall_clock_ms};
use crate::slice::LogRead;
use crate::store::{
    Append, BatchQuery, BoxFuture, EpochStart, LogError, LogObserver, LogStore, Opened,
    PartitionLog, ReadRequest, Step, StoreStats, StoreTimes, Volume,
};
use crate::tail::{BatchSearch, EpochHistory, Tail, TailEntry};
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::thread::JoinHandle;
use tidegate_model::{LeaderEpoch, Offset, TimestampMs, TopicIdPartition};

/// Partition logs in memory. Everything is gone when the store is dropped.
pub struct MemoryStore {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    queue: Arc<CommitQueue>,
    partitions: Mutex<HashMap<TopicIdPartition, Arc<MemoryLog>>>,
    pending: Mutex<Pending>,
    wake: Condvar,
    stats: Mutex<StoreStats>,
    times: StoreTimes,
}

#[derive(Default)]
struct Pending {
    number: u64,
    appends: Vec<(Arc<Log>, LeaderEpoch, TailEntry)>,
    bytes: u64,
    closed: bool,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        let shared = Arc::new(Shared {
            queue: CommitQueue::new(),
            partitions: Mutex::default(),
            pending: Mutex::default(),
            wake: Condvar::new(),
            stats: Mutex::default(),
            times: StoreTimes::default(),
        });
        let run = shared.clone();
        let thread = std::thread::Builder::new()
            .name("tidegate-memory".to_owned())
            .spawn(move || run.run())
            .expect("the system can start one more thread");
        MemoryStore { shared, thread: Mutex::new(Some(thread)) }
    }

    fn stop(&self) {
        self.shared.pending.lock().closed = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            self.shared.queue.close(closed());
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        self.stop();
        self.shared.partitions.lock().clear();
    }
}

fn closed() -> LogError {
    LogError::Unavailable("the store is closed".to_owned())
}

impl Shared {
    fn run(&self) {
        loop {
            let (appends, number, bytes) = {
                let mut pending = self.pending.lock();
                while pending.appends.is_empty() && !pending.closed {
                    self.wake.wait(&mut pending);
                }
                if pending.appends.is_empty() {
                    break;
                }
                let bytes = std::mem::take(&mut pending.bytes);
                (std::mem::take(&mut pending.appends), pending.number, bytes)
            };
            let count = appends.len() as u64;
            for (log, leader_epoch, entry) in appends {
                log.publish(leader_epoch, entry);
            }
            {
                let mut stats = self.stats.lock();
                stats.frames += 1;
                stats.appends += count;
                stats.bytes += bytes;
            }
            self.times.frame_appends.record(count);
            self.times.frame_bytes.record(bytes);
            self.queue.complete(number);
        }
        self.queue.close(closed());
    }
}

impl LogStore for MemoryStore {
    fn open(
        &self,
        partition: TopicIdPartition,
        leader_epoch: LeaderEpoch,
        observer: Arc<dyn LogObserver>,
    ) -> Step<Result<Opened, LogError>> {
        if self.shared.pending.lock().closed {
            return Step::Ready(Err(closed()));
        }
        let log = {
            let mut partitions = self.shared.partitions.lock();
            let new = || Arc::new(MemoryLog::new(self.shared.clone()));
            partitions.entry(partition).or_insert_with(new).clone()
        };
        let pending = match log.claim(leader_epoch, observer) {
            Ok(pending) => pending,
            Err(error) => return Step::Ready(Err(error)),
        };
        if pending.is_durable() {
            return Step::Ready(Ok(log.opened()));
        }
        Step::Later(Box::pin(async move {
            pending.await?;
            Ok(log.opened())
        }))
    }

    fn delete(&self, partition: TopicIdPartition) -> Step<Result<(), LogError>> {
        if self.shared.pending.lock().closed {
            return Step::Ready(Err(closed()));
        }
        let removed = self.shared.partitions.lock().remove(&partition);
        if let Some(log) = removed {
            log.log.writer.lock().deleted = true;
            let mut state = log.log.state.lock();
            state.deleted = true;
            state.tail = Tail::default();
            state.segments.clear();
        }
        Step::Ready(Ok(()))
    }

    fn partitions(&self) -> Vec<TopicIdPartition> {
        self.shared.partitions.lock().keys().copied().collect()
    }

    fn volume(&self) -> Volume {
        Volume { path: "memory".to_owned(), total_bytes: None, usable_bytes: None }
    }

    fn stats(&self) -> StoreStats {
        let mut stats = *self.shared.stats.lock();
        stats.pending_bytes = self.shared.pending.lock().bytes;
        let logs: Vec<_> = self.shared.partitions.lock().values().cloned().collect();
        stats.tail_bytes = logs.iter().map(|log| log.size_bytes()).sum();
        stats
    }

    fn times(&self) -> &StoreTimes {
        &self.shared.times
    }

    fn close(&self) -> BoxFuture<Result<(), LogError>> {
        self.stop();
        Box::pin(std::future::ready(Ok(())))
    }
}

/// One partition's log.
struct MemoryLog {
    log: Arc<Log>,
    shared: Arc<Shared>,
}

/// The log's state, reached from the store's thread as well.
struct Log {
    writer: Mutex<Writer>,
    state: Mutex<State>,
}

struct Writer {
    leader_epoch: LeaderEpoch,
    log_end_offset: Offset,
    last_commit: Commit,
    deleted: bool,
}

#[derive(Default)]
struct State {
    tail: Tail,
    /// What the tail holds, divided as files would divide it.
    segments: VecDeque<Segment>,
    limits: Option<SegmentLimits>,
    epochs: EpochHistory,
    log_start_offset: Offset,
    durable_end: Offset,
    observer: Option<Arc<dyn LogObserver>>,
    deleted: bool,
}

/// A part of the log that retention keeps or drops as a whole.
struct Segment {
    base_offset: Offset,
    end_offset: Offset,
    fill: SegmentFill,
    max_timestamp: TimestampMs,
    written_at: TimestampMs,
}

impl State {
    /// Counts an entry in the last segment, or in a new one.
    fn divide(&mut self, entry: &TailEntry) {
        let limits = self.limits.unwrap_or(SegmentLimits::NONE);
        let now = wall_clock_ms();
        let bytes = entry.bytes.len() as u64;
        let full = |last: &Segment| limits.end_before(&last.fill, bytes, entry.max_timestamp, now);
        if self.segments.back().is_none_or(full) {
            self.segments.push_back(Segment {
                base_offset: entry.base_offset,
                end_offset: entry.base_offset,
                fill: SegmentFill { bytes: 0, first_timestamp: entry.max_timestamp, begun_at: now },
                max_timestamp: entry.max_timestamp,
                written_at: now,
            });
        }
        let last = self.segments.back_mut().expect("one was added if there was none");
        last.end_offset = entry.next_offset;
        last.fill.bytes += bytes;
        last.max_timestamp = last.max_timestamp.max(entry.max_timestamp);
        last.written_at = now;
    }

    /// Drops what ends at or below the log start; returns segments and bytes given back.
    fn drop_below_start(&mut self) -> (u64, u64) {
        let start = self.log_start_offset;
        let bytes = self.tail.drop_below(start);
        let before = self.segments.len();
        while self.segments.front().is_some_and(|segment| segment.end_offset <= start) {
            self.segments.pop_front();
        }
        let kept = self.tail.bytes();
        let behind: u64 = self.segments.iter().skip(1).map(|segment| segment.fill.bytes).sum();
        if let Some(first) = self.segments.front_mut() {
            // Unlike a file, memory is given back entry by entry.
            first.fill.bytes = kept - behind;
        }
        ((before - self.segments.len()) as u64, bytes)
    }

    fn out_of_range(&self, offset: Offset) -> LogError {
        LogError::OffsetOutOfRange {
            offset,
            log_start_offset: self.log_start_offset,
            log_end_offset: self.durable_end,
        }
    }

    fn alive(&self) -> Result<(), LogError> {
        if self.deleted { Err(deleted()) } else { Ok(()) }
    }
}

fn deleted() -> LogError {
    LogError::Unavailable("the partition is deleted".to_owned())
}

impl MemoryLog {
    fn new(shared: Arc<Shared>) -> Self {
        let writer = Writer {
            leader_epoch: -1,
            log_end_offset: 0,
            last_commit: Commit::done(),
            deleted: false,
        };
        let log = Log { writer: Mutex::new(writer), state: Mutex::default() };
        MemoryLog { log: Arc::new(log), shared }
    }

    /// Makes the caller the only writer and says what must be durable before it may begin.
    fn claim(
        &self,
        leader_epoch: LeaderEpoch,
        observer: Arc<dyn LogObserver>,
    ) -> Result<Commit, LogError> {
        let mut writer = self.log.writer.lock();
        if leader_epoch < writer.leader_epoch {
            return Err(LogError::Fenced { newer: writer.leader_epoch });
        }
        writer.leader_epoch = leader_epoch;
        self.log.state.lock().observer = Some(observer);
        Ok(writer.last_commit.clone())
    }

    fn opened(self: &Arc<Self>) -> Opened {
        let state = self.log.state.lock();
        Opened {
            log: self.clone(),
            log_start_offset: state.log_start_offset,
            log_end_offset: state.durable_end,
            snapshot: None,
        }
    }
}

impl Log {
    fn publish(&self, leader_epoch: LeaderEpoch, entry: TailEntry) {
        let end = entry.next_offset;
        let observer = {
            let mut state = self.state.lock();
            if state.deleted {
                return;
            }
            state.epochs.append(leader_epoch, entry.base_offset);
            state.durable_end = end;
            state.divide(&entry);
            state.tail.push(entry);
            state.observer.clone()
        };
        if let Some(observer) = observer {
            observer.on_durable(end);
        }
    }
}

impl PartitionLog for MemoryLog {
    fn enqueue(&self, append: Append<'_>) -> Result<Commit, LogError> {
        let mut writer = self.log.writer.lock();
        if writer.deleted {
            return Err(deleted());
        }
        if append.leader_epoch < writer.leader_epoch {
            return Err(LogError::Fenced { newer: writer.leader_epoch });
        }
        assert_eq!(append.base_offset, writer.log_end_offset, "appends come in offset order");
        assert!(append.next_offset > append.base_offset, "an append has records");
        let mut pending = self.shared.pending.lock();
        if pending.closed {
            return Err(closed());
        }
        pending.number += 1;
        pending.bytes += append.batches.len() as u64;
        let entry = TailEntry {
            base_offset: append.base_offset,
            next_offset: append.next_offset,
            max_timestamp: append.max_timestamp,
            stamp: pending.number,
            bytes: Bytes::copy_from_slice(append.batches),
        };
        pending.appends.push((self.log.clone(), append.leader_epoch, entry));
        writer.log_end_offset = append.next_offset;
        writer.last_commit = self.shared.queue.commit(pending.number);
        if pending.appends.len() == 1 {
            self.shared.wake.notify_one();
        }
        Ok(writer.last_commit.clone())
    }

    fn read(&self, request: ReadRequest) -> Step<Result<LogRead, LogError>> {
        let state = self.log.state.lock();
        if let Err(error) = state.alive() {
            return Step::Ready(Err(error));
        }
        if request.from < state.log_start_offset || request.from > state.durable_end {
            return Step::Ready(Err(state.out_of_range(request.from)));
        }
        let mut read = LogRead { next_offset: request.from, ..LogRead::default() };
        state.tail.read(&request, &mut read);
        Step::Ready(Ok(read))
    }

    fn bytes_between(&self, from: Offset, upper: Offset) -> u64 {
        self.log.state.lock().tail.bytes_between(from, upper)
    }

    fn find_batch(
        &self,
        query: BatchQuery,
        from: Offset,
        upper: Offset,
    ) -> Step<Result<Option<Bytes>, LogError>> {
        let state = self.log.state.lock();
        let mut search = BatchSearch::new(query, from.max(state.log_start_offset), upper);
        state.tail.search(&mut search);
        Step::Ready(state.alive().map(|()| search.finish()))
    }

    fn log_start_offset(&self) -> Offset {
        self.log.state.lock().log_start_offset
    }

    fn epochs(&self) -> Vec<EpochStart> {
        self.log.state.lock().epochs.starts().to_vec()
    }

    fn limit_segments(&self, limits: SegmentLimits) {
        self.log.state.lock().limits = Some(limits);
    }

    fn segments(&self) -> Vec<SegmentSummary> {
        let summary = |segment: &Segment| SegmentSummary {
            base_offset: segment.base_offset,
            end_offset: segment.end_offset,
            bytes: segment.fill.bytes,
            max_timestamp: match segment.max_timestamp >= 0 {
                true => segment.max_timestamp,
                false => segment.written_at,
            },
        };
        self.log.state.lock().segments.iter().map(summary).collect()
    }

    fn trim(&self, new_start: Offset) -> Step<Result<(), LogError>> {
        let mut state = self.log.state.lock();
        if let Err(error) = state.alive() {
            return Step::Ready(Err(error));
        }
        if new_start > state.durable_end {
            return Step::Ready(Err(state.out_of_range(new_start)));
        }
        if new_start > state.log_start_offset {
            state.log_start_offset = new_start;
            state.epochs.trim(new_start);
            let (segments, bytes) = state.drop_below_start();
            let mut stats = self.shared.stats.lock();
            stats.trimmed_segments += segments;
            stats.trimmed_bytes += bytes;
        }
        Step::Ready(Ok(()))
    }

    fn size_bytes(&self) -> u64 {
        self.log.state.lock().tail.bytes()
    }
}
