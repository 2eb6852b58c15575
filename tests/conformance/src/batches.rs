//! Batches that scenarios of Produce and Fetch have in common.

use crate::client::Client;
use crate::help::*;
use std::time::{SystemTime, UNIX_EPOCH};

/// Attribute bits: below them are the three of the codec.
pub const LOG_APPEND_TIME: i16 = 1 << 3;
pub const CONTROL: i16 = 1 << 5;

/// A codec's name, its number, and the records of [`Batch::of`] `["a", "b"]` as it packs them. Made by
/// Python's libraries, so that they are nobody's under test.
pub struct Packed {
    pub codec: &'static str,
    pub id: i16,
    pub payload: &'static [u8],
}

pub const PLAIN: &[u8] = b"\x0e\0\0\0\x01\x02a\0\x0e\0\0\x02\x01\x02b\0";

pub const PACKED: [Packed; 5] = [
    Packed {
        codec: "gzip",
        id: 1,
        payload:
            b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xe3\x63\x60\x60\x60\x64\x4a\x64\xe0\x63\x60\x60\x62\
                   \x64\x4a\x62\0\0\x62\xdc\x6c\xb2\x10\0\0\0",
    },
    Packed {
        codec: "snappy in xerial's framing",
        id: 2,
        payload: b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x12\x10\x3c\x0e\0\0\0\x01\x02a\0\x0e\0\0\
                   \x02\x01\x02b\0",
    },
    Packed {
        codec: "snappy",
        id: 2,
        payload: b"\x10\x3c\x0e\0\0\0\x01\x02a\0\x0e\0\0\x02\x01\x02b\0",
    },
    Packed {
        codec: "lz4",
        id: 3,
        payload:
            b"\x04\x22\x4d\x18\x60\x40\x82\x10\0\0\x80\x0e\0\0\0\x01\x02a\0\x0e\0\0\x02\x01\x02b\
                   \0\0\0\0\0",
    },
    Packed {
        codec: "zstd",
        id: 4,
        payload: b"\x28\xb5\x2f\xfd\x20\x10\x81\0\0\x0e\0\0\0\x01\x02a\0\x0e\0\0\x02\x01\x02b\0",
    },
];

impl Packed {
    /// The batch of `a` and `b`, packed.
    pub fn batch(&self) -> Batch {
        Batch::of(&["a", "b"]).attributes(self.id).payload(self.payload)
    }
}

/// The batch with another largest timestamp in its header.
pub fn max_timestamp(batch: Batch, timestamp: i64) -> Batch {
    batch.set(35, &timestamp.to_be_bytes())
}

pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("the clock is past 1970").as_millis() as i64
}

/// A batch with one record of so many bytes that the batch has `len`.
pub fn batch_of_len(len: usize) -> Batch {
    let overhead = Batch::of_len(len).len() - len;
    let batch = Batch::of_len(len - overhead);
    assert_eq!(batch.len(), len, "varints are as long for both lengths");
    batch
}

/// Appends one batch for each list of values, without a word in the transcript.
pub async fn fill(client: &mut Client, place: Place<'_>, batches: &[&[&str]]) {
    for values in batches {
        client.append(place, Batch::of(values)).await;
    }
}
