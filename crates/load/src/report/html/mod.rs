//! The report as one HTML page: no other file, no address, so that it can be mailed, archived and opened offline.
//!
//! Charts are SVG drawn here; a little script shows the figures under the pointer and is not needed to read the page. The text is
//! well-formed XML too, so that a test can check it.

mod axis;
mod chart;
mod curve;
mod tables;

use super::advice::advice;
use super::model::Report;
use super::summary::{example_line, verdict_word};
use super::time::iso_time;
use crate::human::{clock, duration, grouped, latency, number};
use chart::{Chart, Line, Mark};
use std::fmt::Write as _;
use std::time::Duration;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page.
pub(super) fn html(report: &Report) -> String {
    let word = verdict_word(report.exit_code);
    let preset = report.plan.get("preset").and_then(|name| name.as_str()).unwrap_or("load test");
    let title = escaped(&format!("{word}: {preset}, {}", iso_time(report.started_ms)));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    head(report, word, preset, &mut page);
    tiles(report, &mut page);
    faults(report, &mut page);
    sentences("What to look at next", &advice(report), &mut page);
    charts(report, &mut page);
    tables::all(report, &mut page);
    sentences("Not checked or worth knowing", &report.verdict.notes, &mut page);
    sentences("Notes", &report.notes, &mut page);
    tables::surroundings(report, &mut page);
    let _ = writeln!(
        page,
        "<footer>Written by {}, report format {}.</footer>\n</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>",
        escaped(&report.tool),
        report.format
    );
    page
}

/// Text between tags or in an attribute. What XML cannot hold at all becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn tone(exit_code: u8) -> &'static str {
    match exit_code {
        0 => "good",
        1 | 2 => "bad",
        _ => "warn",
    }
}

fn head(report: &Report, word: &str, preset: &str, page: &mut String) {
    let mut when = vec![
        format!("Load test {preset}"),
        iso_time(report.started_ms),
        format!("took {}", duration(Duration::from_millis(report.took_ms))),
    ];
    if report.interrupted {
        when.push("stopped by hand before its time".to_owned());
    }
    let _ = writeln!(
        page,
        "<header class=\"verdict {}\">\n<p class=\"when\">{}</p>\n<h1>{word}</h1>\n<p class=\"reason\">{}</p>\n<p class=\"when\">{}</p>\n</header>",
        tone(report.exit_code),
        escaped(&when.join(" · ")),
        escaped(&report.reason),
        escaped(&report.plan_line)
    );
}

fn tiles(report: &Report, page: &mut String) {
    let totals = &report.totals;
    let of =
        |of: &super::Latency, us: u64| if of.count == 0 { "–".to_owned() } else { latency(us) };
    let (ack, whole) = (&report.ack_latency, &report.end_to_end_latency);
    let faults: u64 = report.verdict.faults.iter().map(|fault| fault.count).sum();
    let schemas = report.schemas.iter().min_by_key(|check| check.found);
    let mut tiles = vec![
        ("acknowledged", format!("{}/s", number(totals.acknowledged_per_second())), ""),
        ("consumed", format!("{}/s", number(totals.consumed_per_second())), ""),
        ("ack p50", of(ack, ack.p50_us), ""),
        ("ack p99", of(ack, ack.p99_us), ""),
        ("end to end p50", of(whole, whole.p50_us), ""),
        ("end to end p99", of(whole, whole.p99_us), ""),
        ("records read back", grouped(totals.read_back), ""),
        ("faults", grouped(faults), if faults > 0 { "bad" } else { "good" }),
    ];
    if let Some(check) = schemas {
        let tone = if check.found == check.of { "good" } else { "bad" };
        tiles.push(("schemas found", format!("{} of {}", check.found, check.of), tone));
    }
    page.push_str("<dl class=\"tiles\">\n");
    for (name, value, tone) in tiles {
        let _ = writeln!(page, "<div class=\"{tone}\"><dt>{name}</dt><dd>{value}</dd></div>");
    }
    page.push_str("</dl>\n");
}

fn faults(report: &Report, page: &mut String) {
    if report.verdict.faults.is_empty() {
        return;
    }
    page.push_str("<section>\n<h2>Faults</h2>\n");
    for fault in &report.verdict.faults {
        let at_least = if fault.at_least { "at least " } else { "" };
        let _ = writeln!(
            page,
            "<details class=\"fault\"><summary><strong>{at_least}{} {}</strong> {}</summary>\n<ul>",
            grouped(fault.count),
            fault.kind.name().replace('_', " "),
            escaped(fault.kind.meaning())
        );
        for example in &fault.examples {
            let _ = writeln!(page, "<li>{}</li>", escaped(&example_line(report, example)));
        }
        let rest = fault.count.saturating_sub(fault.examples.len() as u64);
        if rest > 0 {
            let _ = writeln!(page, "<li>and {} more</li>", grouped(rest));
        }
        page.push_str("</ul></details>\n");
    }
    page.push_str("</section>\n");
}

