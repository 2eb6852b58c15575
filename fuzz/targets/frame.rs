//! A stream of frames comes out the same however it is cut into reads.
#![no_main]

use bytes::BytesMut;
use tidegate_wire::frame::next_frame;

const FRAME_BYTES_MAX: usize = 4096;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [step, stream @ ..] = bytes else { return };
    let whole = frames(stream, stream.len());
    let pieces = frames(stream, usize::from(*step));
    assert_eq!(whole, pieces);
});

/// The frames of a stream that is read `step` bytes at a time, and whether it ended in an error.
fn frames(stream: &[u8], step: usize) -> (Vec<BytesMut>, bool) {
    let mut buffer = BytesMut::new();
    let mut out = Vec::new();
    for piece in stream.chunks(step.max(1)) {
        buffer.extend_from_slice(piece);
        loop {
            match next_frame(&mut buffer, FRAME_BYTES_MAX) {
                Ok(Some(frame)) => out.push(frame),
                Ok(None) => break,
                Err(_) => return (out, true),
            }
        }
    }
    (out, false)
}
