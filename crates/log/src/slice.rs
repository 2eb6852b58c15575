//! What a read returns: whole batches, still where they are.

use bytes::Bytes;
use smallvec::SmallVec;
use std::fs::File;
use std::sync::Arc;
use tidegate_model::Offset;

/// A run of whole batches, in memory or in a file, ready to be written to a socket.
#[derive(Debug, Clone)]
pub enum Slice {
    /// Bytes in memory; holding them keeps the engine's buffer alive.
    Memory(Bytes),
    /// Bytes of an immutable range of a file, for `sendfile`.
    File {
        /// The open file; it stays readable after it is unlinked.
        file: Arc<File>,
        /// Byte position in the file.
        position: u64,
        /// Number of bytes.
        len: usize,
    },
}

impl Slice {
    /// Number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Slice::Memory(bytes) => bytes.len(),
            Slice::File { len, .. } => *len,
        }
    }

    /// True without bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The answer to a read: batches in offset order, the first holding the offset asked for.
#[derive(Debug, Clone, Default)]
pub struct LogRead {
    /// Runs of whole batches.
    pub slices: SmallVec<[Slice; 2]>,
    /// Offset after the last batch returned; the offset asked for when there are none.
    pub next_offset: Offset,
}

impl LogRead {
    /// Bytes in all slices.
    pub fn len(&self) -> usize {
        self.slices.iter().map(Slice::len).sum()
    }

    /// True without batches.
    pub fn is_empty(&self) -> bool {
        self.slices.iter().all(Slice::is_empty)
    }

    /// Copies everything into one buffer. For coordinators' logs and tests, not for Fetch.
    pub fn to_bytes(&self) -> std::io::Result<Bytes> {
        use std::os::unix::fs::FileExt;
        if let [Slice::Memory(bytes)] = self.slices.as_slice() {
            return Ok(bytes.clone());
        }
        let mut out = vec![0; self.len()];
        let mut at = 0;
        for slice in &self.slices {
            let target = &mut out[at..at + slice.len()];
            match slice {
                Slice::Memory(bytes) => target.copy_from_slice(bytes),
                Slice::File { file, position, .. } => file.read_exact_at(target, *position)?,
            }
            at += slice.len();
        }
        Ok(out.into())
    }
}
