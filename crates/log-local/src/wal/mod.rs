//! The write-ahead log: group commit without waiting for a group.
//!
//! Appends gather in the open frame while the thread of this module writes the one before. The
//! frame's buffer is what is written, and afterwards what is read: an append is copied once.

mod file;
mod ring;

pub use file::{WalFile, WriteMode, file_number};
pub use ring::{Ring, RingFiles, choose_mode};

use crate::buffer::{FrameBuffer, Pool};
use crate::disk::{blocks, fatal};
use crate::frame::{
    ENTRY_BYTES, EntryKind, FrameEntry, FrameHeader, HEADER_BYTES, append_bytes_max,
};
use crate::full::Full;
use crate::partition::Partition;
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tidegate_log::{Append, LogError};
use tidegate_model::{Offset, TimestampMs};

/// The rest of a chunk is not worth a frame below this size.
const FRAME_ROOM_MIN: usize = 64 << 10;

/// Kept back from appends while the log cannot grow, so that trims and deletions still fit: they are
/// what makes room.
const CONTROL_RESERVE_BYTES: u64 = 128 << 10;

/// After so long without appends an empty frame is written. It says that the one before was durable,
/// so that damage to that one is not taken for a torn end.
const MARK_AFTER: Duration = Duration::from_millis(200);

/// An entry of a frame that is not written yet, or just was.
pub struct Entry {
    /// The partition.
    pub partition: Arc<Partition>,
    /// The entry as it will be written.
    pub written: FrameEntry,
    /// Largest timestamp of an append.
    pub max_timestamp: TimestampMs,
    /// Where its batches begin in the frame.
    pub at: usize,
}

/// A frame that gathers entries.
struct Gathering {
    lsn: u64,
    buffer: FrameBuffer,
    entries: Vec<Entry>,
    appends: u64,
}

/// A frame that is durable, as far as `sync` asks for it.
pub struct Written {
    /// Its number.
    pub lsn: u64,
    /// Its bytes; the entries' batches are slices of them.
    pub bytes: Bytes,
    /// Its entries.
    pub entries: Vec<Entry>,
    /// Appends in it; entries of one partition that follow each other are merged.
    pub appends: u64,
    /// File and position after it.
    pub end: (u32, u64),
    /// Time the write took.
    pub nanos: u64,
}

struct State {
    open: Gathering,
    sealed: VecDeque<Gathering>,
    /// Bytes of batches in frames that are not durable.
    pending_bytes: u64,
    /// Bytes that those frames take in the files.
    pending_frame_bytes: u64,
    /// The writing thread sleeps.
    idle: bool,
    /// No frame says yet that the last one with entries is durable.
    unmarked: bool,
    /// Nothing more is taken; what was is still written.
    closing: bool,
    /// Nothing more is written.
    stop: bool,
}

/// Who wrote a log, as its frames say.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// Of the store, drawn when it was made.
    pub store_id: u64,
    /// How many times it has been opened.
    pub incarnation: u64,
}

/// How far the log has got, for checkpoints.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Number of the last frame whose entries are all in their partitions.
    pub lsn: u64,
    /// File and position after it.
    pub end: (u32, u64),
}

/// The log as those who append to it see it.
pub struct Wal {
    state: Mutex<State>,
    work: Condvar,
    /// The files.
    pub ring: Ring,
    pool: Arc<Pool>,
    full: Arc<Full>,
    identity: Identity,
    mode: WriteMode,
    progress: Mutex<Progress>,
    progressed: Condvar,
    /// The highest frame known to be on the disk.
    synced_lsn: AtomicU64,
}

impl Gathering {
    fn new(lsn: u64, buffer: FrameBuffer) -> Self {
        let mut frame = Gathering { lsn, buffer, entries: Vec::new(), appends: 0 };
        frame.buffer.put(&[0; HEADER_BYTES]);
        frame
    }

    /// Bytes of the frame with `more` bytes and one more entry.
    fn len_with(&self, more: usize) -> usize {
        blocks(self.buffer.len() + more + (self.entries.len() + 1) * ENTRY_BYTES)
    }

    fn len(&self) -> usize {
        blocks(self.buffer.len() + self.entries.len() * ENTRY_BYTES)
    }

    fn push(&mut self, partition: &Arc<Partition>, append: &Append<'_>) {
        let at = self.buffer.len();
        self.buffer.put(append.batches);
        self.appends += 1;
        let len = append.batches.len() as u32;
        if let Some(last) = self.entries.last_mut()
            && Arc::ptr_eq(&last.partition, partition)
            && last.written.kind == EntryKind::Append
            && last.written.leader_epoch == append.leader_epoch
        {
            last.written.next_offset = append.next_offset;
            last.written.len += len;
            last.max_timestamp = last.max_timestamp.max(append.max_timestamp);
            return;
        }
        let written = FrameEntry {
            partition: partition.id(),
            kind: EntryKind::Append,
            leader_epoch: append.leader_epoch,
            base_offset: append.base_offset,
            next_offset: append.next_offset,
            len,
        };
        let max_timestamp = append.max_timestamp;
        self.entries.push(Entry { partition: partition.clone(), written, max_timestamp, at });
    }
}

