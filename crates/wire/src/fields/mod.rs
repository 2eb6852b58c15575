//! Messages field by field, under Kafka's names: for people who look at what passes by.
//!
//! Serving requests does not go through here. The definitions are Kafka's own, as
//! tests/kafka/message_fields.py has written them down, so that a field that no handler reads is shown too.
//! Record bytes are not unpacked: of each batch only its header is told.

mod decode;
mod definitions;
mod value;

pub use decode::{Input, decode_request, decode_response};
pub use value::{Batch, Entity, Field, Value};
