//! What happened over time: a sample for each second, for longer spans in a long run.
//!
//! A run of 24 hours must not need a day's seconds of memory, nor a page that no browser opens. So once there are [`SAMPLES_MAX`],
//! spans of ten seconds take their place, then minutes, then ten minutes. Latencies of a longer span are those of all its records:
//! each sample in memory keeps its latencies to two digits until the run ends.

use super::latency::Percentiles;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The most samples that a series holds. 33 minutes of seconds, or 33 hours of minutes.
pub const SAMPLES_MAX: usize = 2000;

/// Spans that samples have, in seconds, and that follow each other: each is a multiple of the one before.
const SPANS_S: &[u64] = &[1, 10, 60, 600, 3600, 36_000];

/// What happened since the last second was told. The engine gives one about every second.
#[derive(Clone, Debug)]
pub struct Second {
    /// When it ended, from the beginning of the run.
    pub at: Duration,
    /// How long it was.
    pub span: Duration,
    /// Records whose time to be sent came.
    pub offered: u64,
    /// Records that were acknowledged.
    pub acknowledged: u64,
    /// Records given up.
    pub failed: u64,
    /// Records that consumers received.
    pub consumed: u64,
    /// Bytes of keys, values and headers of the acknowledged ones.
    pub acknowledged_bytes: u64,
    /// The same of the consumed ones.
    pub consumed_bytes: u64,
    /// Errors of clients.
    pub errors: u64,
    /// Rebalances that consumers saw.
    pub rebalances: u64,
    /// Faults that the judge found.
    pub faults: u64,
    /// Records due and not yet acknowledged, at its end: what waits to be sent and what is on its way.
    pub outstanding: u64,
    /// Lag of all groups, if it was asked and answered.
    pub lag: Option<u64>,
    /// Seconds of processor time that the load test used.
    pub cpu_s: f64,
    /// Its memory at the end.
    pub rss_bytes: u64,
    /// Latencies of acknowledgements, as [`super::new_histogram`].
    pub ack: Histogram<u64>,
    /// Latencies from due to received.
    pub end_to_end: Histogram<u64>,
}

/// What happened in one span of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// When it ended.
    pub at_ms: u64,
    /// How long it was.
    pub span_ms: u64,
    /// Records whose time to be sent came.
    pub offered: u64,
    /// Records that were acknowledged.
    pub acknowledged: u64,
    /// Records given up.
    pub failed: u64,
    /// Records that consumers received.
    pub consumed: u64,
    /// Bytes of the acknowledged ones.
    pub acknowledged_bytes: u64,
    /// Bytes of the consumed ones.
    pub consumed_bytes: u64,
    /// Errors of clients.
    pub errors: u64,
    /// Rebalances that consumers saw.
    pub rebalances: u64,
    /// Faults that the judge found.
    pub faults: u64,
    /// The most records that were due and not acknowledged at the end of one of its seconds.
    pub outstanding: u64,
    /// The highest lag of all groups together. `null` if it was never answered.
    pub lag: Option<u64>,
    /// Processors that the load test used: 1.5 is one and a half.
    pub cpus: f64,
    /// The most memory that it used.
    pub rss_bytes: u64,
    /// Latencies of acknowledgements. `null` if there was none.
    pub ack: Option<Percentiles>,
    /// Latencies from due to received. `null` if there was none.
    pub end_to_end: Option<Percentiles>,
}

/// The samples of a run, of bounded number.
#[derive(Clone, Debug, Default)]
pub struct Series {
    spans: Vec<Span>,
    /// Index in [`SPANS_S`].
    level: usize,
}

/// A sample while it may still be joined with its neighbours.
#[derive(Clone, Debug, Default)]
struct Span {
    sample: Sample,
    cpu_s: f64,
    ack: Latencies,
    end_to_end: Latencies,
}

/// Latencies to two digits, rising: microseconds and how often.
#[derive(Clone, Debug, Default)]
struct Latencies {
    counts: Vec<(u32, u32)>,
    /// As it was measured, to the digit that the recorder had.
    max_us: u64,
}

impl Series {
    /// A series without a sample.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a second and gives its sample.
    pub fn push(&mut self, second: &Second) -> Sample {
        let span = Span::of(second);
        let sample = span.finished();
        add(&mut self.spans, span, self.level);
        if self.spans.len() > SAMPLES_MAX {
            self.thin_out();
        }
        sample
    }

