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
        loop {
            let start = self.log().log_start_offset();
            let found = self.find_from(query, start, upper).await?;
            // The log start may have passed the record while it was looked for.
            let gone = |found: &TimestampedOffset| found.offset < self.log().log_start_offset();
            if !found.as_ref().is_some_and(gone) {
                return Ok(found);
            }
        }
    }

    /// Looks among the records in `start..upper`.
    async fn find_from(
        &self,
        query: BatchQuery,
        start: Offset,
        upper: Offset,
    ) -> Result<Option<TimestampedOffset>, LogError> {
        let Some((header, batch)) = self.batch(query, start, upper).await? else {
            return Ok(None);
        };
        if header.base_offset >= start {
            return Ok(Some(record_of(&header, &batch, query)));
        }
        // Only a part of the batch is still there, and what made it the answer may be in the rest.
        let here = record_among(&times(&header, &batch, start), &header, query);
        if here.is_some() && matches!(query, BatchQuery::TimestampAtLeast(_)) {
            return Ok(here);
        }
        let later = self.batch(query, header.next_offset(), upper).await?;
        let later = later.map(|(header, batch)| record_of(&header, &batch, query));
        Ok(match (here, later) {
            (Some(here), Some(later)) if later.timestamp > here.timestamp => Some(later),
            (here, later) => here.or(later),
        })
    }

    async fn batch(
        &self,
        query: BatchQuery,
        from: Offset,
        upper: Offset,
    ) -> Result<Option<(BatchHeader, Bytes)>, LogError> {
        let Some(batch) = self.log().find_batch(query, from, upper).wait().await? else {
            return Ok(None);
        };
        let header = BatchHeader::parse(&batch)
            .map_err(|error| LogError::Corrupt { place: error.to_string() })?;
        Ok(Some((header, batch)))
    }
}

/// What `query` asks for in a batch that is there as a whole.
///
/// A batch whose records do not bear out its header was stored as its producer sent it; then its
/// first offset and largest timestamp are the best answer there is.
fn record_of(header: &BatchHeader, batch: &Bytes, query: BatchQuery) -> TimestampedOffset {
    let times = times(header, batch, header.base_offset);
    record_among(&times, header, query).unwrap_or(TimestampedOffset {
        offset: header.base_offset,
        timestamp: header.max_timestamp,
        leader_epoch: header.leader_epoch,
    })
}

fn record_among(
    times: &[(Offset, TimestampMs)],
    header: &BatchHeader,
    query: BatchQuery,
) -> Option<TimestampedOffset> {
    let at = match query {
        BatchQuery::TimestampAtLeast(at) => at,
        BatchQuery::MaxTimestamp => times.iter().map(|(_, timestamp)| *timestamp).max()?,
    };
    let (offset, timestamp) = *times.iter().find(|(_, timestamp)| *timestamp >= at)?;
    Some(TimestampedOffset { offset, timestamp, leader_epoch: header.leader_epoch })
}

/// Offsets and timestamps of the records at or above `from`.
///
/// The header stands for all of them where the gateway stamped them, and where they cannot be
/// unpacked.
fn times(header: &BatchHeader, batch: &Bytes, from: Offset) -> Vec<(Offset, TimestampMs)> {
    let all = vec![(header.base_offset.max(from), header.max_timestamp)];
    if header.attributes.is_log_append_time() {
        return all;
    }
    let bytes = match record_bytes(header, batch) {
        Ok(bytes) => bytes,
        Err(error) => {
            warn!(target: "tidegate::log", offset = header.base_offset, %error, "records of a batch cannot be unpacked");
            return all;
        }
    };
    Records::of_bytes(header, &bytes)
        .map_while(Result::ok)
        .map(|record| (header.base_offset + i64::from(record.offset_delta), record.timestamp))
        .filter(|(offset, _)| *offset >= from)
        .collect()
}
