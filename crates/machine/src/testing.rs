//! Helpers of this crate's tests.

use crate::machine::Now;
use bytes::Bytes;

/// A time for machines that do not look at it.
pub(crate) const AT_START: Now = Now { steady_ms: 0, wall_ms: 0 };

/// The bytes that `hex` spells.
pub(crate) fn from_hex(hex: &str) -> Bytes {
    let digit = |c: u8| char::from(c).to_digit(16).expect("fixtures are hex") as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
