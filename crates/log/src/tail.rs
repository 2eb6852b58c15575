//! Recent batches in memory, in offset order, as slices of the buffers they arrived in.
//!
//! The in-memory engine keeps whole logs this way; the local one what is not in segments yet.

use crate::slice::{LogRead, Slice};
use crate::store::{BatchQuery, EpochStart, ReadRequest};
use bytes::Bytes;
use std::collections::VecDeque;
use tidegate_model::{BatchHeader, Batches, LeaderEpoch, Offset, TimestampMs};

/// One or more whole batches that lie back to back in one buffer.
#[derive(Debug, Clone)]
pub struct TailEntry {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Offset after the last record.
    pub next_offset: Offset,
    /// Largest timestamp of the batches.
    pub max_timestamp: TimestampMs,
    /// The engine's own number of the commit that brought it.
    pub stamp: u64,
    /// The batches.
    pub bytes: Bytes,
}

impl TailEntry {
    /// Drops the batches that end at or below `offset` from the front.
    pub fn cut_front(&mut self, offset: Offset) {
        if self.base_offset < offset {
            self.bytes = self.bytes.slice(position_of(&self.bytes, offset)..);
            let first = BatchHeader::parse(&self.bytes);
            self.base_offset = first.map_or(self.next_offset, |header| header.base_offset);
        }
    }
}

/// A run of batches in memory.
#[derive(Debug, Default)]
pub struct Tail {
    entries: VecDeque<TailEntry>,
    bytes: u64,
}

impl Tail {
    /// Adds batches after all others.
    pub fn push(&mut self, entry: TailEntry) {
        if let Some(last) = self.entries.back() {
            assert!(last.next_offset <= entry.base_offset, "a tail is in offset order");
        }
        self.bytes += entry.bytes.len() as u64;
        self.entries.push_back(entry);
    }

    /// The oldest entry.
    pub fn front(&self) -> Option<&TailEntry> {
        self.entries.front()
    }

    /// The entries in offset order.
    pub fn iter(&self) -> impl Iterator<Item = &TailEntry> {
        self.entries.iter()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of all batches.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Drops the entries that end at or below `offset` and says how many bytes they had.
    pub fn drop_below(&mut self, offset: Offset) -> u64 {
        let before = self.bytes;
        while self.entries.front().is_some_and(|entry| entry.next_offset <= offset) {
            if let Some(entry) = self.entries.pop_front() {
                self.bytes -= entry.bytes.len() as u64;
            }
        }
        // A burst must not leave its room behind in each of ten thousand partitions.
        if self.entries.is_empty() && self.entries.capacity() > 16 {
            self.entries = VecDeque::new();
        }
        before - self.bytes
    }

    /// Adds to `read` what `request` asks for and is here.
    ///
    /// `request.max_bytes` and `at_least_one_batch` bound what is added, not what `read` holds.
    pub fn read(&self, request: &ReadRequest, read: &mut LogRead) {
        if request.from >= request.upper {
            return;
        }
        let mut left = request.max_bytes;
        let mut first = request.at_least_one_batch;
        let start = self.entries.partition_point(|entry| entry.next_offset <= request.from);
        for entry in self.entries.range(start..) {
            if entry.base_offset >= request.upper {
                break;
            }
            let begin = match entry.base_offset < request.from {
                true => position_of(&entry.bytes, request.from),
                false => 0,
            };
            let rest = entry.bytes.len() - begin;
            let whole = rest <= left && entry.next_offset <= request.upper;
            let (len, next_offset) = match whole {
                true => (rest, entry.next_offset),
                false => cut(&entry.bytes[begin..], request.upper, left, first),
            };
            if len == 0 {
                break;
            }
            read.slices.push(Slice::Memory(entry.bytes.slice(begin..begin + len)));
            read.next_offset = next_offset;
            if len < rest {
                break;
            }
            left = left.saturating_sub(len);
            first = false;
        }
    }

    /// Bytes from the batch that holds `from` on, of batches that start below `upper`.
    pub fn bytes_between(&self, from: Offset, upper: Offset) -> u64 {
        let start = self.entries.partition_point(|entry| entry.next_offset <= from);
        let mut bytes = 0;
        for entry in self.entries.range(start..) {
            if entry.base_offset >= upper {
                break;
            }
            let begin = match entry.base_offset < from {
                true => position_of(&entry.bytes, from),
                false => 0,
            };
            bytes += match entry.next_offset <= upper {
                true => entry.bytes.len() - begin,
                false => cut(&entry.bytes[begin..], upper, usize::MAX, true).0,
            } as u64;
        }
        bytes
    }

    /// Lets `search` see the batches that may be what it looks for.
    pub fn search(&self, search: &mut BatchSearch) {
        for entry in &self.entries {
            if search.is_over() || entry.base_offset >= search.upper {
                break;
            }
            if search.wants(entry.max_timestamp) {
                search.look(&entry.bytes);
            }
        }
    }
}

/// Byte position of the first batch in `bytes` that ends above `from`.
fn position_of(bytes: &[u8], from: Offset) -> usize {
    Batches::new(bytes)
        .map_while(Result::ok)
        .find(|(_, header)| header.next_offset() > from)
        .map_or(bytes.len(), |(at, _)| at)
}

/// How many bytes of `bytes` a read may return, and the offset after them.
fn cut(bytes: &[u8], upper: Offset, max_bytes: usize, first: bool) -> (usize, Offset) {
    let mut len = 0;
    let mut next_offset = 0;
    for (at, header) in Batches::new(bytes).map_while(Result::ok) {
        let fits = at + header.len <= max_bytes || (at == 0 && first);
        if header.base_offset >= upper || !fits {
            break;
        }
        len = at + header.len;
        next_offset = header.next_offset();
    }
    (len, next_offset)
}

/// A search for one batch by timestamp, fed with batches in offset order.
#[derive(Debug)]
pub struct BatchSearch {
    query: BatchQuery,
    lower: Offset,
    upper: Offset,
    found: Option<(BatchHeader, Bytes)>,
}

impl BatchSearch {
    /// A search among the batches that end above `lower` and start below `upper`.
    pub fn new(query: BatchQuery, lower: Offset, upper: Offset) -> Self {
        BatchSearch { query, lower, upper, found: None }
    }

