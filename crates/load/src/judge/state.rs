//! What the judge knows, in memory that does not grow with the run: sets of counters, a window and
//! sums of offsets, and the faults so far.

use super::counters::CounterSet;
use super::faults::{Faults, Wanted};
use super::inspect::Flaw;
use super::offsets::{Offsets, Place, RecordId};
use super::{Counts, Example, Failure, FaultKind, GroupCounts, Progress};
use crate::message::Run;
use std::collections::VecDeque;
use std::sync::Arc;

/// What became of a record at the producer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) counter: u64,
    pub(super) result: Result,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Result {
    Acknowledged(Place),
    /// Without an offset, as it is asked for with acks=0.
    AcknowledgedSomewhere,
    /// At a place that cannot be.
    AcknowledgedNowhere {
        partition: i32,
        offset: i64,
    },
    Failed(Failure),
}

/// A record that a reader got.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Which, if it can be named.
    pub(super) id: Option<RecordId>,
    pub(super) place: Place,
    /// Whether its group had been further already.
    pub(super) again: bool,
    /// The offset before it, if that was not smaller.
    pub(super) behind: Option<i64>,
}

/// A flaw, and the record that has it.
#[derive(Debug)]
pub(super) struct SeenFlaw {
    pub(super) flaw: Flaw,
    pub(super) id: Option<RecordId>,
    pub(super) place: Place,
    pub(super) group: Option<u32>,
}

/// What the judge knows.
#[derive(Debug)]
pub(super) struct State {
    run: Arc<Run>,
    pub(super) producers: Vec<Producer>,
    groups: Vec<Group>,
    pub(super) offsets: Offsets,
    pub(super) faults: Faults,
    pub(super) readings: Vec<Reading>,
    pub(super) counts: Counts,
}

/// What is known of a producer's records.
#[derive(Default, Debug)]
pub(super) struct Producer {
    pub(super) acknowledged: CounterSet,
    pub(super) failed: CounterSet,
    pub(super) aborted: CounterSet,
    /// Acknowledged, but not at a place that can be compared.
    pub(super) unplaced: CounterSet,
    /// Which some group got.
    pub(super) seen: CounterSet,
    /// Which the last reader found.
    pub(super) present: CounterSet,
}

#[derive(Default, Debug)]
struct Group {
    /// By producer.
    delivered: Vec<CounterSet>,
}

/// The last reading of a partition.
#[derive(Clone, Default, Debug)]
pub(super) struct Reading {
    /// Where it began; none if it did not.
    pub(super) log_start: Option<i64>,
    pub(super) done: bool,
    /// Whether a record was found twice, of which the sums cannot know either place.
    pub(super) repeated: bool,
    /// By producer: the counter behind the largest so far.
    ends: Vec<u64>,
    /// The records before, so that an example can say where a repeated one lay first.
    recent: VecDeque<(RecordId, i64)>,
}

const RECENT: usize = 1024;

impl State {
    pub(super) fn new(run: &Arc<Run>, groups: u32, wanted: Arc<Wanted>) -> State {
        let plan = run.plan();
        let sets = || (0..plan.producers).map(|_| CounterSet::default()).collect();
        let counts = Counts {
            groups: (0..groups).map(|_| GroupCounts::default()).collect(),
            ..Default::default()
        };
        State {
            producers: (0..plan.producers).map(|_| Producer::default()).collect(),
            groups: (0..groups).map(|_| Group { delivered: sets() }).collect(),
            offsets: Offsets::default(),
            faults: Faults::new(wanted),
            readings: vec![Reading::default(); (plan.topics * plan.partitions) as usize],
            counts,
            run: run.clone(),
        }
    }

    /// What a producer's thread told.
    pub(super) fn told(&mut self, producer: u32, told: &[Told]) {
        for Told { counter, result } in told.iter().copied() {
            let id = RecordId::new(producer, counter);
            let known = &mut self.producers[producer as usize];
            match result {
                Result::Acknowledged(place) => {
                    if known.acknowledged.insert(counter) {
                        self.offsets.reported(id, place, known.seen.contains(counter));
                    }
                }
                Result::AcknowledgedSomewhere => {
                    known.acknowledged.insert(counter);
                    known.unplaced.insert(counter);
                    self.offsets.never_reported(id);
                }
                Result::AcknowledgedNowhere { partition, offset } => {
                    known.acknowledged.insert(counter);
                    known.unplaced.insert(counter);
                    self.offsets.never_reported(id);
                    let run = &self.run;
                    self.faults.add(FaultKind::WrongOffset, || Example {
                        topic: Some(run.plan().topic(run.topic(producer, counter))),
                        partition: Some(partition),
                        producer: Some(producer),
                        counter: Some(counter),
                        expected: "an offset of a partition that there is".to_owned(),
                        found: format!("offset {offset} of partition {partition}"),
                        ..Example::default()
                    });
                }
                Result::Failed(failure) => {
                    known.failed.insert(counter);
                    if failure == Failure::Aborted {
                        known.aborted.insert(counter);
                    }
                    self.offsets.never_reported(id);
                }
            }
        }
    }

