//! Produce (key 0), versions 3 to 13, without touching records.
//!
//! Records are cut out of the frame as they lie there, mutable, so that offsets can be written into
//! them before they are copied once into the log.

use crate::error::WireError;
use crate::header::is_flexible;
use crate::read::Reader;
use crate::write::{self, Writer};
use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;
use smallvec::SmallVec;
use tidegate_model::TopicId;

const KEY: i16 = 0;
const TOPIC_IDS_SINCE: i16 = 13;
const RECORD_ERRORS_SINCE: i16 = 8;
const LOG_START_SINCE: i16 = 5;

/// A Produce request.
#[derive(Debug, Default)]
pub struct ProduceRequest {
    /// Set by transactional producers.
    pub transactional_id: Option<StrBytes>,
    /// 0, 1 or -1 (all).
    pub acks: i16,
    /// How long the producer waits.
    pub timeout_ms: i32,
    /// Batches by topic.
    pub topics: SmallVec<[ProduceTopic; 1]>,
}

/// One topic's batches.
#[derive(Debug, Default)]
pub struct ProduceTopic {
    /// The name; empty from version 13 on.
    pub name: StrBytes,
    /// The id; zero before version 13.
    pub topic_id: TopicId,
    /// Batches by partition.
    pub partitions: SmallVec<[ProducePartition; 1]>,
}

/// One partition's batch.
#[derive(Debug, Default)]
pub struct ProducePartition {
    /// The partition.
    pub index: i32,
    /// The record batch, cut out of the frame.
    pub records: Option<BytesMut>,
}

/// A Produce response.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ProduceResponse {
    /// Answers by topic, in the request's order.
    pub topics: SmallVec<[TopicResponse; 1]>,
    /// How long the client is throttled.
    pub throttle_time_ms: i32,
}

impl ProduceResponse {
    /// What any version takes at most, so that encoding never has to grow its buffer.
    fn encoded_len_max(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let mut len = 4 + 4 + 1;
        for topic in &self.topics {
            len += (2 + topic.name.len()).max(16) + 4 + 1;
            for partition in &topic.partitions {
                len += 4 + 2 + 3 * 8 + 4 + 2 + text(&partition.error_message) + 1;
                for record in &partition.record_errors {
                    len += 4 + 2 + text(&record.message) + 1;
                }
            }
        }
        // Compact lengths are longer than the old ones for texts beyond 2^14 bytes alone.
        len
    }
}

/// One topic's answers.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TopicResponse {
    /// The name; empty from version 13 on.
    pub name: StrBytes,
    /// The id; zero before version 13.
    pub topic_id: TopicId,
    /// Answers by partition.
    pub partitions: SmallVec<[PartitionResponse; 1]>,
}

/// One partition's answer.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PartitionResponse {
    /// The partition.
    pub index: i32,
    /// 0, or why nothing was appended.
    pub error_code: i16,
    /// Offset of the first record, -1 on error.
    pub base_offset: i64,
    /// The broker's timestamp, -1 if the producer's stands.
    pub log_append_time_ms: i64,
    /// First offset kept (version 5).
    pub log_start_offset: i64,
    /// Records that were refused (version 8, KIP-467).
    pub record_errors: Vec<RecordErrorResponse>,
    /// What is wrong, for people (version 8).
    pub error_message: Option<String>,
}

/// One refused record.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RecordErrorResponse {
    /// Index in the batch.
    pub batch_index: i32,
    /// What is wrong with it.
    pub message: Option<String>,
}

/// Decodes a request's body.
pub fn decode_produce_request(version: i16, body: BytesMut) -> Result<ProduceRequest, WireError> {
    let mut reader = Reader::of_body(KEY, version, body)?;
    let mut request = ProduceRequest {
        transactional_id: reader.nullable_string("transactional id")?,
        acks: reader.i16("acks")?,
        timeout_ms: reader.i32("timeout")?,
        topics: SmallVec::new(),
    };
    let count = reader.array(3, "topics")?;
    request.topics.reserve_exact(count);
    for _ in 0..count {
        let mut topic = ProduceTopic::default();
        if version >= TOPIC_IDS_SINCE {
            topic.topic_id = reader.topic_id("topic id")?;
        } else {
            topic.name = reader.string("topic name")?;
        }
        let count = reader.array(5, "partitions")?;
        topic.partitions.reserve_exact(count);
        for _ in 0..count {
            let index = reader.i32("partition")?;
            let records = reader.nullable_bytes("records")?;
            reader.skip_tagged()?;
            topic.partitions.push(ProducePartition { index, records });
        }
        reader.skip_tagged()?;
        request.topics.push(topic);
    }
    reader.skip_tagged()?;
    Ok(request)
}

