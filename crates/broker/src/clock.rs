//! The one place where time enters the broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tidegate_machine::Now;
use tidegate_metrics::Counter;
use tidegate_model::TimestampMs;
use tracing::warn;

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

    /// How far the wall clock is ahead of the steady one: the same at all times, but for jumps.
    fn wall_ahead_of_steady_ms(&self) -> i64 {
        self.wall_ms() - self.steady_ms()
    }

    /// Both, for a coordinator.
    pub fn now(&self) -> Now {
        Now { steady_ms: self.steady_ms(), wall_ms: self.wall_ms() }
    }
}

/// A smaller step is what keeping a clock right looks like.
const JUMP_MS_MIN: i64 = 2_000;

/// Finds out when somebody sets the system's clock, or when the machine slept: records are stamped by
/// it, and retention and the expiry of offsets go by it.
#[derive(Debug)]
pub struct ClockJumps {
    clock: Clock,
    ahead_ms: AtomicI64,
    /// Jumps to a later time.
    pub forward: Counter,
    /// Jumps to an earlier time.
    pub back: Counter,
}

impl ClockJumps {
    /// Nothing has jumped yet.
    pub fn new(clock: Clock) -> Self {
        let ahead_ms = AtomicI64::new(clock.wall_ahead_of_steady_ms());
        ClockJumps { clock, ahead_ms, forward: Counter::default(), back: Counter::default() }
    }

    /// Looks whether the wall clock has jumped since the last look. Slow drift is no jump.
    pub fn look(&self) {
        let ahead_ms = self.clock.wall_ahead_of_steady_ms();
        let by_ms = ahead_ms - self.ahead_ms.swap(ahead_ms, Ordering::Relaxed);
        if by_ms.abs() < JUMP_MS_MIN {
            return;
        }
        if by_ms > 0 {
            self.forward.inc()
        } else {
            self.back.inc()
        }
        warn!(target: "tidegate::server", by_ms, "the wall clock jumped");
    }
}

fn wall_clock_ms() -> TimestampMs {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_counted_once_and_drift_is_not() {
        let ahead = Arc::new(AtomicI64::new(0));
        let jumps = ClockJumps::new(Clock::ahead_by(ahead.clone()));
        let counts = |jumps: &ClockJumps| (jumps.forward.get(), jumps.back.get());
        ahead.store(500, Ordering::Relaxed);
        jumps.look();
        assert_eq!(counts(&jumps), (0, 0));
        ahead.store(3_600_000, Ordering::Relaxed);
        jumps.look();
        jumps.look();
        assert_eq!(counts(&jumps), (1, 0));
        ahead.store(0, Ordering::Relaxed);
        jumps.look();
        assert_eq!(counts(&jumps), (1, 1));
    }
}
