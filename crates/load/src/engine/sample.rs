//! The sampler: once a second it takes away what all threads have measured, and tells the recorder.

use super::consume::GroupState;
use super::lag::Lag;
use super::produce::{ProducerState, offered};
use super::stage::Stage;
use super::stop::{Stop, Wish};
use super::tally::Measured;
use crate::report::{Meter, Recorder, Second, Usage};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(1);

/// What the sampler looks at.
pub(super) struct Sampled<'a> {
    pub stage: &'a Stage,
    pub producers: &'a Mutex<Vec<Arc<ProducerState>>>,
    pub lag: &'a Lag,
    pub recorder: &'a Mutex<Recorder>,
    /// The target's process, if it is known; asked for each second, for it may be another one.
    pub target_pid: &'a (dyn Fn() -> Option<u32> + Sync),
}

/// What the sampler knows at the end, beside what the recorder has.
#[derive(Debug, Default)]
pub(super) struct Summed {
    pub first_ack_us: Option<i64>,
    pub last_ack_us: Option<i64>,
    pub first_arrival_us: Option<i64>,
    pub last_arrival_us: Option<i64>,
    pub usage: Usage,
    pub target_usage: Option<Usage>,
}

/// What was counted up to the last second.
#[derive(Default)]
struct Before {
    offered: u64,
    errors: u64,
    faults: u64,
    at: Duration,
}

/// Samples until `over`, and once more at the end.
pub(super) fn run(sampled: &Sampled<'_>, over: &Stop) -> Summed {
    let mut before = Before { at: sampled.stage.clock.elapsed(), ..Before::default() };
    let mut meter = Meter::of_self();
    let mut target: Option<(u32, Meter)> = None;
    let mut summed = Summed::default();
    let mut next = Instant::now() + INTERVAL;
    loop {
        let last = over.wait_until(next, Wish::Stop);
        // A machine that was too busy does not get its seconds back in a row.
        next = (next + INTERVAL).max(Instant::now() + INTERVAL / 2);
        second(sampled, &mut before, &mut meter, &mut summed);
        watch_target((sampled.target_pid)(), &mut target);
        if last {
            break;
        }
    }
    summed.usage = meter.usage();
    summed.target_usage = target.map(|(_, meter)| meter.usage());
    summed
}

fn watch_target(pid: Option<u32>, target: &mut Option<(u32, Meter)>) {
    let Some(pid) = pid else { return };
    match target {
        Some((known, meter)) if *known == pid => {
            meter.read();
        }
        _ => *target = Some((pid, Meter::of_process(pid))),
    }
}

fn second(sampled: &Sampled<'_>, before: &mut Before, meter: &mut Meter, summed: &mut Summed) {
    let stage = sampled.stage;
    let (mut acks, mut arrivals) = (Measured::default(), Measured::default());
    stage.acks.take(&mut acks);
    stage.arrivals.take(&mut arrivals);
    let first_and_last =
        |first: &mut Option<i64>, last: &mut Option<i64>, times: Option<(i64, i64)>| {
            if let Some((from, to)) = times {
                first.get_or_insert(from);
                *last = Some(to);
            }
        };
    first_and_last(&mut summed.first_ack_us, &mut summed.last_ack_us, acks.times_us);
    first_and_last(&mut summed.first_arrival_us, &mut summed.last_arrival_us, arrivals.times_us);
    let states = sampled.producers.lock().expect("nobody panics with the lock").clone();
    let sum = |of: fn(&ProducerState) -> u64| states.iter().map(|state| of(state)).sum::<u64>();
    let resolved = sum(|state| state.resolved.load(Ordering::Acquire));
    let sent = sum(|state| state.sent.load(Ordering::Acquire));
    let sent_bytes = sum(|state| state.sent_bytes.load(Ordering::Relaxed));
    let offered = offered(stage, &states, stage.clock.now_us()).max(before.offered);
    let (errors, faults) = (stage.errors.total(), stage.judge.progress().faults);
    let at = stage.clock.elapsed();
    let (cpu_s, rss_bytes) = meter.read();
    let told = Second {
        at,
        span: at.saturating_sub(before.at),
        offered: offered - before.offered,
        acknowledged: acks.records,
        failed: acks.failed,
        consumed: arrivals.records,
        acknowledged_bytes: bytes_of(acks.records, sent, sent_bytes),
        consumed_bytes: arrivals.bytes,
        errors: errors.saturating_sub(before.errors),
        rebalances: arrivals.rebalances,
        faults: faults.saturating_sub(before.faults),
        outstanding: offered.saturating_sub(resolved),
        lag: sampled.lag.total(),
        cpu_s,
        rss_bytes,
        ack: acks.latency,
        end_to_end: arrivals.latency,
    };
    *before = Before { offered, errors, faults, at };
    sampled.recorder.lock().expect("nobody panics with the lock").second(&told);
}

/// Bytes of acknowledged records. Values are all of one size and keys nearly so, so the mean of what was
/// sent is as good as keeping each record's size until its delivery report.
fn bytes_of(records: u64, sent: u64, sent_bytes: u64) -> u64 {
    match sent {
        0 => 0,
        sent => (u128::from(records) * u128::from(sent_bytes) / u128::from(sent)) as u64,
    }
}

/// Records that groups have delivered to their applications.
pub(super) fn consumed(groups: &[Arc<GroupState>]) -> u64 {
    groups.iter().map(|group| group.consumed.load(Ordering::Relaxed)).sum()
}
