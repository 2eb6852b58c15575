//! A partition's log as the broker holds it.

use crate::core::Core;
use crate::find;
use crate::frame::EntryKind;
use crate::index::Mark;
use crate::oneshot;
use crate::partition::{Cursor, Partition, SegmentInfo, State};
use crate::segment::{Patience, ReadError, Walk, warm};
use crate::wal::closed;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tidegate_log::{
    Append, BatchQuery, Commit, EpochStart, LogError, LogRead, PartitionLog, ReadRequest,
    SegmentLimits, SegmentSummary, Slice, Step, wall_clock_ms,
};
use tidegate_model::{Batches, Offset, TimestampMs};

/// How often a read looks again after a file it was about to read was trimmed.
const ATTEMPTS: usize = 16;

/// One partition's log.
#[derive(Clone)]
pub struct LocalLog {
    core: Arc<Core>,
    partition: Arc<Partition>,
}

impl LocalLog {
    /// The log of `partition`.
    pub fn new(core: Arc<Core>, partition: Arc<Partition>) -> Self {
        LocalLog { core, partition }
    }

    /// When the segment was written to last, for one whose records tell no time.
    fn written_at(&self, summary: &SegmentSummary) -> TimestampMs {
        let segment = {
            let state = self.partition.state.lock();
            let mut known = state.segments.iter();
            // What is in memory was written just now.
            known
                .find(|info| info.base_offset() == summary.base_offset)
                .filter(|info| info.end_offset >= summary.end_offset)
                .map(|info| info.segment.clone())
        };
        let modified = segment.and_then(|segment| segment.modified_at(self.core.files.directory()));
        modified.unwrap_or_else(wall_clock_ms)
    }

    /// Answers at once if that takes no waiting for the disk, else from a thread for such reads.
    fn patiently<T: Send + 'static>(
        &self,
        work: impl Fn(&Core, &Partition, Patience) -> Result<T, ReadError> + Send + 'static,
    ) -> Step<Result<T, LogError>> {
        if self.core.closed.load(Ordering::Acquire) {
            return Step::Ready(Err(closed()));
        }
        let attempt = move |log: &LocalLog, patience| {
            for _ in 0..ATTEMPTS {
                match work(&log.core, &log.partition, patience) {
                    Ok(value) => return Some(Ok(value)),
                    Err(ReadError::Log(error)) => return Some(Err(error)),
                    Err(ReadError::WouldWait) => return None,
                    Err(ReadError::Vanished) => {}
                }
            }
            let place = format!("a segment of {} is missing", log.partition.id());
            Some(Err(LogError::Corrupt { place }))
        };
        if let Some(answer) = attempt(self, Patience::None) {
            return Step::Ready(answer);
        }
        let (sender, receiver) = oneshot::channel();
        let log = self.clone();
        self.core.readers.submit(move || {
            if let Some(answer) = attempt(&log, Patience::Any) {
                sender.send(answer);
            }
        });
        Step::Later(Box::pin(async move { receiver.await.unwrap_or(Err(closed())) }))
    }
}

impl PartitionLog for LocalLog {
    fn enqueue(&self, append: Append<'_>) -> Result<Commit, LogError> {
        let mut writer = self.partition.writer.lock();
        writer.check(&append)?;
        let lsn = self.core.wal.append(&self.partition, &append)?;
        writer.log_end_offset = append.next_offset;
        writer.last_commit = self.core.queue.commit(lsn);
        Ok(writer.last_commit.clone())
    }

    fn read(&self, request: ReadRequest) -> Step<Result<LogRead, LogError>> {
        self.patiently(move |core, partition, patience| read(core, partition, &request, patience))
    }

    fn bytes_between(&self, from: Offset, upper: Offset) -> u64 {
        let state = self.partition.state.lock();
        let upper = upper.min(state.durable_end);
        if from >= upper {
            return 0;
        }
        let below = |info: &SegmentInfo, offset| position_near(&state, info, offset);
        let segments: u64 = state
            .segments
            .iter()
            .filter(|info| info.end_offset > from && info.base_offset() < upper)
            .map(|info| match info.end_offset <= upper {
                true => info.len - below(info, from),
                false => below(info, upper).saturating_sub(below(info, from)),
            })
            .sum();
        // A reader is never told that there is nothing while there is something.
        (segments + state.tail.bytes_between(from, upper)).max(1)
    }

