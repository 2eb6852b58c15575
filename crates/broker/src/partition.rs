//! One partition as its single writer sees it: offsets, producers, the high watermark, waiters.
//!
//! A partition is not a task. It is a struct behind a short mutex, touched by the connection's own
//! task for an append and by the engine's thread for the high watermark; reads take no lock here.

use crate::wait::{WaitList, Waiter};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use tidegate_log::{
    Append, Commit, LogError, LogObserver, LogRead, LogStore, Opened, PartitionLog, ReadRequest,
    Slice, Snapshot, Step,
};
use tidegate_machine::producer::{ActiveProducer, ProducerTable, Verdict};
use tidegate_model::{
    BATCH_HEADER_LEN, BatchHeader, ErrorCode, LeaderEpoch, NO_PRODUCER_ID, Offset, TimestampMs,
    TopicIdPartition, set_base_offset, set_leader_epoch, set_log_append_time,
};

/// One read while a partition's batches are folded again at start.
const FOLD_READ_BYTES: usize = 1 << 20;

/// What an append is told.
#[derive(Debug, Clone)]
pub struct Appended {
    /// Offset of the batch's first record; the original one if the batch was a duplicate.
    pub base_offset: Offset,
    /// The timestamp given by the broker, -1 when the producer's stands.
    pub log_append_time: TimestampMs,
    /// First offset kept.
    pub log_start_offset: Offset,
    /// Records that were appended: none if the batch was a duplicate.
    pub records: u32,
    /// Resolves when the batch, or the original of a duplicate, is durable.
    pub commit: Commit,
}

/// Offsets that bound what a reader can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// First offset kept.
    pub log_start_offset: Offset,
    /// Offset after the last record of finished transactions.
    pub last_stable_offset: Offset,
    /// Offset after the last durable record.
    pub high_watermark: Offset,
}

/// The part that the engine's thread reaches: it outlives no partition and locks nothing for long.
struct Shared {
    high_watermark: AtomicI64,
    deleted: AtomicBool,
    waiters: WaitList,
    writer: Mutex<Writer>,
}

/// State of the single writer.
struct Writer {
    log_end_offset: Offset,
    producers: ProducerTable,
    /// The commit of the newest append. A duplicate waits for it: its original may still be on its
    /// way to the disk.
    last_commit: Commit,
}

impl LogObserver for Shared {
    fn on_durable(&self, end: Offset) {
        self.high_watermark.fetch_max(end, Ordering::SeqCst);
        self.waiters.wake_all();
    }

    fn snapshot(&self) -> Option<Snapshot> {
        let writer = self.writer.lock();
        let bytes = writer.producers.snapshot();
        Some(Snapshot { offset: writer.log_end_offset, bytes })
    }
}

/// A partition that this gateway owns.
pub struct Partition {
    id: TopicIdPartition,
    leader_epoch: LeaderEpoch,
    log: Arc<dyn PartitionLog>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Partition").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Partition {
    /// Opens the partition under `leader_epoch` and folds the batches that its last snapshot lacks.
    pub async fn open(
        store: &dyn LogStore,
        id: TopicIdPartition,
        leader_epoch: LeaderEpoch,
    ) -> Result<Arc<Self>, LogError> {
        let shared = Arc::new(Shared {
            high_watermark: AtomicI64::new(0),
            deleted: AtomicBool::new(false),
            waiters: WaitList::default(),
            writer: Mutex::new(Writer {
                log_end_offset: 0,
                producers: ProducerTable::default(),
                last_commit: Commit::done(),
            }),
        });
        let opened = store.open(id, leader_epoch, shared.clone()).wait().await?;
        let producers = fold_producers(&opened).await?;
        {
            let mut writer = shared.writer.lock();
            writer.log_end_offset = opened.log_end_offset;
            writer.producers = producers;
        }
        shared.high_watermark.fetch_max(opened.log_end_offset, Ordering::SeqCst);
        Ok(Arc::new(Partition { id, leader_epoch, log: opened.log, shared }))
    }

    /// The partition's key in the store.
    pub fn id(&self) -> TopicIdPartition {
        self.id
    }

    /// The epoch under which this gateway appends.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// The engine's side of the partition.
    pub fn log(&self) -> &dyn PartitionLog {
        &*self.log
    }

    /// Offset after the last durable record. Never falls.
    pub fn high_watermark(&self) -> Offset {
        self.shared.high_watermark.load(Ordering::SeqCst)
    }

    /// What readers can see now. Without transactions all that is durable is stable.
    pub fn bounds(&self) -> Bounds {
        let high_watermark = self.high_watermark();
        Bounds {
            log_start_offset: self.log.log_start_offset(),
            last_stable_offset: high_watermark,
            high_watermark,
        }
    }

