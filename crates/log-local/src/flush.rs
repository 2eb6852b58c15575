//! Moves tails to segments, and removes what was trimmed or deleted. Off the way of commits.

use crate::core::{Core, News};
use crate::disk::{fatal, is_full};
use crate::full::Shortage;
use crate::partition::{Partition, SegmentInfo};
use crate::segment::{self, Patience, Segment};
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tidegate_log::{SegmentFill, SegmentLimits, TailEntry, wall_clock_ms};
use tidegate_model::{BatchHeader, Batches, Offset, TimestampMs};

/// Bytes and entries taken from a tail at once.
const ROUND_BYTES: u64 = 8 << 20;
const ROUND_ENTRIES: usize = 16 << 10;

/// Pause before the next attempt when there was no space.
const RETRY: Duration = Duration::from_millis(250);

/// What is to be done.
#[derive(Default)]
pub struct FlushQueue {
    state: Mutex<State>,
    changed: Condvar,
    progressed: Condvar,
}

#[derive(Default)]
struct State {
    removals: VecDeque<Arc<Partition>>,
    ready: VecDeque<Arc<Partition>>,
    /// Partitions with a tail, the oldest tail first.
    dirty: VecDeque<Arc<Partition>>,
    relieve: bool,
    stop: bool,
}

enum Work {
    Remove(Arc<Partition>),
    Flush(Arc<Partition>),
    Relieve,
}

impl FlushQueue {
    /// Adds what a frame brought.
    pub fn add(&self, news: News) {
        if news.ready.is_empty() && news.dirty.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        state.dirty.extend(news.dirty);
        if !news.ready.is_empty() {
            state.ready.extend(news.ready);
            self.changed.notify_one();
        }
    }

    /// Has the files removed that a partition does not need any more.
    pub fn remove_later(&self, partition: Arc<Partition>) {
        self.state.lock().removals.push_back(partition);
        self.changed.notify_one();
    }

    /// Has the oldest tails flushed until memory is within its limit.
    pub fn relieve(&self) {
        let mut state = self.state.lock();
        if !state.relieve {
            state.relieve = true;
            self.changed.notify_one();
        }
    }

    /// Waits until something was flushed, or for `time`.
    pub fn await_progress(&self, time: Duration) {
        self.progressed.wait_for(&mut self.state.lock(), time);
    }

    /// The partition with the oldest tail.
    pub fn pop_dirty(&self) -> Option<Arc<Partition>> {
        let partition = self.state.lock().dirty.pop_front()?;
        partition.state.lock().is_dirty = false;
        Some(partition)
    }

    /// The next partition with enough to be flushed.
    pub fn pop_ready(&self) -> Option<Arc<Partition>> {
        self.state.lock().ready.pop_front()
    }

    /// Puts a partition back that could not be flushed.
    pub fn retry(&self, partition: Arc<Partition>) {
        self.state.lock().ready.push_back(partition);
    }

    fn next(&self) -> Option<Work> {
        let mut state = self.state.lock();
        loop {
            if state.stop {
                return None;
            }
            if let Some(partition) = state.removals.pop_front() {
                return Some(Work::Remove(partition));
            }
            if let Some(partition) = state.ready.pop_front() {
                return Some(Work::Flush(partition));
            }
            if std::mem::take(&mut state.relieve) {
                return Some(Work::Relieve);
            }
            self.changed.wait(&mut state);
        }
    }

    /// Waits for a removal, or for `time`; false if the store stops.
    fn pause(&self, time: Duration) -> bool {
        let mut state = self.state.lock();
        if state.removals.is_empty() && !state.stop {
            self.changed.wait_for(&mut state, time);
        }
        !state.stop
    }

    fn pop_removal(&self) -> Option<Arc<Partition>> {
        self.state.lock().removals.pop_front()
    }

    /// Ends the thread.
    pub fn stop(&self) {
        let mut state = self.state.lock();
        state.stop = true;
        self.changed.notify_all();
        self.progressed.notify_all();
    }

    /// Lets go of all partitions.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        let stop = state.stop;
        *state = State { stop, ..State::default() };
    }
}

impl Core {
    /// The flushing thread.
    pub fn run_flusher(&self) {
        while let Some(work) = self.flush.next() {
            match work {
                Work::Remove(partition) => self.remove_files(&partition),
                Work::Flush(partition) => self.flush_patiently(&partition),
                Work::Relieve => self.flush_oldest(),
            }
        }
    }

    /// Flushes the partitions with the oldest tails until memory is well within its limit.
    fn flush_oldest(&self) {
        let limit = self.settings.tail_bytes_max / 4 * 3;
        while self.pool.live_bytes() > limit && !self.checkpoint.is_stopped() {
            let Some(partition) = self.flush.pop_dirty() else { break };
            self.flush_patiently(&partition);
        }
    }

