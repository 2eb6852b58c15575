//! The report of a run, as it is written to JSON and read back.
//!
//! Field names stay once released: a field may join, none goes or changes its meaning without a new [`FORMAT`]. Units come last:
//! `_ms` and `_us` are whole milli- and microseconds, `_bytes` bytes. A time `at_ms` counts from the beginning of the run.

use super::latency::Latency;
use super::machine::{Machine, Usage};
use super::series::Sample;
use crate::human::grouped;
use crate::judge::{Fault, Verdict};
use crate::plan::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format of the JSON report. Another number means that fields changed their meaning.
pub const FORMAT: u32 = 1;

/// Everything that a run tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// [`FORMAT`] of whoever wrote it.
    pub format: u32,
    /// Program and version that wrote it, such as `tidegate 0.1.0`.
    pub tool: String,
    /// The run's own id, part of every record it sent.
    pub run: String,
    /// Milliseconds since 1970 at which the run began.
    pub started_ms: i64,
    /// How long it took, from the first phase to the judgement.
    pub took_ms: u64,
    /// 0 clean, 1 data fault, 2 the target could not be used, 3 an expectation missed.
    pub exit_code: u8,
    /// The one sentence that says why.
    pub reason: String,
    /// Why the target could not be used, if it could not.
    pub unusable: Option<String>,
    /// Whether the run was stopped by hand before its time.
    pub interrupted: bool,
    /// Producers that could not go on until the end: the plan's records were not all offered.
    pub producers_ended: u64,
    /// The plan in one line for people.
    pub plan_line: String,
    /// The whole plan by the names of its settings; see [`super::plan_record`].
    pub plan: BTreeMap<String, serde_json::Value>,
    /// What was tested.
    pub target: Target,
    /// Where the load came from.
    pub machine: Machine,
    /// The phases in their order.
    pub phases: Vec<Phase>,
    /// Verifications of the registered schemas: the first, and one after each restart of the registry.
    pub schemas: Vec<SchemaCheck>,
    /// What was counted over the whole run.
    pub totals: Totals,
    /// From when a record should have been sent until it was acknowledged. With `rate` 0, from the call.
    pub ack_latency: Latency,
    /// From when a record should have been sent until the application of a consumer had it.
    pub end_to_end_latency: Latency,
    /// What happened in each second, or in longer spans of a long run.
    pub samples: Vec<Sample>,
    /// Errors of clients, by where they arose and code.
    pub errors: Vec<ErrorCount>,
    /// The consumer groups.
    pub groups: Vec<Group>,
    /// Commands that the plan ran.
    pub commands: Vec<Command>,
    /// What the judge found.
    pub verdict: Verdict,
    /// What was expected and what was measured.
    pub expectations: Vec<Outcome>,
    /// Processor and memory of the load test itself.
    pub usage: Usage,
    /// Processor and memory of the target, where it is a process of this machine that the run knows.
    pub target_usage: Option<Usage>,
    /// Sentences for the reader that fit nowhere else.
    pub notes: Vec<String>,
}

/// What was tested.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Target {
    /// Addresses that the clients began with.
    pub bootstrap: String,
    /// The cluster's id, if it has one.
    pub cluster_id: Option<String>,
    /// The brokers in the cluster's metadata.
    pub brokers: Vec<Broker>,
    /// Name and version of the broker's software, if anything tells it.
    pub software: Option<String>,
    /// The registry's address, without a password.
    pub registry: Option<String>,
    /// Whether the run started the target itself.
    pub embedded: bool,
    /// The client library and its version.
    pub client: String,
}

/// A broker as the cluster's metadata names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broker {
    /// Its id.
    pub id: i32,
    /// `host:port`.
    pub address: String,
}

/// A part of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// `register`, `verify`, `restart`, `topics`, `produce`, `drain`, `read`, `judge`.
    pub name: String,
    /// When it began.
    pub at_ms: u64,
    /// How long it took.
    pub took_ms: u64,
    /// What came of it, in a few words.
    pub note: String,
}

