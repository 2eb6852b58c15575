//! Kafka's configs: what topics and brokers can be told, what they were told, and how that is
//! described to clients.
//!
//! The tables are those of Kafka 4.3.1, complete: a client that lists configs, or sets one this
//! gateway has no use for, finds what it would find there. What takes effect here is what
//! [`KafkaSettings`] and [`TopicSettings`] have a method for.

mod broker;
mod describe;
mod rules;
mod settings;
mod table;
mod topic;
mod value;

pub use broker::{BROKER_CONFIGS, broker_config};
pub use describe::{
    ConfigSource, DescribedConfig, Synonym, describe_broker, describe_client_metrics,
    describe_cluster, describe_group, describe_topic,
};
pub use rules::ConfigRules;
pub use settings::{CurrentSettings, KafkaSettings, SettingError, closest_name};
pub use topic::{
    TOPIC_CONFIGS, TopicSettings, topic_config, validate_topic_config, validate_topic_configs,
};
pub use value::{ConfigDef, ConfigType, ConfigValue, Rule, UpdateMode};
