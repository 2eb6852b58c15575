//! What is counted while requests are served, and the text that Prometheus reads.
//!
//! Counting takes relaxed atomics. What the broker and the engine know anyway is read from them when
//! somebody asks.

mod process;
mod requests;
mod store;
mod table;

pub use requests::{Answered, Outcome, Timing};
pub use table::METRICS;

use crate::api::Context;
use crate::net::connection::End;
use crate::observe::Observe;
use parking_lot::Mutex;
use requests::Requests;
use std::cmp::Reverse;
use std::sync::Arc;
use table::*;
use tidegate_metrics::{Counter, Format, Gauge, Text};

/// Everything that is counted while requests are served.
#[derive(Default)]
pub struct Metrics {
    requests: Requests,
    produce_bytes: Counter,
    produce_batches: Counter,
    produce_records: Counter,
    fetch_bytes: Counter,
    fetch_records: Counter,
    received_bytes: Counter,
    sent_bytes: Counter,
    connections: Gauge,
    connections_accepted: Counter,
    connections_refused: Counter,
    connections_throttled: Counter,
    accept_failures: Counter,
    connections_closed: [Counter; REASONS.len()],
    others: Mutex<Vec<MetricsSource>>,
}

/// Why connections end, as [`End`] has it.
const REASONS: [&str; 5] = ["closed", "failed", "refused", "idle", "stopped"];

/// Writes the metrics of something that runs beside the server.
pub type MetricsSource = Box<dyn Fn(&mut Text) + Send + Sync>;

impl Metrics {
    /// Counts batches appended for a client.
    pub fn produced(&self, batches: u64, records: u64, bytes: usize) {
        self.produce_batches.add(batches);
        self.produce_records.add(records);
        self.produce_bytes.add(bytes as u64);
    }

    /// Counts a Fetch response.
    pub fn fetched(&self, records: u64, bytes: usize) {
        self.fetch_records.add(records);
        self.fetch_bytes.add(bytes as u64);
    }

    /// Counts a request that was read.
    pub fn received(&self, bytes: usize) {
        self.received_bytes.add(bytes as u64);
    }

    /// Counts bytes that a socket took.
    pub fn wrote(&self, bytes: usize) {
        self.sent_bytes.add(bytes as u64);
    }

    /// Counts a request whose answer is ready.
    pub fn answered(&self, answered: &Answered) {
        self.requests.answered(answered);
    }

    /// Counts a request that took long.
    pub fn slow(&self, key: i16) {
        self.requests.slow(key);
    }

    /// Counts an answer whose last byte the socket has taken.
    pub fn sent(&self, timing: Timing) {
        self.requests.sent(timing);
    }

    /// Counts a request whose sender has to wait.
    pub fn throttled(&self, key: i16, throttle_ms: i32) {
        self.requests.throttled(key, throttle_ms);
    }

    /// Counts a connection until the guard is dropped.
    pub fn connection_opened(self: &Arc<Self>) -> ConnectionGuard {
        self.connections.add(1);
        self.connections_accepted.inc();
        ConnectionGuard(self.clone())
    }

    /// Counts why a connection ended.
    pub fn connection_ended(&self, end: &End) {
        let reason = match end {
            End::Closed => 0,
            End::Failed(_) => 1,
            End::Refused(_) => 2,
            End::Idle => 3,
            End::Stopped => 4,
        };
        self.connections_closed[reason].inc();
    }

    /// Counts a connection that was turned away.
    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// Counts a connection that the system did not hand over.
    pub fn accept_failed(&self) {
        self.accept_failures.inc();
    }

    /// Counts a connection beyond its address's quota.
    pub fn connection_throttled(&self) {
        self.connections_throttled.inc();
    }

    /// All metrics as text. Asks the system and takes locks, each for a moment.
    pub fn render(&self, context: &Context, format: Format) -> String {
        let Context { broker, memory, observe, series, .. } = context;
        let mut text = Text::new(format);
        text.value(&BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1);
        self.requests.write(&mut text);
        self.write_traffic(&mut text);
        text.counter(&ACCEPT_FAILURES, &[], &self.accept_failures);
        text.value(&REQUEST_MEMORY, &[], memory.used_bytes() as f64);
        text.value(&REQUEST_MEMORY_MAX, &[], memory.max_bytes() as f64);
        write_software(&mut text, observe);
        store::write(&mut text, broker, *series);
        process::write(&mut text);
        for source in &*self.others.lock() {
            source(&mut text);
        }
        text.finish()
    }

    fn write_traffic(&self, text: &mut Text) {
        text.counter(&PRODUCE_BYTES, &[], &self.produce_bytes);
        text.counter(&PRODUCE_BATCHES, &[], &self.produce_batches);
        text.counter(&PRODUCE_RECORDS, &[], &self.produce_records);
        text.counter(&FETCH_BYTES, &[], &self.fetch_bytes);
        text.counter(&FETCH_RECORDS, &[], &self.fetch_records);
        text.counter(&RECEIVED_BYTES, &[], &self.received_bytes);
        text.counter(&SENT_BYTES, &[], &self.sent_bytes);
        text.gauge(&CONNECTIONS_OPEN, &[], &self.connections);
        text.counter(&CONNECTIONS_ACCEPTED, &[], &self.connections_accepted);
        for (reason, counter) in REASONS.iter().zip(&self.connections_closed) {
            text.counter(&CONNECTIONS_CLOSED, &[reason], counter);
        }
        text.counter(&CONNECTIONS_REFUSED, &[], &self.connections_refused);
        text.counter(&CONNECTIONS_THROTTLED, &[], &self.connections_throttled);
    }

    /// Shows the metrics of `source` behind these from now on.
    pub fn add_source(&self, source: MetricsSource) {
        self.others.lock().push(source);
    }
}

/// Client libraries shown one by one.
const SOFTWARE_MAX: usize = 50;

fn write_software(text: &mut Text, observe: &Observe) {
    text.begin(&CONNECTIONS_BY_SOFTWARE);
    let counts = observe.connections.by_software();
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let rest: usize = counts.iter().skip(SOFTWARE_MAX).map(|(_, count)| count).sum();
    for ((name, version), count) in counts.iter().take(SOFTWARE_MAX) {
        text.value(&CONNECTIONS_BY_SOFTWARE, &[name, version], *count as f64);
    }
    if rest > 0 {
        text.value(&CONNECTIONS_BY_SOFTWARE, &["other", ""], rest as f64);
    }
}

/// How many partitions are shown one by one: each is a series that Prometheus keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesMax {
    /// Partitions of groups with their lags, the largest first; default 1000, 0 for none.
    pub lags: usize,
    /// Partitions with size and offsets, the largest first; default 1000, 0 for none.
    pub partitions: usize,
}

impl Default for SeriesMax {
    fn default() -> Self {
        SeriesMax { lags: 1_000, partitions: 1_000 }
    }
}

/// Counts its connection as open while it lives.
pub struct ConnectionGuard(Arc<Metrics>);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.connections.add(-1);
    }
}
