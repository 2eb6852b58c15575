//! Says that the disk is slow, before somebody looks for the reason elsewhere.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A write of the log that takes longer is worth a line: every acknowledgement waits for it.
const SLOW: Duration = Duration::from_secs(1);

/// At most one line in so long, with what happened in between.
const PAUSE: Duration = Duration::from_secs(10);

/// The slow writes of a store.
#[derive(Debug, Default)]
pub struct SlowWrites {
    total: AtomicU64,
    told: Mutex<Told>,
}

/// What was said last.
#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    /// Slow writes since then.
    silent: u64,
}

impl SlowWrites {
    /// Looks at a write of `len` bytes that took so long until it was on the disk.
    pub fn look(&self, nanos: u64, len: usize) {
        let took = Duration::from_nanos(nanos);
        if took < SLOW {
            return;
        }
        self.total.fetch_add(1, Ordering::Relaxed);
        let Some(silent) = self.may_tell() else { return };
        let took_ms = took.as_millis();
        tracing::warn!(target: "tidegate::log", took_ms, bytes = len, more = silent, "the disk is slow");
    }

    /// How many were not told since the last line, if it is time for another. A line is written after
    /// the lock is given back: whoever reads standard error may be slow himself.
    fn may_tell(&self) -> Option<u64> {
        let mut told = self.told.lock();
        if told.at.is_some_and(|at| at.elapsed() < PAUSE) {
            told.silent += 1;
            return None;
        }
        let before = std::mem::replace(&mut *told, Told { at: Some(Instant::now()), silent: 0 });
        Some(before.silent)
    }

    /// How many there have been.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_writes_are_counted_and_others_are_not() {
        let slow = SlowWrites::default();
        slow.look(999_999_999, 4096);
        assert_eq!(slow.total(), 0);
        slow.look(1_000_000_000, 4096);
        slow.look(5_000_000_000, 4096);
        assert_eq!((slow.total(), slow.told.lock().silent), (2, 1));
    }
}
