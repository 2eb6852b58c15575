//! The sparse index of a segment: offset, position and largest timestamp every so many bytes.
//!
//! It is kept while a segment is written, and read back from beside the segment or rebuilt by hopping
//! over batch headers when an older one is read. docs/formats/segment.md draws the file.

use crate::disk::crc32c;
use crate::frame::{u32_at, u64_at};
use tidegate_model::{Offset, TimestampMs};

const MAGIC: [u8; 8] = *b"TIDEIDX1";
const HEADER_BYTES: usize = 24;
const ENTRY_BYTES: usize = 16;

/// A batch that a search can begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    offset_delta: u32,
    position: u32,
    /// Of the batches up to the next entry.
    max_timestamp: TimestampMs,
}

/// A place in a segment where a batch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The batch's base offset.
    pub offset: Offset,
    /// The batch's position in the file.
    pub position: u64,
}

/// Batches between two entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Offset of the first batch.
    pub base_offset: Offset,
    /// Bytes in the file.
    pub bytes: (u64, u64),
    /// Largest timestamp.
    pub max_timestamp: TimestampMs,
}

/// The index of the batches from one position of a segment on.
#[derive(Debug, Clone)]
pub struct Index {
    base_offset: Offset,
    interval_bytes: u64,
    covered_from: u64,
    entries: Vec<Entry>,
}

impl Index {
    /// The index of a segment of which nothing before `covered_from` is known.
    pub fn new(base_offset: Offset, interval_bytes: u64, covered_from: u64) -> Self {
        Index { base_offset, interval_bytes, covered_from, entries: Vec::new() }
    }

    /// The position from which on batches are indexed.
    pub fn covered_from(&self) -> u64 {
        self.covered_from
    }

    /// Distance of its entries.
    pub fn interval_bytes(&self) -> u64 {
        self.interval_bytes
    }

    /// Notes the next batch of the segment.
    pub fn push(&mut self, offset: Offset, position: u64, max_timestamp: TimestampMs) {
        match self.entries.last_mut() {
            Some(last) if position - u64::from(last.position) < self.interval_bytes => {
                last.max_timestamp = last.max_timestamp.max(max_timestamp);
            }
            _ => self.entries.push(Entry {
                offset_delta: u32::try_from(offset - self.base_offset)
                    .expect("a segment is rolled before its offsets need more than 31 bits"),
                position: u32::try_from(position)
                    .expect("a segment is rolled before its positions need more than 31 bits"),
                max_timestamp,
            }),
        }
    }

    /// Puts what was found out about the beginning of the segment before what is known.
    pub fn prepend(&mut self, mut front: Index) {
        front.entries.append(&mut self.entries);
        *self = front;
    }

    fn mark(&self, entry: &Entry) -> Mark {
        let offset = self.base_offset + i64::from(entry.offset_delta);
        Mark { offset, position: u64::from(entry.position) }
    }

    /// The last batch known at or below `offset`.
    pub fn before_offset(&self, offset: Offset) -> Option<Mark> {
        let delta = offset - self.base_offset;
        let after = self.entries.partition_point(|entry| i64::from(entry.offset_delta) <= delta);
        after.checked_sub(1).map(|at| self.mark(&self.entries[at]))
    }

    /// The last batch known that begins at or below both `position` and `offset`.
    pub fn before(&self, position: u64, offset: Offset) -> Option<Mark> {
        let delta = offset - self.base_offset;
        let after = self.entries.partition_point(|entry| {
            u64::from(entry.position) <= position && i64::from(entry.offset_delta) <= delta
        });
        after.checked_sub(1).map(|at| self.mark(&self.entries[at]))
    }

    /// All intervals of the segment, which is `len` bytes long.
    pub fn intervals(&self, len: u64) -> Vec<Interval> {
        let ends = self.entries.iter().skip(1).map(|entry| u64::from(entry.position)).chain([len]);
        let interval = |(entry, end): (&Entry, u64)| {
            let Mark { offset, position } = self.mark(entry);
            Interval {
                base_offset: offset,
                bytes: (position, end),
                max_timestamp: entry.max_timestamp,
            }
        };
        self.entries.iter().zip(ends).map(interval).collect()
    }

