//! Sequences, epochs and duplicates, claim by claim and against a reference model.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;
use tidegate_model::{BatchAttributes, BatchHeader};

fn batch(id: ProducerId, epoch: i16, sequence: i32, records: i32, offset: Offset) -> BatchHeader {
    BatchHeader {
        base_offset: offset,
        len: 100,
        leader_epoch: 0,
        crc: 0,
        attributes: BatchAttributes(0),
        last_offset_delta: records - 1,
        base_timestamp: 1_000,
        max_timestamp: 1_000 + offset,
        producer_id: id,
        producer_epoch: epoch,
        base_sequence: sequence,
        record_count: records,
    }
}

/// Checks and, if that is the verdict, applies.
fn append(table: &mut ProducerTable, header: &BatchHeader) -> Result<Verdict, ErrorCode> {
    let verdict = table.check(header, 0)?;
    if verdict == Verdict::Append {
        table.apply(header);
    }
    Ok(verdict)
}

fn duplicate(base_offset: Offset, records: i64) -> Result<Verdict, ErrorCode> {
    let last_offset = base_offset + records - 1;
    Ok(Verdict::Duplicate { base_offset, last_offset, timestamp: 1_000 + base_offset })
}

#[test]
fn a_duplicate_of_the_last_five_batches_gets_its_original_offset() {
    let mut table = ProducerTable::default();
    for n in 0..6 {
        let header = batch(1, 0, n * 10, 10, i64::from(n) * 100);
        assert_eq!(append(&mut table, &header), Ok(Verdict::Append));
    }
    for n in 1..6 {
        let retry = batch(1, 0, n * 10, 10, 9_999);
        assert_eq!(table.check(&retry, 0), duplicate(i64::from(n) * 100, 10), "batch {n}");
    }
    let forgotten = batch(1, 0, 0, 10, 9_999);
    assert_eq!(table.check(&forgotten, 0), Err(ErrorCode::OutOfOrderSequenceNumber));
}

#[test]
fn a_gap_is_out_of_order() {
    let mut table = ProducerTable::default();
    append(&mut table, &batch(1, 0, 0, 3, 0)).unwrap();
    let gap = batch(1, 0, 4, 1, 3);
    assert_eq!(table.check(&gap, 0), Err(ErrorCode::OutOfOrderSequenceNumber));
    assert_eq!(append(&mut table, &batch(1, 0, 3, 1, 3)), Ok(Verdict::Append));
}

#[test]
fn a_partial_overlap_is_out_of_order() {
    let mut table = ProducerTable::default();
    append(&mut table, &batch(1, 0, 0, 10, 0)).unwrap();
    for (first, records) in [(0, 5), (5, 5), (0, 11), (5, 10), (9, 1)] {
        let overlap = batch(1, 0, first, records, 10);
        let verdict = table.check(&overlap, 0);
        assert_eq!(verdict, Err(ErrorCode::OutOfOrderSequenceNumber), "{first} {records}");
    }
}

#[test]
fn sequences_wrap_from_the_largest_to_zero() {
    let mut table = ProducerTable::default();
    append(&mut table, &batch(1, 0, i32::MAX - 1, 4, 0)).unwrap();
    let retry = batch(1, 0, i32::MAX - 1, 4, 50);
    assert_eq!(table.check(&retry, 0), duplicate(0, 4));
    assert_eq!(append(&mut table, &batch(1, 0, 2, 1, 4)), Ok(Verdict::Append));

    let mut table = ProducerTable::default();
    append(&mut table, &batch(1, 0, i32::MAX, 1, 0)).unwrap();
    assert_eq!(append(&mut table, &batch(1, 0, 0, 1, 1)), Ok(Verdict::Append));
}

#[test]
fn an_older_epoch_is_fenced() {
    let mut table = ProducerTable::default();
    append(&mut table, &batch(1, 3, 0, 1, 0)).unwrap();
    let zombie = batch(1, 2, 1, 1, 1);
    assert_eq!(table.check(&zombie, 0), Err(ErrorCode::InvalidProducerEpoch));
}

#[test]
fn a_new_epoch_begins_at_sequence_zero() {
    let mut table = ProducerTable::default();
    append(&mut table, &batch(1, 0, 0, 5, 0)).unwrap();
    let late = batch(1, 1, 5, 1, 5);
    assert_eq!(table.check(&late, 0), Err(ErrorCode::OutOfOrderSequenceNumber));
    assert_eq!(append(&mut table, &batch(1, 1, 0, 5, 5)), Ok(Verdict::Append));
    let retry = batch(1, 1, 0, 5, 99);
    assert_eq!(table.check(&retry, 0), duplicate(5, 5), "the new epoch's batch, not the old one's");
}

#[test]
fn an_unknown_producer_may_begin_at_any_sequence() {
    let mut table = ProducerTable::default();
    assert_eq!(append(&mut table, &batch(1, 0, 77, 1, 0)), Ok(Verdict::Append));
    assert_eq!(append(&mut table, &batch(1, 0, 78, 1, 1)), Ok(Verdict::Append));
}

#[test]
fn a_producer_without_id_passes_and_leaves_nothing() {
    let mut table = ProducerTable::default();
    for offset in 0..3 {
        let header = batch(NO_PRODUCER_ID, -1, -1, 1, offset);
        assert_eq!(append(&mut table, &header), Ok(Verdict::Append));
    }
    assert!(table.is_empty());
}

