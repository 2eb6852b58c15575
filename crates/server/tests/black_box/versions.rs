//! Every version of every request type that is served, as Kafka writes it.

use crate::common::{Gateway, RawClient};
use crate::quotas;
use crate::wire_support::every::{recode_response, show_response};
use crate::wire_support::{Variant, golden_requests};
use bytes::Bytes;
use kafka_protocol::messages::*;
use tidegate_server::api::APIS;
use tidegate_wire::WireError;
use tidegate_wire::codec::encode_request;
use tidegate_wire::fetch::{FetchRequest, encode_fetch_request};
use tidegate_wire::offsets::{
    OffsetCommitRequest, OffsetFetchRequest, encode_offset_commit_request,
    encode_offset_fetch_request,
};
use tidegate_wire::produce::{ProduceRequest, encode_produce_request};

/// A request frame in which every field has its default.
fn default_frame(key: i16, version: i16) -> Result<Bytes, WireError> {
    macro_rules! of {
        ($request:ty) => {
            encode_request(key, version, 7, "raw", &<$request>::default())
        };
    }
    match key {
        0 => {
            let request = ProduceRequest { acks: -1, ..Default::default() };
            Ok(encode_produce_request(version, 7, "raw", &request))
        }
        1 => Ok(encode_fetch_request(version, 7, "raw", &FetchRequest::default())),
        2 => of!(ListOffsetsRequest),
        3 => of!(MetadataRequest),
        8 => {
            let request = OffsetCommitRequest {
                group_id: Default::default(),
                generation_id: -1,
                member_id: Default::default(),
                group_instance_id: None,
                retention_time_ms: -1,
                topics: Vec::new(),
            };
            Ok(encode_offset_commit_request(version, 7, "raw", &request))
        }
        9 => {
            let request = OffsetFetchRequest::default();
            Ok(encode_offset_fetch_request(version, 7, "raw", &request))
        }
        10 => of!(FindCoordinatorRequest),
        11 => of!(JoinGroupRequest),
        12 => of!(HeartbeatRequest),
        13 => of!(LeaveGroupRequest),
        14 => of!(SyncGroupRequest),
        15 => of!(DescribeGroupsRequest),
        16 => of!(ListGroupsRequest),
        18 => of!(ApiVersionsRequest),
        19 => of!(CreateTopicsRequest),
        20 => of!(DeleteTopicsRequest),
        21 => of!(DeleteRecordsRequest),
        22 => of!(InitProducerIdRequest),
        23 => of!(OffsetForLeaderEpochRequest),
        32 => of!(DescribeConfigsRequest),
        33 => of!(AlterConfigsRequest),
        35 => of!(DescribeLogDirsRequest),
        37 => of!(CreatePartitionsRequest),
        42 => of!(DeleteGroupsRequest),
        43 => of!(ElectLeadersRequest),
        44 => of!(IncrementalAlterConfigsRequest),
        45 => of!(AlterPartitionReassignmentsRequest),
        46 => of!(ListPartitionReassignmentsRequest),
        47 => of!(OffsetDeleteRequest),
        48 => of!(DescribeClientQuotasRequest),
        49 => of!(AlterClientQuotasRequest),
        55 => of!(DescribeQuorumRequest),
        57 => of!(UpdateFeaturesRequest),
        60 => of!(DescribeClusterRequest),
        61 => of!(DescribeProducersRequest),
        71 => of!(GetTelemetrySubscriptionsRequest),
        72 => of!(PushTelemetryRequest),
        74 => of!(ListConfigResourcesRequest),
        75 => of!(DescribeTopicPartitionsRequest),
        api_key => Err(WireError::Unknown { api_key, version }),
    }
}

/// Receives the answer to a request and checks that a client can read it to its last byte.
async fn answer_decodes(client: &mut RawClient, key: i16, version: i16, what: &str) {
    let frame = client.receive_or_end().await.unwrap_or_else(|| panic!("{what}: closed"));
    let again = recode_response(key, version, frame.clone())
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(again[4..], frame[..], "{what}: the answer holds what the version knows, no more");
}

