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
    guard::find(api_key).is_some_and(|request| version >= request.flexible_since)
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
    let client_id = reader.nullable_string("client id")?;
    let mut rest = reader.into_inner();
    if flexible {
        let mut tags = Reader::new(rest, true);
        tags.skip_tagged()?;
        rest = tags.into_inner();
    }
    *frame = rest;
    Ok(RequestHeader { api_key, api_version, correlation_id, client_id })
}
