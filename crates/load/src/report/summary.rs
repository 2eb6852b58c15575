//! The summary that is printed when a run ends: plain text that can be pasted, the verdict first.

use super::advice::advice;
use super::model::{ErrorCount, Group, Report};
use crate::human::{bytes, clock, counted, duration, grouped, latency, number};
use crate::judge::{Example, Fault};
use crate::report::Latency;
use std::fmt::Write as _;
use std::time::Duration;

/// How many examples of a fault are shown. The report has more.
const EXAMPLES_SHOWN: usize = 3;
/// How many errors and commands are shown.
const ROWS_SHOWN: usize = 10;
/// How many characters of a program's words are shown.
const WORDS_SHOWN: usize = 160;

/// The report as text. With `color` the verdict has one.
pub fn summary(report: &Report, color: bool) -> String {
    let mut text = String::new();
    head(report, &mut text);
    faults(report, &mut text);
    expectations(report, &mut text);
    latencies(report, &mut text);
    counts(report, &mut text);
    groups(report, &mut text);
    events(report, &mut text);
    surroundings(report, &mut text);
    list("Not checked or worth knowing", &report.verdict.notes, &mut text);
    list("Notes", &report.notes, &mut text);
    list("Advice", &advice(report), &mut text);
    // Cells are padded; at the end of a line that would only be in the way of whoever pastes it.
    let lines: Vec<String> =
        text.lines().map(|line| one_line(line).trim_end().to_owned()).collect();
    let text = format!("{}\n", lines.join("\n"));
    if color { colored(&text, report.exit_code) } else { text }
}

/// `text` with its first words, the verdict, in the verdict's colour.
fn colored(text: &str, exit_code: u8) -> String {
    let code = match exit_code {
        0 => "1;32",
        1 | 2 => "1;31",
        _ => "1;33",
    };
    let word = verdict_word(exit_code);
    let rest = text.strip_prefix(word).unwrap_or(text);
    format!("\x1b[{code}m{word}\x1b[0m{rest}")
}

/// How the verdict is called.
pub(super) fn verdict_word(exit_code: u8) -> &'static str {
    match exit_code {
        0 => "PASSED",
        1 => "DATA FAULT",
        2 => "NOT USABLE",
        _ => "MISSED",
    }
}

fn head(report: &Report, text: &mut String) {
    let word = verdict_word(report.exit_code);
    let _ = writeln!(text, "{word}  {}", one_line(&report.reason));
    if !report.plan_line.is_empty() {
        row(text, "Plan", &report.plan_line);
    }
    let mut target = vec![report.target.bootstrap.clone()];
    target.extend(report.target.software.clone());
    target.extend(report.target.registry.as_ref().map(|registry| format!("registry {registry}")));
    row(text, "Target", &target.join(", "));
    let mut took = duration(Duration::from_millis(report.took_ms));
    if report.interrupted {
        took.push_str(", stopped by hand before its time");
    }
    row(text, "Took", &took);
    for check in &report.schemas {
        row(text, "Schemas", &format!("{} of {} found, {}", check.found, check.of, check.when));
        check.problems.iter().for_each(|problem| row(text, "", problem));
    }
}

fn faults(report: &Report, text: &mut String) {
    if report.verdict.faults.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nFaults");
    for fault in &report.verdict.faults {
        let at_least = if fault.at_least { "at least " } else { "" };
        let name = fault.kind.name().replace('_', " ");
        let count = format!("{at_least}{}", grouped(fault.count));
        let _ = writeln!(text, "  {name:<18} {count:>10}  {}", fault.kind.meaning());
        for example in fault.examples.iter().take(EXAMPLES_SHOWN) {
            let _ = writeln!(text, "      {}", example_line(report, example));
        }
        more(text, fault);
    }
}

fn more(text: &mut String, fault: &Fault) {
    let shown = fault.examples.len().min(EXAMPLES_SHOWN) as u64;
    if shown > 0 && fault.count > shown {
        let _ = writeln!(text, "      and {} more", grouped(fault.count - shown));
    }
}