#[tokio::test]
async fn every_served_version_answers_a_request_of_defaults() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    for api in APIS {
        for version in api.advertised.clone().filter(|version| api.serves(*version)) {
            let what = format!("{} v{version}", api.name);
            let frame =
                default_frame(api.key, version).unwrap_or_else(|error| panic!("{what}: {error}"));
            client.send(&frame).await;
            answer_decodes(&mut client, api.key, version, &what).await;
        }
    }
}

/// The versions of some request types whose responses have no throttle time (Kafka's schemas).
fn has_throttle_time(key: i16, version: i16) -> bool {
    match key {
        55 => false,
        0 | 1 | 10 | 12..=16 | 18 | 20 => version >= 1,
        2 | 11 | 19 | 23 => version >= 2,
        3 | 8 | 9 => version >= 3,
        _ => true,
    }
}

#[tokio::test]
async fn every_answer_that_can_tells_how_long_its_sender_is_throttled() {
    let gateway = Gateway::start().await;
    // Whoever does anything at all is beyond that, and one sample is the longest wait.
    let raw = &[("client-id", Some("raw"))];
    quotas::set(&gateway, raw, "request_percentage", Some(1e-9)).await;
    for api in APIS {
        for version in api.advertised.clone().filter(|version| api.serves(*version)) {
            let what = format!("{} v{version}", api.name);
            let mut client = gateway.client().await;
            let frame = default_frame(api.key, version).expect("there is such a request");
            client.send(&frame).await;
            let answer = client.receive_or_end().await.unwrap_or_else(|| panic!("{what}: closed"));
            let again = recode_response(api.key, version, answer.clone());
            assert_eq!(again.expect(&what)[4..], answer[..], "{what}: the answer is whole");
            let shown = show_response(api.key, version, answer).expect(&what);
            let tells = shown.contains("throttle_time_ms: 1000");
            assert_eq!(tells, has_throttle_time(api.key, version), "{what}: {shown}");
        }
    }
}

#[tokio::test]
async fn every_served_version_answers_a_request_as_kafka_writes_it() {
    let gateway = Gateway::start().await;
    let mut seen = std::collections::BTreeSet::new();
    for golden in golden_requests() {
        let Some(api) = tidegate_server::api::find(golden.api_key) else { continue };
        if !api.serves(golden.version) {
            continue;
        }
        seen.insert((golden.api_key, golden.version));
        // A connection and a member of its own: whoever joins a group may have to wait for others.
        let mut client = gateway.client().await;
        let mut frame = golden.frame.clone();
        if golden.api_key == 0 {
            set_acks(&mut frame, golden.version, golden.variant);
        }
        client.send_frame(&frame).await;
        answer_decodes(&mut client, golden.api_key, golden.version, &golden.to_string()).await;
    }
    for api in APIS {
        for version in api.advertised.clone().filter(|version| api.serves(*version)) {
            assert!(seen.contains(&(api.key, version)), "{} v{version} is not there", api.name);
        }
    }
}

/// Makes sure that a Produce is one that is answered: its acks stand behind the transactional id.
fn set_acks(frame: &mut [u8], version: i16, variant: Variant) {
    let header = 10 + usize::from(u16::from_be_bytes([frame[8], frame[9]]));
    let flexible = version >= 9;
    let body = header + usize::from(flexible);
    let id_len = match (variant, flexible) {
        (Variant::Null, true) => 1,
        (Variant::Null, false) => 2,
        (_, true) => usize::from(frame[body]),
        (_, false) => 2 + usize::from(u16::from_be_bytes([frame[body], frame[body + 1]])),
    };
    frame[body + id_len..body + id_len + 2].copy_from_slice(&[0xff, 0xff]);
}
