//! OffsetCommit (key 8) and OffsetFetch (key 9), versions 0 to 10.
//!
//! The oldest consumers still send version 0, and version 10 names topics by id (KIP-848); the
//! library has neither. Requests of one group and of many (OffsetFetch 8) have one shape here.

use crate::error::WireError;
use crate::header::is_flexible;
use crate::read::Reader;
use crate::write::{self, Writer};
use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;
use tidegate_model::TopicId;

const COMMIT_KEY: i16 = 8;
const FETCH_KEY: i16 = 9;
const TOPIC_IDS_SINCE: i16 = 10;

/// An OffsetCommit request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetCommitRequest {
    /// The group.
    pub group_id: StrBytes,
    /// The generation, or the member epoch of a KIP-848 group; -1 without group management.
    pub generation_id: i32,
    /// The member; empty without group management.
    pub member_id: StrBytes,
    /// Set by static members (version 7).
    pub group_instance_id: Option<StrBytes>,
    /// How long to keep the offsets, -1 for the broker's own retention (versions 2 to 4).
    pub retention_time_ms: i64,
    /// Offsets by topic.
    pub topics: Vec<CommitTopic>,
}

/// One topic's offsets to commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitTopic {
    /// The name; empty from version 10 on.
    pub name: StrBytes,
    /// The id; zero before version 10.
    pub topic_id: TopicId,
    /// Offsets by partition.
    pub partitions: Vec<CommitPartition>,
}

/// One offset to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitPartition {
    /// The partition.
    pub index: i32,
    /// The next offset to read.
    pub offset: i64,
    /// Epoch of the last record read, -1 for none (version 6).
    pub leader_epoch: i32,
    /// The client's own note.
    pub metadata: Option<StrBytes>,
}

/// An OffsetCommit response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OffsetCommitResponse {
    /// How long the client is throttled (version 3).
    pub throttle_time_ms: i32,
    /// Error codes by topic: name, id, then partition and code.
    pub topics: Vec<CommittedTopic>,
}

/// One topic's error codes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommittedTopic {
    /// The name; not sent from version 10 on.
    pub name: StrBytes,
    /// The id; not sent before version 10.
    pub topic_id: TopicId,
    /// Partition and error code.
    pub partitions: Vec<(i32, i16)>,
}

/// An OffsetFetch request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OffsetFetchRequest {
    /// The groups; exactly one before version 8.
    pub groups: Vec<FetchGroup>,
    /// True to be told of offsets that a transaction may still change (version 7).
    pub require_stable: bool,
}

/// One group's wanted offsets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchGroup {
    /// The group.
    pub group_id: StrBytes,
    /// The member, for KIP-848 groups (version 9).
    pub member_id: Option<StrBytes>,
    /// Its epoch, -1 for none (version 9).
    pub member_epoch: i32,
    /// Null for all; in versions 0 and 1 an empty list stands for itself.
    pub topics: Option<Vec<FetchTopic>>,
}

/// Wanted partitions of one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchTopic {
    /// The name; empty from version 10 on.
    pub name: StrBytes,
    /// The id; zero before version 10.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<i32>,
}

/// An OffsetFetch response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OffsetFetchResponse {
    /// How long the client is throttled (version 3).
    pub throttle_time_ms: i32,
    /// Answers by group, in the request's order.
    pub groups: Vec<FetchedGroup>,
}

/// One group's offsets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchedGroup {
    /// The group.
    pub group_id: StrBytes,
    /// 0, or why nothing is told. Versions 0 and 1 have no place for it but each partition.
    pub error_code: i16,
    /// Offsets by topic.
    pub topics: Vec<FetchedTopic>,
}

/// One topic's offsets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchedTopic {
    /// The name; not sent from version 10 on.
    pub name: StrBytes,
    /// The id; not sent before version 10.
    pub topic_id: TopicId,
    /// Offsets by partition.
    pub partitions: Vec<FetchedOffset>,
}

/// One committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedOffset {
    /// The partition.
    pub index: i32,
    /// -1 if nothing was committed.
    pub offset: i64,
    /// Epoch of the last record read, -1 for none (version 5).
    pub leader_epoch: i32,
    /// The client's own note.
    pub metadata: Option<StrBytes>,
    /// 0, or why there is no offset.
    pub error_code: i16,
}

