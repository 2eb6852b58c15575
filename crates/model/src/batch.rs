//! A view over RecordBatch v2 (KIP-98), the only format Kafka 4 writes.
//!
//! ```text
//! byte  0        8         12           16    17    21         23              27
//!       baseOffset batchLength leaderEpoch magic crc32c attributes lastOffsetDelta baseTimestamp
//! byte 35           43         51            53           57          61
//!      maxTimestamp producerId producerEpoch baseSequence recordCount records...
//! ```
//!
//! `batchLength` counts the bytes after itself. The CRC covers everything from `attributes` on, so
//! the base offset and the leader epoch may be patched without hashing the batch again.

use crate::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs};
use bytes::BufMut;
use thiserror::Error;

/// Bytes of a batch before its first record.
pub const BATCH_HEADER_LEN: usize = 61;

/// Bytes of a batch that `batchLength` does not count: base offset and the length itself.
pub const LOG_OVERHEAD_LEN: usize = 12;

const MAGIC: i8 = 2;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const MAX_TIMESTAMP_AT: usize = 35;

/// Why bytes are not a sequence of well-formed v2 batches.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
pub enum BatchError {
    /// Fewer bytes than the header or the announced length need.
    #[error("record batch is cut off: {have} of {need} bytes")]
    Truncated {
        /// Bytes present.
        have: usize,
        /// Bytes needed.
        need: usize,
    },
    /// A magic other than 2: message formats 0 and 1 are gone since Kafka 4.0.
    #[error("record batch has magic {0}, only 2 is supported")]
    UnsupportedMagic(i8),
    /// The stored CRC-32C differs from that of the bytes.
    #[error("record batch has a wrong CRC")]
    WrongCrc,
    /// A length that no batch can have.
    #[error("record batch has length {0}")]
    WrongLength(i32),
    /// A header whose fields contradict each other, such as a negative count.
    #[error("record batch header is not valid: {0}")]
    Invalid(&'static str),
}

/// The codec of a batch's records: the low three bits of its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum Compression {
    /// Not compressed.
    None = 0,
    /// gzip (RFC 1952).
    Gzip = 1,
    /// Snappy, raw or in Xerial's framing.
    Snappy = 2,
    /// The LZ4 frame format.
    Lz4 = 3,
    /// Zstandard (KIP-110); Produce 7 and Fetch 10 on.
    Zstd = 4,
}

impl Compression {
    /// The codec of that attribute value, or `None` for the three unassigned ones.
    pub fn from_id(id: i16) -> Option<Self> {
        Some(match id {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Snappy,
            3 => Compression::Lz4,
            4 => Compression::Zstd,
            _ => return None,
        })
    }

    /// The codec's attribute value.
    pub fn id(self) -> i16 {
        self as i16
    }
}

/// The attribute bits of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchAttributes(pub i16);

impl BatchAttributes {
    const LOG_APPEND_TIME: i16 = 1 << 3;
    const TRANSACTIONAL: i16 = 1 << 4;
    const CONTROL: i16 = 1 << 5;

    /// The codec, or `None` where the bits name none.
    pub fn compression(self) -> Option<Compression> {
        Compression::from_id(self.0 & 0x07)
    }

    /// The same with another codec.
    pub fn with_compression(self, codec: Compression) -> Self {
        BatchAttributes(self.0 & !0x07 | codec.id())
    }

    /// Nothing but whether the batch belongs to a transaction.
    pub fn only_transactional(self) -> Self {
        BatchAttributes(self.0 & Self::TRANSACTIONAL)
    }

    /// True when the broker set the timestamps (`message.timestamp.type=LogAppendTime`).
    pub fn is_log_append_time(self) -> bool {
        self.0 & Self::LOG_APPEND_TIME != 0
    }

    /// True when the batch belongs to a transaction.
    pub fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// True for batches of control records (transaction markers), which only brokers write.
    pub fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }
}

