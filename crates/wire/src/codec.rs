//! The library's codec, guarded: nothing it decodes can make it allocate by an unchecked count.

use crate::error::WireError;
use crate::guard;
use crate::header::is_flexible;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

const API_VERSIONS: i16 = 18;

/// Decodes a request's body, after [`guard::check`] has walked over it.
pub fn decode<R: Decodable>(api_key: i16, version: i16, body: Bytes) -> Result<R, WireError> {
    guard::check(api_key, version, &body)?;
    let mut body = body;
    R::decode(&mut body, version).map_err(|error| WireError::Codec(error.to_string()))
}

/// Encodes a whole response frame, its length first.
pub fn encode_response<R: Encodable>(
    api_key: i16,
    version: i16,
    correlation_id: i32,
    response: &R,
) -> Result<Bytes, WireError> {
    let mut frame = BytesMut::with_capacity(128);
    frame.put_i32(0);
    frame.put_i32(correlation_id);
    // ApiVersions keeps the old header, so that a client that guessed wrong can read the answer.
    if is_flexible(api_key, version) && api_key != API_VERSIONS {
        frame.put_u8(0);
    }
    encode_body(frame, version, response)
}

/// Encodes a whole request frame, its length first.
pub fn encode_request<R: Encodable + HeaderVersion>(
    api_key: i16,
    version: i16,
    correlation_id: i32,
    client_id: &str,
    request: &R,
) -> Result<Bytes, WireError> {
    // Not from the guard's table: clients also ask brokers for what the gateway does not answer.
    let flexible = R::header_version(version) >= 2;
    let writer = crate::write::request(api_key, version, flexible, correlation_id, client_id);
    encode_body(writer.buffer, version, request)
}

fn encode_body<R: Encodable>(
    mut frame: BytesMut,
    version: i16,
    body: &R,
) -> Result<Bytes, WireError> {
    body.encode(&mut frame, version).map_err(|error| WireError::Codec(error.to_string()))?;
    let len = (frame.len() - 4) as i32;
    frame[..4].copy_from_slice(&len.to_be_bytes());
    Ok(frame.freeze())
}

/// Decodes a response frame, which lacks its length: the correlation id and the response.
///
/// For clients of a gateway that is trusted: counts are not checked before the library allocates.
pub fn decode_response<R: Decodable + HeaderVersion>(
    api_key: i16,
    version: i16,
    mut frame: Bytes,
) -> Result<(i32, R), WireError> {
    use bytes::Buf;
    // The newer header ends with tagged fields, of which none are expected.
    let flexible = R::header_version(version) >= 1 && api_key != API_VERSIONS;
    let header_len = if flexible { 5 } else { 4 };
    if frame.len() < header_len {
        return Err(WireError::Truncated("response header"));
    }
    let correlation_id = frame.get_i32();
    frame.advance(header_len - 4);
    let body = R::decode(&mut frame, version);
    let body = body.map_err(|error| WireError::Codec(error.to_string()))?;
    Ok((correlation_id, body))
}