#[test]
fn a_producer_id_without_sequence_or_epoch_is_an_invalid_record() {
    let table = ProducerTable::default();
    assert_eq!(table.check(&batch(1, 0, -1, 1, 0), 0), Err(ErrorCode::InvalidRecord));
    assert_eq!(table.check(&batch(1, -1, 0, 1, 0), 0), Err(ErrorCode::InvalidRecord));
}

#[test]
fn producers_do_not_share_sequences() {
    let mut table = ProducerTable::default();
    append(&mut table, &batch(1, 0, 0, 5, 0)).unwrap();
    append(&mut table, &batch(2, 0, 0, 1, 5)).unwrap();
    assert_eq!(append(&mut table, &batch(1, 0, 5, 1, 6)), Ok(Verdict::Append));
    assert_eq!(table.check(&batch(2, 0, 0, 1, 9), 0), duplicate(5, 1));
    assert_eq!(table.len(), 2);
}

#[test]
fn a_silent_producer_expires_and_may_begin_anywhere() {
    let mut table = ProducerTable::default();
    append(&mut table, &batch(1, 0, 0, 1, 0)).unwrap();
    append(&mut table, &batch(2, 0, 0, 1, 500)).unwrap();
    table.expire(1_999, 1_000);
    assert_eq!(table.len(), 2);
    table.expire(2_000, 1_000);
    assert_eq!(table.len(), 1);
    assert_eq!(table.check(&batch(1, 0, 9, 1, 2), 0), Ok(Verdict::Append));
    assert_eq!(table.check(&batch(2, 0, 0, 1, 2), 0), duplicate(500, 1));
}

#[test]
fn an_empty_table_has_an_empty_snapshot() {
    assert!(ProducerTable::default().snapshot().is_empty());
    assert_eq!(ProducerTable::restore(&[]), Ok(ProducerTable::default()));
}

#[test]
fn the_snapshot_format_stays_readable() {
    let mut table = ProducerTable::default();
    table.apply(&batch(258, 3, 7, 2, 16));
    let bytes = crate::testing::from_hex(
        "01000000010000000000000102000300000000000003f80100000008000000010000000000000011\
         00000000000003f8",
    );
    assert_eq!(table.snapshot(), bytes);
    assert_eq!(ProducerTable::restore(&bytes), Ok(table));
}

#[test]
fn every_truncation_of_a_snapshot_is_an_error() {
    let mut table = ProducerTable::default();
    for n in 0..7 {
        table.apply(&batch(i64::from(n % 2), 0, n, 1, i64::from(n)));
    }
    let bytes = table.snapshot();
    for len in 1..bytes.len() {
        assert!(ProducerTable::restore(&bytes[..len]).is_err(), "{len}");
    }
}

/// The rules once more, by remembering everything.
#[derive(Default)]
struct Reference {
    epoch: i16,
    next: Option<i32>,
    recent: VecDeque<(i32, i32, Offset)>,
}

impl Reference {
    fn offer(&mut self, epoch: i16, first: i32, records: i32, offset: Offset) -> Option<Offset> {
        if self.next.is_none() || (epoch > self.epoch && first == 0) {
            *self = Reference { epoch, ..Reference::default() };
        } else if epoch != self.epoch {
            return None;
        }
        let original = self.recent.iter().find(|(f, r, _)| (*f, *r) == (first, records));
        if let Some((_, _, offset)) = original {
            return Some(*offset);
        }
        if self.next.is_some_and(|next| next != first) {
            return None;
        }
        self.next = Some(((i64::from(first) + i64::from(records)) % (1 << 31)) as i32);
        self.recent.push_back((first, records, offset));
        if self.recent.len() > 5 {
            self.recent.pop_front();
        }
        Some(offset)
    }
}

proptest! {
    #[test]
    fn verdicts_agree_with_a_reference_and_survive_a_restart(
        start in prop_oneof![Just(0), i32::MAX - 8..=i32::MAX],
        steps in proptest::collection::vec((0i16..3, -6i32..3, 1i32..4, any::<bool>()), 1..60),
    ) {
        let mut table = ProducerTable::default();
        let mut reference = Reference::default();
        let mut offset = 0;
        for (epoch, shift, records, restart) in steps {
            let fresh = epoch > reference.epoch && shift >= 0;
            let next = i64::from(reference.next.unwrap_or(start));
            let shifted = (next + i64::from(shift)).rem_euclid(1 << 31) as i32;
            let first = if fresh { 0 } else { shifted };
            let header = batch(1, epoch, first, records, offset);
            let expected = reference.offer(epoch, first, records, offset);
            let got = match append(&mut table, &header) {
                Ok(Verdict::Append) => {
                    let at = offset;
                    offset += i64::from(records);
                    Some(at)
                }
                Ok(Verdict::Duplicate { base_offset, last_offset, .. }) => {
                    prop_assert_eq!(last_offset - base_offset + 1, i64::from(records));
                    Some(base_offset)
                }
                Err(_) => None,
            };
            prop_assert_eq!(got, expected);
            if restart {
                let restored = ProducerTable::restore(&table.snapshot());
                prop_assert_eq!(restored.as_ref(), Ok(&table));
                table = restored.unwrap();
            }
        }
    }

    #[test]
    fn random_snapshots_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = ProducerTable::restore(&[vec![1, 0, 0, 0], bytes].concat());
    }
}
