//! Makes checkpoints, so that the write-ahead log can be used again and a start has little to replay.
//!
//! Production goes on meanwhile: what becomes durable after the position that a checkpoint names is
//! replayed on top of it, and a partition that holds some of that already leaves it out.

use crate::checkpoint::{Checkpoint, PartitionRecord, SegmentRecord};
use crate::core::Core;
use crate::disk::{self, fatal, faults, is_full};
use crate::full::Shortage;
use crate::partition::{Partition, SegmentInfo};
use crate::segment::{Patience, ReadError, Segment};
use crate::trigger::Woken;
use crate::wal::Progress;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tidegate_log::Snapshot;

/// Above this many segments one sync of the file system is cheaper than one of each.
const SYNC_EACH_MAX: usize = 64;

/// Pause before the next attempt when there was no space.
const RETRY: Duration = Duration::from_millis(250);

impl Core {
    /// The checkpointing thread.
    pub fn run_checkpointer(&self) {
        let interval = Duration::from_millis(self.settings.checkpoint_interval_ms);
        while self.checkpoint.wait(interval) != Woken::Stop {
            if self.counters.since_checkpoint.load(Ordering::Relaxed) == 0 {
                continue;
            }
            while let Err(error) = self.make_checkpoint(false) {
                if self.checkpoint.is_stopped() {
                    return;
                }
                self.full.begin(Shortage::Checkpoint, format!("cannot make a checkpoint: {error}"));
                if !self.checkpoint.pause(RETRY) {
                    return;
                }
            }
            self.full.end(Shortage::Checkpoint);
        }
    }

    /// Makes one checkpoint. An error is want of space; the one before then stays.
    pub fn make_checkpoint(&self, clean: bool) -> io::Result<()> {
        let _alone = self.checkpointing.lock();
        let begun = Instant::now();
        // Before the list is taken: what these frames brought is in partitions that are on it.
        let progress = self.wal.progress();
        let changed = std::mem::take(&mut *self.changed.lock());
        let made = self.checkpoint_of(progress, &changed, clean);
        if made.is_err() {
            // Nothing of this attempt counts: the next one has to look at the same partitions.
            let mut again = self.changed.lock();
            again.extend(
                changed
                    .into_iter()
                    .filter(|partition| !partition.changed.swap(true, Ordering::AcqRel)),
            );
            return made;
        }
        self.counters.checkpoints.fetch_add(1, Ordering::Relaxed);
        self.times.checkpoint.observe(begun.elapsed());
        let took_ms = begun.elapsed().as_millis() as u64;
        tracing::debug!(target: "tidegate::log", partitions = changed.len(), took_ms, "checkpoint made");
        Ok(())
    }

    fn checkpoint_of(
        &self,
        progress: Progress,
        changed: &[Arc<Partition>],
        clean: bool,
    ) -> io::Result<()> {
        let written = self.counters.since_checkpoint.load(Ordering::Relaxed);
        let mut snapshots = Vec::new();
        for partition in changed {
            partition.changed.store(false, Ordering::Release);
            let observer = partition.state.lock().observer.clone();
            if let Some(snapshot) = observer.and_then(|observer| observer.snapshot()) {
                snapshots.push((partition, snapshot));
            }
        }
        // A snapshot may be ahead of what is durable, a checkpoint may not: then the old ones stay.
        if !self.wal.barrier() {
            snapshots.clear();
        }
        if self.wal.is_stopped() {
            return Err(io::Error::other("the store stops"));
        }
        for partition in changed {
            self.flush_partition(partition)?;
        }
        for (partition, snapshot) in snapshots {
            keep_newer(&mut partition.state.lock().snapshot, snapshot);
        }
        let mut checkpoint = self.record();
        checkpoint.lsn = progress.lsn + 1;
        (checkpoint.wal_file, checkpoint.wal_position) = progress.end;
        checkpoint.wal_files = self.wal.ring.files(checkpoint.lsn);
        checkpoint.clean = clean;
        // Snapshots and deletions that the record takes for granted must be as durable as it will be.
        self.sync_wal();
        self.sync_segments();
        let path = self.settings.checkpoint_path();
        let begun = Instant::now();
        let put = checkpoint.write(&path);
        self.times.checkpoint_sync.observe(begun.elapsed());
        if let Err(error) = put {
            if !is_full(&error) {
                fatal("write", &path, &error);
            }
            return Err(error);
        }
        self.wal.ring.release(checkpoint.lsn, &checkpoint.wal_files);
        self.counters.since_checkpoint.fetch_sub(written, Ordering::Relaxed);
        Ok(())
    }

