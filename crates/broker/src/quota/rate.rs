//! Measured rates and the time that brings them back within a quota: the arithmetic of Kafka's
//! `Rate`, `SampledStat`, `TokenBucket` and `QuotaUtils`. Time comes from the caller.

use tidegate_model::TimestampMs;

/// Over how long a rate is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Number of samples (`quota.window.num`), the current one included; at least 1.
    pub samples: usize,
    /// Length of each (`quota.window.size.seconds`); at least 1.
    pub sample_ms: i64,
}

impl Window {
    /// The length of all samples.
    pub fn total_ms(self) -> i64 {
        (self.samples as i64).saturating_mul(self.sample_ms)
    }

    /// The length of the samples that are complete.
    pub fn complete_ms(self) -> i64 {
        self.total_ms() - self.sample_ms
    }
}

/// What is counted against a quota.
pub trait Sensor {
    /// One that has counted nothing.
    fn new() -> Self;

    /// True if it no longer differs from a new one.
    fn is_idle(&mut self, window: Window, now: TimestampMs) -> bool;
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    started: TimestampMs,
    last_recorded: TimestampMs,
    sum: f64,
}

impl Sample {
    fn new(now: TimestampMs) -> Self {
        Sample { started: now, last_recorded: now, sum: 0.0 }
    }
}

/// A sum over the last samples, by the second.
///
/// A sample begins with the first record after its predecessor is full, so samples do not follow
/// the clock. The oldest one counts until its last record is older than the whole window, which is
/// why one more is kept than the window has.
#[derive(Debug, Default)]
pub struct Rate {
    samples: Vec<Sample>,
    current: usize,
}

impl Sensor for Rate {
    fn new() -> Self {
        Rate::default()
    }

    fn is_idle(&mut self, window: Window, now: TimestampMs) -> bool {
        self.samples.iter().all(|sample| now - sample.last_recorded >= window.total_ms())
    }
}

impl Rate {
    /// Counts `value`; a negative one takes back what was counted.
    pub fn record(&mut self, window: Window, value: f64, now: TimestampMs) {
        if self.samples.is_empty() {
            self.samples.push(Sample::new(now));
        }
        if now - self.samples[self.current].started >= window.sample_ms {
            self.advance(window, now);
        }
        let sample = &mut self.samples[self.current];
        sample.sum += value;
        sample.last_recorded = now;
    }

    fn advance(&mut self, window: Window, now: TimestampMs) {
        self.current = (self.current + 1) % (window.samples + 1);
        match self.samples.get_mut(self.current) {
            Some(oldest) => *oldest = Sample::new(now),
            None => self.samples.push(Sample::new(now)),
        }
    }

    /// The rate by the second.
    pub fn per_second(&mut self, window: Window, now: TimestampMs) -> f64 {
        let elapsed_ms = self.elapsed_ms(window, now);
        let sum: f64 = self.samples.iter().map(|sample| sample.sum).sum();
        sum / (elapsed_ms as f64 / 1_000.0)
    }

    /// The time that the samples stand for. Samples that were never taken count as empty ones, so
    /// that a burst after silence is spread over the whole window.
    fn elapsed_ms(&mut self, window: Window, now: TimestampMs) -> i64 {
        for sample in &mut self.samples {
            if now - sample.last_recorded >= window.total_ms() {
                *sample = Sample::new(now);
            }
        }
        let oldest = self.samples.iter().map(|sample| sample.started).min().unwrap_or(now);
        let elapsed_ms = now - oldest;
        let missing = (window.samples as i64 - 1) - elapsed_ms / window.sample_ms;
        elapsed_ms.saturating_add(missing.max(0).saturating_mul(window.sample_ms)).max(1)
    }

    /// How long nothing may be recorded for the rate to be `limit` again, in milliseconds.
    pub fn throttle_ms(&mut self, window: Window, limit: f64, now: TimestampMs) -> i32 {
        let rate = self.per_second(window, now);
        if rate > limit {
            clamp_ms((rate - limit) / limit * self.elapsed_ms(window, now) as f64)
        } else {
            0
        }
    }
}

/// Permits that come back at a steady rate, up to those of one whole window.
#[derive(Debug)]
pub struct TokenBucket {
    tokens: f64,
    refilled: TimestampMs,
    limit: f64,
}

impl Sensor for TokenBucket {
    /// A full one, whatever its size turns out to be.
    fn new() -> Self {
        TokenBucket { tokens: f64::INFINITY, refilled: 0, limit: 1.0 }
    }

    fn is_idle(&mut self, window: Window, now: TimestampMs) -> bool {
        let limit = self.limit;
        self.refill(window, limit, now);
        self.tokens >= burst(window, limit)
    }
}

fn burst(window: Window, limit: f64) -> f64 {
    window.total_ms() as f64 / 1_000.0 * limit
}

impl TokenBucket {
    fn refill(&mut self, window: Window, limit: f64, now: TimestampMs) {
        let came = limit * (now - self.refilled) as f64 / 1_000.0;
        self.tokens = (self.tokens + came).min(burst(window, limit));
        self.refilled = now;
        self.limit = limit;
    }

    /// Takes `permits` whether or not they are there.
    pub fn record(&mut self, window: Window, limit: f64, permits: f64, now: TimestampMs) {
        self.refill(window, limit, now);
        self.tokens -= permits;
    }

    /// True if more was taken than there was, by the last refill.
    pub fn is_exhausted(&self) -> bool {
        self.tokens < 0.0
    }