impl Wal {
    /// A log that goes on after `progress`.
    pub fn new(
        ring: Ring,
        mode: WriteMode,
        pool: Arc<Pool>,
        full: Arc<Full>,
        identity: Identity,
        progress: Progress,
    ) -> Self {
        let open = Gathering::new(progress.lsn + 1, pool.buffer(1));
        Wal {
            state: Mutex::new(State {
                open,
                sealed: VecDeque::new(),
                pending_bytes: 0,
                pending_frame_bytes: 0,
                idle: false,
                unmarked: false,
                closing: false,
                stop: false,
            }),
            work: Condvar::new(),
            ring,
            pool,
            full,
            identity,
            mode,
            progress: Mutex::new(progress),
            progressed: Condvar::new(),
            synced_lsn: AtomicU64::new(progress.lsn),
        }
    }

    /// Who writes.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Takes an append into the open frame and returns the frame's number.
    pub fn append(&self, partition: &Arc<Partition>, append: &Append<'_>) -> Result<u64, LogError> {
        let len = append.batches.len();
        let max = append_bytes_max(self.ring.frame_bytes_max());
        if len as u64 > max {
            return Err(LogError::TooLarge { len, max });
        }
        let mut state = self.state.lock();
        if state.closing {
            return Err(closed());
        }
        if self.full.is_short() {
            self.check_room(&state, len)?;
        }
        if state.open.len_with(len) > state.open.buffer.capacity() {
            self.seal(&mut state, len);
        }
        state.open.push(partition, append);
        state.pending_bytes += len as u64;
        let lsn = state.open.lsn;
        self.wake(state);
        Ok(lsn)
    }

    fn check_room(&self, state: &State, len: usize) -> Result<(), LogError> {
        let pending = state.pending_frame_bytes + state.open.len_with(len) as u64;
        // A frame may find no room at a file's end, which then stays empty.
        let wasted = pending.min(self.ring.frame_bytes_max() / 4);
        let short = pending + wasted + CONTROL_RESERVE_BYTES > self.ring.available();
        match self.full.refuses_all() || (self.full.cannot_extend() && short) {
            true => Err(LogError::Full(self.full.message())),
            false => Ok(()),
        }
    }

    /// Takes a trim or a deletion, which need next to no room, even when there is none for appends.
    pub fn control(
        &self,
        partition: &Arc<Partition>,
        kind: EntryKind,
        offset: Offset,
    ) -> Result<u64, LogError> {
        let mut state = self.state.lock();
        if state.closing {
            return Err(closed());
        }
        if state.open.len_with(0) > state.open.buffer.capacity() {
            self.seal(&mut state, 0);
        }
        let written = FrameEntry {
            partition: partition.id(),
            kind,
            leader_epoch: -1,
            base_offset: offset,
            next_offset: offset,
            len: 0,
        };
        let at = state.open.buffer.len();
        state.open.entries.push(Entry {
            partition: partition.clone(),
            written,
            max_timestamp: 0,
            at,
        });
        let lsn = state.open.lsn;
        self.wake(state);
        Ok(lsn)
    }

    fn wake(&self, mut state: parking_lot::MutexGuard<'_, State>) {
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        if idle {
            self.work.notify_one();
        }
    }

    /// Ends the open frame and begins one with room for `len` bytes.
    fn seal(&self, state: &mut State, len: usize) {
        let room = FrameHeader::frame_len(len, 1);
        if state.open.entries.is_empty() {
            state.open.buffer = self.pool.buffer(room);
            state.open.buffer.put(&[0; HEADER_BYTES]);
            return;
        }
        let sealed = self.replace_open(state, room);
        state.sealed.push_back(sealed);
    }

    /// Puts a new frame with at least `room` bytes in place of the open one.
    fn replace_open(&self, state: &mut State, room: usize) -> Gathering {
        let lsn = state.open.lsn + 1;
        let len = state.open.len();
        let rest = state.open.buffer.split(len);
        let buffer = match rest.capacity() >= room.max(FRAME_ROOM_MIN) {
            true => rest,
            false => self.pool.buffer(room),
        };
        state.pending_frame_bytes += len as u64;
        std::mem::replace(&mut state.open, Gathering::new(lsn, buffer))
    }

    /// The next frame to write; waits for one. `None` when nothing more is to be written.
    fn next(&self) -> Option<Gathering> {
        let mut state = self.state.lock();
        loop {
            if state.stop {
                return None;
            }
            if let Some(sealed) = state.sealed.pop_front() {
                state.unmarked = self.mode != WriteMode::Buffered;
                return Some(sealed);
            }
            if !state.open.entries.is_empty() {
                state.unmarked = self.mode != WriteMode::Buffered;
                return Some(self.replace_open(&mut state, FRAME_ROOM_MIN));
            }
            if state.closing {
                return None;
            }
            state.idle = true;
            if !state.unmarked {
                self.work.wait(&mut state);
            } else if self.work.wait_for(&mut state, MARK_AFTER).timed_out() && state.idle {
                state.unmarked = false;
                return Some(self.replace_open(&mut state, FRAME_ROOM_MIN));
            }
        }
    }