    fn find_batch(
        &self,
        query: BatchQuery,
        from: Offset,
        upper: Offset,
    ) -> Step<Result<Option<Bytes>, LogError>> {
        self.patiently(move |core, partition, patience| {
            find::find_batch(core, partition, query, from..upper, patience)
        })
    }

    fn log_start_offset(&self) -> Offset {
        self.partition.state.lock().log_start_offset
    }

    fn epochs(&self) -> Vec<EpochStart> {
        self.partition.state.lock().epochs.starts().to_vec()
    }

    fn limit_segments(&self, limits: SegmentLimits) {
        self.partition.limits.set(limits);
    }

    fn segments(&self) -> Vec<SegmentSummary> {
        let mut summaries: Vec<SegmentSummary> = {
            let state = self.partition.state.lock();
            summaries(&state)
        };
        for summary in summaries.iter_mut().filter(|summary| summary.max_timestamp < 0) {
            summary.max_timestamp = self.written_at(summary);
        }
        summaries
    }

    fn trim(&self, new_start: Offset) -> Step<Result<(), LogError>> {
        {
            let state = self.partition.state.lock();
            if state.deleted {
                return Step::Ready(Err(crate::partition::deleted()));
            }
            if new_start > state.durable_end {
                return Step::Ready(Err(state.out_of_range(new_start)));
            }
            if new_start <= state.log_start_offset {
                return Step::Ready(Ok(()));
            }
        }
        match self.core.wal.control(&self.partition, EntryKind::Trim, new_start) {
            Ok(lsn) => Step::Later(Box::pin(self.core.queue.commit(lsn))),
            Err(error) => Step::Ready(Err(error)),
        }
    }

    fn size_bytes(&self) -> u64 {
        let state = self.partition.state.lock();
        state.segments.iter().map(|info| info.len).sum::<u64>() + not_moved(&state)
    }
}

/// The segments, of which the last one has the tail behind it.
///
/// Where the tail goes is decided when it is flushed; until then it counts as one with what it follows.
fn summaries(state: &State) -> Vec<SegmentSummary> {
    let summary = |info: &SegmentInfo| SegmentSummary {
        base_offset: info.base_offset(),
        end_offset: info.end_offset,
        bytes: info.len,
        max_timestamp: info.max_timestamp,
    };
    // A trim drops them at once, their files go a little later.
    let kept = state.segments.iter().filter(|info| info.end_offset > state.log_start_offset);
    let mut summaries: Vec<SegmentSummary> = kept.map(summary).collect();
    let Some(first) = state.tail.front() else { return summaries };
    if summaries.is_empty() {
        let base_offset = first.base_offset;
        let max_timestamp = TimestampMs::MIN;
        summaries.push(SegmentSummary {
            base_offset,
            end_offset: base_offset,
            bytes: 0,
            max_timestamp,
        });
    }
    let last = summaries.last_mut().expect("one was added if there was none");
    last.end_offset = state.durable_end;
    last.bytes += not_moved(state);
    let tail = state.tail.iter().map(|entry| entry.max_timestamp).max();
    last.max_timestamp = last.max_timestamp.max(tail.unwrap_or(TimestampMs::MIN));
    summaries
}

/// The bytes of the tail that no segment holds. While a flush is between two segments, the first has a
/// part of an entry of which the tail still has all; counted twice, it would make retention by size
/// delete too much.
fn not_moved(state: &State) -> u64 {
    let moved_end = state.segments.last().map_or(Offset::MIN, |info| info.end_offset);
    let split = state.tail.front().filter(|entry| entry.base_offset < moved_end);
    let moved = split.map_or(0, |entry| {
        let batches = Batches::new(&entry.bytes).map_while(Result::ok);
        batches
            .take_while(|(_, header)| header.next_offset() <= moved_end)
            .map(|(_, header)| header.len as u64)
            .sum()
    });
    state.tail.bytes() - moved
}

/// The position of the batch that holds `offset`, as near as memory knows it.
fn position_near(state: &State, info: &SegmentInfo, offset: Offset) -> u64 {
    let base = info.base_offset();
    if offset <= base {
        return 0;
    }
    if let Some(position) = state.cursor(offset, base) {
        return position;
    }
    let indexed = info.segment.with_index(|index| index.before_offset(offset));
    if let Some(mark) = indexed.flatten() {
        return mark.position;
    }
    // Not indexed yet: as if all records had the same size.
    let part = (offset - base) as u128 * u128::from(info.len);
    ((part / (info.end_offset - base).max(1) as u128) as u64).min(info.len)
}

