//! How fast appends become durable, and how fast a start replays them.
//!
//! Question: does one synced log keep up with small appends to many partitions, and with the disk for
//! large ones? Run on an otherwise idle machine, on the disk in question:
//!
//! ```text
//! cargo run --release -p tidegate-log-local --example wal_bench -- [directory] [seconds]
//! ```
//!
//! Baseline: what `dd oflag=direct,dsync` with 1 MiB blocks writes to the same disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tidegate_log::conformance::{Writer, batch, block_on, partition};
use tidegate_log::{Append, LogStore};
use tidegate_log_local::{LocalStore, Settings};
use tidegate_model::{BatchHeader, set_base_offset, set_leader_epoch};

/// Appends of one writer that are not durable yet: what a producer with five requests of 64 batches
/// in flight comes to.
const IN_FLIGHT_MAX: usize = 320;

struct Case {
    name: &'static str,
    batch_bytes: usize,
    writers: usize,
    partitions: usize,
    in_flight_bytes: usize,
}

const CASES: &[Case] = &[
    Case {
        name: "170 B, 1 partition",
        batch_bytes: 170,
        writers: 1,
        partitions: 1,
        in_flight_bytes: 1 << 20,
    },
    Case {
        name: "170 B, 1,000 partitions",
        batch_bytes: 170,
        writers: 2,
        partitions: 1000,
        in_flight_bytes: 4 << 20,
    },
    Case {
        name: "16 KiB, 100 partitions",
        batch_bytes: 16 << 10,
        writers: 2,
        partitions: 100,
        in_flight_bytes: 16 << 20,
    },
    Case {
        name: "1 MiB, 10 partitions",
        batch_bytes: 1 << 20,
        writers: 2,
        partitions: 10,
        in_flight_bytes: 32 << 20,
    },
    Case {
        name: "170 B, one at a time",
        batch_bytes: 170,
        writers: 1,
        partitions: 1,
        in_flight_bytes: 0,
    },
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().unwrap_or_else(|| "wal-bench-data".to_owned()));
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5.0);
    let only = arguments.next();
    println!(
        "{:<26}{:>14}{:>12}{:>12}{:>12}{:>14}",
        "appends", "appends/s", "MB/s", "frames/s", "µs/frame", "restart ms"
    );
    for case in CASES {
        if only.as_ref().is_none_or(|only| case.name.contains(only.as_str())) {
            run(case, &directory, Duration::from_secs_f64(seconds));
        }
    }
    if only.as_ref().is_none_or(|only| only == "recovery") {
        for (name, batch_bytes, partitions) in
            [("1 MiB, 10 partitions", 1 << 20, 10), ("170 B, 1,000 partitions", 170, 1_000)]
        {
            recover(name, batch_bytes, partitions, &directory);
        }
    }
}

/// Starts on 1 GiB of log that no checkpoint covers.
fn recover(name: &str, batch_bytes: usize, partitions: usize, directory: &PathBuf) {
    drop(std::fs::remove_dir_all(directory));
    let mut settings = Settings::new(directory);
    settings.wal_files = 48;
    settings.checkpoint_bytes = 1200 << 20;
    settings.checkpoint_interval_ms = 3_600_000;
    let store = LocalStore::open(settings.clone()).expect("the store opens");
    let mut writers: Vec<Writer> =
        (0..partitions).map(|n| Writer::open(&store, partition(1, n as i32), 0)).collect();
    let mut bytes = batch(1, batch_bytes.saturating_sub(70), 0);
    let mut appended = 0;
    while appended < 1 << 30 {
        let commits: Vec<_> = writers
            .iter_mut()
            .map(|writer| {
                appended += bytes.len();
                writer.enqueue(&mut bytes).expect("the store takes appends")
            })
            .collect();
        commits.into_iter().for_each(|commit| block_on(commit).expect("the store stays open"));
    }
    drop((writers, store));
    // What the last run left to be written would compete for the disk.
    // SAFETY: takes nothing and returns nothing.
    unsafe { libc::sync() };
    let begun = Instant::now();
    let store = LocalStore::open(settings).expect("the store opens");
    println!("start on 1 GiB of log, {name}: {} ms", begun.elapsed().as_millis());
    drop(store);
    drop(std::fs::remove_dir_all(directory));
}

fn run(case: &Case, directory: &PathBuf, time: Duration) {
    drop(std::fs::remove_dir_all(directory));
    let store = Arc::new(LocalStore::open(Settings::new(directory)).expect("the store opens"));
    let done = AtomicBool::new(false);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..case.writers {
            let (store, done) = (&*store, &done);
            scope.spawn(move || write(case, store, writer, done));
        }
        std::thread::sleep(time);
        done.store(true, Ordering::SeqCst);
    });
    let took = begun.elapsed().as_secs_f64();
    let stats = store.stats();
    drop(store);
    let begun = Instant::now();
    let store = LocalStore::open(Settings::new(directory)).expect("the store opens");
    let restart = begun.elapsed();
    drop(store);
    println!(
        "{:<26}{:>14.0}{:>12.1}{:>12.0}{:>12.0}{:>14}",
        case.name,
        stats.appends as f64 / took,
        stats.bytes as f64 / took / 1e6,
        stats.frames as f64 / took,
        stats.sync_nanos as f64 / stats.frames.max(1) as f64 / 1e3,
        restart.as_millis(),
    );
    drop(std::fs::remove_dir_all(directory));
}

/// Appends to this writer's partitions in turn, as far ahead of the disk as the case allows.
fn write(case: &Case, store: &LocalStore, writer: usize, done: &AtomicBool) {
    let mut partitions: Vec<Writer> = (0..case.partitions)
        .filter(|n| n % case.writers == writer)
        .map(|n| Writer::open(store, partition(1, n as i32), 0))
        .collect();
    let mut bytes = batch(1, case.batch_bytes.saturating_sub(70), 0);
    set_leader_epoch(&mut bytes, 0);
    let header = BatchHeader::parse(&bytes).expect("the batch is sound");
    let in_flight = (case.in_flight_bytes / bytes.len()).clamp(1, IN_FLIGHT_MAX * case.partitions);
    let mut commits = std::collections::VecDeque::new();
    while !done.load(Ordering::Relaxed) {
        for partition in &mut partitions {
            let base_offset = partition.next_offset;
            set_base_offset(&mut bytes, base_offset);
            let append = Append {
                base_offset,
                next_offset: base_offset + 1,
                leader_epoch: header.leader_epoch,
                max_timestamp: header.max_timestamp,
                batches: &bytes,
            };
            commits.push_back(partition.log.enqueue(append).expect("the store takes appends"));
            partition.next_offset += 1;
            if commits.len() >= in_flight {
                let oldest = commits.pop_front().expect("there is one");
                block_on(oldest).expect("the store stays open");
            }
        }
    }
    commits.into_iter().for_each(|commit| block_on(commit).expect("the store stays open"));
}
