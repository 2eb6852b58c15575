//! The two traits of an engine, and their plain arguments.

use crate::commit::Commit;
use crate::segments::{SegmentLimits, SegmentSummary};
use crate::slice::LogRead;
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use thiserror::Error;
use tidegate_metrics::{COUNTS, Histogram, SIZES, Unit};
use tidegate_model::{LeaderEpoch, Offset, TimestampMs, TopicIdPartition};

/// A future that an engine hands out through a trait object.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// An answer that is usually there at once, so that the common case costs no allocation.
pub enum Step<T> {
    /// The answer.
    Ready(T),
    /// The answer will come: cold data, or a remote store.
    Later(BoxFuture<T>),
}

impl<T> Step<T> {
    /// Waits for the answer.
    pub async fn wait(self) -> T {
        match self {
            Step::Ready(value) => value,
            Step::Later(future) => future.await,
        }
    }
}

/// Why an engine refused, named for what the caller should do next.
#[derive(Debug, Error, Clone)]
pub enum LogError {
    /// Another owner holds the partition under a newer epoch: drop all state of it.
    #[error("fenced by leader epoch {newer}")]
    Fenced {
        /// The newer epoch.
        newer: LeaderEpoch,
    },
    /// The offset is below the log start or above the log's end.
    #[error("offset {offset} is outside {log_start_offset}..={log_end_offset}")]
    OffsetOutOfRange {
        /// The offset asked for.
        offset: Offset,
        /// First offset kept.
        log_start_offset: Offset,
        /// Offset after the last durable record.
        log_end_offset: Offset,
    },
    /// Acknowledged bytes cannot be read back: do not retry, say where.
    #[error("log is corrupt: {place}")]
    Corrupt {
        /// File and byte position, or object and range.
        place: String,
    },
    /// The append is larger than any that the store can take: do not retry. Nothing was taken.
    #[error("an append of {len} bytes, the store takes {max} at most")]
    TooLarge {
        /// Bytes of the append.
        len: usize,
        /// Bytes of the largest one.
        max: u64,
    },
    /// No space: nothing was taken, reads go on, a later attempt may succeed.
    #[error("storage is full: {0}")]
    Full(String),
    /// The store is closed or cannot be reached; nothing was taken.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
}

/// Batches to append, their base offsets and leader epochs already in place.
#[derive(Debug, Clone, Copy)]
pub struct Append<'a> {
    /// Offset of the first record: the `next_offset` of the append before it.
    pub base_offset: Offset,
    /// Offset after the last record.
    pub next_offset: Offset,
    /// The epoch stamped into the batches.
    pub leader_epoch: LeaderEpoch,
    /// Largest timestamp of the batches.
    pub max_timestamp: TimestampMs,
    /// One or more whole v2 batches, CRC already checked. The engine copies them before it returns.
    pub batches: &'a [u8],
}

/// What to read.
#[derive(Debug, Clone, Copy)]
pub struct ReadRequest {
    /// The first batch returned holds this offset; it may start earlier.
    pub from: Offset,
    /// Only batches that start below this offset: the high watermark or last stable offset. Nothing
    /// is returned if `from` is not below it either.
    pub upper: Offset,
    /// Stop before the batch that would exceed this many bytes.
    pub max_bytes: usize,
    /// Return the first batch even if it alone exceeds `max_bytes` (KIP-74).
    pub at_least_one_batch: bool,
}

/// Which batch to look for by timestamp. Timestamps need not rise with offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchQuery {
    /// The first batch, in offset order, whose largest timestamp is at least this.
    TimestampAtLeast(TimestampMs),
    /// The first batch that has the largest timestamp of all.
    MaxTimestamp,
}

/// The first offset appended under an epoch (KIP-101).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochStart {
    /// The epoch.
    pub leader_epoch: LeaderEpoch,
    /// The first offset under it.
    pub start_offset: Offset,
}

/// State that the broker folds from a partition's batches, as of an offset. Opaque to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The fold holds exactly the batches below this offset.
    pub offset: Offset,
    /// The fold, encoded by the broker.
    pub bytes: Bytes,
}

/// What the engine tells the broker about one partition, from the engine's own threads.
///
/// Calls must not block and must not call back into the engine. The engine holds no lock during a
/// call that `enqueue` or `read` takes: the broker's own lock is held around those.
pub trait LogObserver: Send + Sync {
    /// All records below `end` are durable. Rises; called before the commits it covers resolve.
    fn on_durable(&self, end: Offset);

    /// The state to keep with the next checkpoint, or `None` if there is none worth keeping.
    ///
    /// It may be newer than what is durable: the engine makes the log durable up to
    /// `Snapshot::offset` before it writes the snapshot.
    fn snapshot(&self) -> Option<Snapshot>;
}

/// A partition as recovery found it.
pub struct Opened {
    /// The log.
    pub log: Arc<dyn PartitionLog>,
    /// First offset kept.
    pub log_start_offset: Offset,
    /// Offset after the last record; all below is durable.
    pub log_end_offset: Offset,
    /// The last snapshot kept; its offset is at most `log_end_offset`. Batches from there on must be folded again.
    pub snapshot: Option<Snapshot>,
}

