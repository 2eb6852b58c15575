//! What a produced batch must be before it may be appended.
//!
//! Checked are header, CRC, size, and the records as far as [`crate::validate`] says.

use crate::compression::record_bytes;
use crate::config::TopicSettings;
use crate::heavy::heavy;
use crate::partition::{Appended, Partition};
use crate::recompress::recompressed;
use crate::topics::Topic;
use crate::validate::{RecordRules, Validation, check_records, header_suffices, malformed};
use bytes::Bytes;
use tidegate_model::{
    BATCH_HEADER_LEN, BatchError, BatchHeader, Compression, ErrorCode, NO_PRODUCER_ID, Offset,
    TimestampMs, batch_crc_matches, set_create_time,
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
    /// The partition's first offset, or -1 where Kafka does not tell it.
    pub log_start_offset: Offset,
}

impl ProduceRefusal {
    /// A refusal of the whole batch.
    pub fn new(error: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        ProduceRefusal { error, message, records: Vec::new(), log_start_offset: -1 }
    }

    /// The refusal by a partition that has looked into the batch. Kafka tells where its log starts
    /// then, but for failures that it takes for ordinary (`ReplicaManager.appendRecordsToLeader`).
    fn by(self, partition: &Partition) -> Self {
        match self.error {
            ErrorCode::MessageTooLarge
            | ErrorCode::RecordListTooLarge
            | ErrorCode::CorruptMessage
            | ErrorCode::KafkaStorageError
            | ErrorCode::NotLeaderOrFollower => self,
            _ => ProduceRefusal { log_start_offset: partition.log().log_start_offset(), ..self },
        }
    }
}

/// What a produce is held against, beyond its topic's settings.
#[derive(Debug, Clone, Copy)]
pub struct ProduceRules {
    /// Whether the request's version knows zstd.
    pub zstd_allowed: bool,
    /// Which records are looked at.
    pub validation: Validation,
    /// The time of the append.
    pub now: TimestampMs,
}

/// Checks a client's batch and appends it.
///
/// MESSAGE_TOO_LARGE, CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP or
/// UNSUPPORTED_COMPRESSION_TYPE for a bad batch; the producer's sequence errors and
/// KAFKA_STORAGE_ERROR as [`Partition::append`] says.
pub fn produce(
    topic: &Topic,
    partition: &Partition,
    batch: &mut [u8],
    rules: ProduceRules,
) -> Result<Appended, ProduceRefusal> {
    let header = the_batch(batch, rules.zstd_allowed)?;
    append(topic, partition, header, batch, rules).map_err(|refusal| refusal.by(partition))
}

fn append(
    topic: &Topic,
    partition: &Partition,
    mut header: BatchHeader,
    batch: &mut [u8],
    rules: ProduceRules,
) -> Result<Appended, ProduceRefusal> {
    let ProduceRules { validation, now, .. } = rules;
    check_batch(&topic.settings, &header, batch)?;
    let rules = RecordRules {
        topic: &topic.name,
        partition: partition.id().partition,
        settings: &topic.settings,
        now,
        validation,
    };
    let mut rewritten;
    let batch = match topic.settings.compression_type {
        Some(codec) if header.attributes.compression() != Some(codec) => {
            rewritten = heavy(|| rewrite(&rules, codec, &header, batch))?;
            header = parse(&rewritten)?;
            &mut rewritten[..]
        }
        _ => {
            check_in_place(&rules, &mut header, batch)?;
            batch
        }
    };
    if batch.len() > topic.settings.segment_bytes as usize {
        let message = "record batch is larger than segment.bytes";
        return Err(ProduceRefusal::new(ErrorCode::RecordListTooLarge, message));
    }
    let log_append_time = topic.settings.log_append_time.then_some(now);
    partition
        .append(header, batch, now, log_append_time)
        .map_err(|error| ProduceRefusal::new(error, sequence_message(error, &header)))
}