/// `loadtest-topic-0 [2] at 17, record 41 of producer 0: expected X, found Y`.
pub(super) fn example_line(report: &Report, example: &Example) -> String {
    let mut place = Vec::new();
    if let Some(topic) = &example.topic {
        let partition = example.partition.map_or_else(String::new, |p| format!(" [{p}]"));
        let offset = example.offset.map_or_else(String::new, |offset| format!(" at {offset}"));
        place.push(format!("{topic}{partition}{offset}"));
    }
    if let (Some(producer), Some(counter)) = (example.producer, example.counter) {
        place.push(format!("record {counter} of producer {producer}"));
    }
    if let Some(group) = example.group {
        let name = report.groups.get(group as usize).map(|group| group.group.clone());
        place.push(name.unwrap_or_else(|| format!("group {group}")));
    }
    let what = match (example.expected.as_str(), example.found.as_str()) {
        ("", "") => String::new(),
        ("", found) => format!(": found {found}"),
        (expected, "") => format!(": expected {expected}"),
        (expected, found) => format!(": expected {expected}, found {found}"),
    };
    shortened(&format!("{}{what}", place.join(", ")))
}

fn expectations(report: &Report, text: &mut String) {
    for (index, outcome) in report.expectations.iter().enumerate() {
        if index == 0 {
            text.push('\n');
        }
        let title = if index == 0 { "Expected" } else { "" };
        let met = if outcome.met { "met" } else { "MISSED" };
        row(text, title, &format!("{:<24} {met:<7} {}", outcome.expected, outcome.found));
    }
}

fn latencies(report: &Report, text: &mut String) {
    let of =
        [("  acknowledged", &report.ack_latency), ("  end to end", &report.end_to_end_latency)];
    if of.iter().all(|(_, latency)| latency.count == 0) {
        return;
    }
    let _ = write!(text, "\n{:<15}", "Latency");
    for (name, _) in percentiles(&report.ack_latency) {
        let _ = write!(text, " {name:>9}");
    }
    text.push('\n');
    for (name, of) in of {
        let _ = write!(text, "{name:<15}");
        for (_, us) in percentiles(of) {
            let shown = if of.count == 0 { "-".to_owned() } else { latency(us) };
            let _ = write!(text, " {shown:>9}");
        }
        text.push('\n');
    }
}

