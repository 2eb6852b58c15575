//! Gathers what a run tells while it lasts: for the report, for who watches, and for Prometheus.

use super::latency::{Latency, new_histogram};
use super::model::{Phase, Report, Totals};
use super::series::{Sample, Second, Series};
use crate::live::Live;
use crate::metrics::Exporter;
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// What is known of a run while it lasts.
#[derive(Debug)]
pub struct SoFar<'a> {
    /// The phase that goes on.
    pub phase: &'a str,
    /// Since when.
    pub phase_elapsed: Duration,
    /// How long the phase will take, where that is known.
    pub phase_planned: Option<Duration>,
    /// What was counted.
    pub totals: &'a Totals,
    /// Faults so far.
    pub faults: u64,
    /// Errors so far.
    pub errors: u64,
    /// The last samples, the newest last.
    pub recent: &'a [Sample],
}

/// Gathers what a run tells while it lasts. One thread calls it.
#[derive(Debug)]
pub struct Recorder {
    began: Instant,
    phases: Vec<Phase>,
    phase_began: Instant,
    phase_planned: Option<Duration>,
    series: Series,
    totals: Totals,
    faults: u64,
    errors: u64,
    recent: Vec<Sample>,
    ack: Histogram<u64>,
    end_to_end: Histogram<u64>,
    live: Live,
    exporter: Option<Exporter>,
}

/// How many of the last samples are kept for the live view.
const RECENT: usize = 60;

impl Recorder {
    /// A recorder of a run that begins now.
    pub fn new(live: Live, exporter: Option<Exporter>) -> Self {
        let now = Instant::now();
        Self {
            began: now,
            phases: Vec::new(),
            phase_began: now,
            phase_planned: None,
            series: Series::new(),
            totals: Totals::default(),
            faults: 0,
            errors: 0,
            recent: Vec::new(),
            ack: new_histogram(),
            end_to_end: new_histogram(),
            live,
            exporter,
        }
    }

    /// Since when the run lasts: the zero of every `at_ms`.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Ends the phase before, if any, and begins this one, which takes as long as planned, if that is known.
    pub fn phase(&mut self, name: &str, planned: Option<Duration>) {
        self.end_phase();
        self.phase_began = Instant::now();
        self.phase_planned = planned;
        let at_ms = millis(self.phase_began - self.began);
        self.phases.push(Phase { name: name.to_owned(), at_ms, ..Phase::default() });
        if let Some(exporter) = &self.exporter {
            exporter.phase(name);
        }
        self.show();
    }

    /// Says what came of the phase that goes on.
    pub fn note(&mut self, text: impl Into<String>) {
        if let Some(phase) = self.phases.last_mut() {
            phase.note = text.into();
        }
    }

    /// One line for who watches: a command ran, a broker went away.
    pub fn line(&mut self, text: &str) {
        self.live.line(text);
        self.show();
    }

    /// Takes what happened in a second, shows it, and gives its sample back.
    pub fn second(&mut self, second: &Second) -> Sample {
        let totals = &mut self.totals;
        totals.offered += second.offered;
        totals.acknowledged += second.acknowledged;
        totals.failed += second.failed;
        totals.consumed += second.consumed;
        totals.acknowledged_bytes += second.acknowledged_bytes;
        totals.consumed_bytes += second.consumed_bytes;
        totals.rebalances += second.rebalances;
        totals.lag_max = totals.lag_max.max(second.lag);
        totals.lag_end = second.lag.or(totals.lag_end);
        self.faults += second.faults;
        self.errors += second.errors;
        // Both have the bounds of `new_histogram`, or smaller ones: nothing that was recorded is out of range.
        let _ = self.ack.add(&second.ack);
        let _ = self.end_to_end.add(&second.end_to_end);
        let sample = self.series.push(second);
        if let Some(exporter) = &self.exporter {
            exporter.second(second, &sample);
        }
        if self.recent.len() == RECENT {
            self.recent.remove(0);
        }
        self.recent.push(sample.clone());
        self.show();
        sample
    }

    /// What was counted so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Latencies of all acknowledgements so far.
    pub fn ack(&self) -> &Histogram<u64> {
        &self.ack
    }

    /// Latencies so far from due to received.
    pub fn end_to_end(&self) -> &Histogram<u64> {
        &self.end_to_end
    }

    /// Ends the last phase and the live view, and fills what it knows of the report: phases, samples, latencies, how long the run
    /// took, and the totals that are sums of seconds. `produce_ms`, `consume_ms` and `read_back` stay as they are.
    pub fn finish(mut self, report: &mut Report) {
        self.end_phase();
        self.live.end();
        let given = &report.totals;
        let (produce_ms, consume_ms, read_back) =
            (given.produce_ms, given.consume_ms, given.read_back);
        report.totals = Totals { produce_ms, consume_ms, read_back, ..self.totals };
        report.took_ms = millis(self.began.elapsed());
        report.phases = self.phases;
        report.samples = self.series.samples();
        report.ack_latency = Latency::of(&self.ack);
        report.end_to_end_latency = Latency::of(&self.end_to_end);
    }

    fn end_phase(&mut self) {
        if let Some(phase) = self.phases.last_mut() {
            phase.took_ms = millis(self.phase_began.elapsed());
            self.live.phase_ended(phase);
        }
    }

    fn show(&mut self) {
        let so_far = SoFar {
            phase: self.phases.last().map_or("", |phase| &phase.name),
            phase_elapsed: self.phase_began.elapsed(),
            phase_planned: self.phase_planned,
            totals: &self.totals,
            faults: self.faults,
            errors: self.errors,
            recent: &self.recent,
        };
        self.live.show(&so_far);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
