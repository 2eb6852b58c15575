//! Coordinators as pure state machines: no sockets, no clock, no randomness, no versions.
//!
//! Each machine is a fold over one partition's log. A broker's shard runs it: `step` decides and
//! changes nothing durable, the records it returns are appended, `replay` applies them, and the
//! replies leave once the records are durable. Recovery is `replay` alone, so that live state and
//! recovered state cannot differ.

pub mod catalog;
mod codec;
pub mod group;
mod machine;
pub mod producer;
pub mod schema;
#[cfg(test)]
mod testing;

pub use codec::DecodeError;
pub use machine::{Machine, Now, Outcome, ReplyTo};
