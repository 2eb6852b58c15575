//! Reading many partitions for one Fetch, and waiting until there is enough to read.

use crate::fetch::session::TopicRef;
use crate::partition::{Bounds, Partition};
use crate::topics::TopicMap;
use crate::wait::Waiter;
use std::sync::Arc;
use tidegate_log::{LogError, LogRead, ReadRequest};
use tidegate_model::{ErrorCode, LeaderEpoch, Offset, ProducerId};
use tokio::time::{Instant, timeout_at};
use tracing::error;

/// Limits of one Fetch.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// Bytes to wait for, over all partitions.
    pub min_bytes: u64,
    /// Bytes after which no further partition is read.
    pub max_bytes: usize,
    /// When to answer with what there is.
    pub deadline: Instant,
    /// True to see only finished transactions.
    pub read_committed: bool,
}

/// One partition to read.
#[derive(Debug, Clone)]
pub struct FetchTarget {
    /// The partition, or why it cannot be read.
    pub partition: Result<Arc<Partition>, ErrorCode>,
    /// Offset wanted.
    pub fetch_offset: Offset,
    /// Most bytes wanted of it.
    pub max_bytes: usize,
    /// The leader epoch the client believes in, -1 for none.
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch of the last record fetched, -1 for none.
    pub last_fetched_epoch: LeaderEpoch,
}

/// The point where a client's log and the partition's part (KIP-595).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochEnd {
    /// The largest epoch that both know.
    pub epoch: LeaderEpoch,
    /// Where that epoch ends here.
    pub end_offset: Offset,
}

/// What was read of one partition.
#[derive(Debug, Clone)]
pub struct FetchedPartition {
    /// NONE, or why there are no records.
    pub error: ErrorCode,
    /// Offsets at the time of the read; all -1 after an error, as Kafka answers.
    pub bounds: Bounds,
    /// Whole batches.
    pub records: LogRead,
    /// Set instead of records when the client's epoch and offset do not fit together.
    pub diverging: Option<EpochEnd>,
    /// Producer and first offset of each aborted transaction that reaches into the records. As in
    /// Kafka's answers there is no list where nobody asked for finished transactions only, or where
    /// the partition itself refused, and an empty one for a partition that is not there.
    pub aborted_transactions: Option<Vec<(ProducerId, Offset)>>,
}

const NO_BOUNDS: Bounds =
    Bounds { log_start_offset: -1, last_stable_offset: -1, high_watermark: -1 };

impl FetchedPartition {
    fn failed(error: ErrorCode) -> Self {
        FetchedPartition {
            error,
            bounds: NO_BOUNDS,
            records: LogRead::default(),
            diverging: None,
            aborted_transactions: None,
        }
    }

    fn missing(error: ErrorCode) -> Self {
        FetchedPartition { aborted_transactions: Some(Vec::new()), ..Self::failed(error) }
    }
}

/// The partition that a request names, or the error for one that is not there.
pub fn resolve(
    topics: &TopicMap,
    topic: &TopicRef,
    index: i32,
) -> Result<Arc<Partition>, ErrorCode> {
    let (topic, missing) = match topic {
        TopicRef::Name(name) => (topics.by_name(name), ErrorCode::UnknownTopicOrPartition),
        TopicRef::Id(id) => (topics.by_id(*id), ErrorCode::UnknownTopicId),
    };
    let topic = topic.ok_or(missing)?;
    topic.partition(index).cloned().ok_or(ErrorCode::UnknownTopicOrPartition)
}

/// Reads once there are `min_bytes`, at once if any partition has an error to tell, and with what
/// there is at the deadline.
///
/// Nothing polls: an append that becomes durable wakes the waiter.
pub async fn fetch_until(
    targets: &[FetchTarget],
    limits: FetchLimits,
    waiter: &Arc<Waiter>,
) -> Vec<FetchedPartition> {
    if !is_due(targets, &limits) {
        while !waiter.is_closed() {
            for target in targets {
                if let Ok(partition) = &target.partition {
                    partition.register(waiter);
                }
            }
            if is_due(targets, &limits) {
                break;
            }
            if waiter.waits(timeout_at(limits.deadline, waiter.woken())).await.is_err()
                || is_due(targets, &limits)
            {
                break;
            }
        }
    }
    fetch_once(targets, limits).await
}

