//! Lines about requests that took long, not more than one a second for each type.

use crate::api::{self, APIS};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tracing::warn;

/// Between two lines about requests of one type.
const PAUSE: Duration = Duration::from_secs(1);

/// What a line says of its request.
pub struct SlowRequest<'a> {
    /// The connection.
    pub connection: u64,
    /// The client's name for itself.
    pub client_id: &'a str,
    /// The request's type.
    pub api_key: i16,
    /// Its version.
    pub version: i16,
    /// Its number on the connection.
    pub correlation_id: i32,
    /// From its begin to its answer.
    pub took: Duration,
    /// What of this it waited because its client asked it to.
    pub waited: Duration,
}

/// Writes these lines.
pub struct SlowLog {
    threshold: Option<Duration>,
    started: Instant,
    types: Vec<Type>,
}

#[derive(Default)]
struct Type {
    /// Milliseconds from the start until which no line is written.
    quiet_until_ms: AtomicU64,
    suppressed: AtomicU64,
}

impl SlowLog {
    /// Lines for requests from this time up; none without.
    pub fn new(threshold: Option<Duration>) -> Self {
        let types = APIS.iter().map(|_| Type::default()).collect();
        SlowLog { threshold, started: Instant::now(), types }
    }

    /// True if the request was slow.
    pub fn is_slow(&self, request: &SlowRequest<'_>) -> bool {
        let own = request.took.saturating_sub(request.waited);
        self.threshold.is_some_and(|threshold| own >= threshold)
    }

    /// Writes the line of a slow request if it is time for one.
    pub fn write(&self, request: &SlowRequest<'_>) {
        let Ok(index) = APIS.binary_search_by_key(&request.api_key, |api| api.key) else { return };
        let Some(suppressed) = self.types[index].take_turn(self.started.elapsed()) else { return };
        warn!(
            target: "tidegate::slow",
            connection = request.connection,
            client_id = request.client_id,
            correlation_id = request.correlation_id,
            api = api::APIS[index].name,
            version = request.version,
            took_ms = request.took.as_millis() as u64,
            waited_ms = request.waited.as_millis() as u64,
            suppressed,
            "slow request"
        );
    }
}

impl Type {
    /// The number of requests passed over since the last line if a line may be written now.
    fn take_turn(&self, now: Duration) -> Option<u64> {
        let now_ms = now.as_millis() as u64;
        let quiet_until_ms = self.quiet_until_ms.load(Ordering::Relaxed);
        let next = now_ms + PAUSE.as_millis() as u64;
        let (relaxed, until) = (Ordering::Relaxed, &self.quiet_until_ms);
        if now_ms < quiet_until_ms
            || until.compare_exchange(quiet_until_ms, next, relaxed, relaxed).is_err()
        {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.suppressed.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_line_waits_a_second_and_tells_how_many_were_passed_over() {
        let one = Type::default();
        let turn = |ms| one.take_turn(Duration::from_millis(ms));
        assert_eq!(turn(5), Some(0));
        assert_eq!((turn(6), turn(1_004)), (None, None));
        assert_eq!((turn(1_005), turn(2_005)), (Some(2), Some(0)));
    }
}
