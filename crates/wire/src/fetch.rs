//! Fetch (key 1), versions 4 to 18, without touching records.

use crate::error::WireError;
use crate::header::is_flexible;
use crate::read::Reader;
use crate::write::{self, Writer};
use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;
use tidegate_model::TopicId;

const KEY: i16 = 1;
const LOG_START_SINCE: i16 = 5;
const SESSIONS_SINCE: i16 = 7;
const LEADER_EPOCH_SINCE: i16 = 9;
const RACK_SINCE: i16 = 11;
const LAST_EPOCH_SINCE: i16 = 12;
const TOPIC_IDS_SINCE: i16 = 13;
/// From here on the replica id is in a tagged field (KIP-903).
const REPLICA_STATE_SINCE: i16 = 15;

/// A Fetch request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest {
    /// -1 for consumers.
    pub replica_id: i32,
    /// How long to wait for `min_bytes`.
    pub max_wait_ms: i32,
    /// Bytes worth an answer.
    pub min_bytes: i32,
    /// Bytes wanted at most.
    pub max_bytes: i32,
    /// 0 read_uncommitted, 1 read_committed.
    pub isolation_level: i8,
    /// 0 outside a session (version 7).
    pub session_id: i32,
    /// -1 outside a session (version 7).
    pub session_epoch: i32,
    /// What to fetch, or in a session what changed.
    pub topics: Vec<FetchTopic>,
    /// What to take out of the session (version 7).
    pub forgotten: Vec<ForgottenTopic>,
    /// The consumer's rack (version 11).
    pub rack_id: StrBytes,
}

/// One topic of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchTopic {
    /// The name; empty from version 13 on.
    pub name: StrBytes,
    /// The id; zero before version 13.
    pub topic_id: TopicId,
    /// Its partitions.
    pub partitions: Vec<FetchPartition>,
}

/// One partition of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchPartition {
    /// The partition.
    pub index: i32,
    /// The leader epoch the client believes in, -1 for none (version 9).
    pub current_leader_epoch: i32,
    /// The first offset wanted.
    pub fetch_offset: i64,
    /// Epoch of the last record fetched, -1 for none (version 12).
    pub last_fetched_epoch: i32,
    /// A follower's log start, -1 for consumers (version 5).
    pub log_start_offset: i64,
    /// Bytes wanted at most.
    pub max_bytes: i32,
}

/// Partitions that leave a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForgottenTopic {
    /// The name; empty from version 13 on.
    pub name: StrBytes,
    /// The id; zero before version 13.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<i32>,
}

impl Default for FetchRequest {
    fn default() -> Self {
        FetchRequest {
            replica_id: -1,
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: i32::MAX,
            isolation_level: 0,
            session_id: 0,
            session_epoch: -1,
            topics: Vec::new(),
            forgotten: Vec::new(),
            rack_id: StrBytes::default(),
        }
    }
}

/// Record bytes that are somewhere else: in memory, or in a file.
pub trait RecordsPayload {
    /// How many bytes they are.
    fn byte_len(&self) -> usize;
}

impl RecordsPayload for Bytes {
    fn byte_len(&self) -> usize {
        self.len()
    }
}

/// A Fetch response over records of type `P`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchResponse<P> {
    /// How long the client is throttled.
    pub throttle_time_ms: i32,
    /// 0, or what is wrong with the session (version 7).
    pub error_code: i16,
    /// The session, 0 for none (version 7).
    pub session_id: i32,
    /// Answers by topic.
    pub topics: Vec<FetchTopicResponse<P>>,
}

impl<P> FetchResponse<P> {
    /// What the fields take at most in any version, so that encoding never has to grow its buffer.
    fn fields_len_max(&self) -> usize {
        let mut len = 4 + 2 + 4 + 4 + 1;
        for topic in &self.topics {
            len += (2 + topic.name.len()).max(16) + 4 + 1;
            for partition in &topic.partitions {
                let aborted = partition.aborted_transactions.as_ref().map_or(0, Vec::len);
                let tags = 1 + 2 + 4 + 8 + 1;
                len += 4 + 2 + 3 * 8 + 4 + 17 * aborted + 4 + 5 + tags;
            }
        }
        len
    }
}

/// One topic's answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchTopicResponse<P> {
    /// The name; empty from version 13 on.
    pub name: StrBytes,
    /// The id; zero before version 13.
    pub topic_id: TopicId,
    /// Answers by partition.
    pub partitions: Vec<FetchPartitionResponse<P>>,
}

