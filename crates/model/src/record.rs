//! Records inside an uncompressed batch: built for the coordinators' own logs, read back at recovery.
//!
//! The producers' hot path never comes here; their batches are passed on as they are.

use crate::batch::{BATCH_HEADER_LEN, BatchAttributes, BatchHeader, write_batch_header};
use crate::ids::{NO_LEADER_EPOCH, NO_PRODUCER_ID, TimestampMs};
use bytes::{BufMut, BytesMut};
use thiserror::Error;

/// Why the records of a batch cannot be read.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
pub enum RecordError {
    /// The batch ends inside a record, or a length points outside it.
    #[error("record is cut off")]
    Truncated,
    /// A variable-length integer of more than its type's bytes, or a negative count.
    #[error("record has a malformed number")]
    Malformed,
    /// More bytes than the batch's records take.
    #[error("bytes follow the last record")]
    Trailing,
}

/// One header of a record (KIP-82). Keys may repeat; the order is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader<'a> {
    /// The name.
    pub key: &'a [u8],
    /// The value; null and empty differ.
    pub value: Option<&'a [u8]>,
}

/// One record. Null and empty keys and values differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// Offset relative to the batch's base offset.
    pub offset_delta: i32,
    /// Creation time.
    pub timestamp: TimestampMs,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; null is a tombstone in a compacted topic.
    pub value: Option<&'a [u8]>,
    /// Headers in the producer's order.
    pub headers: Vec<RecordHeader<'a>>,
}

impl<'a> Record<'a> {
    /// A record without headers; the builder sets its offset.
    pub fn new(timestamp: TimestampMs, key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> Self {
        Record { offset_delta: 0, timestamp, key, value, headers: Vec::new() }
    }
}

/// Builds one uncompressed batch with base offset 0 and no producer id.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    /// Room for the header, then the records.
    batch: BytesMut,
    count: i32,
    base_timestamp: TimestampMs,
    max_timestamp: TimestampMs,
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `record` at the next offset; its own `offset_delta` is ignored.
    pub fn push(&mut self, record: &Record<'_>) {
        if self.count == 0 {
            self.batch.put_bytes(0, BATCH_HEADER_LEN);
            self.base_timestamp = record.timestamp;
            self.max_timestamp = record.timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(record.timestamp);
        let timestamp_delta = record.timestamp.wrapping_sub(self.base_timestamp);
        let offset_delta = i64::from(self.count);
        let headers = record.headers.iter();
        let headers_len: usize =
            headers.map(|header| nullable_len(Some(header.key)) + nullable_len(header.value)).sum();
        let len = 1
            + varint_len(timestamp_delta)
            + varint_len(offset_delta)
            + nullable_len(record.key)
            + nullable_len(record.value)
            + varint_len(record.headers.len() as i64)
            + headers_len;
        let batch = &mut self.batch;
        batch.reserve(varint_len(len as i64) + len);
        put_varint(batch, len as i64);
        batch.put_i8(0);
        put_varint(batch, timestamp_delta);
        put_varint(batch, offset_delta);
        put_nullable(batch, record.key);
        put_nullable(batch, record.value);
        put_varint(batch, record.headers.len() as i64);
        for header in &record.headers {
            put_nullable(batch, Some(header.key));
            put_nullable(batch, header.value);
        }
        self.count += 1;
    }

    /// Number of records so far.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// True without records.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The finished batch, or `None` if nothing was pushed.
    pub fn finish(self) -> Option<BytesMut> {
        if self.count == 0 {
            return None;
        }
        let mut batch = self.batch;
        let header = BatchHeader {
            base_offset: 0,
            len: batch.len(),
            leader_epoch: NO_LEADER_EPOCH,
            crc: 0,
            attributes: BatchAttributes::default(),
            last_offset_delta: self.count - 1,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: -1,
            base_sequence: -1,
            record_count: self.count,
        };
        write_batch_header(&mut batch, &header);
        Some(batch)
    }
}

/// Reads the records of an uncompressed batch, or of decompressed record bytes.
///
/// Lengths and counts are checked against the bytes present before anything is allocated. Ends
/// after the first error.
#[derive(Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    base_timestamp: TimestampMs,
    left: i32,
}

impl<'a> Records<'a> {
    /// The records of `batch`, whose header is `header`.
    pub fn of_batch(header: &BatchHeader, batch: &'a [u8]) -> Self {
        let bytes = batch.get(BATCH_HEADER_LEN..header.len).unwrap_or(&[]);
        Self::of_bytes(header, bytes)
    }

    /// The records in `bytes`, which follow `header` after decompression.
    pub fn of_bytes(header: &BatchHeader, bytes: &'a [u8]) -> Self {
        Records { bytes, base_timestamp: header.base_timestamp, left: header.record_count }
    }

