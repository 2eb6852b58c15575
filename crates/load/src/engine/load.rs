//! The phases in which records flow: produce, drain, read.

use super::Attempt;
use super::commands;
use super::consume::{self, GroupState, Groups};
use super::drain;
use super::lag::{Lag, LagWatch};
use super::produce::{ProducerState, Producers};
use super::properties::{of_consumers, of_producers};
use super::read;
use super::sample::{self, Sampled, Summed};
use super::stage::Stage;
use super::stop::{Stop, Wish};
use crate::client::cluster::Cluster;
use crate::report::{Group, Report};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long groups may take to share their partitions before producing begins.
const ASSIGNMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// From the assignment to the first record. librdkafka has one fetch under way, and a partition whose offset
/// it learned later joins the next one: the first records would wait for the end of an empty fetch, 500 ms.
const SETTLE: Duration = Duration::from_secs(1);

/// What is known when records have stopped flowing.
pub(super) struct Loaded {
    pub summed: Summed,
    /// Until when records were offered, in microseconds since 1970.
    pub offered_until_us: i64,
}

/// What the threads beside the phases share with them.
struct Flow<'a> {
    attempt: &'a Attempt<'a>,
    stage: &'a Arc<Stage>,
    cluster: &'a Cluster,
    producers: Mutex<Vec<Arc<ProducerState>>>,
    lag: Lag,
    /// Ends commands and churn.
    produced: Stop,
    /// Ends the sampler.
    over: Stop,
    /// Ends the questions for the lag.
    left: Stop,
}

/// Produces, drains and reads. An error is why the target could not be used.
pub(super) fn run(
    attempt: &Attempt<'_>,
    stage: &Arc<Stage>,
    cluster: &Cluster,
    report: &mut Report,
) -> Result<Loaded, String> {
    let flow = Flow {
        attempt,
        stage,
        cluster,
        producers: Mutex::default(),
        lag: Lag::default(),
        produced: Stop::default(),
        over: Stop::default(),
        left: Stop::default(),
    };
    std::thread::scope(|scope| {
        let sampled = Sampled {
            stage,
            producers: &flow.producers,
            lag: &flow.lag,
            recorder: attempt.recorder,
            target_pid: &attempt.hooks.target_pid,
        };
        let over = &flow.over;
        let sampler = scope.spawn(move || sample::run(&sampled, over));
        let result = flow.produce_and_drain(report).and_then(|offered_until_us| {
            flow.read(report)?;
            Ok(offered_until_us)
        });
        flow.over.ask();
        let summed = sampler.join().expect("the sampler does not panic");
        result.map(|offered_until_us| Loaded { summed, offered_until_us })
    })
}

