//! That faults are named, all of them, and nothing else is.

mod world;

use super::*;
use crate::message::SchemaIds;
use std::collections::BTreeMap;
use world::{Deed, Record, World, plan, read};

const IN_RECORDS: [FaultKind; 12] = [
    FaultKind::Lost,
    FaultKind::Missed,
    FaultKind::Duplicated,
    FaultKind::Reordered,
    FaultKind::ChangedValue,
    FaultKind::ChangedKey,
    FaultKind::ChangedHeaders,
    FaultKind::ChangedTimestamp,
    FaultKind::WrongOffset,
    FaultKind::WrongPartition,
    FaultKind::WrongSchema,
    FaultKind::Foreign,
];

fn found(verdict: &Verdict) -> BTreeMap<FaultKind, u64> {
    verdict.faults.iter().map(|fault| (fault.kind, fault.count)).collect()
}

/// A history of 1,500 records, of which about `of_thousand` in a thousand get a deed.
fn history(seed: u64, deeds: &[Deed], of_thousand: u64) -> World {
    let mut world = World::new(&plan(), seed);
    for _ in 0..1500 {
        let producer = world.random.below(3) as u32;
        let deed = (world.random.below(1000) < of_thousand)
            .then(|| deeds[world.random.below(deeds.len() as u64) as usize]);
        world.send(producer, deed);
        world.go_on(4);
        if world.random.below(200) == 0 {
            let (group, partition) = (world.random.below(2), world.random.below(6));
            world.rebalance(group as u32, partition as usize);
        }
    }
    world
}

#[test]
fn a_clean_history_has_no_faults() {
    for seed in 1..=20 {
        let verdict = history(seed, &[], 0).end(&[]);
        assert_eq!(found(&verdict), BTreeMap::new(), "seed {seed}: {verdict:?}");
        assert!(verdict.clean && verdict.complete, "seed {seed}");
        let counts = &verdict.counts;
        assert_eq!((counts.sent, counts.acknowledged, counts.present), (1500, 1500, 1500));
        assert_eq!((counts.failed, counts.unresolved, counts.offsets_skipped), (0, 0, 0));
        for group in &counts.groups {
            assert_eq!(group.delivered - group.redelivered, 1500, "seed {seed}");
        }
    }
}

#[test]
fn records_that_nobody_acknowledged_are_no_faults() {
    let deeds = [Deed::Refused, Deed::NotAcknowledgedButThere];
    for seed in 1..=10 {
        let verdict = history(seed, &deeds, 100).end(&[]);
        assert_eq!(found(&verdict), BTreeMap::new(), "seed {seed}: {verdict:?}");
        let counts = &verdict.counts;
        assert_eq!(counts.sent, counts.acknowledged + counts.failed, "seed {seed}");
        assert!(counts.unacknowledged_present > 10, "seed {seed}");
        assert!(verdict.notes.iter().any(|note| note.contains("nobody acknowledged")));
    }
}

#[test]
fn each_kind_of_fault_is_named_and_no_other() {
    for kind in IN_RECORDS {
        for seed in 1..=4 {
            let world = history(seed, &[Deed::Fault(kind)], 20);
            let expected = world.done.clone();
            let verdict = world.end(&[]);
            assert_eq!(found(&verdict), expected, "{kind:?} seed {seed}: {verdict:#?}");
            let fault = &verdict.faults[0];
            assert_eq!(fault.examples.len(), (fault.count as usize).min(EXAMPLES_MAX));
            assert!(!verdict.clean && verdict.complete);
            for example in &fault.examples {
                assert!(example.topic.is_some() && example.partition.is_some(), "{example:?}");
                assert_ne!(example.expected, example.found, "{kind:?}");
                if kind != FaultKind::Foreign {
                    assert!(example.producer.is_some() && example.counter.is_some());
                }
            }
        }
    }
}

#[test]
fn faults_of_all_kinds_at_once_are_told_apart() {
    let deeds: Vec<Deed> = IN_RECORDS.into_iter().map(Deed::Fault).collect();
    for seed in 100..=130 {
        let world = history(seed, &deeds, 50);
        let expected = world.done.clone();
        let verdict = world.end(&[]);
        assert_eq!(found(&verdict), expected, "seed {seed}: {verdict:#?}");
    }
}

#[test]
fn a_verdict_is_the_same_when_asked_twice() {
    let deeds: Vec<Deed> = IN_RECORDS.into_iter().map(Deed::Fault).collect();
    let world = history(9, &deeds, 50);
    let judge = world.judge.clone();
    assert_eq!(world.end(&[]), judge.verdict());
}

