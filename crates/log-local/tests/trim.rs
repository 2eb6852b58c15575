//! What a trim leaves on the disk: the segments that hold something wanted, and no others.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::time::{Duration, Instant};
use support::TempDir;
use tidegate_log::LogStore;
use tidegate_log::conformance::{Writer, block_on, partition};
use tidegate_log_local::{LocalStore, Settings};

fn settings(dir: &TempDir) -> Settings {
    let mut settings = Settings::new(dir.path().join("data"));
    settings.segment_bytes = 10_000;
    settings.flush_bytes = 1;
    settings
}

/// The base offsets of the partition's segments on the disk; none before its directory is made.
fn segments(settings: &Settings) -> Vec<i64> {
    let directory = settings.data_dir.join("segments").join(partition(1, 0).to_string());
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name());
    let base = |name: std::ffi::OsString| name.to_str()?.strip_suffix(".log")?.parse().ok();
    let mut found: Vec<i64> = names.filter_map(base).collect();
    found.sort_unstable();
    found
}

/// Waits until the threads of the store have done what they have to do.
fn wait_for(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn segments_below_the_log_start_leave_the_disk_and_the_one_that_holds_it_stays() {
    let dir = TempDir::new();
    let settings = settings(&dir);
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    // Nine records of about a kilobyte fill a segment.
    (0..30).for_each(|n| drop(writer.append(1, 1_000, n)));
    wait_for(|| segments(&settings) == [0, 9, 18, 27]);
    block_on(writer.log.trim(17).wait()).unwrap();
    wait_for(|| segments(&settings) == [9, 18, 27]);
    block_on(writer.log.trim(18).wait()).unwrap();
    wait_for(|| segments(&settings) == [18, 27]);
    block_on(writer.log.trim(30).wait()).unwrap();
    wait_for(|| segments(&settings).is_empty());
    assert_eq!(writer.log.size_bytes(), 0);
    let next = writer.append(1, 1_000, 0);
    wait_for(|| segments(&settings) == [30]);
    assert!(writer.read(30) == next);
}

#[test]
fn a_deleted_partition_has_left_the_disk_when_its_deletion_is_answered() {
    let dir = TempDir::new();
    let settings = settings(&dir);
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut deleted = Writer::open(&store, partition(1, 0), 0);
    let mut kept = Writer::open(&store, partition(2, 0), 0);
    let expected: Vec<_> = (0..30).map(|n| kept.append(1, 1_000, n)).collect();
    (0..30).for_each(|n| drop(deleted.append(1, 1_000, n)));
    wait_for(|| segments(&settings).len() == 4);
    block_on(store.delete(partition(1, 0)).wait()).unwrap();
    let directory = settings.data_dir.join("segments").join(partition(1, 0).to_string());
    let left = std::fs::read_dir(&directory).map_or(0, Iterator::count);
    assert_eq!(left, 0, "files are left in {}", directory.display());
    let mut anew = Writer::open(&store, partition(1, 0), 0);
    assert_eq!((anew.next_offset, anew.log.size_bytes()), (0, 0));
    let bytes = anew.append(1, 10, 0);
    assert!(anew.read(0) == bytes);
    assert!(kept.read(0) == expected.concat());
}

#[test]
fn what_a_crash_left_below_the_log_start_is_removed_by_the_next_start() {
    let dir = TempDir::new();
    let settings = settings(&dir);
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    (0..30).for_each(|n| drop(writer.append(1, 1_000, n)));
    wait_for(|| segments(&settings) == [0, 9, 18, 27]);
    store.checkpoint().unwrap();
    let image = dir.path().join("image");
    block_on(writer.log.trim(20).wait()).unwrap();
    wait_for(|| segments(&settings) == [18, 27]);
    drop((writer, store));
    // The trim is in the log, and a file that it made needless is still there.
    std::fs::rename(&settings.data_dir, &image).unwrap();
    let directory = image.join("segments").join(partition(1, 0).to_string());
    std::fs::copy(
        directory.join(format!("{:020}.log", 18)),
        directory.join(format!("{:020}.log", 9)),
    )
    .unwrap();
    let settings = Settings { data_dir: image, ..settings };
    let store = LocalStore::open(settings.clone()).unwrap();
    let writer = Writer::open(&store, partition(1, 0), 0);
    assert_eq!((writer.log.log_start_offset(), writer.next_offset), (20, 30));
    assert_eq!(segments(&settings), [18, 27]);
    assert!(!writer.read(20).is_empty());
}

#[test]
fn the_volume_is_the_data_directorys_file_system() {
    let dir = TempDir::new();
    let store = LocalStore::open(settings(&dir)).unwrap();
    let volume = store.volume();
    assert_eq!(std::path::Path::new(&volume.path), dir.path().join("data"));
    assert!(std::path::Path::new(&volume.path).is_absolute());
    let (total, usable) = (volume.total_bytes.unwrap(), volume.usable_bytes.unwrap());
    assert!(0 < usable && usable < total, "{usable} of {total}");
}
