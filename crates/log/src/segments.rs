//! How a log is divided: into segments, of which retention drops whole ones.

use std::time::{SystemTime, UNIX_EPOCH};
use tidegate_model::{Offset, TimestampMs};

/// When a log begins a new segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentLimits {
    /// Bytes that a segment holds at most, unless its first batch alone is larger: Kafka's
    /// `segment.bytes`.
    pub bytes: u64,
    /// Milliseconds from the first batch's timestamp to that of the last: Kafka's `segment.ms`.
    pub span_ms: i64,
}

/// What a segment that takes batches holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentFill {
    /// Bytes.
    pub bytes: u64,
    /// Largest timestamp of its first batch, negative if that has none.
    pub first_timestamp: TimestampMs,
    /// When it was begun, on the system's clock.
    pub begun_at: TimestampMs,
}

/// A segment as retention sees it. The last one of a log still takes batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentSummary {
    /// Offset of its first record, which may lie below the log start.
    pub base_offset: Offset,
    /// Offset after its last durable record.
    pub end_offset: Offset,
    /// Bytes.
    pub bytes: u64,
    /// Largest timestamp; where no record has one, the time of the last write.
    pub max_timestamp: TimestampMs,
}

impl SegmentLimits {
    /// Limits that are never reached.
    pub const NONE: SegmentLimits = SegmentLimits { bytes: u64::MAX, span_ms: i64::MAX };

    /// True if a batch begins a new segment rather than go into the one that holds `fill`
    /// (`LogSegment.shouldRoll`).
    pub fn end_before(
        &self,
        fill: &SegmentFill,
        batch_bytes: u64,
        max_timestamp: TimestampMs,
        now: TimestampMs,
    ) -> bool {
        if fill.bytes == 0 {
            return false;
        }
        let age_ms = match fill.first_timestamp >= 0 {
            true => max_timestamp.saturating_sub(fill.first_timestamp),
            false => now.saturating_sub(fill.begun_at),
        };
        fill.bytes.saturating_add(batch_bytes) > self.bytes || age_ms > self.span_ms
    }
}

/// The time on the system's clock, for segments whose records tell none.
pub fn wall_clock_ms() -> TimestampMs {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_ends_before_the_batch_that_would_pass_a_limit() {
        let limits = SegmentLimits { bytes: 100, span_ms: 10 };
        let fill = SegmentFill { bytes: 60, first_timestamp: 500, begun_at: 0 };
        let ends =
            |fill: SegmentFill, bytes, timestamp| limits.end_before(&fill, bytes, timestamp, 1_000);
        assert!(!ends(fill, 40, 510) && ends(fill, 41, 510) && ends(fill, 40, 511));
        assert!(!ends(fill, 40, i64::MIN) && !ends(fill, 40, -1), "time runs back");
        assert!(!ends(SegmentFill { bytes: 0, ..fill }, 1_000, 9_999), "none stays empty");
        let timeless = SegmentFill { first_timestamp: -1, ..fill };
        assert!(ends(timeless, 1, -1), "begun a second ago");
        assert!(!ends(SegmentFill { begun_at: 995, ..timeless }, 1, 9_999));
    }

    #[test]
    fn without_limits_a_segment_never_ends() {
        let fill = SegmentFill { bytes: u64::MAX, first_timestamp: 0, begun_at: 0 };
        assert!(!SegmentLimits::NONE.end_before(&fill, 1, i64::MAX, i64::MAX));
    }
}
