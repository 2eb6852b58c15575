//! Idempotent producers of one partition (KIP-98, KIP-360): duplicates, gaps and fencing.
//!
//! A fold over the headers of the partition's batches; records are never looked at. The rules are
//! those of Kafka's `ProducerStateManager`, `ProducerStateEntry` and `ProducerAppendInfo` with
//! `transaction.version` below 2.

use crate::codec::{DecodeError, Reader};
use bytes::{BufMut, Bytes, BytesMut};
use std::collections::BTreeMap;
use tidegate_model::{
    BatchHeader, ErrorCode, NO_PRODUCER_ID, Offset, ProducerEpoch, ProducerId, TimestampMs,
};

/// Batches of one producer whose repetition is recognised: as many as an idempotent client may
/// have in flight (`max.in.flight.requests.per.connection`).
pub const BATCHES_REMEMBERED: usize = 5;

const SNAPSHOT_VERSION: u8 = 1;
const BATCH_LEN: usize = 4 + 4 + 8 + 8;
const PRODUCER_LEN_MIN: usize = 8 + 2 + 8 + 1;
const NO_SEQUENCE: i32 = -1;

/// What to do with a batch that breaks no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Append it.
    Append,
    /// It is here already: answer success with the original's place and append nothing.
    Duplicate {
        /// Offset of the original's first record.
        base_offset: Offset,
        /// Offset of the original's last record.
        last_offset: Offset,
        /// The original's largest timestamp, which is its append time under `LogAppendTime`.
        timestamp: TimestampMs,
    },
}

/// One remembered batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Batch {
    last_sequence: i32,
    last_offset_delta: i32,
    last_offset: Offset,
    timestamp: TimestampMs,
}

impl Batch {
    fn of(header: &BatchHeader) -> Self {
        Batch {
            last_sequence: header.last_sequence(),
            last_offset_delta: header.last_offset_delta,
            last_offset: header.last_offset(),
            timestamp: header.max_timestamp,
        }
    }

    /// Sequences wrap from `i32::MAX` to 0, so the first one may lie above the last.
    fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.last_offset_delta);
        if first < 0 { (first + i64::from(i32::MAX) + 1) as i32 } else { first as i32 }
    }

    fn base_offset(&self) -> Offset {
        self.last_offset.wrapping_sub(i64::from(self.last_offset_delta))
    }
}

/// What is known of one producer id.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Producer {
    epoch: ProducerEpoch,
    last_timestamp: TimestampMs,
    /// Oldest first; only the first `batches_len` count.
    batches: [Batch; BATCHES_REMEMBERED],
    batches_len: u8,
}

impl Producer {
    fn new(epoch: ProducerEpoch) -> Self {
        Producer { epoch, last_timestamp: -1, batches: Default::default(), batches_len: 0 }
    }

    fn batches(&self) -> &[Batch] {
        &self.batches[..usize::from(self.batches_len)]
    }

    fn last_sequence(&self) -> i32 {
        self.batches().last().map_or(NO_SEQUENCE, |batch| batch.last_sequence)
    }

    fn push(&mut self, batch: Batch) {
        if usize::from(self.batches_len) == BATCHES_REMEMBERED {
            self.batches.rotate_left(1);
            self.batches_len -= 1;
        }
        self.batches[usize::from(self.batches_len)] = batch;
        self.batches_len += 1;
    }

    fn check(&self, header: &BatchHeader) -> Result<Verdict, ErrorCode> {
        if header.producer_epoch < self.epoch {
            return Err(ErrorCode::InvalidProducerEpoch);
        }
        if header.producer_epoch > self.epoch {
            return match header.base_sequence {
                0 => Ok(Verdict::Append),
                _ => Err(ErrorCode::OutOfOrderSequenceNumber),
            };
        }
        let (first, last) = (header.base_sequence, header.last_sequence());
        let original = self
            .batches()
            .iter()
            .find(|batch| batch.first_sequence() == first && batch.last_sequence == last);
        if let Some(original) = original {
            return Ok(Verdict::Duplicate {
                base_offset: original.base_offset(),
                last_offset: original.last_offset,
                timestamp: original.timestamp,
            });
        }
        // A range that overlaps a remembered one without being it lands here too: the producer
        // must not split or merge batches that it sent once.
        if first == next_sequence(self.last_sequence()) {
            Ok(Verdict::Append)
        } else {
            Err(ErrorCode::OutOfOrderSequenceNumber)
        }
    }
}

fn next_sequence(last: i32) -> i32 {
    last.checked_add(1).unwrap_or(0)
}

/// One producer as DescribeProducers shows it (KIP-664).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveProducer {
    /// Its id.
    pub producer_id: ProducerId,
    /// Its epoch.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of its last record, -1 if none is known.
    pub last_sequence: i32,
    /// Largest timestamp of its last batch.
    pub last_timestamp: TimestampMs,
}

/// The producers of one partition. Empty, it owns no memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProducerTable {
    producers: BTreeMap<ProducerId, Box<Producer>>,
}

