//! Client quotas, with the answers that Apache Kafka 4.3.1 gave to the same alterations.

use crate::catalog::{
    AlterQuotas, CatalogMachine, Command, ConfigChange, ConfigResource, ConfigRules, Configs,
    Failure, QuotaAlteration, QuotaEntity, QuotaValue, Record, Reply, Settings,
};
use crate::machine::{Machine, ReplyTo};
use crate::testing::AT_START;
use std::sync::Arc;
use tidegate_model::ErrorCode;

type Parts = &'static [(&'static str, Option<&'static str>)];
type Ops = &'static [(&'static str, Option<f64>)];

const PRODUCER: &str = "producer_byte_rate";
const PERCENTAGE: &str = "request_percentage";
const CONNECTIONS: &str = "connection_creation_rate";
const U: Parts = &[("user", Some("u"))];
const ADDRESS: Parts = &[("ip", Some("1.2.3.4"))];

/// Quotas have nothing to do with configurations: none exists here.
struct NoConfigs;

impl ConfigRules for NoConfigs {
    fn check(&self, _: &ConfigResource, _: &Configs) -> Result<(), Failure> {
        Ok(())
    }

    fn list_default(
        &self,
        _: &ConfigResource,
        name: &str,
        _: &ConfigChange,
    ) -> Result<String, Failure> {
        unreachable!("nothing is appended to {name}")
    }
}

fn machine() -> CatalogMachine {
    CatalogMachine::new(Settings::default(), Arc::new(NoConfigs))
}

fn entity(parts: Parts) -> QuotaEntity {
    QuotaEntity::new(parts.iter().map(|(kind, name)| ((*kind).to_owned(), name.map(str::to_owned))))
}

fn alter(
    machine: &mut CatalogMachine,
    entries: &[(Parts, Ops)],
    validate_only: bool,
) -> (Vec<Option<String>>, usize) {
    let alteration = |(parts, ops): &(Parts, Ops)| QuotaAlteration {
        entity: entity(parts),
        ops: ops.iter().map(|(key, value)| ((*key).to_owned(), value.map(QuotaValue))).collect(),
    };
    let alterations = entries.iter().map(alteration).collect();
    let command = Command::AlterQuotas(AlterQuotas { alterations, validate_only });
    let mut outcome = machine.step(AT_START, ReplyTo(1), command);
    for record in &outcome.records {
        let (key, value) = record.encode();
        let decoded = Record::decode(key.as_deref(), value.as_deref());
        assert_eq!(decoded.as_ref(), Ok(record), "records survive their encoding");
        machine.replay(AT_START, record);
    }
    let Some((_, Reply::AlterQuotas(rows))) = outcome.replies.pop() else {
        panic!("alterations are answered");
    };
    let rows = rows.into_iter().map(|(_, failure)| {
        let expected =
            if failure.message.is_some() { ErrorCode::InvalidRequest } else { ErrorCode::None };
        assert_eq!(failure.error, expected);
        failure.message
    });
    (rows.collect(), outcome.records.len())
}

fn value(machine: &CatalogMachine, parts: Parts, key: &str) -> Option<f64> {
    machine.catalog().quotas_of(&entity(parts))?.get(key).map(|value| value.0)
}

#[test]
fn each_refusal_has_kafkas_words_and_changes_nothing() {
    let refused: &[(Parts, Ops, &str)] = &[
        (&[], &[(PRODUCER, Some(1.0))], "Invalid empty client quota entity"),
        (&[("user", Some(""))], &[(PRODUCER, Some(1.0))], "Empty user not supported"),
        (&[("ip", Some(""))], &[(CONNECTIONS, Some(1.0))], "Empty ip not supported"),
        (&[("group", None)], &[], "Unhandled client quota entity type: group"),
        (U, &[("nope", Some(1.0))], "Invalid configuration key nope"),
        (U, &[(CONNECTIONS, Some(1.0))], "Invalid configuration key connection_creation_rate"),
        (ADDRESS, &[(PRODUCER, Some(1.0))], "Invalid configuration key producer_byte_rate"),
        (U, &[(PRODUCER, Some(-1.0))], "Quota producer_byte_rate must be greater than 0"),
        (U, &[(PERCENTAGE, Some(0.0))], "Quota request_percentage must be greater than 0"),
        (U, &[(PRODUCER, Some(1.5))], "producer_byte_rate cannot be a fractional value."),
        (U, &[(PRODUCER, Some(0.999_999_9))], "producer_byte_rate cannot be a fractional value."),
        (
            U,
            &[(PRODUCER, Some(9.3e18))],
            "Proposed value for producer_byte_rate is too large for a LONG.",
        ),
        (
            ADDRESS,
            &[(CONNECTIONS, Some(2_147_483_648.0))],
            "Proposed value for connection_creation_rate is too large for an INT.",
        ),
        (
            ADDRESS,
            &[(CONNECTIONS, Some(1.000_001_1))],
            "connection_creation_rate cannot be a fractional value.",
        ),
        (
            &[("ip", Some("300.1.1.1"))],
            &[(CONNECTIONS, Some(1.0))],
            "300.1.1.1 is not a valid IP or resolvable host.",
        ),
        (
            &[("ip", Some("1.2.3.4")), ("client-id", Some("c"))],
            &[(CONNECTIONS, Some(1.0))],
            "Invalid quota entity combination, IP entity shouldnot be combined with User or \
             ClientId",
        ),
        (
            &[("user", None), ("client-id", Some("c"))],
            &[(PRODUCER, Some(1.0)), (PRODUCER, Some(1.0))],
            "Ignoring duplicate entity ClientQuotaEntity(entries={client-id=c, user=null})",
        ),
        (U, &[(PRODUCER, Some(6.0)), ("nope", Some(1.0))], "Invalid configuration key nope"),
    ];
    for (parts, ops, message) in refused {
        let mut machine = machine();
        let (rows, records) = alter(&mut machine, &[(*parts, *ops)], false);
        assert_eq!(rows, [Some((*message).to_owned())], "{parts:?} {ops:?}");
        assert_eq!(records, 0, "{parts:?} {ops:?}");
    }
}