/// Reads from segments, from the tail, or from both.
fn read(
    core: &Core,
    partition: &Partition,
    request: &ReadRequest,
    patience: Patience,
) -> Result<LogRead, ReadError> {
    let mut read = LogRead { next_offset: request.from, ..LogRead::default() };
    let mut request = *request;
    loop {
        let (info, cursor) = {
            let state = partition.state.lock();
            match state.check_read(&request) {
                Ok(Some(())) => {}
                Ok(None) => return Ok(read),
                // Trimmed or deleted while an earlier part was read, which stays good.
                Err(_) if !read.is_empty() => return Ok(read),
                Err(error) => return Err(error.into()),
            }
            if request.from >= state.flushed_end() {
                state.tail.read(&request, &mut read);
                drop(state);
                release_memory(core, &mut read);
                return Ok(read);
            }
            let Some(info) = state.segment_at(request.from) else { return Ok(read) };
            (info.clone(), state.cursor(request.from, info.base_offset()))
        };
        let before = read.len();
        let found = read_segment(core, partition, &info, cursor, &request, patience);
        let part = match found {
            Ok(part) => part,
            // What is there is better than waiting for more.
            Err(ReadError::WouldWait) if before > 0 => return Ok(read),
            Err(error) => return Err(error),
        };
        let Some((slice, next_offset)) = part else { return Ok(read) };
        request.max_bytes = request.max_bytes.saturating_sub(slice.len());
        request.at_least_one_batch = false;
        request.from = next_offset;
        read.slices.push(slice);
        read.next_offset = next_offset;
        if next_offset < info.end_offset {
            return Ok(read);
        }
    }
}

/// Copies what was read when much more memory is in use than tails may take.
///
/// A slice keeps the whole chunk alive that it lies in, and readers that are slow to take theirs could
/// otherwise keep any number of chunks.
fn release_memory(core: &Core, read: &mut LogRead) {
    let limit = core.settings.tail_bytes_max;
    if core.pool.live_bytes() <= limit + limit / 2 {
        return;
    }
    for slice in &mut read.slices {
        if let Slice::Memory(bytes) = slice {
            *bytes = Bytes::copy_from_slice(bytes);
        }
    }
}

/// A run of whole batches of one segment, with the offset after it. `None` if none may be returned.
fn read_segment(
    core: &Core,
    partition: &Partition,
    info: &SegmentInfo,
    cursor: Option<u64>,
    request: &ReadRequest,
    patience: Patience,
) -> Result<Option<(Slice, Offset)>, ReadError> {
    let segment = &info.segment;
    let file = segment.file(&core.files, patience)?;
    let start = match cursor {
        Some(position) => position,
        None if request.from <= info.base_offset() => 0,
        None => {
            segment.complete_index(&core.files, info.len, patience)?;
            let mark = segment.with_index(|index| index.before_offset(request.from)).flatten();
            let mark = mark.unwrap_or(Mark { offset: info.base_offset(), position: 0 });
            let found = segment.seek(&core.files, &file, mark, info.len, request.from, patience)?;
            let Some(found) = found else { return Ok(None) };
            found.position
        }
    };
    let limit = start.saturating_add(request.max_bytes as u64);
    let end = if info.len <= limit && info.end_offset <= request.upper {
        Mark { offset: info.end_offset, position: info.len }
    } else {
        let indexed = segment.with_index(|index| index.before(limit, request.upper)).flatten();
        match indexed.filter(|mark| mark.position > start) {
            Some(mark) => mark,
            None => {
                let mut walk = Walk::new(&file, start, info.len, patience);
                let mut end = Mark { offset: request.from, position: start };
                while let Some((position, header)) = walk.next(segment, &core.files)? {
                    let after = position + header.len as u64;
                    let first = position == start && request.at_least_one_batch;
                    if header.base_offset >= request.upper || (after > limit && !first) {
                        break;
                    }
                    end = Mark { offset: header.next_offset(), position: after };
                }
                end
            }
        }
    };
    if end.position == start {
        return Ok(None);
    }
    warm(&file, (start, end.position), patience)?;
    let cursor = Cursor { offset: end.offset, segment: info.base_offset(), position: end.position };
    partition.state.lock().remember(cursor);
    let slice = Slice::File { file, position: start, len: (end.position - start) as usize };
    Ok(Some((slice, end.offset)))
}