fn read_name(reader: &mut Reader, version: i16) -> Result<(StrBytes, TopicId), WireError> {
    if version >= TOPIC_IDS_SINCE {
        Ok((StrBytes::default(), reader.topic_id("topic id")?))
    } else {
        Ok((reader.string("topic name")?, TopicId::ZERO))
    }
}

fn write_name(writer: &mut Writer, version: i16, name: &str, topic_id: TopicId) {
    if version >= TOPIC_IDS_SINCE { writer.topic_id(topic_id) } else { writer.string(name) }
}

/// Decodes a request's body.
pub fn decode_offset_commit_request(
    version: i16,
    body: BytesMut,
) -> Result<OffsetCommitRequest, WireError> {
    let mut reader = Reader::of_body(COMMIT_KEY, version, body)?;
    let mut request = OffsetCommitRequest {
        group_id: reader.string("group id")?,
        generation_id: -1,
        member_id: StrBytes::default(),
        group_instance_id: None,
        retention_time_ms: -1,
        topics: Vec::new(),
    };
    if version >= 1 {
        request.generation_id = reader.i32("generation id")?;
        request.member_id = reader.string("member id")?;
    }
    if version >= 7 {
        request.group_instance_id = reader.nullable_string("group instance id")?;
    }
    if (2..=4).contains(&version) {
        request.retention_time_ms = reader.i64("retention time")?;
    }
    for _ in 0..reader.array(3, "topics")? {
        let (name, topic_id) = read_name(&mut reader, version)?;
        let mut partitions = Vec::new();
        for _ in 0..reader.array(13, "partitions")? {
            partitions.push(decode_commit_partition(&mut reader, version)?);
        }
        reader.skip_tagged()?;
        request.topics.push(CommitTopic { name, topic_id, partitions });
    }
    reader.skip_tagged()?;
    Ok(request)
}

fn decode_commit_partition(
    reader: &mut Reader,
    version: i16,
) -> Result<CommitPartition, WireError> {
    let index = reader.i32("partition")?;
    let offset = reader.i64("offset")?;
    let leader_epoch = if version >= 6 { reader.i32("leader epoch")? } else { -1 };
    if version == 1 {
        // The client's own commit time, which brokers have long replaced by theirs.
        reader.i64("commit timestamp")?;
    }
    let metadata = reader.nullable_string("metadata")?;
    reader.skip_tagged()?;
    Ok(CommitPartition { index, offset, leader_epoch, metadata })
}

/// Encodes a whole response frame.
pub fn encode_offset_commit_response(
    version: i16,
    correlation_id: i32,
    response: &OffsetCommitResponse,
) -> Bytes {
    let mut writer = write::response(is_flexible(COMMIT_KEY, version), correlation_id, 128);
    if version >= 3 {
        writer.i32(response.throttle_time_ms);
    }
    writer.array(Some(response.topics.len()));
    for topic in &response.topics {
        write_name(&mut writer, version, &topic.name, topic.topic_id);
        writer.array(Some(topic.partitions.len()));
        for (index, error_code) in &topic.partitions {
            writer.i32(*index);
            writer.i16(*error_code);
            writer.no_tags();
        }
        writer.no_tags();
    }
    writer.no_tags();
    write::finish(writer, 0).freeze()
}

/// Encodes a whole request frame, as a client.
pub fn encode_offset_commit_request(
    version: i16,
    correlation_id: i32,
    client_id: &str,
    request: &OffsetCommitRequest,
) -> Bytes {
    let flexible = is_flexible(COMMIT_KEY, version);
    let mut writer = write::request(COMMIT_KEY, version, flexible, correlation_id, client_id);
    writer.string(&request.group_id);
    if version >= 1 {
        writer.i32(request.generation_id);
        writer.string(&request.member_id);
    }
    if version >= 7 {
        writer.nullable_string(request.group_instance_id.as_deref());
    }
    if (2..=4).contains(&version) {
        writer.i64(request.retention_time_ms);
    }
    writer.array(Some(request.topics.len()));
    for topic in &request.topics {
        write_name(&mut writer, version, &topic.name, topic.topic_id);
        writer.array(Some(topic.partitions.len()));
        for partition in &topic.partitions {
            writer.i32(partition.index);
            writer.i64(partition.offset);
            if version >= 6 {
                writer.i32(partition.leader_epoch);
            }
            if version == 1 {
                writer.i64(-1);
            }
            writer.nullable_string(partition.metadata.as_deref());
            writer.no_tags();
        }
        writer.no_tags();
    }
    writer.no_tags();
    write::finish(writer, 0).freeze()
}

