//! Every request's and response's codec, by key. Tests and fuzz targets run through here.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::*;
use tidegate_wire::WireError;
use tidegate_wire::codec::{decode, decode_response, encode_request, encode_response};
use tidegate_wire::fetch::{
    FetchRequest, Part, decode_fetch_request, decode_fetch_response, encode_fetch_request,
    encode_fetch_response,
};
use tidegate_wire::header::decode_request_header;
use tidegate_wire::offsets::{
    OffsetCommitRequest, OffsetFetchRequest, decode_offset_commit_request,
    decode_offset_commit_response, decode_offset_fetch_request, decode_offset_fetch_response,
    encode_offset_commit_request, encode_offset_commit_response, encode_offset_fetch_request,
    encode_offset_fetch_response,
};
use tidegate_wire::produce::{
    ProduceRequest, decode_produce_request, decode_produce_response, encode_produce_request,
    encode_produce_response,
};

/// Calls `$run!(Request, Response)` with the library's types for that key.
macro_rules! by_library {
    ($key:expr, $version:expr, $run:ident) => {
        match $key {
            2 => $run!(ListOffsetsRequest, ListOffsetsResponse),
            3 => $run!(MetadataRequest, MetadataResponse),
            10 => $run!(FindCoordinatorRequest, FindCoordinatorResponse),
            11 => $run!(JoinGroupRequest, JoinGroupResponse),
            12 => $run!(HeartbeatRequest, HeartbeatResponse),
            13 => $run!(LeaveGroupRequest, LeaveGroupResponse),
            14 => $run!(SyncGroupRequest, SyncGroupResponse),
            15 => $run!(DescribeGroupsRequest, DescribeGroupsResponse),
            16 => $run!(ListGroupsRequest, ListGroupsResponse),
            18 => $run!(ApiVersionsRequest, ApiVersionsResponse),
            19 => $run!(CreateTopicsRequest, CreateTopicsResponse),
            20 => $run!(DeleteTopicsRequest, DeleteTopicsResponse),
            21 => $run!(DeleteRecordsRequest, DeleteRecordsResponse),
            22 => $run!(InitProducerIdRequest, InitProducerIdResponse),
            23 => $run!(OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse),
            29 => $run!(DescribeAclsRequest, DescribeAclsResponse),
            30 => $run!(CreateAclsRequest, CreateAclsResponse),
            31 => $run!(DeleteAclsRequest, DeleteAclsResponse),
            32 => $run!(DescribeConfigsRequest, DescribeConfigsResponse),
            33 => $run!(AlterConfigsRequest, AlterConfigsResponse),
            35 => $run!(DescribeLogDirsRequest, DescribeLogDirsResponse),
            37 => $run!(CreatePartitionsRequest, CreatePartitionsResponse),
            42 => $run!(DeleteGroupsRequest, DeleteGroupsResponse),
            43 => $run!(ElectLeadersRequest, ElectLeadersResponse),
            44 => $run!(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse),
            45 => $run!(AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse),
            46 => $run!(ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse),
            47 => $run!(OffsetDeleteRequest, OffsetDeleteResponse),
            48 => $run!(DescribeClientQuotasRequest, DescribeClientQuotasResponse),
            49 => $run!(AlterClientQuotasRequest, AlterClientQuotasResponse),
            50 => $run!(DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse),
            55 => $run!(DescribeQuorumRequest, DescribeQuorumResponse),
            57 => $run!(UpdateFeaturesRequest, UpdateFeaturesResponse),
            60 => $run!(DescribeClusterRequest, DescribeClusterResponse),
            61 => $run!(DescribeProducersRequest, DescribeProducersResponse),
            71 => $run!(GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse),
            72 => $run!(PushTelemetryRequest, PushTelemetryResponse),
            74 => $run!(ListConfigResourcesRequest, ListConfigResourcesResponse),
            75 => $run!(DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse),
            api_key => Err(WireError::Unknown { api_key, version: $version }),
        }
    };
}

/// Decodes a request frame as the server does: header first, then the body.
pub fn decode_frame(mut frame: BytesMut) -> Result<(), WireError> {
    let header = decode_request_header(&mut frame)?;
    decode_body(header.api_key, header.api_version, frame)
}

/// Decodes a request's body and drops it.
pub fn decode_body(api_key: i16, version: i16, body: BytesMut) -> Result<(), WireError> {
    macro_rules! run {
        ($request:ty, $response:ty) => {
            decode::<$request>(api_key, version, body.freeze()).map(drop)
        };
    }
    match api_key {
        0 => decode_produce_request(version, body).map(drop),
        1 => decode_fetch_request(version, body).map(drop),
        8 => decode_offset_commit_request(version, body).map(drop),
        9 => decode_offset_fetch_request(version, body).map(drop),
        _ => by_library!(api_key, version, run),
    }
}

