//! What a process that is ended at any moment leaves behind, and how it ends itself when the disk fails.
//!
//! This program starts itself as the writer. The writer notes in a file, for each partition, up to
//! which offset it was told that its appends are durable. Stopped at a random moment, its directory is
//! copied: the copy is what a kill at that moment would have left. Each copy is opened, and everything
//! that was acknowledged must be there, byte for byte.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::TempDir;
use tidegate_log::conformance::{Chance, Writer, batch, block_on, partition};
use tidegate_log_local::faults::{self, Operation};
use tidegate_log_local::inspect::inspect;
use tidegate_log_local::{LocalStore, Settings, Sync};
use tidegate_model::{BatchHeader, Batches};

const PARTITIONS: usize = 12;
const IMAGES: usize = 12;
const ROLE: &str = "TIDEGATE_TEST_ROLE";

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("writer") => write_forever(&data_dir()),
        Ok(role) => fail_on_purpose(role, &data_dir()),
        Err(_) => {
            let wanted = std::env::args().nth(1).filter(|name| !name.starts_with('-'));
            let tests: [(&str, fn()); 3] = [
                ("everything_acknowledged_is_in_every_crash_image", crash_images),
                ("a_killed_writer_starts_again_on_the_same_directory", kill_again_and_again),
                ("a_failing_disk_ends_the_process_with_a_reason", failing_disk),
            ];
            let known =
                |wanted: &String| tests.iter().any(|(name, _)| name.contains(wanted.as_str()));
            assert!(wanted.as_ref().is_none_or(known), "no test is called {wanted:?}");
            for (name, test) in tests {
                if wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
                    test();
                    println!("test {name} ... ok");
                }
            }
        }
    }
}

fn data_dir() -> PathBuf {
    std::env::var_os("TIDEGATE_TEST_DIR").expect("the parent says where").into()
}

/// Small limits, so that every part of the engine is at work at any moment.
fn settings(directory: &Path) -> Settings {
    let mut settings = Settings::new(directory.join("data"));
    settings.sync = match std::env::var("TIDEGATE_TEST_SYNC").as_deref() {
        Ok("interval") => Sync::Interval(3),
        _ => Sync::Always,
    };
    settings.wal_file_bytes = 2 << 20;
    settings.wal_files = 4;
    settings.tail_bytes_max = 1 << 20;
    settings.flush_bytes = 20_000;
    settings.segment_bytes = 100_000;
    settings.checkpoint_bytes = 1 << 20;
    settings.checkpoint_interval_ms = 20;
    settings
}

/// The batch that partition `n` has at `offset`; anyone can tell what it must be.
fn expected_batch(n: usize, offset: i64) -> Vec<u8> {
    let mixed = ((n as u64 + 1) * 1_000_003) ^ offset as u64;
    let len = match mixed % 40 {
        0 => 60_000,
        1..5 => 5_000,
        _ => 150,
    };
    let mut bytes = batch(1 + (mixed % 3) as usize, len, offset);
    tidegate_model::set_base_offset(&mut bytes, offset);
    tidegate_model::set_leader_epoch(&mut bytes, 0);
    bytes
}

fn write_forever(directory: &Path) {
    let store = LocalStore::open(settings(directory)).unwrap();
    let acknowledged = File::options().write(true).open(directory.join("acknowledged")).unwrap();
    let mut writers: Vec<Writer> =
        (0..PARTITIONS).map(|n| Writer::open(&store, partition(1, n as i32), 0)).collect();
    let mut chance = Chance::of_seed(u64::from(std::process::id()));
    let mut waiting = VecDeque::new();
    loop {
        let n = chance.below(PARTITIONS as u64) as usize;
        let writer = &mut writers[n];
        let commit = writer.enqueue(&mut expected_batch(n, writer.next_offset)).unwrap();
        waiting.push_back((n, writer.next_offset, commit));
        if chance.below(3_000) == 0 {
            let start = writer.observer.durable_end().unwrap_or(0) / 2;
            block_on(writer.log.trim(start.max(writer.log.log_start_offset())).wait()).unwrap();
        }
        while waiting.len() > 50 {
            let (n, end, commit) = waiting.pop_front().unwrap();
            block_on(commit).unwrap();
            acknowledged.write_all_at(&end.to_be_bytes(), n as u64 * 8).unwrap();
        }
    }
}

fn start_writer(directory: &Path, sync: &str) -> Child {
    let writer = Command::new(std::env::current_exe().unwrap())
        .env(ROLE, "writer")
        .env("TIDEGATE_TEST_DIR", directory)
        .env("TIDEGATE_TEST_SYNC", sync)
        .spawn();
    writer.unwrap()
}

fn signal(child: &Child, signal: i32) {
    // SAFETY: the process is our own child and has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
}

/// Waits for what the writer will do, however slow the machine and its disk are just now.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not seen within a minute: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Stops the writer and waits until it stands still: within a system call a thread goes on to its end, and
/// what a write or a renaming changes while it is copied is no moment at which a kill could have come.
fn stop(writer: &Child) {
    signal(writer, libc::SIGSTOP);
    let threads = format!("/proc/{}/task", writer.id());
    let stands = |thread: std::io::Result<std::fs::DirEntry>| {
        let stat = thread.and_then(|thread| std::fs::read_to_string(thread.path().join("stat")));
        stat.is_ok_and(|stat| {
            stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('T'))
        })
    };
    wait_until("all threads of the writer are stopped", || {
        std::fs::read_dir(&threads).unwrap().all(stands)
    });
}

