//! Responses that our own codecs read as a client: two bytes pick the request type and version.
#![no_main]

mod every;

use bytes::Bytes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [which, version, frame @ ..] = bytes else { return };
    let api_key = [0, 1, 8, 9][usize::from(which % 4)];
    let frame = Bytes::copy_from_slice(frame);
    let _ = every::codecs::decode_own_response(api_key, i16::from(version % 32), frame);
});
