//! Finds one batch by timestamp.

use crate::core::Core;
use crate::index::Interval;
use crate::partition::{Partition, SegmentInfo, deleted};
use crate::segment::{Patience, ReadError, read_range};
use bytes::Bytes;
use std::ops::Range;
use tidegate_log::{BatchQuery, BatchSearch};
use tidegate_model::{Offset, TimestampMs};

/// Searches segments, then the tail.
pub fn find_batch(
    core: &Core,
    partition: &Partition,
    query: BatchQuery,
    within: Range<Offset>,
    patience: Patience,
) -> Result<Option<Bytes>, ReadError> {
    let upper = within.end;
    let (lower, segments, tail) = {
        let state = partition.state.lock();
        if state.deleted {
            return Err(deleted().into());
        }
        let lower = within.start.max(state.log_start_offset);
        let overlaps = |base: Offset, end: Offset| base < upper && end > lower;
        let segments = state.segments.iter();
        let segments: Vec<SegmentInfo> = segments
            .filter(|info| overlaps(info.base_offset(), info.end_offset))
            .cloned()
            .collect();
        let tail = state.tail.iter();
        let tail: Vec<_> =
            tail.filter(|entry| overlaps(entry.base_offset, entry.next_offset)).cloned().collect();
        (lower, segments, tail)
    };
    let mut search = BatchSearch::new(query, lower, upper);
    let spans: Vec<Span> = segments
        .iter()
        .map(|info| Span::new(info.base_offset(), info.end_offset, info.max_timestamp))
        .collect();
    for at in worth_looking(query, &spans, lower, upper) {
        if search.wants(spans[at].max_timestamp) && !search.is_over() {
            search_segment(core, &segments[at], &mut search, lower, patience)?;
        }
    }
    for entry in &tail {
        if search.wants(entry.max_timestamp) {
            search.look(&entry.bytes);
        }
    }
    Ok(search.finish())
}

fn search_segment(
    core: &Core,
    info: &SegmentInfo,
    search: &mut BatchSearch,
    lower: Offset,
    patience: Patience,
) -> Result<(), ReadError> {
    let segment = &info.segment;
    segment.complete_index(&core.files, info.len, patience)?;
    let intervals = segment.with_index(|index| index.intervals(info.len)).unwrap_or_default();
    // Batches may have been added since the segment was looked at; those are not for this search.
    let intervals: Vec<Interval> =
        intervals.into_iter().filter(|interval| interval.bytes.0 < info.len).collect();
    let ends = intervals.iter().skip(1).map(|next| next.base_offset).chain([info.end_offset]);
    let spans: Vec<Span> = intervals
        .iter()
        .zip(ends)
        .map(|(interval, end)| Span::new(interval.base_offset, end, interval.max_timestamp))
        .collect();
    let file = segment.file(&core.files, patience)?;
    for at in worth_looking(search.query(), &spans, lower, search.upper()) {
        if search.wants(spans[at].max_timestamp) && !search.is_over() {
            let (from, to) = intervals[at].bytes;
            let range = (from, to.min(info.len));
            search.look(&read_range(segment, &core.files, &file, range, patience)?);
        }
    }
    Ok(())
}

/// A run of batches of which only the bounds are known.
struct Span {
    base_offset: Offset,
    end_offset: Offset,
    max_timestamp: TimestampMs,
}

impl Span {
    fn new(base_offset: Offset, end_offset: Offset, max_timestamp: TimestampMs) -> Self {
        Span { base_offset, end_offset, max_timestamp }
    }
}

/// Which spans may hold the answer, in offset order.
///
/// For the largest timestamp of all that is the first span with the largest one, and those that
/// reach over a bound, for their largest one may lie outside.
fn worth_looking(query: BatchQuery, spans: &[Span], lower: Offset, upper: Offset) -> Vec<usize> {
    let overlaps = |span: &Span| span.base_offset < upper && span.end_offset > lower;
    let inside = |span: &Span| span.base_offset >= lower && span.end_offset <= upper;
    match query {
        BatchQuery::TimestampAtLeast(at) => {
            let wanted = |n: &usize| overlaps(&spans[*n]) && spans[*n].max_timestamp >= at;
            (0..spans.len()).filter(wanted).collect()
        }
        BatchQuery::MaxTimestamp => {
            let whole = (0..spans.len()).rev().filter(|n| inside(&spans[*n]));
            let best = whole.max_by_key(|n| spans[*n].max_timestamp);
            let wanted =
                |n: &usize| overlaps(&spans[*n]) && (Some(*n) == best || !inside(&spans[*n]));
            (0..spans.len()).filter(wanted).collect()
        }
    }
}
