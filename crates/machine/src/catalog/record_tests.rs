//! Fixtures are bytes that Kafka 4.3.1's own `MetadataRecordSerde` wrote.

use super::*;
use crate::testing::from_hex;
use proptest::prelude::*;
use uuid::Uuid;

const TOPIC_HEX: &str = "010200076f72646572730102030405060708090a0b0c0d0e0f1000";
const PARTITION_0: &str = "\
    010300000000020102030405060708090a0b0c0d0e0f1003000000010000000202000000010102000000020000\
    0001000000060000000900";
const PARTITION_1: &str = "\
    010301000000020102030405060708090a0b0c0d0e0f1003000000010000000202000000010102000000020000\
    00010000000600000009030102030405060708090a0b0c0d0e0f100000000000000000000000000000000000";
const PARTITION_1_RECOVERING: &str = "\
    010301000000020102030405060708090a0b0c0d0e0f1003000000010000000202000000010102000000020000\
    00010000000600000009030102030405060708090a0b0c0d0e0f10000000000000000000000000000000000100\
    0101";
const PARTITION_2: &str = "\
    010302000000020102030405060708090a0b0c0d0e0f1003000000010000000202000000010102000000020000\
    00010000000600000009030102030405060708090a0b0c0d0e0f10000000000000000000000000000000000201\
    050200000002020101";
const CONFIG_HEX: &str = "01040002076f72646572730d726574656e74696f6e2e6d73053130303000";
const CONFIG_NULL: &str = "010400040102780000";
const REMOVE_TOPIC_HEX: &str = "0109000102030405060708090a0b0c0d0e0f1000";
const PRODUCER_IDS_HEX: &str = "010f0000000001ffffffffffffffff00000000000007d000";
const QUOTA_HEX: &str = "\
    010e0002057573657202750013726571756573745f70657263656e746167653fe00000000000000000";
const QUOTA_OF_DEFAULTS: &str = "\
    010e00030a636c69656e742d69640000057573657200001370726f64756365725f627974655f7261746540590000\
    000000000000";
const QUOTA_REMOVED: &str = "\
    010e0002057573657202750013726571756573745f70657263656e7461676500000000000000000100";
const FEATURE_LEVEL: &str = "010c00116d657461646174612e76657273696f6e001d00";

fn topic_id() -> TopicId {
    TopicId(Uuid::from_u128(0x0102030405060708090a0b0c0d0e0f10))
}

fn partition(version: u8) -> PartitionRecord {
    PartitionRecord {
        version,
        partition: 2,
        topic_id: topic_id(),
        replicas: vec![1, 2],
        isr: vec![1],
        removing_replicas: Vec::new(),
        adding_replicas: vec![2],
        leader: 1,
        leader_recovery_state: 0,
        leader_epoch: 6,
        partition_epoch: 9,
        directories: if version >= 1 { vec![topic_id(), TopicId::ZERO] } else { Vec::new() },
        eligible_leader_replicas: (version >= 2).then(|| vec![2]),
        last_known_elr: (version >= 2).then(Vec::new),
    }
}

fn quota(parts: &[(&str, Option<&str>)], key: &str, value: Option<f64>) -> Record {
    let parts = parts.iter().map(|(kind, name)| ((*kind).to_owned(), name.map(str::to_owned)));
    let entity = QuotaEntity::new(parts);
    Record::ClientQuota { entity, key: key.to_owned(), value: value.map(QuotaValue) }
}

fn samples() -> Vec<(&'static str, Record)> {
    let recovering = PartitionRecord { leader_recovery_state: 1, ..partition(1) };
    vec![
        (TOPIC_HEX, Record::Topic { name: "orders".to_owned(), topic_id: topic_id() }),
        (PARTITION_0, Record::Partition(partition(0))),
        (PARTITION_1, Record::Partition(partition(1))),
        (PARTITION_1_RECOVERING, Record::Partition(recovering)),
        (PARTITION_2, Record::Partition(partition(2))),
        (
            CONFIG_HEX,
            Record::Config {
                resource: ConfigResource::topic("orders"),
                name: "retention.ms".to_owned(),
                value: Some("1000".to_owned()),
            },
        ),
        (
            CONFIG_NULL,
            Record::Config {
                resource: ConfigResource::broker(None),
                name: "x".to_owned(),
                value: None,
            },
        ),
        (REMOVE_TOPIC_HEX, Record::RemoveTopic { topic_id: topic_id() }),
        (
            PRODUCER_IDS_HEX,
            Record::ProducerIds { broker_id: 1, broker_epoch: -1, next_producer_id: 2_000 },
        ),
        (QUOTA_HEX, quota(&[("user", Some("u"))], "request_percentage", Some(0.5))),
        (
            QUOTA_OF_DEFAULTS,
            quota(&[("user", None), ("client-id", None)], "producer_byte_rate", Some(100.0)),
        ),
        (QUOTA_REMOVED, quota(&[("user", Some("u"))], "request_percentage", None)),
    ]
}

#[test]
fn records_are_read_and_written_byte_for_byte_like_kafkas() {
    for (hex, record) in samples() {
        assert_eq!(Record::decode(None, Some(&from_hex(hex))), Ok(record.clone()));
        assert_eq!(record.encode(), (None, Some(from_hex(hex))), "{record:?}");
    }
}

#[test]
fn records_of_other_kinds_come_back_unchanged() {
    let bytes = from_hex(FEATURE_LEVEL);
    let record = Record::decode(None, Some(&bytes)).unwrap();
    assert!(matches!(record, Record::Unknown { .. }));
    assert_eq!(record.encode(), (None, Some(bytes)));
}

#[test]
fn unknown_frames_and_versions_are_errors() {
    for hex in ["000200", "020200", "010201", "010303"] {
        let error = Record::decode(None, Some(&from_hex(hex))).unwrap_err();
        assert!(matches!(error, DecodeError::UnsupportedVersion(_)), "{hex}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    for (hex, _) in samples() {
        let bytes = from_hex(hex);
        for len in 0..bytes.len() {
            assert!(Record::decode(None, Some(&bytes[..len])).is_err(), "{hex} at {len}");
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(
        kind in 0u8..20,
        version in 0u8..4,
        value in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let value = [vec![1, kind, version], value].concat();
        if let Ok(record) = Record::decode(None, Some(&value)) {
            let (key, value) = record.encode();
            prop_assert_eq!(Record::decode(key.as_deref(), value.as_deref()), Ok(record));
        }
    }

    #[test]
    fn flipped_bytes_never_panic(which in 0usize..12, at in 0usize..200, to in any::<u8>()) {
        let mut bytes = from_hex(samples()[which].0).to_vec();
        let at = at % bytes.len();
        bytes[at] = to;
        let _ = Record::decode(None, Some(&bytes));
    }
}
