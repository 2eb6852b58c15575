//! Requests by type, version and error, and the time they take by phase.

use super::table::{
    PHASE_SECONDS, REQUEST_SECONDS, REQUESTS, REQUESTS_SLOW, REQUESTS_THROTTLED, THROTTLE_SECONDS,
};
use crate::api::{APIS, Api};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tidegate_metrics::{Counter, Histogram, Text};
use tidegate_model::ErrorCode;

/// What stands for a version that is not served.
const OTHER_VERSION: i16 = -1;

const PHASES: [&str; 4] = ["queue", "log", "wait", "send"];

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was answered with this as the first error, 0 for none.
    Answered(i16),
    /// Its connection was closed instead.
    Closed,
}

/// A request whose answer is ready.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// The request's key.
    pub api_key: i16,
    /// Its version.
    pub version: i16,
    /// How it ended.
    pub outcome: Outcome,
    /// Behind earlier requests of its connection, which are answered first.
    pub queue: Duration,
    /// Because its client asked to wait: for more bytes, or for the other members of its group.
    pub wait: Duration,
    /// From its last byte to here.
    pub total: Duration,
}

/// Goes with an answer to the socket.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The request's key.
    pub api_key: i16,
    /// When its last byte was read.
    pub started: Instant,
    /// When the answer was ready.
    pub ready: Instant,
}

/// The figures of all request types.
pub(super) struct Requests(Vec<ApiFigures>);

struct ApiFigures {
    api: &'static Api,
    /// Answered without an error, by version from the first served one on.
    clean: Vec<Counter>,
    /// The others. They are the exception, so that a lock is cheap enough.
    failed: Mutex<BTreeMap<(i16, Outcome), u64>>,
    seconds: Histogram,
    phases: [Histogram; PHASES.len()],
    slow: Counter,
    throttled: Counter,
    throttled_ms: Counter,
}

impl Default for Requests {
    fn default() -> Self {
        Requests(APIS.iter().map(ApiFigures::new).collect())
    }
}

impl ApiFigures {
    fn new(api: &'static Api) -> Self {
        ApiFigures {
            api,
            clean: api.advertised.clone().map(|_| Counter::default()).collect(),
            failed: Mutex::default(),
            seconds: Histogram::seconds(),
            phases: std::array::from_fn(|_| Histogram::seconds()),
            slow: Counter::default(),
            throttled: Counter::default(),
            throttled_ms: Counter::default(),
        }
    }

    fn clean(&self, version: i16) -> Option<&Counter> {
        let index = usize::try_from(version.checked_sub(*self.api.advertised.start())?).ok()?;
        self.clean.get(index)
    }

    fn count(&self, version: i16, outcome: Outcome) {
        let known = self.clean(version);
        match (outcome, known) {
            (Outcome::Answered(0), Some(counter)) => counter.inc(),
            _ => {
                let version = known.map_or(OTHER_VERSION, |_| version);
                *self.failed.lock().entry((version, outcome)).or_default() += 1;
            }
        }
    }
}

impl Requests {
    fn of(&self, key: i16) -> Option<&ApiFigures> {
        let index = self.0.binary_search_by_key(&key, |figures| figures.api.key).ok()?;
        Some(&self.0[index])
    }

    /// Counts a request whose answer is ready.
    pub(super) fn answered(&self, answered: &Answered) {
        let Some(figures) = self.of(answered.api_key) else { return };
        figures.count(answered.version, answered.outcome);
        let Answered { queue, wait, total, .. } = *answered;
        let log = total.saturating_sub(queue).saturating_sub(wait);
        let [of_queue, of_log, of_wait, _] = &figures.phases;
        of_queue.observe(queue);
        of_log.observe(log);
        of_wait.observe(wait);
    }

    /// Counts a request that took long.
    pub(super) fn slow(&self, key: i16) {
        if let Some(figures) = self.of(key) {
            figures.slow.inc();
        }
    }

    /// Counts an answer whose last byte the socket has taken.
    pub(super) fn sent(&self, timing: Timing) {
        let Some(figures) = self.of(timing.api_key) else { return };
        let [.., of_send] = &figures.phases;
        of_send.observe(timing.ready.elapsed());
        figures.seconds.observe(timing.started.elapsed());
    }

    /// Counts a request whose sender has to wait.
    pub(super) fn throttled(&self, key: i16, throttle_ms: i32) {
        let Some(figures) = self.of(key) else { return };
        figures.throttled.inc();
        figures.throttled_ms.add(u64::from(throttle_ms.unsigned_abs()));
    }