#[test]
fn a_record_delivered_again_without_a_rebalance_is_a_fault_and_with_one_is_not() {
    for rebalanced in [true, false] {
        let mut world = World::new(&plan(), 3);
        (0..30).for_each(|_| world.send(0, None));
        let longest = (0..6).max_by_key(|at| world.logs[*at].len()).unwrap();
        world.deliver_at(1, longest, 0);
        world.deliver_at(1, longest, 1);
        let name = world.name(longest);
        if rebalanced {
            world.consumers[1].assigned(&[name]);
        }
        world.deliver_at(1, longest, 0);
        world.consumers[1].assigned(&[name]);
        let verdict = world.end(&[]);
        if rebalanced {
            assert_eq!(found(&verdict), BTreeMap::new(), "{verdict:#?}");
        } else {
            assert_eq!(found(&verdict), BTreeMap::from([(FaultKind::DeliveredAgain, 1)]));
            let example = &verdict.faults[0].examples[0];
            assert_eq!((example.group, example.offset), (Some(1), Some(0)));
            assert_eq!(example.expected, "an offset above 1");
        }
    }
}

#[test]
fn offsets_that_go_back_to_new_records_are_a_fault() {
    let mut world = World::new(&plan(), 3);
    (0..30).for_each(|_| world.send(0, None));
    let longest = (0..6).max_by_key(|at| world.logs[*at].len()).unwrap();
    world.deliver_at(0, longest, 1);
    world.deliver_at(0, longest, 0);
    let name = world.name(longest);
    world.consumers[0].assigned(&[name]);
    let verdict = world.end(&[]);
    assert_eq!(found(&verdict), BTreeMap::from([(FaultKind::OffsetWentBack, 1)]));
}

#[test]
fn what_retention_deleted_is_told_and_is_no_loss() {
    let world = history(4, &[], 0);
    let cut = world.logs[2].len() / 2;
    let verdict = world.end(&[0, 0, cut, 0, 0, 0]);
    assert_eq!(found(&verdict), BTreeMap::new(), "{verdict:#?}");
    assert_eq!(verdict.counts.expired, cut as u64);
    assert!(!verdict.complete);
    assert!(verdict.notes.iter().any(|note| note.contains("retention")), "{:?}", verdict.notes);
}

#[test]
fn a_partition_that_was_not_read_to_its_end_makes_no_loss() {
    let mut world = World::new(&plan(), 5);
    (0..100).for_each(|_| world.send(1, None));
    world.go_on(1000);
    let judge = world.judge.clone();
    drop(world);
    let verdict = judge.verdict();
    assert_eq!(found(&verdict), BTreeMap::new(), "{verdict:#?}");
    assert!(!verdict.complete);
    assert!(verdict.counts.unknown > 0);
    assert_eq!(verdict.counts.unknown, verdict.counts.acknowledged);
    assert!(verdict.notes[0].starts_with("6 of 6 partitions were not read"), "{:?}", verdict.notes);
}

#[test]
fn the_end_of_a_log_that_is_gone_is_lost_although_it_was_delivered() {
    let mut world = World::new(&plan(), 6);
    (0..60).for_each(|_| world.send(2, None));
    world.go_on(3000);
    let gone = world.logs[0].len();
    assert!(gone > 0);
    let judge = world.judge.clone();
    let mut logs = std::mem::take(&mut world.logs);
    drop(world);
    logs[0].clear();
    for (index, log) in logs.iter().enumerate() {
        let name = (index as u32 / 2, index as i32 % 2);
        let mut reader = judge.last_reader(name.0, name.1, 0);
        (0..).zip(log).for_each(|(offset, record)| read(&mut reader, record, name, offset));
        reader.finish();
    }
    let verdict = judge.verdict();
    assert_eq!(found(&verdict).get(&FaultKind::Lost), Some(&(gone as u64)), "{verdict:#?}");
    let lost = &verdict.faults[0].examples[0];
    assert_eq!(lost.found, "delivered to a group, then absent");
}

/// Consumers that are far behind, or none: reports do not fit into the window, and sums remain.
fn history_without_window(seed: u64, kind: Option<FaultKind>, window_max: usize) -> World {
    let mut world = World::new(&plan(), seed);
    world.judge.shared.state().offsets.window_max = window_max;
    for n in 0..1500 {
        let producer = world.random.below(3) as u32;
        world.send(producer, kind.filter(|_| n % 100 == 50).map(Deed::Fault));
        world.go_on(4);
    }
    world
}

