//! What one thread measures, and how the sampler takes it away once a second.

use crate::report::{new_histogram, record};
use hdrhistogram::Histogram;
use std::sync::{Arc, Mutex};

/// A thread's measurements since the sampler was there last.
#[derive(Debug)]
pub struct Measured {
    /// Latencies in microseconds.
    pub latency: Histogram<u64>,
    /// Records that went well.
    pub records: u64,
    /// Records that did not.
    pub failed: u64,
    /// Bytes of keys, values and headers of those that went well.
    pub bytes: u64,
    /// Rebalances.
    pub rebalances: u64,
    /// When the first and the last of those that went well were there, in microseconds since 1970.
    pub times_us: Option<(i64, i64)>,
}

impl Default for Measured {
    fn default() -> Self {
        Measured {
            latency: new_histogram(),
            records: 0,
            failed: 0,
            bytes: 0,
            rebalances: 0,
            times_us: None,
        }
    }
}

impl Measured {
    fn clear(&mut self) {
        self.latency.reset();
        (self.records, self.failed, self.bytes, self.rebalances) = (0, 0, 0, 0);
        self.times_us = None;
    }

    /// One record that went well, at this time.
    pub fn record(&mut self, now_us: i64, bytes: usize) {
        self.records += 1;
        self.bytes += bytes as u64;
        self.seen(now_us, now_us);
    }

    fn seen(&mut self, first_us: i64, last_us: i64) {
        self.times_us = Some(match self.times_us {
            None => (first_us, last_us),
            Some((first, last)) => (first.min(first_us), last.max(last_us)),
        });
    }

    /// Records one latency.
    pub fn latency(&mut self, latency_us: i64) {
        record(&mut self.latency, u64::try_from(latency_us).unwrap_or(0));
    }

    /// Adds what another has measured.
    pub fn add(&mut self, other: &Measured) {
        self.latency.add(&other.latency).expect("both histograms have the same bounds");
        self.records += other.records;
        self.failed += other.failed;
        self.bytes += other.bytes;
        self.rebalances += other.rebalances;
        if let Some((first, last)) = other.times_us {
            self.seen(first, last);
        }
    }
}

/// A thread's end of its measurements: the lock is free but for one moment a second.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    current: Arc<Mutex<Measured>>,
}

impl Tally {
    /// Measures.
    pub fn with<R>(&self, measure: impl FnOnce(&mut Measured) -> R) -> R {
        measure(&mut self.current.lock().expect("nobody panics with the lock"))
    }
}

/// The sampler's end: all tallies of one kind.
#[derive(Debug, Default)]
pub struct Tallies {
    all: Mutex<Vec<Tally>>,
    spare: Mutex<Measured>,
}

impl Tallies {
    /// A tally for another thread.
    pub fn join(&self) -> Tally {
        let tally = Tally::default();
        self.all.lock().expect("nobody panics with the lock").push(tally.clone());
        tally
    }

    /// Adds to `sum` what was measured since the last call, and forgets threads that are gone.
    pub fn take(&self, sum: &mut Measured) {
        let mut all = self.all.lock().expect("nobody panics with the lock");
        let mut spare = self.spare.lock().expect("nobody panics with the lock");
        all.retain(|tally| {
            // Seen before the swap: whatever a thread measured until it went is in what is taken.
            let gone = Arc::strong_count(&tally.current) == 1;
            tally.with(|current| std::mem::swap(current, &mut *spare));
            sum.add(&spare);
            spare.clear();
            !gone
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_not_taken_again_and_nothing_is_missed() {
        let tallies = Tallies::default();
        let one = tallies.join();
        let two = tallies.join();
        one.with(|m| (0..3).for_each(|n| m.record(n, 10)));
        two.with(|m| m.latency(50));
        let mut sum = Measured::default();
        tallies.take(&mut sum);
        assert_eq!((sum.records, sum.latency.len()), (3, 1));
        one.with(|m| m.record(9, 10));
        drop(one);
        tallies.take(&mut sum);
        tallies.take(&mut sum);
        assert_eq!((sum.records, sum.bytes, sum.times_us), (4, 40, Some((0, 9))));
        assert_eq!(tallies.all.lock().unwrap().len(), 1);
    }
}
