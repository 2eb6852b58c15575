//! Frames of the write-ahead log, as they lie in its files. docs/formats/wal.md draws them.

use crate::disk::{blocks, crc32c};
use serde::Serialize;
use thiserror::Error;
use tidegate_log::TailEntry;
use tidegate_model::{
    Batches, LeaderEpoch, Offset, TimestampMs, TopicId, TopicIdPartition, batch_crc_matches,
};

/// The first bytes of a frame: its magic, with the version of the format.
pub const FRAME_MAGIC: [u8; 8] = *b"TIDEWAL1";

/// Bytes of a frame before its payload.
pub const HEADER_BYTES: usize = 64;

/// Bytes of one entry.
pub const ENTRY_BYTES: usize = 48;

const CRC_AT: usize = 60;

/// Bytes of batches that fit into a frame alone, in a file of `file_bytes`.
pub fn append_bytes_max(file_bytes: u64) -> u64 {
    file_bytes - (HEADER_BYTES + ENTRY_BYTES) as u64
}

/// What an entry does to its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Adds batches.
    Append,
    /// Raises the log start.
    Trim,
    /// Removes the partition.
    Delete,
}

/// One entry of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameEntry {
    /// The partition.
    pub partition: TopicIdPartition,
    /// What is done to it.
    pub kind: EntryKind,
    /// The epoch of an append.
    pub leader_epoch: LeaderEpoch,
    /// Offset of an append's first record; the new log start of a trim.
    pub base_offset: Offset,
    /// Offset after an append's last record.
    pub next_offset: Offset,
    /// Bytes of an append's batches.
    pub len: u32,
}

/// The decoded header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// The store that wrote it; drawn at random when the store was made.
    pub store_id: u64,
    /// How many times the store had been opened.
    pub incarnation: u64,
    /// Number of the frame, from 1, without gaps.
    pub lsn: u64,
    /// The highest number of which the writer knew that it and all below are durable.
    pub durable_lsn: u64,
    /// Bytes of the batches.
    pub payload_len: u32,
    /// Number of entries.
    pub entry_count: u32,
    /// Bytes of the whole frame.
    pub frame_len: u32,
}

/// Why bytes are not a sound frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// No frame begins here.
    #[error("no frame begins here")]
    Magic,
    /// Lengths contradict each other or the file's end.
    #[error("the frame's lengths are wrong")]
    Length,
    /// The checksum over header and entries does not match.
    #[error("the checksum of the frame's header and entries is wrong")]
    Crc,
    /// An entry says what cannot be.
    #[error("entry {0} of the frame is not valid")]
    Entry(usize),
    /// The batches of an entry are not what the entry says, or damaged.
    #[error("the batches of entry {0} of the frame are damaged")]
    Batches(usize),
}

impl FrameHeader {
    /// Bytes of a frame with that payload and that many entries.
    pub fn frame_len(payload_len: usize, entry_count: usize) -> usize {
        blocks(HEADER_BYTES + payload_len + entry_count * ENTRY_BYTES)
    }

    /// The header with its checksum, which covers `entries` too.
    pub fn encode(&self, entries: &[u8]) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&FRAME_MAGIC);
        bytes[8..16].copy_from_slice(&self.store_id.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.incarnation.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.lsn.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.durable_lsn.to_be_bytes());
        bytes[40..44].copy_from_slice(&self.payload_len.to_be_bytes());
        bytes[44..48].copy_from_slice(&self.entry_count.to_be_bytes());
        bytes[48..52].copy_from_slice(&self.frame_len.to_be_bytes());
        let crc = crc32c(&[&bytes[..CRC_AT], entries]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// Reads a header; its checksum is not looked at, for that takes the whole frame.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        if bytes.len() < HEADER_BYTES || bytes[..8] != FRAME_MAGIC {
            return Err(FrameError::Magic);
        }
        let header = FrameHeader {
            store_id: u64_at(bytes, 8),
            incarnation: u64_at(bytes, 16),
            lsn: u64_at(bytes, 24),
            durable_lsn: u64_at(bytes, 32),
            payload_len: u32_at(bytes, 40),
            entry_count: u32_at(bytes, 44),
            frame_len: u32_at(bytes, 48),
        };
        let entries = u64::from(header.entry_count) * ENTRY_BYTES as u64;
        let used = HEADER_BYTES as u64 + u64::from(header.payload_len) + entries;
        if used.div_ceil(4096) * 4096 != u64::from(header.frame_len) {
            return Err(FrameError::Length);
        }
        Ok(header)
    }

    /// Where the entries lie in the frame.
    fn entries_at(&self) -> std::ops::Range<usize> {
        let start = HEADER_BYTES + self.payload_len as usize;
        start..start + self.entry_count as usize * ENTRY_BYTES
    }
}

