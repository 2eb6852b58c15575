//! Short ways to say what scenarios say often.

use kafka_protocol::messages::DeleteRecordsRequest;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest};
pub use tidegate_model::{ErrorCode, TopicId};
pub use tidegate_raw_client::batch::{headers, log_records};
pub use tidegate_raw_client::client::{fetch_request, produce_request, topic_name};
pub use tidegate_raw_client::{Batch, Place, code, text};
use tidegate_wire::header::is_flexible;

/// Fails unless `actual` is that code, and says both by name.
#[track_caller]
pub fn expect(actual: i16, expected: ErrorCode) {
    assert_eq!(code(actual), expected);
}

/// A topic to create: one partition, everything else the broker's default.
pub fn creatable(name: &str) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(1)
        .with_replication_factor(1)
}

pub fn with_config(topic: CreatableTopic, name: &str, value: Option<&str>) -> CreatableTopic {
    let config = CreatableTopicConfig::default().with_name(text(name)).with_value(value.map(text));
    topic.with_configs(vec![config])
}

pub fn create_topics(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(9_000)
}

/// A deletion by names, as versions up to 5 write it.
pub fn delete_topics(names: &[&str]) -> DeleteTopicsRequest {
    let names = names.iter().map(|name| topic_name(name)).collect();
    DeleteTopicsRequest::default().with_topic_names(names).with_timeout_ms(9_000)
}

/// A question about those topics that creates none of them. `version` decides whether it can say so.
pub fn metadata(version: i16, names: &[&str]) -> MetadataRequest {
    let row = |name: &&str| MetadataRequestTopic::default().with_name(Some(topic_name(name)));
    let request = MetadataRequest::default().with_topics(Some(names.iter().map(row).collect()));
    request.with_allow_auto_topic_creation(version < 4)
}

/// A request frame by hand: the header of that version, correlation id 7 and client id `raw`, then
/// the body's bytes.
pub fn frame(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut frame = [key.to_be_bytes(), version.to_be_bytes()].concat();
    frame.extend_from_slice(b"\0\0\0\x07\0\x03raw");
    if is_flexible(key, version) {
        frame.push(0);
    }
    frame.extend_from_slice(body);
    frame
}

/// A deletion of the records below `offset`; -1 is the high watermark.
pub fn delete_records(place: Place<'_>, offset: i64) -> DeleteRecordsRequest {
    let row =
        DeleteRecordsPartition::default().with_partition_index(place.partition).with_offset(offset);
    let topic =
        DeleteRecordsTopic::default().with_name(topic_name(place.name)).with_partitions(vec![row]);
    DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(9_000)
}
