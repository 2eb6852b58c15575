//! Deadlines of groups and members under one wake-up time.
//!
//! A heartbeat moves a deadline further away, and that must not cost a queue operation: an entry
//! whose deadline moved on is queued again when its old time comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidegate_model::TimestampMs;

/// What a deadline belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimerKey {
    /// The join barrier of a group.
    Join(Arc<str>),
    /// The time by which all members of a group must have asked for their assignment.
    Sync(Arc<str>),
    /// The session of a member, or of a member id that was given out and not used yet.
    Session(Arc<str>, Arc<str>),
    /// The next look for expired offsets.
    Expiration,
}

#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: TimestampMs,
    /// Where the entry lies in the queue; never after `at`.
    queued_at: TimestampMs,
}

/// Deadlines by key and by time.
#[derive(Debug, Clone, Default)]
pub(super) struct Timers {
    deadlines: BTreeMap<TimerKey, Deadline>,
    queue: BTreeSet<(TimestampMs, TimerKey)>,
}

impl Timers {
    /// Sets or moves the deadline of `key`.
    pub(super) fn schedule(&mut self, key: TimerKey, at: TimestampMs) {
        if let Some(deadline) = self.deadlines.get_mut(&key) {
            deadline.at = at;
            if deadline.queued_at <= at {
                return;
            }
            let queued_at = std::mem::replace(&mut deadline.queued_at, at);
            let mut entry = (queued_at, key);
            self.queue.remove(&entry);
            entry.0 = at;
            self.queue.insert(entry);
        } else {
            self.deadlines.insert(key.clone(), Deadline { at, queued_at: at });
            self.queue.insert((at, key));
        }
    }

    /// Drops the deadline of `key`, if it has one.
    pub(super) fn cancel(&mut self, key: &TimerKey) {
        if let Some(deadline) = self.deadlines.remove(key) {
            self.queue.remove(&(deadline.queued_at, key.clone()));
        }
    }

    /// Takes the next key whose deadline has come.
    pub(super) fn pop_due(&mut self, now: TimestampMs) -> Option<TimerKey> {
        while let Some((queued_at, _)) = self.queue.first() {
            if *queued_at > now {
                return None;
            }
            let (_, key) = self.queue.pop_first()?;
            let deadline = self.deadlines.get_mut(&key).expect("every queued key has a deadline");
            if deadline.at <= now {
                self.deadlines.remove(&key);
                return Some(key);
            }
            deadline.queued_at = deadline.at;
            self.queue.insert((deadline.at, key));
        }
        None
    }

    /// When to look again. May lie before the earliest deadline, never after it.
    pub(super) fn wake_at(&self) -> Option<TimestampMs> {
        self.queue.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(member: &str) -> TimerKey {
        TimerKey::Session("g".into(), member.into())
    }

    #[test]
    fn a_deadline_that_moved_on_does_not_fire_at_its_old_time() {
        let mut timers = Timers::default();
        timers.schedule(session("a"), 10);
        timers.schedule(session("a"), 30);
        assert_eq!(timers.wake_at(), Some(10));
        assert_eq!(timers.pop_due(20), None);
        assert_eq!(timers.wake_at(), Some(30));
        assert_eq!(timers.pop_due(30), Some(session("a")));
        assert_eq!((timers.pop_due(99), timers.wake_at()), (None, None));
    }

    #[test]
    fn a_deadline_that_moved_nearer_fires_at_its_new_time() {
        let mut timers = Timers::default();
        timers.schedule(session("a"), 30);
        timers.schedule(session("a"), 10);
        assert_eq!(timers.wake_at(), Some(10));
        assert_eq!(timers.pop_due(10), Some(session("a")));
        assert_eq!(timers.pop_due(30), None);
    }

    #[test]
    fn heartbeats_leave_nothing_behind_in_the_queue() {
        let mut timers = Timers::default();
        for now in 0..1_000 {
            timers.schedule(session("a"), now + 100);
        }
        assert_eq!(timers.queue.len(), 1);
        timers.cancel(&session("a"));
        assert_eq!((timers.queue.len(), timers.wake_at()), (0, None));
    }

    #[test]
    fn what_is_due_comes_in_order_of_time_and_key() {
        let mut timers = Timers::default();
        for (member, at) in [("c", 2), ("b", 1), ("a", 2)] {
            timers.schedule(session(member), at);
        }
        let due: Vec<_> = std::iter::from_fn(|| timers.pop_due(5)).collect();
        assert_eq!(due, [session("b"), session("a"), session("c")]);
    }
}
