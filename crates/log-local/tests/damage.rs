//! Damage is refused where data was acknowledged, with its place, and cut where nobody was told.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::TempDir;
use tidegate_log::LogStore;
use tidegate_log::conformance::{Writer, batch, block_on, partition};
use tidegate_log_local::inspect::{FrameSummary, Inspection, inspect};
use tidegate_log_local::{LocalStore, OpenError, Settings, Sync};

const HEADER_BYTES: u64 = 64;
const ENTRY_BYTES: u64 = 48;

fn settings(directory: &Path) -> Settings {
    Settings::new(directory.join("data"))
}

/// Appends `count` batches one by one, each a frame of its own, and drops the store without closing
/// it. Returns the batches.
fn write_frames(settings: &Settings, count: usize) -> Vec<Vec<u8>> {
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    (0..count).map(|n| writer.append(2, 700, n as i64)).collect()
}

fn read_back(settings: &Settings) -> Vec<u8> {
    let store = LocalStore::open(settings.clone()).unwrap();
    Writer::open(&store, partition(1, 0), 0).read(0)
}

fn frames(settings: &Settings) -> Vec<FrameSummary> {
    inspect(settings).unwrap().frames
}

fn flip(path: &Path, position: u64, bit: u8) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, position).unwrap();
    file.write_all_at(&[byte[0] ^ (1 << bit)], position).unwrap();
}

fn refusal(settings: &Settings) -> (PathBuf, u64, String) {
    match LocalStore::open(settings.clone()) {
        Err(OpenError::Corrupt { path, position, what }) => (path, position, what),
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("the store opened"),
    }
}

fn refused_damage(inspection: &Inspection) -> (PathBuf, u64) {
    let mut refused = inspection.damage.iter().filter(|damage| damage.acknowledged);
    let first = refused.next().expect("the inspection finds what the store refuses");
    (first.path.clone(), first.position)
}

/// Positions in all regions of a frame: every byte of the header, entries, first and last bytes of
/// the payload and some in it.
fn regions(frame: &FrameSummary) -> Vec<u64> {
    let payload: u64 = frame.entries.iter().map(|entry| u64::from(entry.bytes)).sum();
    let entries = frame.entries.len() as u64 * ENTRY_BYTES;
    let used = HEADER_BYTES + payload + entries;
    let payload_from = HEADER_BYTES;
    (0..HEADER_BYTES)
        .chain((0..payload).step_by(97).map(|at| payload_from + at))
        .chain((used - entries - 1)..used)
        .map(|at| frame.position + at)
        .collect()
}

#[test]
fn a_flipped_bit_in_an_acknowledged_frame_is_refused_with_its_place() {
    let dir = TempDir::new();
    let settings = settings(dir.path());
    write_frames(&settings, 4);
    let frames = frames(&settings);
    let damaged = &frames[1];
    for (n, position) in regions(damaged).into_iter().enumerate() {
        let bit = (n % 8) as u8;
        flip(&damaged.path, position, bit);
        let (path, at, what) = refusal(&settings);
        assert_eq!((&path, at), (&damaged.path, damaged.position), "byte {position}: {what}");
        assert!(what.contains(&format!("frame {}", damaged.lsn)), "{what}");
        assert_eq!(refused_damage(&inspect(&settings).unwrap()), (path, at));
        flip(&damaged.path, position, bit);
    }
    assert_eq!(read_back(&settings).len(), 4 * batch(2, 700, 0).len());
}

#[test]
fn a_torn_last_frame_is_cut_and_the_log_goes_on_before_it() {
    let dir = TempDir::new();
    let settings = settings(dir.path());
    let mut batches = write_frames(&settings, 3);
    let last = frames(&settings).pop().unwrap();
    for position in regions(&last) {
        flip(&last.path, position, 3);
        let inspection = inspect(&settings).unwrap();
        assert!(!inspection.is_refused(), "{:?}", inspection.damage);
        assert_eq!(inspection.frames.len(), 2);
        flip(&last.path, position, 3);
    }
    flip(&last.path, last.position + HEADER_BYTES + 500, 0);
    batches.pop();
    assert_eq!(read_back(&settings), batches.concat());
    batches.extend(write_frames(&settings, 2));
    assert_eq!(read_back(&settings).len(), batches.concat().len());
}

#[test]
fn an_idle_log_knows_that_its_last_frame_was_durable() {
    let dir = TempDir::new();
    let settings = settings(dir.path());
    {
        let store = LocalStore::open(settings.clone()).unwrap();
        Writer::open(&store, partition(1, 0), 0).append(1, 100, 0);
        std::thread::sleep(Duration::from_millis(600));
    }
    let last = frames(&settings).into_iter().rfind(|frame| !frame.entries.is_empty()).unwrap();
    flip(&last.path, last.position + HEADER_BYTES + 80, 5);
    assert_eq!(refusal(&settings).1, last.position);
}

#[test]
fn frames_behind_a_cut_never_come_back() {
    let dir = TempDir::new();
    let settings = Settings { sync: Sync::Os, ..settings(dir.path()) };
    let mut batches = write_frames(&settings, 9);
    let fifth = frames(&settings).remove(4);
    // What a power failure can do to writes that nobody synced: one is lost, later ones are not.
    flip(&fifth.path, fifth.position + HEADER_BYTES + 100, 1);
    batches.truncate(4);
    for round in 0..3 {
        assert_eq!(read_back(&settings), batches.concat(), "round {round}");
        // As long as the frame that was cut, so that the old sixth one follows right behind it.
        let store = LocalStore::open(settings.clone()).unwrap();
        let mut writer = Writer::open(&store, partition(1, 0), 0);
        batches.push(writer.append(2, 700, 100 + round));
    }
    assert_eq!(read_back(&settings), batches.concat());
}

