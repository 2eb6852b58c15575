//! Replays what a partition's log holds into a machine.

use super::LogRecord;
use crate::compression::record_bytes;
use crate::partition::Partition;
use bytes::Bytes;
use tidegate_log::{LogError, ReadRequest};
use tidegate_machine::{Machine, Now};
use tidegate_model::{BatchHeader, Batches, Offset, Records};
use tracing::warn;

const READ_BYTES: usize = 1 << 20;

/// Bytes of a key that a log line shows.
const KEY_SHOWN: usize = 200;

/// What records mean that cannot be read, in a batch whose bytes are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// The log is the coordinator's own, so that it has lost something: stop.
    IsFatal,
    /// Anybody may have written them: skip them.
    IsSkipped,
}

/// Replays the durable records from `position` on, and moves it behind the last.
pub(super) async fn fold<M>(
    partition: &Partition,
    now: Now,
    machine: &mut M,
    position: &mut Offset,
    damage: Damage,
) -> Result<(), LogError>
where
    M: Machine,
    M::Record: LogRecord,
{
    *position = (*position).max(partition.log().log_start_offset());
    while let Some(chunk) = read_chunk(partition, *position).await? {
        replay_chunk(partition, now, machine, position, &chunk, damage)?;
    }
    Ok(())
}

/// Whole batches of a log, as many as are read at once.
pub(super) struct Chunk {
    bytes: Bytes,
    next_offset: Offset,
}

/// Reads the durable batches from `position` on; `None` where there are no more.
pub(super) async fn read_chunk(
    partition: &Partition,
    position: Offset,
) -> Result<Option<Chunk>, LogError> {
    let (from, upper) = (position, partition.high_watermark());
    if from >= upper {
        return Ok(None);
    }
    let request = ReadRequest { from, upper, max_bytes: READ_BYTES, at_least_one_batch: true };
    let read = partition.read(request).wait().await?;
    let bytes = read.to_bytes().map_err(|error| LogError::Unavailable(error.to_string()))?;
    if bytes.is_empty() {
        return Err(corrupt(partition, from, "no batch there"));
    }
    Ok(Some(Chunk { bytes, next_offset: read.next_offset }))
}

/// Replays what was read at `position`, and moves it batch by batch.
pub(super) fn replay_chunk<M>(
    partition: &Partition,
    now: Now,
    machine: &mut M,
    position: &mut Offset,
    chunk: &Chunk,
    damage: Damage,
) -> Result<(), LogError>
where
    M: Machine,
    M::Record: LogRecord,
{
    for batch in Batches::new(&chunk.bytes) {
        let (at, header) = batch.map_err(|error| corrupt(partition, *position, error))?;
        let batch = chunk.bytes.slice(at..at + header.len);
        match replay_batch(partition, now, machine, &header, &batch, *position) {
            Err(error) if damage == Damage::IsFatal => return Err(error),
            Err(error) => {
                warn!(target: "tidegate::log", partition = %partition.id(), %error, "batch skipped");
                machine.skipped();
            }
            Ok(()) => {}
        }
        *position = header.last_offset() + 1;
    }
    *position = chunk.next_offset.max(*position);
    Ok(())
}

fn replay_batch<M>(
    partition: &Partition,
    now: Now,
    machine: &mut M,
    header: &BatchHeader,
    batch: &Bytes,
    from: Offset,
) -> Result<(), LogError>
where
    M: Machine,
    M::Record: LogRecord,
{
    if header.attributes.is_control() {
        return Ok(());
    }
    let damaged = |error: &dyn std::fmt::Display| corrupt(partition, header.base_offset, error);
    let bytes = record_bytes(header, batch).map_err(|error| damaged(&error))?;
    for record in Records::of_bytes(header, &bytes) {
        let record = record.map_err(|error| damaged(&error))?;
        let offset = header.base_offset + i64::from(record.offset_delta);
        if offset < from {
            continue;
        }
        match M::Record::decode(record.key, record.value) {
            Ok(decoded) => {
                let appended_at = header.attributes.is_log_append_time();
                let timestamp = if appended_at { header.max_timestamp } else { record.timestamp };
                machine.replaying(offset, timestamp);
                machine.replay(now, &decoded);
            }
            Err(reason) => {
                let key = record.key.unwrap_or_default();
                let key = String::from_utf8_lossy(&key[..key.len().min(KEY_SHOWN)]);
                warn!(target: "tidegate::log", partition = %partition.id(), offset, %key, reason, "record skipped");
                machine.skipped();
            }
        }
    }
    Ok(())
}

fn corrupt(partition: &Partition, offset: i64, what: impl std::fmt::Display) -> LogError {
    LogError::Corrupt { place: format!("{} offset {offset}: {what}", partition.id()) }
}
