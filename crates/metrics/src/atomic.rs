//! What is counted.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// A number that only rises.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts so many.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that rises and falls.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// One more until the guard is dropped.
    pub fn open(&self) -> OpenGauge<'_> {
        self.add(1);
        OpenGauge(self)
    }

    /// Adds so many, or takes them away.
    pub fn add(&self, count: i64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many there are.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts one in a [`Gauge`] while it lives.
#[derive(Debug)]
pub struct OpenGauge<'a>(&'a Gauge);

impl Drop for OpenGauge<'_> {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

/// What the values of a histogram are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds, shown as seconds.
    Nanos,
    /// Bytes or things, shown as they are.
    One,
}

impl Unit {
    pub(crate) fn shown(self, value: u64) -> f64 {
        match self {
            Unit::Nanos => value as f64 / 1e9,
            Unit::One => value as f64,
        }
    }
}

const MICROS: u64 = 1_000;
const MILLIS: u64 = 1_000 * MICROS;

/// Bounds for times, in nanoseconds: from 50 µs, what a fast disk takes, to half a minute.
pub const SECONDS: &[u64] = &[
    50 * MICROS,
    100 * MICROS,
    250 * MICROS,
    500 * MICROS,
    MILLIS,
    2 * MILLIS + 500 * MICROS,
    5 * MILLIS,
    10 * MILLIS,
    25 * MILLIS,
    50 * MILLIS,
    100 * MILLIS,
    250 * MILLIS,
    500 * MILLIS,
    1_000 * MILLIS,
    3_000 * MILLIS,
    10_000 * MILLIS,
    30_000 * MILLIS,
];

/// Bounds for sizes in bytes: from a page to 16 MiB.
pub const SIZES: &[u64] =
    &[4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 2 << 20, 4 << 20, 8 << 20, 16 << 20];

/// Bounds for numbers of things.
pub const COUNTS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/// How often values fell between which bounds, and their sum.
#[derive(Debug)]
pub struct Histogram {
    unit: Unit,
    bounds: &'static [u64],
    /// One for each bound, and one for what is above them all.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// A histogram of times, by [`SECONDS`].
    pub fn seconds() -> Self {
        Self::new(Unit::Nanos, SECONDS)
    }

    /// A histogram by rising bounds, each of which belongs to the bucket below it.
    pub fn new(unit: Unit, bounds: &'static [u64]) -> Self {
        assert!(bounds.is_sorted(), "bounds rise");
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Histogram { unit, bounds, buckets, sum: AtomicU64::new(0) }
    }

    /// Counts a time.
    pub fn observe(&self, time: Duration) {
        self.record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Counts a value: nanoseconds in a histogram of times.
    pub fn record(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// The figures now. The count is that of the buckets, so that they agree whatever is counted
    /// meanwhile; the sum may be ahead of them.
    pub fn snapshot(&self) -> Snapshot {
        let mut cumulative = 0;
        let bound = |index: usize| match self.bounds.get(index) {
            Some(bound) => self.unit.shown(*bound),
            None => f64::INFINITY,
        };
        let buckets = self.buckets.iter().enumerate().map(|(index, bucket)| {
            cumulative += bucket.load(Ordering::Relaxed);
            (bound(index), cumulative)
        });
        let buckets = buckets.collect();
        Snapshot { buckets, sum: self.unit.shown(self.sum.load(Ordering::Relaxed)) }
    }
}

/// A histogram as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Upper bound, and how many values were at or below it. The last bound is infinity.
    pub buckets: Vec<(f64, u64)>,
    /// The sum of all values.
    pub sum: f64,
}

impl Snapshot {
    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.buckets.last().map_or(0, |(_, count)| *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_in_its_bucket_and_in_all_above() {
        let histogram = Histogram::new(Unit::One, &[1, 4, 16]);
        [0, 1, 2, 4, 5, 17].into_iter().for_each(|value| histogram.record(value));
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.buckets, [(1.0, 2), (4.0, 4), (16.0, 5), (f64::INFINITY, 6)]);
        assert_eq!((snapshot.count(), snapshot.sum), (6, 29.0));
    }

    #[test]
    fn times_are_shown_in_seconds() {
        let histogram = Histogram::seconds();
        histogram.observe(Duration::from_millis(2));
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.sum, 0.002);
        let below = |bound| snapshot.buckets.iter().find(|(le, _)| *le == bound).map(|b| b.1);
        assert_eq!((below(0.001), below(0.0025)), (Some(0), Some(1)));
    }

    #[test]
    fn a_gauge_falls_with_its_guard() {
        let gauge = Gauge::default();
        let open = gauge.open();
        assert_eq!(gauge.get(), 1);
        drop(open);
        assert_eq!(gauge.get(), 0);
    }
}