    /// All partitions as they are now, and the deleted ones.
    fn record(&self) -> Checkpoint {
        let identity = self.wal.identity();
        let partitions: Vec<_> = self.partitions.lock().values().cloned().collect();
        let mut checkpoint = Checkpoint {
            store_id: identity.store_id,
            incarnation: identity.incarnation,
            min_incarnation: identity.incarnation,
            ..Checkpoint::default()
        };
        checkpoint.partitions =
            partitions.iter().filter_map(|partition| record(partition)).collect();
        checkpoint.partitions.sort_by_key(|record| record.id);
        checkpoint
    }

    /// Makes durable what was written to segments, and their names.
    fn sync_segments(&self) {
        let touched = std::mem::take(&mut *self.touched.lock());
        touched.iter().for_each(|segment| segment.touched.store(false, Ordering::Release));
        let root = self.files.directory();
        let begun = Instant::now();
        let result = faults::check(faults::Operation::SyncSegment, root).and_then(|()| {
            if touched.len() > SYNC_EACH_MAX {
                return disk::sync_file_system(&File::open(root)?);
            }
            self.sync_each(&touched)
        });
        if let Err(error) = result {
            fatal("sync the segments in", root, &error);
        }
        if !touched.is_empty() {
            self.times.segment_sync.observe(begun.elapsed());
        }
    }

    fn sync_each(&self, touched: &[Arc<Segment>]) -> io::Result<()> {
        let root = self.files.directory();
        let mut directories: BTreeSet<PathBuf> = BTreeSet::new();
        for segment in touched {
            match segment.file(&self.files, Patience::Any) {
                Ok(file) => file.sync_data()?,
                // Trimmed or deleted in the meantime.
                Err(ReadError::Vanished) => continue,
                Err(error) => return Err(io::Error::other(format!("{error:?}"))),
            }
            directories.insert(segment.directory(root));
        }
        for directory in &directories {
            match disk::sync_directory(directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if directories.is_empty() { Ok(()) } else { disk::sync_directory(root) }
    }
}

/// Keeps the snapshot that is further on: one that a partition gives while it is being opened may be
/// that of an empty log.
fn keep_newer(kept: &mut Option<Snapshot>, new: Snapshot) {
    if kept.as_ref().is_none_or(|kept| kept.offset <= new.offset) {
        *kept = Some(new);
    }
}

fn record(partition: &Partition) -> Option<PartitionRecord> {
    let leader_epoch = partition.writer.lock().leader_epoch;
    let state = partition.state.lock();
    let segment = |info: &SegmentInfo| SegmentRecord {
        base_offset: info.base_offset(),
        end_offset: info.end_offset,
        len: info.len,
        max_timestamp: info.max_timestamp,
    };
    let end_offset = state.flushed_end();
    let known = state.epochs.starts().iter().filter(|start| start.start_offset <= end_offset);
    (!state.gone).then(|| PartitionRecord {
        id: partition.id(),
        leader_epoch,
        created_lsn: partition.created_lsn,
        log_start_offset: state.log_start_offset,
        end_offset,
        limits: Some(partition.limits.get()),
        segments: state.segments.iter().map(segment).collect(),
        epochs: known.copied().collect(),
        snapshot: state.snapshot.clone(),
    })
}