    /// Offset of the next record to be appended; above the high watermark while appends are on
    /// their way to the disk.
    pub fn log_end_offset(&self) -> Offset {
        self.shared.writer.lock().log_end_offset
    }

    /// Offset of the next record to be appended, with the commit after which all below is durable.
    pub fn end(&self) -> (Offset, Commit) {
        let writer = self.shared.writer.lock();
        (writer.log_end_offset, writer.last_commit.clone())
    }

    /// Producers whose sequences are remembered.
    pub fn producer_count(&self) -> usize {
        self.shared.writer.lock().producers.len()
    }

    /// Producers whose sequences are remembered, in order of their ids.
    pub fn active_producers(&self) -> Vec<ActiveProducer> {
        self.shared.writer.lock().producers.active().collect()
    }

    /// Resolves when everything appended so far is durable: the barrier for reads of folded state.
    pub fn last_commit(&self) -> Commit {
        self.shared.writer.lock().last_commit.clone()
    }

    /// Forgets producers that were silent for `expiration_ms`.
    pub fn expire_producers(&self, now: TimestampMs, expiration_ms: i64) {
        self.shared.writer.lock().producers.expire(now, expiration_ms);
    }

    /// Appends one batch whose header was parsed and whose CRC was checked.
    ///
    /// Assigns its offset and leader epoch in place. `log_append_time` replaces the producer's
    /// timestamps where the topic says so. Errors are those of the producer's sequence
    /// (OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, ...), MESSAGE_TOO_LARGE for what the
    /// store can never take, and KAFKA_STORAGE_ERROR when it takes nothing now; after an error
    /// nothing has changed.
    pub fn append(
        &self,
        header: BatchHeader,
        batch: &mut [u8],
        now: TimestampMs,
        log_append_time: Option<TimestampMs>,
    ) -> Result<Appended, ErrorCode> {
        let mut writer = self.shared.writer.lock();
        self.append_locked(&mut writer, header, batch, now, log_append_time)
    }

    /// Appends one batch if the log ends at `expected`; the commit of what lies there otherwise.
    /// Errors as [`Partition::append`].
    pub fn append_at(
        &self,
        expected: Offset,
        header: BatchHeader,
        batch: &mut [u8],
        now: TimestampMs,
    ) -> Result<Result<Appended, Commit>, ErrorCode> {
        let mut writer = self.shared.writer.lock();
        if writer.log_end_offset != expected {
            return Ok(Err(writer.last_commit.clone()));
        }
        self.append_locked(&mut writer, header, batch, now, None).map(Ok)
    }

    fn append_locked(
        &self,
        writer: &mut Writer,
        mut header: BatchHeader,
        batch: &mut [u8],
        now: TimestampMs,
        log_append_time: Option<TimestampMs>,
    ) -> Result<Appended, ErrorCode> {
        if header.producer_id != NO_PRODUCER_ID
            && let Verdict::Duplicate { base_offset, timestamp, .. } =
                writer.producers.check(&header, now)?
        {
            return Ok(Appended {
                base_offset,
                log_append_time: log_append_time.map_or(-1, |_| timestamp),
                log_start_offset: self.log.log_start_offset(),
                records: 0,
                commit: writer.last_commit.clone(),
            });
        }
        let base_offset = writer.log_end_offset;
        header.base_offset = base_offset;
        header.leader_epoch = self.leader_epoch;
        set_base_offset(batch, base_offset);
        set_leader_epoch(batch, self.leader_epoch);
        if let Some(at) = log_append_time {
            set_log_append_time(batch, at);
            header.max_timestamp = at;
        }
        let append = Append {
            base_offset,
            next_offset: header.next_offset(),
            leader_epoch: self.leader_epoch,
            max_timestamp: header.max_timestamp,
            batches: batch,
        };
        let commit = self.log.enqueue(append).map_err(|error| self.refused(&error))?;
        writer.log_end_offset = header.next_offset();
        writer.last_commit = commit.clone();
        if header.producer_id != NO_PRODUCER_ID {
            writer.producers.apply(&header);
        }
        let log_start_offset = self.log.log_start_offset();
        Ok(Appended {
            base_offset,
            log_append_time: log_append_time.unwrap_or(-1),
            log_start_offset,
            records: header.record_count.unsigned_abs(),
            commit,
        })
    }

    fn refused(&self, error: &LogError) -> ErrorCode {
        match error {
            LogError::Fenced { .. } => ErrorCode::NotLeaderOrFollower,
            LogError::TooLarge { .. } => ErrorCode::MessageTooLarge,
            LogError::OffsetOutOfRange { .. }
            | LogError::Corrupt { .. }
            | LogError::Full(_)
            | LogError::Unavailable(_) => ErrorCode::KafkaStorageError,
        }
    }