/// The decoded header of one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Bytes of the whole batch, its first 12 included.
    pub len: usize,
    /// Epoch of the owner that appended it.
    pub leader_epoch: LeaderEpoch,
    /// The stored CRC-32C.
    pub crc: u32,
    /// Codec and flags.
    pub attributes: BatchAttributes,
    /// Offset of the last record, relative to the first.
    pub last_offset_delta: i32,
    /// Timestamp that the records' deltas count from.
    pub base_timestamp: TimestampMs,
    /// Largest timestamp in the batch.
    pub max_timestamp: TimestampMs,
    /// -1 when the producer is not idempotent.
    pub producer_id: ProducerId,
    /// The producer's epoch.
    pub producer_epoch: ProducerEpoch,
    /// Sequence number of the first record, -1 when not idempotent.
    pub base_sequence: i32,
    /// Number of records.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes` and checks that the whole batch is there.
    ///
    /// The CRC is not checked: see [`batch_crc_matches`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let header = Self::parse_prefix(bytes)?;
        if bytes.len() < header.len {
            return Err(BatchError::Truncated { have: bytes.len(), need: header.len });
        }
        Ok(header)
    }

    /// Like [`BatchHeader::parse`], but needs only the first 61 bytes of the batch.
    pub fn parse_prefix(bytes: &[u8]) -> Result<Self, BatchError> {
        if bytes.len() < BATCH_HEADER_LEN {
            return Err(BatchError::Truncated { have: bytes.len(), need: BATCH_HEADER_LEN });
        }
        let magic = bytes[16] as i8;
        if magic != MAGIC {
            return Err(BatchError::UnsupportedMagic(magic));
        }
        let batch_length = i32_at(bytes, 8);
        let len = usize::try_from(batch_length)
            .ok()
            .and_then(|length| length.checked_add(LOG_OVERHEAD_LEN))
            .filter(|len| *len >= BATCH_HEADER_LEN)
            .ok_or(BatchError::WrongLength(batch_length))?;
        let header = BatchHeader {
            base_offset: i64_at(bytes, 0),
            len,
            leader_epoch: i32_at(bytes, 12),
            crc: i32_at(bytes, CRC_AT) as u32,
            attributes: BatchAttributes(i16_at(bytes, ATTRIBUTES_AT)),
            last_offset_delta: i32_at(bytes, 23),
            base_timestamp: i64_at(bytes, 27),
            max_timestamp: i64_at(bytes, MAX_TIMESTAMP_AT),
            producer_id: i64_at(bytes, 43),
            producer_epoch: i16_at(bytes, 51),
            base_sequence: i32_at(bytes, 53),
            record_count: i32_at(bytes, 57),
        };
        if header.last_offset_delta < 0 {
            return Err(BatchError::Invalid("last offset delta"));
        }
        if header.record_count < 0 {
            return Err(BatchError::Invalid("record count"));
        }
        Ok(header)
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> Offset {
        self.base_offset.wrapping_add(i64::from(self.last_offset_delta))
    }

    /// Offset after the last record.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().wrapping_add(1)
    }

    /// Sequence number of the last record; sequences wrap from `i32::MAX` to 0.
    pub fn last_sequence(&self) -> i32 {
        let sum = i64::from(self.base_sequence) + i64::from(self.last_offset_delta);
        if sum > i64::from(i32::MAX) { (sum - i64::from(i32::MAX) - 1) as i32 } else { sum as i32 }
    }
}

/// True if the CRC stored in the batch is that of its bytes. `batch` is exactly one batch.
pub fn batch_crc_matches(batch: &[u8]) -> bool {
    batch.len() >= BATCH_HEADER_LEN
        && i32_at(batch, CRC_AT) as u32 == crc32c(&batch[ATTRIBUTES_AT..])
}

/// Writes the base offset into the batch at the start of `batch`; the CRC does not cover it.
pub fn set_base_offset(batch: &mut [u8], offset: Offset) {
    batch[..8].copy_from_slice(&offset.to_be_bytes());
}

