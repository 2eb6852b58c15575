//! Counters and histograms of the server, and the text that Prometheus reads.

use crate::api::APIS;
use parking_lot::Mutex;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tidegate_broker::Broker;

/// Everything that is counted while requests are served. Reading it costs the hot path nothing.
pub struct Metrics {
    registry: Registry,
    requests: Vec<(i16, ApiMetrics)>,
    produce_bytes: Counter,
    fetch_bytes: Counter,
    connections: Gauge,
    connections_total: Counter,
    connections_refused: Counter,
    connections_throttled: Counter,
    observed: Observed,
    others: Mutex<Vec<MetricsSource>>,
}

/// Gives the metrics of something that runs beside the server, as text without the line that ends a
/// document.
pub type MetricsSource = Box<dyn Fn() -> String + Send + Sync>;

/// The metrics of one request type.
#[derive(Clone)]
struct ApiMetrics {
    requests: Counter,
    seconds: Histogram,
    throttled: Counter,
    throttle_seconds: Counter<f64, AtomicU64>,
}

impl ApiMetrics {
    fn new() -> Self {
        ApiMetrics {
            requests: Counter::default(),
            seconds: seconds_histogram(),
            throttled: Counter::default(),
            throttle_seconds: Counter::default(),
        }
    }
}

/// What is read from the broker when somebody asks.
#[derive(Default)]
struct Observed {
    topics: Gauge,
    partitions: Gauge,
    fetch_sessions: Gauge,
    frames: Gauge,
    appends: Gauge,
    bytes: Gauge,
    pending_bytes: Gauge,
    tail_bytes: Gauge,
    trimmed_segments: Gauge,
    trimmed_bytes: Gauge,
    checkpoints: Gauge,
    sync_seconds: Gauge<f64, AtomicU64>,
    full: Gauge,
}

/// From a tenth of a millisecond to twelve seconds.
fn seconds_histogram() -> Histogram {
    Histogram::new([
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0,
        12.0,
    ])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("tidegate");
        let mut requests = Vec::new();
        for api in APIS {
            let metrics = ApiMetrics::new();
            let labels = [("api".into(), api.name.into())];
            let labelled = registry.sub_registry_with_labels(labels.into_iter());
            let help = "Requests begun, by type";
            labelled.register("requests", help, metrics.requests.clone());
            let help = "Time from a request's decoding to its response, waiting included";
            let seconds = metrics.seconds.clone();
            labelled.register_with_unit("request_duration", help, Unit::Seconds, seconds);
            let help = "Requests whose sender was throttled by a quota, by type";
            labelled.register("requests_throttled", help, metrics.throttled.clone());
            let help = "Time that senders were told to wait by quotas";
            let seconds = metrics.throttle_seconds.clone();
            labelled.register_with_unit("throttle", help, Unit::Seconds, seconds);
            requests.push((api.key, metrics));
        }
        let mut metrics = Metrics {
            registry,
            requests,
            produce_bytes: Counter::default(),
            fetch_bytes: Counter::default(),
            connections: Gauge::default(),
            connections_total: Counter::default(),
            connections_refused: Counter::default(),
            connections_throttled: Counter::default(),
            observed: Observed::default(),
            others: Mutex::default(),
        };
        metrics.register_traffic();
        metrics.register_observed();
        metrics
    }
}

impl Metrics {
    fn register_traffic(&mut self) {
        let registry = &mut self.registry;
        let help = "Bytes of record batches appended";
        registry.register("produce_bytes", help, self.produce_bytes.clone());
        let help = "Bytes of record batches handed to consumers";
        registry.register("fetch_bytes", help, self.fetch_bytes.clone());
        registry.register("connections_open", "Connections open", self.connections.clone());
        let accepted = self.connections_total.clone();
        registry.register("connections_accepted", "Connections accepted", accepted);
        let help = "Connections closed at once because max.connections was reached";
        registry.register("connections_refused", help, self.connections_refused.clone());
        let help = "Connections closed because of connection_creation_rate";
        registry.register("connections_throttled", help, self.connections_throttled.clone());
    }