/// One verification of the registered schemas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaCheck {
    /// `registered`, or `after restart`.
    pub when: String,
    /// Schemas found by subject, by version and by id, with the text that was registered.
    pub found: u32,
    /// Schemas that were registered.
    pub of: u32,
    /// A sentence for each that was not found as it should be.
    pub problems: Vec<String>,
}

/// What was counted over the whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Records whose time to be sent had come.
    pub offered: u64,
    /// Records that the target acknowledged.
    pub acknowledged: u64,
    /// Records that it did not acknowledge in the end.
    pub failed: u64,
    /// Records that consumers received, over all groups.
    pub consumed: u64,
    /// Records found by the last, independent read.
    pub read_back: u64,
    /// Bytes of keys, values and headers in acknowledged records.
    pub acknowledged_bytes: u64,
    /// The same in consumed records.
    pub consumed_bytes: u64,
    /// How long records were offered.
    pub produce_ms: u64,
    /// How long it took from the first record consumed to the last.
    pub consume_ms: u64,
    /// Rebalances seen by consumers.
    pub rebalances: u64,
    /// The highest lag that was sampled, over all groups.
    pub lag_max: Option<u64>,
    /// The lag when the run ended. `null` if the broker did not tell.
    pub lag_end: Option<u64>,
}

/// Errors of one code in one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// `produce`, `consume`, `commit`, `admin` or `registry`.
    pub place: String,
    /// The client's name of the error.
    pub code: String,
    /// How often it was seen.
    pub count: u64,
    /// When it was seen first.
    pub first_ms: u64,
    /// When it was seen last.
    pub last_ms: u64,
    /// What the client said the first time.
    pub message: String,
}

/// A consumer group of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub group: String,
    /// The most members that it had at a time.
    pub members_max: u32,
    /// Records delivered to it, again delivered ones included.
    pub consumed: u64,
    /// Records delivered again after a rebalance or a restart of a consumer, as at-least-once allows.
    pub redelivered: u64,
    /// Rebalances that its members saw.
    pub rebalances: u64,
    /// What it had not committed when the run ended. `null` if the broker did not tell.
    pub lag_end: Option<u64>,
}

/// A command that the plan ran at a given time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What was given to the shell.
    pub command: String,
    /// When it began.
    pub at_ms: u64,
    /// How long it took.
    pub took_ms: u64,
    /// Its exit code. `null` if a signal ended it, it was not started, or it still runs.
    pub exit_code: Option<i32>,
    /// The end of what it wrote.
    pub output: String,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            format: FORMAT,
            tool: concat!("tidegate ", env!("CARGO_PKG_VERSION")).to_owned(),
            run: String::new(),
            started_ms: 0,
            took_ms: 0,
            exit_code: 0,
            reason: String::new(),
            unusable: None,
            interrupted: false,
            producers_ended: 0,
            plan_line: String::new(),
            plan: BTreeMap::new(),
            target: Target::default(),
            machine: Machine::default(),
            phases: Vec::new(),
            schemas: Vec::new(),
            totals: Totals::default(),
            ack_latency: Latency::default(),
            end_to_end_latency: Latency::default(),
            samples: Vec::new(),
            errors: Vec::new(),
            groups: Vec::new(),
            commands: Vec::new(),
            verdict: Verdict::default(),
            expectations: Vec::new(),
            usage: Usage::default(),
            target_usage: None,
            notes: Vec::new(),
        }
    }
}

impl Totals {
    /// Acknowledged records per second of producing.
    pub fn acknowledged_per_second(&self) -> f64 {
        per_second(self.acknowledged, self.produce_ms)
    }

    /// Acknowledged bytes per second of producing.
    pub fn acknowledged_bytes_per_second(&self) -> f64 {
        per_second(self.acknowledged_bytes, self.produce_ms)
    }

    /// Offered records per second of producing.
    pub fn offered_per_second(&self) -> f64 {
        per_second(self.offered, self.produce_ms)
    }

    /// Consumed records per second of consuming, over all groups.
    pub fn consumed_per_second(&self) -> f64 {
        per_second(self.consumed, self.consume_ms)
    }