    /// Flushes, and when there is no space tries again until there is or the store stops.
    fn flush_patiently(&self, partition: &Arc<Partition>) {
        while let Err(error) = self.flush_partition(partition) {
            self.full.begin(Shortage::Flush, format!("cannot write segments: {error}"));
            // Removals make space, and must not wait behind who needs it.
            while let Some(removal) = self.flush.pop_removal() {
                self.remove_files(&removal);
            }
            if !self.flush.pause(RETRY) {
                return;
            }
        }
        self.full.end(Shortage::Flush);
    }

    /// Moves everything durable of a partition to segments. An error is want of space.
    pub fn flush_partition(&self, partition: &Arc<Partition>) -> io::Result<()> {
        let _files = partition.files.lock();
        let end = partition.durable_end();
        loop {
            let (entries, mut last) = {
                let mut state = partition.state.lock();
                state.is_ready = false;
                if state.gone {
                    return Ok(());
                }
                (take_round(state.tail.iter(), end), state.segments.last().cloned())
            };
            if entries.is_empty() {
                return Ok(());
            }
            if let Some(last) = &mut last {
                self.learn_first_timestamp(last);
            }
            for run in self.plan(partition, last, &entries) {
                self.write_run(partition, run)?;
            }
            self.flush.progressed.notify_all();
        }
    }

    /// Divides batches among segments: first `last` as far as it has room, then new ones.
    fn plan(
        &self,
        partition: &Partition,
        last: Option<SegmentInfo>,
        entries: &[TailEntry],
    ) -> Vec<Run> {
        let mut runs = Vec::new();
        let (limits, now) = (partition.limits.get(), wall_clock_ms());
        // A flush that ended between two segments may have moved a part of the first entry.
        let done = last.as_ref().map_or(Offset::MIN, |last| last.end_offset);
        let mut run = last.map(Run::after);
        for entry in entries {
            let mut begin = 0;
            for (at, header) in Batches::new(&entry.bytes).map_while(Result::ok) {
                if header.next_offset() <= done {
                    begin = at + header.len;
                    continue;
                }
                if run.as_ref().is_none_or(|run| !has_room(&run.info, &header, &limits, now)) {
                    let full = run.take().map(|mut run| {
                        run.add_part(&entry.bytes, begin..at);
                        let info = run.info.clone();
                        runs.push(run);
                        info
                    });
                    begin = at;
                    run = Some(self.begin_run(partition, &header, full, now));
                }
                run.as_mut().expect("one was begun if there was none").add_batch(&header);
            }
            if let Some(run) = &mut run {
                run.add_part(&entry.bytes, begin..entry.bytes.len());
            }
        }
        runs.extend(run);
        runs.retain(|run| !run.batches.is_empty());
        runs
    }

    /// Sees to it that the time at which the segment of an earlier run begins is known.
    fn learn_first_timestamp(&self, info: &mut SegmentInfo) {
        if info.first_timestamp.is_some() || info.len == 0 {
            return;
        }
        let file = info.segment.file(&self.files, Patience::Any).ok();
        let first = file.and_then(|file| {
            let mut walk = segment::Walk::new(&file, 0, info.len, Patience::Any);
            walk.next(&info.segment, &self.files).ok().flatten()
        });
        // Whoever reads the segment says what is wrong with it.
        info.first_timestamp = Some(first.map_or(-1, |(_, header)| header.max_timestamp));
    }

    fn begin_run(
        &self,
        partition: &Partition,
        first: &BatchHeader,
        full: Option<SegmentInfo>,
        now: TimestampMs,
    ) -> Run {
        let base = first.base_offset;
        let interval = self.settings.index_interval_bytes;
        let info = SegmentInfo {
            segment: Segment::new(partition.id(), base, 0, interval),
            end_offset: base,
            len: 0,
            max_timestamp: TimestampMs::MIN,
            first_timestamp: Some(first.max_timestamp),
            begun_at: now,
        };
        Run { is_new: true, full, ..Run::after(info) }
    }

    /// Writes a run and, once the page cache has it, lets the state say so.
    fn write_run(&self, partition: &Partition, run: Run) -> io::Result<()> {
        let segment = &run.info.segment;
        let path = segment.path(self.files.directory());
        if let Some(full) = &run.full {
            full.segment.close(&self.files, full.len);
        }
        if run.is_new {
            space_or_fatal(segment.create(&self.files), &path)?;
        }
        let file = match segment.file(&self.files, Patience::Any) {
            Ok(file) => file,
            Err(error) => fatal("open", &path, &io::Error::other(format!("{error:?}"))),
        };
        // Before the state says how long the segment is: a checkpoint syncs what it records.
        if !segment.touched.swap(true, Ordering::AcqRel) {
            self.touched.lock().push(segment.clone());
        }
        let written = segment::append(segment, &self.files, &file, &run.parts, run.position);
        space_or_fatal(written, &path)?;
        segment.index_batches(&run.batches);
        let dropped = {
            let mut state = partition.state.lock();
            if state.gone {
                return Ok(());
            }
            let end_offset = run.info.end_offset;
            match state.segments.last_mut() {
                Some(last) if !run.is_new => *last = run.info,
                _ => state.segments.push(run.info),
            }
            state.tail.drop_below(end_offset)
        };
        self.counters.tail_bytes.fetch_sub(dropped, Ordering::Relaxed);
        Ok(())
    }