impl ProducerTable {
    /// Decides whether the batch may be appended; its offset need not be assigned yet.
    ///
    /// Fails with INVALID_PRODUCER_EPOCH for an epoch below the known one, with
    /// OUT_OF_ORDER_SEQUENCE_NUMBER for a gap, for an overlap that is no exact repetition of one
    /// of the last five batches, and for a new epoch that does not begin at sequence 0, and with
    /// INVALID_RECORD for a producer id without a sequence. An unknown producer may begin
    /// anywhere, because its state may have expired (KIP-360).
    ///
    /// Time takes no part in the verdict: state is forgotten only by [`ProducerTable::expire`], so
    /// that a slow partition cannot lose a retry to its own delay.
    pub fn check(&self, header: &BatchHeader, _now: TimestampMs) -> Result<Verdict, ErrorCode> {
        if header.producer_id <= NO_PRODUCER_ID || header.attributes.is_control() {
            return Ok(Verdict::Append);
        }
        if header.base_sequence < 0 || header.producer_epoch < 0 {
            return Err(ErrorCode::InvalidRecord);
        }
        match self.producers.get(&header.producer_id) {
            None => Ok(Verdict::Append),
            Some(producer) => producer.check(header),
        }
    }

    /// Folds a batch whose offset is assigned: after an append, and at recovery batch by batch.
    pub fn apply(&mut self, header: &BatchHeader) {
        if header.producer_id <= NO_PRODUCER_ID {
            return;
        }
        let producer = self
            .producers
            .entry(header.producer_id)
            .or_insert_with(|| Box::new(Producer::new(header.producer_epoch)));
        if producer.epoch != header.producer_epoch {
            **producer = Producer::new(header.producer_epoch);
        }
        producer.last_timestamp = header.max_timestamp;
        if !header.attributes.is_control() && header.base_sequence >= 0 {
            producer.push(Batch::of(header));
        }
    }

    /// Forgets producers whose last batch is `producer_id_expiration_ms` old by its own timestamp
    /// (`producer.id.expiration.ms`).
    pub fn expire(&mut self, now: TimestampMs, producer_id_expiration_ms: i64) {
        self.producers.retain(|_, producer| {
            now.saturating_sub(producer.last_timestamp) < producer_id_expiration_ms
        });
    }

    /// The producers known, in order of their ids.
    pub fn active(&self) -> impl Iterator<Item = ActiveProducer> {
        self.producers.iter().map(|(id, producer)| ActiveProducer {
            producer_id: *id,
            producer_epoch: producer.epoch,
            last_sequence: producer.last_sequence(),
            last_timestamp: producer.last_timestamp,
        })
    }

    /// Number of producers known.
    pub fn len(&self) -> usize {
        self.producers.len()
    }

    /// True if no producer is known.
    pub fn is_empty(&self) -> bool {
        self.producers.is_empty()
    }

    /// The table as bytes for a checkpoint; empty for an empty table.
    ///
    /// ```text
    /// version u8 = 1, count u32, then per producer in order of id:
    ///   id i64, epoch i16, last timestamp i64, batches u8, then per batch, oldest first:
    ///     last sequence i32, last offset delta i32, last offset i64, timestamp i64
    /// ```
    ///
    /// All numbers are big-endian. The checkpoint that holds the bytes has the checksum.
    pub fn snapshot(&self) -> Bytes {
        if self.producers.is_empty() {
            return Bytes::new();
        }
        let batches: usize = self.producers.values().map(|p| p.batches().len()).sum();
        let len = 5 + self.producers.len() * PRODUCER_LEN_MIN + batches * BATCH_LEN;
        let mut out = BytesMut::with_capacity(len);
        out.put_u8(SNAPSHOT_VERSION);
        out.put_u32(u32::try_from(self.producers.len()).expect("memory holds fewer producers"));
        for (id, producer) in &self.producers {
            out.put_i64(*id);
            out.put_i16(producer.epoch);
            out.put_i64(producer.last_timestamp);
            out.put_u8(producer.batches_len);
            for batch in producer.batches() {
                out.put_i32(batch.last_sequence);
                out.put_i32(batch.last_offset_delta);
                out.put_i64(batch.last_offset);
                out.put_i64(batch.timestamp);
            }
        }
        out.freeze()
    }

    /// Reads what [`ProducerTable::snapshot`] wrote.
    pub fn restore(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut table = ProducerTable::default();
        if bytes.is_empty() {
            return Ok(table);
        }
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        if version != SNAPSHOT_VERSION {
            return Err(DecodeError::UnsupportedVersion(i32::from(version)));
        }
        for _ in 0..reader.array_len(PRODUCER_LEN_MIN)? {
            let id = reader.i64()?;
            let producer = restore_producer(&mut reader)?;
            if id <= NO_PRODUCER_ID || table.producers.insert(id, Box::new(producer)).is_some() {
                return Err(DecodeError::Malformed("producer id"));
            }
        }
        reader.finish()?;
        Ok(table)
    }
}

fn restore_producer(reader: &mut Reader<'_>) -> Result<Producer, DecodeError> {
    let mut producer = Producer::new(reader.i16()?);
    producer.last_timestamp = reader.i64()?;
    let batches = reader.u8()?;
    if usize::from(batches) > BATCHES_REMEMBERED {
        return Err(DecodeError::Malformed("number of batches"));
    }
    for _ in 0..batches {
        let batch = Batch {
            last_sequence: reader.i32()?,
            last_offset_delta: reader.i32()?,
            last_offset: reader.i64()?,
            timestamp: reader.i64()?,
        };
        if batch.last_sequence < 0 || batch.last_offset_delta < 0 {
            return Err(DecodeError::Malformed("batch"));
        }
        producer.push(batch);
    }
    Ok(producer)
}

#[cfg(test)]
mod tests;
