//! docs/metrics.md is written from the tables of metrics in the code. This test holds the file to
//! them, and writes it anew with `make metrics-manual`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use tidegate_metrics::{Kind, Metric};

/// With this variable set, the test writes the tables instead of comparing them.
const UPDATE: &str = "TIDEGATE_UPDATE_MANUAL";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md")
}

fn kind(metric: &Metric) -> &'static str {
    match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
        Kind::Info => "info",
    }
}

fn table(metrics: &[Metric]) -> String {
    let mut table = "| Name | Type | Labels | Unit | Meaning |\n|---|---|---|---|---|\n".to_owned();
    for metric in metrics {
        let Metric { name, labels, help, .. } = metric;
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let (kind, labels) = (kind(metric), labels.join(", "));
        let unit = metric.unit().unwrap_or("");
        writeln!(table, "| `{name}` | {kind} | {labels} | {unit} | {help} |")
            .expect("a string takes all writes");
    }
    table
}

/// The load test knows nothing of the gateway's crates, so that its table is of a type of its own.
fn of_the_load_test() -> Vec<Metric> {
    use tidegate_load::metrics::{Kind as LoadKind, METRICS};
    let metric = |metric: &tidegate_load::metrics::Metric| Metric {
        name: metric.name,
        kind: match metric.kind {
            LoadKind::Counter => Kind::Counter,
            LoadKind::Gauge => Kind::Gauge,
            LoadKind::Histogram => Kind::Histogram,
        },
        labels: metric.labels,
        help: metric.help.trim_end_matches('.'),
    };
    METRICS.iter().map(metric).collect()
}

/// The manual with `table` between the marks of this name.
fn with_table(manual: &str, name: &str, table: &str) -> String {
    let begin = format!("<!-- generated: {name} -->\n");
    let (before, rest) = manual.split_once(&begin).expect("the manual has a mark for each table");
    let (_, after) = rest.split_once("<!-- end -->\n").expect("each table has an end");
    format!("{before}{begin}{table}<!-- end -->\n{after}")
}

#[test]
fn the_manual_has_every_metric_and_no_other() {
    let manual = std::fs::read_to_string(path()).expect("the manual is there");
    let gateway = [tidegate_server::metrics::METRICS, crate::log_lines::METRICS].concat();
    let with_gateway = with_table(&manual, "gateway", &table(&gateway));
    let with_registry = with_table(&with_gateway, "registry", &table(tidegate_registry::METRICS));
    let wanted = with_table(&with_registry, "load", &table(&of_the_load_test()));
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path(), wanted).expect("the manual can be written");
        return;
    }
    assert!(
        manual == wanted,
        "docs/metrics.md is not what the code says; `make metrics-manual` writes it"
    );
}

#[test]
fn names_end_with_their_units_and_counters_with_total() {
    let all =
        [tidegate_server::metrics::METRICS, crate::log_lines::METRICS, tidegate_registry::METRICS];
    for metric in all.concat() {
        let is_counter = metric.kind == Kind::Counter;
        assert_eq!(metric.name.ends_with("_total"), is_counter, "{}", metric.name);
        assert!(!metric.help.ends_with('.') && !metric.help.contains('|'), "{}", metric.name);
        let is_ours = metric.name.starts_with("tidegate_") || metric.name.starts_with("process_");
        assert!(is_ours, "{}", metric.name);
    }
}
