//! The codecs against frames that Kafka's own classes wrote: every message, every version.

mod support;

use bytes::{Bytes, BytesMut};
use std::collections::BTreeSet;
use support::every::{recode_request, recode_response};
use support::{Golden, Variant, golden, golden_requests};
use tidegate_wire::fetch::{decode_fetch_request, decode_fetch_response};
use tidegate_wire::header::decode_request_header;
use tidegate_wire::offsets::decode_offset_commit_request;
use tidegate_wire::produce::decode_produce_request;
use tidegate_wire::{guard, header};

const PRODUCE: i16 = 0;
const FETCH: i16 = 1;
const OFFSET_COMMIT: i16 = 8;

#[test]
fn every_version_of_every_message_has_a_golden_frame() {
    let have: BTreeSet<_> = golden()
        .iter()
        .filter(|golden| golden.variant != Variant::Tagged)
        .map(|golden| (golden.api_key, golden.version, golden.is_request, golden.variant as u8))
        .collect();
    let mut want = BTreeSet::new();
    for request in guard::requests() {
        for version in request.first..=request.last {
            for variant in [Variant::Full, Variant::Null] {
                want.insert((request.key, version, true, variant as u8));
                want.insert((request.key, version, false, variant as u8));
            }
        }
    }
    assert_eq!(have, want);
}

#[test]
fn requests_decode_and_encode_to_the_bytes_of_kafka() {
    for golden in golden_requests().iter().filter(|golden| !is_lossy(golden)) {
        let encoded = recode_request(BytesMut::from(&golden.frame[..]));
        let encoded = encoded.unwrap_or_else(|error| panic!("{golden}: {error}"));
        assert_eq!(hex(&encoded), framed(golden), "{golden}");
    }
}

#[test]
fn responses_decode_and_encode_to_the_bytes_of_kafka() {
    for golden in golden().iter().filter(|golden| !golden.is_request && !is_lossy(golden)) {
        let frame = Bytes::copy_from_slice(&golden.frame);
        let encoded = recode_response(golden.api_key, golden.version, frame);
        let encoded = encoded.unwrap_or_else(|error| panic!("{golden}: {error}"));
        assert_eq!(hex(&encoded), framed(golden), "{golden}");
    }
}

/// True if our codec leaves out what it knows no use for; tests of their own follow.
fn is_lossy(golden: &Golden) -> bool {
    match golden.api_key {
        PRODUCE => golden.variant == Variant::Tagged,
        FETCH if golden.is_request => golden.variant == Variant::Tagged,
        FETCH => golden.variant != Variant::Full,
        OFFSET_COMMIT => golden.is_request && golden.version == 1,
        _ => false,
    }
}

#[test]
fn tagged_fields_of_produce_responses_are_passed_over() {
    let mut seen = 0;
    for golden in golden().iter().filter(|golden| is(golden, PRODUCE, false, Variant::Tagged)) {
        let frame = Bytes::copy_from_slice(&golden.frame);
        let encoded = recode_response(PRODUCE, golden.version, frame).expect("decodes");
        let full = find(PRODUCE, golden.version, false, Variant::Full);
        assert_eq!(hex(&encoded), framed(&full), "{golden}");
        seen += 1;
    }
    assert!(seen > 0, "leader hints are in version 10");
}

#[test]
fn tagged_fields_of_fetch_requests_are_passed_over_except_the_replica_id() {
    for golden in golden().iter().filter(|golden| is(golden, FETCH, true, Variant::Tagged)) {
        let tagged = decode_fetch_request(golden.version, body(golden)).expect("decodes");
        let full = find(FETCH, golden.version, true, Variant::Full);
        let mut full = decode_fetch_request(golden.version, body(&full)).expect("decodes");
        if golden.version >= 15 {
            assert_eq!(full.replica_id, -1, "{golden}");
            assert!(tagged.replica_id > 0, "{golden}");
            full.replica_id = tagged.replica_id;
        }
        assert_eq!(tagged, full, "{golden}");
    }
}

