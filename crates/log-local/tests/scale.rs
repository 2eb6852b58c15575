//! Ten thousand partitions cost little: memory, files, the time of a start, and nothing when idle.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::time::{Duration, Instant};
use support::TempDir;
use tidegate_log::LogStore;
use tidegate_log::conformance::{Writer, batch, block_on, partition};
use tidegate_log_local::{LocalStore, Settings};

const PARTITIONS: usize = 10_000;

/// Bytes of memory that this process uses.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Processor time that this process has used.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the target is a valid timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn open_all(store: &LocalStore) -> Vec<Writer> {
    (0..PARTITIONS).map(|n| Writer::open(store, partition(n as u128 / 100, n as i32), 0)).collect()
}

#[test]
fn ten_thousand_partitions_cost_little() {
    let dir = TempDir::new();
    let settings = Settings::new(dir.path().join("data"));
    let store = LocalStore::open(settings.clone()).unwrap();
    let before = resident_bytes();
    let mut writers = open_all(&store);
    let each = (resident_bytes() - before) / PARTITIONS;
    assert!(each < 2048, "an idle partition takes {each} bytes");
    let files = std::fs::read_dir(settings.data_dir.join("segments")).unwrap().count();
    assert_eq!(files, 0, "idle partitions have no files");

    let used = processor_time();
    std::thread::sleep(Duration::from_millis(500));
    let used = processor_time() - used;
    assert!(used < Duration::from_millis(150), "idle for 500 ms, busy for {used:?}");

    let mut commits = Vec::new();
    for writer in &mut writers {
        commits.push(writer.enqueue(&mut batch(1, 100, 0)).unwrap());
    }
    commits.into_iter().for_each(|commit| block_on(commit).unwrap());
    let sizes: u64 = writers.iter().map(|writer| writer.log.size_bytes()).sum();
    drop(writers);
    drop(store);
    let begun = Instant::now();
    let store = LocalStore::open(settings.clone()).unwrap();
    let replayed = begun.elapsed();
    block_on(store.close()).unwrap();
    drop(store);

    let begun = Instant::now();
    let store = LocalStore::open(settings.clone()).unwrap();
    let reopened = begun.elapsed();
    let writers = open_all(&store);
    assert_eq!(writers.iter().map(|writer| writer.log.size_bytes()).sum::<u64>(), sizes);
    for writer in writers.iter().step_by(7) {
        assert_eq!(writer.read(0).len() as u64, writer.log.size_bytes());
    }
    let open_files = std::fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open_files < settings.open_files_max + 200, "{open_files} files are open");
    let checkpoint = std::fs::metadata(settings.data_dir.join("checkpoint")).unwrap().len();
    println!(
        "idle partition: {each} B; start with {PARTITIONS} appends to replay: {replayed:?}, with as many \
         segments: {reopened:?}; checkpoint: {checkpoint} B"
    );
    // Far more than it takes, for machines that do other things meanwhile.
    assert!(replayed < Duration::from_secs(60) && reopened < Duration::from_secs(60));
    assert!(checkpoint < 4 << 20);
}
