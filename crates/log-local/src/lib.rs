//! Partition logs on local disks: one write-ahead log for all partitions, segments filled lazily.
//!
//! ```text
//!  enqueue ─► open frame ─► write-ahead log ─► durable: tails, observers, commits   (wal, core)
//!                                                 │
//!                                     256 KiB, memory, checkpoint
//!                                                 ▼
//!                                              segments ─► checkpoint ─► log files free again
//!                                              (flush)     (checkpointer)
//! ```
//!
//! An append is copied once, into the frame that is written; the same memory is its partition's tail
//! until it is in a segment. docs/formats draws what lies on the disk.

mod buffer;
mod checkpoint;
mod checkpointer;
pub mod contents;
mod core;
mod disk;
mod find;
mod flush;
mod frame;
mod full;
mod index;
pub mod inspect;
mod log;
mod oneshot;
mod partition;
mod readers;
mod recovery;
mod scan;
mod segment;
mod settings;
mod slow;
mod store;
mod trigger;
mod wal;

#[doc(hidden)]
pub use disk::faults;
pub use settings::{OpenError, Settings, Sync};
pub use store::LocalStore;
