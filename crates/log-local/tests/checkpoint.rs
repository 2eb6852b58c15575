//! What happens while a checkpoint is made. An observer that is slow to give its snapshot keeps the
//! checkpoint in its middle for as long as a test needs.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use support::TempDir;
use tidegate_log::conformance::{Writer, batch, block_on, partition};
use tidegate_log::{Append, LogObserver, LogStore, Snapshot};
use tidegate_log_local::inspect::inspect;
use tidegate_log_local::{LocalStore, Settings};
use tidegate_model::{BatchHeader, Offset, set_leader_epoch};

/// Says when it is asked for a snapshot, and gives none before it is let go.
struct Slow {
    asked: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

impl LogObserver for Slow {
    fn on_durable(&self, _: Offset) {}

    fn snapshot(&self) -> Option<Snapshot> {
        self.asked.lock().unwrap().send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        None
    }
}

/// Runs `meanwhile` in the middle of a checkpoint, and opens what a crash right after it leaves.
fn during_a_checkpoint(
    before: impl FnOnce(&LocalStore),
    meanwhile: impl FnOnce(&LocalStore),
    after: impl FnOnce(&LocalStore),
) {
    let dir = TempDir::new();
    let settings = Settings::new(dir.path().join("data"));
    let store = LocalStore::open(settings.clone()).unwrap();
    before(&store);
    let (asked, was_asked) = channel();
    let (let_go, go_on) = channel();
    let slow = Arc::new(Slow { asked: Mutex::new(asked), go_on: Mutex::new(go_on) });
    let opened = block_on(store.open(partition(9, 9), 0, slow).wait()).unwrap();
    let mut bytes = batch(1, 10, 0);
    set_leader_epoch(&mut bytes, 0);
    let header = BatchHeader::parse(&bytes).unwrap();
    let append = Append {
        base_offset: 0,
        next_offset: 1,
        leader_epoch: 0,
        max_timestamp: header.max_timestamp,
        batches: &bytes,
    };
    block_on(opened.log.enqueue(append).unwrap()).unwrap();
    std::thread::scope(|scope| {
        let checkpoint = scope.spawn(|| store.checkpoint().unwrap());
        was_asked.recv().unwrap();
        meanwhile(&store);
        let_go.send(()).unwrap();
        checkpoint.join().unwrap();
    });
    assert_eq!(store.stats().checkpoints, 1);
    drop((opened, store));
    assert!(!inspect(&settings).unwrap().is_refused());
    after(&LocalStore::open(settings).unwrap());
}

#[test]
fn appends_go_on_and_are_kept() {
    during_a_checkpoint(
        |store| drop(Writer::open(store, partition(1, 0), 0).append(1, 100, 0)),
        |store| {
            Writer::open(store, partition(1, 0), 0).append(1, 100, 1);
            // A partition that the checkpoint has never heard of.
            Writer::open(store, partition(1, 1), 0).append(2, 100, 1);
        },
        |store| {
            assert_eq!(Writer::open(store, partition(1, 0), 0).next_offset, 2);
            assert_eq!(Writer::open(store, partition(1, 1), 0).next_offset, 2);
        },
    );
}

#[test]
fn a_partition_deleted_meanwhile_stays_deleted() {
    during_a_checkpoint(
        |store| drop(Writer::open(store, partition(1, 0), 0).append(5, 100, 0)),
        |store| {
            // An append that is replayed, to a partition that the checkpoint does not have.
            Writer::open(store, partition(1, 0), 0).append(1, 100, 0);
            block_on(store.delete(partition(1, 0)).wait()).unwrap();
        },
        |store| assert_eq!(store.partitions(), [partition(9, 9)]),
    );
}

#[test]
fn a_partition_made_anew_meanwhile_is_the_new_one() {
    during_a_checkpoint(
        |store| drop(Writer::open(store, partition(1, 0), 0).append(5, 100, 0)),
        |store| {
            Writer::open(store, partition(1, 0), 0).append(1, 100, 0);
            block_on(store.delete(partition(1, 0)).wait()).unwrap();
            Writer::open(store, partition(1, 0), 0).append(2, 50, 0);
        },
        |store| {
            let writer = Writer::open(store, partition(1, 0), 0);
            assert_eq!(writer.next_offset, 2);
            assert_eq!(writer.read(0).len(), batch(2, 50, 0).len());
        },
    );
}

#[test]
fn a_trim_meanwhile_holds_though_its_segments_are_gone() {
    during_a_checkpoint(
        |store| {
            let mut writer = Writer::open(store, partition(1, 0), 0);
            (0..4).for_each(|n| drop(writer.append(1, 300_000, n)));
        },
        |store| {
            let mut writer = Writer::open(store, partition(1, 0), 0);
            writer.append(1, 100, 4);
            block_on(writer.log.trim(5).wait()).unwrap();
            writer.append(1, 100, 5);
        },
        |store| {
            let writer = Writer::open(store, partition(1, 0), 0);
            assert_eq!((writer.log.log_start_offset(), writer.next_offset), (5, 6));
            assert_eq!(writer.read(5).len(), batch(1, 100, 5).len());
        },
    );
}
