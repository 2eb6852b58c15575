//! `KafkaSettings`: what an operator set of Kafka's broker configs, checked, with typed getters.

use super::broker::{BROKER_CONFIGS, broker_config};
use super::describe::ConfigSource;
use super::value::{ConfigDef, ConfigValue};
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use tidegate_machine::catalog::Configs;

/// The prefix of environment variables that set a broker config: `TIDEGATE_KAFKA_NUM_PARTITIONS`
/// is `num.partitions`.
pub const ENVIRONMENT_PREFIX: &str = "TIDEGATE_KAFKA_";

/// Defaults that differ from Kafka's, because one gateway is the whole cluster and nobody should
/// wait three seconds for a consumer's first record.
const OWN_DEFAULTS: &[(&str, &str)] = &[
    ("group.initial.rebalance.delay.ms", "0"),
    ("offsets.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("transaction.state.log.replication.factor", "1"),
];

/// Configs that other settings of the gateway decide. Two places for one thing would disagree.
const SET_ELSEWHERE: &[(&str, &str)] = &[
    ("advertised.listeners", "--advertise (advertise in the file)"),
    ("listeners", "--listen (listen in the file)"),
    ("log.dir", "--data-dir (data_dir in the file)"),
    ("log.dirs", "--data-dir (data_dir in the file)"),
];

/// Why a setting was refused, with all that is needed to put it right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingError {
    /// The setting, under the name its writer used.
    pub name: String,
    /// The value it was given.
    pub value: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub right: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SettingError { name, value, problem, right } = self;
        write!(f, "{name} = {value:?}: {problem}; {right}")
    }
}

impl std::error::Error for SettingError {}

/// The settings in force. Whoever changes them puts other ones in their place.
pub type CurrentSettings = Arc<ArcSwap<KafkaSettings>>;

/// Kafka's broker configs as the operator set them. What is not set has its default.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    layers: Layers,
    typed: Typed,
}

/// The places where a config may have been set (KIP-226).
#[derive(Clone, Debug, Default)]
pub(super) struct Layers {
    /// On this node while it runs. Also names that are no config of Kafka's may be set.
    node: Arc<Configs>,
    /// On all nodes while they run.
    cluster: Arc<Configs>,
    /// What the node started with.
    given: BTreeMap<&'static str, String>,
}

impl Layers {
    /// The places from the strongest to the weakest, with their values for `name`.
    fn set<'a>(&'a self, name: &str) -> [(ConfigSource, Option<&'a String>); 3] {
        [
            (ConfigSource::DynamicBrokerConfig, self.node.get(name)),
            (ConfigSource::DynamicDefaultBrokerConfig, self.cluster.get(name)),
            (ConfigSource::StaticBrokerConfig, self.given.get(name)),
        ]
    }
}

impl Default for KafkaSettings {
    fn default() -> Self {
        let layers = Layers::default();
        KafkaSettings { typed: Typed::of(&layers), layers }
    }
}

