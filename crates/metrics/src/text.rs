//! The two text formats of Prometheus, which differ in headers only.

use crate::atomic::{Counter, Gauge, Histogram, Snapshot};
use crate::metric::{Kind, Metric};
use std::fmt::Write;

/// How a scraper wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own, version 0.0.4: what a browser, curl and promtool get.
    Plain,
    /// OpenMetrics 1.0: what Prometheus asks for.
    OpenMetrics,
}

impl Format {
    /// The one that an `Accept` header asks for.
    pub fn accepted(header: Option<&str>) -> Self {
        match header {
            Some(header) if header.contains("application/openmetrics-text") => Format::OpenMetrics,
            _ => Format::Plain,
        }
    }

    /// The answer's `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A document under construction. All values of a metric are written one after the other.
#[derive(Debug)]
pub struct Text {
    format: Format,
    text: String,
    begun: Vec<&'static str>,
}

impl Text {
    /// An empty document.
    pub fn new(format: Format) -> Self {
        Text { format, text: String::new(), begun: Vec::new() }
    }

    /// Begins a metric, so that it is named even if it has no value yet.
    pub fn begin(&mut self, metric: &Metric) {
        if self.begun.last() == Some(&metric.name) {
            return;
        }
        assert!(!self.begun.contains(&metric.name), "{} is in two places", metric.name);
        self.begun.push(metric.name);
        // OpenMetrics names a counter's family without the ending of its values.
        let family = match (self.format, metric.kind) {
            (Format::OpenMetrics, Kind::Counter) => {
                metric.name.strip_suffix("_total").unwrap_or(metric.name)
            }
            _ => metric.name,
        };
        self.line(format_args!("# HELP {family} {}.", metric.help));
        self.line(format_args!("# TYPE {family} {}", metric.kind.word()));
        if let (Format::OpenMetrics, Some(unit)) = (self.format, metric.unit()) {
            self.line(format_args!("# UNIT {family} {unit}"));
        }
    }

    /// Writes one value.
    pub fn value(&mut self, metric: &Metric, labels: &[&str], value: impl Into<f64>) {
        self.begin(metric);
        self.text.push_str(metric.name);
        self.labels(metric, labels, None);
        let value: f64 = value.into();
        self.line(format_args!(" {value}"));
    }

    /// Writes a whole number, which may be larger than a float holds exactly.
    pub fn count(&mut self, metric: &Metric, labels: &[&str], count: u64) {
        self.begin(metric);
        self.text.push_str(metric.name);
        self.labels(metric, labels, None);
        self.line(format_args!(" {count}"));
    }

    /// Writes a counter.
    pub fn counter(&mut self, metric: &Metric, labels: &[&str], counter: &Counter) {
        self.count(metric, labels, counter.get());
    }

    /// Writes a gauge.
    pub fn gauge(&mut self, metric: &Metric, labels: &[&str], gauge: &Gauge) {
        self.value(metric, labels, gauge.get() as f64);
    }

    /// Writes a histogram.
    pub fn histogram(&mut self, metric: &Metric, labels: &[&str], histogram: &Histogram) {
        self.snapshot(metric, labels, &histogram.snapshot());
    }

    /// Writes a histogram as it was when it was looked at.
    pub fn snapshot(&mut self, metric: &Metric, labels: &[&str], snapshot: &Snapshot) {
        self.begin(metric);
        for (bound, count) in &snapshot.buckets {
            let bound = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
            self.text.push_str(metric.name);
            self.text.push_str("_bucket");
            self.labels(metric, labels, Some(&bound));
            self.line(format_args!(" {count}"));
        }
        let parts = [("_sum", snapshot.sum), ("_count", snapshot.count() as f64)];
        for (ending, value) in parts {
            self.text.push_str(metric.name);
            self.text.push_str(ending);
            self.labels(metric, labels, None);
            self.line(format_args!(" {value}"));
        }
    }

    /// The document as it is sent.
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    /// The names begun so far, in order.
    pub fn names(&self) -> &[&'static str] {
        &self.begun
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.text.write_fmt(line).expect("a string takes all writes");
        self.text.push('\n');
    }

    fn labels(&mut self, metric: &Metric, values: &[&str], le: Option<&str>) {
        assert_eq!(metric.labels.len(), values.len(), "{}'s labels each have a value", metric.name);
        let named = metric.labels.iter().copied().zip(values.iter().copied());
        let mut separator = '{';
        for (name, value) in named.chain(le.map(|bound| ("le", bound))) {
            self.text.push(separator);
            separator = ',';
            self.text.push_str(name);
            self.text.push_str("=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        if separator == ',' {
            self.text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Metric = Metric::counter("x_sent_bytes_total", &["to"], "Bytes sent");
    const TIME: Metric = Metric::histogram("x_seconds", &[], "Time taken");

    fn document(format: Format) -> String {
        let mut text = Text::new(format);
        text.count(&SENT, &["a\\\"\n"], 3);
        text.count(&SENT, &["b"], u64::MAX);
        let histogram = Histogram::new(crate::Unit::Nanos, &[1_000_000]);
        histogram.record(500_000);
        text.histogram(&TIME, &[], &histogram);
        text.finish()
    }

    #[test]
    fn prometheus_own_format_is_headers_and_values() {
        let wanted = "# HELP x_sent_bytes_total Bytes sent.\n\
            # TYPE x_sent_bytes_total counter\n\
            x_sent_bytes_total{to=\"a\\\\\\\"\\n\"} 3\n\
            x_sent_bytes_total{to=\"b\"} 18446744073709551615\n\
            # HELP x_seconds Time taken.\n\
            # TYPE x_seconds histogram\n\
            x_seconds_bucket{le=\"0.001\"} 1\n\
            x_seconds_bucket{le=\"+Inf\"} 1\n\
            x_seconds_sum 0.0005\n\
            x_seconds_count 1\n";
        assert_eq!(document(Format::Plain), wanted);
    }

    #[test]
    fn openmetrics_names_families_and_units_and_ends() {
        let text = document(Format::OpenMetrics);
        assert!(text.starts_with("# HELP x_sent_bytes Bytes sent.\n"), "{text}");
        assert!(text.contains("# UNIT x_sent_bytes bytes\nx_sent_bytes_total{"), "{text}");
        assert!(text.ends_with("x_seconds_count 1\n# EOF\n"), "{text}");
    }

    #[test]
    fn the_format_is_the_one_asked_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3";
        assert_eq!(Format::accepted(Some(prometheus)), Format::OpenMetrics);
        assert_eq!(Format::accepted(Some("*/*")), Format::Plain);
        assert_eq!(Format::accepted(None), Format::Plain);
    }
}