/// Encodes a whole response frame.
pub fn encode_produce_response(
    version: i16,
    correlation_id: i32,
    response: &ProduceResponse,
) -> Bytes {
    let flexible = is_flexible(KEY, version);
    let mut writer = write::response(flexible, correlation_id, response.encoded_len_max());
    writer.array(Some(response.topics.len()));
    for topic in &response.topics {
        if version >= TOPIC_IDS_SINCE {
            writer.topic_id(topic.topic_id);
        } else {
            writer.string(&topic.name);
        }
        writer.array(Some(topic.partitions.len()));
        for partition in &topic.partitions {
            encode_partition(&mut writer, version, partition);
        }
        writer.no_tags();
    }
    writer.i32(response.throttle_time_ms);
    writer.no_tags();
    write::finish(writer, 0).freeze()
}

fn encode_partition(writer: &mut Writer, version: i16, partition: &PartitionResponse) {
    writer.i32(partition.index);
    writer.i16(partition.error_code);
    writer.i64(partition.base_offset);
    writer.i64(partition.log_append_time_ms);
    if version >= LOG_START_SINCE {
        writer.i64(partition.log_start_offset);
    }
    if version >= RECORD_ERRORS_SINCE {
        writer.array(Some(partition.record_errors.len()));
        for record in &partition.record_errors {
            writer.i32(record.batch_index);
            writer.nullable_string(record.message.as_deref());
            writer.no_tags();
        }
        writer.nullable_string(partition.error_message.as_deref());
    }
    writer.no_tags();
}

/// Encodes a whole request frame, as a client.
pub fn encode_produce_request(
    version: i16,
    correlation_id: i32,
    client_id: &str,
    request: &ProduceRequest,
) -> Bytes {
    let flexible = is_flexible(KEY, version);
    let mut writer = write::request(KEY, version, flexible, correlation_id, client_id);
    writer.nullable_string(request.transactional_id.as_deref());
    writer.i16(request.acks);
    writer.i32(request.timeout_ms);
    writer.array(Some(request.topics.len()));
    for topic in &request.topics {
        if version >= TOPIC_IDS_SINCE {
            writer.topic_id(topic.topic_id);
        } else {
            writer.string(&topic.name);
        }
        writer.array(Some(topic.partitions.len()));
        for partition in &topic.partitions {
            writer.i32(partition.index);
            writer.bytes(partition.records.as_deref());
            writer.no_tags();
        }
        writer.no_tags();
    }
    writer.no_tags();
    write::finish(writer, 0).freeze()
}

/// Decodes a response frame, which lacks its length, as a client.
pub fn decode_produce_response(
    version: i16,
    frame: Bytes,
) -> Result<(i32, ProduceResponse), WireError> {
    let (correlation_id, mut reader) = Reader::of_response(KEY, version, frame)?;
    let mut response = ProduceResponse::default();
    for _ in 0..reader.array(3, "topics")? {
        let mut topic = TopicResponse::default();
        if version >= TOPIC_IDS_SINCE {
            topic.topic_id = reader.topic_id("topic id")?;
        } else {
            topic.name = reader.string("topic name")?;
        }
        for _ in 0..reader.array(22, "partitions")? {
            topic.partitions.push(decode_partition(&mut reader, version)?);
        }
        reader.skip_tagged()?;
        response.topics.push(topic);
    }
    response.throttle_time_ms = reader.i32("throttle time")?;
    reader.skip_tagged()?;
    Ok((correlation_id, response))
}

fn decode_partition(reader: &mut Reader, version: i16) -> Result<PartitionResponse, WireError> {
    let mut partition = PartitionResponse {
        index: reader.i32("partition")?,
        error_code: reader.i16("error code")?,
        base_offset: reader.i64("base offset")?,
        log_append_time_ms: reader.i64("log append time")?,
        log_start_offset: -1,
        record_errors: Vec::new(),
        error_message: None,
    };
    if version >= LOG_START_SINCE {
        partition.log_start_offset = reader.i64("log start offset")?;
    }
    if version >= RECORD_ERRORS_SINCE {
        for _ in 0..reader.array(5, "record errors")? {
            let batch_index = reader.i32("batch index")?;
            let message = reader.nullable_string("message")?.map(|text| text.to_string());
            reader.skip_tagged()?;
            partition.record_errors.push(RecordErrorResponse { batch_index, message });
        }
        let message = reader.nullable_string("error message")?;
        partition.error_message = message.map(|text| text.to_string());
    }
    reader.skip_tagged()?;
    Ok(partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_fits_the_buffer_reserved_for_it() {
        let record = RecordErrorResponse { batch_index: 1, message: Some("m".repeat(100)) };
        let partition = PartitionResponse {
            record_errors: vec![record; 3],
            error_message: Some("e".repeat(100)),
            ..Default::default()
        };
        let topic = TopicResponse {
            name: StrBytes::from_string("t".repeat(249)),
            partitions: SmallVec::from_elem(partition, 3),
            ..Default::default()
        };
        let response =
            ProduceResponse { topics: SmallVec::from_elem(topic, 2), throttle_time_ms: 0 };
        for version in 3..=13 {
            let frame = encode_produce_response(version, 7, &response);
            // Nine bytes are the length and the header.
            assert!(frame.len() <= 9 + response.encoded_len_max(), "version {version}");
        }
    }
}