    /// Consumed bytes per second of consuming, over all groups.
    pub fn consumed_bytes_per_second(&self) -> f64 {
        per_second(self.consumed_bytes, self.consume_ms)
    }
}

/// `count` per second over `ms`; 0 where no time passed, so that no report ever holds a number that is none.
pub(crate) fn per_second(count: u64, ms: u64) -> f64 {
    if ms == 0 { 0.0 } else { count as f64 * 1000.0 / ms as f64 }
}

impl Report {
    /// Sets [`Report::exit_code`] and [`Report::reason`] from what is in the report.
    ///
    /// A target that could not be used tells nothing about data, and a fault in the data outweighs every missed expectation.
    pub fn conclude(&mut self) {
        let (exit_code, reason) = conclusion(self);
        self.exit_code = exit_code;
        self.reason = reason;
    }
}

fn conclusion(report: &Report) -> (u8, String) {
    let kinds: Vec<String> = report.verdict.faults.iter().map(fault_words).collect();
    if let Some(problem) = &report.unusable {
        if kinds.is_empty() {
            return (2, problem.clone());
        }
        let problem = problem.trim_end_matches('.');
        return (2, format!("{problem}. Certain all the same: {}.", kinds.join(", ")));
    }
    let counts = &report.verdict.counts;
    if counts.sent > 0 && counts.acknowledged == 0 && report.verdict.faults.is_empty() {
        let sent = grouped(counts.sent);
        return (
            2,
            format!("Not one of {sent} records was acknowledged: look at the errors below."),
        );
    }
    if !kinds.is_empty() {
        return (1, format!("The data is not what was sent: {}.", kinds.join(", ")));
    }
    if counts.unknown > 0 {
        let (unknown, all) = (grouped(counts.unknown), grouped(counts.acknowledged));
        return (2, format!("{unknown} of {all} acknowledged records could not be read back."));
    }
    if let Some(check) = report.schemas.iter().find(|check| check.found != check.of) {
        let when = if check.when == "registered" { "" } else { &format!(" {}", check.when) };
        let (found, of) = (check.found, check.of);
        return (1, format!("Of {of} registered schemas {found} were found{when}."));
    }
    if report.producers_ended > 0 {
        let producers = match report.producers_ended {
            1 => "One producer".to_owned(),
            count => format!("{count} producers"),
        };
        return (2, format!("{producers} could not go on: look at the notes and errors below."));
    }
    let missed: Vec<String> = report
        .expectations
        .iter()
        .filter(|outcome| !outcome.met)
        .map(|outcome| format!("{} (measured {})", outcome.expected, outcome.found))
        .collect();
    if !missed.is_empty() {
        return (3, format!("The data is right, but missed was {}.", missed.join(", ")));
    }
    (0, clean_reason(report))
}

/// `12 lost`, or `at least 12 lost`.
pub(super) fn fault_words(fault: &Fault) -> String {
    let at_least = if fault.at_least { "at least " } else { "" };
    format!("{at_least}{} {}", grouped(fault.count), fault.kind.name().replace('_', " "))
}

