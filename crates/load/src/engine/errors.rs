//! Errors by place and code: how often, when first and last, and what was said.

use crate::client::ClientError;
use crate::report::ErrorCount;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// More pairs of place and code than any run has; what comes beyond is counted under one code.
const PAIRS_MAX: usize = 512;

/// Where all threads of a run count what went wrong. Not on the path of records that go well.
#[derive(Debug, Default)]
pub struct ErrorLog {
    counts: Mutex<BTreeMap<(&'static str, String), ErrorCount>>,
}

impl ErrorLog {
    /// Counts one. `place` is `produce`, `consume`, `commit`, `admin` or `registry`.
    pub fn count(&self, place: &'static str, error: &ClientError, at_ms: u64) {
        let mut counts = self.lock();
        let full = counts.len() >= PAIRS_MAX;
        let code = match counts.contains_key(&(place, error.code.clone())) {
            false if full => "_OTHER".to_owned(),
            _ => error.code.clone(),
        };
        let entry = counts.entry((place, code.clone())).or_insert_with(|| ErrorCount {
            place: place.to_owned(),
            code,
            count: 0,
            first_ms: at_ms,
            last_ms: at_ms,
            message: error.message.clone(),
        });
        entry.count += 1;
        entry.last_ms = at_ms;
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.lock().values().map(|entry| entry.count).sum()
    }

    /// What was counted.
    pub fn counts(&self) -> Vec<ErrorCount> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(&'static str, String), ErrorCount>> {
        self.counts.lock().expect("nobody panics with the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_and_both_times_of_an_error_are_kept() {
        let log = ErrorLog::default();
        log.count("produce", &ClientError::local("_TRANSPORT", "refused"), 10);
        log.count("produce", &ClientError::local("_TRANSPORT", "reset"), 30);
        log.count("consume", &ClientError::local("_TRANSPORT", "reset"), 20);
        assert_eq!(log.total(), 3);
        let produce = &log.counts()[1];
        assert_eq!((produce.count, produce.first_ms, produce.last_ms), (2, 10, 30));
        assert_eq!((produce.place.as_str(), produce.message.as_str()), ("produce", "refused"));
    }

    #[test]
    fn codes_without_end_do_not_fill_the_memory() {
        let log = ErrorLog::default();
        for number in 0..5_000 {
            log.count("produce", &ClientError::local(&format!("CODE_{number}"), "x"), 0);
        }
        assert_eq!(log.total(), 5_000);
        assert!(log.counts().len() <= PAIRS_MAX + 1);
    }
}
