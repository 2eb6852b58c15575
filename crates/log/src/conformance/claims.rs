//! Claims about a running store.

use super::support::{Harness, Recorder, Writer, batch, block_on, partition, read, read_all};
use crate::store::{BatchQuery, LogError, LogStore, ReadRequest, Step};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tidegate_model::{BatchHeader, Batches, Offset};

const NO_LIMIT: usize = usize::MAX;

fn request(from: Offset) -> ReadRequest {
    ReadRequest { from, upper: Offset::MAX, max_bytes: NO_LIMIT, at_least_one_batch: true }
}

/// Appends ten batches of three records and about 1 kB; returns them.
fn ten_batches(writer: &mut Writer) -> Vec<Vec<u8>> {
    (0..10).map(|n| writer.append(3, 300, 1_000 + n)).collect()
}

/// Bytes come back as they went in, whatever the sizes.
pub fn an_append_is_read_back_byte_for_byte(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    let mut expected = Vec::new();
    for (n, len) in [0, 1, 170, 4_000, 4_096, 70_000, 1_100_000].into_iter().enumerate() {
        expected.extend(writer.append(1, len, n as i64));
    }
    assert!(writer.read(0) == expected);
}

/// Several batches may come in one append.
pub fn appends_of_several_batches_are_read_batch_by_batch(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    let mut batches = [batch(2, 10, 5), batch(1, 20, 9), batch(4, 30, 7)].concat();
    block_on(writer.enqueue(&mut batches).expect("taken")).expect("durable");
    assert_eq!(writer.next_offset, 7);
    let (bytes, found) = read(&*writer.log, request(2)).expect("within the log");
    assert_eq!(BatchHeader::parse(&bytes).expect("a batch").base_offset, 2);
    assert_eq!(found.next_offset, 7);
    let (bytes, _) = read(&*writer.log, ReadRequest { upper: 3, ..request(0) }).expect("within");
    assert_eq!(Batches::new(&bytes).count(), 2);
}

/// Buffers grow to what comes.
pub fn an_append_larger_than_any_buffer_is_taken_whole(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    let first = writer.append(1, 10, 0);
    let large = writer.append(1, 9 << 20, 1);
    let last = writer.append(1, 10, 2);
    assert!(writer.read(0) == [first, large, last].concat());
}

/// Whoever awaited the commit can read the append, and the observer knows of it.
pub fn the_observer_hears_of_an_end_before_its_commit_resolves(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    let mut commits = Vec::new();
    for n in 0..500 {
        commits.push((writer.enqueue(&mut batch(1, 50, n)).expect("taken"), writer.next_offset));
    }
    for (commit, end) in commits {
        block_on(commit).expect("durable");
        assert!(writer.observer.durable_end() >= Some(end));
        let empty = read(&*writer.log, request(end)).expect("the end is within the log");
        assert!(empty.1.next_offset >= end);
    }
}

/// The first batch returned holds the offset, even in its middle.
pub fn a_read_begins_with_the_batch_that_holds_the_offset(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    ten_batches(&mut writer);
    for from in 0..30 {
        let (bytes, _) = read(&*writer.log, request(from)).expect("within the log");
        let header = BatchHeader::parse(&bytes).expect("a batch");
        assert_eq!(header.base_offset, from / 3 * 3, "from {from}");
    }
}

/// No batch that starts at or above `upper` is returned.
pub fn a_read_ends_below_upper(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    ten_batches(&mut writer);
    for upper in 0..=30 {
        let bytes = read_all(&*writer.log, 0, upper);
        assert_eq!(Batches::new(&bytes).count() as i64, (upper + 2) / 3, "upper {upper}");
    }
    let nothing = read(&*writer.log, ReadRequest { upper: 3, ..request(7) }).expect("within");
    assert!(nothing.1.is_empty());
}

/// KIP-74: only the first batch may exceed the limit, and only if that is asked for.
pub fn a_read_keeps_to_max_bytes_except_for_the_first_batch_on_request(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    let one = ten_batches(&mut writer)[0].len();
    let limited = |max_bytes, at_least_one_batch| {
        let request = ReadRequest { max_bytes, at_least_one_batch, ..request(3) };
        let (bytes, found) = read(&*writer.log, request).expect("within the log");
        assert_eq!(found.next_offset, 3 + Batches::new(&bytes).count() as i64 * 3);
        bytes.len()
    };
    assert_eq!(limited(0, false), 0);
    assert_eq!(limited(one - 1, false), 0);
    assert_eq!(limited(0, true), one);
    assert_eq!(limited(one - 1, true), one);
    for factor in 1..=9 {
        let len = limited(one * factor, false);
        assert!(len > 0 && len <= one * factor, "{len} of {}", one * factor);
        assert_eq!(limited(one * factor + 1, true), len);
    }
    assert_eq!(limited(NO_LIMIT, false), one * 9);
}

