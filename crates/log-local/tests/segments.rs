//! Limits of segments over the end and the start of a store.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::time::{Duration, Instant};
use support::TempDir;
use tidegate_log::conformance::{Writer, block_on, partition};
use tidegate_log::{LogStore, SegmentLimits};
use tidegate_log_local::{LocalStore, Settings};

/// With the usual sizes of buffers each of these leaves memory at once.
const VALUE_BYTES: usize = 300_000;

/// Waits until the log is divided at these offsets.
fn expect_bases(writer: &Writer, wanted: &[i64]) {
    let begun = Instant::now();
    loop {
        let segments = writer.log.segments();
        let bases: Vec<i64> = segments.iter().map(|segment| segment.base_offset).collect();
        if bases == wanted {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{bases:?}, not {wanted:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn what_is_replayed_after_a_crash_is_divided_by_the_limits_of_its_partition() {
    let dir = TempDir::new();
    let settings = Settings::new(dir.path().join("data"));
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    writer.log.limit_segments(SegmentLimits { bytes: 700_000, span_ms: 50 });
    writer.append(1, VALUE_BYTES, 0);
    store.checkpoint().unwrap();
    [1, 2, 3, 60, 61].iter().for_each(|at| drop(writer.append(1, VALUE_BYTES, *at)));
    expect_bases(&writer, &[0, 2, 4]);
    drop((writer, store));
    let store = LocalStore::open(settings).unwrap();
    expect_bases(&Writer::open(&store, partition(1, 0), 0), &[0, 2, 4]);
}

#[test]
fn the_span_of_a_segment_counts_over_a_restart() {
    let dir = TempDir::new();
    let settings = Settings::new(dir.path().join("data"));
    let limits = SegmentLimits { bytes: u64::MAX, span_ms: 1_000 };
    for (timestamp, expected) in
        [(5_000, &[0][..]), (6_000, &[0]), (6_001, &[0, 2]), (7_001, &[0, 2]), (7_002, &[0, 2, 4])]
    {
        let store = LocalStore::open(settings.clone()).unwrap();
        let mut writer = Writer::open(&store, partition(1, 0), 0);
        writer.log.limit_segments(limits);
        writer.append(1, VALUE_BYTES, timestamp);
        expect_bases(&writer, expected);
        block_on(store.close()).unwrap();
    }
}

#[test]
fn the_age_of_a_segment_without_timestamps_is_that_of_its_file() {
    let dir = TempDir::new();
    let settings = Settings::new(dir.path().join("data"));
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    writer.append(1, VALUE_BYTES, -1);
    store.checkpoint().unwrap();
    let directory = settings.data_dir.join("segments").join(partition(1, 0).to_string());
    let file = std::fs::File::options().write(true).open(directory.join(format!("{:020}.log", 0)));
    let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1_000);
    file.unwrap().set_modified(long_ago).unwrap();
    assert_eq!(writer.log.segments()[0].max_timestamp, 1_000_000);
    writer.append(1, 10, -1);
    assert!(writer.log.segments()[0].max_timestamp > 1_000_000_000, "what is in memory is new");
}
