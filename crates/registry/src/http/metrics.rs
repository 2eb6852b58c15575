//! Counters and histograms of the registry, in the text that Prometheus reads.

use super::route::Route;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry as Encoder, Unit};
use std::time::Duration;

/// What stands for requests that no route is for.
const NO_ROUTE: &str = "none";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: &'static str,
    code: u32,
}

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
    encoder: Encoder,
    names: Vec<(&'static str, &'static str)>,
    requests: Family<Labels, Counter>,
    seconds: Vec<Histogram>,
    connections: Gauge,
    observed: [Gauge; 5],
}

impl Metrics {
    /// Counters for these routes.
    pub fn new(routes: &'static [Route]) -> Self {
        let mut encoder = Encoder::with_prefix("tidegate_registry");
        let requests = Family::default();
        let help =
            "Requests answered, by route and error code (the status where there is no error)";
        encoder.register("requests", help, requests.clone());
        let names: Vec<_> = routes.iter().map(|route| (method_name(route), route.path)).collect();
        let mut seconds = Vec::new();
        for (method, path) in names.iter().chain(&[(NO_ROUTE, NO_ROUTE)]) {
            let histogram = Histogram::new([
                0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                1.0, 5.0,
            ]);
            let labels = [("method".into(), (*method).into()), ("route".into(), (*path).into())];
            let help = "Time from a request's head to its answer";
            encoder.sub_registry_with_labels(labels.into_iter()).register_with_unit(
                "request_duration",
                help,
                Unit::Seconds,
                histogram.clone(),
            );
            seconds.push(histogram);
        }
        let connections = Gauge::default();
        encoder.register("connections_open", "Connections open", connections.clone());
        let observed: [Gauge; 5] = Default::default();
        let names_of_observed = [
            ("subjects", "Subjects with a version that is not deleted"),
            ("versions", "Versions that are not deleted"),
            ("schemas", "Schemas that have an id"),
            ("skipped_records", "Records of _schemas that could not be read"),
            ("cache_bytes", "Bytes of the texts whose schemas are held parsed"),
        ];
        for ((name, help), gauge) in names_of_observed.into_iter().zip(&observed) {
            encoder.register(name, help, gauge.clone());
        }
        Metrics { encoder, names, requests, seconds, connections, observed }
    }

    /// Counts an answered request. `route` is its index, or `None`.
    pub fn answered(&self, route: Option<usize>, code: u32, took: Duration) {
        let (method, path) = route.map_or((NO_ROUTE, NO_ROUTE), |index| self.names[index]);
        self.requests.get_or_create(&Labels { method, route: path, code }).inc();
        self.seconds[route.unwrap_or(self.names.len())].observe(took.as_secs_f64());
    }

    /// Counts a connection until the guard is dropped.
    pub fn connection_opened(&self) -> ConnectionGuard {
        self.connections.inc();
        ConnectionGuard(self.connections.clone())
    }

    /// The metrics as text, without the line that ends a document.
    pub fn render(&self, counts: Counts) -> String {
        let Counts { subjects, versions, schemas, skipped_records, cache_bytes } = counts;
        let values = [subjects, versions, schemas, skipped_records, cache_bytes];
        for (gauge, value) in self.observed.iter().zip(values) {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        encode_registry(&mut text, &self.encoder).expect("writing to a string cannot fail");
        text
    }
}

/// Counts its connection as open while it lives.
pub struct ConnectionGuard(Gauge);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.dec();
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

    #[test]
    fn requests_are_counted_by_route_and_code() {
        let metrics = Metrics::new(ROUTES);
        let types = ROUTES.iter().position(|route| route.path == "/schemas/types");
        metrics.answered(types, 200, Duration::from_millis(2));
        metrics.answered(types, 40401, Duration::from_millis(2));
        metrics.answered(None, 404, Duration::from_millis(2));
        let text = metrics.render(Counts { subjects: 3, ..Counts::default() });
        for line in [
            "tidegate_registry_requests_total{method=\"GET\",route=\"/schemas/types\",code=\"200\"} 1\n",
            "tidegate_registry_requests_total{method=\"GET\",route=\"/schemas/types\",code=\"40401\"} 1\n",
            "tidegate_registry_requests_total{method=\"none\",route=\"none\",code=\"404\"} 1\n",
            "tidegate_registry_request_duration_seconds_count{method=\"GET\",route=\"/schemas/types\"} 2\n",
            "tidegate_registry_subjects 3\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(!text.contains("# EOF"), "others may follow");
    }
}
