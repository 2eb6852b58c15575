//! What decoding may allocate is bounded by the bytes that came, not by what they announce.
//!
//! One test, for the allocator counts for the whole process.

mod support;

use bytes::BytesMut;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use support::every::{decode_body, decode_frame};
use support::{Random, golden_requests};
use tidegate_wire::guard;
use tidegate_wire::header::is_flexible;

/// Bytes allocated for each byte of a frame, at most: the library keeps a tree node of some 500
/// bytes for an element of four bytes with one unknown tagged field.
const ALLOCATED_PER_BYTE_MAX: usize = 160;
/// What the smallest frame costs, error messages included.
const ALLOCATED_BASE_MAX: usize = 4096;
const SEED: u64 = 0x616c_6c6f_6361_7465;

/// Counts bytes asked for; never what is given back.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATED.fetch_add(size, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn decoding_allocates_no_more_than_a_constant_times_the_frame() {
    let mut worst = Worst::default();
    let frames = golden_requests();
    for golden in &frames {
        worst.measure(golden.name, golden.version, &golden.frame, decode_frame);
    }
    for round in 0..50_000 {
        let mut random = Random(SEED + round);
        let golden = &frames[random.below(frames.len())];
        let mut frame = golden.frame.clone();
        random.mutate(&mut frame);
        worst.measure(golden.name, golden.version, &frame, decode_frame);
    }
    for request in guard::requests() {
        for version in request.first..=request.last {
            for body in greedy_bodies(is_flexible(request.key, version)) {
                worst.measure(request.name, version, &body, |body| {
                    decode_body(request.key, version, body)
                });
            }
        }
    }
    println!("seed {SEED}: at most {:.1} bytes a byte, by {}", worst.ratio, worst.by);
}

/// Bodies of one repeated byte or pattern behind a prefix: small elements, huge counts, many tags.
fn greedy_bodies(flexible: bool) -> Vec<Vec<u8>> {
    const LEN: usize = 30_000;
    let mut bodies = Vec::new();
    for prefix_len in 0..16 {
        for fill in [0x00, 0x01, 0x02] {
            for count in [100u32, 3_000, 9_990, LEN as u32, i32::MAX as u32] {
                let mut body = vec![fill; prefix_len];
                if flexible {
                    put_unsigned_varint(&mut body, count);
                } else {
                    body.extend_from_slice(&count.to_be_bytes());
                }
                body.resize(LEN, fill);
                bodies.push(body);
            }
        }
    }
    // DescribeTopicPartitions and its like: elements of an empty name and one tagged field.
    let mut tagged = Vec::new();
    put_unsigned_varint(&mut tagged, 5_001);
    (0..5_000).for_each(|_| tagged.extend_from_slice(&[1, 1, 0, 0]));
    tagged.extend_from_slice(&[0, 0, 0, 1, 0xff, 0]);
    bodies.push(tagged);
    bodies
}

fn put_unsigned_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The most allocated for a byte so far, small frames aside.
#[derive(Default)]
struct Worst {
    ratio: f64,
    by: String,
}

impl Worst {
    fn measure<E>(
        &mut self,
        name: &str,
        version: i16,
        bytes: &[u8],
        decode: impl FnOnce(BytesMut) -> Result<(), E>,
    ) {
        let frame = BytesMut::from(bytes);
        let before = ALLOCATED.load(Ordering::Relaxed);
        let accepted = decode(frame).is_ok();
        let allocated = ALLOCATED.load(Ordering::Relaxed) - before;
        let allowed = ALLOCATED_PER_BYTE_MAX * bytes.len() + ALLOCATED_BASE_MAX;
        let len = bytes.len();
        assert!(
            allocated <= allowed,
            "{name} v{version} of {len} bytes (accepted: {accepted}) allocated {allocated}: {:02x?}",
            &bytes[..len.min(200)]
        );
        let ratio = allocated as f64 / len.max(1) as f64;
        if len >= 100 && ratio > self.ratio {
            (self.ratio, self.by) = (ratio, format!("{name} v{version}"));
        }
    }
}
