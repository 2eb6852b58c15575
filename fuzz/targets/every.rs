//! What the targets share: the codecs of every request, as the tests of the wire crate list them.

#[path = "../../crates/wire/tests/support/every.rs"]
#[allow(dead_code, reason = "each target uses what it needs")]
pub mod codecs;

use bytes::BytesMut;
use codecs::recode_request;

/// What decodes must encode, and what is encoded must decode to the same again.
#[allow(dead_code, reason = "used by the targets of requests")]
pub fn settles(frame: &[u8]) {
    let Ok(encoded) = recode_request(BytesMut::from(frame)) else { return };
    let again = recode_request(BytesMut::from(&encoded[4..])).expect("our own encoding decodes");
    assert_eq!(encoded, again);
}

/// Gives bytes a header of that key, the version by their first byte, and a client id of one letter.
#[allow(dead_code, reason = "used by the targets of one request")]
pub fn with_header(api_key: i16, bytes: &[u8]) -> Option<Vec<u8>> {
    let (version, body) = bytes.split_first()?;
    let version = i16::from(version % 32);
    let mut frame = api_key.to_be_bytes().to_vec();
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&[0, 0, 0, 7, 0, 1, b'f']);
    if tidegate_wire::header::is_flexible(api_key, version) {
        frame.push(0);
    }
    frame.extend_from_slice(body);
    Some(frame)
}
