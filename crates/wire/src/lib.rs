//! Bytes to typed requests and back: framing, headers, and a codec for every request served.
//!
//! The library's codec serves most requests. Produce and Fetch are our own, for their record bytes
//! must be neither copied nor decoded; OffsetCommit and OffsetFetch are, for versions that the
//! library lacks. Nothing here allocates by a count or a length that the bytes do not bear out.

pub mod codec;
mod error;
pub mod fetch;
pub mod fields;
pub mod frame;
pub mod guard;
pub mod header;
pub mod offsets;
pub mod produce;
mod read;
pub mod throttle;
mod write;

pub use error::WireError;