impl KafkaSettings {
    /// The settings of `pairs`, of which a later one beats an earlier one of the same name.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, SettingError>
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        let mut given = BTreeMap::new();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.into());
            if let Some((_, instead)) = SET_ELSEWHERE.iter().find(|(other, _)| *other == name) {
                return Err(SettingError {
                    name: name.to_owned(),
                    value,
                    problem: "is not set here".to_owned(),
                    right: format!("use {instead}"),
                });
            }
            let config = checked(name, &value)?;
            given.insert(config.name, value);
        }
        let layers = Layers { given, ..Layers::default() };
        Ok(KafkaSettings { typed: Typed::of(&layers), layers })
    }

    /// The same with what was set while the gateway ran: on this node, and on all of them.
    pub fn with_dynamic(&self, node: Arc<Configs>, cluster: Arc<Configs>) -> Self {
        let layers = Layers { node, cluster, given: self.layers.given.clone() };
        KafkaSettings { typed: Typed::of(&layers), layers }
    }

    /// The same with `configs` as all that is set on this node or, if `name` is empty, on all nodes.
    pub(super) fn with_resource(&self, name: &str, configs: &Configs) -> Self {
        let configs = Arc::new(configs.clone());
        if name.is_empty() {
            self.with_dynamic(Arc::clone(&self.layers.node), configs)
        } else {
            self.with_dynamic(configs, Arc::clone(&self.layers.cluster))
        }
    }

    /// The pairs that the environment sets: `TIDEGATE_KAFKA_<NAME WITH DOTS AS UNDERSCORES>`.
    pub fn pairs_of_environment(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<(&'static str, String)>, SettingError> {
        let mut pairs = Vec::new();
        for (variable, value) in variables {
            let Some(suffix) = variable.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
            let spelled = suffix.to_ascii_lowercase().replace('_', ".");
            let config =
                broker_config(&spelled).ok_or_else(|| unknown(&variable, &spelled, &value))?;
            pairs.push((config.name, value));
        }
        Ok(pairs)
    }

    /// The same settings with a value that the gateway found out itself, such as its `listeners`.
    /// It is described like one from the file.
    pub fn with_fact(mut self, name: &str, value: &str) -> Self {
        let config = checked(name, value).expect("the gateway states valid configs of its own");
        self.layers.given.insert(config.name, value.to_owned());
        self.typed = Typed::of(&self.layers);
        self
    }

    /// The configs that something here depends on.
    pub fn names_with_effect() -> Vec<&'static str> {
        [Typed::NAMES, BEHIND_TOPICS].concat()
    }

    /// The names that were set although nothing here depends on them.
    pub fn without_effect(&self) -> Vec<&'static str> {
        let with_effect = Self::names_with_effect();
        self.layers.given.keys().copied().filter(|name| !with_effect.contains(name)).collect()
    }

    /// The value of the config `name` as it was set, or its default.
    pub fn value(&self, name: &str) -> Option<ConfigValue> {
        value_in(&self.layers, name)
    }

    /// How long data is kept: `log.retention.ms`, minutes or hours, the finest that is set
    /// (`KafkaConfig.logRetentionTimeMillis`). Negative is for ever.
    pub fn log_retention_ms(&self) -> i64 {
        let hours_in_ms = 3_600_000;
        let choices = [
            ("log.retention.ms", 1),
            ("log.retention.minutes", 60_000),
            ("log.retention.hours", hours_in_ms),
        ];
        match self.first_in_ms(&choices) {
            value if value < 0 => -1,
            value => value,
        }
    }

    /// After what time a segment is closed: `log.roll.ms`, or hours.
    pub fn log_roll_ms(&self) -> i64 {
        self.first_in_ms(&[("log.roll.ms", 1), ("log.roll.hours", 3_600_000)])
    }

    /// How much is taken off that at random: `log.roll.jitter.ms`, or hours.
    pub fn log_roll_jitter_ms(&self) -> i64 {
        self.first_in_ms(&[("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", 3_600_000)])
    }

    /// After what time logs are synced: `log.flush.interval.ms`, or the scheduler's interval.
    pub fn log_flush_interval_ms(&self) -> i64 {
        self.first_in_ms(&[("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)])
    }

    /// What was set for `name`, as it was written, the strongest first.
    pub(super) fn set(&self, name: &str) -> impl Iterator<Item = (ConfigSource, &str)> {
        let places = self.layers.set(name).into_iter();
        places.filter_map(|(source, value)| Some((source, value?.as_str())))
    }

    /// What was set on all nodes while they ran.
    pub(super) fn cluster(&self) -> &Configs {
        &self.layers.cluster
    }

    /// The names set while the gateway runs, on this node or on all.
    pub fn dynamic_names(&self) -> BTreeSet<&str> {
        let names = self.layers.node.keys().chain(self.layers.cluster.keys());
        names.map(String::as_str).collect()
    }

    /// The default of `name`: the gateway's own where it differs from Kafka's.
    pub fn default_of(name: &str) -> Option<&'static str> {
        let own = OWN_DEFAULTS.iter().find(|(config, _)| *config == name).map(|(_, value)| *value);
        own.or_else(|| broker_config(name)?.default)
    }

    fn first_in_ms(&self, choices: &[(&str, i64)]) -> i64 {
        choices
            .iter()
            .find_map(|(name, unit_ms)| match self.value(name)? {
                ConfigValue::Integer(value) => Some(value.saturating_mul(*unit_ms)),
                _ => None,
            })
            .expect("the coarsest unit has a default")
    }
}

/// The names that `wrong` may have been meant to be: the nearest of `known` by edit distance, if
/// it is near at all.
pub fn closest_name<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().map(|name| (edit_distance(wrong, name), name)).min()?;
    (near.0 <= 2.max(wrong.len() / 4)).then_some(near.1)
}

fn checked(name: &str, value: &str) -> Result<&'static ConfigDef, SettingError> {
    let config = broker_config(name).ok_or_else(|| unknown(name, name, value))?;
    match config.parse(value) {
        Ok(_) => Ok(config),
        Err(problem) => Err(SettingError {
            name: name.to_owned(),
            value: if config.is_sensitive() { "[hidden]".to_owned() } else { value.to_owned() },
            problem,
            right: match KafkaSettings::default_of(name) {
                Some(default) => format!("it takes {} (default {default})", config.expected()),
                None => format!("it takes {}", config.expected()),
            },
        }),
    }
}

