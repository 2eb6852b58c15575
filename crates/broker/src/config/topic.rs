//! Topic configs: which there are, what they take, and what is in force on a topic.

use super::settings::{KafkaSettings, closest_name};
use super::table::TOPIC;
use super::value::{ConfigDef, ConfigValue};
use std::collections::BTreeMap;
use tidegate_log::SegmentLimits;
use tidegate_model::Compression;

/// Every config of a topic, as Kafka 4.3.1 defines them.
pub static TOPIC_CONFIGS: &[ConfigDef] = TOPIC;

/// The broker config that gives a topic config its value where the topic has none of its own
/// (`ServerTopicConfigSynonyms`), for those whose name is not the same.
const BROKER_NAMES: &[(&str, &str)] = &[
    ("cleanup.policy", "log.cleanup.policy"),
    ("compression.gzip.level", "compression.gzip.level"),
    ("compression.lz4.level", "compression.lz4.level"),
    ("compression.type", "compression.type"),
    ("compression.zstd.level", "compression.zstd.level"),
    ("delete.retention.ms", "log.cleaner.delete.retention.ms"),
    ("file.delete.delay.ms", "log.segment.delete.delay.ms"),
    ("flush.messages", "log.flush.interval.messages"),
    ("flush.ms", "log.flush.interval.ms"),
    ("index.interval.bytes", "log.index.interval.bytes"),
    ("local.retention.bytes", "log.local.retention.bytes"),
    ("local.retention.ms", "log.local.retention.ms"),
    ("max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"),
    ("max.message.bytes", "message.max.bytes"),
    ("message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms"),
    ("message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms"),
    ("message.timestamp.type", "log.message.timestamp.type"),
    ("min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio"),
    ("min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms"),
    ("min.insync.replicas", "min.insync.replicas"),
    ("preallocate", "log.preallocate"),
    ("retention.bytes", "log.retention.bytes"),
    ("retention.ms", "log.retention.ms"),
    ("segment.bytes", "log.segment.bytes"),
    ("segment.index.bytes", "log.index.size.max.bytes"),
    ("segment.jitter.ms", "log.roll.jitter.ms"),
    ("segment.ms", "log.roll.ms"),
    ("unclean.leader.election.enable", "unclean.leader.election.enable"),
];

/// The topic config `name`.
pub fn topic_config(name: &str) -> Option<&'static ConfigDef> {
    TOPIC_CONFIGS.iter().find(|config| config.name == name)
}

/// Checks one topic config. The error is the message for the client, in Kafka's words.
pub fn validate_topic_config(name: &str, value: &str) -> Result<(), String> {
    known(name)?.parse(value).map(|_| ())
}

fn known(name: &str) -> Result<&'static ConfigDef, String> {
    topic_config(name).ok_or_else(|| {
        let near = closest_name(name, TOPIC_CONFIGS.iter().map(|config| config.name));
        let hint = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
        format!("Unknown topic config name: {name}{hint}")
    })
}

/// Checks all configs of a topic, one by one and with each other and the broker's
/// (`LogConfig.validate`).
pub fn validate_topic_configs(
    overrides: &BTreeMap<String, String>,
    broker: &KafkaSettings,
) -> Result<(), String> {
    for name in overrides.keys() {
        known(name)?;
    }
    for (name, value) in overrides {
        validate_topic_config(name, value)?;
    }
    let (least, most) = match (
        effective(overrides, broker, "min.compaction.lag.ms"),
        effective(overrides, broker, "max.compaction.lag.ms"),
    ) {
        (Some(ConfigValue::Integer(least)), Some(ConfigValue::Integer(most))) => (least, most),
        other => unreachable!("both are LONG and have a default: {other:?}"),
    };
    if least > most {
        return Err(format!(
            "conflict topic config setting min.compaction.lag.ms ({least}) > \
             max.compaction.lag.ms ({most})"
        ));
    }
    if effective(overrides, broker, "remote.storage.enable") == Some(ConfigValue::Boolean(true)) {
        return Err("Tiered Storage functionality is disabled in the broker. \
                    Topic cannot be configured with remote log storage."
            .to_owned());
    }
    Ok(())
}

/// The broker config behind the topic config `name`.
pub(super) fn broker_name(name: &str) -> Option<&'static str> {
    BROKER_NAMES.iter().find(|(topic, _)| *topic == name).map(|(_, broker)| *broker)
}

/// The value in force: the topic's own, the broker's, or the default.
///
/// `None` for configs that are unknown, or unset without a default.
pub(super) fn effective(
    overrides: &BTreeMap<String, String>,
    broker: &KafkaSettings,
    name: &str,
) -> Option<ConfigValue> {
    let config = topic_config(name)?;
    if let Some(Ok(value)) = overrides.get(name).map(|raw| config.parse(raw)) {
        return Some(value);
    }
    match name {
        "flush.ms" => Some(ConfigValue::Integer(broker.log_flush_interval_ms())),
        "retention.ms" => Some(ConfigValue::Integer(broker.log_retention_ms())),
        "segment.jitter.ms" => Some(ConfigValue::Integer(broker.log_roll_jitter_ms())),
        "segment.ms" => Some(ConfigValue::Integer(broker.log_roll_ms())),
        _ => match broker_name(name) {
            Some(synonym) => broker.value(synonym),
            None => config.default_value(),
        },
    }
}