/// Checks the records of a batch that stays as it is, and puts its header right where that says
/// something else about their timestamps.
fn check_in_place(
    rules: &RecordRules<'_>,
    header: &mut BatchHeader,
    batch: &mut [u8],
) -> Result<(), ProduceRefusal> {
    let max_timestamp = if header.attributes.compression() == Some(Compression::None) {
        check_records(rules, header, &batch[BATCH_HEADER_LEN..])?
    } else if header_suffices(rules, header) {
        return Ok(());
    } else {
        heavy(|| check_records(rules, header, &unpacked(header, batch)?))?
    };
    let told = (header.attributes.is_log_append_time(), header.max_timestamp);
    if !rules.settings.log_append_time && told != (false, max_timestamp) {
        set_create_time(batch, max_timestamp);
        *header = parse(batch)?;
    }
    Ok(())
}

/// Checks the records of a batch and writes it anew with `codec`; the result must be as small as
/// the original, which was checked.
fn rewrite(
    rules: &RecordRules<'_>,
    codec: Compression,
    header: &BatchHeader,
    batch: &[u8],
) -> Result<Vec<u8>, ProduceRefusal> {
    let records = unpacked(header, batch)?;
    let max_timestamp = check_records(rules, header, &records)?;
    let rewritten = recompressed(rules.settings, codec, header, &records, max_timestamp)
        .map_err(|error| ProduceRefusal::new(ErrorCode::UnknownServerError, error.to_string()))?;
    check_size(rules.settings, rewritten.len())?;
    Ok(rewritten)
}

fn unpacked(header: &BatchHeader, batch: &[u8]) -> Result<Bytes, ProduceRefusal> {
    record_bytes(header, &Bytes::copy_from_slice(batch)).map_err(malformed)
}

fn check_size(settings: &TopicSettings, len: usize) -> Result<(), ProduceRefusal> {
    if len <= settings.max_message_bytes as usize {
        return Ok(());
    }
    let max = settings.max_message_bytes;
    let message = format!("record batch has {len} bytes, max.message.bytes is {max}");
    Err(ProduceRefusal::new(ErrorCode::MessageTooLarge, message))
}

/// Reads the header; the codes are those that Kafka has for each way in which bytes are no batch.
fn parse(batch: &[u8]) -> Result<BatchHeader, ProduceRefusal> {
    BatchHeader::parse(batch).map_err(|error| {
        let code = match error {
            BatchError::WrongCrc | BatchError::WrongLength(_) => ErrorCode::CorruptMessage,
            BatchError::UnsupportedMagic(magic) if !(0..2).contains(&magic) => {
                ErrorCode::CorruptMessage
            }
            BatchError::UnsupportedMagic(_)
            | BatchError::Truncated { .. }
            | BatchError::Invalid(_) => ErrorCode::InvalidRecord,
        };
        ProduceRefusal::new(code, error.to_string())
    })
}

/// The one batch that a request must have for a partition.
fn the_batch(batch: &[u8], zstd_allowed: bool) -> Result<BatchHeader, ProduceRefusal> {
    let refuse = |error, message: &str| Err(ProduceRefusal::new(error, message));
    if batch.is_empty() {
        return refuse(ErrorCode::InvalidRecord, "a produce request needs a record batch");
    }
    let header = parse(batch)?;
    if header.len != batch.len() {
        return refuse(
            ErrorCode::InvalidRecord,
            "a produce request takes exactly one record batch per partition",
        );
    }
    match header.attributes.compression() {
        // Not CORRUPT_MESSAGE, which producers repeat in vain.
        None => refuse(ErrorCode::InvalidRecord, "unknown compression codec"),
        Some(Compression::Zstd) if !zstd_allowed => {
            let message = "zstd needs Produce version 7 or later";
            refuse(ErrorCode::UnsupportedCompressionType, message)
        }
        Some(_) => Ok(header),
    }
}

fn check_batch(
    settings: &TopicSettings,
    header: &BatchHeader,
    batch: &[u8],
) -> Result<(), ProduceRefusal> {
    let refuse = |error, message: &str| Err(ProduceRefusal::new(error, message));
    let attributes = header.attributes;
    if header.base_offset != 0 {
        return refuse(ErrorCode::InvalidRecord, "the base offset of a produced batch must be 0");
    }
    check_size(settings, batch.len())?;
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
    Ok(())
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
        ErrorCode::MessageTooLarge => "the batch is larger than the store can take".to_owned(),
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
        let checked = the_batch(batch, true).and_then(|header| check_batch(rules, &header, batch));
        checked.map_or_else(|refusal| refusal.error, |()| ErrorCode::None)
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
}