fn unknown(written: &str, name: &str, value: &str) -> SettingError {
    SettingError {
        name: written.to_owned(),
        value: value.to_owned(),
        problem: "Kafka 4.3 has no broker config of this name".to_owned(),
        right: match closest_name(name, BROKER_CONFIGS.iter().map(|config| config.name)) {
            Some(near) => format!("did you mean {near}?"),
            None => "see the broker configs in Kafka's documentation".to_owned(),
        },
    }
}

/// The value of `name`. What does not parse counts as unset: an older version may have let it pass.
fn value_in(layers: &Layers, name: &str) -> Option<ConfigValue> {
    let config = broker_config(name)?;
    let set = layers.set(name).into_iter().filter_map(|(_, value)| value);
    if let Some(value) = set.filter_map(|text| config.parse(text).ok()).next() {
        return Some(value);
    }
    let default = KafkaSettings::default_of(name)?;
    Some(config.parse(default).expect("a test parses the default of every config"))
}

/// Levenshtein's distance: how many letters must be inserted, deleted or replaced.
fn edit_distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

/// From a parsed value to the Rust type of a getter.
trait FromConfig: Sized {
    fn from_config(value: ConfigValue) -> Self;
}

macro_rules! from_config {
    ($($type:ty: $pattern:pat => $value:expr;)*) => {
        $(impl FromConfig for $type {
            fn from_config(value: ConfigValue) -> Self {
                match value {
                    $pattern => $value,
                    other => panic!("the table gives this config another type: {other:?}"),
                }
            }
        })*
    };
}

const FITS: &str = "the config's type bounds it";

from_config! {
    bool: ConfigValue::Boolean(value) => value;
    i16: ConfigValue::Integer(value) => value.try_into().expect(FITS);
    i32: ConfigValue::Integer(value) => value.try_into().expect(FITS);
    i64: ConfigValue::Integer(value) => value;
    String: ConfigValue::Text(value) => value;
    Vec<String>: ConfigValue::List(values) => values;
}

/// Configs that take effect through the topics that set nothing in their place.
const BEHIND_TOPICS: &[&str] = &[
    "log.retention.bytes",
    "log.retention.hours",
    "log.retention.minutes",
    "log.retention.ms",
    "log.roll.hours",
    "log.roll.ms",
];

/// Declares the configs that have a getter. They are parsed once, when the settings are made.
macro_rules! typed {
    ($($getter:ident: $type:ty = $name:literal;)*) => {
        #[derive(Clone, Debug)]
        struct Typed {
            $($getter: $type,)*
        }

        impl Typed {
            /// The configs that take effect.
            const NAMES: &'static [&'static str] = &[$($name,)*];

            fn of(layers: &Layers) -> Typed {
                Typed {
                    $($getter: {
                        let value = value_in(layers, $name).expect("it has a default");
                        <$type>::from_config(value)
                    },)*
                }
            }
        }

        impl KafkaSettings {
            $(
                #[doc = concat!("`", $name, "`.")]
                pub fn $getter(&self) -> $type {
                    self.typed.$getter.clone()
                }
            )*
        }
    };
}

