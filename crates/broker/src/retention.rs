//! What leaves logs at their beginning: on request (DeleteRecords), and by age and size (retention).
//!
//! One task looks at all partitions at an interval; an idle partition costs a look at its segments, and
//! no timer.

use crate::broker::Broker;
use crate::config::TopicSettings;
use crate::partition::Partition;
use crate::topics::Topic;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tidegate_log::{BoxFuture, LogError, SegmentSummary};
use tidegate_model::{ErrorCode, Offset, TimestampMs};
use tracing::{info, warn};

/// The first round comes this long after the start, as in Kafka, or after one interval if that is less.
const FIRST_ROUND_MAX: Duration = Duration::from_secs(30);

/// Trims that are begun before the first of them is awaited: they share writes to the disk.
const TRIMS_AT_ONCE: usize = 256;

/// Partitions looked at before others may use the thread: some tens of microseconds.
const LOOKS_AT_ONCE: usize = 128;

/// Stands for the high watermark in a DeleteRecords request.
const HIGH_WATERMARK: Offset = -1;

impl Broker {
    /// Drops the records of a partition below `before`, which may be -1 for all there are, and
    /// tells the log start once it is durable. The decision is made at once.
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION for the coordinators' own topics,
    /// POLICY_VIOLATION where `cleanup.policy` is only `compact`, OFFSET_OUT_OF_RANGE above the high
    /// watermark (`Partition.deleteRecordsOnLeader`). An offset below the log start changes nothing.
    pub fn delete_records(
        &self,
        topic: &str,
        index: i32,
        before: Offset,
    ) -> BoxFuture<Result<Offset, ErrorCode>> {
        match self.begin_delete_records(topic, index, before) {
            Ok(deletion) => deletion,
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn begin_delete_records(
        &self,
        topic: &str,
        index: i32,
        before: Offset,
    ) -> Result<BoxFuture<Result<Offset, ErrorCode>>, ErrorCode> {
        let topic = self.topics().by_name(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let partition = topic.partition(index).ok_or(ErrorCode::UnknownTopicOrPartition)?.clone();
        if topic.internal {
            return Err(ErrorCode::InvalidTopic);
        }
        if topic.settings.compact && !topic.settings.delete {
            return Err(ErrorCode::PolicyViolation);
        }
        let high_watermark = partition.high_watermark();
        let before = if before == HIGH_WATERMARK { high_watermark } else { before };
        if !(0..=high_watermark).contains(&before) {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let previous = partition.log().log_start_offset();
        let trimmed = partition.trim(before);
        Ok(Box::pin(async move {
            trimmed.await.map_err(|error| refused(&partition, &error))?;
            let log_start_offset = partition.log().log_start_offset();
            if log_start_offset > previous {
                info!(
                    target: "tidegate::log",
                    topic = &*topic.name,
                    partition = index,
                    log_start_offset,
                    "records deleted on request"
                );
            }
            Ok(log_start_offset)
        }))
    }
}

/// Applies retention at `log.retention.check.interval.ms` until the broker is gone.
pub async fn run(broker: Weak<Broker>) {
    let mut pause = FIRST_ROUND_MAX;
    loop {
        let Some(interval) = broker.upgrade().map(|broker| check_interval(&broker)) else { return };
        tokio::time::sleep(pause.min(interval)).await;
        pause = interval;
        let Some(broker) = broker.upgrade() else { return };
        broker.apply_retention().await;
    }
}

fn check_interval(broker: &Broker) -> Duration {
    let interval_ms = broker.settings().log_retention_check_interval_ms();
    Duration::from_millis(u64::try_from(interval_ms).unwrap_or(1))
}

/// The segments at the beginning of a log that are not to be kept.
#[derive(Debug, PartialEq, Eq)]
struct Expired {
    new_start: Offset,
    segments: usize,
    bytes: u64,
    reason: &'static str,
}

impl Broker {
    /// Drops the segments that are past `retention.ms` or `retention.bytes`, of topics whose
    /// `cleanup.policy` has `delete`. What a topic's settings are is looked up anew each time.
    pub async fn apply_retention(&self) {
        let mut trims = Vec::new();
        let mut looked_at = 0;
        for topic in self.topics().all() {
            if topic.internal || !topic.settings.delete {
                continue;
            }
            for index in 0..topic.partitions.len() {
                trims.extend(self.begin_retention(&topic, index));
                if trims.len() == TRIMS_AT_ONCE {
                    finish(&mut trims).await;
                }
                looked_at += 1;
                if looked_at % LOOKS_AT_ONCE == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }
        finish(&mut trims).await;
    }

    /// Begins to drop what one partition should not keep, if there is anything.
    fn begin_retention(&self, topic: &Arc<Topic>, index: usize) -> Option<BoxFuture<()>> {
        let partition = topic.partitions[index].clone();
        let high_watermark = partition.high_watermark();
        let segments = partition.log().segments();
        let now = self.clock().wall_ms();
        if let Some(ahead) = segments.first().filter(|segment| segment.max_timestamp > now)
            && topic.settings.retention_ms >= 0
        {
            let ahead_ms = ahead.max_timestamp - now;
            warn!(
                target: "tidegate::log",
                topic = &*topic.name,
                partition = index,
                ahead_ms,
                "records from the future stay"
            );
        }
        let expired = expired(&topic.settings, &segments, high_watermark, now)?;
        let trimmed = partition.trim(expired.new_start);
        let topic = topic.clone();
        Some(Box::pin(async move {
            let Expired { new_start: log_start_offset, segments, bytes, reason } = expired;
            let topic = &*topic.name;
            match trimmed.await {
                Ok(()) => info!(
                    target: "tidegate::log",
                    topic,
                    partition = index,
                    log_start_offset,
                    segments,
                    bytes,
                    reason,
                    "segments deleted"
                ),
                Err(_) if partition.is_deleted() => {}
                Err(error) => {
                    warn!(target: "tidegate::log", topic, partition = index, %error, "segments cannot be deleted");
                }
            }
        }))
    }
}

async fn finish(trims: &mut Vec<BoxFuture<()>>) {
    for trim in trims.drain(..) {
        trim.await;
    }
}

/// What is past its retention: first by size, then by age, from the oldest segment on and never above
/// the high watermark (`UnifiedLog.deleteOldSegments`). The segment that takes appends goes as well if
/// all of it is due; then the log is empty.
fn expired(
    settings: &TopicSettings,
    segments: &[SegmentSummary],
    high_watermark: Offset,
    now: TimestampMs,
) -> Option<Expired> {
    let durable = segments.iter().take_while(|segment| segment.end_offset <= high_watermark);
    let size: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let excess = u64::try_from(settings.retention_bytes).map(|limit| size.saturating_sub(limit));
    let mut excess = excess.ok().filter(|_| size as i64 >= settings.retention_bytes);
    let by_size = durable
        .clone()
        .take_while(|segment| {
            excess = excess.and_then(|excess| excess.checked_sub(segment.bytes));
            excess.is_some()
        })
        .count();
    let is_old = |segment: &SegmentSummary| {
        let age_ms = now.saturating_sub(segment.max_timestamp);
        settings.retention_ms >= 0 && age_ms > settings.retention_ms
    };
    let by_age = durable.skip(by_size).take_while(|segment| is_old(segment)).count();
    let gone = &segments[..by_size + by_age];
    Some(Expired {
        new_start: gone.last()?.end_offset,
        segments: gone.len(),
        bytes: gone.iter().map(|segment| segment.bytes).sum(),
        reason: match (by_size, by_age) {
            (_, 0) => "retention.bytes",
            (0, _) => "retention.ms",
            _ => "retention.bytes, retention.ms",
        },
    })
}

fn refused(partition: &Arc<Partition>, error: &LogError) -> ErrorCode {
    if partition.is_deleted() {
        return ErrorCode::UnknownTopicOrPartition;
    }
    match error {
        LogError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        LogError::Fenced { .. } => ErrorCode::NotLeaderOrFollower,
        LogError::Corrupt { .. }
        | LogError::TooLarge { .. }
        | LogError::Full(_)
        | LogError::Unavailable(_) => {
            warn!(target: "tidegate::log", partition = %partition.id(), %error, "log start cannot be raised");
            ErrorCode::KafkaStorageError
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KafkaSettings;
    use std::collections::BTreeMap;

    const NOW: TimestampMs = 1_000_000;

    /// Segments of ten records each: bytes and age.
    fn log(segments: &[(u64, i64)]) -> Vec<SegmentSummary> {
        let summary = |(n, (bytes, age_ms)): (usize, &(u64, i64))| SegmentSummary {
            base_offset: n as i64 * 10,
            end_offset: n as i64 * 10 + 10,
            bytes: *bytes,
            max_timestamp: NOW - age_ms,
        };
        segments.iter().enumerate().map(summary).collect()
    }

    /// The new log start and the reason.
    fn decide(
        retention_ms: i64,
        retention_bytes: i64,
        segments: &[(u64, i64)],
    ) -> Option<(Offset, &'static str)> {
        decide_below(Offset::MAX, retention_ms, retention_bytes, segments)
    }

    fn decide_below(
        high_watermark: Offset,
        retention_ms: i64,
        retention_bytes: i64,
        segments: &[(u64, i64)],
    ) -> Option<(Offset, &'static str)> {
        let plain = TopicSettings::of(&BTreeMap::new(), &KafkaSettings::default());
        let settings = TopicSettings { retention_ms, retention_bytes, ..plain };
        let expired = expired(&settings, &log(segments), high_watermark, NOW)?;
        assert_eq!(expired.segments as i64 * 10, expired.new_start);
        Some((expired.new_start, expired.reason))
    }

    #[test]
    fn without_limits_everything_is_kept() {
        assert_eq!(decide(-1, -1, &[(100, 999_999), (100, 0)]), None);
        assert_eq!(decide(0, 0, &[]), None);
    }

    #[test]
    fn segments_older_than_retention_ms_go_from_the_oldest_on() {
        let by_age = |start| Some((start, "retention.ms"));
        assert_eq!(decide(50, -1, &[(1, 51), (1, 50), (1, 99)]), by_age(10));
        assert_eq!(decide(50, -1, &[(1, 50), (1, 99)]), None, "the first one stops it");
        assert_eq!(decide(50, -1, &[(1, 60), (1, 55), (1, 0)]), by_age(20));
        assert_eq!(decide(0, -1, &[(1, 1), (1, 0)]), by_age(10), "of this very millisecond");
    }

    #[test]
    fn the_last_segment_goes_too_if_all_of_it_is_old() {
        assert_eq!(decide(50, -1, &[(1, 60), (1, 51)]), Some((20, "retention.ms")));
    }

    #[test]
    fn records_from_the_future_keep_their_segment_and_all_behind_it() {
        assert_eq!(decide(50, -1, &[(1, -5), (1, 99)]), None);
        assert_eq!(
            decide(50, -1, &[(1, 99), (1, NOW - i64::MAX), (1, 99)]).map(|it| it.0),
            Some(10)
        );
    }

    #[test]
    fn whole_segments_go_while_what_is_left_is_not_below_retention_bytes() {
        let by_size = |start| Some((start, "retention.bytes"));
        let three = [(100, 0), (100, 0), (30, 0)];
        assert_eq!(decide(-1, 230, &three), None);
        assert_eq!(decide(-1, 131, &three), None, "129 would be left, too little");
        assert_eq!(decide(-1, 130, &three), by_size(10));
        assert_eq!(decide(-1, 31, &three), by_size(10));
        assert_eq!(decide(-1, 30, &three), by_size(20));
        assert_eq!(decide(-1, 1, &three), by_size(20));
        assert_eq!(decide(-1, 0, &three), by_size(30));
    }

    #[test]
    fn size_comes_first_and_age_goes_on_from_there() {
        let log = [(100, 0), (100, 99), (100, 0)];
        assert_eq!(decide(50, 200, &log), Some((20, "retention.bytes, retention.ms")));
        assert_eq!(decide(50, 300, &log), None, "the first one is young");
    }

    #[test]
    fn nothing_at_or_above_the_high_watermark_goes() {
        let old = [(1, 99), (1, 99), (1, 99)];
        assert_eq!(decide_below(29, 50, -1, &old), Some((20, "retention.ms")));
        assert_eq!(decide_below(9, 50, 0, &old), None);
    }
}
