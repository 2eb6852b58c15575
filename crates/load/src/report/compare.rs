//! Two reports side by side: what the second one has in relation to the first.

use super::files::{ReportProblem, read};
use super::model::Report;
use super::summary::{one_line, verdict_word};
use super::time::iso_time;
use crate::human::{bytes, grouped, latency, number};
use crate::judge::FaultKind;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// Two reports and what differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The first.
    pub a: Side,
    /// The second.
    pub b: Side,
    /// Settings in which the plans differ.
    pub plan_differences: Vec<Difference>,
    /// What was measured in both.
    pub measures: Vec<Measure>,
}

/// One of the reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Its file, as it was given.
    pub file: String,
    /// When its run began, in milliseconds since 1970.
    pub started_ms: i64,
    /// What was tested.
    pub target: String,
    /// How the run ended.
    pub exit_code: u8,
    /// Why.
    pub reason: String,
}

/// A setting that is not the same in both plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its name.
    pub setting: String,
    /// In the first; `null` where it is not there.
    pub a: serde_json::Value,
    /// In the second.
    pub b: serde_json::Value,
}

/// One figure of both reports.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// What was measured, with its unit at the end.
    pub name: String,
    /// In the first; `null` where it was not measured.
    pub a: Option<f64>,
    /// In the second.
    pub b: Option<f64>,
    /// `b / a`; `null` where one is not there or `a` is 0.
    pub ratio: Option<f64>,
}

/// Reads two JSON reports and gives the comparison as text, or as JSON.
pub fn compare(a: &Path, b: &Path, json: bool) -> Result<String, ReportProblem> {
    let comparison = Comparison::of((a, &read(a)?), (b, &read(b)?));
    if !json {
        return Ok(comparison.text());
    }
    let text = serde_json::to_string_pretty(&comparison)
        .map_err(|error| ReportProblem(format!("The comparison has no JSON form: {error}.")))?;
    Ok(format!("{text}\n"))
}

impl Comparison {
    /// Compares two reports, each with the name of its file.
    pub fn of(a: (&Path, &Report), b: (&Path, &Report)) -> Self {
        let mut names: Vec<String> = Vec::new();
        let (of_a, of_b) = (figures(a.1), figures(b.1));
        for name in of_a.iter().chain(&of_b).map(|(name, _)| name) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let find = |figures: &[(String, Option<f64>)], name: &str| {
            figures.iter().find(|(own, _)| own == name).and_then(|(_, value)| *value)
        };
        let measures = names.into_iter().map(|name| {
            let (a, b) = (find(&of_a, &name), find(&of_b, &name));
            let ratio = match (a, b) {
                (Some(a), Some(b)) if a > 0.0 => Some(b / a),
                _ => None,
            };
            Measure { name, a, b, ratio }
        });
        let measures = measures.filter(|measure| measure.a.is_some() || measure.b.is_some());
        Self {
            a: Side::of(a.0, a.1),
            b: Side::of(b.0, b.1),
            plan_differences: differences(&a.1.plan, &b.1.plan),
            measures: measures.collect(),
        }
    }

    /// The comparison for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (letter, side) in [("A", &self.a), ("B", &self.b)] {
            let word = verdict_word(side.exit_code);
            let _ = writeln!(
                text,
                "{letter}  {}, {}, {}\n   {word}: {}",
                side.file,
                side.target,
                iso_time(side.started_ms),
                one_line(&side.reason)
            );
        }
        if self.plan_differences.is_empty() {
            text.push_str("\nThe plans are the same.\n");
        } else {
            text.push_str("\nThe plans differ, so figures may not be comparable:\n");
            for difference in &self.plan_differences {
                let Difference { setting, a, b } = difference;
                let _ =
                    writeln!(text, "  {setting:<20} A {}   B {}", setting_text(a), setting_text(b));
            }
        }
        let _ = writeln!(text, "\n{:<28} {:>14} {:>14} {:>8}", "", "A", "B", "B / A");
        for measure in &self.measures {
            let (name, show) = shown(&measure.name);
            let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), show);
            let ratio = measure.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            let _ = writeln!(
                text,
                "{name:<28} {:>14} {:>14} {ratio:>8}",
                cell(measure.a),
                cell(measure.b)
            );
        }
        let lines: Vec<String> =
            text.lines().map(|line| one_line(line).trim_end().to_owned()).collect();
        format!("{}\n", lines.join("\n"))
    }
}

impl Side {
    fn of(path: &Path, report: &Report) -> Self {
        Self {
            file: path.display().to_string(),
            started_ms: report.started_ms,
            target: report.target.bootstrap.clone(),
            exit_code: report.exit_code,
            reason: report.reason.clone(),
        }
    }
}

/// Settings that name a place, not work: runs against two targets are what one compares.
const PLACES: &[&str] = &["bootstrap", "registry", "topic_prefix", "group_prefix", "preset"];

fn differences(
    a: &BTreeMap<String, serde_json::Value>,
    b: &BTreeMap<String, serde_json::Value>,
) -> Vec<Difference> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let value = |plan: &BTreeMap<String, serde_json::Value>, name: &str| {
        plan.get(name).cloned().unwrap_or_default()
    };
    names
        .into_iter()
        .filter(|name| !PLACES.contains(&name.as_str()))
        .map(|name| Difference { setting: name.clone(), a: value(a, name), b: value(b, name) })
        .filter(|difference| difference.a != difference.b)
        .collect()
}