    /// The samples so far.
    pub fn samples(&self) -> Vec<Sample> {
        self.spans.iter().map(Span::finished).collect()
    }

    fn thin_out(&mut self) {
        while self.spans.len() > SAMPLES_MAX && self.level + 1 < SPANS_S.len() {
            self.level += 1;
            let mut joined: Vec<Span> = Vec::with_capacity(SAMPLES_MAX);
            for span in std::mem::take(&mut self.spans) {
                add(&mut joined, span, self.level);
            }
            self.spans = joined;
        }
    }
}

/// Adds `span`, to the last one if they belong together at this level.
///
/// Seconds are told about every second, not exactly, so none is joined with another before the first thinning.
fn add(spans: &mut Vec<Span>, span: Span, level: usize) {
    let slot_ms = SPANS_S[level] * 1000;
    // A second that ends at 10.0 s belongs to those before it; half a second is for those told a little late.
    let slot = |span: &Span| span.sample.at_ms.saturating_sub(500) / slot_ms;
    match spans.last_mut() {
        Some(last) if level > 0 && slot(last) == slot(&span) => last.join(span),
        _ => spans.push(span),
    }
}

impl Span {
    fn of(second: &Second) -> Self {
        let sample = Sample {
            at_ms: millis(second.at),
            span_ms: millis(second.span),
            offered: second.offered,
            acknowledged: second.acknowledged,
            failed: second.failed,
            consumed: second.consumed,
            acknowledged_bytes: second.acknowledged_bytes,
            consumed_bytes: second.consumed_bytes,
            errors: second.errors,
            rebalances: second.rebalances,
            faults: second.faults,
            outstanding: second.outstanding,
            lag: second.lag,
            cpus: 0.0,
            rss_bytes: second.rss_bytes,
            ack: None,
            end_to_end: None,
        };
        let cpu_s = if second.cpu_s.is_finite() { second.cpu_s.max(0.0) } else { 0.0 };
        Self {
            sample,
            cpu_s,
            ack: Latencies::of(&second.ack),
            end_to_end: Latencies::of(&second.end_to_end),
        }
    }

    fn join(&mut self, later: Span) {
        let (one, two) = (&mut self.sample, later.sample);
        one.at_ms = two.at_ms;
        one.span_ms += two.span_ms;
        one.offered += two.offered;
        one.acknowledged += two.acknowledged;
        one.failed += two.failed;
        one.consumed += two.consumed;
        one.acknowledged_bytes += two.acknowledged_bytes;
        one.consumed_bytes += two.consumed_bytes;
        one.errors += two.errors;
        one.rebalances += two.rebalances;
        one.faults += two.faults;
        one.outstanding = one.outstanding.max(two.outstanding);
        one.lag = one.lag.max(two.lag);
        one.rss_bytes = one.rss_bytes.max(two.rss_bytes);
        self.cpu_s += later.cpu_s;
        self.ack.join(later.ack);
        self.end_to_end.join(later.end_to_end);
    }

    fn finished(&self) -> Sample {
        let mut sample = self.sample.clone();
        if sample.span_ms > 0 {
            sample.cpus = self.cpu_s * 1000.0 / sample.span_ms as f64;
        }
        sample.ack = self.ack.percentiles();
        sample.end_to_end = self.end_to_end.percentiles();
        sample
    }
}

impl Latencies {
    fn of(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let mut counts: Vec<(u32, u32)> = Vec::new();
        for value in histogram.iter_recorded() {
            let us = two_digits(value.value_iterated_to());
            let count = u32::try_from(value.count_since_last_iteration()).unwrap_or(u32::MAX);
            match counts.last_mut() {
                Some((last, sum)) if *last == us => *sum = sum.saturating_add(count),
                _ => counts.push((us, count)),
            }
        }
        Self { counts, max_us: histogram.max() }
    }

    fn join(&mut self, other: Latencies) {
        self.max_us = self.max_us.max(other.max_us);
        self.counts.extend(other.counts);
        self.counts.sort_unstable();
        self.counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
    }

    fn percentiles(&self) -> Option<Percentiles> {
        let count: u64 = self.counts.iter().map(|(_, count)| u64::from(*count)).sum();
        (count > 0).then(|| Percentiles {
            count,
            p50_us: self.at(count, 500),
            p90_us: self.at(count, 900),
            p99_us: self.at(count, 990),
            p99_9_us: self.at(count, 999),
            max_us: self.max_us,
        })
    }

