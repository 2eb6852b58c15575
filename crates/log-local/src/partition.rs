//! What the store knows of one partition: its segments, its tail, and who writes it.
//!
//! ```text
//!   segments (files)                  │ tail (memory, durable in the write-ahead log) │ not durable
//!   ──────────────────────────────────┼───────────────────────────────────────────────┼────────────
//!   log_start                    flushed end                                    durable end
//! ```
//!
//! Two locks: the writer's, held while an append is taken, and the state's, held by whoever makes
//! appends readable, reads them, or moves them to segments. Neither is held during a call of the
//! observer.

use crate::segment::Segment;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use tidegate_log::{
    Append, Commit, EpochHistory, LogError, LogObserver, ReadRequest, SegmentLimits, Snapshot,
    Tail, TailEntry,
};
use tidegate_model::{LeaderEpoch, Offset, TimestampMs, TopicIdPartition};

/// How many sequential readers have their position remembered.
const CURSORS: usize = 4;

/// One partition.
pub struct Partition {
    id: TopicIdPartition,
    /// Entries of frames below this one belong to an earlier partition of the same id.
    pub created_lsn: u64,
    /// Who may append, and where.
    pub writer: Mutex<Writer>,
    /// What can be read.
    pub state: Mutex<State>,
    /// Held while the partition's files are changed.
    pub files: Mutex<()>,
    /// Something became durable since the last checkpoint began.
    pub changed: AtomicBool,
    /// When a segment ends.
    pub limits: Limits,
    durable_end: AtomicI64,
}

/// The single writer's side.
pub struct Writer {
    /// The newest epoch that opened the partition.
    pub leader_epoch: LeaderEpoch,
    /// Offset of the next append.
    pub log_end_offset: Offset,
    /// The commit of the last append.
    pub last_commit: Commit,
    /// A deletion is on its way.
    pub deleted: bool,
}

/// [`SegmentLimits`] that are changed while segments are written.
pub struct Limits {
    bytes: AtomicU64,
    span_ms: AtomicI64,
}

impl Limits {
    fn new(limits: SegmentLimits) -> Self {
        let now = Limits { bytes: AtomicU64::new(0), span_ms: AtomicI64::new(0) };
        now.set(limits);
        now
    }

    /// The limits in force.
    pub fn get(&self) -> SegmentLimits {
        let bytes = self.bytes.load(Ordering::Relaxed);
        SegmentLimits { bytes, span_ms: self.span_ms.load(Ordering::Relaxed) }
    }

    /// Puts others into force. Positions in an index are 32 bits wide, as in Kafka.
    pub fn set(&self, limits: SegmentLimits) {
        self.bytes.store(limits.bytes.clamp(1, i32::MAX as u64), Ordering::Relaxed);
        self.span_ms.store(limits.span_ms, Ordering::Relaxed);
    }
}

/// A segment and what is known of it.
#[derive(Debug, Clone)]
pub struct SegmentInfo {
    /// The file.
    pub segment: Arc<Segment>,
    /// Offset after its last record.
    pub end_offset: Offset,
    /// Bytes written.
    pub len: u64,
    /// Largest timestamp.
    pub max_timestamp: TimestampMs,
    /// Largest timestamp of the first batch; `None` until the segment of an earlier run is written to.
    pub first_timestamp: Option<TimestampMs>,
    /// When this run began to know of it.
    pub begun_at: TimestampMs,
}

impl SegmentInfo {
    /// Offset of its first record.
    pub fn base_offset(&self) -> Offset {
        self.segment.base_offset()
    }
}

/// Where a reader will go on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cursor {
    /// The offset it will ask for.
    pub offset: Offset,
    /// The segment that begins there.
    pub segment: Offset,
    /// The position in it.
    pub position: u64,
}

/// The places of the last readers.
#[derive(Debug, Default)]
pub struct Cursors {
    places: [Cursor; CURSORS],
    next: u8,
}

/// The readers' side.
#[derive(Default)]
pub struct State {
    /// Batches that are durable and not in segments.
    pub tail: Tail,
    /// Segments in offset order; only the last one grows.
    pub segments: Vec<SegmentInfo>,
    /// First offset kept.
    pub log_start_offset: Offset,
    /// Offset after the last durable record.
    pub durable_end: Offset,
    /// Leader epochs.
    pub epochs: EpochHistory,
    /// The last snapshot that a checkpoint kept.
    pub snapshot: Option<Snapshot>,
    /// Whom to tell.
    pub observer: Option<Arc<dyn LogObserver>>,
    /// Number of the frame that the observer was told of last.
    pub told_lsn: u64,
    /// Waits for the flusher because its tail is large.
    pub is_ready: bool,
    /// Stands among the partitions with a tail.
    pub is_dirty: bool,
    /// A deletion is on its way: nothing more is read.
    pub deleted: bool,
    /// The deletion is durable: nothing is kept.
    pub gone: bool,
    /// Its files are removed as well; the same id may be in use again.
    pub removed: bool,
    /// Where readers left off.
    pub cursors: Cursors,
}

impl State {
    /// The error for an offset that is not in the log.
    pub fn out_of_range(&self, offset: Offset) -> LogError {
        LogError::OffsetOutOfRange {
            offset,
            log_start_offset: self.log_start_offset,
            log_end_offset: self.durable_end,
        }
    }

    /// Offset after the last record in segments.
    pub fn flushed_end(&self) -> Offset {
        self.tail.front().map_or(self.durable_end, |entry| entry.base_offset)
    }

