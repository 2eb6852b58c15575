//! Whole request frames of any type, header first.
#![no_main]

mod every;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| every::settles(bytes));
