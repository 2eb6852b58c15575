//! The table of metrics. Documents and boards are made from it.

/// What a metric is to Prometheus.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts by upper bound, with `_bucket`, `_sum` and `_count`.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What it is to Prometheus.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// Every metric of a load test.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "tidegate_load_info",
        kind: Kind::Gauge,
        labels: &["preset", "client", "version"],
        help: "Always 1; its labels tell what is run.",
    },
    Metric {
        name: "tidegate_load_phase",
        kind: Kind::Gauge,
        labels: &["phase"],
        help: "Always 1; its label is the phase that goes on, such as produce, drain or read.",
    },
    of(
        "tidegate_load_planned_records_per_second",
        Kind::Gauge,
        "Records per second that the plan offers, of all producers; 0 for as many as go.",
    ),
    of(
        "tidegate_load_offered_records_total",
        Kind::Counter,
        "Records whose time to be sent has come.",
    ),
    of(
        "tidegate_load_acknowledged_records_total",
        Kind::Counter,
        "Records that the target acknowledged.",
    ),
    of("tidegate_load_failed_records_total", Kind::Counter, "Records that the client gave up."),
    of(
        "tidegate_load_consumed_records_total",
        Kind::Counter,
        "Records that consumers received, of all groups together.",
    ),
    of(
        "tidegate_load_acknowledged_bytes_total",
        Kind::Counter,
        "Bytes of keys, values and headers of acknowledged records.",
    ),
    of(
        "tidegate_load_consumed_bytes_total",
        Kind::Counter,
        "Bytes of keys, values and headers of consumed records.",
    ),
    of(
        "tidegate_load_outstanding_records",
        Kind::Gauge,
        "Records that are due and not acknowledged yet: what waits to be sent and what is on its way.",
    ),
    of(
        "tidegate_load_lag_records",
        Kind::Gauge,
        "Records that the groups have not committed, as the broker tells it. Absent until it has told.",
    ),
    of(
        "tidegate_load_faults_total",
        Kind::Counter,
        "Faults in the data that the judge has found while the run lasts.",
    ),
    of("tidegate_load_errors_total", Kind::Counter, "Errors that clients reported."),
    of("tidegate_load_rebalances_total", Kind::Counter, "Rebalances that consumers saw."),
    of(
        "tidegate_load_ack_latency_seconds",
        Kind::Histogram,
        "From when a record should have been sent until it was acknowledged.",
    ),
    of(
        "tidegate_load_end_to_end_latency_seconds",
        Kind::Histogram,
        "From when a record should have been sent until the application of a consumer had it.",
    ),
    of("tidegate_load_cpu_seconds_total", Kind::Counter, "Processor time that the load test used."),
    of("tidegate_load_resident_memory_bytes", Kind::Gauge, "Memory that the load test holds."),
];

const fn of(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    Metric { name, kind, labels: &[], help }
}

impl Kind {
    /// As Prometheus calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}
