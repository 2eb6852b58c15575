//! OffsetFetch requests: the version by the first byte, then a body.
#![no_main]

mod every;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(frame) = every::with_header(9, bytes) {
        every::settles(&frame);
    }
});