    /// The segment that holds `offset`, or the first one above it.
    pub fn segment_at(&self, offset: Offset) -> Option<&SegmentInfo> {
        let at = self.segments.partition_point(|segment| segment.end_offset <= offset);
        self.segments.get(at)
    }

    /// Where a reader that asks for `offset` left off.
    pub fn cursor(&self, offset: Offset, segment: Offset) -> Option<u64> {
        let known = self.cursors.places.iter();
        let mut found = known.filter(|cursor| cursor.offset == offset && cursor.segment == segment);
        found.next().map(|cursor| cursor.position).filter(|position| *position > 0)
    }

    /// Remembers where a reader left off.
    pub fn remember(&mut self, cursor: Cursor) {
        let Cursors { places, next } = &mut self.cursors;
        places[*next as usize % CURSORS] = cursor;
        *next = next.wrapping_add(1);
    }

    /// Checks that a read is within the log; `None` if there is nothing for it to return.
    pub fn check_read(&self, request: &ReadRequest) -> Result<Option<()>, LogError> {
        if self.deleted {
            return Err(deleted());
        }
        if request.from < self.log_start_offset || request.from > self.durable_end {
            return Err(self.out_of_range(request.from));
        }
        let nothing = request.from >= self.durable_end.min(request.upper);
        Ok((!nothing).then_some(()))
    }

    /// Raises the log start and drops what no longer counts from memory; returns its bytes.
    pub fn trim(&mut self, new_start: Offset) -> u64 {
        if new_start <= self.log_start_offset {
            return 0;
        }
        self.log_start_offset = new_start;
        self.epochs.trim(new_start);
        self.tail.drop_below(new_start)
    }
}

/// What a deleted partition answers.
pub fn deleted() -> LogError {
    LogError::Unavailable("the partition is deleted".to_owned())
}

/// What became of an append that was made durable.
pub struct Applied {
    /// The observer, once a frame.
    pub observer: Option<Arc<dyn LogObserver>>,
    /// The tail is large enough to be flushed, and was not before.
    pub ready: bool,
    /// There was no tail before.
    pub dirty: bool,
}

impl Partition {
    /// A partition without records.
    pub fn new(id: TopicIdPartition, created_lsn: u64, limits: SegmentLimits) -> Arc<Self> {
        Self::recovered(id, created_lsn, -1, limits, State::default())
    }

    /// A partition as it was found.
    pub fn recovered(
        id: TopicIdPartition,
        created_lsn: u64,
        leader_epoch: LeaderEpoch,
        limits: SegmentLimits,
        state: State,
    ) -> Arc<Self> {
        let writer = Writer {
            leader_epoch,
            log_end_offset: state.durable_end,
            last_commit: Commit::done(),
            deleted: false,
        };
        Arc::new(Partition {
            id,
            created_lsn,
            writer: Mutex::new(writer),
            durable_end: AtomicI64::new(state.durable_end),
            state: Mutex::new(state),
            files: Mutex::new(()),
            changed: AtomicBool::new(false),
            limits: Limits::new(limits),
        })
    }

    /// Its identity.
    pub fn id(&self) -> TopicIdPartition {
        self.id
    }

    /// Offset after the last durable record.
    pub fn durable_end(&self) -> Offset {
        self.durable_end.load(Ordering::Acquire)
    }

    /// Makes the caller the only writer; returns what must be durable before it begins.
    pub fn claim(
        &self,
        leader_epoch: LeaderEpoch,
        observer: Arc<dyn LogObserver>,
    ) -> Result<Commit, LogError> {
        let mut writer = self.writer.lock();
        if leader_epoch < writer.leader_epoch {
            return Err(LogError::Fenced { newer: writer.leader_epoch });
        }
        writer.leader_epoch = leader_epoch;
        self.state.lock().observer = Some(observer);
        Ok(writer.last_commit.clone())
    }

    /// Makes an append readable. `None` if the partition is deleted or holds it already.
    pub fn apply_append(
        &self,
        entry: TailEntry,
        leader_epoch: LeaderEpoch,
        flush_bytes: u64,
    ) -> Option<Applied> {
        let mut state = self.state.lock();
        if state.gone || entry.next_offset <= state.durable_end {
            return None;
        }
        assert_eq!(entry.base_offset, state.durable_end, "{}: appends are gap-free", self.id);
        let lsn = entry.stamp;
        state.epochs.append(leader_epoch, entry.base_offset);
        state.durable_end = entry.next_offset;
        self.durable_end.store(entry.next_offset, Ordering::Release);
        state.tail.push(entry);
        let dirty = !std::mem::replace(&mut state.is_dirty, true);
        let ready = state.tail.bytes() >= flush_bytes && !state.is_ready;
        state.is_ready |= ready;
        let tell = state.told_lsn != lsn;
        state.told_lsn = lsn;
        let observer = if tell { state.observer.clone() } else { None };
        Some(Applied { observer, ready, dirty })
    }
}

impl Writer {
    /// Checks that an append comes from the writer and fits.
    pub fn check(&self, append: &Append<'_>) -> Result<(), LogError> {
        if self.deleted {
            return Err(deleted());
        }
        if append.leader_epoch < self.leader_epoch {
            return Err(LogError::Fenced { newer: self.leader_epoch });
        }
        assert_eq!(append.base_offset, self.log_end_offset, "appends come in offset order");
        assert!(append.next_offset > append.base_offset, "an append has records");
        assert!(!append.batches.is_empty(), "an append has batches");
        Ok(())
    }
}