    /// Removes the segments that a partition does not need any more.
    pub fn remove_files(&self, partition: &Arc<Partition>) {
        let start = {
            let state = partition.state.lock();
            if state.gone { Offset::MAX } else { state.log_start_offset }
        };
        self.remove_below(partition, start);
    }

    /// Removes the segments that end at or below `start`, and the directory of a deleted partition.
    pub fn remove_below(&self, partition: &Arc<Partition>, start: Offset) {
        let _files = partition.files.lock();
        // A start must not miss a file without finding the entry that explains it.
        self.sync_wal();
        let (removed, deleted) = {
            let mut state = partition.state.lock();
            if state.removed {
                return;
            }
            state.removed = state.gone;
            let needless = state.segments.partition_point(|info| info.end_offset <= start);
            (state.segments.drain(..needless).collect::<Vec<_>>(), state.gone)
        };
        if !deleted {
            let bytes = removed.iter().map(|info| info.len).sum();
            self.counters.trimmed_segments.fetch_add(removed.len() as u64, Ordering::Relaxed);
            self.counters.trimmed_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        let directory = self.files.directory();
        for info in &removed {
            if let Err(error) = info.segment.remove(directory) {
                let path = info.segment.path(directory);
                tracing::warn!(target: "tidegate::log", path = %path.display(), %error, "segment not removed");
            }
        }
        let segments: Vec<_> = removed.into_iter().map(|info| info.segment).collect();
        self.files.forget(&segments);
        if deleted {
            let directory = segment::directory(directory, partition.id());
            drop(std::fs::remove_dir_all(directory));
            let waiting = self.deleting.lock().remove(&partition.id());
            waiting.into_iter().flatten().for_each(|sender| sender.send(()));
        }
    }
}

/// True if a batch goes into the segment rather than begin a new one.
fn has_room(
    info: &SegmentInfo,
    header: &BatchHeader,
    limits: &SegmentLimits,
    now: TimestampMs,
) -> bool {
    let fill = SegmentFill {
        bytes: info.len,
        first_timestamp: info.first_timestamp.unwrap_or(-1),
        begun_at: info.begun_at,
    };
    // A gap is what a trim leaves that dropped a part of the tail.
    info.end_offset == header.base_offset
        && !limits.end_before(&fill, header.len as u64, header.max_timestamp, now)
        && header.last_offset() - info.base_offset() <= i64::from(i32::MAX)
}

/// Batches that go to one segment.
struct Run {
    /// The segment as it is afterwards.
    info: SegmentInfo,
    /// Its file is to be made.
    is_new: bool,
    /// The segment before it, which takes no more.
    full: Option<SegmentInfo>,
    position: u64,
    parts: Vec<Bytes>,
    /// Offset, position and largest timestamp of each batch.
    batches: Vec<(Offset, u64, TimestampMs)>,
}

impl Run {
    /// A run at the end of a segment.
    fn after(info: SegmentInfo) -> Self {
        let (parts, batches) = (Vec::new(), Vec::new());
        Run { position: info.len, info, is_new: false, full: None, parts, batches }
    }

    fn add_batch(&mut self, header: &BatchHeader) {
        self.batches.push((header.base_offset, self.info.len, header.max_timestamp));
        self.info.len += header.len as u64;
        self.info.end_offset = header.next_offset();
        self.info.max_timestamp = self.info.max_timestamp.max(header.max_timestamp);
    }

    fn add_part(&mut self, bytes: &Bytes, range: std::ops::Range<usize>) {
        if !range.is_empty() {
            self.parts.push(bytes.slice(range));
        }
    }
}

/// The first entries that end at or below `end`, as many as one round moves.
fn take_round<'a>(tail: impl Iterator<Item = &'a TailEntry>, end: Offset) -> Vec<TailEntry> {
    let mut bytes = 0;
    tail.take(ROUND_ENTRIES)
        .take_while(|entry| {
            let take = entry.next_offset <= end && bytes < ROUND_BYTES;
            bytes += entry.bytes.len() as u64;
            take
        })
        .cloned()
        .collect()
}

/// Passes on want of space; everything else ends the process.
fn space_or_fatal(result: io::Result<()>, path: &Path) -> io::Result<()> {
    result.inspect_err(|error| {
        if !is_full(error) {
            fatal("write", path, error)
        }
    })
}
