//! What a report makes one look at next.

use super::model::Report;
use crate::human::{clock, counted, grouped, latency, number, percent};
use crate::judge::FaultKind;
use std::time::Duration;

/// A target that acknowledges less of what is offered does not keep up.
const KEEPS_UP: f64 = 0.95;
/// A load test that uses more of the processors measures itself.
const BUSY: f64 = 0.85;
/// What happens this long before the longest latency may be its cause.
const CAUSE_MS: u64 = 5000;
/// A lag below one in so many records is not worth a sentence.
const LAG_SHARE: u64 = 1000;

/// Sentences on what to look at next. None for a run that raises no question.
pub(super) fn advice(report: &Report) -> Vec<String> {
    if report.unusable.is_some() {
        return Vec::new();
    }
    let mut all = Vec::new();
    all.extend(on_faults(report));
    all.extend(on_schemas(report));
    all.extend(on_throughput(report));
    all.extend(on_longest(report));
    all.extend(on_lag(report));
    all.extend(on_own_load(report));
    all
}

fn on_faults(report: &Report) -> Vec<String> {
    let setting = |name: &str| report.plan.get(name).cloned().unwrap_or_default();
    let mut all = Vec::new();
    for fault in &report.verdict.faults {
        let sentence = match fault.kind {
            FaultKind::Lost if setting("acks") == "0" => {
                "With acks=0 nobody promised to keep the records that are gone; use acks=all to see what the target promises."
            }
            FaultKind::Lost if setting("acks") == "1" => {
                "With acks=1 a leader that dies may take acknowledged records with it; use acks=all to see what the target promises."
            }
            FaultKind::Lost => {
                "Acknowledged records are gone: compare the times of the commands and errors with the offsets of the examples, \
                 and see when the target makes durable what it acknowledges."
            }
            FaultKind::Missed => {
                "The records are in the log but a group never got them: look at its committed offsets and at what Fetch answers there."
            }
            FaultKind::Duplicated if setting("idempotent") == false => {
                "Producers were not idempotent, so a resend may be written twice; run with idempotent=true to tell the target's share."
            }
            FaultKind::Duplicated => {
                "Producers were idempotent, so the target wrote a resend twice: it does not check sequence numbers."
            }
            FaultKind::WrongOffset => {
                "Delivery reports name offsets at which other records lie: whoever stores them and seeks there reads the wrong record."
            }
            FaultKind::WrongSchema => {
                "Ask the registry for the schema id of an example; a second registry behind the same address would explain it."
            }
            _ => continue,
        };
        all.push(sentence.to_owned());
    }
    all
}

fn on_schemas(report: &Report) -> Option<String> {
    let check = report.schemas.iter().find(|check| check.found < check.of)?;
    let missing = check.of - check.found;
    Some(format!(
        "{} that the registry took {} not found {}: see whether it keeps them in a topic that this target lost or compacted, \
         or whether two registries answer.",
        counted(missing.into(), "schema"),
        if missing == 1 { "was" } else { "were" },
        check.when
    ))
}

fn on_throughput(report: &Report) -> Option<String> {
    let (offered, done) =
        (report.totals.offered_per_second(), report.totals.acknowledged_per_second());
    (offered > 0.0 && done < offered * KEEPS_UP).then(|| {
        format!(
            "{}/s were acknowledged of {}/s offered: latencies hold the time in which records waited for their turn. \
             A lower rate shows what the target keeps up with.",
            number(done),
            number(offered)
        )
    })
}

/// When the longest latency was, and what happened just before.
fn on_longest(report: &Report) -> Option<String> {
    let of = &report.ack_latency;
    if of.count == 0 || of.max_us < 1_000_000 || of.max_us < 10 * of.p99_us.max(1) {
        return None;
    }
    let longest = |us: Option<super::Percentiles>| us.map_or(0, |of| of.max_us);
    let sample = report.samples.iter().max_by_key(|sample| longest(sample.ack))?;
    let near =
        |at_ms: u64| at_ms <= sample.at_ms && at_ms + CAUSE_MS + of.max_us / 1000 >= sample.at_ms;
    let mut cause = String::new();
    if let Some(command) = report.commands.iter().find(|command| near(command.at_ms)) {
        cause = format!(", after the command '{}'", command.command);
    } else if report.samples.iter().any(|other| other.errors > 0 && near(other.at_ms)) {
        cause = ", after errors".to_owned();
    } else if report.samples.iter().any(|other| other.rebalances > 0 && near(other.at_ms)) {
        cause = ", after a rebalance".to_owned();
    }
    Some(format!(
        "The longest acknowledgement took {} and ended at {}{cause}; 99 of 100 took at most {}.",
        latency(of.max_us),
        clock(Duration::from_millis(sample.at_ms)),
        latency(of.p99_us)
    ))
}