    /// Writes the types that anybody has asked for.
    pub(super) fn write(&self, text: &mut Text) {
        self.write_counts(text);
        text.begin(&REQUEST_SECONDS);
        for ApiFigures { api, seconds, .. } in &self.0 {
            let snapshot = seconds.snapshot();
            if snapshot.count() > 0 {
                text.snapshot(&REQUEST_SECONDS, &[api.name], &snapshot);
            }
        }
        text.begin(&PHASE_SECONDS);
        for ApiFigures { api, phases, .. } in &self.0 {
            for (phase, histogram) in PHASES.into_iter().zip(phases) {
                let snapshot = histogram.snapshot();
                // Most types never wait: no series for that.
                if snapshot.sum > 0.0 {
                    text.snapshot(&PHASE_SECONDS, &[api.name, phase], &snapshot);
                }
            }
        }
        for ApiFigures { api, slow, .. } in &self.0 {
            text.counter(&REQUESTS_SLOW, &[api.name], slow);
        }
        for ApiFigures { api, throttled, .. } in &self.0 {
            text.counter(&REQUESTS_THROTTLED, &[api.name], throttled);
        }
        for ApiFigures { api, throttled_ms, .. } in &self.0 {
            text.value(&THROTTLE_SECONDS, &[api.name], throttled_ms.get() as f64 / 1_000.0);
        }
    }

    fn write_counts(&self, text: &mut Text) {
        text.begin(&REQUESTS);
        for figures in &self.0 {
            let name = figures.api.name;
            for (version, counter) in figures.api.advertised.clone().zip(&figures.clean) {
                if counter.get() > 0 {
                    text.counter(&REQUESTS, &[name, &version.to_string(), "NONE"], counter);
                }
            }
            for ((version, outcome), count) in &*figures.failed.lock() {
                let version = match *version {
                    OTHER_VERSION => "other".to_owned(),
                    version => version.to_string(),
                };
                text.count(&REQUESTS, &[name, &version, &label(*outcome)], *count);
            }
        }
    }
}

fn label(outcome: Outcome) -> String {
    match outcome {
        Outcome::Closed => "CLOSED".to_owned(),
        Outcome::Answered(code) => ErrorCode::from_code(code)
            .map_or_else(|| code.to_string(), |code| code.name().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_metrics::Format;

    fn text_of(requests: &Requests) -> String {
        let mut text = Text::new(Format::Plain);
        requests.write(&mut text);
        text.finish()
    }

    fn answered(api_key: i16, version: i16, outcome: Outcome) -> Answered {
        let ms = Duration::from_millis;
        Answered { api_key, version, outcome, queue: ms(1), wait: ms(20), total: ms(30) }
    }

    #[test]
    fn requests_are_counted_by_version_and_first_error() {
        let requests = Requests::default();
        requests.answered(&answered(1, 13, Outcome::Answered(0)));
        requests.answered(&answered(1, 13, Outcome::Answered(0)));
        requests.answered(&answered(1, 13, Outcome::Answered(1)));
        requests.answered(&answered(0, 9, Outcome::Closed));
        requests.answered(&answered(18, 99, Outcome::Answered(35)));
        let text = text_of(&requests);
        for line in [
            "tidegate_requests_total{api=\"Fetch\",version=\"13\",error=\"NONE\"} 2\n",
            "tidegate_requests_total{api=\"Fetch\",version=\"13\",error=\"OFFSET_OUT_OF_RANGE\"} 1\n",
            "tidegate_requests_total{api=\"Produce\",version=\"9\",error=\"CLOSED\"} 1\n",
            "tidegate_requests_total{api=\"ApiVersions\",version=\"other\",error=\"UNSUPPORTED_VERSION\"} 1\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn what_is_neither_queue_nor_wait_is_the_logs_time() {
        let requests = Requests::default();
        requests.answered(&answered(1, 13, Outcome::Answered(0)));
        let text = text_of(&requests);
        for (phase, seconds) in [("queue", "0.001"), ("log", "0.009"), ("wait", "0.02")] {
            let line = format!(
                "tidegate_request_phase_seconds_sum{{api=\"Fetch\",phase=\"{phase}\"}} {seconds}\n"
            );
            assert!(text.contains(&line), "{line} in {text}");
        }
    }

    #[test]
    fn throttled_requests_are_counted_by_type_with_the_time_they_cost() {
        let requests = Requests::default();
        requests.throttled(1, 1_000);
        requests.throttled(1, 500);
        let text = text_of(&requests);
        for line in [
            "tidegate_requests_throttled_total{api=\"Fetch\"} 2\n",
            "tidegate_throttle_seconds_total{api=\"Fetch\"} 1.5\n",
            "tidegate_requests_throttled_total{api=\"Produce\"} 0\n",
        ] {
            assert!(text.contains(line), "{line}");
        }
    }
}
