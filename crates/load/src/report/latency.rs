//! Latencies: how they are recorded, and the numbers that a report keeps of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

/// An hour: what takes longer is recorded as an hour.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// An empty histogram of microseconds with three significant digits, for [`record`].
pub fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("bounds and digits are valid")
}

/// Records one latency. What is longer than an hour counts as an hour.
pub fn record(histogram: &mut Histogram<u64>, latency_us: u64) {
    histogram.saturating_record(latency_us.clamp(1, LATENCY_US_MAX));
}

/// Latencies of a whole run, in microseconds. All are 0 if there is not one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// The shortest.
    pub min_us: u64,
    /// The mean.
    pub mean_us: f64,
    /// Half of them took at most this.
    pub p50_us: u64,
    /// Three quarters took at most this.
    pub p75_us: u64,
    /// 90 of 100.
    pub p90_us: u64,
    /// 95 of 100.
    pub p95_us: u64,
    /// 99 of 100.
    pub p99_us: u64,
    /// 999 of 1,000.
    pub p99_9_us: u64,
    /// 9,999 of 10,000.
    pub p99_99_us: u64,
    /// The longest.
    pub max_us: u64,
    /// All of them: an HDR histogram, V2 with deflate, in base64, as the HdrHistogram libraries of many languages read it.
    pub hdr: String,
}

/// The percentiles of one sample, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// Half of them took at most this.
    pub p50_us: u64,
    /// 90 of 100.
    pub p90_us: u64,
    /// 99 of 100.
    pub p99_us: u64,
    /// 999 of 1,000.
    pub p99_9_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl Latency {
    /// What a report keeps of `histogram`.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let at = |quantile| histogram.value_at_quantile(quantile).min(histogram.max());
        Self {
            count: histogram.len(),
            min_us: histogram.min(),
            mean_us: histogram.mean(),
            p50_us: at(0.5),
            p75_us: at(0.75),
            p90_us: at(0.9),
            p95_us: at(0.95),
            p99_us: at(0.99),
            p99_9_us: at(0.999),
            p99_99_us: at(0.9999),
            max_us: histogram.max(),
            hdr: encode(histogram),
        }
    }

    /// The histogram itself. `None` if there is none, or it does not decode.
    pub fn histogram(&self) -> Option<Histogram<u64>> {
        let bytes = STANDARD.decode(&self.hdr).ok()?;
        Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
    }
}

fn encode(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    match V2DeflateSerializer::new().serialize(histogram, &mut bytes) {
        Ok(_) => STANDARD.encode(bytes),
        // Only a writer that fails or counts beyond 2^63 lead here; a report without the curve is better than none.
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_comes_back_from_the_report_with_every_latency() {
        let mut histogram = new_histogram();
        for us in 1..10_000 {
            record(&mut histogram, us * 7);
        }
        let latency = Latency::of(&histogram);
        assert_eq!(latency.histogram().expect("it decodes"), histogram);
        assert!((34_965..=35_035).contains(&latency.p50_us), "{}", latency.p50_us);
        assert!((69_900..=70_040).contains(&latency.max_us), "{}", latency.max_us);
    }

    #[test]
    fn no_latency_is_above_the_longest_one() {
        let mut histogram = new_histogram();
        record(&mut histogram, 123_457);
        let latency = Latency::of(&histogram);
        assert_eq!(latency.p50_us, latency.max_us);
        assert_eq!(latency.p99_99_us, latency.max_us);
    }

    #[test]
    fn more_than_an_hour_counts_as_an_hour_and_nothing_as_a_microsecond() {
        let mut histogram = new_histogram();
        record(&mut histogram, u64::MAX);
        record(&mut histogram, 0);
        assert_eq!(histogram.len(), 2);
        assert!(histogram.max() >= LATENCY_US_MAX);
        assert_eq!(histogram.min(), 1);
    }

    #[test]
    fn no_latencies_are_all_zero_and_have_no_curve() {
        assert_eq!(Latency::of(&new_histogram()), Latency::default());
        assert!(Latency::default().histogram().is_none());
    }
}
