//! One sleeping task for the timers of all coordinators.

use crate::clock::Clock;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tidegate_model::TimestampMs;
use tokio::sync::Notify;

/// Something that wants to be called at a time of its own.
pub trait Timed: Send + Sync {
    /// Called at or after the time last scheduled. Must not block.
    fn on_due(&self);
}

/// Names one scheduled party; each has at most one time pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId(u64);

/// The pending times, by (time, party).
pub struct Timers {
    clock: Clock,
    state: Mutex<State>,
    earlier: Notify,
}

#[derive(Default)]
struct State {
    parties: Vec<(Weak<dyn Timed>, Option<TimestampMs>)>,
    due: BTreeMap<(TimestampMs, TimerId), ()>,
}

impl Timers {
    /// No timers; [`Timers::run`] must be spawned for them to fire.
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Timers { clock, state: Mutex::default(), earlier: Notify::new() })
    }

    /// Adds a party that has nothing scheduled. It leaves when it is dropped.
    pub fn register(&self, party: Weak<dyn Timed>) -> TimerId {
        let mut state = self.state.lock();
        state.parties.push((party, None));
        TimerId(state.parties.len() as u64 - 1)
    }

    /// Replaces the party's pending time; `None` cancels it. Times are the clock's steady ones.
    pub fn schedule(&self, id: TimerId, at: Option<TimestampMs>) {
        let mut state = self.state.lock();
        let previous = std::mem::replace(&mut state.parties[id.0 as usize].1, at);
        if previous == at {
            return;
        }
        if let Some(previous) = previous {
            state.due.remove(&(previous, id));
        }
        let Some(at) = at else { return };
        let first = state.due.first_key_value().map(|(key, ())| key.0);
        state.due.insert((at, id), ());
        if first.is_none_or(|first| at < first) {
            self.earlier.notify_one();
        }
    }

    /// Fires timers until the task is dropped.
    pub async fn run(self: Arc<Self>) {
        loop {
            let next = self.fire_due();
            let sleep = next.map_or(Duration::from_secs(3_600), |at| {
                Duration::from_millis((at - self.clock.steady_ms()).max(0) as u64)
            });
            // Either way it is time to look again.
            drop(tokio::time::timeout(sleep, self.earlier.notified()).await);
        }
    }

    /// Calls every party that is due and returns the next pending time.
    fn fire_due(&self) -> Option<TimestampMs> {
        let now = self.clock.steady_ms();
        loop {
            let party = {
                let mut state = self.state.lock();
                let (&(at, id), ()) = state.due.first_key_value()?;
                if at > now {
                    return Some(at);
                }
                state.due.pop_first();
                state.parties[id.0 as usize].1 = None;
                state.parties[id.0 as usize].0.upgrade()
            };
            if let Some(party) = party {
                party.on_due();
            }
        }
    }
}
