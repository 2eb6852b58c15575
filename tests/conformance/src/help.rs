//! Short ways to say what scenarios say often.

use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest};
pub use tidegate_model::{ErrorCode, TopicId};
pub use tidegate_raw_client::client::{fetch_request, produce_request, topic_name};
pub use tidegate_raw_client::{Batch, Place, code, text};

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