    /// Reads whole batches from exactly the batch that holds `request.from`.
    pub fn read(&self, request: ReadRequest) -> Step<Result<LogRead, LogError>> {
        self.log.read(request)
    }

    /// Puts `waiter` into the list that the next durable append wakes. Look again afterwards.
    pub fn register(&self, waiter: &Arc<Waiter>) {
        self.shared.waiters.register(waiter);
    }

    /// Begins to raise the log start; the future resolves when that is durable.
    ///
    /// Whoever waits to read is woken: an offset below the new start is an error now.
    pub fn trim(
        &self,
        new_start: Offset,
    ) -> impl Future<Output = Result<(), LogError>> + Send + 'static {
        let begun = self.log.trim(new_start);
        let shared = self.shared.clone();
        async move {
            begun.wait().await?;
            shared.waiters.wake_all();
            Ok(())
        }
    }

    /// Says that the topic is gone to those who found the partition before, and wakes them.
    pub fn mark_deleted(&self) {
        self.shared.deleted.store(true, Ordering::SeqCst);
        self.shared.waiters.wake_all();
    }

    /// True once the topic is gone.
    pub fn is_deleted(&self) -> bool {
        self.shared.deleted.load(Ordering::SeqCst)
    }

    /// The end of `requested` in this partition's epoch history: (epoch, end offset), both -1 if
    /// the epoch lies above all known ones (KIP-101, `LeaderEpochFileCache.endOffsetFor`).
    pub fn end_offset_for_epoch(&self, requested: LeaderEpoch) -> (LeaderEpoch, Offset) {
        if requested < 0 || requested > self.leader_epoch {
            return (-1, -1);
        }
        if requested == self.leader_epoch {
            return (requested, self.high_watermark());
        }
        let epochs = self.log.epochs();
        let above = epochs.iter().find(|start| start.leader_epoch > requested);
        let end = above.map_or_else(|| self.high_watermark(), |start| start.start_offset);
        let floor = epochs.iter().rev().find(|start| start.leader_epoch <= requested);
        (floor.map_or(requested, |start| start.leader_epoch), end)
    }
}

/// Restores the producers' sequences: the last snapshot, then the headers of all later batches.
async fn fold_producers(opened: &Opened) -> Result<ProducerTable, LogError> {
    let mut producers = ProducerTable::default();
    let mut from = opened.log_start_offset;
    if let Some(snapshot) = &opened.snapshot {
        match ProducerTable::restore(&snapshot.bytes) {
            Ok(restored) => {
                producers = restored;
                from = from.max(snapshot.offset);
            }
            Err(error) => return Err(LogError::Corrupt { place: format!("producers: {error}") }),
        }
    }
    fold_headers(&*opened.log, from, opened.log_end_offset, |header| {
        if header.producer_id != NO_PRODUCER_ID {
            producers.apply(header);
        }
    })
    .await?;
    Ok(producers)
}

/// Visits the header of every batch in `from..to`, hopping over the records.
async fn fold_headers(
    log: &dyn PartitionLog,
    mut from: Offset,
    to: Offset,
    mut visit: impl FnMut(&BatchHeader),
) -> Result<(), LogError> {
    while from < to {
        let request =
            ReadRequest { from, upper: to, max_bytes: FOLD_READ_BYTES, at_least_one_batch: true };
        let read = log.read(request).wait().await?;
        if read.is_empty() {
            return Err(LogError::Corrupt { place: format!("no batch at offset {from}") });
        }
        for slice in &read.slices {
            visit_headers(slice, &mut |header| {
                if header.base_offset >= from {
                    visit(header);
                }
            })?;
        }
        from = read.next_offset;
    }
    Ok(())
}

fn visit_headers(slice: &Slice, visit: &mut impl FnMut(&BatchHeader)) -> Result<(), LogError> {
    use std::os::unix::fs::FileExt;
    let mut at = 0;
    let mut buffer = [0; BATCH_HEADER_LEN];
    while at < slice.len() {
        let corrupt = |what: String| LogError::Corrupt { place: what };
        let header = match slice {
            Slice::Memory(bytes) => BatchHeader::parse(&bytes[at..]),
            Slice::File { file, position, .. } => {
                file.read_exact_at(&mut buffer, position + at as u64)
                    .map_err(|error| LogError::Unavailable(error.to_string()))?;
                BatchHeader::parse_prefix(&buffer)
            }
        }
        .map_err(|error| corrupt(format!("batch header in a read: {error}")))?;
        visit(&header);
        at += header.len;
    }
    Ok(())
}