/// Waits until the writer was told of more than `count` records that they are durable.
fn wait_for_acknowledged(directory: &Path, count: i64) {
    let is_so = || acknowledged(directory).iter().sum::<i64>() > count;
    wait_until("the writer goes on", is_so);
}

fn acknowledged(directory: &Path) -> Vec<i64> {
    let bytes = std::fs::read(directory.join("acknowledged")).unwrap();
    bytes.chunks_exact(8).map(|end| i64::from_be_bytes(end.try_into().unwrap())).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Opens what a crash left and compares all of it with what was acknowledged. Returns the batches.
fn check(directory: &Path, acknowledged: &[i64]) -> usize {
    let inspection = inspect(&settings(directory)).unwrap();
    assert!(!inspection.is_refused(), "{:?}", inspection.damage);
    let store = LocalStore::open(settings(directory)).unwrap();
    let mut batches = 0;
    for (n, end) in acknowledged.iter().enumerate() {
        let writer = Writer::open(&store, partition(1, n as i32), 0);
        assert!(writer.next_offset >= *end, "partition {n}: {} of {end}", writer.next_offset);
        let start = writer.log.log_start_offset();
        let read = writer.read(start);
        let mut next_offset = start;
        for (at, header) in Batches::new(&read).map(Result::unwrap) {
            let found = &read[at..at + header.len];
            let held = next_offset == start || header.base_offset == next_offset;
            assert!(held, "partition {n} has a gap before {}", header.base_offset);
            assert!(found == expected_batch(n, header.base_offset), "partition {n}: {next_offset}");
            next_offset = BatchHeader::parse(found).unwrap().next_offset();
            batches += 1;
        }
        assert_eq!(next_offset, writer.next_offset, "partition {n}");
    }
    batches
}

fn prepared(dir: &TempDir) -> &Path {
    std::fs::write(dir.path().join("acknowledged"), vec![0; PARTITIONS * 8]).unwrap();
    dir.path()
}

fn crash_images() {
    let mut chance = Chance::from_environment();
    for sync in ["always", "interval"] {
        let dir = TempDir::new();
        let directory = prepared(&dir);
        let mut writer = start_writer(directory, sync);
        let mut images = Vec::new();
        // The first moment may be in the middle of making the store, but not before there is any.
        wait_until("the directory is made", || directory.join("data").is_dir());
        for n in 0..IMAGES {
            if n == 1 {
                wait_for_acknowledged(directory, (IMAGES * PARTITIONS) as i64);
            }
            std::thread::sleep(Duration::from_millis(20 + chance.below(130)));
            stop(&writer);
            let image = dir.path().join(format!("image-{n}"));
            copy(&directory.join("data"), &image.join("data"));
            images.push((image, acknowledged(directory)));
            signal(&writer, libc::SIGCONT);
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let mut checked = 0;
        for (image, acknowledged) in images {
            checked += check(&image, &acknowledged);
            std::fs::remove_dir_all(image).unwrap();
        }
        println!("sync={sync}: {IMAGES} images, {checked} batches compared");
        assert!(checked > IMAGES * PARTITIONS, "the writer hardly wrote");
    }
}

fn kill_again_and_again() {
    let mut chance = Chance::from_environment();
    let dir = TempDir::new();
    let directory = prepared(&dir);
    let mut before = vec![0; PARTITIONS];
    for round in 0..8 {
        let mut writer = start_writer(directory, "always");
        std::thread::sleep(Duration::from_millis(60 + chance.below(240)));
        // Every other one is killed wherever it is, also in its start.
        if round % 2 == 1 {
            wait_for_acknowledged(directory, before.iter().sum::<i64>() + 100);
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let ends = acknowledged(directory);
        assert!(ends.iter().sum::<i64>() >= before.iter().sum(), "round {round}");
        check(directory, &ends);
        before = ends;
    }
}

/// The part of the child: appends with a disk that fails at one place.
fn fail_on_purpose(role: &str, directory: &Path) {
    let settings = settings(directory);
    let store = LocalStore::open(settings.clone()).unwrap();
    let mut writer = Writer::open(&store, partition(1, 0), 0);
    writer.append(1, 100, 0);
    let operation = match role {
        "wal" => Operation::WriteWal,
        "segment" => Operation::WriteSegment,
        "sync" => Operation::SyncSegment,
        "checkpoint" => Operation::WriteCheckpoint,
        other => panic!("no such role: {other}"),
    };
    faults::inject(operation, &settings.data_dir, libc::EIO);
    let commit = writer.enqueue(&mut batch(1, 100, 0)).unwrap();
    drop(block_on(commit));
    std::thread::sleep(Duration::from_secs(60));
    println!("still running");
}

fn failing_disk() {
    for (role, what) in
        [("wal", "write to"), ("segment", "write"), ("sync", "sync"), ("checkpoint", "write")]
    {
        let dir = TempDir::new();
        let child = Command::new(std::env::current_exe().unwrap())
            .env(ROLE, role)
            .env("TIDEGATE_TEST_DIR", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let output = child.unwrap().wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        assert_eq!(signal, Some(libc::SIGABRT), "{role}: {said}");
        let reason = format!("tidegate: cannot {what}");
        assert!(said.contains(&reason) && said.contains("Input/output error"), "{role}: {said}");
        let store = LocalStore::open(settings(dir.path())).unwrap();
        let next_offset = Writer::open(&store, partition(1, 0), 0).next_offset;
        assert!(next_offset >= 1, "{role}: what was durable before is still there");
    }
}