/// The percentiles that are shown, with their names.
pub(super) fn percentiles(of: &Latency) -> [(&'static str, u64); 8] {
    [
        ("p50", of.p50_us),
        ("p75", of.p75_us),
        ("p90", of.p90_us),
        ("p95", of.p95_us),
        ("p99", of.p99_us),
        ("p99.9", of.p99_9_us),
        ("p99.99", of.p99_99_us),
        ("max", of.max_us),
    ]
}

fn counts(report: &Report, text: &mut String) {
    let totals = &report.totals;
    let _ = writeln!(text, "\n{:<15} {:>15} {:>13} {:>14}", "Records", "in all", "per second", "");
    let mut line = |name: &str, count: u64, per_s: Option<f64>, bytes_per_s: Option<f64>| {
        let per_s = per_s.map_or_else(String::new, |per_s| format!("{}/s", number(per_s)));
        let volume = bytes_per_s.map_or_else(String::new, |per_s| format!("{}/s", bytes(per_s)));
        let _ = writeln!(text, "  {name:<13} {:>15} {per_s:>13} {volume:>14}", grouped(count));
    };
    line("offered", totals.offered, Some(totals.offered_per_second()), None);
    line(
        "acknowledged",
        totals.acknowledged,
        Some(totals.acknowledged_per_second()),
        Some(totals.acknowledged_bytes_per_second()),
    );
    if totals.failed > 0 {
        line("failed", totals.failed, None, None);
    }
    if report.verdict.counts.unresolved > 0 {
        line("unanswered", report.verdict.counts.unresolved, None, None);
    }
    line(
        "consumed",
        totals.consumed,
        Some(totals.consumed_per_second()),
        Some(totals.consumed_bytes_per_second()),
    );
    line("read back", totals.read_back, None, None);
}

fn groups(report: &Report, text: &mut String) {
    text.push('\n');
    let totals = &report.totals;
    let told = |lag: Option<u64>| lag.map_or_else(|| "not told".to_owned(), grouped);
    let lag = format!("highest {}, at the end {}", told(totals.lag_max), told(totals.lag_end));
    row(text, "Lag", &lag);
    for group in &report.groups {
        row(text, "Group", &group_line(group));
    }
}

pub(super) fn group_line(group: &Group) -> String {
    let mut parts = vec![
        counted(group.members_max.into(), "member"),
        counted(group.consumed, "record"),
        counted(group.rebalances, "rebalance"),
    ];
    if group.redelivered > 0 {
        parts
            .push(format!("{} of them again, as at-least-once allows", grouped(group.redelivered)));
    }
    if let Some(lag @ 1..) = group.lag_end {
        parts.push(format!("lag {} at the end", grouped(lag)));
    }
    format!("{}: {}", group.group, parts.join(", "))
}

fn events(report: &Report, text: &mut String) {
    for error in report.errors.iter().take(ROWS_SHOWN) {
        row(text, "Error", &error_line(error));
    }
    if report.errors.len() > ROWS_SHOWN {
        row(text, "", &format!("and {} other kinds", report.errors.len() - ROWS_SHOWN));
    }
    for command in report.commands.iter().take(ROWS_SHOWN) {
        let at = clock(Duration::from_millis(command.at_ms));
        let ended = match command.exit_code {
            Some(0) => String::new(),
            Some(code) => format!(", exit code {code}: {}", command.output.trim()),
            None => ", did not end by itself".to_owned(),
        };
        row(text, "Command", &shortened(&format!("at {at}: {}{ended}", command.command)));
    }
    if report.commands.len() > ROWS_SHOWN {
        row(text, "", &format!("and {} others", report.commands.len() - ROWS_SHOWN));
    }
}

pub(super) fn error_line(error: &ErrorCount) -> String {
    let first = clock(Duration::from_millis(error.first_ms));
    let last = clock(Duration::from_millis(error.last_ms));
    let when =
        if first == last { format!("at {first}") } else { format!("from {first} to {last}") };
    let message =
        if error.message.is_empty() { String::new() } else { format!(": {}", error.message) };
    shortened(&format!(
        "{} {} x {}, {when}{message}",
        error.place,
        error.code,
        grouped(error.count)
    ))
}

fn surroundings(report: &Report, text: &mut String) {
    let usage = |usage: &super::Usage| {
        format!("{} processors, {}", number(usage.cpus), bytes(usage.rss_bytes_max as f64))
    };
    let mut used = format!("load test {}", usage(&report.usage));
    if let Some(of_target) = &report.target_usage {
        used = format!("{used}; target {}", usage(of_target));
    }
    row(text, "Used", &used);
    let machine = &report.machine;
    if machine.cores > 0 {
        let mut parts = vec![counted(machine.cores.into(), "processor")];
        if !machine.processor.is_empty() {
            parts[0] = format!("{} ({})", parts[0], machine.processor);
        }
        if machine.memory_bytes > 0 {
            parts.push(bytes(machine.memory_bytes as f64));
        }
        parts.push(machine.system.clone());
        row(text, "Machine", &parts.join(", "));
    }
}

fn list(title: &str, sentences: &[String], text: &mut String) {
    if sentences.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    for sentence in sentences {
        let _ = writeln!(text, "  - {}", one_line(sentence));
    }
}

fn row(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "{name:<12} {}", one_line(value));
}

/// What brokers and commands say may hold anything: line breaks and escapes do not get through.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn shortened(text: &str) -> String {
    let text = one_line(text);
    match text.char_indices().nth(WORDS_SHOWN) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}