/// One partition's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchPartitionResponse<P> {
    /// The partition.
    pub index: i32,
    /// 0, or why there are no records.
    pub error_code: i16,
    /// Offset after the last record that consumers may see, -1 if not known.
    pub high_watermark: i64,
    /// Offset after the last record of finished transactions, -1 if not known.
    pub last_stable_offset: i64,
    /// First offset kept, -1 if not known (version 5).
    pub log_start_offset: i64,
    /// Epoch and end offset where the client's log left this one (version 12).
    pub diverging_epoch: Option<(i32, i64)>,
    /// Producer id and first offset of each aborted transaction in the records.
    pub aborted_transactions: Option<Vec<(i64, i64)>>,
    /// The replica to read from, -1 for this one (version 11).
    pub preferred_read_replica: i32,
    /// Whole batches.
    pub records: P,
}

impl<P> Default for FetchResponse<P> {
    fn default() -> Self {
        FetchResponse { throttle_time_ms: 0, error_code: 0, session_id: 0, topics: Vec::new() }
    }
}

impl<P> Default for FetchTopicResponse<P> {
    fn default() -> Self {
        FetchTopicResponse {
            name: StrBytes::default(),
            topic_id: TopicId::ZERO,
            partitions: Vec::new(),
        }
    }
}

impl<P: Default> Default for FetchPartitionResponse<P> {
    fn default() -> Self {
        FetchPartitionResponse {
            index: 0,
            error_code: 0,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: None,
            aborted_transactions: None,
            preferred_read_replica: -1,
            records: P::default(),
        }
    }
}

/// A piece of an encoded response, to be sent in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<P> {
    /// Encoded fields.
    Bytes(Bytes),
    /// Records, sent as they are.
    Records(P),
}

/// Decodes a request's body.
pub fn decode_fetch_request(version: i16, body: BytesMut) -> Result<FetchRequest, WireError> {
    let mut reader = Reader::of_body(KEY, version, body)?;
    let mut request = FetchRequest::default();
    if version < REPLICA_STATE_SINCE {
        request.replica_id = reader.i32("replica id")?;
    }
    request.max_wait_ms = reader.i32("max wait")?;
    request.min_bytes = reader.i32("min bytes")?;
    request.max_bytes = reader.i32("max bytes")?;
    request.isolation_level = reader.i8("isolation level")?;
    if version >= SESSIONS_SINCE {
        request.session_id = reader.i32("session id")?;
        request.session_epoch = reader.i32("session epoch")?;
    }
    let count = reader.array(3, "topics")?;
    for _ in 0..count {
        request.topics.push(decode_topic(&mut reader, version)?);
    }
    if version >= SESSIONS_SINCE {
        for _ in 0..reader.array(3, "forgotten topics")? {
            request.forgotten.push(decode_forgotten(&mut reader, version)?);
        }
    }
    if version >= RACK_SINCE {
        request.rack_id = reader.string("rack")?;
    }
    let mut replica_id = request.replica_id;
    reader.tagged(|tag, field| {
        // Tag 0 is the cluster id, which only followers send.
        if tag == 1 && version >= REPLICA_STATE_SINCE {
            replica_id = field.i32("replica id")?;
        }
        Ok(())
    })?;
    request.replica_id = replica_id;
    Ok(request)
}

fn decode_name(reader: &mut Reader, version: i16) -> Result<(StrBytes, TopicId), WireError> {
    if version >= TOPIC_IDS_SINCE {
        Ok((StrBytes::default(), reader.topic_id("topic id")?))
    } else {
        Ok((reader.string("topic name")?, TopicId::ZERO))
    }
}

fn decode_topic(reader: &mut Reader, version: i16) -> Result<FetchTopic, WireError> {
    let (name, topic_id) = decode_name(reader, version)?;
    let count = reader.array(16, "partitions")?;
    let mut partitions = Vec::with_capacity(count);
    for _ in 0..count {
        let index = reader.i32("partition")?;
        let current_leader_epoch =
            if version >= LEADER_EPOCH_SINCE { reader.i32("leader epoch")? } else { -1 };
        let fetch_offset = reader.i64("fetch offset")?;
        let last_fetched_epoch =
            if version >= LAST_EPOCH_SINCE { reader.i32("last fetched epoch")? } else { -1 };
        let log_start_offset =
            if version >= LOG_START_SINCE { reader.i64("log start offset")? } else { -1 };
        let max_bytes = reader.i32("partition max bytes")?;
        reader.skip_tagged()?;
        partitions.push(FetchPartition {
            index,
            current_leader_epoch,
            fetch_offset,
            last_fetched_epoch,
            log_start_offset,
            max_bytes,
        });
    }
    reader.skip_tagged()?;
    Ok(FetchTopic { name, topic_id, partitions })
}

fn decode_forgotten(reader: &mut Reader, version: i16) -> Result<ForgottenTopic, WireError> {
    let (name, topic_id) = decode_name(reader, version)?;
    let count = reader.array(4, "partitions")?;
    let mut partitions = Vec::with_capacity(count);
    for _ in 0..count {
        partitions.push(reader.i32("partition")?);
    }
    reader.skip_tagged()?;
    Ok(ForgottenTopic { name, topic_id, partitions })
}