impl FrameEntry {
    /// The entry's bytes.
    pub fn encode(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..16].copy_from_slice(self.partition.topic_id.0.as_bytes());
        bytes[16..20].copy_from_slice(&self.partition.partition.to_be_bytes());
        bytes[20] = match self.kind {
            EntryKind::Append => 1,
            EntryKind::Trim => 2,
            EntryKind::Delete => 3,
        };
        bytes[24..28].copy_from_slice(&self.leader_epoch.to_be_bytes());
        bytes[28..36].copy_from_slice(&self.base_offset.to_be_bytes());
        bytes[36..44].copy_from_slice(&self.next_offset.to_be_bytes());
        bytes[44..48].copy_from_slice(&self.len.to_be_bytes());
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[..16]);
        let entry = FrameEntry {
            partition: TopicIdPartition::new(
                TopicId(uuid::Uuid::from_bytes(id)),
                u32_at(bytes, 16) as i32,
            ),
            kind: match bytes[20] {
                1 => EntryKind::Append,
                2 => EntryKind::Trim,
                3 => EntryKind::Delete,
                _ => return None,
            },
            leader_epoch: u32_at(bytes, 24) as i32,
            base_offset: u64_at(bytes, 28) as i64,
            next_offset: u64_at(bytes, 36) as i64,
            len: u32_at(bytes, 44),
        };
        let sound = match entry.kind {
            EntryKind::Append => entry.len > 0 && entry.next_offset > entry.base_offset,
            EntryKind::Trim | EntryKind::Delete => entry.len == 0,
        };
        sound.then_some(entry)
    }
}

/// A frame whose checksums and batches have all been verified.
pub struct Frame {
    /// The header.
    pub header: FrameHeader,
    /// The entries, each with its batches' position in the frame and their largest timestamp.
    pub entries: Vec<(FrameEntry, usize, TimestampMs)>,
}

impl Frame {
    /// Verifies the header and the entries of the frame at the start of `bytes`, not its batches.
    pub fn parse_entries(bytes: &[u8]) -> Result<(FrameHeader, Vec<FrameEntry>), FrameError> {
        let header = FrameHeader::parse(bytes)?;
        let entries = bytes.get(header.entries_at()).ok_or(FrameError::Length)?;
        if crc32c(&[&bytes[..CRC_AT], entries]) != u32_at(bytes, CRC_AT) {
            return Err(FrameError::Crc);
        }
        let mut total = 0;
        let mut parsed = Vec::with_capacity(header.entry_count as usize);
        for (n, entry) in entries.chunks_exact(ENTRY_BYTES).enumerate() {
            let entry = FrameEntry::parse(entry).ok_or(FrameError::Entry(n))?;
            total += u64::from(entry.len);
            parsed.push(entry);
        }
        match total == u64::from(header.payload_len) {
            true => Ok((header, parsed)),
            false => Err(FrameError::Length),
        }
    }

    /// Verifies everything in the frame at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let (header, parsed) = Self::parse_entries(bytes)?;
        let mut at = HEADER_BYTES;
        let mut entries = Vec::with_capacity(parsed.len());
        for (n, entry) in parsed.into_iter().enumerate() {
            let batches = &bytes[at..at + entry.len as usize];
            let max_timestamp = match entry.kind {
                EntryKind::Append => verify(&entry, batches).ok_or(FrameError::Batches(n))?,
                EntryKind::Trim | EntryKind::Delete => 0,
            };
            entries.push((entry, at, max_timestamp));
            at += entry.len as usize;
        }
        Ok(Frame { header, entries })
    }
}

