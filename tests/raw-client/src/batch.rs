//! Record batches as producers make them, and as they must not.

use bytes::{BufMut, Bytes, BytesMut};
use tidegate_model::{BatchBuilder, BatchHeader, Batches, Record, RecordHeader, Records};

/// A batch whose header can be made to say anything; its CRC is right unless damaged afterwards.
#[derive(Debug, Clone)]
pub struct Batch(BytesMut);

#[allow(clippy::len_without_is_empty, reason = "a batch has records")]
impl Batch {
    /// One record for each value, all at time 1000, without keys.
    pub fn of(values: &[&str]) -> Self {
        Self::of_records(values.iter().map(|v| Record::new(1_000, None, Some(v.as_bytes()))))
    }

    /// One record of `len` bytes.
    pub fn of_len(len: usize) -> Self {
        Self::of_records([Record::new(1_000, None, Some(&vec![b'x'; len]))])
    }

    /// One record for each time.
    pub fn at_times(times: &[i64]) -> Self {
        Self::of_records(times.iter().map(|time| Record::new(*time, None, Some(b"v"))))
    }

    /// One record for each key.
    pub fn of_keys(keys: &[Option<&[u8]>]) -> Self {
        Self::of_records(keys.iter().map(|key| Record::new(1_000, *key, Some(b"v"))))
    }

    pub fn of_records<'a>(records: impl IntoIterator<Item = Record<'a>>) -> Self {
        let mut builder = BatchBuilder::new();
        records.into_iter().for_each(|record| builder.push(&record));
        Batch(builder.finish().expect("a batch has records"))
    }

    /// Null and empty keys and values, repeated headers, headers without a value.
    pub fn with_every_oddity() -> Self {
        let header = |key: &'static [u8], value| RecordHeader { key, value };
        let odd = |key, value, headers| Record { headers, ..Record::new(1_000, key, value) };
        Self::of_records([
            odd(None, None, vec![]),
            odd(Some(b""), Some(b""), vec![header(b"h", None), header(b"h", Some(b""))]),
            odd(Some(b"\xff\x00"), None, vec![header(b"", Some(b"\x00"))]),
        ])
    }

    /// The batch of an idempotent producer.
    pub fn by(self, producer_id: i64, epoch: i16, sequence: i32) -> Self {
        let set = self.set(43, &producer_id.to_be_bytes()).set(51, &epoch.to_be_bytes());
        set.set(53, &sequence.to_be_bytes())
    }

    /// The batch with other attributes: codec in the low three bits.
    pub fn attributes(self, attributes: i16) -> Self {
        self.set(21, &attributes.to_be_bytes())
    }

    /// The batch with its record bytes replaced by any others.
    pub fn payload(mut self, payload: &[u8]) -> Self {
        self.0.truncate(61);
        self.0.put_slice(payload);
        let len = (self.0.len() - 12) as i32;
        self.set(8, &len.to_be_bytes())
    }

    /// Overwrites header bytes and makes the CRC right again.
    pub fn set(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        let crc = crc32c(&self.0[21..]);
        self.0[17..21].copy_from_slice(&crc.to_be_bytes());
        self
    }

    /// Overwrites bytes and leaves the CRC as it is.
    pub fn damage(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn bytes(self) -> BytesMut {
        self.0
    }

    /// The bytes as a consumer must see them: base offset and leader epoch patched, nothing else.
    pub fn stored_at(mut self, offset: i64, leader_epoch: i32) -> Bytes {
        self.0[..8].copy_from_slice(&offset.to_be_bytes());
        self.0[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
        self.0.freeze()
    }
}

/// Offset and value of each record in fetched, uncompressed batches.
pub fn log_records(bytes: &[u8]) -> Vec<(i64, String)> {
    let mut found = Vec::new();
    for batch in Batches::new(bytes) {
        let (at, header) = batch.expect("fetched batches are whole");
        let batch = &bytes[at..at + header.len];
        for record in Records::of_batch(&header, batch) {
            let record = record.expect("fetched records can be read");
            let value = String::from_utf8_lossy(record.value.unwrap_or(b"")).into_owned();
            found.push((header.base_offset + i64::from(record.offset_delta), value));
        }
    }
    found
}

/// Headers of fetched batches.
pub fn headers(bytes: &[u8]) -> Vec<BatchHeader> {
    Batches::new(bytes).map(|batch| batch.expect("fetched batches are whole").1).collect()
}

/// CRC-32C bit by bit: slow, and not the implementation under test.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & 0u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}
