//! What leaves logs at their beginning: on request (DeleteRecords).

use crate::broker::Broker;
use crate::partition::Partition;
use std::sync::Arc;
use tidegate_log::{BoxFuture, LogError};
use tidegate_model::{ErrorCode, Offset};
use tracing::{info, warn};

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

fn refused(partition: &Arc<Partition>, error: &LogError) -> ErrorCode {
    if partition.is_deleted() {
        return ErrorCode::UnknownTopicOrPartition;
    }
    match error {
        LogError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        LogError::Fenced { .. } => ErrorCode::NotLeaderOrFollower,
        LogError::Corrupt { .. } | LogError::Full(_) | LogError::Unavailable(_) => {
            warn!(partition = %partition.id(), %error, "log start cannot be raised");
            ErrorCode::KafkaStorageError
        }
    }
}