    fn read(&mut self) -> Result<Record<'a>, RecordError> {
        let len =
            usize::try_from(take_varint(&mut self.bytes)?).map_err(|_| RecordError::Malformed)?;
        let mut body = take(&mut self.bytes, len)?;
        take(&mut body, 1)?;
        let timestamp = self.base_timestamp.wrapping_add(take_varint(&mut body)?);
        let offset_delta =
            i32::try_from(take_varint(&mut body)?).map_err(|_| RecordError::Malformed)?;
        let key = take_nullable(&mut body)?;
        let value = take_nullable(&mut body)?;
        let count = usize::try_from(take_varint(&mut body)?).map_err(|_| RecordError::Malformed)?;
        // A header takes at least two bytes, which bounds what a lying count can reserve.
        if count > body.len() / 2 {
            return Err(RecordError::Truncated);
        }
        let mut headers = Vec::with_capacity(count);
        for _ in 0..count {
            let key = take_nullable(&mut body)?.ok_or(RecordError::Malformed)?;
            headers.push(RecordHeader { key, value: take_nullable(&mut body)? });
        }
        if !body.is_empty() {
            return Err(RecordError::Malformed);
        }
        Ok(Record { offset_delta, timestamp, key, value, headers })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0 {
            return None;
        }
        self.left -= 1;
        let record = self.read();
        if record.is_err() {
            self.left = 0;
        }
        Some(record)
    }
}

/// Writes `value` as a zigzag varint, as records use it for lengths and deltas.
pub fn put_varint(buffer: &mut impl BufMut, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        buffer.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    buffer.put_u8(rest as u8);
}

/// Bytes that [`put_varint`] writes for `value`.
pub fn varint_len(value: i64) -> usize {
    let zigzag = ((value << 1) ^ (value >> 63)) as u64;
    (64 - (zigzag | 1).leading_zeros() as usize).div_ceil(7)
}

/// Bytes that [`put_nullable`] writes.
fn nullable_len(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint_len(bytes.len() as i64) + bytes.len())
}

fn put_nullable(buffer: &mut BytesMut, bytes: Option<&[u8]>) {
    match bytes {
        None => put_varint(buffer, -1),
        Some(bytes) => {
            put_varint(buffer, bytes.len() as i64);
            buffer.extend_from_slice(bytes);
        }
    }
}

/// One record as a walk sees it: checked to its end, nothing collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// Timestamp relative to the batch's base timestamp.
    pub timestamp_delta: i64,
    /// Offset relative to the batch's base offset.
    pub offset_delta: i32,
    /// Length of the key, `None` for null.
    pub key_len: Option<usize>,
    /// Length of the value, `None` for null.
    pub value_len: Option<usize>,
    /// Key, value and headers with their lengths, as they lie in the batch.
    pub contents: &'a [u8],
}

/// Walks over records like [`Records`], at a fraction of the cost: headers are checked and passed.
///
/// Ends after the first error. Bytes after the last record are an error too, told after it.
#[derive(Debug)]
pub struct RecordWalk<'a> {
    bytes: &'a [u8],
    left: i32,
}

impl<'a> RecordWalk<'a> {
    /// A walk over the `record_count` records in `bytes`, which are not compressed.
    pub fn new(record_count: i32, bytes: &'a [u8]) -> Self {
        RecordWalk { bytes, left: record_count }
    }

    #[inline]
    fn read(&mut self) -> Result<RecordView<'a>, RecordError> {
        let len = take_len(&mut self.bytes)?;
        let mut body = take(&mut self.bytes, len)?;
        take(&mut body, 1)?;
        let timestamp_delta = take_varint(&mut body)?;
        let offset_delta =
            i32::try_from(take_varint(&mut body)?).map_err(|_| RecordError::Malformed)?;
        let contents = body;
        let key_len = take_nullable(&mut body)?.map(<[u8]>::len);
        let value_len = take_nullable(&mut body)?.map(<[u8]>::len);
        // Each turn takes bytes, so a lying count costs no more than the bytes there are.
        for _ in 0..take_len(&mut body)? {
            take_nullable(&mut body)?.ok_or(RecordError::Malformed)?;
            take_nullable(&mut body)?;
        }
        if !body.is_empty() {
            return Err(RecordError::Malformed);
        }
        Ok(RecordView { timestamp_delta, offset_delta, key_len, value_len, contents })
    }
}

impl<'a> Iterator for RecordWalk<'a> {
    type Item = Result<RecordView<'a>, RecordError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0 {
            let trailing = !std::mem::take(&mut self.bytes).is_empty();
            return trailing.then_some(Err(RecordError::Trailing));
        }
        self.left -= 1;
        let record = self.read();
        if record.is_err() {
            (self.left, self.bytes) = (0, &[]);
        }
        Some(record)
    }
}

#[inline]
fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], RecordError> {
    let (head, rest) = bytes.split_at_checked(len).ok_or(RecordError::Truncated)?;
    *bytes = rest;
    Ok(head)
}

#[inline]
fn take_len(bytes: &mut &[u8]) -> Result<usize, RecordError> {
    usize::try_from(take_varint(bytes)?).map_err(|_| RecordError::Malformed)
}

#[inline]
fn take_nullable<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RecordError> {
    match take_varint(bytes)? {
        -1 => Ok(None),
        len => {
            let len = usize::try_from(len).map_err(|_| RecordError::Malformed)?;
            take(bytes, len).map(Some)
        }
    }
}

