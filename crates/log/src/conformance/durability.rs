//! Claims about what is there after the store was ended. Engines that keep nothing pass by saying so.

use super::claims::epochs;
use super::support::{Harness, Writer, batch, block_on, partition};
use crate::store::Snapshot;
use bytes::Bytes;

/// A clean end loses nothing.
pub fn everything_is_there_after_reopening(harness: &mut dyn Harness) {
    let mut expected = Vec::new();
    for n in 0..20 {
        let mut writer = Writer::open(&*harness.store(), partition(n, 0), n as i32);
        let mut bytes = writer.append(3, 100 * n as usize, n as i64);
        bytes.extend(writer.append(1, 10, n as i64));
        expected.push(bytes);
    }
    let large = Writer::open(&*harness.store(), partition(0, 0), 0).append(1, 3 << 20, 5);
    expected[0].extend(large);
    block_on(Writer::open(&*harness.store(), partition(1, 0), 1).log.trim(3).wait())
        .expect("within the log");
    if !harness.reopen() {
        return;
    }
    assert_eq!(harness.store().partitions().len(), 20);
    for (n, expected) in expected.iter().enumerate() {
        let writer = Writer::open(&*harness.store(), partition(n as u128, 0), n as i32);
        assert_eq!(writer.log.log_start_offset(), if n == 1 { 3 } else { 0 });
        assert_eq!(writer.next_offset, if n == 0 { 5 } else { 4 });
        assert_eq!(epochs(&writer), [(n as i32, writer.log.log_start_offset())]);
        let read = writer.read(writer.log.log_start_offset());
        assert!(expected.ends_with(&read) && (n == 1 || read.len() == expected.len()));
    }
}

/// An end without warning loses nothing that was acknowledged, and tears nothing.
pub fn everything_acknowledged_is_there_after_a_crash(harness: &mut dyn Harness) {
    let mut expected = Vec::new();
    for round in 0..6 {
        let mut writer = Writer::open(&*harness.store(), partition(1, 0), round);
        assert!(writer.read(0) == expected, "round {round}");
        for n in 0..40 {
            let len = if n % 13 == 0 { 200_000 } else { 90 };
            expected.extend(writer.append(2, len, n));
        }
        // Taken, and nobody was told that it is durable: it may be there or not.
        let mut late = batch(1, 50_000, 0);
        writer.enqueue(&mut late).expect("taken");
        drop(writer);
        if !harness.crash() {
            return;
        }
        let writer = Writer::open(&*harness.store(), partition(1, 0), round);
        let read = writer.read(0);
        if read.len() > expected.len() {
            expected.extend(late);
        }
        assert!(read == expected, "round {round}");
    }
}

/// The newest snapshot at or below the log's end comes back.
pub fn a_snapshot_comes_back_with_the_log(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    writer.append(5, 10, 0);
    let snapshot = Snapshot { offset: 5, bytes: Bytes::from_static(b"folded so far") };
    writer.observer.set_snapshot(snapshot.clone());
    writer.append(1, 10, 0);
    if !harness.reopen() {
        return;
    }
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    assert_eq!(writer.snapshot.as_ref(), Some(&snapshot));
    writer.append(1, 10, 0);
    // What a partition gives that has not folded its log again yet.
    writer.observer.set_snapshot(Snapshot { offset: 0, bytes: Bytes::new() });
    harness.reopen();
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    assert_eq!((writer.snapshot.as_ref(), writer.next_offset), (Some(&snapshot), 7));
    writer.append(1, 10, 0);
    harness.crash();
    let writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    assert_eq!((writer.snapshot.as_ref(), writer.next_offset), (Some(&snapshot), 8));
}

/// What was dropped stays dropped.
pub fn trims_and_deletions_survive_a_crash(harness: &mut dyn Harness) {
    let mut kept = Writer::open(&*harness.store(), partition(1, 0), 0);
    let mut gone = Writer::open(&*harness.store(), partition(2, 0), 0);
    let mut anew = Writer::open(&*harness.store(), partition(3, 0), 0);
    for n in 0..10 {
        kept.append(1, 100, n);
        gone.append(1, 300_000, n);
        anew.append(1, 100, n);
    }
    block_on(kept.log.trim(7).wait()).expect("within the log");
    block_on(harness.store().delete(partition(2, 0)).wait()).expect("deleted");
    block_on(harness.store().delete(partition(3, 0)).wait()).expect("deleted");
    let mut anew = Writer::open(&*harness.store(), partition(3, 0), 0);
    let expected = anew.append(2, 50, 0);
    if !harness.crash() {
        return;
    }
    let store = harness.store();
    let mut left = store.partitions();
    left.sort();
    assert_eq!(left, [partition(1, 0), partition(3, 0)]);
    let kept = Writer::open(&*store, partition(1, 0), 0);
    assert_eq!((kept.log.log_start_offset(), kept.next_offset), (7, 10));
    let anew = Writer::open(&*store, partition(3, 0), 0);
    assert_eq!(anew.next_offset, 2);
    assert!(anew.read(0) == expected);
    assert_eq!(Writer::open(&*store, partition(2, 0), 0).next_offset, 0);
}

/// Ending and starting with nothing in between changes nothing.
pub fn reopening_is_repeatable(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 2);
    let mut expected = writer.append(4, 1_000, 0);
    for round in 0..8 {
        let kept = if round % 3 == 0 { harness.crash() } else { harness.reopen() };
        if !kept {
            return;
        }
        let mut writer = Writer::open(&*harness.store(), partition(1, 0), 2);
        assert!(writer.read(0) == expected, "round {round}");
        if round % 2 == 0 {
            expected.extend(writer.append(1, 5_000, round));
        }
    }
}