fn clean_reason(report: &Report) -> String {
    let counts = &report.verdict.counts;
    if counts.acknowledged == 0 {
        return "Nothing was sent, so there was nothing to judge.".to_owned();
    }
    let all = grouped(counts.acknowledged);
    let mut reason =
        format!("All {all} acknowledged records are there, once, in order and unchanged");
    if counts.expired > 0 {
        reason = format!("{reason}, but for {} that retention deleted", grouped(counts.expired));
    }
    if counts.failed + counts.unresolved > 0 {
        let missing = grouped(counts.failed + counts.unresolved);
        reason = format!("{reason}; {missing} were not acknowledged");
    }
    if !report.verdict.complete {
        reason.push_str("; not everything could be checked");
    }
    reason.push('.');
    reason
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Counts, FaultKind};

    fn clean() -> Report {
        let counts = Counts { sent: 1234, acknowledged: 1234, present: 1234, ..Counts::default() };
        let verdict = Verdict { clean: true, complete: true, counts, ..Verdict::default() };
        Report { verdict, ..Report::default() }
    }

    fn concluded(mut report: Report) -> (u8, String) {
        report.conclude();
        (report.exit_code, report.reason)
    }

    #[test]
    fn a_clean_run_ends_with_0_and_says_how_much_was_judged() {
        let reason = "All 1,234 acknowledged records are there, once, in order and unchanged.";
        assert_eq!(concluded(clean()), (0, reason.to_owned()));
    }

    #[test]
    fn a_fault_outweighs_a_missed_expectation_and_a_target_without_use_outweighs_both() {
        let mut report = clean();
        let missed = ("p99=20ms".to_owned(), "31.000ms".to_owned());
        report.expectations.push(Outcome { expected: missed.0, found: missed.1, met: false });
        let (exit_code, reason) = concluded(report.clone());
        assert_eq!(exit_code, 3);
        assert!(reason.contains("p99=20ms (measured 31.000ms)"), "{reason}");

        report.schemas.push(SchemaCheck {
            when: "after restart".into(),
            found: 0,
            of: 10,
            problems: vec![],
        });
        let (exit_code, reason) = concluded(report.clone());
        assert_eq!(
            (exit_code, reason.as_str()),
            (1, "Of 10 registered schemas 0 were found after restart.")
        );

        let (kind, examples) = (FaultKind::OffsetWentBack, vec![]);
        report.verdict.faults.push(Fault { kind, count: 3, at_least: true, examples });
        let (exit_code, reason) = concluded(report.clone());
        assert_eq!(exit_code, 1);
        assert_eq!(reason, "The data is not what was sent: at least 3 offset went back.");

        report.unusable = Some("No broker answers at 127.0.0.1:1.".into());
        let reason =
            "No broker answers at 127.0.0.1:1. Certain all the same: at least 3 offset went back.";
        assert_eq!(concluded(report.clone()), (2, reason.into()));
        report.verdict.faults.clear();
        assert_eq!(concluded(report), (2, "No broker answers at 127.0.0.1:1.".into()));
    }

    #[test]
    fn acknowledged_records_that_could_not_be_read_back_are_no_success() {
        let mut report = clean();
        report.verdict.complete = false;
        report.verdict.counts.present = 1200;
        report.verdict.counts.unknown = 34;
        let reason = "34 of 1,234 acknowledged records could not be read back.".to_owned();
        assert_eq!(concluded(report.clone()), (2, reason));

        let fault = Fault { kind: FaultKind::Lost, count: 1, at_least: false, examples: vec![] };
        report.verdict.faults.push(fault);
        assert_eq!(concluded(report).0, 1);
    }

    #[test]
    fn a_run_whose_producers_gave_up_proves_nothing() {
        let mut report = clean();
        report.producers_ended = 2;
        let (exit_code, reason) = concluded(report.clone());
        assert_eq!(exit_code, 2);
        assert!(reason.starts_with("2 producers could not go on"), "{reason}");

        let (kind, examples) = (FaultKind::Lost, vec![]);
        report.verdict.faults.push(Fault { kind, count: 1, at_least: false, examples });
        assert_eq!(concluded(report).0, 1);
    }

    #[test]
    fn a_run_without_a_record_does_not_call_itself_proven() {
        let (exit_code, reason) = concluded(Report::default());
        assert_eq!(exit_code, 0);
        assert!(reason.starts_with("Nothing was sent"), "{reason}");
    }

    #[test]
    fn a_target_that_acknowledges_nothing_is_not_usable() {
        let mut report = Report::default();
        report.verdict.counts.sent = 5;
        let (exit_code, reason) = concluded(report);
        assert_eq!(exit_code, 2);
        assert!(reason.starts_with("Not one of 5 records was acknowledged"), "{reason}");
    }

    #[test]
    fn a_report_comes_back_from_its_json_as_it_was() {
        let mut report = clean();
        report.samples.push(Sample { cpus: 1.25, lag: Some(3), ..Sample::default() });
        report.conclude();
        let json = serde_json::to_string_pretty(&report).expect("a report is JSON");
        assert_eq!(serde_json::from_str::<Report>(&json).expect("it reads"), report);
    }
}
