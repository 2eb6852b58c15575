//! A bell that one thread sleeps by and others ring.

use parking_lot::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// What the sleeper is woken for.
#[derive(Debug, Default)]
pub struct Trigger {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    wanted: bool,
    stop: bool,
}

/// Why the sleeper woke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// Somebody rang.
    Wanted,
    /// Nobody did for the time given.
    Elapsed,
    /// The store stops.
    Stop,
}

impl Trigger {
    /// Wakes the sleeper, or lets its next sleep end at once.
    pub fn ring(&self) {
        self.state.lock().wanted = true;
        self.changed.notify_all();
    }

    /// Wakes the sleeper for good.
    pub fn stop(&self) {
        self.state.lock().stop = true;
        self.changed.notify_all();
    }

    /// True once stopped.
    pub fn is_stopped(&self) -> bool {
        self.state.lock().stop
    }

    /// Sleeps until rung, stopped, or `time` is over.
    pub fn wait(&self, time: Duration) -> Woken {
        let deadline = Instant::now() + time;
        let mut state = self.state.lock();
        loop {
            if state.stop {
                return Woken::Stop;
            }
            if std::mem::take(&mut state.wanted) {
                return Woken::Wanted;
            }
            if self.changed.wait_until(&mut state, deadline).timed_out() && !state.wanted {
                return if state.stop { Woken::Stop } else { Woken::Elapsed };
            }
        }
    }

    /// Sleeps for `time`, rung or not; false if the store stops.
    pub fn pause(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let mut state = self.state.lock();
        while !state.stop {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        !state.stop
    }
}
