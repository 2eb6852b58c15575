//! What tests speak Kafka with: a client that hides nothing of the wire, and batches as producers
//! make them and as they must not. It panics where the other side does not answer as it must.

#![allow(missing_docs, reason = "test code: its names are short sentences")]

pub mod batch;
pub mod client;

pub use batch::Batch;
pub use client::{Place, RawClient};

use kafka_protocol::protocol::StrBytes;
use tidegate_model::ErrorCode;

/// An error code by its name, so that failures can be read.
pub fn code(code: i16) -> ErrorCode {
    ErrorCode::from_code(code).unwrap_or_else(|| panic!("{code} is no error code of Kafka"))
}

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