    /// How long until what was taken too much has come back, in milliseconds.
    pub fn throttle_ms(&mut self, window: Window, limit: f64, now: TimestampMs) -> i32 {
        self.refill(window, limit, now);
        if self.is_exhausted() { clamp_ms(-self.tokens / limit * 1_000.0) } else { 0 }
    }
}

/// Rounds as Java's `Math.round`, and says "for ever" where Kafka's cast to 32 bits overflows.
fn clamp_ms(ms: f64) -> i32 {
    (ms + 0.5).floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kafka's defaults.
    const WINDOW: Window = Window { samples: 11, sample_ms: 1_000 };
    const START: TimestampMs = 1_700_000_000_000;

    #[test]
    fn a_first_burst_is_spread_over_the_ten_complete_samples() {
        let mut rate = Rate::new();
        rate.record(WINDOW, 5_000.0, START);
        assert_eq!(rate.per_second(WINDOW, START), 500.0);
        // (500 - 400) / 400 * 10_000 ms.
        assert_eq!(rate.throttle_ms(WINDOW, 400.0, START), 2_500);
        assert_eq!(rate.throttle_ms(WINDOW, 500.0, START), 0, "the quota itself is within it");
    }

    #[test]
    fn the_throttle_time_is_what_brings_the_rate_back() {
        let mut rate = Rate::new();
        rate.record(WINDOW, 15_000.0, START);
        let throttle_ms = rate.throttle_ms(WINDOW, 1_000.0, START);
        assert_eq!(throttle_ms, 5_000);
        let then = START + i64::from(throttle_ms);
        // 15_000 over 5 s since the burst and 5 empty samples: 1_500; after 10 s it is 1_500 still,
        // and 1_000 only once the burst's sample is 15 s old or gone, as in Kafka.
        assert_eq!(rate.per_second(WINDOW, then), 1_500.0);
        assert_eq!(rate.per_second(WINDOW, START + 10_999), 15_000.0 / 10.999);
        assert_eq!(rate.per_second(WINDOW, START + 11_000), 0.0);
    }

    #[test]
    fn samples_begin_with_the_first_record_after_the_last_one_is_full() {
        let mut rate = Rate::new();
        rate.record(WINDOW, 100.0, START);
        rate.record(WINDOW, 100.0, START + 999);
        assert_eq!(rate.samples.len(), 1);
        rate.record(WINDOW, 100.0, START + 1_500);
        rate.record(WINDOW, 100.0, START + 2_499);
        assert_eq!(rate.samples.len(), 2, "the second sample lasts until 2_500");
        // 2_499 ms passed, 2 complete samples, 8 missing.
        assert_eq!(rate.per_second(WINDOW, START + 2_499), 400.0 / 10.499);
    }

    #[test]
    fn a_steady_rate_is_measured_as_what_it_is() {
        let mut rate = Rate::new();
        for tick in 0..600 {
            rate.record(WINDOW, 100.0, START + tick * 100);
        }
        // The twelve samples kept reach back to the last 11 to 12 seconds.
        let measured = rate.per_second(WINDOW, START + 59_900);
        assert!((1_000.0..1_010.0).contains(&measured), "{measured}");
        assert_eq!(rate.samples.len(), WINDOW.samples + 1);
    }

    #[test]
    fn what_is_taken_back_was_never_counted() {
        let mut rate = Rate::new();
        rate.record(WINDOW, 100.0, START);
        rate.record(WINDOW, 9_000.0, START + 10);
        rate.record(WINDOW, -9_000.0, START + 10);
        assert_eq!(rate.per_second(WINDOW, START + 10), 100.0 / 10.01);
    }

    #[test]
    fn a_rate_is_idle_when_all_it_counted_is_out_of_the_window() {
        let mut rate = Rate::new();
        rate.record(WINDOW, 1.0, START);
        assert!(!rate.is_idle(WINDOW, START + 10_999));
        assert!(rate.is_idle(WINDOW, START + 11_000));
    }

    #[test]
    fn a_quota_that_is_no_number_limits_nothing() {
        let mut rate = Rate::new();
        rate.record(WINDOW, 1e12, START);
        assert_eq!(rate.throttle_ms(WINDOW, f64::NAN, START), 0);
        assert_eq!(rate.throttle_ms(WINDOW, f64::INFINITY, START), 0);
    }

    #[test]
    fn a_throttle_time_of_more_than_32_bits_is_the_largest() {
        let mut rate = Rate::new();
        rate.record(WINDOW, 1e15, START);
        assert_eq!(rate.throttle_ms(WINDOW, 1.0, START), i32::MAX);
    }

    #[test]
    fn a_bucket_lends_once_and_takes_the_time_to_come_back() {
        // The example of Kafka's `TokenBucket`: 5 a second over 100 samples, a burst of 560.
        let window = Window { samples: 100, sample_ms: 1_000 };
        let mut bucket = TokenBucket::new();
        assert_eq!(bucket.throttle_ms(window, 5.0, START), 0);
        bucket.record(window, 5.0, 560.0, START);
        assert_eq!(bucket.throttle_ms(window, 5.0, START), 12_000);
        assert_eq!(bucket.throttle_ms(window, 5.0, START + 11_999), 1);
        assert_eq!(bucket.throttle_ms(window, 5.0, START + 12_000), 0);
    }

    #[test]
    fn a_bucket_is_idle_when_it_is_full_again() {
        let window = Window { samples: 2, sample_ms: 1_000 };
        let mut bucket = TokenBucket::new();
        bucket.record(window, 10.0, 25.0, START);
        assert!(!bucket.is_idle(window, START + 2_499));
        assert!(bucket.is_idle(window, START + 2_500));
    }
}
