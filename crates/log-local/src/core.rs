//! What the threads of a store share, and what happens to a frame once it is durable.

use crate::buffer::Pool;
use crate::flush::FlushQueue;
use crate::frame::EntryKind;
use crate::full::Full;
use crate::oneshot;
use crate::partition::Partition;
use crate::readers::Readers;
use crate::segment::{OpenFiles, Segment};
use crate::settings::Settings;
use crate::slow::SlowWrites;
use crate::trigger::Trigger;
use crate::wal::{Wal, Written};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tidegate_log::{CommitQueue, LogObserver, StoreTimes, TailEntry};
use tidegate_model::TopicIdPartition;

/// Everything a store is made of, but for its threads and its lock.
pub struct Core {
    /// How it was set up.
    pub settings: Settings,
    /// The log that makes appends durable.
    pub wal: Wal,
    /// Memory of frames.
    pub pool: Arc<Pool>,
    /// Open segments.
    pub files: OpenFiles,
    /// Threads for reads that wait for the disk.
    pub readers: Readers,
    /// What is to be moved to segments, or removed.
    pub flush: FlushQueue,
    /// Who waits for what to be durable.
    pub queue: Arc<CommitQueue>,
    /// Shortages of space.
    pub full: Arc<Full>,
    /// The checkpointing thread's bell.
    pub checkpoint: Arc<Trigger>,
    /// The bell of the thread that syncs at an interval.
    pub syncing: Trigger,
    /// Held while a checkpoint is made.
    pub checkpointing: Mutex<()>,
    /// Everything has ended.
    pub closed: AtomicBool,
    /// All partitions, those whose deletion is not durable included.
    pub partitions: Mutex<HashMap<TopicIdPartition, Arc<Partition>>>,
    /// Deletions on their way, and who waits for their end.
    pub deleting: Mutex<HashMap<TopicIdPartition, Vec<oneshot::Sender<()>>>>,
    /// Partitions that changed since the last checkpoint began.
    pub changed: Mutex<Vec<Arc<Partition>>>,
    /// Segments written since the last checkpoint began.
    pub touched: Mutex<Vec<Arc<Segment>>>,
    /// Figures.
    pub counters: Counters,
    /// How long the disk takes.
    pub times: StoreTimes,
}

/// Figures that the threads count up.
#[derive(Default)]
pub struct Counters {
    /// Frames made durable.
    pub frames: AtomicU64,
    /// Appends made durable.
    pub appends: AtomicU64,
    /// Their bytes.
    pub bytes: AtomicU64,
    /// Bytes of batches in tails.
    pub tail_bytes: AtomicU64,
    /// Segments removed because they lay below a log start.
    pub trimmed_segments: AtomicU64,
    /// Their bytes, and those of tails.
    pub trimmed_bytes: AtomicU64,
    /// Checkpoints written.
    pub checkpoints: AtomicU64,
    /// Time spent in writes of the log.
    pub sync_nanos: AtomicU64,
    /// Those of them that took far too long.
    pub slow_writes: SlowWrites,
    /// Bytes of frames since the last checkpoint.
    pub since_checkpoint: AtomicU64,
}

impl Core {
    /// Publishes a frame: tails first, then observers, then whoever waits.
    pub fn publish(&self, written: Written) {
        let Written { lsn, bytes, entries, appends, nanos, .. } = written;
        let frames = u64::from(!entries.is_empty());
        let mut told: Vec<(Arc<dyn LogObserver>, Arc<Partition>)> = Vec::new();
        let mut payload = 0;
        let mut news = News::default();
        for entry in entries {
            match entry.written.kind {
                EntryKind::Append => {
                    payload += u64::from(entry.written.len);
                    let tail_entry = TailEntry {
                        base_offset: entry.written.base_offset,
                        next_offset: entry.written.next_offset,
                        max_timestamp: entry.max_timestamp,
                        stamp: lsn,
                        bytes: bytes.slice(entry.at..entry.at + entry.written.len as usize),
                    };
                    let epoch = entry.written.leader_epoch;
                    if let Some(observer) =
                        self.apply(&entry.partition, tail_entry, epoch, &mut news)
                    {
                        told.push((observer, entry.partition));
                    }
                }
                EntryKind::Trim => self.apply_trim(&entry.partition, entry.written.base_offset),
                EntryKind::Delete => self.apply_delete(&entry.partition),
            }
        }
        self.flush.add(news);
        let counters = &self.counters;
        counters.frames.fetch_add(frames, Ordering::Relaxed);
        counters.appends.fetch_add(appends, Ordering::Relaxed);
        counters.bytes.fetch_add(payload, Ordering::Relaxed);
        counters.sync_nanos.fetch_add(nanos, Ordering::Relaxed);
        counters.slow_writes.look(nanos, bytes.len());
        let frame_len = bytes.len() as u64;
        if frames > 0 {
            self.times.write.record(nanos);
            self.times.frame_appends.record(appends);
            self.times.frame_bytes.record(frame_len);
        }
        let before = counters.since_checkpoint.fetch_add(frame_len, Ordering::Relaxed);
        let limit = self.settings.checkpoint_bytes;
        if before < limit && before + frame_len >= limit {
            self.checkpoint.ring();
        }
        for (observer, partition) in told {
            observer.on_durable(partition.durable_end());
        }
        self.queue.complete(lsn);
        self.relieve();
    }

