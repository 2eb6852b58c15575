//! The checkpoint file: what segments hold as of one position in the write-ahead log.
//! docs/formats/checkpoint.md draws it.

use crate::disk::{self, crc32c, faults};
use crate::frame::{u32_at, u64_at};
use crate::settings::OpenError;
use bytes::Bytes;
use std::io::{self, Write};
use std::path::Path;
use tidegate_log::{EpochStart, SegmentLimits, Snapshot};
use tidegate_model::{LeaderEpoch, Offset, TimestampMs, TopicId, TopicIdPartition};

const MAGIC: [u8; 8] = *b"TIDECKP2";
/// The version before segments had limits of their own.
const MAGIC_1: [u8; 8] = *b"TIDECKP1";
const NO_SNAPSHOT: u32 = u32::MAX;

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// The store, drawn at random when it was made.
    pub store_id: u64,
    /// How many times the store has been opened.
    pub incarnation: u64,
    /// The frame at `lsn` was written by this incarnation or a later one.
    pub min_incarnation: u64,
    /// The first frame that segments and this file do not cover.
    pub lsn: u64,
    /// Where that frame is, or where the one before it ends.
    pub wal_file: u32,
    /// Position in that file.
    pub wal_position: u64,
    /// The store was closed afterwards: no frame follows.
    pub clean: bool,
    /// Files of the write-ahead log that must be there, with their sizes.
    pub wal_files: Vec<(u32, u64)>,
    /// Partitions.
    pub partitions: Vec<PartitionRecord>,
}

/// What a checkpoint says of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionRecord {
    /// Its identity.
    pub id: TopicIdPartition,
    /// The newest epoch that opened it.
    pub leader_epoch: LeaderEpoch,
    /// Entries for it in earlier frames belong to an earlier partition of the same id.
    pub created_lsn: u64,
    /// First offset kept.
    pub log_start_offset: Offset,
    /// Offset after the last record in segments.
    pub end_offset: Offset,
    /// When a segment ends; not in version 1.
    pub limits: Option<SegmentLimits>,
    /// Segments in offset order.
    pub segments: Vec<SegmentRecord>,
    /// Leader epochs.
    pub epochs: Vec<EpochStart>,
    /// The broker's state.
    pub snapshot: Option<Snapshot>,
}

/// What a checkpoint says of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRecord {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Offset after its last record.
    pub end_offset: Offset,
    /// Bytes that are durable.
    pub len: u64,
    /// Largest timestamp.
    pub max_timestamp: TimestampMs,
}

impl Checkpoint {
    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + self.partitions.len() * 128);
        out.extend_from_slice(&MAGIC);
        for number in [self.store_id, self.incarnation, self.min_incarnation, self.lsn] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.wal_file.to_be_bytes());
        out.extend_from_slice(&self.wal_position.to_be_bytes());
        out.extend_from_slice(&u32::from(self.clean).to_be_bytes());
        for count in [self.wal_files.len(), self.partitions.len()] {
            out.extend_from_slice(&(count as u32).to_be_bytes());
        }
        for (number, len) in &self.wal_files {
            out.extend_from_slice(&number.to_be_bytes());
            out.extend_from_slice(&len.to_be_bytes());
        }
        self.partitions.iter().for_each(|record| record.encode(&mut out));
        let crc = crc32c(&[&out]);
        out.extend_from_slice(&crc.to_be_bytes());
        out
    }

    /// Reads a file's bytes; the error names the position from which on they make no sense.
    pub fn decode(bytes: &[u8]) -> Result<Self, (usize, &'static str)> {
        let body = bytes.len().checked_sub(4).ok_or((0, "the checkpoint is cut off"))?;
        let magic = &bytes[..8.min(body)];
        if magic != MAGIC && magic != MAGIC_1 {
            return Err((0, "not a checkpoint, or of a version that is not known"));
        }
        if crc32c(&[&bytes[..body]]) != u32_at(bytes, body) {
            return Err((body, "the checkpoint's checksum is wrong"));
        }
        let mut input = Input { bytes: &bytes[..body], at: MAGIC.len() };
        let has_limits = magic == MAGIC;
        Self::read(&mut input, has_limits).ok_or((input.at, "the checkpoint is cut off"))
    }

    fn read(input: &mut Input<'_>, has_limits: bool) -> Option<Self> {
        let mut checkpoint = Checkpoint {
            store_id: input.u64()?,
            incarnation: input.u64()?,
            min_incarnation: input.u64()?,
            lsn: input.u64()?,
            wal_file: input.u32()?,
            wal_position: input.u64()?,
            clean: input.u32()? != 0,
            ..Checkpoint::default()
        };
        let [files, partitions] = [input.u32()?, input.u32()?];
        for _ in 0..files {
            checkpoint.wal_files.push((input.u32()?, input.u64()?));
        }
        for _ in 0..partitions {
            checkpoint.partitions.push(PartitionRecord::read(input, has_limits)?);
        }
        (input.at == input.bytes.len()).then_some(checkpoint)
    }

    /// Puts the file in place durably: whoever looks finds the old one or the new one, whole.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        faults::check(faults::Operation::WriteCheckpoint, path)?;
        let directory = path.parent().expect("the checkpoint lies in the data directory");
        let temporary = path.with_extension("new");
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(&self.encode())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        disk::sync_directory(directory)
    }

    /// Reads the file; `None` if there is none.
    pub fn load(path: &Path) -> Result<Option<Self>, OpenError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OpenError::io("read", path)(error)),
        };
        let decoded = Self::decode(&bytes);
        decoded.map(Some).map_err(|(at, what)| OpenError::corrupt(path, at as u64, what))
    }
}

