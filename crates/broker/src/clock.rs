//! The one place where time enters the broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tidegate_machine::Now;
use tidegate_model::TimestampMs;

/// Gives wall-clock time to records and steady time to timers.
#[derive(Debug, Clone)]
pub struct Clock {
    started: Instant,
    started_at: TimestampMs,
    wall_ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that reads the system's.
    pub fn system() -> Self {
        Self::ahead_by(Arc::default())
    }

    /// A clock whose wall time is so many milliseconds ahead of the system's, and follows when they
    /// change: the system's clock as it is after somebody has set it.
    pub fn ahead_by(ms: Arc<AtomicI64>) -> Self {
        let started_at = wall_clock_ms() + ms.load(Ordering::Relaxed);
        Clock { started: Instant::now(), started_at, wall_ahead_ms: ms }
    }

    /// Milliseconds since the Unix epoch, as records are stamped; follows adjustments of the
    /// system's clock.
    pub fn wall_ms(&self) -> TimestampMs {
        wall_clock_ms() + self.wall_ahead_ms.load(Ordering::Relaxed)
    }

    /// Milliseconds that never step back, near the wall clock: for sessions and timers, which an
    /// adjusted system clock must not expire.
    pub fn steady_ms(&self) -> TimestampMs {
        self.started_at + self.started.elapsed().as_millis() as i64
    }

    /// Both, for a coordinator.
    pub fn now(&self) -> Now {
        Now { steady_ms: self.steady_ms(), wall_ms: self.wall_ms() }
    }
}

fn wall_clock_ms() -> TimestampMs {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}
