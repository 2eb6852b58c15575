//! Fixtures are bytes that Kafka 4.3.1's own serializers wrote.

use super::*;
use crate::testing::from_hex;
use proptest::prelude::*;
use uuid::Uuid;

const OFFSET_KEY: &str = "00010002673100066f726465727300000007";
const GROUP_KEY: &str = "000200026731";
const LEGACY_KEY: &str = "00000002673100066f726465727300000007";
const CONSUMER_GROUP_KEY: &str = "000300026731";
const OFFSET_VALUE_0: &str = "0000000000000000002a00046e6f74650000018bcfe56800";
const OFFSET_VALUE_1: &str = "0001000000000000002a00046e6f74650000018bcfe568000000018bcfe58b28";
const OFFSET_VALUE_2: &str = "0002000000000000002a00046e6f74650000018bcfe56800";
const OFFSET_VALUE_3: &str = "0003000000000000002a0000000500046e6f74650000018bcfe56800";
const OFFSET_VALUE_4: &str = "0004000000000000002a00000005056e6f74650000018bcfe5680000";
const OFFSET_VALUE_4_ID: &str = "\
    0004000000000000002a00000005010000018bcfe568000100100102030405060708090a0b0c0d0e0f10";
const GROUP_VALUE_0: &str = "\
    00000008636f6e73756d657200000003000572616e676500036d2d310000000100036d2d31000163000a2f3132\
    372e302e302e310000afc80000000201020000000103";
const GROUP_VALUE_1: &str = "\
    00010008636f6e73756d657200000003000572616e676500036d2d310000000100036d2d31000163000a2f3132\
    372e302e302e310000ea600000afc80000000201020000000103";
const GROUP_VALUE_2: &str = "\
    00020008636f6e73756d657200000003000572616e676500036d2d310000018bcfe568000000000100036d2d31\
    000163000a2f3132372e302e302e310000ea600000afc80000000201020000000103";
const GROUP_VALUE_3: &str = "\
    00030008636f6e73756d657200000003000572616e676500036d2d310000018bcfe568000000000100036d2d31\
    0004696e7374000163000a2f3132372e302e302e310000ea600000afc80000000201020000000103";
const GROUP_VALUE_4: &str = "\
    000409636f6e73756d6572000000030672616e6765046d2d310000018bcfe5680002046d2d3105696e73740263\
    0b2f3132372e302e302e310000ea600000afc803010202030000";
const GROUP_EMPTY: &str = "00030008636f6e73756d657200000004ffffffff0000018bcfe5680000000000";

fn topic_id() -> TopicId {
    TopicId(Uuid::from_u128(0x0102030405060708090a0b0c0d0e0f10))
}

fn sample_offset(version: i16) -> OffsetAndMetadata {
    OffsetAndMetadata {
        offset: 42,
        leader_epoch: if version >= 3 { 5 } else { -1 },
        metadata: "note".to_owned(),
        commit_timestamp: 1_700_000_000_000,
        expire_timestamp: if version == 1 { 1_700_000_009_000 } else { -1 },
        topic_id: TopicId::ZERO,
    }
}

fn sample_group(version: i16) -> GroupMetadata {
    GroupMetadata {
        protocol_type: "consumer".to_owned(),
        generation: 3,
        protocol: Some("range".to_owned()),
        leader: Some("m-1".to_owned()),
        current_state_timestamp: if version >= 2 { 1_700_000_000_000 } else { -1 },
        members: vec![MemberMetadata {
            member_id: "m-1".to_owned(),
            group_instance_id: (version >= 3).then(|| "inst".to_owned()),
            client_id: "c".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            rebalance_timeout_ms: if version >= 1 { 60_000 } else { -1 },
            session_timeout_ms: 45_000,
            subscription: Bytes::from_static(&[1, 2]),
            assignment: Bytes::from_static(&[3]),
        }],
    }
}

fn commit(value: OffsetAndMetadata) -> Record {
    Record::OffsetCommit {
        group_id: "g1".to_owned(),
        topic: "orders".to_owned(),
        partition: 7,
        value,
    }
}

fn decode(key: &str, value: Option<&str>) -> Result<Record, DecodeError> {
    Record::decode(Some(&from_hex(key)), value.map(from_hex).as_deref())
}

#[test]
fn every_version_of_an_offset_that_kafka_wrote_is_read() {
    let values = [OFFSET_VALUE_0, OFFSET_VALUE_1, OFFSET_VALUE_2, OFFSET_VALUE_3, OFFSET_VALUE_4];
    for (version, value) in (0..).zip(values) {
        let expected = Ok(commit(sample_offset(version)));
        assert_eq!(decode(OFFSET_KEY, Some(value)), expected, "version {version}");
        assert_eq!(decode(LEGACY_KEY, Some(value)), expected, "version {version}");
    }
}

#[test]
fn every_version_of_a_group_that_kafka_wrote_is_read() {
    let values = [GROUP_VALUE_0, GROUP_VALUE_1, GROUP_VALUE_2, GROUP_VALUE_3, GROUP_VALUE_4];
    for (version, value) in (0..).zip(values) {
        let group_id = "g1".to_owned();
        let expected = Record::GroupMetadata { group_id, value: sample_group(version) };
        assert_eq!(decode(GROUP_KEY, Some(value)), Ok(expected), "version {version}");
    }
}

