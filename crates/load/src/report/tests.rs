//! Tests of what is made from a report: a busy one with every kind of content, an empty one, and any.

use super::*;
use crate::judge::{Counts, Example, Fault, FaultKind, GroupCounts, Verdict};
use crate::plan::{Outcome, Plan};
use std::path::Path;
use std::time::Duration;

/// A run of two minutes with a restart of the broker, a loss, and everything else that a report can hold. The same each time.
pub(super) fn busy_report() -> Report {
    let plan = Plan::preset("standard").expect("it is a preset");
    let mut report = Report {
        tool: "tidegate 0.1.0".into(),
        run: "k3v9".into(),
        started_ms: 1_795_283_703_000,
        plan_line: plan_line(&plan),
        plan: plan_record(&plan),
        machine: Machine {
            processor: "Example 9000 @ 3.00GHz".into(),
            cores: 2,
            memory_bytes: 24 << 30,
            system: "linux 6.1.0 x86_64".into(),
        },
        usage: Usage { cpu_s: 93.6, cpus: 0.78, rss_bytes_max: 87 << 20 },
        target_usage: Some(Usage { cpu_s: 112.8, cpus: 0.94, rss_bytes_max: 142 << 20 }),
        ..Report::default()
    };
    report.target = Target {
        bootstrap: "127.0.0.1:9092".into(),
        cluster_id: Some("q1Sh-9_ISia_zwGINzRvyQ".into()),
        brokers: vec![Broker { id: 1, address: "127.0.0.1:9092".into() }],
        software: None,
        registry: Some("http://127.0.0.1:8081".into()),
        embedded: true,
        client: "librdkafka 2.12.1".into(),
    };
    events(&mut report);
    verdict(&mut report);
    seconds(&mut report);
    report.conclude();
    report
}

fn events(report: &mut Report) {
    let check =
        |when: &str| SchemaCheck { when: when.into(), found: 10, of: 10, problems: Vec::new() };
    report.schemas = vec![check("registered"), check("after restart")];
    report.errors = vec![ErrorCount {
        place: "produce".into(),
        code: "BrokerTransportFailure".into(),
        count: 14,
        first_ms: 62_400,
        last_ms: 64_100,
        message: "127.0.0.1:9092/1: Connect failed: Connection refused".into(),
    }];
    report.groups = vec![Group {
        group: "loadtest-group-0".into(),
        members_max: 2,
        consumed: 1_199_912,
        redelivered: 311,
        rebalances: 4,
        lag_end: Some(0),
    }];
    report.commands = vec![Command {
        command: "systemctl restart <gateway> & wait".into(),
        at_ms: 62_000,
        took_ms: 1_400,
        exit_code: Some(0),
        output: String::new(),
    }];
    let outcome = |expected: &str, found: &str, met| Outcome {
        expected: expected.into(),
        found: found.into(),
        met,
    };
    report.expectations =
        vec![outcome("p99=20ms", "31.200ms", false), outcome("rate=9000", "9996/s", true)];
}

fn verdict(report: &mut Report) {
    let example = |offset, counter| Example {
        topic: Some("loadtest-topic-3".into()),
        partition: Some(2),
        offset: Some(offset),
        producer: Some(1),
        counter: Some(counter),
        group: None,
        expected: "the record that was acknowledged".into(),
        found: "nothing".into(),
    };
    report.verdict = Verdict {
        clean: false,
        complete: true,
        counts: Counts {
            sent: 1_199_616,
            acknowledged: 1_199_601,
            failed: 15,
            present: 1_199_513,
            groups: vec![GroupCounts { delivered: 1_199_912, redelivered: 311 }],
            ..Counts::default()
        },
        faults: vec![
            Fault {
                kind: FaultKind::Lost,
                count: 88,
                at_least: false,
                examples: (0..4).map(|i| example(31_337 + i, 299_400 + 4 * i as u64)).collect(),
            },
            Fault {
                kind: FaultKind::DeliveredAgain,
                count: 1,
                at_least: true,
                examples: vec![Example { group: Some(0), ..example(7, 28) }],
            },
        ],
        notes: vec!["9 records that nobody acknowledged are there: allowed.".into()],
    };
}

