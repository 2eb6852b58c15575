//! Whether there is room, and who found that there is none.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

/// Who ran out of room.
#[derive(Debug, Clone, Copy)]
pub enum Shortage {
    /// Segments cannot be written: nothing more is taken, for it could not leave memory.
    Flush = 1,
    /// The checkpoint cannot be written: the write-ahead log cannot be used again.
    Checkpoint = 2,
    /// The write-ahead log cannot get another file: what it has may still be filled.
    Extend = 4,
}

/// The shortages there are now.
#[derive(Debug, Default)]
pub struct Full {
    flags: AtomicU8,
    message: Mutex<String>,
}

impl Full {
    /// Notes a shortage and says so once.
    pub fn begin(&self, shortage: Shortage, message: String) {
        let before = self.flags.fetch_or(shortage as u8, Ordering::SeqCst);
        if before & shortage as u8 == 0 {
            tracing::warn!(target: "tidegate::log", ?shortage, error = %message, "no space, appends are refused");
        }
        *self.message.lock() = message;
    }

    /// Notes that there is room again.
    pub fn end(&self, shortage: Shortage) {
        if self.flags.load(Ordering::Relaxed) & shortage as u8 == 0 {
            return;
        }
        self.flags.fetch_and(!(shortage as u8), Ordering::SeqCst);
        tracing::info!(target: "tidegate::log", ?shortage, "space is back");
    }

    /// True while nothing at all may be taken.
    pub fn refuses_all(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & (Shortage::Flush as u8 | Shortage::Checkpoint as u8)
            != 0
    }

    /// True while the write-ahead log must do with the files it has.
    pub fn cannot_extend(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & Shortage::Extend as u8 != 0
    }

    /// True if anything is short.
    pub fn is_short(&self) -> bool {
        self.flags.load(Ordering::Relaxed) != 0
    }

    /// What was said about it last.
    pub fn message(&self) -> String {
        self.message.lock().clone()
    }
}
