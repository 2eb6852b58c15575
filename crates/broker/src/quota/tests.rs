//! Quotas in force, by the numbers that Kafka's formulas give.

use super::*;
use tidegate_machine::catalog::{CLIENT_ID, QuotaValue, USER};

const WINDOW: Window = Window { samples: 11, sample_ms: 1_000 };
const START: TimestampMs = 1_700_000_000_000;
const ME: Sender<'_> = Sender { user: "ANONYMOUS", client_id: "me" };
const OTHER: Sender<'_> = Sender { user: "ANONYMOUS", client_id: "other" };

/// Quotas of default entities of these types.
fn quotas(values: &[(&str, QuotaKind, f64)]) -> ClientQuotas {
    let quotas = ClientQuotas::new(WINDOW, WINDOW);
    quotas.set(&table(values));
    quotas
}

fn table(values: &[(&str, QuotaKind, f64)]) -> BTreeMap<QuotaEntity, Values> {
    let mut table: BTreeMap<QuotaEntity, Values> = BTreeMap::new();
    for (kind, quota, value) in values {
        let entity = QuotaEntity::new([((*kind).to_owned(), None)]);
        table.entry(entity).or_default().insert(quota.key().to_owned(), QuotaValue(*value));
    }
    table
}

#[test]
fn only_kinds_that_somebody_has_are_active() {
    let quotas = quotas(&[]);
    assert!(quotas.active().is_none());
    quotas.set(&table(&[(CLIENT_ID, QuotaKind::Fetch, 1.0), (IP, QuotaKind::Connection, 1.0)]));
    let active: Vec<_> =
        QuotaKind::ALL.into_iter().filter(|kind| quotas.active().has(*kind)).collect();
    assert_eq!(active, [QuotaKind::Fetch, QuotaKind::Connection]);
    quotas.set(&BTreeMap::new());
    assert!(quotas.active().is_none());
}

#[test]
fn clients_of_one_name_share_a_count_and_others_have_their_own() {
    let quotas = quotas(&[(CLIENT_ID, QuotaKind::Produce, 1_000.0)]);
    assert_eq!(quotas.record(QuotaKind::Produce, ME, 10_000.0, START), 0);
    assert_eq!(quotas.record(QuotaKind::Produce, OTHER, 10_000.0, START), 0);
    assert_eq!(quotas.record(QuotaKind::Produce, ME, 5_000.0, START), 5_000);
    assert_eq!(quotas.record(QuotaKind::Fetch, ME, 1e9, START), 0, "that kind has no quota");
}

#[test]
fn a_users_quota_is_shared_by_all_its_clients() {
    let quotas = quotas(&[(USER, QuotaKind::Produce, 1_000.0)]);
    assert_eq!(quotas.record(QuotaKind::Produce, ME, 10_000.0, START), 0);
    assert_eq!(quotas.record(QuotaKind::Produce, OTHER, 1_000.0, START), 1_000);
}

#[test]
fn a_changed_quota_judges_what_was_counted_before() {
    let quotas = quotas(&[(CLIENT_ID, QuotaKind::Produce, 1_000.0)]);
    assert_eq!(quotas.record(QuotaKind::Produce, ME, 15_000.0, START), 5_000);
    quotas.set(&table(&[(CLIENT_ID, QuotaKind::Produce, 2_000.0)]));
    assert_eq!(quotas.record(QuotaKind::Produce, ME, 0.0, START), 0);
    quotas.set(&table(&[(CLIENT_ID, QuotaKind::Produce, 750.0)]));
    assert_eq!(quotas.record(QuotaKind::Produce, ME, 0.0, START), 10_000);
}

#[test]
fn request_time_mutes_for_one_sample_at_most() {
    let quotas = quotas(&[(CLIENT_ID, QuotaKind::Request, 1.0)]);
    // 10.5 percent of a second over ten seconds: 5 % too much.
    assert_eq!(quotas.record(QuotaKind::Request, ME, 10.5, START), 500);
    assert_eq!(quotas.record(QuotaKind::Request, ME, 1_000.0, START), 1_000);
}

#[test]
fn an_answer_may_hold_what_ten_samples_allow() {
    let quotas = quotas(&[(CLIENT_ID, QuotaKind::Fetch, 1_000.0)]);
    assert_eq!(quotas.fetch_bytes_max(ME), Some(10_000.0));
    let nameless = Sender { user: "ANONYMOUS", client_id: "" };
    assert_eq!(quotas.fetch_bytes_max(nameless), None);
}

#[test]
fn strict_changes_of_topics_are_refused_until_paid_for() {
    let quotas = quotas(&[(CLIENT_ID, QuotaKind::ControllerMutation, 1.0)]);
    // The bucket holds 11; what is there may be overdrawn once.
    assert_eq!(quotas.record_mutation(ME, 14, true, START), Ok(0));
    let refused = Err(MutationRefused { throttle_ms: 3_000 });
    assert_eq!(quotas.record_mutation(ME, 1, true, START), refused);
    assert_eq!(quotas.record_mutation(OTHER, 1, true, START), Ok(0));
    assert_eq!(quotas.record_mutation(ME, 1, true, START + 3_000), Ok(0));
}

#[test]
fn older_clients_are_throttled_for_changes_of_topics_and_never_refused() {
    let quotas = quotas(&[(CLIENT_ID, QuotaKind::ControllerMutation, 1.0)]);
    assert_eq!(quotas.record_mutation(ME, 14, false, START), Ok(3_000));
    assert_eq!(quotas.record_mutation(ME, 1, false, START), Ok(4_000));
}

#[test]
fn a_throttled_connection_does_not_count() {
    let quotas = quotas(&[(IP, QuotaKind::Connection, 1.0)]);
    let address: IpAddr = "10.0.0.1".parse().expect("an address");
    for _ in 0..10 {
        assert_eq!(quotas.record_connection(address, START), 0);
    }
    for _ in 0..100 {
        assert_eq!(quotas.record_connection(address, START), 1_000, "the eleventh in ten seconds");
    }
    let mapped: IpAddr = "::ffff:10.0.0.1".parse().expect("an address");
    assert_eq!(quotas.record_connection(mapped, START), 1_000, "the same in IPv6's clothes");
    assert_eq!(quotas.record_connection("10.0.0.2".parse().expect("an address"), START), 0);
    assert_eq!(quotas.record_connection(address, START + 11_000), 0);
}

#[test]
fn names_that_change_all_the_time_take_bounded_memory_and_gain_nothing() {
    let quotas = quotas(&[(CLIENT_ID, QuotaKind::Produce, 1_000.0)]);
    let record = |name: usize, now| {
        let client_id = name.to_string();
        let sender = Sender { user: "ANONYMOUS", client_id: &client_id };
        quotas.record(QuotaKind::Produce, sender, 10_000.0, now)
    };
    for name in 0..SENSORS_MAX {
        assert_eq!(record(name, START), 0);
    }
    assert_eq!(record(SENSORS_MAX, START), 0, "the first of all others");
    assert_eq!(record(SENSORS_MAX + 1, START), 10_000, "they share one count");
    assert!(quotas.produce.lock().sensors.sensors.len() <= SENSORS_MAX + 1);
    assert_eq!(record(SENSORS_MAX + 2, START + 11_000), 0);
    assert_eq!(quotas.produce.lock().sensors.sensors.len(), 1, "the idle ones are forgotten");
}