/// OFFSET_OUT_OF_RANGE carries what the client needs to reset.
pub fn reads_outside_the_log_name_its_bounds(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    ten_batches(&mut writer);
    block_on(writer.log.trim(6).wait()).expect("within the log");
    for outside in [-1, 0, 5, 31, Offset::MAX] {
        let refused = read(&*writer.log, request(outside));
        assert!(
            matches!(
                refused,
                Err(LogError::OffsetOutOfRange { offset, log_start_offset: 6, log_end_offset: 30 })
                    if offset == outside
            ),
            "{outside}: {refused:?}"
        );
    }
}

/// The end of the log is within it.
pub fn a_read_at_the_end_is_empty(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    for end in 0..3 {
        let (bytes, found) = read(&*writer.log, request(end)).expect("the end is within the log");
        assert_eq!((bytes.len(), found.next_offset), (0, end));
        writer.append(1, 10, 0);
    }
}

/// DeleteRecords and retention.
pub fn a_trimmed_log_begins_at_its_new_start(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    let batches = ten_batches(&mut writer);
    block_on(writer.log.trim(13).wait()).expect("within the log");
    assert_eq!(writer.log.log_start_offset(), 13);
    // The batch that holds the start is returned whole.
    assert!(writer.read(13) == batches[4..].concat());
    block_on(writer.log.trim(5).wait()).expect("a lower start is no error");
    assert_eq!(writer.log.log_start_offset(), 13);
    let above = block_on(writer.log.trim(31).wait());
    assert!(matches!(above, Err(LogError::OffsetOutOfRange { offset: 31, .. })), "{above:?}");
    assert!(writer.log.size_bytes() >= batches[5..].concat().len() as u64);
}

/// An emptied log keeps its place.
pub fn trimming_everything_leaves_an_empty_log_that_goes_on_at_its_end(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    ten_batches(&mut writer);
    block_on(writer.log.trim(30).wait()).expect("within the log");
    assert!(writer.read(30).is_empty());
    assert_eq!(writer.log.bytes_between(30, Offset::MAX), 0);
    let next = writer.append(1, 10, 0);
    assert!(writer.read(30) == next);
    harness.crash();
    if harness.store().partitions().is_empty() {
        return;
    }
    let writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    assert_eq!((writer.log.log_start_offset(), writer.next_offset), (30, 31));
    assert!(writer.read(30) == next);
}

/// ListOffsets by timestamp: timestamps need not rise.
pub fn a_timestamp_finds_the_first_batch_that_reaches_it(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    for timestamp in [50, 10, 70, 60, 90] {
        writer.append(2, 40, timestamp);
    }
    let find = |at, upper| {
        let query = BatchQuery::TimestampAtLeast(at);
        let found = block_on(writer.log.find_batch(query, 0, upper).wait()).expect("readable");
        found.map(|bytes| {
            let header = BatchHeader::parse(&bytes).expect("a batch");
            assert_eq!(header.len, bytes.len(), "the batch alone");
            header.base_offset
        })
    };
    let all = Offset::MAX;
    assert_eq!([find(0, all), find(50, all), find(51, all)], [Some(0), Some(0), Some(4)]);
    assert_eq!([find(71, all), find(90, all), find(91, all)], [Some(8), Some(8), None]);
    assert_eq!([find(51, 4), find(51, 5), find(71, 8)], [None, Some(4), None]);
    block_on(writer.log.trim(4).wait()).expect("within the log");
    let query = BatchQuery::TimestampAtLeast(0);
    let found = block_on(writer.log.find_batch(query, 0, all).wait()).expect("readable");
    assert_eq!(BatchHeader::parse(&found.expect("a batch")).expect("sound").base_offset, 4);
}

/// ListOffsets with -3 (KIP-734).
pub fn the_largest_timestamp_is_found_at_its_first_batch(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    let find = |writer: &Writer, upper| {
        let step = writer.log.find_batch(BatchQuery::MaxTimestamp, 0, upper);
        let found = block_on(step.wait()).expect("readable");
        found.map(|bytes| BatchHeader::parse(&bytes).expect("a batch").base_offset)
    };
    assert_eq!(find(&writer, Offset::MAX), None);
    for timestamp in [50, 90, 10, 90, 60] {
        writer.append(1, 40, timestamp);
    }
    assert_eq!(find(&writer, Offset::MAX), Some(1));
    assert_eq!(find(&writer, 1), Some(0));
    block_on(writer.log.trim(2).wait()).expect("within the log");
    assert_eq!(find(&writer, Offset::MAX), Some(3));
    assert_eq!(find(&writer, 2), None);
}