/// The codec that a value of `compression.type` names.
fn codec(compression_type: &str) -> Option<Compression> {
    Some(match compression_type {
        "uncompressed" => Compression::None,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        _ => return None,
    })
}

/// What is in force on a topic, typed: its own configs over the broker's.
#[derive(Clone, PartialEq, Debug)]
pub struct TopicSettings {
    /// `cleanup.policy` contains `compact`.
    pub compact: bool,
    /// `cleanup.policy` contains `delete`.
    pub delete: bool,
    /// `compression.type`: the codec that batches are stored with, `None` for the producer's.
    pub compression_type: Option<Compression>,
    /// `compression.gzip.level`; -1 is gzip's own choice.
    pub compression_gzip_level: i32,
    /// `compression.lz4.level`.
    pub compression_lz4_level: i32,
    /// `compression.zstd.level`.
    pub compression_zstd_level: i32,
    /// `message.timestamp.type` is `LogAppendTime`.
    pub log_append_time: bool,
    /// `message.timestamp.before.max.ms`.
    pub message_timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub message_timestamp_after_max_ms: i64,
    /// `max.message.bytes`: the largest batch.
    pub max_message_bytes: i32,
    /// `min.insync.replicas`.
    pub min_insync_replicas: i32,
    /// `retention.ms`; -1 is for ever.
    pub retention_ms: i64,
    /// `retention.bytes`; -1 is no limit.
    pub retention_bytes: i64,
    /// `segment.bytes`.
    pub segment_bytes: i32,
    /// `segment.ms`.
    pub segment_ms: i64,
    /// `delete.retention.ms`: how long tombstones stay.
    pub delete_retention_ms: i64,
    /// `min.cleanable.dirty.ratio`.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`.
    pub max_compaction_lag_ms: i64,
}

impl TopicSettings {
    /// `segment.bytes` and `segment.ms`, as an engine takes them.
    pub fn segment_limits(&self) -> SegmentLimits {
        let bytes = u64::try_from(self.segment_bytes).unwrap_or(u64::MAX);
        SegmentLimits { bytes, span_ms: self.segment_ms }
    }