impl Flow<'_> {
    /// Everything up to the moment when all groups have left. Says until when records were offered.
    fn produce_and_drain(&self, report: &mut Report) -> Result<i64, String> {
        let (attempt, stage) = (self.attempt, self.stage);
        let unusable = |what: &str| {
            let what = what.to_owned();
            move |error: crate::client::ClientError| format!("{what}: {error}")
        };
        attempt.phase("produce", Some(stage.plan().duration.duration()));
        let groups = Groups::start(stage, of_consumers(stage.plan()))
            .map_err(unusable("the consumers could not be made"))?;
        let states = groups.states();
        let watch = LagWatch::new(self.cluster, &states)
            .map_err(unusable("the lag of the groups could not be asked for"))?;
        if !groups.await_assignment(ASSIGNMENT_TIMEOUT) && stage.stop.wish() == Wish::None {
            report.notes.push(format!(
                "The groups had not shared all partitions {} s after they were started; producing began \
                 all the same.",
                ASSIGNMENT_TIMEOUT.as_secs()
            ));
        }
        if !states.is_empty() {
            stage.stop.wait(SETTLE, Wish::Stop);
        }
        let groups = Mutex::new(groups);
        let result = std::thread::scope(|scope| {
            scope.spawn(|| watch.run(self.cluster, stage, &self.lag, &self.left));
            let result = self.produce(report, &groups);
            let result = result.and_then(|until_us| {
                self.drain(report, &states)?;
                Ok(until_us)
            });
            self.left.ask();
            result
        });
        groups.into_inner().expect("nobody panics with the lock").leave();
        // After they have left: what is not committed now never will be.
        let asked = watch.ask(self.cluster, stage, &self.lag);
        if let Err(error) = &asked {
            stage.error("admin", error);
        }
        let lags = asked.ok().and_then(|()| self.lag.by_group());
        report.groups = group_reports(&states, lags.as_deref());
        result
    }

    fn produce(&self, report: &mut Report, groups: &Mutex<Groups>) -> Result<i64, String> {
        let (attempt, stage) = (self.attempt, self.stage);
        let producers = Producers::start(stage, &of_producers(stage.plan()));
        let producers = producers.map_err(|error| match stage.plan().transactional {
            true => {
                format!("the target does not take transactions: {error}; leave out --transactional")
            }
            false => format!("the producers could not be made: {error}"),
        })?;
        self.producers.lock().expect("nobody panics with the lock").clone_from(&producers.states);
        let epoch_us = stage.epoch_us();
        let tell = |text: &str| attempt.line(text);
        let duration_us = i64::try_from(stage.plan().duration.as_micros()).unwrap_or(i64::MAX / 4);
        let (commands, until_us) = std::thread::scope(|scope| {
            let commands = scope.spawn(|| {
                let environment = &attempt.hooks.environment;
                let at = &stage.plan().at;
                commands::run_all(at, environment, stage.clock, epoch_us, &self.produced, &tell)
            });
            scope.spawn(|| consume::churn(stage, groups, &self.produced));
            let failed = producers.join();
            let until_us = stage.clock.now_us().min(epoch_us + duration_us);
            self.produced.ask();
            if let Some(error) = failed.first() {
                report.notes.push(format!("A producer could not go on: {error}"));
            }
            // Who ends a run at once ends transactions with it.
            if stage.stop.wish() != Wish::Abort {
                report.producers_ended = failed.len() as u64;
            }
            (commands.join().expect("commands do not panic"), until_us)
        });
        report.commands = commands;
        Ok(until_us)
    }

    fn drain(&self, report: &mut Report, groups: &[Arc<GroupState>]) -> Result<(), String> {
        if groups.is_empty() {
            return Ok(());
        }
        self.attempt.phase("drain", None);
        match drain::drain(self.attempt, self.stage, self.cluster, groups) {
            Ok(0) => Ok(()),
            Ok(left) => {
                let timeout = self.stage.plan().drain_timeout;
                report.notes.push(format!(
                    "The drain was given up with {left} records unread: no group had got another one for \
                     {timeout}, or it was stopped by hand."
                ));
                Ok(())
            }
            Err(error) => Err(gone(&error)),
        }
    }

    fn read(&self, report: &mut Report) -> Result<(), String> {
        let (attempt, stage) = (self.attempt, self.stage);
        if stage.stop.wish() == Wish::Abort {
            report
                .notes
                .push("The last read was left out: the run was stopped by hand.".to_owned());
            return Ok(());
        }
        attempt.phase("read", None);
        let told = drain::starts(attempt, stage, self.cluster)
            .and_then(|starts| Ok((starts, drain::ends(attempt, stage, self.cluster)?)));
        let (starts, ends) = match told.map_err(|error| gone(&error))? {
            (Some(starts), Some(ends)) => (starts, ends),
            _ => return Ok(()),
        };
        let done = read::read_all(stage, &of_consumers(stage.plan()), &starts, &ends)
            .map_err(|error| gone(&error))?;
        attempt.note(format!("{} records", stage.read_back.load(Ordering::Relaxed)));
        if done.unfinished > 0 {
            report.notes.push(format!(
                "{} partitions could not be read to their end: what lies there counts as absent.",
                done.unfinished
            ));
        }
        Ok(())
    }
}

fn gone(error: &crate::client::ClientError) -> String {
    format!(
        "the target could not be read at the end, so nothing can be said of its records: {error}; start it \
         again and repeat the run"
    )
}

fn group_reports(states: &[Arc<GroupState>], lags: Option<&[u64]>) -> Vec<Group> {
    let group = |(index, state): (usize, &Arc<GroupState>)| Group {
        group: state.name.clone(),
        members_max: state.members_max.load(Ordering::Acquire),
        consumed: state.consumed.load(Ordering::Acquire),
        redelivered: 0,
        rebalances: state.rebalances.load(Ordering::Acquire),
        lag_end: lags.and_then(|lags| lags.get(index).copied()),
    };
    states.iter().enumerate().map(group).collect()
}
