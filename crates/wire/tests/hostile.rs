//! Bytes that are not what they claim to be are refused: never a panic, never a wrong reading.

mod support;

use bytes::{BufMut, Bytes, BytesMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use support::every::{decode_body, decode_frame, decode_own_response};
use support::{Golden, Random, golden, golden_requests};
use tidegate_wire::guard;
use tidegate_wire::header::decode_request_header;

const SEED: u64 = 0x7469_6465_6761_7465;

#[test]
fn every_truncation_of_every_request_is_an_error() {
    for golden in golden_requests() {
        assert_eq!(decode_frame(BytesMut::from(&golden.frame[..])), Ok(()), "{golden}");
        for len in 0..golden.frame.len() {
            let cut = BytesMut::from(&golden.frame[..len]);
            assert!(decode_frame(cut).is_err(), "{golden} cut to {len} bytes");
        }
    }
}

#[test]
fn bytes_after_the_last_field_are_passed_over() {
    for golden in golden_requests() {
        let mut longer = BytesMut::from(&golden.frame[..]);
        longer.put_u8(0);
        assert_eq!(decode_frame(longer), Ok(()), "{golden}");
    }
}

#[test]
fn every_truncation_of_our_own_responses_is_an_error() {
    for golden in own_responses() {
        for len in 0..golden.frame.len() {
            let cut = Bytes::copy_from_slice(&golden.frame[..len]);
            let decoded = decode_own_response(golden.api_key, golden.version, cut);
            assert!(decoded.is_err(), "{golden} cut to {len} bytes");
        }
    }
}

#[test]
fn mutated_requests_never_panic() {
    let frames = golden_requests();
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..100_000 {
        let seed = SEED + round;
        let mut random = Random(seed);
        let mut frame = frames[random.below(frames.len())].frame.clone();
        random.mutate(&mut frame);
        match survives(seed, &frame, |frame| decode_frame(BytesMut::from(frame))) {
            true => accepted += 1,
            false => refused += 1,
        }
    }
    // Changed values decode, changed lengths do not: both must have been reached.
    assert!(accepted > 1_000 && refused > 1_000, "{accepted} accepted, {refused} refused");
}

#[test]
fn random_bodies_never_panic() {
    for request in guard::requests() {
        for version in request.first..=request.last {
            for round in 0..300 {
                let seed = SEED + round;
                let mut random = Random(seed);
                let len = random.below(200);
                let body: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
                survives(seed, &body, |body| {
                    decode_body(request.key, version, BytesMut::from(body))
                });
            }
        }
    }
}

#[test]
fn random_headers_never_panic() {
    for round in 0..50_000 {
        let seed = SEED + round;
        let mut random = Random(seed);
        let mut frame: Vec<u8> = (0..random.below(40)).map(|_| random.next() as u8).collect();
        if let Some(key) = frame.first_chunk_mut::<2>() {
            *key = (random.below(80) as u16).to_be_bytes();
        }
        survives(seed, &frame, |frame| decode_request_header(&mut BytesMut::from(frame)).map(drop));
    }
}

#[test]
fn mutated_responses_never_panic_in_our_own_codecs() {
    let frames = own_responses();
    for round in 0..50_000 {
        let seed = SEED + round;
        let mut random = Random(seed);
        let golden = &frames[random.below(frames.len())];
        let mut frame = golden.frame.clone();
        random.mutate(&mut frame);
        survives(seed, &frame, |frame| {
            decode_own_response(golden.api_key, golden.version, Bytes::copy_from_slice(frame))
        });
    }
}

fn own_responses() -> Vec<Golden> {
    golden()
        .into_iter()
        .filter(|golden| !golden.is_request && [0, 1, 8, 9].contains(&golden.api_key))
        .collect()
}

/// True if the bytes were accepted. A panic names the seed and the bytes that caused it.
fn survives<E>(seed: u64, bytes: &[u8], decode: impl FnOnce(&[u8]) -> Result<(), E>) -> bool {
    match catch_unwind(AssertUnwindSafe(|| decode(bytes).is_ok())) {
        Ok(accepted) => accepted,
        Err(_) => panic!("seed {seed}: panicked on {bytes:02x?}"),
    }
}
