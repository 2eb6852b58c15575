//! A run from its plan to its report: schemas are registered, records offered by a schedule, read by
//! groups, read once more by nobody's group, and judged.
//!
//! The engine knows the target by its addresses. Whatever else there is to know, how to restart it and
//! which process it is, comes in [`Hooks`].

mod clock;
mod commands;
mod consume;
mod drain;
mod errors;
mod lag;
mod load;
mod produce;
mod properties;
mod read;
mod sample;
mod schemas;
mod stage;
mod stop;
mod tally;
mod topics;

pub use stop::{Stop, Wish};

use crate::client::Client;
use crate::client::cluster::Cluster;
use crate::client::driver::Driver;
use crate::client::librdkafka::Librdkafka;
use crate::judge::Judge;
use crate::message::Run;
use crate::plan::{ClientKind, Measured, Plan};
use crate::report::{
    Broker, Group, Machine, Recorder, Report, Target, plan_line, plan_record, unix_ms,
};
use clock::RunClock;
use errors::ErrorLog;
use load::Loaded;
use stage::Stage;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tally::Tallies;

/// How long the target may take to answer at the beginning.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a question comes back with that the target did not answer.
const NO_ANSWER: [&str; 3] = ["_TIMED_OUT", "_TRANSPORT", "_ALL_BROKERS_DOWN"];

/// Restarts the registry, or fails with a sentence.
pub type Restart = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Tells the target's process, while there is one.
pub type ProcessId = Box<dyn Fn() -> Option<u32> + Send + Sync>;

/// What the engine cannot know of a target by itself.
pub struct Hooks {
    /// Restarts the registry. Without it, the plan's command does.
    pub restart: Option<Restart>,
    /// The target's process, for its use of processor and memory.
    pub target_pid: ProcessId,
    /// What the plan's commands find in their environment.
    pub environment: Vec<(String, String)>,
    /// Whether the target was started for this run.
    pub embedded: bool,
    /// Makes producers and consumers; without it, librdkafka does.
    pub client: Option<Box<dyn Client>>,
}

impl Default for Hooks {
    fn default() -> Self {
        Hooks {
            restart: None,
            target_pid: Box::new(|| None),
            environment: Vec::new(),
            embedded: false,
            client: None,
        }
    }
}

/// Runs a plan that was checked. Always gives a report, also of a target that could not be used.
pub fn run(plan: &Plan, recorder: Recorder, stop: &Arc<Stop>, hooks: Hooks) -> Report {
    let clock = RunClock::start();
    let id = run_id();
    let mut report = Report {
        run: format!("{id:016x}"),
        started_ms: unix_ms(),
        plan_line: plan_line(plan),
        plan: plan_record(plan),
        machine: Machine::here(),
        ..Report::default()
    };
    let recorder = Mutex::new(recorder);
    let mut attempt = Attempt { plan, id, clock, stop, hooks, recorder: &recorder };
    if let Err(problem) = attempt.run(&mut report) {
        report.unusable = Some(problem);
    }
    report.interrupted = stop.wish() > Wish::None;
    let recorder = recorder.into_inner().expect("nobody panics with the lock");
    report.expectations = expectations(plan, &report, &recorder);
    recorder.finish(&mut report);
    report.conclude();
    report
}

/// Another one for each run, so that no two runs take each other's records for their own.
fn run_id() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = since_1970.as_nanos() as u64;
    xxhash_rust::xxh3::xxh3_64_with_seed(&nanos.to_le_bytes(), u64::from(std::process::id()))
}

fn expectations(plan: &Plan, report: &Report, recorder: &Recorder) -> Vec<crate::plan::Outcome> {
    let at = |histogram: &hdrhistogram::Histogram<u64>, percentile: f64| {
        (!histogram.is_empty())
            .then(|| histogram.value_at_percentile(percentile).min(histogram.max()))
    };
    let totals = recorder.totals();
    let per_second = |count: u64, ms: u64| match ms {
        0 => 0.0,
        ms => count as f64 * 1000.0 / ms as f64,
    };
    plan.expect.check(&Measured {
        ack: &|percentile| at(recorder.ack(), percentile),
        end_to_end: &|percentile| at(recorder.end_to_end(), percentile),
        has_consumers: plan.consumers > 0,
        acknowledged_per_s: per_second(totals.acknowledged, report.totals.produce_ms),
        consumed_per_s: per_second(totals.consumed, report.totals.consume_ms),
        lag: lag_of_all(&report.groups),
        errors: totals.failed,
    })
}

