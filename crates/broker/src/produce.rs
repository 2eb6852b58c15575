//! What a produced batch must be before it may be appended.
//!
//! Checked are header, CRC and size: the bytes are hashed once and records are not decoded, except
//! for compacted topics, whose records need keys.

use crate::compression::record_bytes;
use crate::config::TopicSettings;
use crate::partition::{Appended, Partition};
use crate::topics::Topic;
use bytes::Bytes;
use tidegate_model::{
    BatchError, BatchHeader, ErrorCode, NO_PRODUCER_ID, Records, TimestampMs, batch_crc_matches,
};

/// One record that was refused, by its index in the batch (KIP-467).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRefusal {
    /// Index in the batch.
    pub batch_index: i32,
    /// What is wrong with it.
    pub message: String,
}

/// Why a partition's part of a Produce was refused; nothing of it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProduceRefusal {
    /// The code for the producer.
    pub error: ErrorCode,
    /// What is wrong, for people.
    pub message: String,
    /// The records at fault, where single ones are.
    pub records: Vec<RecordRefusal>,
}

impl ProduceRefusal {
    /// A refusal of the whole batch.
    pub fn new(error: ErrorCode, message: impl Into<String>) -> Self {
        ProduceRefusal { error, message: message.into(), records: Vec::new() }
    }
}

/// Checks a client's batch and appends it.
///
/// MESSAGE_TOO_LARGE, CORRUPT_MESSAGE, INVALID_RECORD, UNSUPPORTED_COMPRESSION_TYPE for a bad
/// batch; the producer's sequence errors and KAFKA_STORAGE_ERROR as [`Partition::append`] says.
pub fn produce(
    topic: &Topic,
    partition: &Partition,
    batch: &mut [u8],
    zstd_allowed: bool,
    now: TimestampMs,
) -> Result<Appended, ProduceRefusal> {
    let header = check_batch(&topic.settings, batch, zstd_allowed)?;
    let log_append_time = topic.settings.log_append_time.then_some(now);
    partition
        .append(header, batch, now, log_append_time)
        .map_err(|error| ProduceRefusal::new(error, sequence_message(error, &header)))
}

fn check_batch(
    settings: &TopicSettings,
    batch: &[u8],
    zstd_allowed: bool,
) -> Result<BatchHeader, ProduceRefusal> {
    let refuse = |error, message: &str| Err(ProduceRefusal::new(error, message));
    if batch.is_empty() {
        return refuse(ErrorCode::InvalidRecord, "a produce request needs a record batch");
    }
    let header = BatchHeader::parse(batch).map_err(|error| {
        let code = match error {
            BatchError::UnsupportedMagic(_) => ErrorCode::InvalidRecord,
            BatchError::Truncated { .. } | BatchError::WrongCrc | BatchError::Invalid(_) => {
                ErrorCode::CorruptMessage
            }
        };
        ProduceRefusal::new(code, error.to_string())
    })?;
    if header.len != batch.len() {
        return refuse(
            ErrorCode::InvalidRecord,
            "a produce request takes exactly one record batch per partition",
        );
    }
    let attributes = header.attributes;
    match attributes.compression() {
        None => return refuse(ErrorCode::CorruptMessage, "unknown compression codec"),
        Some(tidegate_model::Compression::Zstd) if !zstd_allowed => {
            let message = "zstd needs Produce version 7 or later";
            return refuse(ErrorCode::UnsupportedCompressionType, message);
        }
        Some(_) => {}
    }
    if batch.len() > settings.max_message_bytes as usize {
        let message = format!(
            "record batch has {} bytes, max.message.bytes is {}",
            batch.len(),
            settings.max_message_bytes
        );
        return Err(ProduceRefusal::new(ErrorCode::MessageTooLarge, message));
    }
    if !batch_crc_matches(batch) {
        return refuse(ErrorCode::CorruptMessage, "record batch has a wrong CRC");
    }
    if attributes.is_control() {
        return refuse(ErrorCode::InvalidRecord, "clients must not write control batches");
    }
    if header.record_count == 0 || header.record_count - 1 != header.last_offset_delta {
        return refuse(ErrorCode::InvalidRecord, "record count and last offset delta disagree");
    }
    if header.producer_id != NO_PRODUCER_ID
        && (header.base_sequence < 0 || header.producer_epoch < 0 || header.producer_id < 0)
    {
        return refuse(ErrorCode::InvalidRecord, "idempotent batch without epoch or sequence");
    }
    if attributes.is_transactional() {
        return refuse(ErrorCode::InvalidTxnState, "transactions are not available");
    }
    if settings.compact {
        check_keys(&header, batch)?;
    }
    Ok(header)
}