    /// The settings of a topic with `overrides`, which [`validate_topic_configs`] has let pass; a
    /// value that does not parse counts as unset.
    pub fn of(overrides: &BTreeMap<String, String>, broker: &KafkaSettings) -> Self {
        let value = |name| effective(overrides, broker, name).expect("it has a default");
        let long = |name| match value(name) {
            ConfigValue::Integer(value) => value,
            other => unreachable!("{name} is a number: {other:?}"),
        };
        let int = |name| i32::try_from(long(name)).expect("the config's type bounds it");
        let text = |name| value(name).to_string();
        let ratio = match value("min.cleanable.dirty.ratio") {
            ConfigValue::Real(ratio) => ratio,
            other => unreachable!("min.cleanable.dirty.ratio is a DOUBLE: {other:?}"),
        };
        let policy = text("cleanup.policy");
        TopicSettings {
            compact: policy.split(',').any(|entry| entry == "compact"),
            delete: policy.split(',').any(|entry| entry == "delete"),
            compression_type: codec(&text("compression.type")),
            compression_gzip_level: int("compression.gzip.level"),
            compression_lz4_level: int("compression.lz4.level"),
            compression_zstd_level: int("compression.zstd.level"),
            log_append_time: text("message.timestamp.type") == "LogAppendTime",
            message_timestamp_before_max_ms: long("message.timestamp.before.max.ms"),
            message_timestamp_after_max_ms: long("message.timestamp.after.max.ms"),
            max_message_bytes: int("max.message.bytes"),
            min_insync_replicas: int("min.insync.replicas"),
            retention_ms: long("retention.ms"),
            retention_bytes: long("retention.bytes"),
            segment_bytes: int("segment.bytes"),
            segment_ms: long("segment.ms"),
            delete_retention_ms: long("delete.retention.ms"),
            min_cleanable_dirty_ratio: ratio,
            min_compaction_lag_ms: long("min.compaction.lag.ms"),
            max_compaction_lag_ms: long("max.compaction.lag.ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::Rule;
    use super::*;

    /// Runs one pair through the check: `ok`, or the message.
    fn check(name: &str, value: &str) -> String {
        validate_topic_config(name, value).err().unwrap_or_else(|| "ok".to_owned())
    }

    #[test]
    fn values_that_kafka_takes_are_taken() {
        for (name, value) in [
            ("retention.ms", " 5 "),
            ("retention.ms", "-1"),
            ("retention.bytes", "-5"),
            ("max.message.bytes", "+7"),
            ("cleanup.policy", ""),
            ("cleanup.policy", "compact, delete"),
            ("cleanup.policy", "compact,compact"),
            ("compression.type", " gzip "),
            ("compression.gzip.level", "-1"),
            ("preallocate", "TRUE"),
            ("min.cleanable.dirty.ratio", "1e-1"),
            ("leader.replication.throttled.replicas", ""),
            ("leader.replication.throttled.replicas", "*"),
            ("leader.replication.throttled.replicas", "0:1,1:2"),
        ] {
            assert_eq!(check(name, value), "ok", "{name}={value:?}");
        }
    }

    #[test]
    fn values_that_kafka_refuses_are_refused_in_kafkas_words() {
        let replicas = "leader.replication.throttled.replicas must be the literal '*' or a list of \
                        replicas in the following format: \
                        [partitionId]:[brokerId],[partitionId]:[brokerId],...";
        for (name, value, problem) in [
            ("retention.ms", "abc", "Not a number of type LONG"),
            ("retention.ms", "", "Not a number of type LONG"),
            ("retention.ms", "99999999999999999999", "Not a number of type LONG"),
            ("segment.bytes", "99999999999", "Not a number of type INT"),
            ("retention.ms", "-2", "Value must be at least -1"),
            ("segment.bytes", "100", "Value must be at least 1048576"),
            ("compression.lz4.level", "18", "Value must be no more than 17"),
            ("compression.gzip.level", "0", "Value must be between 1 and 9 or equal to -1"),
            ("min.cleanable.dirty.ratio", "1.5", "Value must be no more than 1"),
            ("min.cleanable.dirty.ratio", "x", "Not a number of type DOUBLE"),
            ("cleanup.policy", "foo", "String must be one of: compact, delete"),
            ("preallocate", "yes", "Expected value to be either true or false"),
            ("message.timestamp.type", "x", "String must be one of: CreateTime, LogAppendTime"),
        ] {
            let message = format!("Invalid value {value} for configuration {name}: {problem}");
            assert_eq!(check(name, value), message);
        }
        assert_eq!(
            check("leader.replication.throttled.replicas", "*,0:1"),
            format!(
                "Invalid value [*, 0:1] for configuration \
                 leader.replication.throttled.replicas: {replicas}"
            )
        );
        assert_eq!(
            check("cleanup.policy", "compact,"),
            "Configuration 'cleanup.policy' values must not be empty."
        );
        assert_eq!(
            check("min.cleanable.dirty.ratio", "-1"),
            "Invalid value -1.0 for configuration min.cleanable.dirty.ratio: \
             Value must be at least 0"
        );
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_one() {
        assert_eq!(check("foo", "1"), "Unknown topic config name: foo");
        assert_eq!(
            check("retention.m", "1"),
            "Unknown topic config name: retention.m (did you mean retention.ms?)"
        );
    }

    #[test]
    fn a_shortest_lag_above_the_longest_is_a_conflict() {
        let overrides = map(&[("min.compaction.lag.ms", "100"), ("max.compaction.lag.ms", "50")]);
        assert_eq!(
            validate_topic_configs(&overrides, &KafkaSettings::default()),
            Err("conflict topic config setting min.compaction.lag.ms (100) > \
                 max.compaction.lag.ms (50)"
                .to_owned())
        );
    }

    #[test]
    fn a_topic_value_beats_the_brokers_and_the_brokers_beats_the_default() {
        let broker = KafkaSettings::from_pairs([
            ("log.retention.hours", "48"),
            ("message.max.bytes", "2000000"),
        ])
        .expect("valid");
        let own = TopicSettings::of(&map(&[("retention.ms", "60000")]), &broker);
        assert_eq!((own.retention_ms, own.max_message_bytes), (60_000, 2_000_000));
        let plain = TopicSettings::of(&map(&[]), &broker);
        assert_eq!((plain.retention_ms, plain.segment_bytes), (172_800_000, 1_073_741_824));
        assert!(plain.delete && !plain.compact && !plain.log_append_time);
    }

    #[test]
    fn every_compression_type_but_producer_names_a_codec() {
        let Some(Rule::OneOf(names)) = topic_config("compression.type").map(|config| config.rule)
        else {
            panic!("compression.type is one of some names")
        };
        let without: Vec<_> = names.iter().filter(|name| codec(name).is_none()).collect();
        assert_eq!(without, [&"producer"]);
    }

    #[test]
    fn a_broker_config_behind_a_topic_config_exists_with_the_same_type() {
        for (topic, broker) in BROKER_NAMES {
            let topic = topic_config(topic).expect("a topic config");
            let broker = super::super::broker_config(broker).expect("a broker config");
            assert_eq!(topic.config_type, broker.config_type, "{}", topic.name);
        }
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}