/// Decodes a response frame, which lacks its length, as a client.
pub fn decode_offset_commit_response(
    version: i16,
    frame: Bytes,
) -> Result<(i32, OffsetCommitResponse), WireError> {
    let (correlation_id, mut reader) = Reader::of_response(COMMIT_KEY, version, frame)?;
    let mut response = OffsetCommitResponse::default();
    if version >= 3 {
        response.throttle_time_ms = reader.i32("throttle time")?;
    }
    for _ in 0..reader.array(3, "topics")? {
        let (name, topic_id) = read_name(&mut reader, version)?;
        let mut partitions = Vec::new();
        for _ in 0..reader.array(6, "partitions")? {
            partitions.push((reader.i32("partition")?, reader.i16("error code")?));
            reader.skip_tagged()?;
        }
        reader.skip_tagged()?;
        response.topics.push(CommittedTopic { name, topic_id, partitions });
    }
    reader.skip_tagged()?;
    Ok((correlation_id, response))
}

/// Decodes a request's body.
pub fn decode_offset_fetch_request(
    version: i16,
    body: BytesMut,
) -> Result<OffsetFetchRequest, WireError> {
    let mut reader = Reader::of_body(FETCH_KEY, version, body)?;
    let mut request = OffsetFetchRequest::default();
    if version < 8 {
        let group_id = reader.string("group id")?;
        let topics = decode_wanted(&mut reader, version)?;
        let group = FetchGroup { group_id, member_id: None, member_epoch: -1, topics };
        request.groups.push(group);
    } else {
        for _ in 0..reader.array(3, "groups")? {
            let group_id = reader.string("group id")?;
            let (mut member_id, mut member_epoch) = (None, -1);
            if version >= 9 {
                member_id = reader.nullable_string("member id")?;
                member_epoch = reader.i32("member epoch")?;
            }
            let topics = decode_wanted(&mut reader, version)?;
            reader.skip_tagged()?;
            request.groups.push(FetchGroup { group_id, member_id, member_epoch, topics });
        }
    }
    if version >= 7 {
        request.require_stable = reader.bool("require stable")?;
    }
    reader.skip_tagged()?;
    Ok(request)
}

fn decode_wanted(reader: &mut Reader, version: i16) -> Result<Option<Vec<FetchTopic>>, WireError> {
    let Some(count) = reader.nullable_array(3, "topics")? else {
        return if version >= 2 { Ok(None) } else { Err(WireError::Null("topics")) };
    };
    let mut topics = Vec::new();
    for _ in 0..count {
        let (name, topic_id) = read_name(reader, version)?;
        let count = reader.array(4, "partitions")?;
        let mut partitions = Vec::with_capacity(count);
        for _ in 0..count {
            partitions.push(reader.i32("partition")?);
        }
        reader.skip_tagged()?;
        topics.push(FetchTopic { name, topic_id, partitions });
    }
    Ok(Some(topics))
}

/// Encodes a whole response frame.
pub fn encode_offset_fetch_response(
    version: i16,
    correlation_id: i32,
    response: &OffsetFetchResponse,
) -> Bytes {
    let mut writer = write::response(is_flexible(FETCH_KEY, version), correlation_id, 256);
    if version >= 3 {
        writer.i32(response.throttle_time_ms);
    }
    if version >= 8 {
        writer.array(Some(response.groups.len()));
        for group in &response.groups {
            writer.string(&group.group_id);
            encode_fetched(&mut writer, version, &group.topics);
            writer.i16(group.error_code);
            writer.no_tags();
        }
    } else {
        let none = FetchedGroup::default();
        let group = response.groups.first().unwrap_or(&none);
        encode_fetched(&mut writer, version, &group.topics);
        if version >= 2 {
            writer.i16(group.error_code);
        }
    }
    writer.no_tags();
    write::finish(writer, 0).freeze()
}

