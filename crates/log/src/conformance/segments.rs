//! Claims about how a log is divided. An engine may divide later than it appends, so these wait.

use super::support::{Harness, Writer, block_on, partition};
use crate::segments::{SegmentLimits, SegmentSummary, wall_clock_ms};
use std::time::{Duration, Instant};
use tidegate_model::Offset;

/// Large enough that an engine with buffers of the usual sizes moves on with each.
const VALUE_BYTES: usize = 300_000;

/// The segments once they are as wanted, or as they are after a long time.
fn divided(writer: &Writer, wanted: impl Fn(&[SegmentSummary]) -> bool) -> Vec<SegmentSummary> {
    let begun = Instant::now();
    loop {
        let segments = writer.log.segments();
        if wanted(&segments) || begun.elapsed() > Duration::from_secs(60) {
            return segments;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn bases(segments: &[SegmentSummary]) -> Vec<Offset> {
    segments.iter().map(|segment| segment.base_offset).collect()
}

/// Whatever their number.
pub fn segments_lie_end_to_end_and_hold_all_bytes(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    assert_eq!(writer.log.segments(), []);
    for n in 0..20 {
        writer.append(1 + n % 3, n * 5_000, n as i64);
        let segments = writer.log.segments();
        let ends = segments.iter().map(|segment| segment.end_offset);
        let next = segments.iter().skip(1).map(|segment| segment.base_offset);
        assert!(ends.eq(next.chain([writer.next_offset])), "{segments:?}");
        assert_eq!(segments[0].base_offset, 0);
        let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
        assert_eq!(bytes, writer.log.size_bytes());
    }
    let newest = writer.log.segments().iter().map(|segment| segment.max_timestamp).max();
    assert_eq!(newest, Some(19));
}

/// Also when they change while the log is open.
pub fn a_segment_ends_at_the_limits_in_force(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    let limit = |bytes| SegmentLimits { bytes, ..SegmentLimits::NONE };
    writer.log.limit_segments(limit(700_000));
    (0..6).for_each(|n| drop(writer.append(1, VALUE_BYTES, n)));
    let segments = divided(&writer, |segments| segments.len() == 3);
    assert_eq!(bases(&segments), [0, 2, 4]);
    writer.log.limit_segments(limit(1));
    (0..3).for_each(|n| drop(writer.append(1, VALUE_BYTES, n)));
    // What was appended and not divided yet may go by the new limits.
    let divided_anew = |segments: &[SegmentSummary]| {
        let bases = bases(segments);
        bases.starts_with(&[0, 2, 4]) && bases.ends_with(&[6, 7, 8])
    };
    let segments = divided(&writer, divided_anew);
    assert!(divided_anew(&segments), "{segments:?}");
    writer.log.limit_segments(limit(u64::MAX));
    (0..3).for_each(|n| drop(writer.append(1, VALUE_BYTES, n)));
    let last = |segments: &[SegmentSummary]| segments.last().copied().map(|last| last.base_offset);
    assert_eq!(last(&writer.log.segments()), Some(8), "{:?}", writer.log.segments());
    assert_eq!(writer.log.segments().last().map(|last| last.end_offset), Some(12));
}

/// Counted from the first batch's timestamp, as Kafka does.
pub fn a_segment_spans_no_more_time_than_it_may(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    writer.log.limit_segments(SegmentLimits { bytes: u64::MAX, span_ms: 1_000 });
    for timestamp in [5_000, 6_000, 4_000, 6_001, 6_500, 9_000, 20_000] {
        writer.append(1, VALUE_BYTES, timestamp);
    }
    let segments = divided(&writer, |segments| segments.len() == 4);
    assert_eq!(bases(&segments), [0, 3, 5, 6]);
    let newest: Vec<_> = segments.iter().map(|segment| segment.max_timestamp).collect();
    assert_eq!(newest, [6_000, 6_500, 9_000, 20_000]);
}

/// What lies below the log start as a whole is given back; what reaches over it stays.
pub fn trimming_drops_whole_segments(harness: &mut dyn Harness) {
    let store = harness.store();
    let mut writer = Writer::open(&*store, partition(1, 0), 0);
    writer.log.limit_segments(SegmentLimits { bytes: 700_000, ..SegmentLimits::NONE });
    (0..8).for_each(|n| drop(writer.append(1, VALUE_BYTES, n)));
    let before = divided(&writer, |segments| segments.len() == 4);
    assert_eq!(bases(&before), [0, 2, 4, 6]);
    let size = writer.log.size_bytes();
    block_on(writer.log.trim(5).wait()).expect("within the log");
    assert_eq!(bases(&writer.log.segments()), [4, 6]);
    let dropped = || size - writer.log.size_bytes();
    let counted = || (store.stats().trimmed_segments, store.stats().trimmed_bytes);
    // One after the other, when the files are gone.
    divided(&writer, |_| counted() == (2, dropped()));
    assert_eq!(counted(), (2, dropped()));
    assert!(dropped() >= before[0].bytes + before[1].bytes);
    block_on(writer.log.trim(8).wait()).expect("within the log");
    assert_eq!(writer.log.segments(), []);
    writer.append(1, 10, 0);
    assert_eq!(bases(&writer.log.segments()), [8]);
}

/// Retention has nothing else to go by.
pub fn a_segment_without_timestamps_is_as_old_as_its_last_write(harness: &mut dyn Harness) {
    let mut writer = Writer::open(&*harness.store(), partition(1, 0), 0);
    let before = wall_clock_ms();
    writer.append(1, VALUE_BYTES, -1);
    for _ in 0..20 {
        let age_ms = writer.log.segments()[0].max_timestamp - before;
        // File systems cut times to their ticks.
        assert!((-1_000..60_000).contains(&age_ms), "{age_ms} ms");
        std::thread::sleep(Duration::from_millis(2));
    }
}