#[test]
fn what_kafka_takes_is_taken() {
    let taken: &[(Parts, Ops)] = &[
        (U, &[]),
        (U, &[("nope", None)]),
        (U, &[(PRODUCER, Some(1.000_000_1)), (PERCENTAGE, Some(0.5))]),
        (U, &[(PRODUCER, Some(i64::MAX as f64)), ("controller_mutation_rate", Some(0.25))]),
        (U, &[(PERCENTAGE, Some(f64::NAN)), (PRODUCER, Some(f64::NAN))]),
        (U, &[(PERCENTAGE, Some(f64::INFINITY))]),
        (&[("user", None), ("client-id", None)], &[("consumer_byte_rate", Some(1.0))]),
        (&[("client-id", Some("<default>"))], &[(PRODUCER, Some(1.0))]),
        (ADDRESS, &[(CONNECTIONS, Some(2_147_483_647.0))]),
        (&[("ip", Some("::1"))], &[(CONNECTIONS, Some(1.0))]),
        (&[("ip", None)], &[(CONNECTIONS, Some(1.0))]),
    ];
    for (parts, ops) in taken {
        let mut machine = machine();
        assert_eq!(alter(&mut machine, &[(*parts, *ops)], false).0, [None], "{parts:?} {ops:?}");
        for (key, expected) in *ops {
            let stored = value(&machine, parts, key).map(f64::to_bits);
            assert_eq!(stored, expected.map(f64::to_bits), "{key}");
        }
    }
}

#[test]
fn an_entity_named_twice_is_refused_but_keeps_what_came_first() {
    let mut machine = machine();
    let entries: &[(Parts, Ops)] = &[(U, &[(PRODUCER, Some(5.0))]), (U, &[(PRODUCER, Some(6.0))])];
    let (rows, _) = alter(&mut machine, entries, false);
    let message = "Ignoring duplicate entity ClientQuotaEntity(entries={user=u})";
    assert_eq!(rows, [Some(message.to_owned())]);
    assert_eq!(value(&machine, U, PRODUCER), Some(5.0));
}

#[test]
fn of_two_names_for_one_type_the_last_counts() {
    let mut machine = machine();
    let twice: Parts = &[("user", Some("u")), ("user", Some("v"))];
    assert_eq!(alter(&mut machine, &[(twice, &[(PRODUCER, Some(1.0))])], false).0, [None]);
    assert_eq!(value(&machine, &[("user", Some("v"))], PRODUCER), Some(1.0));
    assert_eq!(value(&machine, U, PRODUCER), None);
}

#[test]
fn only_changes_are_written_and_a_check_writes_nothing() {
    let mut machine = machine();
    let set: (Parts, Ops) = (U, &[(PRODUCER, Some(7.0))]);
    assert_eq!(alter(&mut machine, &[set], true), (vec![None], 0));
    assert_eq!(value(&machine, U, PRODUCER), None);
    assert_eq!(alter(&mut machine, &[set], false), (vec![None], 1));
    assert_eq!(alter(&mut machine, &[set], false), (vec![None], 0));
    let removed: (Parts, Ops) = (U, &[(PRODUCER, None)]);
    assert_eq!(alter(&mut machine, &[removed], false), (vec![None], 1));
    assert_eq!(alter(&mut machine, &[removed], false), (vec![None], 0));
    assert!(machine.catalog().quotas().is_empty(), "nothing is left of an entity without quotas");
}

#[test]
fn a_refused_entity_leaves_the_others_alone() {
    let mut machine = machine();
    let other: Parts = &[("client-id", Some("c"))];
    let entries: &[(Parts, Ops)] =
        &[(U, &[(PRODUCER, Some(6.0)), ("nope", Some(5.0))]), (other, &[(PRODUCER, Some(7.0))])];
    let (rows, _) = alter(&mut machine, entries, false);
    assert_eq!(rows, [Some("Invalid configuration key nope".to_owned()), None]);
    assert_eq!((value(&machine, U, PRODUCER), value(&machine, other, PRODUCER)), (None, Some(7.0)));
}