typed! {
    auto_create_topics_enable: bool = "auto.create.topics.enable";
    compression_gzip_level: i32 = "compression.gzip.level";
    compression_type: String = "compression.type";
    compression_zstd_level: i32 = "compression.zstd.level";
    connections_max_idle_ms: i64 = "connections.max.idle.ms";
    controller_quota_window_num: i32 = "controller.quota.window.num";
    controller_quota_window_size_seconds: i32 = "controller.quota.window.size.seconds";
    default_replication_factor: i32 = "default.replication.factor";
    delete_topic_enable: bool = "delete.topic.enable";
    fetch_max_bytes: i32 = "fetch.max.bytes";
    group_initial_rebalance_delay_ms: i32 = "group.initial.rebalance.delay.ms";
    group_max_session_timeout_ms: i32 = "group.max.session.timeout.ms";
    group_max_size: i32 = "group.max.size";
    group_min_session_timeout_ms: i32 = "group.min.session.timeout.ms";
    log_cleanup_policy: Vec<String> = "log.cleanup.policy";
    log_message_timestamp_after_max_ms: i64 = "log.message.timestamp.after.max.ms";
    log_message_timestamp_before_max_ms: i64 = "log.message.timestamp.before.max.ms";
    log_message_timestamp_type: String = "log.message.timestamp.type";
    log_retention_check_interval_ms: i64 = "log.retention.check.interval.ms";
    log_segment_bytes: i32 = "log.segment.bytes";
    max_connections: i32 = "max.connections";
    max_incremental_fetch_session_cache_slots: i32 = "max.incremental.fetch.session.cache.slots";
    max_request_partition_size_limit: i32 = "max.request.partition.size.limit";
    message_max_bytes: i32 = "message.max.bytes";
    num_partitions: i32 = "num.partitions";
    offset_metadata_max_bytes: i32 = "offset.metadata.max.bytes";
    offsets_retention_check_interval_ms: i64 = "offsets.retention.check.interval.ms";
    offsets_retention_minutes: i32 = "offsets.retention.minutes";
    offsets_topic_num_partitions: i32 = "offsets.topic.num.partitions";
    offsets_topic_segment_bytes: i32 = "offsets.topic.segment.bytes";
    producer_id_expiration_ms: i32 = "producer.id.expiration.ms";
    quota_window_num: i32 = "quota.window.num";
    quota_window_size_seconds: i32 = "quota.window.size.seconds";
    socket_request_max_bytes: i32 = "socket.request.max.bytes";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, value: &str) -> String {
        KafkaSettings::from_pairs([(name, value)]).expect_err("must be refused").to_string()
    }

    #[test]
    fn an_unset_config_has_kafkas_default() {
        let settings = KafkaSettings::default();
        assert_eq!(settings.message_max_bytes(), 1_048_588);
        assert_eq!(settings.socket_request_max_bytes(), 104_857_600);
        assert_eq!(settings.offsets_topic_num_partitions(), 50);
        assert_eq!(settings.fetch_max_bytes(), 57_671_680);
        assert_eq!(settings.max_incremental_fetch_session_cache_slots(), 1000);
        assert_eq!(settings.log_retention_ms(), 604_800_000);
        assert!(settings.auto_create_topics_enable());
    }

    #[test]
    fn the_first_rebalance_is_not_delayed_by_default() {
        assert_eq!(KafkaSettings::default().group_initial_rebalance_delay_ms(), 0);
    }

    #[test]
    fn the_later_of_two_sources_wins() {
        let settings =
            KafkaSettings::from_pairs([("num.partitions", "3"), ("num.partitions", " 7 ")])
                .expect("both are valid");
        assert_eq!(settings.num_partitions(), 7);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_one() {
        assert_eq!(
            refused("num.partition", "3"),
            "num.partition = \"3\": Kafka 4.3 has no broker config of this name; \
             did you mean num.partitions?"
        );
        assert!(!refused("completely.different.thing", "3").contains("did you mean"));
    }

    #[test]
    fn a_bad_value_is_refused_with_what_would_be_right() {
        assert_eq!(
            refused("num.partitions", "0"),
            "num.partitions = \"0\": Invalid value 0 for configuration num.partitions: \
             Value must be at least 1; it takes a whole number, 1 or more (default 1)"
        );
    }

    #[test]
    fn what_another_setting_decides_is_refused_with_that_settings_name() {
        assert!(refused("log.dirs", "/data").contains("use --data-dir"));
    }

    #[test]
    fn the_environment_names_a_config_with_underscores() {
        let variable = |name: &str| (name.to_owned(), "9".to_owned());
        let pairs = KafkaSettings::pairs_of_environment([
            variable("TIDEGATE_KAFKA_NUM_PARTITIONS"),
            variable("TIDEGATE_LISTEN"),
        ]);
        assert_eq!(pairs, Ok(vec![("num.partitions", "9".to_owned())]));
        let wrong = KafkaSettings::pairs_of_environment([variable("TIDEGATE_KAFKA_NUM_PARTITONS")])
            .expect_err("must be refused");
        assert_eq!(wrong.name, "TIDEGATE_KAFKA_NUM_PARTITONS");
        assert_eq!(wrong.right, "did you mean num.partitions?");
    }

    #[test]
    fn retention_is_taken_from_the_finest_unit_that_is_set() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            KafkaSettings::from_pairs(pairs.iter().copied()).expect("valid").log_retention_ms()
        };
        assert_eq!(of(&[("log.retention.hours", "2")]), 7_200_000);
        assert_eq!(of(&[("log.retention.hours", "2"), ("log.retention.minutes", "1")]), 60_000);
        assert_eq!(of(&[("log.retention.minutes", "1"), ("log.retention.ms", "5")]), 5);
        assert_eq!(of(&[("log.retention.hours", "-1")]), -1);
    }

    #[test]
    fn settings_that_nothing_depends_on_are_known() {
        let settings =
            KafkaSettings::from_pairs([("num.io.threads", "4"), ("num.partitions", "4")])
                .expect("valid");
        assert_eq!(settings.without_effect(), ["num.io.threads"]);
    }

    #[test]
    fn a_config_with_a_getter_exists() {
        for name in KafkaSettings::names_with_effect() {
            assert!(broker_config(name).is_some(), "{name}");
        }
    }
}