/// Decodes a request frame and encodes it again as a client would, its length first.
pub fn recode_request(mut frame: BytesMut) -> Result<Bytes, WireError> {
    let header = decode_request_header(&mut frame)?;
    let (key, version, id) = (header.api_key, header.api_version, header.correlation_id);
    let client = &*header.client_id.unwrap_or_default();
    macro_rules! run {
        ($request:ty, $response:ty) => {{
            let request: $request = decode(key, version, frame.freeze())?;
            encode_request(key, version, id, client, &request)
        }};
    }
    Ok(match key {
        0 => encode_produce_request(version, id, client, &decode_produce_request(version, frame)?),
        1 => encode_fetch_request(version, id, client, &decode_fetch_request(version, frame)?),
        8 => {
            let request = decode_offset_commit_request(version, frame)?;
            encode_offset_commit_request(version, id, client, &request)
        }
        9 => {
            let request = decode_offset_fetch_request(version, frame)?;
            encode_offset_fetch_request(version, id, client, &request)
        }
        _ => by_library!(key, version, run)?,
    })
}

/// A request in which every field has its default, its length first; one that is answered.
pub fn default_request(key: i16, version: i16) -> Result<Bytes, WireError> {
    const CLIENT_ID: &str = "raw";
    macro_rules! run {
        ($request:ty, $response:ty) => {
            encode_request(key, version, 7, CLIENT_ID, &<$request>::default())
        };
    }
    Ok(match key {
        0 => {
            let request = ProduceRequest { acks: -1, ..Default::default() };
            encode_produce_request(version, 7, CLIENT_ID, &request)
        }
        1 => encode_fetch_request(version, 7, CLIENT_ID, &FetchRequest::default()),
        8 => {
            let request = OffsetCommitRequest {
                group_id: Default::default(),
                generation_id: -1,
                member_id: Default::default(),
                group_instance_id: None,
                retention_time_ms: -1,
                topics: Vec::new(),
            };
            encode_offset_commit_request(version, 7, CLIENT_ID, &request)
        }
        9 => encode_offset_fetch_request(version, 7, CLIENT_ID, &OffsetFetchRequest::default()),
        // The defaults are kinds that are unknown, which no answer is given to: any kind instead.
        29 => {
            let request = DescribeAclsRequest::default()
                .with_resource_type_filter(1)
                .with_operation(1)
                .with_permission_type(1);
            encode_request(key, version, 7, CLIENT_ID, &request)?
        }
        _ => by_library!(key, version, run)?,
    })
}

/// Decodes a response frame and encodes it again as the server would, its length first.
pub fn recode_response(key: i16, version: i16, frame: Bytes) -> Result<Bytes, WireError> {
    macro_rules! run {
        ($request:ty, $response:ty) => {{
            let (id, response) = decode_response::<$response>(key, version, frame)?;
            encode_response(key, version, id, &response)
        }};
    }
    Ok(match key {
        0 => {
            let (id, response) = decode_produce_response(version, frame)?;
            encode_produce_response(version, id, &response)
        }
        1 => {
            let (id, response) = decode_fetch_response(version, frame)?;
            joined(encode_fetch_response(version, id, response))
        }
        8 => {
            let (id, response) = decode_offset_commit_response(version, frame)?;
            encode_offset_commit_response(version, id, &response)
        }
        9 => {
            let (id, response) = decode_offset_fetch_response(version, frame)?;
            encode_offset_fetch_response(version, id, &response)
        }
        _ => by_library!(key, version, run)?,
    })
}

/// A decoded response frame as Rust shows it.
pub fn show_response(key: i16, version: i16, frame: Bytes) -> Result<String, WireError> {
    macro_rules! run {
        ($request:ty, $response:ty) => {
            decode_response::<$response>(key, version, frame).map(|(_, it)| format!("{it:?}"))
        };
    }
    match key {
        0 => decode_produce_response(version, frame).map(|(_, it)| format!("{it:?}")),
        1 => decode_fetch_response(version, frame).map(|(_, it)| format!("{it:?}")),
        8 => decode_offset_commit_response(version, frame).map(|(_, it)| format!("{it:?}")),
        9 => decode_offset_fetch_response(version, frame).map(|(_, it)| format!("{it:?}")),
        _ => by_library!(key, version, run),
    }
}

/// The parts of a Fetch response as one frame.
pub fn joined(parts: Vec<Part<Bytes>>) -> Bytes {
    let mut frame = BytesMut::new();
    for part in parts {
        match part {
            Part::Bytes(bytes) | Part::Records(bytes) => frame.extend_from_slice(&bytes),
        }
    }
    frame.freeze()
}

/// Decodes a response by a codec of our own, which checks what it reads; others are passed over.
pub fn decode_own_response(key: i16, version: i16, frame: Bytes) -> Result<(), WireError> {
    match key {
        0 => decode_produce_response(version, frame).map(drop),
        1 => decode_fetch_response(version, frame).map(drop),
        8 => decode_offset_commit_response(version, frame).map(drop),
        9 => decode_offset_fetch_response(version, frame).map(drop),
        _ => Ok(()),
    }
}