    /// Writes frames until the store closes. `before` may hold a write back, `after` gets each frame
    /// once it is durable.
    pub fn run(&self, before: impl Fn(), after: impl Fn(Written)) {
        while let Some(frame) = self.next() {
            before();
            let Some(written) = self.write(frame) else { break };
            let (lsn, end) = (written.lsn, written.end);
            {
                let mut state = self.state.lock();
                state.pending_bytes -= payload_len(&written);
                state.pending_frame_bytes -= written.bytes.len() as u64;
            }
            after(written);
            *self.progress.lock() = Progress { lsn, end };
            self.progressed.notify_all();
        }
    }

    fn write(&self, frame: Gathering) -> Option<Written> {
        let Gathering { lsn, mut buffer, entries, appends } = frame;
        let payload_len = buffer.len() - HEADER_BYTES;
        let mut trailer = Vec::with_capacity(entries.len() * ENTRY_BYTES);
        entries.iter().for_each(|entry| trailer.extend_from_slice(&entry.written.encode()));
        buffer.put(&trailer);
        let frame_len = blocks(buffer.len());
        buffer.put(&[0; crate::disk::BLOCK_BYTES][..frame_len - buffer.len()]);
        let header = FrameHeader {
            store_id: self.identity.store_id,
            incarnation: self.identity.incarnation,
            lsn,
            durable_lsn: self.synced_lsn(),
            payload_len: payload_len as u32,
            entry_count: entries.len() as u32,
            frame_len: frame_len as u32,
        };
        buffer.put_at(0, &header.encode(&trailer));
        let bytes = buffer.freeze();
        let (file, position) = self.ring.place(frame_len as u64, lsn)?;
        let begun = Instant::now();
        if let Err(error) = file.write(&bytes, position) {
            fatal("write to", file.path(), &error);
        }
        let nanos = begun.elapsed().as_nanos() as u64;
        if self.mode != WriteMode::Buffered {
            self.synced_lsn.store(lsn, Ordering::Release);
        }
        let end = (file.number(), position + frame_len as u64);
        Some(Written { lsn, bytes, entries, appends, end, nanos })
    }

    fn synced_lsn(&self) -> u64 {
        self.synced_lsn.load(Ordering::Acquire)
    }

    /// Makes durable what has been written, if writes do not do that themselves. True if there was
    /// anything to do.
    pub fn sync(&self) -> bool {
        if self.mode != WriteMode::Buffered {
            return false;
        }
        let lsn = self.progress().lsn;
        let is_behind = self.synced_lsn() < lsn;
        if is_behind {
            self.ring.sync();
            self.synced_lsn.fetch_max(lsn, Ordering::AcqRel);
        }
        is_behind
    }

    /// Number of the frame that gathers: what is appended from now on comes in it or later.
    pub fn open_lsn(&self) -> u64 {
        self.state.lock().open.lsn
    }

    /// How far the log has got.
    pub fn progress(&self) -> Progress {
        *self.progress.lock()
    }

    /// Waits until everything taken so far is durable and in its partitions.
    ///
    /// False if that cannot be awaited: the store stops, or no file is free, and whoever waits here may
    /// be the one to free it.
    pub fn barrier(&self) -> bool {
        let lsn = {
            let state = self.state.lock();
            state.open.lsn - u64::from(state.open.entries.is_empty())
        };
        let mut progress = self.progress.lock();
        while progress.lsn < lsn {
            if self.ring.is_starving() || self.state.lock().stop {
                return false;
            }
            self.progressed.wait_for(&mut progress, Duration::from_millis(10));
        }
        true
    }

    /// Bytes of batches taken and not durable.
    pub fn pending_bytes(&self) -> u64 {
        self.state.lock().pending_bytes
    }

    /// True once nothing more is taken.
    pub fn is_closing(&self) -> bool {
        self.state.lock().closing
    }

    /// True once nothing more is written.
    pub fn is_stopped(&self) -> bool {
        self.state.lock().stop
    }

    /// Refuses everything from now on; what was taken is still written.
    pub fn close(&self) {
        self.state.lock().closing = true;
        self.work.notify_all();
    }

    /// Ends the writing as soon as possible.
    pub fn stop(&self) {
        {
            let mut state = self.state.lock();
            state.closing = true;
            state.stop = true;
        }
        self.work.notify_all();
        self.ring.stop();
    }
}

fn payload_len(written: &Written) -> u64 {
    written.entries.iter().map(|entry| u64::from(entry.written.len)).sum()
}

/// What a closed store answers.
pub fn closed() -> LogError {
    LogError::Unavailable("the store is closed".to_owned())
}
