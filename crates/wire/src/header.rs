//! Request headers (versions 1 and 2).

use crate::error::WireError;
use crate::guard;
use crate::read::Reader;
use bytes::BytesMut;
use kafka_protocol::protocol::StrBytes;

/// What stands before every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    /// The type of the request.
    pub api_key: i16,
    /// Its version.
    pub api_version: i16,
    /// Comes back in the response.
    pub correlation_id: i32,
    /// The client's name for itself.
    pub client_id: Option<StrBytes>,
}

/// True if that version of the request uses compact lengths and tagged fields.
pub fn is_flexible(api_key: i16, version: i16) -> bool {
    guard::find(api_key).is_some_and(|request| request.is_flexible(version))
}

/// Key and version, which come first and decide how the rest is read.
pub fn peek_request_header(frame: &[u8]) -> Result<(i16, i16), WireError> {
    let first = frame.first_chunk::<4>().ok_or(WireError::Truncated("request header"))?;
    let [key0, key1, version0, version1] = *first;
    Ok((i16::from_be_bytes([key0, key1]), i16::from_be_bytes([version0, version1])))
}

/// Takes the header off the front of a frame, leaving the request's body.
///
/// A version of a known type that is too new is read like its newest known form.
pub fn decode_request_header(frame: &mut BytesMut) -> Result<RequestHeader, WireError> {
    let (api_key, api_version) = peek_request_header(frame)?;
    let flexible = is_flexible(api_key, api_version);
    // The client id has a two-byte length in both header versions.
    let mut reader = Reader::new(frame.split(), false);
    reader.i32("request header")?;
    let correlation_id = reader.i32("correlation id")?;
    // Nothing depends on it, and clients of languages without UTF-8 strings call themselves anything.
    let client_id = reader.nullable_lossy_string("client id")?;
    let mut rest = reader.into_inner();
    if flexible {
        let mut tags = Reader::new(rest, true);
        tags.skip_tagged()?;
        rest = tags.into_inner();
    }
    *frame = rest;
    Ok(RequestHeader { api_key, api_version, correlation_id, client_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_have_no_name() {
        let mut frame = BytesMut::from(&[0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff, 9][..]);
        let header = decode_request_header(&mut frame).unwrap();
        assert_eq!((header.api_key, header.correlation_id, header.client_id), (18, 7, None));
        assert_eq!(frame[..], [9]);
    }

    #[test]
    fn a_client_name_that_is_not_utf8_is_no_reason_to_refuse_a_request() {
        let mut frame = BytesMut::from(&b"\0\x12\0\0\0\0\0\x07\0\x04caf\xe9"[..]);
        let header = decode_request_header(&mut frame).unwrap();
        assert_eq!(header.client_id.as_deref(), Some("caf\u{fffd}"));
    }

    #[test]
    fn tagged_fields_of_a_flexible_header_are_passed_over() {
        let bytes = [0, 18, 0, 3, 0, 0, 0, 7, 0, 1, b'c', 1, 0, 2, 8, 8, 9];
        let mut frame = BytesMut::from(&bytes[..]);
        assert_eq!(decode_request_header(&mut frame).unwrap().client_id.as_deref(), Some("c"));
        assert_eq!(frame[..], [9]);
    }

    #[test]
    fn a_version_from_the_future_has_the_newest_header() {
        let mut frame = BytesMut::from(&[0, 18, 0, 99, 0, 0, 0, 7, 0, 1, b'c', 0, 9][..]);
        assert_eq!(decode_request_header(&mut frame).unwrap().api_version, 99);
        assert_eq!(frame[..], [9]);
    }

    #[test]
    fn a_header_cut_off_anywhere_is_an_error() {
        let bytes = [0, 18, 0, 3, 0, 0, 0, 7, 0, 1, b'c', 0];
        for len in 0..bytes.len() {
            let mut frame = BytesMut::from(&bytes[..len]);
            assert!(decode_request_header(&mut frame).is_err(), "{len} bytes");
        }
    }
}