/// KIP-101.
pub fn the_epoch_history_begins_at_the_log_start(harness: &mut dyn Harness) {
    let store = harness.store();
    for (epoch, expected) in [(0, vec![(0, 0)]), (3, vec![(0, 0), (3, 2)])] {
        let mut writer = Writer::open(&*store, partition(1, 0), epoch);
        writer.append(1, 10, 0);
        writer.append(1, 10, 0);
        assert_eq!(epochs(&writer), expected);
    }
    let mut writer = Writer::open(&*store, partition(1, 0), 7);
    assert_eq!(epochs(&writer), [(0, 0), (3, 2)], "an epoch without records is no epoch");
    writer.append(1, 10, 0);
    block_on(writer.log.trim(3).wait()).expect("within the log");
    assert_eq!(epochs(&writer), [(3, 3), (7, 4)]);
    block_on(writer.log.trim(5).wait()).expect("within the log");
    assert_eq!(epochs(&writer), [(7, 5)]);
}

pub(super) fn epochs(writer: &Writer) -> Vec<(i32, Offset)> {
    let epochs = writer.log.epochs();
    epochs.iter().map(|start| (start.leader_epoch, start.start_offset)).collect()
}

/// A writer that lost the partition can neither open nor append.
pub fn an_older_epoch_is_fenced(harness: &mut dyn Harness) {
    let store = harness.store();
    let mut old = Writer::open(&*store, partition(1, 0), 4);
    old.append(1, 10, 0);
    let mut new = Writer::open(&*store, partition(1, 0), 5);
    assert_eq!(new.next_offset, 1);
    let refused = old.enqueue(&mut batch(1, 10, 0)).map(|_| ());
    assert!(matches!(refused, Err(LogError::Fenced { newer: 5 })), "{refused:?}");
    let refused = Writer::try_open(&*store, partition(1, 0), 4).map(|_| ());
    assert!(matches!(refused, Err(LogError::Fenced { newer: 5 })), "{refused:?}");
    new.append(1, 10, 0);
}

/// A deleted partition takes nothing, and the same id begins at 0 again.
pub fn a_deleted_partition_is_gone_and_can_begin_anew(harness: &mut dyn Harness) {
    let store = harness.store();
    block_on(store.delete(partition(9, 9)).wait()).expect("an unknown partition is no error");
    let mut old = Writer::open(&*store, partition(1, 0), 0);
    ten_batches(&mut old);
    block_on(store.delete(partition(1, 0)).wait()).expect("deleted");
    assert!(store.partitions().is_empty());
    let refused = old.enqueue(&mut batch(1, 10, 0)).map(|_| ());
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
    let refused = block_on(old.log.read(request(0)).wait()).map(|_| ());
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
    let mut new = Writer::open(&*store, partition(1, 0), 0);
    assert_eq!(new.next_offset, 0);
    let bytes = new.append(1, 20, 0);
    assert!(new.read(0) == bytes);
}

/// Many of them share writes to the disk. Whoever asked may go away.
pub fn trims_and_deletions_begin_before_they_are_awaited(harness: &mut dyn Harness) {
    let store = harness.store();
    let mut writers: Vec<Writer> =
        (0..8).map(|n| Writer::open(&*store, partition(1, n), 0)).collect();
    writers.iter_mut().for_each(|writer| drop(ten_batches(writer)));
    let trims: Vec<_> = writers[..4].iter().map(|writer| writer.log.trim(1)).collect();
    let deletions: Vec<_> = (4..8).map(|n| store.delete(partition(1, n))).collect();
    drop((trims, deletions));
    let left = |store: &dyn LogStore| {
        let mut left: Vec<i32> = store.partitions().iter().map(|id| id.partition).collect();
        left.sort_unstable();
        left
    };
    assert_eq!(left(&*store), [0, 1, 2, 3]);
    for writer in &mut writers[..4] {
        writer.append(1, 10, 0);
        assert_eq!(writer.log.log_start_offset(), 1, "a later append is durable, so the trim is");
    }
}

/// A response on its way to a client is not disturbed.
pub fn what_was_read_outlives_deletion(harness: &mut dyn Harness) {
    let store = harness.store();
    let mut writer = Writer::open(&*store, partition(1, 0), 0);
    let expected = ten_batches(&mut writer).concat();
    let found = block_on(writer.log.read(request(0)).wait()).expect("within the log");
    block_on(store.delete(partition(1, 0)).wait()).expect("deleted");
    let mut other = Writer::open(&*store, partition(2, 0), 0);
    ten_batches(&mut other);
    assert!(found.to_bytes().expect("still readable") == expected);
}