fn sentences(title: &str, all: &[String], page: &mut String) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(page, "<section>\n<h2>{title}</h2>\n<ul>");
    for sentence in all {
        let _ = writeln!(page, "<li>{}</li>", escaped(sentence));
    }
    page.push_str("</ul>\n</section>\n");
}

fn charts(report: &Report, page: &mut String) {
    if report.samples.is_empty() {
        return;
    }
    let marks = marks(report);
    page.push_str("<section class=\"charts\">\n<h2>Over time</h2>\n");
    if !marks.is_empty() {
        page.push_str(
            "<p class=\"key\"><span class=\"k-command\">┊ command</span> <span class=\"k-fault\">◆ faults found</span> \
             <span class=\"k-error\">▲ errors</span> <span class=\"k-rebalance\">● rebalances</span></p>\n",
        );
    }
    for chart in over_time(report) {
        chart.draw(&report.samples, &marks, page);
    }
    page.push_str("</section>\n");
    curve::draw(&report.ack_latency, &report.end_to_end_latency, page);
}

fn over_time(report: &Report) -> Vec<Chart> {
    let samples = &report.samples;
    let rate = |count: fn(&super::Sample) -> u64| {
        samples.iter().map(|s| Some(super::per_second(count(s), s.span_ms))).collect()
    };
    let of_ack = |us: fn(&super::Percentiles) -> u64| {
        samples.iter().map(|s| s.ack.map(|ack| us(&ack) as f64)).collect()
    };
    let of_whole = |us: fn(&super::Percentiles) -> u64| {
        samples.iter().map(|s| s.end_to_end.map(|whole| us(&whole) as f64)).collect()
    };
    let lag = samples.iter().map(|s| s.lag.map(|lag| lag as f64)).collect();
    let outstanding = samples.iter().map(|s| Some(s.outstanding as f64)).collect();
    let percentiles = |p50, p99, max| {
        vec![Line::new("p50", "c1", p50), Line::new("p99", "c2", p99), Line::new("max", "c3", max)]
    };
    vec![
        Chart {
            title: "Throughput",
            about: "records per second",
            unit: chart::Unit::PerSecond,
            lines: vec![
                Line::new("offered", "c0", rate(|s| s.offered)),
                Line::new("acknowledged", "c1", rate(|s| s.acknowledged)),
                Line::new("consumed", "c2", rate(|s| s.consumed)),
            ],
        },
        Chart {
            title: "Latency of acknowledgements",
            about: "from when a record should have been sent until it was acknowledged, logarithmic",
            unit: chart::Unit::Latency,
            lines: percentiles(of_ack(|p| p.p50_us), of_ack(|p| p.p99_us), of_ack(|p| p.max_us)),
        },
        Chart {
            title: "Latency end to end",
            about: "from when a record should have been sent until a consumer had it, logarithmic",
            unit: chart::Unit::Latency,
            lines: percentiles(
                of_whole(|p| p.p50_us),
                of_whole(|p| p.p99_us),
                of_whole(|p| p.max_us),
            ),
        },
        Chart {
            title: "Lag and outstanding records",
            about: "records not committed by the groups, and records due but not acknowledged",
            unit: chart::Unit::Records,
            lines: vec![Line::new("lag", "c1", lag), Line::new("outstanding", "c2", outstanding)],
        },
        Chart {
            title: "The load test itself",
            about: "processors in use",
            unit: chart::Unit::Processors,
            lines: vec![Line::new(
                "processors",
                "c1",
                samples.iter().map(|s| Some(s.cpus)).collect(),
            )],
        },
    ]
}

/// What happened, for the time axis.
fn marks(report: &Report) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for command in &report.commands {
        let at = clock(Duration::from_millis(command.at_ms));
        let text = format!("{at} command: {}", command.command);
        marks.push(Mark { at_ms: command.at_ms, kind: "command", text });
    }
    for sample in &report.samples {
        let at = clock(Duration::from_millis(sample.at_ms));
        for (kind, count) in
            [("fault", sample.faults), ("error", sample.errors), ("rebalance", sample.rebalances)]
        {
            if count > 0 {
                let text = format!("{at} {kind}s: {}", grouped(count));
                marks.push(Mark { at_ms: sample.at_ms, kind, text });
            }
        }
    }
    marks
}
