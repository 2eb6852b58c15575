//! Memory that appends are copied into once: written to the disk from there, read from there.
//!
//! ```text
//! chunk   ├─ frame 7 ──────┼─ frame 8 ─┼─ frame 9, being filled ──────────────┤
//!          frozen: Bytes     frozen      FrameBuffer, the only one that writes
//! ```
//!
//! A chunk goes back to the pool when the last `Bytes` into it is gone. So what the pool counts as
//! live is the memory that tails and readers really keep.

use crate::disk::{BLOCK_BYTES, blocks};
use bytes::Bytes;
use parking_lot::Mutex;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Chunks kept for reuse when they are not in use.
const FREE_CHUNKS_MAX: usize = 8;

/// Where chunks come from and go back to.
#[derive(Debug)]
pub struct Pool {
    chunk_bytes: usize,
    live_bytes: AtomicUsize,
    free: Mutex<Vec<Block>>,
}

/// One aligned allocation.
#[derive(Debug)]
struct Block {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a block is plain memory; who may touch which part of it is settled by `FrameBuffer`.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    fn layout(len: usize) -> Layout {
        Layout::from_size_align(len, BLOCK_BYTES).expect("sizes are far below the address space")
    }

    fn new(len: usize) -> Self {
        assert!(len > 0 && len.is_multiple_of(BLOCK_BYTES), "chunks are whole blocks");
        // SAFETY: the layout's size is not zero. Zeroed, so that all of it is initialised for good.
        let start = unsafe { alloc_zeroed(Self::layout(len)) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(Self::layout(len)) };
        Block { start, len }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with the same layout, and nothing refers to it any more.
        unsafe { dealloc(self.start.as_ptr(), Self::layout(self.len)) }
    }
}

/// A block in use. Goes back to the pool when nobody refers to it.
#[derive(Debug)]
struct Chunk {
    block: Option<Block>,
    pool: Arc<Pool>,
}

impl Chunk {
    fn block(&self) -> &Block {
        self.block.as_ref().expect("a chunk has its block until it is dropped")
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let Some(block) = self.block.take() else { return };
        self.pool.live_bytes.fetch_sub(block.len, Ordering::Relaxed);
        let mut free = self.pool.free.lock();
        if block.len == self.pool.chunk_bytes && free.len() < FREE_CHUNKS_MAX {
            free.push(block);
        }
    }
}

impl Pool {
    /// A pool of chunks of `chunk_bytes`.
    pub fn new(chunk_bytes: usize) -> Arc<Self> {
        let chunk_bytes = blocks(chunk_bytes);
        Arc::new(Pool { chunk_bytes, live_bytes: AtomicUsize::new(0), free: Mutex::default() })
    }

    /// Bytes of all chunks in use.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes.load(Ordering::Relaxed) as u64
    }

    /// A buffer with room for at least `len` bytes.
    pub fn buffer(self: &Arc<Self>, len: usize) -> FrameBuffer {
        let len = blocks(len).max(self.chunk_bytes);
        let reused = match len == self.chunk_bytes {
            true => self.free.lock().pop(),
            false => None,
        };
        let block = reused.unwrap_or_else(|| Block::new(len));
        self.live_bytes.fetch_add(len, Ordering::Relaxed);
        let chunk = Arc::new(Chunk { block: Some(block), pool: self.clone() });
        FrameBuffer { chunk, start: 0, end: len, len: 0 }
    }
}

/// The unfrozen rest of a chunk, aligned to a block. Nobody else reads or writes its range.
#[derive(Debug)]
pub struct FrameBuffer {
    chunk: Arc<Chunk>,
    start: usize,
    end: usize,
    len: usize,
}

impl FrameBuffer {
    /// Bytes that fit in all.
    pub fn capacity(&self) -> usize {
        self.end - self.start
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.len
    }

    fn address(&self, at: usize) -> *mut u8 {
        // SAFETY: callers keep `at` within the buffer, which lies within the block.
        unsafe { self.chunk.block().start.as_ptr().add(self.start + at) }
    }

