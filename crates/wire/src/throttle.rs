//! `throttle_time_ms` in responses that are encoded already.
//!
//! How long a sender is throttled is known when its answer is ready, for the work of answering
//! counts (KIP-219). So the field is written into the answer's bytes, once and for all request
//! types, rather than by every handler.

use crate::header::is_flexible;

const PRODUCE: i16 = 0;
const API_VERSIONS: i16 = 18;
const OFFSET_DELETE: i16 = 47;

/// Length and correlation id.
const HEADER_LEN: usize = 8;

/// Writes `throttle_time_ms` into a whole response frame, its length first, whose field is zero.
/// Of a Fetch, the bytes before the first records are enough. False if the version has no such
/// field.
pub fn set_throttle_time_ms(
    api_key: i16,
    version: i16,
    frame: &mut [u8],
    throttle_time_ms: i32,
) -> bool {
    if first_version(api_key).is_none_or(|first| version < first) {
        return false;
    }
    let at = position(api_key, version, frame);
    let Some(field) = frame.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<4>) else {
        return false;
    };
    debug_assert_eq!(*field, [0; 4], "key {api_key} v{version}: the field is not at {at}");
    *field = throttle_time_ms.to_be_bytes();
    true
}

/// The first version whose responses have the field.
fn first_version(api_key: i16) -> Option<i16> {
    match api_key {
        2 | 11 | 19 | 23 => Some(2),
        3 | 8 | 9 => Some(3),
        0 | 1 | 10 | 12..=16 | 18 | 20 => Some(1),
        // SaslHandshake, SaslAuthenticate, DescribeQuorum, and what only brokers ask.
        17 | 27 | 36 | 52..=55 | 58 | 83..=87 => None,
        _ => Some(0),
    }
}

fn position(api_key: i16, version: i16, frame: &[u8]) -> usize {
    let flexible = is_flexible(api_key, version);
    let first = HEADER_LEN + usize::from(flexible);
    match api_key {
        // The last field. There are no tagged fields behind it: leader hints are not given.
        PRODUCE => frame.len().saturating_sub(4 + usize::from(flexible)),
        API_VERSIONS => after_api_versions(flexible, frame),
        // Behind the error code.
        OFFSET_DELETE => first + 2,
        _ => first,
    }
}

/// Behind the array of key, first and last version. ApiVersions keeps the old header.
fn after_api_versions(flexible: bool, frame: &[u8]) -> usize {
    let array = HEADER_LEN + 2;
    let mut rest = frame.get(array..).unwrap_or(&[]).iter();
    if !flexible {
        let count = rest.take(4).fold(0, |count, byte| count << 8 | usize::from(*byte));
        return array + 4 + 6 * count;
    }
    let (mut count, mut len) = (0, 0);
    for byte in rest.by_ref().take(5) {
        count |= usize::from(byte & 0x7f) << (7 * len);
        len += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    // A compact array's count is one more than its elements, and each ends with its tagged fields.
    array + len + 7 * count.saturating_sub(1)
}