/// 120 seconds of 10,000 records, of which the broker is away in two.
fn seconds(report: &mut Report) {
    let mut recorder = Recorder::new(crate::live::Live::quiet(), None);
    for at_s in 1..=120u64 {
        let away = (62..64).contains(&at_s);
        let wave = (at_s * 7919 % 100) as i64 - 50;
        let done = if away { 40 } else { (9_990 + wave) as u64 };
        let mut second = Second {
            at: Duration::from_secs(at_s),
            span: Duration::from_secs(1),
            offered: 10_000,
            acknowledged: done,
            failed: 15 * u64::from(at_s == 64),
            consumed: done - 3,
            acknowledged_bytes: done * 560,
            consumed_bytes: (done - 3) * 560,
            errors: 7 * u64::from(away),
            rebalances: 2 * u64::from(at_s == 65 || at_s == 2),
            faults: 88 * u64::from(at_s == 66),
            outstanding: if away { 10_000 * (at_s - 61) } else { 60 },
            lag: Some(if away { 9_000 } else { 100 + at_s }),
            cpu_s: 0.78 + wave as f64 / 500.0,
            rss_bytes: 80 << 20,
            ack: new_histogram(),
            end_to_end: new_histogram(),
        };
        for i in 0..200u64 {
            // Most take a few milliseconds, some ten times as long, those of the restart up to two seconds.
            let tail = if i > 195 { 10 } else { 1 };
            let us = (2_000 + i * i / 20 + wave.unsigned_abs() * 20) * tail;
            let us = if at_s == 64 { us + i * 10_000 } else { us };
            record(&mut second.ack, us);
            record(&mut second.end_to_end, us * 13 / 10 + 900);
        }
        recorder.second(&second);
    }
    report.totals.produce_ms = 120_000;
    report.totals.consume_ms = 120_900;
    report.totals.read_back = 1_199_513;
    recorder.finish(report);
    report.took_ms = 131_250;
    let names = [
        ("register", 0, 820, "10 schemas"),
        ("topics", 820, 310, "5 x 4 partitions"),
        ("produce", 1_130, 120_000, ""),
        ("drain", 121_130, 1_900, ""),
        ("read", 123_030, 8_100, ""),
    ];
    report.phases = names
        .map(|(name, at_ms, took_ms, note)| Phase {
            name: name.to_owned(),
            at_ms,
            took_ms,
            note: note.to_owned(),
        })
        .into();
}

/// Compares with a file beside this one. `TIDEGATE_UPDATE_GOLDEN=1` writes it anew.
pub(super) fn assert_golden(name: &str, is: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/golden").join(name);
    if std::env::var_os("TIDEGATE_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, is).expect("the file can be written");
    }
    let wanted = std::fs::read_to_string(&path).expect("the file is there");
    assert_eq!(
        is, wanted,
        "{name} differs: look whether that is meant, then run with TIDEGATE_UPDATE_GOLDEN=1"
    );
}

#[test]
fn the_summary_tells_the_verdict_then_faults_then_figures_then_advice() {
    let report = busy_report();
    assert_golden("summary.txt", &summary(&report, false));
    let colored = summary(&report, true);
    assert!(colored.starts_with("\x1b[1;31mDATA FAULT\x1b[0m  "), "{colored}");
}

#[test]
fn what_a_target_says_cannot_write_to_the_terminal() {
    let mut report = busy_report();
    report.errors[0].message = "a\x1b[2Jb\r\nc".into();
    report.commands[0].command = "echo \x07".into();
    report.reason = "x".into();
    let text = summary(&report, false);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
}

#[test]
fn an_empty_report_has_a_summary_too() {
    let mut report = Report::default();
    report.conclude();
    let text = summary(&report, false);
    assert!(text.starts_with("PASSED  Nothing was sent"), "{text}");
}

