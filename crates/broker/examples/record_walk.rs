//! What does it cost to look at every record of a produced batch?
//!
//! `cargo run --release -p tidegate-broker --example record_walk` prints, for records of several
//! sizes in a batch of about 1 MiB, the time for its CRC (which every produce pays), for the walk
//! that checks its records, and for decoding them. Then, for JSON of the kind that logs are made of,
//! what each codec takes for a batch that is 1 MiB when unpacked.

use bytes::Bytes;
use std::hint::black_box;
use std::time::Instant;
use tidegate_broker::compression::{Levels, compress_to, record_bytes};
use tidegate_model::{
    BATCH_HEADER_LEN, BatchBuilder, BatchHeader, Compression, Record, RecordHeader, RecordWalk,
    Records, batch_crc_matches, write_batch_header,
};

const BATCH_BYTES: usize = 1 << 20;
const ROUNDS: u32 = 100;

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
    codecs();
}

fn codecs() {
    println!("\n{:>8} {:>9} {:>9} {:>9}", "codec", "bytes", "pack us", "unpack us");
    let mut builder = BatchBuilder::new();
    for n in 0_u64..4_000 {
        let id = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let value = format!(
            "{{\"level\":\"info\",\"id\":\"{id:016x}\",\"path\":\"/v1/orders/{}\",\"status\":{},\
             \"duration_ms\":{},\"host\":\"node-{}.eu-west.example\",\"message\":\"order was \
             accepted by the gateway and passed on\",\"retries\":0}}",
            id % 9_973,
            200 + id % 5,
            id % 1_009,
            id % 12
        );
        builder.push(&Record::new(1_700_000_000_000 + n as i64, None, Some(value.as_bytes())));
    }
    let batch = builder.finish().expect("it has records");
    let levels = Levels { gzip: -1, zstd: 3 };
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let plain = &batch[BATCH_HEADER_LEN..];
        let pack = || compress_to(vec![0; BATCH_HEADER_LEN], codec, levels, plain).expect("packs");
        let packing = micros(|| drop(black_box(pack())));
        let mut packed = pack();
        let mut header = BatchHeader::parse(&batch).expect("it was just built");
        header.attributes = header.attributes.with_compression(codec);
        write_batch_header(&mut packed, &header);
        let header = BatchHeader::parse(&packed).expect("it was just built");
        let packed = Bytes::from(packed);
        let unpacking =
            micros(|| drop(black_box(record_bytes(&header, &packed).expect("unpacks"))));
        let (name, len) = (format!("{codec:?}"), packed.len());
        println!("{name:>8} {len:>9} {packing:>9.0} {unpacking:>9.0}");
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