/// The largest timestamp of an entry's batches if they are sound and fit the entry.
fn verify(entry: &FrameEntry, bytes: &[u8]) -> Option<TimestampMs> {
    let mut max_timestamp = TimestampMs::MIN;
    let mut next_offset = entry.base_offset;
    for batch in Batches::new(bytes) {
        let (at, header) = batch.ok()?;
        let sound = header.base_offset >= next_offset && header.leader_epoch == entry.leader_epoch;
        if !sound || !batch_crc_matches(&bytes[at..at + header.len]) {
            return None;
        }
        next_offset = header.next_offset();
        max_timestamp = max_timestamp.max(header.max_timestamp);
    }
    (next_offset == entry.next_offset).then_some(max_timestamp)
}

/// What an append entry adds to a tail.
pub fn tail_entry(
    entry: &FrameEntry,
    max_timestamp: TimestampMs,
    lsn: u64,
    bytes: bytes::Bytes,
) -> TailEntry {
    TailEntry {
        base_offset: entry.base_offset,
        next_offset: entry.next_offset,
        max_timestamp,
        stamp: lsn,
        bytes,
    }
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    (u64::from(u32_at(bytes, at)) << 32) | u64::from(u32_at(bytes, at + 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_log::conformance::batch;

    /// A frame with one append and one trim.
    fn sample() -> Vec<u8> {
        let batches = batch(2, 100, 5);
        let id = TopicIdPartition::METADATA;
        let entries = [
            FrameEntry {
                partition: id,
                kind: EntryKind::Append,
                leader_epoch: -1,
                base_offset: 0,
                next_offset: 2,
                len: batches.len() as u32,
            },
            FrameEntry {
                partition: id,
                kind: EntryKind::Trim,
                leader_epoch: -1,
                base_offset: 1,
                next_offset: 1,
                len: 0,
            },
        ];
        let trailer: Vec<u8> = entries.iter().flat_map(FrameEntry::encode).collect();
        let header = FrameHeader {
            store_id: 1,
            incarnation: 2,
            lsn: 3,
            durable_lsn: 2,
            payload_len: batches.len() as u32,
            entry_count: 2,
            frame_len: FrameHeader::frame_len(batches.len(), 2) as u32,
        };
        let mut bytes = [&header.encode(&trailer)[..], &batches, &trailer].concat();
        bytes.resize(header.frame_len as usize, 0);
        bytes
    }

    #[test]
    fn a_frame_comes_back_with_its_entries() {
        let frame = Frame::parse(&sample()).unwrap();
        assert_eq!((frame.header.lsn, frame.entries.len()), (3, 2));
        assert_eq!((frame.entries[0].1, frame.entries[0].2), (HEADER_BYTES, 5));
        assert_eq!(frame.entries[1].0.kind, EntryKind::Trim);
    }

    #[test]
    fn every_flipped_bit_of_what_a_frame_says_is_noticed() {
        let sound = sample();
        let used = HEADER_BYTES + batch(2, 100, 5).len() + 2 * ENTRY_BYTES;
        // The offset and the epoch of a batch are compared with the entry, its CRC covers the
        // rest. Bytes 52 to 60 are not used and covered by the checksum all the same.
        for bit in 0..used * 8 {
            let mut bytes = sound.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::parse(&bytes).is_err(), "bit {} of byte {}", bit % 8, bit / 8);
        }
    }

    #[test]
    fn a_frame_cut_anywhere_is_an_error_and_never_a_panic() {
        let bytes = sample();
        let used = HEADER_BYTES + batch(2, 100, 5).len() + 2 * ENTRY_BYTES;
        for len in 0..used {
            assert!(Frame::parse(&bytes[..len]).is_err(), "{len} bytes");
        }
    }
}