/// Figures for metrics; counters since the store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Frames (group commits) made durable.
    pub frames: u64,
    /// Appends made durable.
    pub appends: u64,
    /// Bytes of batches made durable.
    pub bytes: u64,
    /// Bytes enqueued and not durable yet.
    pub pending_bytes: u64,
    /// Bytes of recent batches held in memory.
    pub tail_bytes: u64,
    /// Segments given back because they lay below a log start.
    pub trimmed_segments: u64,
    /// Bytes given back that way.
    pub trimmed_bytes: u64,
    /// Checkpoints written.
    pub checkpoints: u64,
    /// Nanoseconds spent waiting for the disk in WAL writes.
    pub sync_nanos: u64,
    /// Those of these writes that took far longer than a disk should.
    pub slow_writes: u64,
    /// True while appends are refused for want of space.
    pub full: bool,
}

/// How long a store's work on the disk takes, and how much of it is done at once. All zero in an
/// engine without one.
#[derive(Debug)]
pub struct StoreTimes {
    /// To write one frame until it is as durable as the settings ask for.
    pub write: Histogram,
    /// To make frames durable that were only written.
    pub wal_sync: Histogram,
    /// To make segments durable at a checkpoint.
    pub segment_sync: Histogram,
    /// To put the checkpoint's own file in place.
    pub checkpoint_sync: Histogram,
    /// To make a whole checkpoint.
    pub checkpoint: Histogram,
    /// Appends of one frame.
    pub frame_appends: Histogram,
    /// Bytes of one frame.
    pub frame_bytes: Histogram,
}

impl Default for StoreTimes {
    fn default() -> Self {
        StoreTimes {
            write: Histogram::seconds(),
            wal_sync: Histogram::seconds(),
            segment_sync: Histogram::seconds(),
            checkpoint_sync: Histogram::seconds(),
            checkpoint: Histogram::seconds(),
            frame_appends: Histogram::new(Unit::One, COUNTS),
            frame_bytes: Histogram::new(Unit::One, SIZES),
        }
    }
}

/// Where a store keeps its logs, and how much room there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The absolute path of the directory, or a word for what takes its place.
    pub path: String,
    /// Bytes of the file system, used and free; `None` where there is none.
    pub total_bytes: Option<u64>,
    /// Bytes of them that can still be written.
    pub usable_bytes: Option<u64>,
}

/// A set of partition logs that share one commit path.
pub trait LogStore: Send + Sync + 'static {
    /// Opens a partition for its only writer, creating it if it is new, and fences older epochs.
    ///
    /// Opening a partition again returns the same log with the new observer.
    fn open(
        &self,
        partition: TopicIdPartition,
        leader_epoch: LeaderEpoch,
        observer: Arc<dyn LogObserver>,
    ) -> Step<Result<Opened, LogError>>;

    /// Removes a partition durably and gives its space back. Unknown partitions are no error. Begins
    /// at once; the answer comes when nothing is left.
    ///
    /// Reads that already hold slices of it stay valid.
    fn delete(&self, partition: TopicIdPartition) -> Step<Result<(), LogError>>;

    /// Every partition that has data or was opened and not deleted.
    fn partitions(&self) -> Vec<TopicIdPartition>;

    /// Where the logs are. Asks the system, so that it is not for every request.
    fn volume(&self) -> Volume;

    /// Figures for metrics.
    fn stats(&self) -> StoreStats;

    /// Times and sizes for metrics.
    fn times(&self) -> &StoreTimes;

    /// Makes everything enqueued durable, writes a checkpoint and releases the files.
    ///
    /// Later calls answer [`LogError::Unavailable`].
    fn close(&self) -> BoxFuture<Result<(), LogError>>;
}

/// One partition's log. All methods may be called from any thread; appends come from one writer
/// at a time, in offset order.
pub trait PartitionLog: Send + Sync {
    /// Takes batches for the next commit. An error means that nothing was taken.
    ///
    /// Commits of one store resolve in the order of their `enqueue` calls.
    fn enqueue(&self, append: Append<'_>) -> Result<Commit, LogError>;

    /// Reads whole durable batches.
    ///
    /// [`LogError::OffsetOutOfRange`] if `from` is below the log start or above the durable end;
    /// an empty read at the end.
    fn read(&self, request: ReadRequest) -> Step<Result<LogRead, LogError>>;

    /// Durable bytes from the batch that holds `from` up to `upper`, exactly or, below the
    /// in-memory tail, to within one index interval. Costs no I/O.
    fn bytes_between(&self, from: Offset, upper: Offset) -> u64;

    /// Finds one batch by timestamp and returns it alone. It ends above `from` and above the log
    /// start, and starts below `upper`: where it reaches over one of them, only its records can
    /// tell whether it is the one that is wanted.
    fn find_batch(
        &self,
        query: BatchQuery,
        from: Offset,
        upper: Offset,
    ) -> Step<Result<Option<Bytes>, LogError>>;

    /// First offset kept.
    fn log_start_offset(&self) -> Offset;

    /// The history of leader epochs, in rising order, from the log start on.
    fn epochs(&self) -> Vec<EpochStart>;

    /// Says from now on when a new segment begins. What segments hold already stays as it is.
    fn limit_segments(&self, limits: SegmentLimits);

    /// The durable log in segments, oldest first, without a gap from one to the next. Empty when the
    /// log is. Costs no I/O but for segments without any timestamp.
    fn segments(&self) -> Vec<SegmentSummary>;

    /// Raises the log start durably (DeleteRecords, retention); never lowers it. Begins at once, in
    /// the order of appends; the answer comes when that is durable. Segments that end at
    /// or below it are given back afterwards, also after a crash in between.
    ///
    /// [`LogError::OffsetOutOfRange`] above the durable end.
    fn trim(&self, new_start: Offset) -> Step<Result<(), LogError>>;

    /// Bytes kept, as DescribeLogDirs reports them.
    fn size_bytes(&self) -> u64;
}