/// Encodes a whole response frame as pieces: fields in between, records as they came.
pub fn encode_fetch_response<P: RecordsPayload>(
    version: i16,
    correlation_id: i32,
    response: FetchResponse<P>,
) -> Vec<Part<P>> {
    let flexible = is_flexible(KEY, version);
    let mut writer = write::response(flexible, correlation_id, response.fields_len_max());
    // Where in the fields the records belong, by rising position.
    let mut holes = Vec::with_capacity(response.topics.iter().map(|t| t.partitions.len()).sum());
    writer.i32(response.throttle_time_ms);
    if version >= SESSIONS_SINCE {
        writer.i16(response.error_code);
        writer.i32(response.session_id);
    }
    writer.array(Some(response.topics.len()));
    for topic in response.topics {
        if version >= TOPIC_IDS_SINCE {
            writer.topic_id(topic.topic_id);
        } else {
            writer.string(&topic.name);
        }
        writer.array(Some(topic.partitions.len()));
        for partition in topic.partitions {
            encode_partition(&mut writer, version, &partition);
            if partition.records.byte_len() > 0 {
                holes.push((writer.buffer.len(), partition.records));
            }
            encode_partition_tags(&mut writer, version, partition.diverging_epoch);
        }
        writer.no_tags();
    }
    writer.no_tags();
    let records_len = holes.iter().map(|(_, records)| records.byte_len()).sum();
    let mut fields = write::finish(writer, records_len).freeze();
    let mut parts = Vec::with_capacity(2 * holes.len() + 1);
    let mut cut = 0;
    for (at, records) in holes {
        parts.push(Part::Bytes(fields.split_to(at - cut)));
        parts.push(Part::Records(records));
        cut = at;
    }
    parts.push(Part::Bytes(fields));
    parts
}

fn encode_partition<P: RecordsPayload>(
    writer: &mut Writer,
    version: i16,
    partition: &FetchPartitionResponse<P>,
) {
    writer.i32(partition.index);
    writer.i16(partition.error_code);
    writer.i64(partition.high_watermark);
    writer.i64(partition.last_stable_offset);
    if version >= LOG_START_SINCE {
        writer.i64(partition.log_start_offset);
    }
    let aborted = partition.aborted_transactions.as_deref();
    writer.array(aborted.map(<[_]>::len));
    for (producer_id, first_offset) in aborted.unwrap_or(&[]) {
        writer.i64(*producer_id);
        writer.i64(*first_offset);
        writer.no_tags();
    }
    if version >= RACK_SINCE {
        writer.i32(partition.preferred_read_replica);
    }
    writer.bytes_len(Some(partition.records.byte_len()));
}

/// Tagged fields follow the records: tag 0 is the diverging epoch.
fn encode_partition_tags(writer: &mut Writer, version: i16, diverging: Option<(i32, i64)>) {
    let Some((epoch, end_offset)) = diverging.filter(|_| version >= LAST_EPOCH_SINCE) else {
        writer.no_tags();
        return;
    };
    let mut field = Writer::new(true, 16);
    field.i32(epoch);
    field.i64(end_offset);
    field.no_tags();
    writer.tags(&[(0, field.buffer)]);
}

/// Encodes a whole request frame, as a client.
pub fn encode_fetch_request(
    version: i16,
    correlation_id: i32,
    client_id: &str,
    request: &FetchRequest,
) -> Bytes {
    let flexible = is_flexible(KEY, version);
    let mut writer = write::request(KEY, version, flexible, correlation_id, client_id);
    if version < REPLICA_STATE_SINCE {
        writer.i32(request.replica_id);
    }
    writer.i32(request.max_wait_ms);
    writer.i32(request.min_bytes);
    writer.i32(request.max_bytes);
    writer.i8(request.isolation_level);
    if version >= SESSIONS_SINCE {
        writer.i32(request.session_id);
        writer.i32(request.session_epoch);
    }
    let name = |writer: &mut Writer, name: &str, id: TopicId| {
        if version >= TOPIC_IDS_SINCE { writer.topic_id(id) } else { writer.string(name) }
    };
    writer.array(Some(request.topics.len()));
    for topic in &request.topics {
        name(&mut writer, &topic.name, topic.topic_id);
        writer.array(Some(topic.partitions.len()));
        for partition in &topic.partitions {
            encode_wanted(&mut writer, version, partition);
        }
        writer.no_tags();
    }
    if version >= SESSIONS_SINCE {
        writer.array(Some(request.forgotten.len()));
        for topic in &request.forgotten {
            name(&mut writer, &topic.name, topic.topic_id);
            writer.array(Some(topic.partitions.len()));
            topic.partitions.iter().for_each(|index| writer.i32(*index));
            writer.no_tags();
        }
    }
    if version >= RACK_SINCE {
        writer.string(&request.rack_id);
    }
    writer.no_tags();
    write::finish(writer, 0).freeze()
}