/// Each partition has its own offsets and bytes.
pub fn partitions_do_not_mix(harness: &mut dyn Harness) {
    let store = harness.store();
    let mut writers: Vec<Writer> =
        (0..50).map(|n| Writer::open(&*store, partition(n / 10, n as i32 % 10), 0)).collect();
    let mut expected = vec![Vec::new(); writers.len()];
    for round in 0..5 {
        let mut commits = Vec::new();
        for (n, writer) in writers.iter_mut().enumerate() {
            let mut bytes = batch(1 + n % 3, 20 + n, round * 100 + n as i64);
            commits.push(writer.enqueue(&mut bytes).expect("taken"));
            expected[n].extend(bytes);
        }
        commits.into_iter().for_each(|commit| block_on(commit).expect("durable"));
    }
    for (writer, expected) in writers.iter().zip(&expected) {
        assert!(writer.read(0) == *expected);
        assert_eq!(writer.log.size_bytes(), expected.len() as u64);
    }
    assert_eq!(store.partitions().len(), 50);
}

/// A fetch's min_bytes is decided with it: nothing at the end, something before it.
pub fn bytes_between_grows_with_the_distance(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    let total: u64 = ten_batches(&mut writer).iter().map(|bytes| bytes.len() as u64).sum();
    assert_eq!(writer.log.bytes_between(0, Offset::MAX), total);
    assert_eq!(writer.log.bytes_between(30, Offset::MAX), 0);
    assert_eq!(writer.log.bytes_between(0, 0), 0);
    let mut last = total;
    for from in 1..30 {
        let left = writer.log.bytes_between(from, Offset::MAX);
        assert!(left <= last && left > 0, "from {from}: {left} after {last}");
        last = left;
    }
}

/// The log of a reopened partition is the same; the old observer hears nothing more.
pub fn opening_again_gives_the_same_log_to_the_new_observer(harness: &mut dyn Harness) {
    let store = harness.store();
    let mut first = Writer::open(&*store, partition(1, 0), 0);
    let expected = first.append(1, 10, 0);
    first.enqueue(&mut batch(1, 10, 0)).expect("taken");
    let mut second = Writer::open(&*store, partition(1, 0), 0);
    assert_eq!(second.next_offset, 2, "all that was enqueued is durable once it is open");
    let heard = first.observer.durable_end();
    second.append(1, 10, 0);
    assert_eq!(first.observer.durable_end(), heard);
    assert_eq!(second.observer.durable_end(), Some(3));
    assert!(first.log.bytes_between(0, Offset::MAX) > 2 * expected.len() as u64);
}

/// Nothing is taken after the end, and nobody waits forever.
pub fn a_closed_store_is_unavailable(harness: &mut dyn Harness) {
    let store = harness.store();
    let mut writer = Writer::open(&*store, partition(1, 0), 0);
    let commit = writer.enqueue(&mut batch(1, 10, 0)).expect("taken");
    block_on(store.close()).expect("closes");
    block_on(commit).expect("closing makes durable what was enqueued");
    let refused = writer.enqueue(&mut batch(1, 10, 0)).map(|_| ());
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
    let refused = match store.open(partition(1, 0), 0, Recorder::new()) {
        Step::Ready(opened) => opened.map(|_| ()),
        Step::Later(opened) => block_on(opened).map(|_| ()),
    };
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
}

/// Readers follow writers on the same partitions and see every offset once.
pub fn writers_and_readers_do_not_disturb_each_other(harness: &mut dyn Harness) {
    let store = harness.store();
    let done = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let mut readers = Vec::new();
        let mut writers = Vec::new();
        for n in 0..4 {
            let mut writer = Writer::open(&*store, partition(1, n), 0);
            let (log, done) = (writer.log.clone(), done.clone());
            readers.push(scope.spawn(move || follow(&*log, &done)));
            writers.push(scope.spawn(move || {
                for round in 0..400 {
                    let len = if round % 50 == 0 { 120_000 } else { 200 };
                    let commit = writer.enqueue(&mut batch(2, len, round)).expect("taken");
                    if round % 8 == 0 {
                        block_on(commit).expect("durable");
                    }
                }
                block_on(writer.enqueue(&mut batch(1, 1, 0)).expect("taken")).expect("durable");
            }));
        }
        for writer in writers {
            writer.join().expect("writers find nothing wrong");
        }
        done.store(true, Ordering::SeqCst);
        for reader in readers {
            assert_eq!(reader.join().expect("readers find nothing wrong"), 801);
        }
    });
}

fn follow(log: &dyn crate::PartitionLog, done: &AtomicBool) -> Offset {
    let mut from = 0;
    loop {
        let last_round = done.load(Ordering::SeqCst);
        let limited = ReadRequest { max_bytes: 60_000, ..request(from) };
        let (bytes, found) = read(log, limited).expect("within the log");
        for (_, header) in Batches::new(&bytes).map_while(Result::ok) {
            assert_eq!(header.base_offset, from, "no offset is skipped or repeated");
            from = header.next_offset();
        }
        if found.is_empty() {
            if last_round {
                return from;
            }
            std::thread::yield_now();
        }
    }
}
