//! Offsets by timestamp (ListOffsets): the engine finds the batch, this finds the record in it.

use crate::compression::record_bytes;
use crate::partition::Partition;
use bytes::Bytes;
use tidegate_log::{BatchQuery, LogError};
use tidegate_model::{BatchHeader, LeaderEpoch, Offset, Records, TimestampMs};
use tracing::warn;

/// A record found by its timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampedOffset {
    /// The record's offset.
    pub offset: Offset,
    /// The record's timestamp.
    pub timestamp: TimestampMs,
    /// The epoch under which it was appended.
    pub leader_epoch: LeaderEpoch,
}

impl Partition {
    /// The first record, in offset order and below `upper`, whose timestamp is at least `at`.
    ///
    /// Timestamps need not rise with offsets, so this is not a binary search.
    pub async fn offset_for_timestamp(
        &self,
        at: TimestampMs,
        upper: Offset,
    ) -> Result<Option<TimestampedOffset>, LogError> {
        self.find(BatchQuery::TimestampAtLeast(at), upper).await
    }

    /// The first record below `upper` that has the largest timestamp (KIP-734).
    pub async fn offset_of_max_timestamp(
        &self,
        upper: Offset,
    ) -> Result<Option<TimestampedOffset>, LogError> {
        self.find(BatchQuery::MaxTimestamp, upper).await
    }

    async fn find(
        &self,
        query: BatchQuery,
        upper: Offset,
    ) -> Result<Option<TimestampedOffset>, LogError> {
        let Some(batch) = self.log().find_batch(query, upper).wait().await? else {
            return Ok(None);
        };
        let header = BatchHeader::parse(&batch)
            .map_err(|error| LogError::Corrupt { place: error.to_string() })?;
        let at = match query {
            BatchQuery::TimestampAtLeast(at) => at,
            BatchQuery::MaxTimestamp => header.max_timestamp,
        };
        Ok(Some(record_in(&header, &batch, self.log().log_start_offset(), at)))
    }
}

/// The first record of a batch, at or above offset `from`, whose timestamp is at least `at`.
///
/// A batch whose records cannot be unpacked was stored as its producer sent it; then its first
/// offset and largest timestamp are the best answer there is.
fn record_in(
    header: &BatchHeader,
    batch: &Bytes,
    from: Offset,
    at: TimestampMs,
) -> TimestampedOffset {
    let answer = |offset: Offset, timestamp| TimestampedOffset {
        offset,
        timestamp,
        leader_epoch: header.leader_epoch,
    };
    if header.attributes.is_log_append_time() {
        return answer(header.base_offset.max(from), header.max_timestamp);
    }
    let bytes = match record_bytes(header, batch) {
        Ok(bytes) => bytes,
        Err(error) => {
            warn!(offset = header.base_offset, %error, "records of a batch cannot be unpacked");
            return answer(header.base_offset.max(from), header.max_timestamp);
        }
    };
    Records::of_bytes(header, &bytes)
        .map_while(Result::ok)
        .map(|record| (header.base_offset + i64::from(record.offset_delta), record.timestamp))
        .find(|(offset, timestamp)| *offset >= from && *timestamp >= at)
        .map_or_else(
            || answer(header.base_offset.max(from), header.max_timestamp),
            |(offset, timestamp)| answer(offset, timestamp),
        )
}