/// Most numbers in records take one byte (null, no headers) or two (lengths, deltas).
#[inline]
fn take_varint(bytes: &mut &[u8]) -> Result<i64, RecordError> {
    match **bytes {
        [first, ref rest @ ..] if first < 0x80 => {
            *bytes = rest;
            Ok(zigzag(u64::from(first)))
        }
        [first, second, ref rest @ ..] if second < 0x80 => {
            *bytes = rest;
            Ok(zigzag(u64::from(first & 0x7f) | u64::from(second) << 7))
        }
        _ => take_long_varint(bytes),
    }
}

#[inline]
fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

fn take_long_varint(bytes: &mut &[u8]) -> Result<i64, RecordError> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = take(bytes, 1)?[0];
        if shift == 63 && byte > 1 {
            return Err(RecordError::Malformed);
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(zigzag(value));
        }
    }
    Err(RecordError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_with_null_and_empty_told_apart() {
        let header = RecordHeader { key: b"h", value: None };
        let twice = RecordHeader { key: b"h", value: Some(b"") };
        let mut builder = BatchBuilder::new();
        let mut first = Record::new(5, None, Some(b""));
        first.headers = vec![header, twice];
        builder.push(&first);
        builder.push(&Record::new(-1, Some(b""), None));
        let batch = builder.finish().unwrap();
        let parsed = BatchHeader::parse(&batch).unwrap();
        let records: Vec<_> = Records::of_batch(&parsed, &batch).map(Result::unwrap).collect();
        assert_eq!(records[0], first);
        assert_eq!((records[1].key, records[1].value), (Some(&b""[..]), None));
        assert_eq!((records[1].timestamp, records[1].offset_delta), (-1, 1));
    }

    #[test]
    fn varints_of_every_length_round_trip() {
        for shift in 0..64 {
            for value in [1i64 << shift, -(1i64 << shift.min(62)), i64::MAX >> shift] {
                let mut buffer = BytesMut::new();
                put_varint(&mut buffer, value);
                assert_eq!(buffer.len(), varint_len(value), "{value}");
                assert_eq!(take_varint(&mut &buffer[..]), Ok(value));
            }
        }
    }

    #[test]
    fn a_lying_header_count_is_refused_before_it_is_reserved() {
        let mut builder = BatchBuilder::new();
        builder.push(&Record::new(0, None, None));
        let mut batch = builder.finish().unwrap();
        let last = batch.len() - 1;
        batch[last] = 0x7e;
        let header = BatchHeader::parse(&batch).unwrap();
        let read: Vec<_> = Records::of_batch(&header, &batch).collect();
        assert_eq!(read, vec![Err(RecordError::Truncated)]);
    }

    #[test]
    fn every_truncation_of_records_is_an_error() {
        let mut builder = BatchBuilder::new();
        builder.push(&Record::new(0, Some(b"key"), Some(b"value")));
        let batch = builder.finish().unwrap();
        let header = BatchHeader::parse(&batch).unwrap();
        for len in BATCH_HEADER_LEN..batch.len() {
            let cut = &batch[BATCH_HEADER_LEN..len];
            assert!(Records::of_bytes(&header, cut).next().unwrap().is_err(), "{len}");
        }
    }

    #[test]
    fn a_walk_sees_what_decoding_sees() {
        let mut builder = BatchBuilder::new();
        let mut first = Record::new(900, None, Some(&[7; 300]));
        first.headers = vec![RecordHeader { key: b"h", value: None }; 3];
        builder.push(&first);
        builder.push(&Record::new(100, Some(b""), None));
        let batch = builder.finish().unwrap();
        let header = BatchHeader::parse(&batch).unwrap();
        let walk = RecordWalk::new(2, &batch[BATCH_HEADER_LEN..]);
        let seen: Vec<_> = walk.map(Result::unwrap).collect();
        let read: Vec<_> = Records::of_batch(&header, &batch).map(Result::unwrap).collect();
        assert_eq!(seen.len(), read.len());
        for (view, record) in seen.iter().zip(&read) {
            assert_eq!(view.offset_delta, record.offset_delta);
            assert_eq!(header.base_timestamp + view.timestamp_delta, record.timestamp);
            assert_eq!(view.key_len, record.key.map(<[u8]>::len));
            assert_eq!(view.value_len, record.value.map(<[u8]>::len));
        }
        let end = batch.len();
        assert_eq!(seen[1].contents, &batch[end - 3..], "an empty key, a null value, no headers");
    }

    #[test]
    fn a_walk_tells_of_missing_and_surplus_records_and_ends_there() {
        let mut builder = BatchBuilder::new();
        builder.push(&Record::new(0, None, None));
        builder.push(&Record::new(0, None, None));
        let batch = builder.finish().unwrap();
        let bytes = &batch[BATCH_HEADER_LEN..];
        for (count, expected) in [(1, RecordError::Trailing), (3, RecordError::Truncated)] {
            let walked: Vec<_> = RecordWalk::new(count, bytes).collect();
            assert_eq!(
                walked.iter().filter(|record| record.is_ok()).count(),
                count.min(2) as usize
            );
            assert_eq!(walked.last(), Some(&Err(expected)));
        }
    }
}