/// What all groups together had not read; none if that is not known of each, or there is no group.
fn lag_of_all(groups: &[Group]) -> Option<u64> {
    (!groups.is_empty()).then(|| groups.iter().map(|group| group.lag_end).sum())?
}

/// One run, while it lasts.
struct Attempt<'a> {
    plan: &'a Plan,
    id: u64,
    clock: RunClock,
    stop: &'a Arc<Stop>,
    hooks: Hooks,
    recorder: &'a Mutex<Recorder>,
}

impl Attempt<'_> {
    /// Goes through all phases. An error is why the target could not be used.
    fn run(&mut self, report: &mut Report) -> Result<(), String> {
        let plan = self.plan;
        let client = self.client()?;
        report.target.client = client.describe();
        report.target.bootstrap = plan.bootstrap.clone();
        report.target.embedded = self.hooks.embedded;
        let questions = properties::of_questions(plan);
        // Never destroyed: librdkafka aborts the process if an admin request that a broker never answered is
        // under way then, and the report would be lost. There is one for each run.
        let cluster =
            ManuallyDrop::new(Cluster::connect(&plan.bootstrap, &questions, CONNECT_TIMEOUT)?);
        // The plan of the report has no passwords.
        let registry = report.plan.get("registry").and_then(|url| url.as_str());
        report.target.registry = registry.map(str::to_owned);
        report.target = target(&cluster, std::mem::take(&mut report.target));
        let ids = schemas::prepare(self, report)?;
        self.stop_asked("before a record was sent")?;
        self.phase("topics", None);
        let topics = topics::prepare(&cluster, plan, self.stop)?;
        let of = match topics.created.len() {
            0 => "all were there".to_owned(),
            created => format!("{created} created"),
        };
        self.note(format!("{} topics of {} partitions, {of}", plan.topics, plan.partitions));
        let run = Run::new(plan, self.id, ids);
        let stage = Arc::new(Stage {
            judge: Judge::new(run.clone(), &topics.ends),
            run,
            clock: self.clock,
            client,
            stop: self.stop.clone(),
            errors: ErrorLog::default(),
            acks: Tallies::default(),
            arrivals: Tallies::default(),
            topics,
            epoch_us: AtomicI64::new(0),
            read_back: AtomicU64::new(0),
        });
        let result = load::run(self, &stage, &cluster, report);
        report.errors = stage.errors.counts();
        report.totals.read_back = stage.read_back.load(Ordering::Relaxed);
        self.clean_up(&stage, &cluster, report);
        // Also if the target is gone: what is certain already stays certain.
        self.phase("judge", None);
        report.verdict = stage.judge.verdict();
        let loaded = result?;
        fill(report, &stage, &loaded);
        Ok(())
    }

    fn client(&mut self) -> Result<Box<dyn Client>, String> {
        if let Some(client) = self.hooks.client.take() {
            return Ok(client);
        }
        match self.plan.client {
            ClientKind::Librdkafka => Ok(Box::new(Librdkafka::new(&self.plan.bootstrap, &[]))),
            other => {
                Driver::start(other, &self.plan.bootstrap, &properties::of_questions(self.plan))
                    .map(|driver| Box::new(driver) as Box<dyn Client>)
                    .map_err(|error| error.to_string())
            }
        }
    }

    fn clean_up(&self, stage: &Stage, cluster: &Cluster, report: &mut Report) {
        if self.plan.keep_topics || self.stop.wish() == Wish::Abort {
            return;
        }
        report.notes.extend(topics::remove(cluster, &stage.topics));
        for group in &report.groups {
            // Those who never joined do not exist, and it does no harm that one stays.
            let deleted = cluster.delete_group(&group.group);
            if deleted.is_err_and(|error| NO_ANSWER.contains(&error.code.as_str())) {
                // Nor would the broker answer for the others, and each takes its time.
                return;
            }
        }
    }

    fn phase(&self, name: &str, planned: Option<Duration>) {
        self.recorder.lock().expect("nobody panics with the lock").phase(name, planned);
    }

    fn note(&self, text: String) {
        self.recorder.lock().expect("nobody panics with the lock").note(text);
    }

    fn line(&self, text: &str) {
        self.recorder.lock().expect("nobody panics with the lock").line(text);
    }

    fn stop_asked(&self, when: &str) -> Result<(), String> {
        match self.stop.wish() {
            Wish::None => Ok(()),
            _ => Err(format!("Stopped by hand {when}.")),
        }
    }
}

