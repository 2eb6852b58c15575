//! Counters and histograms of the registry, in the text that Prometheus reads.

use super::route::Route;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidegate_metrics::{Gauge, Histogram, Metric, Text};

/// What stands for requests that no route is for.
const NO_ROUTE: &str = "none";

const REQUESTS: Metric = Metric::counter(
    "tidegate_registry_requests_total",
    &["method", "route", "code"],
    "Requests answered, by route and error code (the status where there is no error)",
);
const REQUEST_SECONDS: Metric = Metric::histogram(
    "tidegate_registry_request_duration_seconds",
    &["method", "route"],
    "Time from a request's head to its answer",
);
const CONNECTIONS: Metric = Metric::gauge(
    "tidegate_registry_connections_open",
    &[],
    "Connections of registry clients open",
);
const SUBJECTS: Metric =
    Metric::gauge("tidegate_registry_subjects", &[], "Subjects with a version that is not deleted");
const VERSIONS: Metric =
    Metric::gauge("tidegate_registry_versions", &[], "Versions that are not deleted");
const SCHEMAS: Metric = Metric::gauge("tidegate_registry_schemas", &[], "Schemas that have an id");
const SKIPPED_RECORDS: Metric = Metric::gauge(
    "tidegate_registry_skipped_records",
    &[],
    "Records of _schemas that could not be read",
);
const CACHE_BYTES: Metric = Metric::gauge(
    "tidegate_registry_cache_bytes",
    &[],
    "Bytes of the texts whose schemas are held parsed",
);

/// Every metric of the registry, in the order in which they are served.
pub const METRICS: &[Metric] = &[
    REQUESTS,
    REQUEST_SECONDS,
    CONNECTIONS,
    SUBJECTS,
    VERSIONS,
    SCHEMAS,
    SKIPPED_RECORDS,
    CACHE_BYTES,
];

/// How much there is, read when somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Subjects with a version that is not deleted.
    pub subjects: u64,
    /// Versions that are not deleted.
    pub versions: u64,
    /// Schemas: what has an id.
    pub schemas: u64,
    /// Records of `_schemas` that could not be read.
    pub skipped_records: u64,
    /// Bytes of the texts whose schemas are held read.
    pub cache_bytes: u64,
}

/// Everything that is counted while requests are answered.
pub struct Metrics {
    names: Vec<(&'static str, &'static str)>,
    requests: Mutex<BTreeMap<(usize, u32), u64>>,
    seconds: Vec<Histogram>,
    connections: Arc<Gauge>,
}

impl Metrics {
    /// Counters for these routes.
    pub fn new(routes: &'static [Route]) -> Self {
        let names = routes.iter().map(|route| (method_name(route), route.path));
        let names: Vec<_> = names.chain([(NO_ROUTE, NO_ROUTE)]).collect();
        let seconds = names.iter().map(|_| Histogram::seconds()).collect();
        Metrics { names, requests: Mutex::default(), seconds, connections: Arc::default() }
    }

    /// Counts an answered request. `route` is its index, or `None`.
    pub fn answered(&self, route: Option<usize>, code: u32, took: Duration) {
        let route = route.unwrap_or(self.names.len() - 1);
        *self.requests.lock().entry((route, code)).or_default() += 1;
        self.seconds[route].observe(took);
    }

    /// Counts a connection until the guard is dropped.
    pub fn connection_opened(&self) -> ConnectionGuard {
        self.connections.add(1);
        ConnectionGuard(self.connections.clone())
    }

    /// Writes the metrics.
    pub fn write(&self, counts: Counts, text: &mut Text) {
        text.begin(&REQUESTS);
        for ((route, code), count) in &*self.requests.lock() {
            let (method, path) = self.names[*route];
            text.count(&REQUESTS, &[method, path, &code.to_string()], *count);
        }
        text.begin(&REQUEST_SECONDS);
        for ((method, path), histogram) in self.names.iter().zip(&self.seconds) {
            let snapshot = histogram.snapshot();
            if snapshot.count() > 0 {
                text.snapshot(&REQUEST_SECONDS, &[method, path], &snapshot);
            }
        }
        text.gauge(&CONNECTIONS, &[], &self.connections);
        text.count(&SUBJECTS, &[], counts.subjects);
        text.count(&VERSIONS, &[], counts.versions);
        text.count(&SCHEMAS, &[], counts.schemas);
        text.count(&SKIPPED_RECORDS, &[], counts.skipped_records);
        text.count(&CACHE_BYTES, &[], counts.cache_bytes);
    }
}

/// Counts its connection as open while it lives.
pub struct ConnectionGuard(Arc<Gauge>);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

fn method_name(route: &Route) -> &'static str {
    match route.method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        other => panic!("no route is for {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;
    use tidegate_metrics::Format;

    #[test]
    fn requests_are_counted_by_route_and_code() {
        let metrics = Metrics::new(ROUTES);
        let types = ROUTES.iter().position(|route| route.path == "/schemas/types");
        metrics.answered(types, 200, Duration::from_millis(2));
        metrics.answered(types, 40401, Duration::from_millis(2));
        metrics.answered(None, 404, Duration::from_millis(2));
        let mut text = Text::new(Format::Plain);
        metrics.write(Counts { subjects: 3, ..Counts::default() }, &mut text);
        let text = text.finish();
        for line in [
            "tidegate_registry_requests_total{method=\"GET\",route=\"/schemas/types\",code=\"200\"} 1\n",
            "tidegate_registry_requests_total{method=\"GET\",route=\"/schemas/types\",code=\"40401\"} 1\n",
            "tidegate_registry_requests_total{method=\"none\",route=\"none\",code=\"404\"} 1\n",
            "tidegate_registry_request_duration_seconds_count{method=\"GET\",route=\"/schemas/types\"} 2\n",
            "tidegate_registry_subjects 3\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
