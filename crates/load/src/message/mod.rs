//! What a record of a load test is: its key, value, headers and timestamp.
//!
//! All of it is a pure function of the run, the producer, the counter and the time at which the
//! record is due. So whoever reads a record can say what it must have been, to the byte, and nobody
//! keeps anything per record. A checksum inside tells a damaged record from one of another run.
//!
//! A value is a [`LoadTestMessage`] in Avro, JSON or Protobuf, framed as Confluent's serializers
//! frame it: a zero, the schema's id in four bytes, and for Protobuf a zero for the first message of
//! its file. Its `timestamp` is the due time in microseconds; Kafka's own timestamp of the record is
//! the same in milliseconds. `id` is `RUN-PRODUCER-COUNTER`, the run in 16 hexadecimal digits.

mod content;
mod decode;
mod encode;
mod run;
pub mod schemas;
#[cfg(test)]
mod tests;

pub use decode::{Claim, LoadTestMessage, decode, difference, schema_id};
pub use run::{Encoded, Encoder, HEADER_RECORD, Run, SchemaIds};

use crate::plan::Plan;

/// The largest value; brokers refuse more than 1 MiB as they come, a topic may allow more.
pub const VALUE_BYTES_MAX: u32 = 64 << 20;

/// No producer sends more records than this, so that a larger counter is a damaged one.
pub const COUNTER_MAX: u64 = 1 << 40;

/// The smallest value that the formats of a plan can be made to have.
pub fn value_bytes_min(plan: &Plan) -> u32 {
    let formats = || (0..plan.topics).map(|topic| plan.format(topic));
    formats().map(|format| encode::size_min(format, plan)).max().unwrap_or_default()
}
