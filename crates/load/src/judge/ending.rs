//! The verdict: what is known only when everything was read.

use super::offsets::{Mismatch, Place, RecordId};
use super::state::{Producer, Reading, State, example};
use super::{Example, FaultKind, Shared, Verdict};
use std::sync::atomic::Ordering;

/// What became of an acknowledged record that the last reader did not find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Lost,
    /// Its log's beginning was deleted, and it may have been there.
    Expired,
    /// A partition where it may be could not be read to the end.
    Unknown,
}

pub(super) fn verdict(shared: &Shared) -> Verdict {
    let state = shared.state();
    Ending::new(shared, &state).verdict()
}

struct Ending<'a> {
    shared: &'a Shared,
    state: &'a State,
    verdict: Verdict,
    faults: super::faults::Faults,
    offsets: super::offsets::Offsets,
    /// Lost records whose delivery report is not known any more.
    lost_somewhere: i64,
}

impl<'a> Ending<'a> {
    fn new(shared: &'a Shared, state: &'a State) -> Ending<'a> {
        Ending {
            shared,
            state,
            verdict: Verdict { counts: state.counts.clone(), ..Verdict::default() },
            faults: state.faults.clone(),
            offsets: state.offsets.clone(),
            lost_somewhere: 0,
        }
    }

    fn verdict(mut self) -> Verdict {
        self.count();
        self.absent();
        self.aborted();
        self.misplaced();
        self.sums();
        self.notes();
        let mut verdict = self.verdict;
        verdict.faults = self.faults.found();
        verdict.clean = verdict.faults.is_empty();
        verdict
    }

    fn count(&mut self) {
        let counts = &mut self.verdict.counts;
        for (producer, sent) in self.state.producers.iter().zip(self.shared.sent.iter()) {
            let sent = sent.load(Ordering::Relaxed);
            let (acknowledged, failed) = (producer.acknowledged.len(), producer.failed.len());
            counts.sent += sent;
            counts.acknowledged += acknowledged;
            counts.failed += failed;
            counts.unresolved += sent.saturating_sub(acknowledged + failed);
            counts.present += producer.present.len();
            counts.unacknowledged_present +=
                producer.present.minus(&producer.acknowledged).count() as u64;
        }
    }

    /// Acknowledged records that the last reader did not find.
    fn absent(&mut self) {
        let state = self.state;
        for (producer, known) in state.producers.iter().enumerate() {
            for counter in known.acknowledged.minus(&known.present) {
                let id = RecordId::new(producer as u32, counter);
                let reported = state.offsets.reported_place(id);
                let topic = self.shared.run.topic(producer as u32, counter);
                match self.fate(topic, reported) {
                    Fate::Lost => self.lost(id, topic, reported, known),
                    Fate::Expired => self.verdict.counts.expired += 1,
                    Fate::Unknown => self.verdict.counts.unknown += 1,
                }
            }
        }
    }

    /// Records of aborted transactions that a group got, and the last reader did not: what both got was
    /// counted when it was read.
    fn aborted(&mut self) {
        let state = self.state;
        for (producer, known) in state.producers.iter().enumerate() {
            let hidden = known.aborted.minus(&known.present);
            for counter in hidden.filter(|counter| known.seen.contains(*counter)) {
                let (run, producer) = (&self.shared.run, producer as u32);
                self.faults.add(FaultKind::AbortedVisible, || Example {
                    topic: Some(run.plan().topic(run.topic(producer, counter))),
                    producer: Some(producer),
                    counter: Some(counter),
                    expected: "not visible: its transaction was aborted".to_owned(),
                    found: "delivered to a group".to_owned(),
                    ..Example::default()
                });
            }
        }
    }

    fn fate(&self, topic: u32, reported: Option<Place>) -> Fate {
        let per_topic = self.shared.run.plan().partitions;
        // Without its place, it may have been in any partition of its topic.
        let (partitions, offset) = match reported {
            Some(place) => (place.partition..place.partition + 1, place.offset),
            None => (topic * per_topic..(topic + 1) * per_topic, i64::MIN),
        };
        let readings = || {
            partitions.clone().map(|index| (index as usize, &self.state.readings[index as usize]))
        };
        let cut = |(index, reading): (usize, &Reading)| {
            reading.log_start.is_some_and(|start| start > self.shared.starts[index].max(offset))
        };
        if readings().any(cut) {
            Fate::Expired
        } else if readings().any(|(_, reading)| !reading.done) {
            Fate::Unknown
        } else {
            Fate::Lost
        }
    }

    fn lost(&mut self, id: RecordId, topic: u32, reported: Option<Place>, known: &Producer) {
        let unplaced = known.unplaced.contains(id.counter());
        let seen = known.seen.contains(id.counter());
        match reported {
            Some(place) => self.offsets.explain(id, place),
            None => self.lost_somewhere += i64::from(!unplaced),
        }
        let run = &self.shared.run;
        self.faults.add(FaultKind::Lost, || {
            let found = if seen { "delivered to a group, then absent" } else { "absent" };
            let expected = "in the log: it was acknowledged".to_owned();
            let known = match reported {
                Some(place) => example(run, Some(id), place),
                None => Example {
                    topic: Some(run.plan().topic(topic)),
                    producer: Some(id.producer()),
                    counter: Some(id.counter()),
                    ..Example::default()
                },
            };
            Example { expected, found: found.to_owned(), ..known }
        });
    }

    /// Delivery reports whose records lie elsewhere.
    fn misplaced(&mut self) {
        for (id, Mismatch { reported, found }) in self.offsets.mismatches() {
            if !self.state.producers[id.producer() as usize].present.contains(id.counter()) {
                // It was seen once and is not there any more: it counts as lost.
                continue;
            }
            self.offsets.explain(id, reported);
            let kind = match reported.partition == found.partition {
                true => FaultKind::WrongOffset,
                false => FaultKind::WrongPartition,
            };
            let run = &self.shared.run;
            let partitions = run.plan().partitions;
            let show = |place: Place| {
                format!("offset {} of partition {}", place.offset, place.partition % partitions)
            };
            self.faults.add(kind, || Example {
                expected: format!("{}, by its delivery report", show(reported)),
                found: show(found),
                ..example(run, Some(id), found)
            });
        }
        self.faults.add_more(FaultKind::WrongOffset, self.offsets.more_mismatches);
    }

    /// Stretches of offsets where reports and records do not add up, although no record is known
    /// that would explain it: their reports had left the window before they were read.
    fn sums(&mut self) {
        let exact = |place: &Place| {
            let reading = &self.state.readings[place.partition as usize];
            let start = self.shared.starts[place.partition as usize];
            let whole =
                reading.log_start.is_some_and(|log_start| log_start <= start.max(place.offset));
            reading.done && whole && !reading.repeated
        };
        let mut stretches = self.offsets.unexplained();
        stretches.retain(|(place, _)| exact(place));
        let missing: i64 = stretches.iter().map(|(_, sum)| sum.records.max(0)).sum();
        let lost_explain = missing <= self.lost_somewhere;
        for (place, sum) in stretches {
            if lost_explain && sum.records > 0 {
                continue;
            }
            self.faults.at_least(FaultKind::WrongOffset);
            let run = &self.shared.run;
            self.faults.add(FaultKind::WrongOffset, || Example {
                expected: "each record where its delivery report says".to_owned(),
                found: "other records at some of the 4096 offsets from here".to_owned(),
                ..example(run, None, place)
            });
        }
    }

    fn notes(&mut self) {
        let plan = self.shared.run.plan();
        let counts = &self.verdict.counts;
        let (unread, vanished) = (self.unread(), self.vanished());
        let mut notes = Vec::new();
        if unread > 0 {
            notes.push(format!(
                "{unread} of {} partitions were not read to their end at last; {} acknowledged records may be \
                 there or not",
                self.state.readings.len(),
                counts.unknown
            ));
        }
        if counts.expired > 0 {
            notes.push(format!(
                "{} acknowledged records are not there any more, in topics whose beginning the target deleted: \
                 nobody can tell whether that was all; make retention longer than the run",
                counts.expired
            ));
        }
        if counts.unacknowledged_present > 0 {
            notes.push(format!(
                "{} records are there although nobody acknowledged them, which is allowed",
                counts.unacknowledged_present
            ));
        }
        if vanished > 0 && unread == 0 {
            notes.push(format!(
                "{vanished} records that nobody acknowledged were delivered and are not in the log at the end"
            ));
        }
        if counts.timestamps_not_compared > 0 {
            notes.push(format!(
                "the timestamps of {} records are the broker's (LogAppendTime) and were not compared",
                counts.timestamps_not_compared
            ));
        }
        if self.offsets.sums_overflowed {
            notes.push(
                "the run was too long to check the offset of every delivery report".to_owned(),
            );
        }
        let repeats = self.faults.clone().found();
        let by_retries = |kind| matches!(kind, FaultKind::Duplicated | FaultKind::Reordered);
        if !plan.idempotent
            && !plan.transactional
            && repeats.iter().any(|fault| by_retries(fault.kind))
        {
            notes.push(
                "the producers were not idempotent: after a broken connection they send records again \
                 themselves; with idempotent = true only the target can repeat or reorder them"
                    .to_owned(),
            );
        }
        self.verdict.complete = unread == 0 && counts.expired == 0 && !self.offsets.sums_overflowed;
        self.verdict.notes = notes;
    }

    /// Partitions that were not read to their end.
    fn unread(&self) -> usize {
        self.state.readings.iter().filter(|reading| !reading.done).count()
    }

    /// Records that a group got and the log has no more, of those that nobody acknowledged.
    fn vanished(&self) -> usize {
        let of_one = |known: &Producer| {
            let gone = known.seen.minus(&known.present);
            gone.filter(|n| !known.acknowledged.contains(*n) && !known.aborted.contains(*n)).count()
        };
        self.state.producers.iter().map(of_one).sum()
    }
}
