//! A full disk: nothing is lost, nothing is taken that cannot be kept, and it ends by itself.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::ffi::CString;
use std::path::Path;
use std::time::{Duration, Instant};
use support::TempDir;
use tidegate_log::conformance::{Writer, batch, block_on, partition};
use tidegate_log::{LogError, LogStore, SegmentLimits};
use tidegate_log_local::faults::{self, Operation};
use tidegate_log_local::{LocalStore, Settings};

/// Appends until the store refuses, and returns what it acknowledged.
fn append_until_full(writer: &mut Writer, value_len: usize, limit: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    for n in 0..limit {
        let mut bytes = batch(1, value_len, n as i64);
        match writer.enqueue(&mut bytes) {
            Ok(commit) => block_on(commit).unwrap(),
            Err(LogError::Full(_)) => return kept,
            Err(other) => panic!("{other}"),
        }
        kept.extend(bytes);
    }
    panic!("the store took {limit} appends of {value_len} bytes");
}

/// Appends one batch as soon as the store takes it again.
fn append_when_there_is_room(writer: &mut Writer) -> Vec<u8> {
    let begun = Instant::now();
    loop {
        let mut bytes = batch(1, 1_000, 7);
        match writer.enqueue(&mut bytes) {
            Ok(commit) => {
                block_on(commit).unwrap();
                return bytes;
            }
            Err(LogError::Full(_)) if begun.elapsed() < Duration::from_secs(60) => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn segments_without_space_refuse_appends_and_nothing_else() {
    let dir = TempDir::new();
    let mut settings = Settings::new(dir.path().join("data"));
    settings.flush_bytes = 100_000;
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    let mut gone = Writer::open(&store, partition(2, 0), 0);
    gone.append(1, 500, 0);
    faults::inject(Operation::WriteSegment, &settings.data_dir, libc::ENOSPC);
    let mut expected = append_until_full(&mut writer, 10_000, 100_000);
    assert!(store.stats().full);
    assert!(writer.read(0) == expected, "reads go on");
    block_on(writer.log.trim(1).wait()).unwrap();
    block_on(store.delete(partition(2, 0)).wait()).unwrap();
    faults::heal(&settings.data_dir);
    let next_offset = writer.next_offset;
    expected.extend(append_when_there_is_room(&mut writer));
    assert_eq!(writer.next_offset, next_offset + 1, "no offset was lost");
    assert!(!store.stats().full);
    drop(store);
    let store = LocalStore::open(settings).unwrap();
    let first = batch(1, 10_000, 0).len();
    assert!(Writer::open(&store, partition(1, 0), 0).read(1) == expected[first..]);
}

#[test]
fn an_append_of_which_a_part_has_moved_to_a_segment_is_counted_once() {
    let dir = TempDir::new();
    let mut settings = Settings::new(dir.path().join("data"));
    settings.flush_bytes = 100_000;
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    // Three of the batches fill a segment. There is no space for the second.
    writer.log.limit_segments(SegmentLimits { bytes: 35_000, ..SegmentLimits::NONE });
    let second = format!("segments/{}/{:020}.log", partition(1, 0), 3);
    faults::inject(Operation::WriteSegment, &settings.data_dir.join(&second), libc::ENOSPC);
    let mut batches: Vec<u8> = (0..12).flat_map(|n| batch(1, 10_000, n)).collect();
    block_on(writer.enqueue(&mut batches).unwrap()).unwrap();
    while !store.stats().full {
        std::thread::sleep(Duration::from_millis(5));
    }
    let segments = writer.log.segments();
    assert_eq!(segments.len(), 1, "the flush is between two segments");
    assert_eq!(segments[0].bytes, batches.len() as u64);
    assert_eq!(writer.log.size_bytes(), batches.len() as u64);
    faults::heal(&settings.data_dir.join(&second));
}

#[test]
fn a_log_that_cannot_grow_is_filled_and_then_refuses() {
    let dir = TempDir::new();
    let mut settings = Settings::new(dir.path().join("data"));
    settings.wal_file_bytes = 4 << 20;
    settings.checkpoint_interval_ms = 1_000_000;
    // Before the first start: not even the second file can be made.
    faults::inject(Operation::Allocate, &settings.wal_dir().join("001.wal"), libc::ENOSPC);
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    std::thread::sleep(Duration::from_millis(100));
    let mut expected = append_until_full(&mut writer, 50_000, 1_000);
    assert!(expected.len() > 2 << 20, "{} bytes of 4 MiB were used", expected.len());
    assert!(writer.read(0) == expected);
    faults::heal(&settings.wal_dir().join("001.wal"));
    expected.extend(append_when_there_is_room(&mut writer));
    drop(store);
    let store = LocalStore::open(settings).unwrap();
    assert!(Writer::open(&store, partition(1, 0), 0).read(0) == expected);
}

#[test]
fn a_checkpoint_without_space_leaves_the_one_before_in_place() {
    let dir = TempDir::new();
    let mut settings = Settings::new(dir.path().join("data"));
    settings.checkpoint_interval_ms = 20;
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    let before = std::fs::read(settings.data_dir.join("checkpoint")).unwrap();
    faults::inject(Operation::WriteCheckpoint, &settings.data_dir, libc::ENOSPC);
    let mut expected = writer.append(1, 1_000, 0);
    while !store.stats().full {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(std::fs::read(settings.data_dir.join("checkpoint")).unwrap(), before);
    faults::heal(&settings.data_dir);
    expected.extend(append_when_there_is_room(&mut writer));
    assert!(writer.read(0) == expected);
}

#[test]
fn the_largest_append_is_taken_and_one_byte_more_never() {
    let dir = TempDir::new();
    let mut settings = Settings::new(dir.path().join("data"));
    settings.wal_file_bytes = 1 << 20;
    let max = settings.append_bytes_max();
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    let overhead = batch(1, 1_000_000, 0).len() - 1_000_000;
    let mut large = batch(1, max as usize + 1 - overhead, 0);
    let len = large.len();
    assert_eq!(len as u64, max + 1);
    let refused = writer.enqueue(&mut large).unwrap_err();
    assert!(matches!(refused, LogError::TooLarge { len: l, max: m } if (l, m) == (len, max)));
    let fits = writer.append(1, max as usize - overhead, 0);
    assert_eq!(fits.len() as u64, max);
    drop(store);
    let store = LocalStore::open(settings).unwrap();
    assert!(Writer::open(&store, partition(1, 0), 0).read(0) == fits);
}

#[test]
fn a_log_of_two_small_files_goes_round_and_round() {
    let dir = TempDir::new();
    let mut settings = Settings::new(dir.path().join("data"));
    settings.wal_file_bytes = 1 << 20;
    settings.wal_files = 2;
    settings.checkpoint_bytes = u64::MAX;
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    let mut commits = Vec::new();
    let mut bytes = 0;
    for n in 0..600 {
        let mut batch = batch(1, 60_000, n);
        commits.push(writer.enqueue(&mut batch).unwrap());
        bytes += batch.len();
    }
    commits.into_iter().for_each(|commit| block_on(commit).unwrap());
    assert_eq!(writer.log.size_bytes(), bytes as u64);
    assert!(store.stats().checkpoints >= 10, "{} checkpoints", store.stats().checkpoints);
    let in_log: u64 = std::fs::read_dir(settings.wal_dir())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(in_log <= 2 << 20, "{in_log} bytes of log");
}

/// A file system of a given size, unmounted at the end.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    /// `None` where mounting is not permitted.
    fn tmpfs(path: &'a Path, mib: usize) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let [kind, target] =
            ["tmpfs", path.to_str().unwrap()].map(|text| CString::new(text).unwrap());
        let options = CString::new(format!("size={mib}m")).unwrap();
        // In a namespace of this thread and those it starts, so that nothing stays mounted if the test
        // is killed.
        let private = libc::MS_REC | libc::MS_PRIVATE;
        // SAFETY: all strings are terminated and live until the calls return.
        let mounted = unsafe {
            if libc::unshare(libc::CLONE_NEWNS) != 0 {
                return None;
            }
            let root = c"/".as_ptr();
            libc::mount(c"none".as_ptr(), root, std::ptr::null(), private, std::ptr::null());
            libc::mount(kind.as_ptr(), target.as_ptr(), kind.as_ptr(), 0, options.as_ptr().cast())
        };
        (mounted == 0).then_some(Mount(path))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let target = CString::new(self.0.to_str().unwrap()).unwrap();
        // SAFETY: the string is terminated and lives until the call returns.
        unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) };
    }
}

#[test]
fn a_full_file_system_is_survived_and_deletions_make_room() {
    let dir = TempDir::new();
    let path = dir.path().join("small");
    let Some(_mount) = Mount::tmpfs(&path, 24) else {
        eprintln!(
            "SKIPPED: mounting a tmpfs is not permitted here; the injected errors above remain"
        );
        return;
    };
    let mut settings = Settings::new(path.join("data"));
    settings.wal_file_bytes = 2 << 20;
    settings.wal_files = 4;
    settings.tail_bytes_max = 1 << 20;
    settings.checkpoint_interval_ms = 50;
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut filler = Writer::open(&store, partition(1, 0), 0);
    let mut writer = Writer::open(&store, partition(2, 0), 0);
    let mut expected = writer.append(1, 1_000, 0);
    let filled = append_until_full(&mut filler, 100_000, 1_000);
    assert!(filled.len() > 4 << 20, "{} bytes fit", filled.len());
    assert!(filler.read(0) == filled && writer.read(0) == expected, "reads go on");
    block_on(store.delete(partition(1, 0)).wait()).unwrap();
    expected.extend(append_when_there_is_room(&mut writer));
    assert!(writer.read(0) == expected);
    drop(store);
    let store = LocalStore::open(settings).unwrap();
    assert_eq!(store.partitions(), [partition(2, 0)]);
    assert!(Writer::open(&store, partition(2, 0), 0).read(0) == expected);
}