#[test]
fn offsets_are_written_byte_for_byte_like_kafkas() {
    let mut with_id = sample_offset(4);
    with_id.metadata.clear();
    with_id.topic_id = topic_id();
    for (value, expected) in [
        (sample_offset(4), OFFSET_VALUE_4),
        (with_id, OFFSET_VALUE_4_ID),
        (sample_offset(1), OFFSET_VALUE_1),
    ] {
        let encoded = commit(value.clone()).encode();
        assert_eq!(encoded, (Some(from_hex(OFFSET_KEY)), Some(from_hex(expected))));
        assert_eq!(decode(OFFSET_KEY, Some(expected)), Ok(commit(value)));
    }
}

#[test]
fn groups_are_written_byte_for_byte_like_kafkas() {
    let empty = GroupMetadata {
        generation: 4,
        protocol: None,
        leader: None,
        members: Vec::new(),
        ..sample_group(3)
    };
    for (value, expected) in [(sample_group(3), GROUP_VALUE_3), (empty, GROUP_EMPTY)] {
        let record = Record::GroupMetadata { group_id: "g1".to_owned(), value };
        assert_eq!(record.encode(), (Some(from_hex(GROUP_KEY)), Some(from_hex(expected))));
        assert_eq!(decode(GROUP_KEY, Some(expected)), Ok(record));
    }
}

#[test]
fn null_values_are_tombstones() {
    let offset = Record::OffsetTombstone {
        group_id: "g1".to_owned(),
        topic: "orders".to_owned(),
        partition: 7,
    };
    let group = Record::GroupTombstone { group_id: "g1".to_owned() };
    for (key, record) in [(OFFSET_KEY, offset), (GROUP_KEY, group)] {
        assert_eq!(record.encode(), (Some(from_hex(key)), None));
        assert_eq!(decode(key, None), Ok(record));
    }
}

#[test]
fn records_of_other_kinds_of_groups_come_back_unchanged() {
    let key = from_hex(CONSUMER_GROUP_KEY);
    let record = decode(CONSUMER_GROUP_KEY, Some("00ff")).unwrap();
    assert_eq!(record.encode(), (Some(key), Some(from_hex("00ff"))));
    assert!(matches!(record, Record::Unknown { .. }));
    let keyless = Record::decode(None, Some(b"v")).unwrap();
    assert_eq!(keyless.encode(), (None, Some(Bytes::from_static(b"v"))));
}

#[test]
fn memory_lent_to_one_record_after_the_other_shows_each_as_its_own() {
    let pairs = [
        (GROUP_KEY, Some(GROUP_VALUE_3)),
        (OFFSET_KEY, None),
        (OFFSET_KEY, Some(OFFSET_VALUE_4_ID)),
        (CONSUMER_GROUP_KEY, Some("00ff")),
        (GROUP_KEY, None),
        (OFFSET_KEY, Some(OFFSET_VALUE_1)),
    ];
    let mut scratch = BytesMut::new();
    for (key, value) in pairs {
        let expected = (Some(from_hex(key)), value.map(from_hex));
        decode(key, value).unwrap().encode_with(&mut scratch, |key, value| {
            assert_eq!((key, value), (expected.0.as_deref(), expected.1.as_deref()));
        });
    }
}

#[test]
fn unknown_value_versions_and_trailing_bytes_are_errors() {
    for value in ["0005", "ffff"] {
        let error = decode(GROUP_KEY, Some(value)).unwrap_err();
        assert!(matches!(error, DecodeError::UnsupportedVersion(_)), "{value}");
    }
    let longer = format!("{OFFSET_VALUE_3}00");
    assert_eq!(decode(OFFSET_KEY, Some(&longer)), Err(DecodeError::TrailingBytes(1)));
}

#[test]
fn every_truncation_is_an_error() {
    for (key, value) in [
        (OFFSET_KEY, OFFSET_VALUE_1),
        (OFFSET_KEY, OFFSET_VALUE_4_ID),
        (GROUP_KEY, GROUP_VALUE_3),
        (GROUP_KEY, GROUP_VALUE_4),
    ] {
        let (key, value) = (from_hex(key), from_hex(value));
        for len in 0..value.len() {
            assert!(Record::decode(Some(&key), Some(&value[..len])).is_err(), "{len}");
        }
        for len in 0..key.len() {
            assert!(Record::decode(Some(&key[..len]), Some(&value)).is_err(), "{len}");
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(
        kind in 0u8..4,
        key in proptest::collection::vec(any::<u8>(), 0..40),
        version in 0u8..6,
        value in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let key = [vec![0, kind], key].concat();
        let value = [vec![0, version], value].concat();
        if let Ok(record) = Record::decode(Some(&key), Some(&value)) {
            let (key, value) = record.encode();
            prop_assert_eq!(Record::decode(key.as_deref(), value.as_deref()), Ok(record));
        }
    }

    #[test]
    fn flipped_bytes_never_panic(at in 0usize..200, to in any::<u8>(), which in 0usize..4) {
        let values = [OFFSET_VALUE_4_ID, OFFSET_VALUE_1, GROUP_VALUE_3, GROUP_VALUE_4];
        let key = if which < 2 { OFFSET_KEY } else { GROUP_KEY };
        let mut value = from_hex(values[which]).to_vec();
        let at = at % value.len();
        value[at] = to;
        let _ = Record::decode(Some(&from_hex(key)), Some(&value));
    }
}
