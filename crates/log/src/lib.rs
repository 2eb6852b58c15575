//! What a storage engine is to the broker: a set of partition logs with one commit path.
//!
//! ```text
//!             log_start_offset          durable end               log_end_offset
//!  ─ trimmed ─┤──────── readable ────────┤── enqueued, not durable ──┤─ next append ─
//! ```
//!
//! Offsets are assigned above the engine, which only keeps bytes in the order it was given them.
//! Engines read batch headers, never records. The engines themselves are `log-local`,
//! [`MemoryStore`], and later an object-store one; [`conformance`] holds what all of them must do.

mod commit;
pub mod conformance;
mod memory;
mod segments;
mod slice;
mod store;
mod tail;

pub use commit::{Commit, CommitQueue};
pub use memory::MemoryStore;
pub use segments::{SegmentFill, SegmentLimits, SegmentSummary, wall_clock_ms};
pub use slice::{LogRead, Slice};
pub use store::{
    Append, BatchQuery, BoxFuture, EpochStart, LogError, LogObserver, LogStore, Opened,
    PartitionLog, ReadRequest, Snapshot, Step, StoreStats, StoreTimes, Volume,
};
pub use tail::{BatchSearch, EpochHistory, Tail, TailEntry};