fn target(cluster: &Cluster, known: Target) -> Target {
    // Neither is needed to go on, and a broker may not tell them.
    let brokers = cluster.brokers().unwrap_or_default();
    Target {
        cluster_id: cluster.cluster_id(),
        brokers: brokers.into_iter().map(|it| Broker { id: it.id, address: it.address }).collect(),
        ..known
    }
}

/// Acknowledgements that come this much later than the schedule's end come in time.
const LAST_ACK_GRACE_US: i64 = 1_000_000;

/// When producing ended. The last acknowledgement of a schedule always comes after its end; were that small
/// time counted, no target could keep the schedule's own rate.
fn produced_until(plan: &Plan, offered_until_us: i64, last_ack_us: i64) -> i64 {
    match plan.rate > 0.0 && last_ack_us <= offered_until_us + LAST_ACK_GRACE_US {
        true => offered_until_us,
        false => last_ack_us.max(offered_until_us),
    }
}

/// What is known only when all is over.
fn fill(report: &mut Report, stage: &Stage, loaded: &Loaded) {
    let redelivered = |index: usize| {
        report.verdict.counts.groups.get(index).map_or(0, |counts| counts.redelivered)
    };
    for (index, group) in report.groups.iter_mut().enumerate() {
        group.redelivered = redelivered(index);
    }
    let summed = &loaded.summed;
    report.usage = summed.usage.clone();
    report.target_usage = summed.target_usage.clone();
    let millis = |us: i64| u64::try_from(us / 1000).unwrap_or(0);
    let produced_until =
        produced_until(stage.plan(), loaded.offered_until_us, summed.last_ack_us.unwrap_or(0));
    report.totals.produce_ms = millis(produced_until - stage.epoch_us());
    if let (Some(first), Some(last)) = (summed.first_arrival_us, summed.last_arrival_us) {
        report.totals.consume_ms = millis(last - first).max(1);
    }
    if stage.plan().rate <= 0.0 {
        report.notes.push(
            "With rate 0 there is no schedule: latency counts from the call, and says nothing about a \
             wait before it."
                .to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_that_one_group_does_not_tell_is_not_known() {
        let group = |lag_end| Group { lag_end, ..Group::default() };
        assert_eq!(lag_of_all(&[group(Some(2)), group(Some(3))]), Some(5));
        assert_eq!(lag_of_all(&[group(Some(0)), group(None)]), None);
        assert_eq!(lag_of_all(&[]), None);
    }

    #[test]
    fn the_last_acknowledgements_do_not_lower_the_rate_of_a_schedule_that_was_kept() {
        let preset = Plan::preset("quick").expect("there is one");
        let scheduled = Plan { rate: 100.0, ..preset.clone() };
        assert_eq!(produced_until(&scheduled, 10_000_000, 10_040_000), 10_000_000);
        assert_eq!(produced_until(&scheduled, 10_000_000, 0), 10_000_000);
        assert_eq!(produced_until(&scheduled, 10_000_000, 14_000_000), 14_000_000);
        let unscheduled = Plan { rate: 0.0, ..preset };
        assert_eq!(produced_until(&unscheduled, 10_000_000, 10_040_000), 10_040_000);
    }
}