    fn register_observed(&mut self) {
        let (registry, seen) = (&mut self.registry, &self.observed);
        registry.register("topics", "Topics", seen.topics.clone());
        registry.register("partitions", "Partitions", seen.partitions.clone());
        let sessions = seen.fetch_sessions.clone();
        registry.register("fetch_sessions", "Incremental fetch sessions", sessions);
        let gauges: [(&str, &str, &Gauge); 9] = [
            ("wal_frames", "Group commits made durable since start", &seen.frames),
            ("wal_appends", "Appends made durable since start", &seen.appends),
            ("wal_bytes", "Batch bytes made durable since start", &seen.bytes),
            ("wal_pending_bytes", "Batch bytes taken and not durable yet", &seen.pending_bytes),
            ("tail_bytes", "Recent batch bytes held in memory", &seen.tail_bytes),
            (
                "trimmed_segments",
                "Segments removed since start by retention and DeleteRecords",
                &seen.trimmed_segments,
            ),
            ("trimmed_bytes", "Batch bytes removed that way since start", &seen.trimmed_bytes),
            ("checkpoints", "Checkpoints written since start", &seen.checkpoints),
            ("storage_full", "1 while appends are refused for want of space", &seen.full),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        let help = "Time spent waiting for the disk in group commits since start";
        let seconds = seen.sync_seconds.clone();
        registry.register_with_unit("wal_sync", help, Unit::Seconds, seconds);
    }

    /// Counts an append of `bytes`.
    pub fn produced(&self, bytes: usize) {
        self.produce_bytes.inc_by(bytes as u64);
    }

    /// Counts a Fetch response with `bytes` of batches.
    pub fn fetched(&self, bytes: usize) {
        self.fetch_bytes.inc_by(bytes as u64);
    }

    /// Counts a request at its start.
    pub fn request_begun(&self, key: i16) {
        if let Some(api) = self.api(key) {
            api.requests.inc();
        }
    }

    /// Records how long a request took.
    pub fn request_done(&self, key: i16, took: Duration) {
        if let Some(api) = self.api(key) {
            api.seconds.observe(took.as_secs_f64());
        }
    }

    /// Counts a request whose sender has to wait.
    pub fn throttled(&self, key: i16, throttle_ms: i32) {
        if let Some(api) = self.api(key) {
            api.throttled.inc();
            api.throttle_seconds.inc_by(f64::from(throttle_ms) / 1_000.0);
        }
    }

    fn api(&self, key: i16) -> Option<&ApiMetrics> {
        let index = self.requests.binary_search_by_key(&key, |entry| entry.0).ok()?;
        Some(&self.requests[index].1)
    }

    /// Counts a connection until the guard is dropped.
    pub fn connection_opened(self: &Arc<Self>) -> ConnectionGuard {
        self.connections.inc();
        self.connections_total.inc();
        ConnectionGuard(self.clone())
    }

    /// Counts a connection that was turned away.
    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// Counts a connection beyond its address's quota.
    pub fn connection_throttled(&self) {
        self.connections_throttled.inc();
    }

    /// The text format of Prometheus (OpenMetrics 1.0).
    pub fn render(&self, broker: &Broker) -> String {
        let seen = &self.observed;
        let (topics, partitions) = broker.topics().count();
        seen.topics.set(topics as i64);
        seen.partitions.set(partitions as i64);
        seen.fetch_sessions.set(broker.fetch_sessions().len() as i64);
        let stats = broker.store().stats();
        seen.frames.set(stats.frames as i64);
        seen.appends.set(stats.appends as i64);
        seen.bytes.set(stats.bytes as i64);
        seen.pending_bytes.set(stats.pending_bytes as i64);
        seen.tail_bytes.set(stats.tail_bytes as i64);
        seen.trimmed_segments.set(stats.trimmed_segments as i64);
        seen.trimmed_bytes.set(stats.trimmed_bytes as i64);
        seen.checkpoints.set(stats.checkpoints as i64);
        seen.sync_seconds.set(stats.sync_nanos as f64 / 1e9);
        seen.full.set(i64::from(stats.full));
        let mut text = String::new();
        encode_registry(&mut text, &self.registry).expect("writing to a string cannot fail");
        for source in &*self.others.lock() {
            text.push_str(&source());
        }
        encode_eof(&mut text).expect("writing to a string cannot fail");
        text
    }

    /// Shows the metrics of `source` behind these from now on.
    pub fn add_source(&self, source: MetricsSource) {
        self.others.lock().push(source);
    }
}

/// Counts its connection as open while it lives.
pub struct ConnectionGuard(Arc<Metrics>);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttled_requests_are_counted_by_type_with_the_time_they_cost() {
        let metrics = Metrics::default();
        metrics.throttled(1, 1_000);
        metrics.throttled(1, 500);
        let mut text = String::new();
        encode_registry(&mut text, &metrics.registry).expect("writing to a string cannot fail");
        for line in [
            "tidegate_requests_throttled_total{api=\"Fetch\"} 2\n",
            "tidegate_throttle_seconds_total{api=\"Fetch\"} 1.5\n",
            "tidegate_requests_throttled_total{api=\"Produce\"} 0\n",
        ] {
            assert!(text.contains(line), "{line}");
        }
    }
}
