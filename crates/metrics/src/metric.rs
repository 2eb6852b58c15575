//! What a metric is called and means.

/// How a metric's values behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rises, and begins at 0 with the process.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts by upper bound, with sum and count.
    Histogram,
    /// Always 1: its labels tell.
    Info,
}

impl Kind {
    /// The word of Prometheus' text formats.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge | Kind::Info => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// One metric: an entry of the table that is served and documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name as Prometheus stores it; a histogram's gets `_bucket`, `_sum` and `_count` behind it.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// The labels, in the order in which values are given.
    pub labels: &'static [&'static str],
    /// What it means, as a phrase without a full stop.
    pub help: &'static str,
}

impl Metric {
    /// A counter, whose name ends with `_total`.
    pub const fn counter(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Metric { name, kind: Kind::Counter, labels, help }
    }

    /// A gauge.
    pub const fn gauge(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Metric { name, kind: Kind::Gauge, labels, help }
    }

    /// A histogram.
    pub const fn histogram(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Metric { name, kind: Kind::Histogram, labels, help }
    }

    /// A constant 1 with labels.
    pub const fn info(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Metric { name, kind: Kind::Info, labels, help }
    }

    /// The unit that the name ends with, as Prometheus wants it; `None` for plain numbers.
    pub fn unit(&self) -> Option<&'static str> {
        let base = self.name.strip_suffix("_total").unwrap_or(self.name);
        ["seconds", "bytes"]
            .into_iter()
            .find(|unit| base.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')))
    }
}