#[test]
fn a_bad_checkpoint_is_refused_wherever_it_is_damaged() {
    let dir = TempDir::new();
    let settings = settings(dir.path());
    let store = LocalStore::open(settings.clone()).unwrap();
    Writer::open(&store, partition(1, 0), 0).append(1, 100, 0);
    block_on(store.close()).unwrap();
    drop(store);
    let path = settings.data_dir.join("checkpoint");
    let len = std::fs::metadata(&path).unwrap().len();
    for position in 0..len {
        flip(&path, position, (position % 8) as u8);
        assert_eq!(refusal(&settings).0, path, "byte {position}");
        assert!(inspect(&settings).unwrap().is_refused());
        flip(&path, position, (position % 8) as u8);
    }
    let whole = std::fs::read(&path).unwrap();
    for len in [0, 1, 50, whole.len() - 1] {
        std::fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(refusal(&settings).0, path, "{len} bytes");
    }
    std::fs::write(&path, &whole).unwrap();
    assert!(!read_back(&settings).is_empty());
}

/// A closed store with a few segments; returns their paths in offset order.
fn with_segments(settings: &mut Settings) -> Vec<PathBuf> {
    settings.segment_bytes = 5_000;
    write_frames(settings, 12);
    let store = LocalStore::open(settings.clone()).unwrap();
    block_on(store.close()).unwrap();
    let segments = inspect(settings).unwrap().segments;
    assert!(segments.len() >= 3);
    segments.into_iter().map(|segment| segment.path).collect()
}

#[test]
fn a_short_or_missing_segment_is_refused_with_its_name() {
    let dir = TempDir::new();
    let mut settings = settings(dir.path());
    for path in with_segments(&mut settings) {
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(refusal(&settings).0, path);
        assert_eq!(refused_damage(&inspect(&settings).unwrap()).0, path);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(refusal(&settings).0, path);
        std::fs::write(&path, &whole).unwrap();
    }
    assert_eq!(read_back(&settings).len(), 12 * batch(2, 700, 0).len());
}

#[test]
fn what_a_segment_holds_beyond_the_checkpoint_is_cut() {
    let dir = TempDir::new();
    let mut settings = settings(dir.path());
    let last = with_segments(&mut settings).pop().unwrap();
    let mut bytes = std::fs::read(&last).unwrap();
    let len = bytes.len();
    bytes.extend_from_slice(b"what a flush wrote that no checkpoint covers");
    std::fs::write(&last, &bytes).unwrap();
    std::fs::write(last.with_file_name("00000000000000000999.log"), b"the same").unwrap();
    assert_eq!(read_back(&settings).len(), 12 * batch(2, 700, 0).len());
    assert_eq!(std::fs::metadata(&last).unwrap().len(), len as u64);
    assert!(!last.with_file_name("00000000000000000999.log").exists());
}

#[test]
fn an_inspection_finds_every_flipped_byte_of_a_segment() {
    let dir = TempDir::new();
    let mut settings = settings(dir.path());
    let path = with_segments(&mut settings).remove(0);
    let one = batch(2, 700, 0).len() as u64;
    for position in (0..2 * one).step_by(11) {
        flip(&path, position, 2);
        // The epoch is not covered by the batch's CRC, and says nothing about its bytes.
        let in_epoch = (12..16).contains(&(position % one));
        let damage = inspect(&settings).unwrap().damage;
        assert_eq!(damage.is_empty(), in_epoch, "byte {position}: {damage:?}");
        if let Some(damage) = damage.first() {
            assert!(damage.acknowledged && damage.path == path && damage.position <= position);
        }
        flip(&path, position, 2);
    }
}

#[test]
fn a_damaged_index_is_built_anew() {
    let dir = TempDir::new();
    let mut settings = settings(dir.path());
    settings.index_interval_bytes = 1_000;
    let path = with_segments(&mut settings).remove(0).with_extension("index");
    flip(&path, 30, 1);
    let damage = inspect(&settings).unwrap().damage;
    assert!(damage.len() == 1 && damage[0].path == path && !damage[0].acknowledged);
    assert_eq!(read_back(&settings).len(), 12 * batch(2, 700, 0).len());
}

#[test]
fn missing_files_of_the_log_are_refused() {
    let dir = TempDir::new();
    let settings = settings(dir.path());
    write_frames(&settings, 2);
    let path = frames(&settings)[0].path.clone();
    let away = path.with_extension("away");
    std::fs::rename(&path, &away).unwrap();
    assert_eq!(refusal(&settings).0, path);
    std::fs::rename(&away, &path).unwrap();
    let checkpoint = settings.data_dir.join("checkpoint");
    std::fs::remove_file(&checkpoint).unwrap();
    let (path, _, what) = refusal(&settings);
    assert!(path == checkpoint && what.contains("missing"), "{what}");
}

#[test]
fn a_second_store_on_the_same_directory_is_told_who_has_it() {
    let dir = TempDir::new();
    let settings = settings(dir.path());
    let _store = LocalStore::open(settings.clone()).unwrap();
    match LocalStore::open(settings).map(|_| ()) {
        Err(OpenError::InUse { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_log_of_another_store_is_not_replayed() {
    let dir = TempDir::new();
    let mine = settings(dir.path());
    let theirs = Settings::new(dir.path().join("theirs"));
    let batches = write_frames(&mine, 2);
    write_frames(&theirs, 4);
    let (from, to) = (frames(&theirs)[0].path.clone(), frames(&mine)[0].path.clone());
    let kept = std::fs::read(&to).unwrap();
    std::fs::copy(&from, &to).unwrap();
    assert!(inspect(&mine).unwrap().frames.is_empty());
    std::fs::write(&to, kept).unwrap();
    assert_eq!(read_back(&mine), batches.concat());
}
