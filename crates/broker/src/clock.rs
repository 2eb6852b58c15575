//! The one place where time enters the broker.

use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tidegate_model::TimestampMs;

/// Gives wall-clock time to records and steady time to timers.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    started_at: TimestampMs,
}

impl Clock {
    /// A clock that reads the system's.
    pub fn system() -> Self {
        Clock { started: Instant::now(), started_at: wall_clock_ms() }
    }

    /// Milliseconds since the Unix epoch, as records are stamped; follows adjustments of the
    /// system's clock.
    pub fn wall_ms(&self) -> TimestampMs {
        wall_clock_ms()
    }

    /// Milliseconds that never step back, near the wall clock: for sessions and timers, which an
    /// adjusted system clock must not expire.
    pub fn steady_ms(&self) -> TimestampMs {
        self.started_at + self.started.elapsed().as_millis() as i64
    }
}

fn wall_clock_ms() -> TimestampMs {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}
