//! The trait that every coordinator implements.

use tidegate_model::{Offset, TimestampMs};

/// What time it is, on two clocks that part when the system's is adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds that never step back: for sessions and all other timers.
    pub steady_ms: TimestampMs,
    /// Milliseconds since the Unix epoch on the system's clock: for times that records tell.
    pub wall_ms: TimestampMs,
}

/// A deterministic fold with decisions (the shape of Kafka's `CoordinatorResult`).
pub trait Machine {
    /// What callers ask for, version-free, with every fresh id it may need.
    type Command;
    /// What is appended to the log.
    type Record;
    /// What callers get back.
    type Reply;
    /// What happened beside replies and records, for logs and figures; `()` for nothing.
    type Event;

    /// Decides on `command`. Durable state changes only through the records it returns; soft state
    /// (members waiting, timers) may change at once, for it is not meant to survive.
    fn step(
        &mut self,
        now: Now,
        reply_to: ReplyTo,
        command: Self::Command,
    ) -> Outcome<Self::Record, Self::Reply, Self::Event>;

    /// Applies one record: the only place where durable state changes, live and at recovery.
    fn replay(&mut self, now: Now, record: &Self::Record);

    /// Told before each replay where the record lies: its offset, and the time stamp that readers see.
    fn replaying(&mut self, offset: Offset, timestamp: TimestampMs) {
        let _ = (offset, timestamp);
    }

    /// Told of each record in the log that cannot be read.
    fn skipped(&mut self) {}

    /// Called once after the whole log was replayed, before the first step: restarts timers that
    /// recovered state needs, such as members' sessions.
    fn loaded(&mut self, now: Now);

    /// Called at or after the time that the last outcome named in `wake_at`.
    fn on_timeout(&mut self, now: Now) -> Outcome<Self::Record, Self::Reply, Self::Event>;
}

/// Names the caller that waits for a reply; replies may come from a later step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplyTo(pub u64);

/// What a step decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<Record, Reply, Event = ()> {
    /// To be appended as one batch, then replayed in order.
    pub records: Vec<Record>,
    /// To be sent once the records are durable.
    pub replies: Vec<(ReplyTo, Reply)>,
    /// When `on_timeout` is due next on the steady clock, for the machine as a whole; `None` if nothing is pending.
    pub wake_at: Option<TimestampMs>,
    /// To be told once the records are in the log.
    pub events: Vec<Event>,
}

impl<Record, Reply, Event> Default for Outcome<Record, Reply, Event> {
    fn default() -> Self {
        let (records, replies, events) = (Vec::new(), Vec::new(), Vec::new());
        Outcome { records, replies, wake_at: None, events }
    }
}