fn on_lag(report: &Report) -> Option<String> {
    let lag = report.totals.lag_end?;
    // The last commits of a clean end come a moment after the last sample.
    if lag.saturating_mul(LAG_SHARE) <= report.totals.acknowledged {
        return None;
    }
    Some(format!(
        "Groups were {} behind when the run ended, {} of what was acknowledged: see whether consumers keep up and their commits get through.",
        counted(lag, "record"),
        percent(lag, report.totals.acknowledged)
    ))
}

fn on_own_load(report: &Report) -> Option<String> {
    let (cpus, cores) = (report.usage.cpus, f64::from(report.machine.cores));
    let target = report.target_usage.as_ref().map_or(0.0, |usage| usage.cpus);
    if cores == 0.0 || cpus + target < cores * BUSY {
        return None;
    }
    let whose = if target > 0.0 { "load test and target" } else { "load test" };
    Some(format!(
        "The {whose} used {} of {} processors: latencies are this machine's too. Run the load from another one to measure the target alone.",
        number(cpus + target),
        grouped(report.machine.cores.into())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Fault;
    use crate::report::{Command, Latency, Percentiles, Sample, Totals, Usage};

    #[test]
    fn a_run_that_raises_no_question_gets_no_advice() {
        assert_eq!(advice(&Report::default()), Vec::<String>::new());
    }

    #[test]
    fn the_longest_latency_is_told_with_the_command_before_it() {
        let ack_latency =
            Latency { count: 100, max_us: 2_000_000, p99_us: 9_000, ..Latency::default() };
        let mut report = Report { ack_latency, ..Report::default() };
        let ack = |max_us| Some(Percentiles { count: 50, max_us, ..Percentiles::default() });
        report.samples = vec![
            Sample { at_ms: 30_000, ack: ack(9_000), ..Sample::default() },
            Sample { at_ms: 33_000, ack: ack(2_000_000), rebalances: 1, ..Sample::default() },
        ];
        let all = advice(&report);
        assert_eq!(
            all,
            [
                "The longest acknowledgement took 2.00 s and ended at 0:33, after a rebalance; 99 of 100 took at most 9.00 ms."
            ]
        );
        report.commands.push(Command {
            command: "stop it".into(),
            at_ms: 30_500,
            ..Command::default()
        });
        assert!(advice(&report)[0].contains("after the command 'stop it'"));
    }

    #[test]
    fn a_target_that_does_not_keep_up_and_a_busy_machine_are_told() {
        let totals =
            Totals { offered: 100, acknowledged: 50, produce_ms: 1000, ..Totals::default() };
        let mut report = Report { totals, ..Report::default() };
        report.machine.cores = 2;
        report.usage = Usage { cpus: 1.9, ..Usage::default() };
        let all = advice(&report).join("\n");
        assert!(all.contains("50.0/s were acknowledged of 100/s offered"), "{all}");
        assert!(all.contains("used 1.90 of 2 processors"), "{all}");
    }

    #[test]
    fn what_a_fault_means_depends_on_what_the_plan_asked_for() {
        let mut report = Report::default();
        let fault = |kind| Fault { kind, count: 1, at_least: false, examples: Vec::new() };
        report.verdict.faults = vec![fault(FaultKind::Lost), fault(FaultKind::Duplicated)];
        report.plan.insert("acks".into(), "1".into());
        report.plan.insert("idempotent".into(), false.into());
        let all = advice(&report).join("\n");
        assert!(all.contains("acks=1") && all.contains("not idempotent"), "{all}");
        report.plan.insert("acks".into(), "all".into());
        report.plan.insert("idempotent".into(), true.into());
        let all = advice(&report).join("\n");
        assert!(
            all.contains("are gone") && all.contains("does not check sequence numbers"),
            "{all}"
        );
    }
}