    /// Makes one append readable; returns the observer to be told.
    pub fn apply(
        &self,
        partition: &Arc<Partition>,
        entry: TailEntry,
        leader_epoch: i32,
        news: &mut News,
    ) -> Option<Arc<dyn LogObserver>> {
        let len = entry.bytes.len() as u64;
        let applied = partition.apply_append(entry, leader_epoch, self.settings.flush_bytes)?;
        self.counters.tail_bytes.fetch_add(len, Ordering::Relaxed);
        if applied.ready {
            news.ready.push(partition.clone());
        }
        if applied.dirty {
            news.dirty.push(partition.clone());
        }
        self.note_change(partition);
        applied.observer
    }

    /// Raises a log start that is durable.
    pub fn apply_trim(&self, partition: &Arc<Partition>, new_start: i64) {
        let dropped = partition.state.lock().trim(new_start);
        self.counters.trimmed_bytes.fetch_add(dropped, Ordering::Relaxed);
        self.counters.tail_bytes.fetch_sub(dropped, Ordering::Relaxed);
        self.note_change(partition);
        self.flush.remove_later(partition.clone());
    }

    /// Forgets a partition whose deletion is durable; its files go later.
    pub fn apply_delete(&self, partition: &Arc<Partition>) {
        let id = partition.id();
        let dropped = {
            let mut state = partition.state.lock();
            state.gone = true;
            state.deleted = true;
            let bytes = state.tail.bytes();
            state.tail = tidegate_log::Tail::default();
            bytes
        };
        self.counters.tail_bytes.fetch_sub(dropped, Ordering::Relaxed);
        {
            let mut partitions = self.partitions.lock();
            if partitions.get(&id).is_some_and(|known| Arc::ptr_eq(known, partition)) {
                partitions.remove(&id);
            }
        }
        self.flush.remove_later(partition.clone());
    }

    /// Makes durable what has been written to the log, if writes do not do that themselves.
    pub fn sync_wal(&self) {
        let begun = Instant::now();
        if self.wal.sync() {
            self.times.wal_sync.observe(begun.elapsed());
        }
    }

    fn note_change(&self, partition: &Arc<Partition>) {
        if !partition.changed.swap(true, Ordering::AcqRel) {
            self.changed.lock().push(partition.clone());
        }
    }

    /// Rings for the flusher if tails hold too much memory.
    fn relieve(&self) {
        if self.pool.live_bytes() > self.settings.tail_bytes_max {
            self.flush.relieve();
        }
    }

    /// Holds the log back while segments take less than it brings: memory has a limit.
    pub fn wait_for_memory(&self) {
        let limit = self.settings.tail_bytes_max * 2;
        while self.counters.tail_bytes.load(Ordering::Relaxed) > limit
            && !self.full.refuses_all()
            && !self.checkpoint.is_stopped()
        {
            self.flush.relieve();
            self.flush.await_progress(Duration::from_millis(10));
        }
    }
}

/// What a frame brought for the flusher.
#[derive(Default)]
pub struct News {
    /// Partitions with enough to be flushed.
    pub ready: Vec<Arc<Partition>>,
    /// Partitions that had no tail before.
    pub dirty: Vec<Arc<Partition>>,
}