fn encode_wanted(writer: &mut Writer, version: i16, partition: &FetchPartition) {
    writer.i32(partition.index);
    if version >= LEADER_EPOCH_SINCE {
        writer.i32(partition.current_leader_epoch);
    }
    writer.i64(partition.fetch_offset);
    if version >= LAST_EPOCH_SINCE {
        writer.i32(partition.last_fetched_epoch);
    }
    if version >= LOG_START_SINCE {
        writer.i64(partition.log_start_offset);
    }
    writer.i32(partition.max_bytes);
    writer.no_tags();
}

/// Decodes a response frame, which lacks its length, as a client.
pub fn decode_fetch_response(
    version: i16,
    frame: Bytes,
) -> Result<(i32, FetchResponse<Bytes>), WireError> {
    let (correlation_id, mut reader) = Reader::of_response(KEY, version, frame)?;
    let mut response = FetchResponse::<Bytes> {
        throttle_time_ms: reader.i32("throttle time")?,
        ..Default::default()
    };
    if version >= SESSIONS_SINCE {
        response.error_code = reader.i16("error code")?;
        response.session_id = reader.i32("session id")?;
    }
    for _ in 0..reader.array(3, "topics")? {
        let (name, topic_id) = decode_name(&mut reader, version)?;
        let mut topic = FetchTopicResponse { name, topic_id, partitions: Vec::new() };
        for _ in 0..reader.array(22, "partitions")? {
            topic.partitions.push(decode_partition(&mut reader, version)?);
        }
        reader.skip_tagged()?;
        response.topics.push(topic);
    }
    reader.skip_tagged()?;
    Ok((correlation_id, response))
}

fn decode_partition(
    reader: &mut Reader,
    version: i16,
) -> Result<FetchPartitionResponse<Bytes>, WireError> {
    let mut partition = FetchPartitionResponse::<Bytes> {
        index: reader.i32("partition")?,
        error_code: reader.i16("error code")?,
        high_watermark: reader.i64("high watermark")?,
        last_stable_offset: reader.i64("last stable offset")?,
        ..Default::default()
    };
    if version >= LOG_START_SINCE {
        partition.log_start_offset = reader.i64("log start offset")?;
    }
    if let Some(count) = reader.nullable_array(16, "aborted transactions")? {
        let mut aborted = Vec::with_capacity(count);
        for _ in 0..count {
            aborted.push((reader.i64("producer id")?, reader.i64("first offset")?));
            reader.skip_tagged()?;
        }
        partition.aborted_transactions = Some(aborted);
    }
    if version >= RACK_SINCE {
        partition.preferred_read_replica = reader.i32("preferred replica")?;
    }
    partition.records = reader.nullable_bytes("records")?.unwrap_or_default().freeze();
    let mut diverging = None;
    reader.tagged(|tag, field| {
        if tag == 0 {
            diverging = Some((field.i32("epoch")?, field.i64("end offset")?));
        }
        Ok(())
    })?;
    partition.diverging_epoch = diverging;
    Ok(partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_parts_of_their_own_and_the_fields_between_them_share_one_buffer() {
        let records = Bytes::from_static(b"one");
        let partition = |index, records| FetchPartitionResponse {
            index,
            aborted_transactions: Some(vec![(1, 2); 9]),
            diverging_epoch: Some((3, 4)),
            records,
            ..Default::default()
        };
        let partitions =
            vec![partition(0, records.clone()), partition(1, Bytes::new()), partition(2, records)];
        let name = StrBytes::from_string("t".repeat(249));
        let topics = vec![FetchTopicResponse { name, partitions, ..Default::default() }];
        for version in 4..=18 {
            let response = FetchResponse { topics: topics.clone(), ..Default::default() };
            let fields_len_max = response.fields_len_max();
            let parts = encode_fetch_response(version, 7, response);
            let [
                Part::Bytes(a),
                Part::Records(one),
                Part::Bytes(b),
                Part::Records(two),
                Part::Bytes(c),
            ] = &parts[..]
            else {
                panic!("version {version}: {parts:?}");
            };
            assert_eq!((&one[..], &two[..]), (&b"one"[..], &b"one"[..]));
            assert_eq!(a.as_ptr_range().end, b.as_ptr_range().start);
            assert_eq!(b.as_ptr_range().end, c.as_ptr_range().start);
            assert!(a.len() + b.len() + c.len() <= 9 + fields_len_max, "version {version}");
        }
    }
}