/// What is compared, by name. `None` where it was not measured.
fn figures(report: &Report) -> Vec<(String, Option<f64>)> {
    let totals = &report.totals;
    let mut all: Vec<(String, Option<f64>)> = Vec::new();
    let mut add = |name: &str, value: Option<f64>| all.push((name.to_owned(), value));
    add("offered_per_s", Some(totals.offered_per_second()));
    add("acknowledged_per_s", Some(totals.acknowledged_per_second()));
    add("acknowledged_bytes_per_s", Some(totals.acknowledged_bytes_per_second()));
    add("consumed_per_s", Some(totals.consumed_per_second()));
    add("consumed_bytes_per_s", Some(totals.consumed_bytes_per_second()));
    for (place, of) in [("ack", &report.ack_latency), ("end_to_end", &report.end_to_end_latency)] {
        for (name, us) in super::summary::percentiles(of) {
            let name = format!("{place}_{}_us", name.replace('.', "_"));
            add(&name, (of.count > 0).then_some(us as f64));
        }
    }
    add("lag_max", totals.lag_max.map(|lag| lag as f64));
    add("lag_end", totals.lag_end.map(|lag| lag as f64));
    add("load_cpus", Some(report.usage.cpus));
    add("load_rss_bytes", Some(report.usage.rss_bytes_max as f64));
    let target = report.target_usage.as_ref();
    add("target_cpus", target.map(|usage| usage.cpus));
    add("target_rss_bytes", target.map(|usage| usage.rss_bytes_max as f64));
    add("failed", Some(totals.failed as f64));
    add("errors", Some(report.errors.iter().map(|error| error.count as f64).sum()));
    add("rebalances", Some(totals.rebalances as f64));
    let faults = &report.verdict.faults;
    add("faults", Some(faults.iter().map(|fault| fault.count as f64).sum()));
    for kind in FaultKind::ALL {
        if let Some(fault) = faults.iter().find(|fault| fault.kind == *kind) {
            add(&format!("faults_{}", kind.name()), Some(fault.count as f64));
        }
    }
    all
}

/// The name for people, and how the value is shown: by the unit that the name ends in.
fn shown(name: &str) -> (String, fn(f64) -> String) {
    type Show = fn(f64) -> String;
    let units: [(&str, Show); 5] = [
        ("_bytes_per_s", |value| format!("{}/s", bytes(value))),
        ("_per_s", |value| format!("{}/s", number(value))),
        ("_us", |value| latency(value as u64)),
        ("_bytes", bytes),
        ("_cpus", number),
    ];
    for (unit, show) in units {
        if let Some(stem) = name.strip_suffix(unit) {
            let kept = match unit {
                "_cpus" => " processors",
                "_bytes" => " at most",
                _ => "",
            };
            return (format!("{}{kept}", words(stem)), show);
        }
    }
    (words(name), |value| grouped(value as u64))
}

/// `end to end p99.9` from `end_to_end_p99_9`.
fn words(name: &str) -> String {
    name.replace("p99_99", "p99.99")
        .replace("p99_9", "p99.9")
        .replace("rss", "memory")
        .replace('_', " ")
}

fn setting_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_golden, busy_report};
    use super::*;
    use crate::plan::Plan;
    use crate::report::{Totals, plan_record};

    fn two() -> Comparison {
        let (a, mut b) = (busy_report(), busy_report());
        b.totals = Totals { acknowledged: b.totals.acknowledged / 2, lag_max: None, ..b.totals };
        b.verdict.faults.truncate(1);
        b.verdict.faults[0].count = 176;
        b.target_usage = None;
        b.target.bootstrap = "other:9092".into();
        b.plan.insert("bootstrap".into(), "other:9092".into());
        b.plan.insert("acks".into(), "1".into());
        b.conclude();
        Comparison::of((Path::new("a.json"), &a), (Path::new("b.json"), &b))
    }

    fn measure<'a>(comparison: &'a Comparison, name: &str) -> &'a Measure {
        let found = comparison.measures.iter().find(|measure| measure.name == name);
        found.unwrap_or_else(|| panic!("no measure {name}"))
    }

    #[test]
    fn ratios_are_of_the_second_to_the_first() {
        let comparison = two();
        let rate = measure(&comparison, "acknowledged_per_s");
        assert!((rate.ratio.expect("both have it") - 0.5).abs() < 1e-3, "{rate:?}");
        assert_eq!(measure(&comparison, "faults_lost").ratio, Some(2.0));
        let gone = measure(&comparison, "faults_delivered_again");
        assert_eq!((gone.a, gone.b, gone.ratio), (Some(1.0), None, None));
        assert_eq!(measure(&comparison, "target_cpus").b, None);
        assert_golden("compare.txt", &comparison.text());
    }

    #[test]
    fn plans_that_differ_are_told_with_what_and_another_address_is_no_difference() {
        let differences = two().plan_differences;
        assert_eq!(differences.len(), 1, "{differences:?}");
        assert_eq!(differences[0].setting, "acks");
        assert_eq!((&differences[0].a, &differences[0].b), (&"all".into(), &"1".into()));
    }

    #[test]
    fn empty_reports_compare_without_a_ratio() {
        let report = Report {
            plan: plan_record(&Plan::preset("quick").expect("it is a preset")),
            ..Report::default()
        };
        let path = Path::new("a.json");
        let comparison = Comparison::of((path, &report), (path, &report));
        assert!(comparison.measures.iter().all(|measure| measure.ratio.is_none()));
        assert!(comparison.text().contains("The plans are the same."));
    }
}
