//! The tables of the page: latencies, totals, what happened, and what was run where.

use super::super::model::Report;
use super::super::summary::{error_line, group_line, percentiles};
use super::super::{Latency, Usage};
use super::escaped;
use crate::human::{bytes, clock, counted, duration, grouped, latency, number};
use std::fmt::Write as _;
use std::time::Duration;

/// What was measured and what happened.
pub(super) fn all(report: &Report, page: &mut String) {
    if !report.expectations.is_empty() {
        let rows = report.expectations.iter().map(|outcome| {
            let met = if outcome.met { "met" } else { "missed" };
            vec![outcome.expected.clone(), outcome.found.clone(), met.to_owned()]
        });
        table("Expected", &["expected", "measured", ""], rows.collect(), page);
    }
    latencies(report, page);
    table("Records", &["", "in all", "per second", "bytes per second"], totals(report), page);
    let schemas = report.schemas.iter().flat_map(|check| {
        let found = format!("{} of {} found", check.found, check.of);
        let first = vec![check.when.clone(), found];
        let rest = check.problems.iter().map(|problem| vec![String::new(), problem.clone()]);
        std::iter::once(first).chain(rest)
    });
    table("Schemas", &["when", ""], schemas.collect(), page);
    let mut happened: Vec<Vec<String>> =
        report.groups.iter().map(|group| vec!["group".to_owned(), group_line(group)]).collect();
    happened.extend(report.errors.iter().map(|e| vec!["error".to_owned(), error_line(e)]));
    for command in &report.commands {
        let ended = match command.exit_code {
            Some(code) => format!("exit code {code}"),
            None => "did not end by itself".to_owned(),
        };
        let at = clock(Duration::from_millis(command.at_ms));
        let text = format!("at {at}: {}, {ended} {}", command.command, command.output);
        happened.push(vec!["command".to_owned(), text]);
    }
    table("Groups, errors and commands", &["", ""], happened, page);
}

fn latencies(report: &Report, page: &mut String) {
    let row = |name: &str, of: &Latency| {
        let mut cells = vec![name.to_owned()];
        cells.extend(
            percentiles(of).map(|(_, us)| if of.count == 0 { "–".into() } else { latency(us) }),
        );
        cells
    };
    let mut names = vec![""];
    names.extend(percentiles(&report.ack_latency).map(|(name, _)| name));
    let rows = vec![
        row("acknowledged", &report.ack_latency),
        row("end to end", &report.end_to_end_latency),
    ];
    table("Latency", &names, rows, page);
}

fn totals(report: &Report) -> Vec<Vec<String>> {
    let totals = &report.totals;
    let rate = |value: f64| format!("{}/s", number(value));
    let volume = |value: f64| format!("{}/s", bytes(value));
    let row = |name: &str, count, per_s: String, bytes_per_s: String| {
        vec![name.to_owned(), grouped(count), per_s, bytes_per_s]
    };
    let told = |lag: Option<u64>| lag.map_or_else(|| "not told".to_owned(), grouped);
    vec![
        row("offered", totals.offered, rate(totals.offered_per_second()), String::new()),
        row(
            "acknowledged",
            totals.acknowledged,
            rate(totals.acknowledged_per_second()),
            volume(totals.acknowledged_bytes_per_second()),
        ),
        row("failed", totals.failed, String::new(), String::new()),
        row(
            "consumed",
            totals.consumed,
            rate(totals.consumed_per_second()),
            volume(totals.consumed_bytes_per_second()),
        ),
        row("read back", totals.read_back, String::new(), String::new()),
        vec!["highest lag".into(), told(totals.lag_max), String::new(), String::new()],
        vec!["lag at the end".into(), told(totals.lag_end), String::new(), String::new()],
    ]
}

/// What was run, where, and on what.
pub(super) fn surroundings(report: &Report, page: &mut String) {
    let phases = report.phases.iter().map(|phase| {
        let at = clock(Duration::from_millis(phase.at_ms));
        let took = duration(Duration::from_millis(phase.took_ms));
        vec![phase.name.clone(), at, took, phase.note.clone()]
    });
    table("Phases", &["phase", "began at", "took", ""], phases.collect(), page);

    let used = |usage: &Usage| {
        format!("{} processors, at most {}", number(usage.cpus), bytes(usage.rss_bytes_max as f64))
    };
    let (target, machine) = (&report.target, &report.machine);
    let brokers: Vec<String> =
        target.brokers.iter().map(|b| format!("{} at {}", b.id, b.address)).collect();
    let mut rows: Vec<(&str, String)> = vec![
        ("bootstrap", target.bootstrap.clone()),
        ("cluster", target.cluster_id.clone().unwrap_or_default()),
        ("brokers", brokers.join(", ")),
        ("software", target.software.clone().unwrap_or_default()),
        ("registry", target.registry.clone().unwrap_or_default()),
        ("client", target.client.clone()),
        ("run", report.run.clone()),
        ("load test used", used(&report.usage)),
        ("target used", report.target_usage.as_ref().map(used).unwrap_or_default()),
    ];
    if machine.cores > 0 {
        rows.push(("processors", format!("{} {}", machine.cores, machine.processor)));
        rows.push(("memory", bytes(machine.memory_bytes as f64)));
        rows.push(("system", machine.system.clone()));
    }
    let rows = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![name.to_owned(), value]);
    table("Target and machine", &["", ""], rows.collect(), page);

    let settings: Vec<Vec<String>> =
        report.plan.iter().map(|(name, value)| vec![name.clone(), setting(value)]).collect();
    if !settings.is_empty() {
        let title = format!(
            "<details><summary>The plan: {}</summary>\n",
            counted(settings.len() as u64, "setting")
        );
        page.push_str(&title);
        table("Plan", &["setting", "value"], settings, page);
        page.push_str("</details>\n");
    }
}

fn setting(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

/// A table, or nothing without rows. The first cell of a row is its head.
fn table(title: &str, names: &[&str], rows: Vec<Vec<String>>, page: &mut String) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(page, "<section>\n<h2>{title}</h2>\n<div class=\"scroll\"><table>");
    if names.iter().any(|name| !name.is_empty()) {
        let cells: Vec<String> =
            names.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
        let _ = writeln!(page, "<thead><tr>{}</tr></thead>", cells.concat());
    }
    page.push_str("<tbody>\n");
    for row in rows {
        let mut cells = row.iter().map(|cell| escaped(cell));
        let first = cells.next().unwrap_or_default();
        let _ = write!(page, "<tr><th scope=\"row\">{first}</th>");
        for cell in cells {
            let _ = write!(page, "<td>{cell}</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n</section>\n");
}