    /// What so many of a thousand took at most.
    fn at(&self, count: u64, per_mille: u64) -> u64 {
        let rank = (count * per_mille).div_ceil(1000).max(1);
        let mut seen = 0;
        for (us, count) in &self.counts {
            seen += u64::from(*count);
            if seen >= rank {
                return u64::from(*us).min(self.max_us);
            }
        }
        self.max_us
    }
}

/// `us` rounded up to seven binary digits, less than one in a hundred off.
fn two_digits(us: u64) -> u32 {
    let us = u32::try_from(us).unwrap_or(u32::MAX);
    let dropped = (32 - us.leading_zeros()).saturating_sub(7);
    let low = (1u32 << dropped) - 1;
    us | low
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::latency::{new_histogram, record};
    use super::*;

    fn second(at_s: u64, latencies_us: impl IntoIterator<Item = u64>) -> Second {
        let mut ack = new_histogram();
        latencies_us.into_iter().for_each(|us| record(&mut ack, us));
        Second {
            at: Duration::from_secs(at_s),
            span: Duration::from_secs(1),
            offered: 10,
            acknowledged: ack.len(),
            failed: 0,
            consumed: 1,
            acknowledged_bytes: 100,
            consumed_bytes: 10,
            errors: 0,
            rebalances: 0,
            faults: 0,
            outstanding: at_s,
            lag: Some(at_s),
            cpu_s: 0.5,
            rss_bytes: 1000,
            ack,
            end_to_end: new_histogram(),
        }
    }

    #[test]
    fn a_short_run_keeps_its_seconds() {
        let mut series = Series::new();
        for at_s in 1..=100 {
            series.push(&second(at_s, [at_s * 100]));
        }
        let samples = series.samples();
        assert_eq!(samples.len(), 100);
        assert_eq!(samples[41].at_ms, 42_000);
        assert_eq!(samples[41].cpus, 0.5);
        let ack = samples[41].ack.expect("a record was acknowledged");
        assert!((4_190..=4_210).contains(&ack.p50_us), "{ack:?}");
        assert_eq!(samples[41].end_to_end, None);
    }

    #[test]
    fn a_day_becomes_minutes_and_loses_no_record() {
        let mut series = Series::new();
        let mut second = second(0, [500, 1000]);
        // A small one, because an unoptimised build walks over all of a histogram slowly.
        second.ack = Histogram::new_with_bounds(1, 1000, 2).expect("bounds and digits are valid");
        second.ack.saturating_record(500);
        second.ack.saturating_record(1000);
        for at_s in 1..=86_400 {
            second.at = Duration::from_secs(at_s);
            second.lag = Some(at_s);
            series.push(&second);
        }
        let samples = series.samples();
        assert!(samples.len() <= SAMPLES_MAX);
        assert_eq!(samples.len(), 86_400 / 60);
        assert_eq!(samples.iter().map(|sample| sample.acknowledged).sum::<u64>(), 2 * 86_400);
        assert!(samples.iter().all(|sample| sample.span_ms == 60_000 && sample.cpus == 0.5));
        assert_eq!(samples[1].lag, Some(120));
    }

    #[test]
    fn percentiles_of_a_longer_span_are_those_of_all_its_records() {
        let mut series = Series { level: 1, ..Series::new() };
        // Nine seconds of 1 ms and one of 100 ms: the median is 1 ms, not something between.
        for at_s in 1..=9 {
            series.push(&second(at_s, (0..10).map(|_| 1000)));
        }
        series.push(&second(10, (0..10).map(|_| 100_000)));
        let samples = series.samples();
        assert_eq!(samples.len(), 1);
        let ack = samples[0].ack.expect("records were acknowledged");
        assert!((1_000..=1_010).contains(&ack.p50_us), "{ack:?}");
        assert!((1_000..=1_010).contains(&ack.p90_us), "{ack:?}");
        assert!((99_900..=101_000).contains(&ack.p99_us), "{ack:?}");
        assert_eq!(ack.count, 100);
    }

    #[test]
    fn two_digits_are_less_than_one_in_a_hundred_above() {
        for us in (0..10_000_000u64).step_by(997).chain([u64::from(u32::MAX), u64::MAX]) {
            let rounded = u64::from(two_digits(us));
            let us = us.min(u64::from(u32::MAX));
            assert!(rounded >= us && (rounded - us) * 64 <= us.max(1), "{us} became {rounded}");
        }
    }
}
