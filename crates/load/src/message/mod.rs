//! What a record of a load test is: its key, value, headers and timestamp.
//!
//! All of it is a pure function of the run, the producer, the counter and the time at which the
//! record is due. So whoever reads a record can say what it must have been, to the byte, and nobody
//! keeps anything per record. A checksum inside tells a damaged record from one of another run.

mod run;
pub mod schemas;

pub use run::{Encoded, Encoder, Run, SchemaIds};

use crate::plan::Plan;

/// The largest value; brokers refuse more than 1 MiB as they come, a topic may allow more.
pub const VALUE_BYTES_MAX: u32 = 64 << 20;

/// The smallest value that the formats of a plan can be made to have.
pub fn value_bytes_min(_plan: &Plan) -> u32 {
    240
}