/// Refuses records without a key: compaction could not tell what they replace.
fn check_keys(header: &BatchHeader, batch: &[u8]) -> Result<(), ProduceRefusal> {
    let corrupt = |what: &dyn std::fmt::Display| {
        ProduceRefusal::new(ErrorCode::CorruptMessage, format!("records cannot be read: {what}"))
    };
    let bytes = record_bytes(header, &Bytes::copy_from_slice(batch)).map_err(|e| corrupt(&e))?;
    let mut refused = Vec::new();
    for (index, record) in Records::of_bytes(header, &bytes).enumerate() {
        if record.map_err(|error| corrupt(&error))?.key.is_none() {
            let message = "a compacted topic takes no record without a key".to_owned();
            refused.push(RecordRefusal { batch_index: index as i32, message });
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(ProduceRefusal {
        error: ErrorCode::InvalidRecord,
        message: "one or more records were refused".to_owned(),
        records: refused,
    })
}

fn sequence_message(error: ErrorCode, header: &BatchHeader) -> String {
    match error {
        ErrorCode::OutOfOrderSequenceNumber
        | ErrorCode::DuplicateSequenceNumber
        | ErrorCode::InvalidProducerEpoch
        | ErrorCode::UnknownProducerId => format!(
            "producer {} epoch {} sequence {} does not follow what was appended before",
            header.producer_id, header.producer_epoch, header.base_sequence
        ),
        ErrorCode::KafkaStorageError => "the store takes no appends now".to_owned(),
        other => other.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KafkaSettings;
    use std::collections::BTreeMap;
    use tidegate_model::{BatchBuilder, Record};

    fn rules() -> TopicSettings {
        TopicSettings::of(&BTreeMap::new(), &KafkaSettings::default())
    }

    fn batch(keys: &[Option<&[u8]>]) -> Vec<u8> {
        let mut builder = BatchBuilder::new();
        for key in keys {
            builder.push(&Record::new(0, *key, Some(b"v")));
        }
        builder.finish().unwrap().to_vec()
    }

    fn code(rules: &TopicSettings, batch: &[u8]) -> ErrorCode {
        check_batch(rules, batch, true).map_or_else(|refusal| refusal.error, |_| ErrorCode::None)
    }

    #[test]
    fn a_wrong_crc_is_a_corrupt_message() {
        let mut bytes = batch(&[None]);
        assert_eq!(code(&rules(), &bytes), ErrorCode::None);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(code(&rules(), &bytes), ErrorCode::CorruptMessage);
    }

    #[test]
    fn two_batches_old_formats_and_emptiness_are_invalid_records() {
        let one = batch(&[None]);
        assert_eq!(code(&rules(), &[&one[..], &one[..]].concat()), ErrorCode::InvalidRecord);
        assert_eq!(code(&rules(), &[]), ErrorCode::InvalidRecord);
        let mut old = one.clone();
        old[16] = 1;
        assert_eq!(code(&rules(), &old), ErrorCode::InvalidRecord);
    }

    #[test]
    fn a_batch_over_max_message_bytes_is_too_large() {
        let small = TopicSettings { max_message_bytes: 60, ..rules() };
        assert_eq!(code(&small, &batch(&[None])), ErrorCode::MessageTooLarge);
    }

    #[test]
    fn null_keys_on_a_compacted_topic_are_named_by_index() {
        let compacted = TopicSettings { compact: true, ..rules() };
        let refusal =
            check_batch(&compacted, &batch(&[Some(b"k"), None, Some(b"")]), true).unwrap_err();
        assert_eq!(refusal.error, ErrorCode::InvalidRecord);
        assert_eq!(refusal.records.len(), 1);
        assert_eq!(refusal.records[0].batch_index, 1);
    }
}