#[test]
fn the_diverging_epoch_of_fetch_responses_is_tagged_as_kafka_tags_it() {
    for golden in golden().iter().filter(|golden| is(golden, FETCH, false, Variant::Tagged)) {
        let version = golden.version;
        let frame = Bytes::copy_from_slice(&golden.frame);
        let (_, tagged) = decode_fetch_response(version, frame.clone()).expect("decodes");
        let encoded = recode_response(FETCH, version, frame).expect("decodes");
        for partition in tagged.topics.iter().flat_map(|topic| &topic.partitions) {
            let (epoch, end_offset) = partition.diverging_epoch.expect("all tags are there");
            // Tag 0 of 13 bytes: the epoch, its end offset, and no further tags inside.
            let tag = format!("000d{epoch:08x}{end_offset:016x}00");
            assert!(hex(&golden.frame).contains(&tag), "{golden} has no {tag}");
            assert!(hex(&encoded).contains(&tag), "{golden} is written without {tag}");
        }
        let (_, again) = decode_fetch_response(version, encoded.slice(4..)).expect("decodes");
        assert_eq!(again, tagged, "{golden}");
        let full = find(FETCH, version, false, Variant::Full).frame;
        let (_, full) = decode_fetch_response(version, full.into()).expect("decodes");
        let mut untagged = tagged;
        for partition in untagged.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            partition.diverging_epoch = None;
        }
        assert_eq!(untagged, full, "{golden}");
    }
}

#[test]
fn null_records_of_a_fetch_response_are_read_as_none_and_written_as_kafka_writes_none() {
    for golden in golden().iter().filter(|golden| is(golden, FETCH, false, Variant::Null)) {
        let frame = Bytes::copy_from_slice(&golden.frame);
        let (_, read) = decode_fetch_response(golden.version, frame.clone()).expect("decodes");
        assert!(read.topics[0].partitions[0].records.is_empty());
        // The last four bytes are the length of the records, or, if flexible, that length and
        // three counts of no tagged fields. Null is -1 or 0, none is 0 or 1.
        let mut expected = golden.frame.clone();
        let flexible = header::is_flexible(FETCH, golden.version);
        let at = expected.len() - 4;
        if flexible {
            assert_eq!(expected[at..], [0, 0, 0, 0]);
            expected[at] = 1;
        } else {
            assert_eq!(expected[at..], [0xff; 4]);
            expected[at..].fill(0);
        }
        let encoded = recode_response(FETCH, golden.version, frame).expect("decodes");
        assert_eq!(hex(&encoded[4..]), hex(&expected), "{golden}");
    }
}

#[test]
fn the_commit_timestamp_of_offset_commit_version_1_is_passed_over() {
    let v1 = find(OFFSET_COMMIT, 1, true, Variant::Full);
    let v6 = find(OFFSET_COMMIT, 6, true, Variant::Full);
    let v1 = decode_offset_commit_request(1, body(&v1)).expect("decodes");
    let mut v6 = decode_offset_commit_request(6, body(&v6)).expect("decodes");
    for partition in v6.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
        partition.leader_epoch = -1;
    }
    assert_eq!(v1, v6);
}

#[test]
fn records_of_a_produce_request_are_cut_out_of_the_frame_and_not_copied() {
    for golden in golden().iter().filter(|golden| is(golden, PRODUCE, true, Variant::Full)) {
        let frame = body(golden);
        let within = frame.as_ptr_range();
        let request = decode_produce_request(golden.version, frame).expect("decodes");
        for partition in request.topics.iter().flat_map(|topic| &topic.partitions) {
            let records = partition.records.as_ref().expect("full frames have records");
            assert!(within.contains(&records.as_ptr()), "{golden}");
        }
    }
}

fn is(golden: &Golden, api_key: i16, is_request: bool, variant: Variant) -> bool {
    (golden.api_key, golden.is_request, golden.variant) == (api_key, is_request, variant)
}

fn find(api_key: i16, version: i16, is_request: bool, variant: Variant) -> Golden {
    golden()
        .into_iter()
        .find(|golden| is(golden, api_key, is_request, variant) && golden.version == version)
        .expect("every version has a golden frame")
}

fn body(golden: &Golden) -> BytesMut {
    let mut frame = BytesMut::from(&golden.frame[..]);
    let header = decode_request_header(&mut frame).expect("golden headers are whole");
    assert_eq!(header.api_version, golden.version);
    assert_eq!(header.correlation_id, 7);
    assert_eq!(header.client_id.as_deref(), Some("golden"));
    frame
}

fn framed(golden: &Golden) -> String {
    let mut frame = (golden.frame.len() as u32).to_be_bytes().to_vec();
    frame.extend_from_slice(&golden.frame);
    hex(&frame)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