/// Writes the leader epoch into the batch at the start of `batch`; the CRC does not cover it.
pub fn set_leader_epoch(batch: &mut [u8], leader_epoch: LeaderEpoch) {
    batch[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
}

/// Marks exactly one batch as `LogAppendTime` with timestamp `at` and recomputes its CRC.
///
/// As in Kafka, the base timestamp and the records' deltas stay; readers take `max_timestamp`.
pub fn set_log_append_time(batch: &mut [u8], at: TimestampMs) {
    let attributes = i16_at(batch, ATTRIBUTES_AT) | BatchAttributes::LOG_APPEND_TIME;
    batch[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&attributes.to_be_bytes());
    batch[MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8].copy_from_slice(&at.to_be_bytes());
    write_crc(batch);
}

/// Marks exactly one batch as `CreateTime` with the largest timestamp `max_timestamp` and
/// recomputes its CRC.
pub fn set_create_time(batch: &mut [u8], max_timestamp: TimestampMs) {
    let attributes = i16_at(batch, ATTRIBUTES_AT) & !BatchAttributes::LOG_APPEND_TIME;
    batch[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&attributes.to_be_bytes());
    batch[MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8].copy_from_slice(&max_timestamp.to_be_bytes());
    write_crc(batch);
}

/// Writes `header` to the start of exactly one batch, with the length and the CRC that its bytes have.
pub fn write_batch_header(batch: &mut [u8], header: &BatchHeader) {
    let length = i32::try_from(batch.len() - LOG_OVERHEAD_LEN).expect("batches are below 2 GiB");
    let mut fields = &mut batch[..BATCH_HEADER_LEN];
    fields.put_i64(header.base_offset);
    fields.put_i32(length);
    fields.put_i32(header.leader_epoch);
    fields.put_i8(MAGIC);
    fields.put_u32(0);
    fields.put_i16(header.attributes.0);
    fields.put_i32(header.last_offset_delta);
    fields.put_i64(header.base_timestamp);
    fields.put_i64(header.max_timestamp);
    fields.put_i64(header.producer_id);
    fields.put_i16(header.producer_epoch);
    fields.put_i32(header.base_sequence);
    fields.put_i32(header.record_count);
    write_crc(batch);
}

/// Stores the CRC of exactly one batch.
pub(crate) fn write_crc(batch: &mut [u8]) {
    let crc = crc32c(&batch[ATTRIBUTES_AT..]);
    batch[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
}

/// Walks batches that lie back to back, each exactly once, by their lengths.
///
/// Yields the byte position of each batch with its header. Ends after the first error.
#[derive(Debug, Clone)]
pub struct Batches<'a> {
    bytes: &'a [u8],
    at: usize,
    failed: bool,
}

impl<'a> Batches<'a> {
    /// A walk over `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Batches { bytes, at: 0, failed: false }
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<(usize, BatchHeader), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.at == self.bytes.len() {
            return None;
        }
        let at = self.at;
        match BatchHeader::parse(&self.bytes[at..]) {
            Ok(header) => {
                self.at += header.len;
                Some(Ok((at, header)))
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

fn i16_at(bytes: &[u8], at: usize) -> i16 {
    i16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    (i64::from(i32_at(bytes, at)) << 32) | i64::from(i32_at(bytes, at + 4) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchBuilder, Record};

    fn sample() -> Vec<u8> {
        let mut builder = BatchBuilder::new();
        builder.push(&Record::new(1_000, Some(b"k"), Some(b"v")));
        builder.push(&Record::new(3_000, None, Some(b"w")));
        builder.finish().expect("two records make a batch").to_vec()
    }

    #[test]
    fn header_round_trips_through_the_builder() {
        let bytes = sample();
        let header = BatchHeader::parse(&bytes).unwrap();
        assert_eq!(header.len, bytes.len());
        assert_eq!((header.last_offset_delta, header.record_count), (1, 2));
        assert_eq!((header.base_timestamp, header.max_timestamp), (1_000, 3_000));
        assert_eq!(header.producer_id, crate::NO_PRODUCER_ID);
        assert!(batch_crc_matches(&bytes));
    }

    #[test]
    fn patching_offset_and_epoch_keeps_the_crc() {
        let mut bytes = sample();
        set_base_offset(&mut bytes, 1 << 40);
        set_leader_epoch(&mut bytes, 7);
        let header = BatchHeader::parse(&bytes).unwrap();
        assert_eq!((header.base_offset, header.leader_epoch), (1 << 40, 7));
        assert_eq!(header.next_offset(), (1 << 40) + 2);
        assert!(batch_crc_matches(&bytes));
    }

    #[test]
    fn log_append_time_sets_bit_timestamp_and_crc() {
        let mut bytes = sample();
        set_log_append_time(&mut bytes, 99_000);
        let header = BatchHeader::parse(&bytes).unwrap();
        assert!(header.attributes.is_log_append_time());
        assert_eq!(header.max_timestamp, 99_000);
        assert!(batch_crc_matches(&bytes));
    }

    #[test]
    fn create_time_takes_the_stamp_of_a_broker_away() {
        let original = sample();
        let mut bytes = original.clone();
        set_log_append_time(&mut bytes, 99_000);
        set_create_time(&mut bytes, 3_000);
        assert_eq!(bytes, original);
    }

    #[test]
    fn every_flipped_bit_after_the_crc_is_noticed() {
        let bytes = sample();
        for bit in CRC_AT * 8..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(!batch_crc_matches(&damaged), "bit {bit}");
        }
    }

    #[test]
    fn every_truncation_is_an_error_and_never_a_panic() {
        let bytes = sample();
        for len in 0..bytes.len() {
            assert!(BatchHeader::parse(&bytes[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn walk_yields_each_batch_once_and_stops_at_the_first_bad_one() {
        let mut bytes = sample();
        let one = bytes.len();
        bytes.extend(sample());
        bytes.extend_from_slice(&[0; 5]);
        let walked: Vec<_> = Batches::new(&bytes).collect();
        assert_eq!(walked.len(), 3);
        assert_eq!(walked[1].unwrap().0, one);
        assert!(walked[2].is_err());
    }

    #[test]
    fn last_sequence_wraps_to_zero() {
        let mut header = BatchHeader::parse(&sample()).unwrap();
        header.base_sequence = i32::MAX;
        assert_eq!(header.last_sequence(), 0);
    }
}