    /// Only batches that start below this offset count.
    pub fn upper(&self) -> Offset {
        self.upper
    }

    /// True when nothing that comes later can change the result.
    pub fn is_over(&self) -> bool {
        matches!(self.query, BatchQuery::TimestampAtLeast(_)) && self.found.is_some()
    }

    /// True if batches of which the largest timestamp is `max_timestamp` may be the answer.
    pub fn wants(&self, max_timestamp: TimestampMs) -> bool {
        match (self.query, &self.found) {
            (BatchQuery::TimestampAtLeast(at), None) => max_timestamp >= at,
            (BatchQuery::TimestampAtLeast(_), Some(_)) => false,
            (BatchQuery::MaxTimestamp, found) => {
                found.as_ref().is_none_or(|(header, _)| max_timestamp > header.max_timestamp)
            }
        }
    }

    /// Takes whole batches that lie back to back.
    pub fn look(&mut self, bytes: &Bytes) {
        for (at, header) in Batches::new(bytes).map_while(Result::ok) {
            if header.base_offset >= self.upper || self.is_over() {
                break;
            }
            if header.next_offset() > self.lower && self.wants(header.max_timestamp) {
                self.found = Some((header, bytes.slice(at..at + header.len)));
            }
        }
    }

    /// The batch found.
    pub fn finish(self) -> Option<Bytes> {
        self.found.map(|(_, bytes)| bytes)
    }

    /// What is looked for.
    pub fn query(&self) -> BatchQuery {
        self.query
    }
}

/// A partition's history of leader epochs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct EpochHistory(Vec<EpochStart>);

impl EpochHistory {
    /// The history that was written down.
    pub fn from_starts(starts: Vec<EpochStart>) -> Self {
        EpochHistory(starts)
    }

    /// Notes that the records from `start_offset` on were appended under `leader_epoch`.
    pub fn append(&mut self, leader_epoch: LeaderEpoch, start_offset: Offset) {
        if self.0.last().is_none_or(|last| last.leader_epoch < leader_epoch) {
            self.0.push(EpochStart { leader_epoch, start_offset });
        }
    }

    /// Forgets the epochs that ended at or below `log_start_offset`. The first one left starts there
    /// (Kafka's `LeaderEpochFileCache.truncateFromStart`).
    pub fn trim(&mut self, log_start_offset: Offset) {
        let first = self.0.partition_point(|start| start.start_offset <= log_start_offset);
        let Some(first) = first.checked_sub(1) else { return };
        self.0.drain(..first);
        self.0[0].start_offset = log_start_offset;
    }

    /// The epochs in rising order.
    pub fn starts(&self) -> &[EpochStart] {
        &self.0
    }

    /// The newest epoch.
    pub fn last(&self) -> Option<LeaderEpoch> {
        self.0.last().map(|start| start.leader_epoch)
    }
}