/// Fails where a tag is not closed, crosses another, or an attribute has no quotes. The page is XML by intention.
fn assert_well_formed(page: &str) {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("it begins with its type");
    let mut open: Vec<&str> = Vec::new();
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "a loose > in {:?}", &rest[..at]);
        let end = rest[at..].find('>').map(|end| at + end).expect("a tag ends");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        let name = tag.trim_matches('/').split([' ', '\n']).next().unwrap_or_default();
        assert!(tag.matches('"').count().is_multiple_of(2), "quotes in <{tag}>");
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "</{closed}>");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        if matches!(tag, "script" | "style") {
            let end = rest.find(&format!("</{tag}>")).expect("it is closed");
            rest = &rest[end..];
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

fn html(report: &Report) -> String {
    let folder = std::env::temp_dir();
    let name =
        format!("tidegate-load-{}-{:?}.html", std::process::id(), std::thread::current().id());
    let path = folder.join(name);
    write(report, &path).expect("it can be written");
    let page = std::fs::read_to_string(&path).expect("it is there");
    std::fs::remove_file(path).expect("it can go");
    page
}

#[test]
fn the_page_is_well_formed_and_asks_for_nothing_from_elsewhere() {
    let report = busy_report();
    let page = html(&report);
    if let Some(path) = std::env::var_os("TIDEGATE_SHOW_PAGE") {
        std::fs::write(path, &page).expect("it can be written");
    }
    assert_well_formed(&page);
    for outside in ["src=", "href=", "url(", "@import", "fetch(", "<link", "<img", "<iframe"] {
        assert!(!page.contains(outside), "the page has {outside}");
    }
    for wanted in
        ["DATA FAULT", "88 lost", "Throughput", "Percentiles", "&lt;gateway&gt;", "31.200ms"]
    {
        assert!(page.contains(wanted), "the page has no {wanted}");
    }
    assert!(!page.contains("NaN") && !page.contains("<gateway>"), "{page}");
}

#[test]
fn an_empty_report_has_a_page_too() {
    let mut report = Report::default();
    report.conclude();
    assert_well_formed(&html(&report));
}

/// A generator whose numbers follow from its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// Another report of the same shape: numbers from nothing to very many, texts with what is dangerous in terminals and pages, lists
    /// cut short or emptied, what may be missing missing.
    fn vary(&mut self, name: &str, value: &mut serde_json::Value) {
        use serde_json::Value;
        // Fields that are small by their type, and those that are not free.
        let fixed = matches!(name, "format" | "exit_code" | "kind" | "hdr" | "partition" | "group");
        match value {
            _ if fixed => {}
            Value::Number(number) if number.is_u64() || number.is_i64() => {
                let many =
                    if matches!(name, "producer" | "members_max" | "cores" | "of" | "found" | "id")
                    {
                        1 << 30
                    } else {
                        1 << 50
                    };
                let any = self.roll(many);
                *value = [0, 1, 999, any][self.roll(4) as usize].into();
            }
            Value::Number(_) => *value = [0.0, 0.004, 1.5, 1e12][self.roll(4) as usize].into(),
            Value::String(text) => {
                let texts =
                    ["", "\"<script>&amp;</script>|", "a\u{1b}[2J\u{0}\u{fffe}\r\n\tb", "名前 ]]>"];
                *text = texts[self.roll(4) as usize].to_owned();
            }
            Value::Array(items) => {
                let kept = self.roll(items.len() as u64 + 2) as usize;
                items.truncate(kept);
                items.iter_mut().for_each(|item| self.vary(name, item));
            }
            Value::Object(fields) => {
                for (name, field) in fields.iter_mut() {
                    let optional = matches!(
                        name.as_str(),
                        "ack" | "end_to_end" | "lag" | "lag_max" | "offset" | "unusable"
                    );
                    if optional && self.roll(3) == 0 {
                        *field = Value::Null;
                    } else {
                        self.vary(name, field);
                    }
                }
            }
            Value::Bool(_) | Value::Null => {}
        }
    }
}

#[test]
fn any_report_can_be_shown() {
    let seed = std::env::var("TIDEGATE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(unix_ms);
    println!("TIDEGATE_SEED={seed}");
    let mut dice = Dice(seed.unsigned_abs() | 1);
    let busy = serde_json::to_value(busy_report()).expect("it is JSON");
    let path = Path::new("a.json");
    let first = busy_report();
    for _ in 0..60 {
        let mut varied = busy.clone();
        dice.vary("", &mut varied);
        let mut report: Report = serde_json::from_value(varied).expect("it is a report");
        report.conclude();
        let text = summary(&report, false);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        let page = html(&report);
        assert_well_formed(&page);
        let compared = compare::Comparison::of((path, &first), (path, &report));
        for text in [text, page, compared.text()] {
            assert!(!text.contains("NaN") && !text.contains("inf "), "{text}");
        }
        let json = serde_json::to_string(&report).expect("it is JSON");
        assert_eq!(serde_json::from_str::<Report>(&json).expect("it reads"), report);
    }
}

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(path).expect("the document is there")
}

#[test]
fn the_example_of_a_plan_in_the_documents_can_be_run() {
    let file = crate::plan::Overrides::from_toml(&document("load-example.toml")).expect("it reads");
    let plan = Plan::build(Some(file), crate::plan::Overrides::default()).expect("it can be run");
    assert_eq!(
        (plan.preset.as_str(), plan.producers, plan.groups, plan.at.len()),
        ("standard", 4, 2, 1)
    );
}

#[test]
fn the_documents_name_every_field_of_the_report_every_fault_and_every_column() {
    let text = document("load.md");
    let report = serde_json::to_value(busy_report()).expect("it is JSON");
    let mut names: Vec<String> = Vec::new();
    let fields = report.as_object().expect("a report is an object");
    names.extend(fields.keys().cloned());
    for (name, value) in fields.iter().filter(|(name, _)| *name != "plan") {
        let first = value.as_array().and_then(|items| items.first()).unwrap_or(value);
        let inner = first.as_object().map(|object| object.keys().cloned());
        let latency = name.ends_with("_latency");
        names.extend(inner.into_iter().flatten().filter(|name| !latency || !name.starts_with('p')));
    }
    names.extend(FaultKind::ALL.iter().map(|kind| kind.name().to_owned()));
    let unnamed: Vec<&String> =
        names.iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
    assert!(unnamed.is_empty(), "docs/load.md does not name {unnamed:?}");
}