    /// Appends `bytes`.
    pub fn put(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.capacity() - self.len, "the frame's room was checked");
        // SAFETY: the target lies within this buffer's own range, which nothing else refers to.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.address(self.len), bytes.len());
        }
        self.len += bytes.len();
    }

    /// Appends `len` bytes that `fill` writes.
    pub fn put_with<E>(
        &mut self,
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        assert!(len <= self.capacity() - self.len, "the frame's room was checked");
        // SAFETY: the range is this buffer's own, and blocks are initialised.
        let target = unsafe { std::slice::from_raw_parts_mut(self.address(self.len), len) };
        fill(target)?;
        self.len += len;
        Ok(())
    }

    /// Overwrites what was written at `at`.
    pub fn put_at(&mut self, at: usize, bytes: &[u8]) {
        assert!(at + bytes.len() <= self.len, "only what was written is overwritten");
        // SAFETY: as in `put`.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.address(at), bytes.len()) }
    }

    /// Cuts the buffer at `len` bytes, a whole number of blocks: this one keeps what was written,
    /// the rest is returned.
    pub fn split(&mut self, len: usize) -> FrameBuffer {
        assert!(len.is_multiple_of(BLOCK_BYTES) && len >= self.len && len <= self.capacity());
        let at = self.start + len;
        let rest = FrameBuffer { chunk: self.chunk.clone(), start: at, end: self.end, len: 0 };
        self.end = at;
        rest
    }

    /// What was written, never to change again.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(Frozen { chunk: self.chunk, start: self.start, len: self.len })
    }
}

/// A range of a chunk that nobody writes any more.
struct Frozen {
    chunk: Arc<Chunk>,
    start: usize,
    len: usize,
}

impl AsRef<[u8]> for Frozen {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the range was written through its only `FrameBuffer`, which `freeze` consumed; the
        // chunk lives as long as `self`.
        unsafe {
            std::slice::from_raw_parts(self.chunk.block().start.as_ptr().add(self.start), self.len)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_frames_keep_their_bytes_while_the_rest_of_the_chunk_is_written() {
        let pool = Pool::new(16 * BLOCK_BYTES);
        let mut first = pool.buffer(1);
        first.put(b"one");
        let mut second = first.split(BLOCK_BYTES);
        let first = first.freeze();
        second.put(&[7; 5000]);
        assert_eq!(first, b"one"[..]);
        assert_eq!(second.capacity(), 15 * BLOCK_BYTES);
        assert_eq!(second.freeze(), [7; 5000][..]);
        assert_eq!(first.as_ptr() as usize % BLOCK_BYTES, 0);
    }

    #[test]
    fn a_chunk_is_live_until_the_last_slice_of_it_is_gone_and_then_used_again() {
        let pool = Pool::new(BLOCK_BYTES);
        let mut buffer = pool.buffer(10);
        buffer.put(b"abc");
        let bytes = buffer.freeze();
        let (address, slice) = (bytes.as_ptr(), bytes.slice(1..2));
        drop(bytes);
        assert_eq!(pool.live_bytes(), BLOCK_BYTES as u64);
        drop(slice);
        assert_eq!(pool.live_bytes(), 0);
        let mut again = pool.buffer(10);
        again.put(b"x");
        assert_eq!(again.freeze().as_ptr(), address);
    }

    #[test]
    fn a_large_frame_gets_memory_of_its_own_that_is_not_kept() {
        let pool = Pool::new(BLOCK_BYTES);
        let buffer = pool.buffer(10 * BLOCK_BYTES + 1);
        assert_eq!(buffer.capacity(), 11 * BLOCK_BYTES);
        assert_eq!(pool.live_bytes(), 11 * BLOCK_BYTES as u64);
        drop(buffer);
        assert_eq!((pool.live_bytes(), pool.free.lock().len()), (0, 0));
    }
}