#[test]
fn without_a_window_nothing_is_named_that_is_not() {
    for window_max in [0, 1, 20] {
        for seed in 1..=5 {
            for kind in [None, Some(FaultKind::Lost), Some(FaultKind::Duplicated)] {
                let world = history_without_window(seed, kind, window_max);
                let expected = world.done.clone();
                let verdict = world.end(&[]);
                assert_eq!(found(&verdict), expected, "{kind:?} {window_max} {seed}: {verdict:#?}");
            }
        }
    }
}

#[test]
fn without_a_window_sums_still_find_wrong_offsets() {
    for window_max in [0, 1, 20] {
        for seed in 1..=5 {
            for kind in [FaultKind::WrongOffset, FaultKind::WrongPartition] {
                let verdict = history_without_window(seed, Some(kind), window_max).end(&[]);
                let wrong = found(&verdict);
                assert!(wrong.contains_key(&FaultKind::WrongOffset), "{kind:?} {verdict:#?}");
                let others = wrong.keys().filter(|found| {
                    !matches!(found, FaultKind::WrongOffset | FaultKind::WrongPartition)
                });
                assert_eq!(others.count(), 0, "{verdict:#?}");
                assert!(verdict.faults.iter().any(|fault| fault.at_least), "{verdict:#?}");
            }
        }
    }
}

#[test]
fn acks_zero_has_no_offsets_to_compare() {
    let mut plan = plan();
    (plan.acks, plan.idempotent) = (crate::plan::Acks::None, false);
    let mut world = World::new(&plan, 8);
    for _ in 0..100 {
        world.send(0, Some(Deed::NotAcknowledgedButThere));
    }
    (0..100).for_each(|counter| world.producers[0].acknowledged(counter, 0, 0, None));
    let verdict = world.end(&[]);
    assert_eq!(found(&verdict), BTreeMap::new(), "{verdict:#?}");
    assert_eq!(verdict.counts.acknowledged, 100);
}

#[test]
fn an_offset_that_cannot_be_is_wrong() {
    let mut world = World::new(&plan(), 8);
    for _ in 0..3 {
        world.send(0, Some(Deed::NotAcknowledgedButThere));
    }
    world.producers[0].acknowledged(0, 0, 0, Some(-1));
    world.producers[0].acknowledged(1, 1, 17, Some(5));
    let verdict = world.end(&[]);
    assert_eq!(found(&verdict), BTreeMap::from([(FaultKind::WrongOffset, 2)]), "{verdict:#?}");
}

#[test]
fn records_from_before_the_run_are_not_judged() {
    let plan = plan();
    let run = Run::new(&plan, 77, SchemaIds::made_up(&plan));
    let judge = Judge::new(run, &[vec![2, 0], vec![0, 0], vec![0, 0]]);
    let old = Record {
        key: None,
        value: Some(b"old".to_vec()),
        headers: vec![],
        timestamp: Timestamp::Missing,
        hidden_from: None,
    };
    for (topic, partition) in (0..3).flat_map(|topic| [(topic, 0), (topic, 1)]) {
        let mut reader = judge.last_reader(topic, partition, 0);
        if (topic, partition) == (0, 0) {
            (0..2).for_each(|offset| read(&mut reader, &old, (0, 0), offset));
        }
        reader.finish();
    }
    let verdict = judge.verdict();
    assert!(verdict.clean && verdict.complete, "{verdict:#?}");
    assert_eq!(verdict.counts.earlier, 2);
}

#[test]
fn an_aborted_record_that_is_visible_is_a_fault() {
    let mut world = World::new(&plan(), 8);
    world.send(0, Some(Deed::NotAcknowledgedButThere));
    world.producers[0].failed(0, Failure::Aborted);
    let verdict = world.end(&[]);
    assert_eq!(found(&verdict), BTreeMap::from([(FaultKind::AbortedVisible, 1)]), "{verdict:#?}");
}

#[test]
fn an_aborted_record_that_only_a_group_got_is_a_fault() {
    let mut world = World::new(&plan(), 8);
    world.send(0, Some(Deed::NotAcknowledgedButThere));
    world.producers[0].failed(0, Failure::Aborted);
    let partition = world.logs.iter().position(|log| !log.is_empty()).unwrap();
    world.deliver_at(0, partition, 0);
    // The last reader does not see it.
    world.logs[partition].clear();
    let verdict = world.end(&[]);
    assert_eq!(found(&verdict), BTreeMap::from([(FaultKind::AbortedVisible, 1)]), "{verdict:#?}");
    assert_eq!(verdict.notes, Vec::<String>::new());
}

#[test]
fn kinds_are_numbered_and_named_as_in_reports() {
    for (index, kind) in FaultKind::ALL.iter().enumerate() {
        assert_eq!(*kind as usize, index);
        assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{}\"", kind.name()));
    }
}