    /// What a consumer of a group got.
    pub(super) fn consumed(&mut self, group: u32, seen: &[Seen]) {
        let counts = &mut self.counts.groups[group as usize];
        counts.delivered += seen.len() as u64;
        for Seen { id, place, again, behind } in seen.iter().copied() {
            let new = id.is_some_and(|id| {
                let sets = &mut self.groups[group as usize].delivered;
                sets[id.producer() as usize].insert(id.counter())
            });
            if let Some(last) = behind {
                let kind = match new {
                    true => FaultKind::OffsetWentBack,
                    false => FaultKind::DeliveredAgain,
                };
                let run = &self.run;
                self.faults.add(kind, || Example {
                    group: Some(group),
                    expected: format!("an offset above {last}"),
                    found: format!("offset {}", place.offset),
                    ..example(run, id, place)
                });
            } else if again {
                self.counts.groups[group as usize].redelivered += 1;
            }
            let Some(id) = id else { continue };
            let known = &mut self.producers[id.producer() as usize];
            let settled =
                known.acknowledged.contains(id.counter()) || known.failed.contains(id.counter());
            if known.seen.insert(id.counter()) {
                self.offsets.seen(id, place, settled);
            }
        }
    }

    /// The last reading of a partition begins.
    pub(super) fn last_reading(&mut self, partition: u32, log_start: i64) {
        let ends = vec![0; self.producers.len()];
        let log_start = Some(log_start);
        self.readings[partition as usize] = Reading { log_start, ends, ..Reading::default() };
    }

    /// It reached the end.
    pub(super) fn last_reading_done(&mut self, partition: u32) {
        let reading = &mut self.readings[partition as usize];
        reading.done = true;
        (reading.ends, reading.recent) = (Vec::new(), VecDeque::new());
    }

    /// What the last reader of a partition counted besides.
    pub(super) fn read_besides(&mut self, earlier: u64, skipped: u64, not_compared: u64) {
        self.counts.earlier += earlier;
        self.counts.offsets_skipped += skipped;
        self.counts.timestamps_not_compared += not_compared;
    }

    /// What the last reader of a partition got.
    pub(super) fn read_last(&mut self, partition: u32, seen: &[Seen]) {
        for Seen { id, place, behind, .. } in seen.iter().copied() {
            let run = &self.run;
            if let Some(last) = behind {
                self.faults.add(FaultKind::OffsetWentBack, || Example {
                    expected: format!("an offset above {last}"),
                    found: format!("offset {}", place.offset),
                    ..example(run, id, place)
                });
            }
            if let Some(id) = id {
                self.found(partition, id, place);
            }
        }
    }

    fn found(&mut self, partition: u32, id: RecordId, place: Place) {
        let (producer, counter) = (id.producer() as usize, id.counter());
        let known = &mut self.producers[producer];
        let first = known.present.insert(counter);
        let acknowledged = known.acknowledged.contains(counter);
        let reading = &mut self.readings[partition as usize];
        let run = &self.run;
        if acknowledged && !known.unplaced.contains(counter) {
            self.offsets.found_at_last(id, place, first);
        }
        if !first {
            reading.repeated = true;
            let before = reading.recent.iter().rev().find(|(other, _)| *other == id);
            self.faults.add(FaultKind::Duplicated, || Example {
                expected: "once".to_owned(),
                found: match before {
                    Some((_, offset)) => format!("again, first at offset {offset}"),
                    None => "again".to_owned(),
                },
                ..example(run, Some(id), place)
            });
            return;
        }
        let end = &mut reading.ends[producer];
        if counter < *end {
            let after = *end - 1;
            self.faults.add(FaultKind::Reordered, || Example {
                expected: format!("before counter {after} of its producer"),
                found: "behind it".to_owned(),
                ..example(run, Some(id), place)
            });
        }
        *end = (*end).max(counter + 1);
        if reading.recent.len() == RECENT {
            reading.recent.pop_front();
        }
        reading.recent.push_back((id, place.offset));
        if known.aborted.contains(counter) {
            self.faults.add(FaultKind::AbortedVisible, || Example {
                expected: "not visible: its transaction was aborted".to_owned(),
                found: "in the log".to_owned(),
                ..example(run, Some(id), place)
            });
        }
        if acknowledged {
            self.missed(id, place);
        }
    }

    /// Looks which groups did not get a record.
    fn missed(&mut self, id: RecordId, place: Place) {
        for (group, known) in self.groups.iter().enumerate() {
            if !known.delivered[id.producer() as usize].contains(id.counter()) {
                let run = &self.run;
                self.faults.add(FaultKind::Missed, || Example {
                    group: Some(group as u32),
                    expected: format!("delivered to group {group}"),
                    found: "never delivered".to_owned(),
                    ..example(run, Some(id), place)
                });
            }
        }
    }

    /// What was wrong with records that readers got.
    pub(super) fn flawed(&mut self, flaws: impl Iterator<Item = SeenFlaw>) {
        for SeenFlaw { flaw, id, place, group } in flaws {
            let run = &self.run;
            self.faults.add_once(flaw.kind, id, place, || {
                let (expected, found) = flaw.shown.unwrap_or_default();
                Example { group, expected, found, ..example(run, id, place) }
            });
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let sum = |set: fn(&Producer) -> &CounterSet| {
            self.producers.iter().map(set).map(CounterSet::len).sum()
        };
        let groups = &self.counts.groups;
        Progress {
            acknowledged: sum(|producer| &producer.acknowledged),
            failed: sum(|producer| &producer.failed),
            consumed: groups.iter().map(|group| group.delivered).sum(),
            faults: self.faults.count() + self.offsets.suspects(),
            redelivered: groups.iter().map(|group| group.redelivered).sum(),
        }
    }
}

/// An example with what is known of a record.
pub(super) fn example(run: &Run, id: Option<RecordId>, place: Place) -> Example {
    let partitions = run.plan().partitions;
    Example {
        topic: Some(run.plan().topic(place.partition / partitions)),
        partition: Some((place.partition % partitions) as i32),
        offset: Some(place.offset),
        producer: id.map(RecordId::producer),
        counter: id.map(RecordId::counter),
        ..Example::default()
    }
}