/// True if the answer should not wait: enough bytes, an error, or no time left.
fn is_due(targets: &[FetchTarget], limits: &FetchLimits) -> bool {
    let mut available = 0;
    for target in targets {
        let Ok(partition) = &target.partition else { return true };
        let Ok((bounds, None)) = check(partition, target) else { return true };
        let upper = upper(&bounds, limits);
        if target.fetch_offset < upper {
            let bytes = partition.log().bytes_between(target.fetch_offset, upper);
            available += bytes.min(target.max_bytes as u64).max(1);
        }
        if available >= limits.min_bytes {
            return true;
        }
    }
    // Whoever fetches nothing has nothing to wait for.
    targets.is_empty() || available >= limits.min_bytes || Instant::now() >= limits.deadline
}

/// Reads each partition in order, within the limits, without waiting for more.
///
/// The first batch found is returned whatever its size, so that a consumer always gets on.
pub async fn fetch_once(targets: &[FetchTarget], limits: FetchLimits) -> Vec<FetchedPartition> {
    let mut left = limits.max_bytes;
    let mut nothing_yet = true;
    let mut fetched = Vec::with_capacity(targets.len());
    for target in targets {
        let one = match &target.partition {
            Err(error) => FetchedPartition::missing(*error),
            Ok(partition) => {
                let max_bytes = target.max_bytes.min(left);
                read_partition(partition, target, &limits, max_bytes, nothing_yet).await
            }
        };
        let len = one.records.len();
        nothing_yet &= len == 0;
        left = left.saturating_sub(len);
        fetched.push(one);
    }
    fetched
}

fn upper(bounds: &Bounds, limits: &FetchLimits) -> Offset {
    if limits.read_committed { bounds.last_stable_offset } else { bounds.high_watermark }
}

/// The partition's bounds, if the client's epochs and offset are acceptable, and where its log has
/// parted from the client's. An offset counts only where it has not.
fn check(
    partition: &Partition,
    target: &FetchTarget,
) -> Result<(Bounds, Option<EpochEnd>), ErrorCode> {
    if partition.is_deleted() {
        // Kafka's code for a topic that goes while a Fetch waits, also if it was named by its id.
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    check_leader_epoch(partition, target.current_leader_epoch)?;
    let bounds = partition.bounds();
    if let Some(diverging) = divergence(partition, target)? {
        return Ok((bounds, Some(diverging)));
    }
    let from = target.fetch_offset;
    if from < bounds.log_start_offset
        || (from > bounds.high_watermark && from > partition.log_end_offset())
    {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    Ok((bounds, None))
}

/// Refuses a client that knows an older or newer owner than this one (KIP-320).
pub fn check_leader_epoch(partition: &Partition, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
    match epoch {
        -1 => Ok(()),
        epoch if epoch < partition.leader_epoch() => Err(ErrorCode::FencedLeaderEpoch),
        epoch if epoch > partition.leader_epoch() => Err(ErrorCode::UnknownLeaderEpoch),
        _ => Ok(()),
    }
}

/// Where a client that last fetched `target.last_fetched_epoch` has left this partition's log.
fn divergence(partition: &Partition, target: &FetchTarget) -> Result<Option<EpochEnd>, ErrorCode> {
    if target.last_fetched_epoch < 0 {
        return Ok(None);
    }
    let (epoch, end_offset) = partition.end_offset_for_epoch(target.last_fetched_epoch);
    if end_offset < 0 || epoch < 0 {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    let parted = epoch < target.last_fetched_epoch || end_offset < target.fetch_offset;
    Ok(parted.then_some(EpochEnd { epoch, end_offset }))
}

async fn read_partition(
    partition: &Partition,
    target: &FetchTarget,
    limits: &FetchLimits,
    max_bytes: usize,
    at_least_one_batch: bool,
) -> FetchedPartition {
    let (bounds, diverging) = match check(partition, target) {
        Ok(checked) => checked,
        Err(error) => return FetchedPartition::failed(error),
    };
    let mut fetched = FetchedPartition {
        error: ErrorCode::None,
        bounds,
        records: LogRead::default(),
        diverging,
        aborted_transactions: None,
    };
    if diverging.is_some() {
        return fetched;
    }
    fetched.aborted_transactions = limits.read_committed.then(Vec::new);
    let upper = upper(&bounds, limits);
    if target.fetch_offset >= upper || (max_bytes == 0 && !at_least_one_batch) {
        return fetched;
    }
    let request = ReadRequest { from: target.fetch_offset, upper, max_bytes, at_least_one_batch };
    match partition.read(request).wait().await {
        Ok(records) => fetched.records = records,
        // The log start has passed the offset since the bounds were looked at.
        Err(LogError::OffsetOutOfRange { .. }) => {
            return FetchedPartition::failed(ErrorCode::OffsetOutOfRange);
        }
        Err(error) => {
            error!(target: "tidegate::fetch", partition = %partition.id(), offset = target.fetch_offset, %error, "read failed");
            fetched.error = ErrorCode::KafkaStorageError;
        }
    }
    fetched
}
