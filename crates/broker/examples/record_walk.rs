//! What does it cost to look at every record of a produced batch?
//!
//! `cargo run --release -p tidegate-broker --example record_walk` prints, for records of several
//! sizes in a batch of about 1 MiB, the time for its CRC (which every produce pays), for the walk
//! that checks its records, and for decoding them.

use std::hint::black_box;
use std::time::Instant;
use tidegate_model::{
    BATCH_HEADER_LEN, BatchBuilder, BatchHeader, Record, RecordHeader, RecordWalk, Records,
    batch_crc_matches,
};

const BATCH_BYTES: usize = 1 << 20;
const ROUNDS: u32 = 200;

fn main() {
    println!(
        "{:>8} {:>8} {:>9} {:>9} {:>9} {:>10}",
        "bytes", "headers", "crc us", "walk us", "read us", "walk ns/rec"
    );
    for (value_len, headers) in [(16, 0), (100, 0), (170, 0), (1_024, 0), (10_240, 0), (100, 3)] {
        let value = vec![b'v'; value_len];
        let header = RecordHeader { key: b"traceparent", value: Some(b"00-4bf92f3577b34da6-01") };
        let mut builder = BatchBuilder::new();
        for n in 0..(BATCH_BYTES / (value_len + 16 + headers * 36)) as i64 {
            let mut record = Record::new(1_700_000_000_000 + n, Some(b"key-0042"), Some(&value));
            record.headers = vec![header; headers];
            builder.push(&record);
        }
        let batch = builder.finish().expect("it has records");
        let parsed = BatchHeader::parse(&batch).expect("it was just built");
        let crc = micros(|| assert!(batch_crc_matches(black_box(&batch))));
        let walk = micros(|| {
            let records =
                RecordWalk::new(parsed.record_count, &black_box(&batch)[BATCH_HEADER_LEN..]);
            let (mut last, mut next) = (i64::MIN, 0);
            for record in records {
                let record = record.expect("it was just built");
                assert_eq!(record.offset_delta, next);
                next += 1;
                last = last.max(record.timestamp_delta);
            }
            black_box(last);
        });
        let read = micros(|| {
            let records = Records::of_batch(&parsed, black_box(&batch));
            black_box(records.filter(|record| record.is_ok()).count());
        });
        let each = walk * 1_000.0 / f64::from(parsed.record_count);
        println!("{value_len:>8} {headers:>8} {crc:>9.1} {walk:>9.1} {read:>9.1} {each:>10.1}");
    }
}

/// The best of many rounds: other work on the machine only ever adds.
fn micros(mut work: impl FnMut()) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let begin = Instant::now();
        work();
        begin.elapsed().as_secs_f64() * 1e6
    });
    rounds.fold(f64::INFINITY, f64::min)
}
