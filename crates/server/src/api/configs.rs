//! Small conversions that several handlers share.

use kafka_protocol::protocol::StrBytes;

/// A string as the codec takes it.
pub fn strbytes(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