fn encode_fetched(writer: &mut Writer, version: i16, topics: &[FetchedTopic]) {
    writer.array(Some(topics.len()));
    for topic in topics {
        write_name(writer, version, &topic.name, topic.topic_id);
        writer.array(Some(topic.partitions.len()));
        for partition in &topic.partitions {
            writer.i32(partition.index);
            writer.i64(partition.offset);
            if version >= 5 {
                writer.i32(partition.leader_epoch);
            }
            writer.nullable_string(partition.metadata.as_deref());
            writer.i16(partition.error_code);
            writer.no_tags();
        }
        writer.no_tags();
    }
}

/// Encodes a whole request frame, as a client. Before version 8 only the first group is asked for.
pub fn encode_offset_fetch_request(
    version: i16,
    correlation_id: i32,
    client_id: &str,
    request: &OffsetFetchRequest,
) -> Bytes {
    let flexible = is_flexible(FETCH_KEY, version);
    let mut writer = write::request(FETCH_KEY, version, flexible, correlation_id, client_id);
    if version >= 8 {
        writer.array(Some(request.groups.len()));
        for group in &request.groups {
            writer.string(&group.group_id);
            if version >= 9 {
                writer.nullable_string(group.member_id.as_deref());
                writer.i32(group.member_epoch);
            }
            encode_wanted(&mut writer, version, group.topics.as_deref());
            writer.no_tags();
        }
    } else {
        let none = FetchGroup::default();
        let group = request.groups.first().unwrap_or(&none);
        writer.string(&group.group_id);
        encode_wanted(&mut writer, version, group.topics.as_deref());
    }
    if version >= 7 {
        writer.i8(i8::from(request.require_stable));
    }
    writer.no_tags();
    write::finish(writer, 0).freeze()
}

/// Null asks for all topics; before version 2 nothing does, and an empty list is what is left.
fn encode_wanted(writer: &mut Writer, version: i16, topics: Option<&[FetchTopic]>) {
    let topics = if version >= 2 { topics } else { Some(topics.unwrap_or(&[])) };
    writer.array(topics.map(<[_]>::len));
    for topic in topics.unwrap_or(&[]) {
        write_name(writer, version, &topic.name, topic.topic_id);
        writer.array(Some(topic.partitions.len()));
        topic.partitions.iter().for_each(|index| writer.i32(*index));
        writer.no_tags();
    }
}

/// Decodes a response frame, which lacks its length, as a client. Before version 8 there is one
/// group, which the response does not name.
pub fn decode_offset_fetch_response(
    version: i16,
    frame: Bytes,
) -> Result<(i32, OffsetFetchResponse), WireError> {
    let (correlation_id, mut reader) = Reader::of_response(FETCH_KEY, version, frame)?;
    let mut response = OffsetFetchResponse::default();
    if version >= 3 {
        response.throttle_time_ms = reader.i32("throttle time")?;
    }
    if version >= 8 {
        for _ in 0..reader.array(4, "groups")? {
            let group_id = reader.string("group id")?;
            let topics = decode_fetched(&mut reader, version)?;
            let error_code = reader.i16("error code")?;
            reader.skip_tagged()?;
            response.groups.push(FetchedGroup { group_id, error_code, topics });
        }
    } else {
        let topics = decode_fetched(&mut reader, version)?;
        let error_code = if version >= 2 { reader.i16("error code")? } else { 0 };
        response.groups.push(FetchedGroup { error_code, topics, ..Default::default() });
    }
    reader.skip_tagged()?;
    Ok((correlation_id, response))
}

fn decode_fetched(reader: &mut Reader, version: i16) -> Result<Vec<FetchedTopic>, WireError> {
    let mut topics = Vec::new();
    for _ in 0..reader.array(3, "topics")? {
        let (name, topic_id) = read_name(reader, version)?;
        let mut partitions = Vec::new();
        for _ in 0..reader.array(15, "partitions")? {
            let index = reader.i32("partition")?;
            let offset = reader.i64("offset")?;
            let leader_epoch = if version >= 5 { reader.i32("leader epoch")? } else { -1 };
            let metadata = reader.nullable_string("metadata")?;
            let error_code = reader.i16("error code")?;
            reader.skip_tagged()?;
            partitions.push(FetchedOffset { index, offset, leader_epoch, metadata, error_code });
        }
        reader.skip_tagged()?;
        topics.push(FetchedTopic { name, topic_id, partitions });
    }
    Ok(topics)
}