impl PartitionRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        put_id(out, self.id);
        out.extend_from_slice(&self.leader_epoch.to_be_bytes());
        out.extend_from_slice(&self.created_lsn.to_be_bytes());
        out.extend_from_slice(&self.log_start_offset.to_be_bytes());
        out.extend_from_slice(&self.end_offset.to_be_bytes());
        let snapshot = self.snapshot.as_ref();
        let snapshot_len = snapshot.map_or(NO_SNAPSHOT, |snapshot| snapshot.bytes.len() as u32);
        let snapshot_offset = snapshot.map_or(0, |snapshot| snapshot.offset);
        out.extend_from_slice(&snapshot_offset.to_be_bytes());
        for count in [snapshot_len, self.segments.len() as u32, self.epochs.len() as u32] {
            out.extend_from_slice(&count.to_be_bytes());
        }
        let limits = self.limits.unwrap_or(SegmentLimits::NONE);
        out.extend_from_slice(&limits.bytes.to_be_bytes());
        out.extend_from_slice(&limits.span_ms.to_be_bytes());
        for segment in &self.segments {
            out.extend_from_slice(&segment.base_offset.to_be_bytes());
            out.extend_from_slice(&segment.end_offset.to_be_bytes());
            out.extend_from_slice(&segment.len.to_be_bytes());
            out.extend_from_slice(&segment.max_timestamp.to_be_bytes());
        }
        for start in &self.epochs {
            out.extend_from_slice(&start.leader_epoch.to_be_bytes());
            out.extend_from_slice(&start.start_offset.to_be_bytes());
        }
        if let Some(snapshot) = snapshot {
            out.extend_from_slice(&snapshot.bytes);
        }
    }

    fn read(input: &mut Input<'_>, has_limits: bool) -> Option<Self> {
        let mut record = PartitionRecord {
            id: input.id()?,
            leader_epoch: input.u32()? as i32,
            created_lsn: input.u64()?,
            log_start_offset: input.i64()?,
            end_offset: input.i64()?,
            limits: None,
            segments: Vec::new(),
            epochs: Vec::new(),
            snapshot: None,
        };
        let offset = input.i64()?;
        let [snapshot_len, segments, epochs] = [input.u32()?, input.u32()?, input.u32()?];
        if has_limits {
            record.limits = Some(SegmentLimits { bytes: input.u64()?, span_ms: input.i64()? });
        }
        for _ in 0..segments {
            record.segments.push(SegmentRecord {
                base_offset: input.i64()?,
                end_offset: input.i64()?,
                len: input.u64()?,
                max_timestamp: input.i64()?,
            });
        }
        for _ in 0..epochs {
            let leader_epoch = input.u32()? as i32;
            record.epochs.push(EpochStart { leader_epoch, start_offset: input.i64()? });
        }
        if snapshot_len != NO_SNAPSHOT {
            let bytes = Bytes::copy_from_slice(input.take(snapshot_len as usize)?);
            record.snapshot = Some(Snapshot { offset, bytes });
        }
        Some(record)
    }
}

fn put_id(out: &mut Vec<u8>, id: TopicIdPartition) {
    out.extend_from_slice(id.topic_id.0.as_bytes());
    out.extend_from_slice(&id.partition.to_be_bytes());
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4).map(|bytes| u32_at(bytes, 0))
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8).map(|bytes| u64_at(bytes, 0))
    }

    fn i64(&mut self) -> Option<i64> {
        self.u64().map(|number| number as i64)
    }

    fn id(&mut self) -> Option<TopicIdPartition> {
        let uuid = uuid::Uuid::from_slice(self.take(16)?).ok()?;
        Some(TopicIdPartition::new(TopicId(uuid), self.u32()? as i32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Checkpoint {
        let segment = SegmentRecord { base_offset: 3, end_offset: 9, len: 700, max_timestamp: -1 };
        let record = |partition, snapshot| PartitionRecord {
            id: TopicIdPartition::new(TopicId::METADATA, partition),
            leader_epoch: 4,
            created_lsn: 2,
            log_start_offset: 5,
            end_offset: 9,
            limits: Some(SegmentLimits { bytes: 1 << 20, span_ms: 604_800_000 }),
            segments: vec![segment; partition as usize],
            epochs: vec![EpochStart { leader_epoch: 4, start_offset: 5 }],
            snapshot,
        };
        let snapshot = Snapshot { offset: 8, bytes: Bytes::from_static(b"state") };
        Checkpoint {
            store_id: 1,
            incarnation: 2,
            min_incarnation: 1,
            lsn: 77,
            wal_file: 3,
            wal_position: 8192,
            clean: true,
            wal_files: vec![(3, 1 << 20), (4, 1 << 20)],
            partitions: vec![record(0, None), record(2, Some(snapshot))],
        }
    }

    #[test]
    fn a_checkpoint_comes_back() {
        assert_eq!(Checkpoint::decode(&sample().encode()), Ok(sample()));
        assert_eq!(Checkpoint::decode(&Checkpoint::default().encode()), Ok(Checkpoint::default()));
    }

    /// Written by the version before, with the same contents as `sample` but for the limits.
    #[test]
    fn a_checkpoint_of_version_1_is_read_and_has_no_limits() {
        let read = Checkpoint::decode(include_bytes!("testdata/checkpoint-1.bin"));
        let mut expected = sample();
        expected.partitions.iter_mut().for_each(|record| record.limits = None);
        assert_eq!(read, Ok(expected));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = sample().encode();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Checkpoint::decode(&damaged).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(Checkpoint::decode(&bytes[..len]).is_err(), "{len} bytes");
        }
    }
}