    /// The index as a file, for a segment of `len` bytes.
    pub fn encode(&self, len: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.entries.len() * ENTRY_BYTES + 4);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&(self.entries.len() as u64).to_be_bytes());
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.offset_delta.to_be_bytes());
            bytes.extend_from_slice(&entry.position.to_be_bytes());
            bytes.extend_from_slice(&entry.max_timestamp.to_be_bytes());
        }
        let crc = crc32c(&[&bytes]);
        bytes.extend_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// Reads an index file back, with the length of segment that it covers.
    ///
    /// `None` if it is damaged: an index can always be rebuilt.
    pub fn decode(base_offset: Offset, interval_bytes: u64, bytes: &[u8]) -> Option<(Self, u64)> {
        let (body, crc) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
        if body.len() < HEADER_BYTES || body[..8] != MAGIC || crc32c(&[body]) != u32_at(crc, 0) {
            return None;
        }
        let entry = |bytes: &[u8]| Entry {
            offset_delta: u32_at(bytes, 0),
            position: u32_at(bytes, 4),
            max_timestamp: u64_at(bytes, 8) as i64,
        };
        let entries: Vec<Entry> =
            body[HEADER_BYTES..].chunks_exact(ENTRY_BYTES).map(entry).collect();
        if entries.len() as u64 != u64_at(body, 16) {
            return None;
        }
        let index = Index { base_offset, interval_bytes, covered_from: 0, entries };
        Some((index, u64_at(body, 8)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Index {
        let mut index = Index::new(1_000, 100, 0);
        for n in 0..10 {
            index.push(1_000 + n, n as u64 * 40, 500 - n);
        }
        index
    }

    #[test]
    fn lookups_find_the_last_entry_at_or_before() {
        let index = sample();
        let at = |offset| index.before_offset(offset).map(|mark| mark.position);
        assert_eq!(
            [at(999), at(1_000), at(1_002), at(1_003), at(9_999)],
            [None, Some(0), Some(0), Some(120), Some(360)]
        );
        assert_eq!(index.before(250, 9_999).map(|mark| mark.offset), Some(1_006));
        assert_eq!(index.before(250, 1_004).map(|mark| mark.offset), Some(1_003));
    }

    #[test]
    fn intervals_cover_the_segment_without_gaps_and_know_their_largest_timestamp() {
        let intervals = sample().intervals(400);
        assert_eq!(
            intervals.iter().map(|interval| interval.bytes).collect::<Vec<_>>(),
            [(0, 120), (120, 240), (240, 360), (360, 400)]
        );
        assert_eq!(intervals[1].max_timestamp, 497);
    }

    #[test]
    fn a_file_comes_back_and_every_damage_to_it_is_noticed() {
        let index = sample();
        let bytes = index.encode(400);
        let (read, len) = Index::decode(1_000, 100, &bytes).unwrap();
        assert_eq!((read.entries, len), (index.entries, 400));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Index::decode(1_000, 100, &damaged).is_none(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(Index::decode(1_000, 100, &bytes[..len]).is_none(), "{len} bytes");
        }
    }

    #[test]
    fn a_beginning_read_later_joins_what_was_indexed_while_writing() {
        let mut whole = Index::new(0, 10, 0);
        let mut late = Index::new(0, 10, 200);
        for n in 0..20 {
            whole.push(n, n as u64 * 20, 0);
            if n >= 10 {
                late.push(n, n as u64 * 20, 0);
            }
        }
        let mut front = Index::new(0, 10, 0);
        (0..10).for_each(|n| front.push(n, n as u64 * 20, 0));
        late.prepend(front);
        assert_eq!((late.covered_from, late.entries), (0, whole.entries));
    }
}
