//! DescribeConfigs without its wire form: every config of a topic or the broker, with its source.
//!
//! The order in which values are looked for, and which synonyms are told, follow `ConfigHelper` and
//! `DynamicBrokerConfig` of Kafka 4.3.1; the tests compare with what a real one answered.

use super::broker::{broker_config, broker_synonyms, dynamic_config, in_order_of_names};
use super::settings::KafkaSettings;
use super::table::{CLIENT_METRICS, GROUP_RESOURCE};
use super::topic::{TOPIC_CONFIGS, broker_name, effective};
use super::value::{ConfigDef, ConfigType, UpdateMode};
use std::borrow::Cow;
use std::collections::BTreeMap;
use tidegate_machine::catalog::Configs;

/// Where a value comes from. The discriminants are DescribeConfigs' (`ConfigEntry.ConfigSource`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i8)]
pub enum ConfigSource {
    /// Set on the topic.
    DynamicTopicConfig = 1,
    /// Set on one broker while it ran.
    DynamicBrokerConfig = 2,
    /// Set on all brokers while they ran.
    DynamicDefaultBrokerConfig = 3,
    /// Set in the configuration the broker started with.
    StaticBrokerConfig = 4,
    /// Set by nobody.
    DefaultConfig = 5,
    /// Set on a subscription to clients' metrics.
    ClientMetricsConfig = 7,
    /// Set on a group.
    GroupConfig = 8,
}

impl ConfigSource {
    /// The source's id on the wire.
    pub fn id(self) -> i8 {
        self as i8
    }
}

/// One of the places a value was looked for, the strongest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Synonym {
    /// The name it has there.
    pub name: String,
    /// The value it has there; `None` for a sensitive one.
    pub value: Option<String>,
    /// Which place it is.
    pub source: ConfigSource,
}

/// A config as DescribeConfigs tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedConfig {
    /// Its name.
    pub name: Cow<'static, str>,
    /// The value in force; `None` where there is none, or where it is sensitive.
    pub value: Option<String>,
    /// Whether it can only be changed by a restart.
    pub read_only: bool,
    /// Whether nobody set it (version 0 of the API tells this in place of the source).
    pub is_default: bool,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether the value is kept secret.
    pub is_sensitive: bool,
    /// Where the value was looked for, if that was asked.
    pub synonyms: Vec<Synonym>,
    /// The type of the value; `None` for a config that Kafka does not know.
    pub config_type: Option<ConfigType>,
    /// What the config is, if that was asked.
    pub documentation: Option<&'static str>,
}

/// The configs of a topic that has `overrides`: all, or those of `names` that exist.
pub fn describe_topic(
    overrides: &BTreeMap<String, String>,
    broker: &KafkaSettings,
    names: Option<&[&str]>,
    include_synonyms: bool,
    include_documentation: bool,
) -> Vec<DescribedConfig> {
    let listed = |config: &&ConfigDef| config.update_mode != UpdateMode::Internal;
    TOPIC_CONFIGS
        .iter()
        .filter(|config| asked(config, names))
        .filter(|config| listed(config) || overrides.contains_key(config.name))
        .map(|config| {
            let value = effective(overrides, broker, config.name).map(|value| value.to_string());
            let mut synonyms = match broker_name(config.name) {
                Some(name) => broker_places(name, broker, config.is_sensitive()),
                None => Vec::new(),
            };
            if overrides.contains_key(config.name) {
                let own = Synonym {
                    name: config.name.to_owned(),
                    value: value.clone(),
                    source: ConfigSource::DynamicTopicConfig,
                };
                synonyms.insert(0, own);
            }
            Described { config, value, read_only: false, synonyms }
                .tell(include_synonyms, include_documentation)
        })
        .collect()
}

/// The configs of the broker: all, or those of `names` that exist. The last are those that were set
/// while it runs and that only then exist.
pub fn describe_broker(
    broker: &KafkaSettings,
    names: Option<&[&str]>,
    include_synonyms: bool,
    include_documentation: bool,
) -> Vec<DescribedConfig> {
    let listed = |config: &&ConfigDef| config.update_mode != UpdateMode::Internal;
    let more = broker.dynamic_names().into_iter().filter(|name| broker_config(name).is_none());
    let more = more.filter(|name| names.is_none_or(|names| names.contains(name))).map(|name| {
        let places = broker.set(name).collect();
        only_dynamic(name, places, include_synonyms, include_documentation)
    });
    in_order_of_names()
        .filter(|config| asked(config, names))
        .filter(|config| listed(config) || broker.set(config.name).next().is_some())
        .map(|config| {
            let value = broker.value(config.name).map(|value| value.to_string());
            let synonyms = broker_places(config.name, broker, config.is_sensitive());
            let read_only = is_read_only(config);
            Described { config, value, read_only, synonyms }
                .tell(include_synonyms, include_documentation)
        })
        .chain(more)
        .collect()
}

/// What was set on all brokers while they ran: all of it, or that of `names`.
pub fn describe_cluster(
    broker: &KafkaSettings,
    names: Option<&[&str]>,
    include_synonyms: bool,
    include_documentation: bool,
) -> Vec<DescribedConfig> {
    let set = broker.cluster().iter();
    set.filter(|(name, _)| names.is_none_or(|names| names.contains(&name.as_str())))
        .map(|(name, value)| {
            let places = vec![(ConfigSource::DynamicDefaultBrokerConfig, value.as_str())];
            only_dynamic(name, places, include_synonyms, include_documentation)
        })
        .collect()
}

/// The configs of a group that has `overrides`.
pub fn describe_group(
    overrides: &Configs,
    broker: &KafkaSettings,
    names: Option<&[&str]>,
    include_synonyms: bool,
    include_documentation: bool,
) -> Vec<DescribedConfig> {
    let default = |config: &ConfigDef| {
        let behind = format!("group.{}", config.name);
        match broker.value(&behind) {
            Some(value) => (Some(value.to_string()), broker_places(&behind, broker, false)),
            None => {
                let value = config.default.map(str::to_owned);
                let name = config.name.to_owned();
                let source = ConfigSource::DefaultConfig;
                (value.clone(), vec![Synonym { name, value, source }])
            }
        }
    };
    let asked = GROUP_RESOURCE.iter().filter(|config| asked(config, names));
    asked
        .map(|config| {
            own_or_default(config, overrides, ConfigSource::GroupConfig, default(config))
                .tell(include_synonyms, include_documentation)
        })
        .collect()
}

/// The configs of a subscription to clients' metrics that has `overrides`.
pub fn describe_client_metrics(
    overrides: &Configs,
    names: Option<&[&str]>,
    include_synonyms: bool,
    include_documentation: bool,
) -> Vec<DescribedConfig> {
    let asked = CLIENT_METRICS.iter().filter(|config| asked(config, names));
    asked
        .map(|config| {
            let default = (config.default.map(str::to_owned), Vec::new());
            own_or_default(config, overrides, ConfigSource::ClientMetricsConfig, default)
                .tell(include_synonyms, include_documentation)
        })
        .collect()
}

fn own_or_default(
    config: &'static ConfigDef,
    overrides: &Configs,
    source: ConfigSource,
    (value, mut synonyms): (Option<String>, Vec<Synonym>),
) -> Described {
    let own = overrides.get(config.name).and_then(|own| config.parse(own).ok());
    let value = match own {
        Some(own) => {
            let (name, value) = (config.name.to_owned(), Some(own.to_string()));
            synonyms.insert(0, Synonym { name, value: value.clone(), source });
            value
        }
        None => value,
    };
    Described { config, value, read_only: false, synonyms }
}

fn asked(config: &ConfigDef, names: Option<&[&str]>) -> bool {
    names.is_none_or(|names| names.contains(&config.name))
}

fn is_read_only(config: &ConfigDef) -> bool {
    !matches!(config.update_mode, UpdateMode::PerBroker | UpdateMode::ClusterWide)
}

/// A broker's config of which only what was set while it runs is told, at `places`. One that Kafka
/// does not know may be anything, a secret too.
fn only_dynamic(
    name: &str,
    places: Vec<(ConfigSource, &str)>,
    include_synonyms: bool,
    include_documentation: bool,
) -> DescribedConfig {
    let config = broker_config(name).or_else(|| dynamic_config(name));
    let is_sensitive = config.is_none_or(ConfigDef::is_sensitive);
    let told = |value: &str| (!is_sensitive).then(|| value.to_owned());
    let synonym = |(source, value): &(ConfigSource, &str)| Synonym {
        name: name.to_owned(),
        value: told(value),
        source: *source,
    };
    let (source, value) = *places.first().expect("it was set somewhere");
    DescribedConfig {
        name: Cow::Owned(name.to_owned()),
        value: told(value),
        read_only: config.is_none_or(is_read_only),
        is_default: false,
        source,
        is_sensitive,
        synonyms: if include_synonyms { places.iter().map(synonym).collect() } else { Vec::new() },
        config_type: config.map(|config| config.config_type),
        documentation: config.map(|config| config.documentation).filter(|_| include_documentation),
    }
}

/// A config with all that is known of it, before what was not asked for is left out.
struct Described {
    config: &'static ConfigDef,
    value: Option<String>,
    read_only: bool,
    synonyms: Vec<Synonym>,
}

impl Described {
    fn tell(self, include_synonyms: bool, include_documentation: bool) -> DescribedConfig {
        let source =
            self.synonyms.first().map_or(ConfigSource::DefaultConfig, |synonym| synonym.source);
        DescribedConfig {
            name: Cow::Borrowed(self.config.name),
            value: if self.config.is_sensitive() { None } else { self.value },
            read_only: self.read_only,
            is_default: source == ConfigSource::DefaultConfig,
            source,
            is_sensitive: self.config.is_sensitive(),
            synonyms: if include_synonyms { self.synonyms } else { Vec::new() },
            config_type: Some(self.config.config_type),
            documentation: include_documentation.then_some(self.config.documentation),
        }
    }
}

/// Where the broker looks for the config `name`: what was set under each of its names, then the
/// defaults. Kafka leaves out what comes before the first entry under `name` itself, and so a
/// `retention.ms` that `log.retention.hours` decides counts as a default.
fn broker_places(name: &str, broker: &KafkaSettings, is_sensitive: bool) -> Vec<Synonym> {
    let synonym = |name: &str, value: &str, source| Synonym {
        name: name.to_owned(),
        value: (!is_sensitive).then(|| value.to_owned()),
        source,
    };
    let names = broker_synonyms(name);
    let mut set: Vec<Synonym> = Vec::new();
    for name in &names {
        set.extend(broker.set(name).map(|(source, value)| synonym(name, value, source)));
    }
    // One place under all its names comes before the next; the sort is stable.
    set.sort_by_key(|place| place.source.id());
    let defaults = names.iter().filter_map(|name| {
        let value = KafkaSettings::default_of(name)?;
        Some(synonym(name, value, ConfigSource::DefaultConfig))
    });
    set.into_iter().chain(defaults).skip_while(|synonym| synonym.name != name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Apache Kafka 4.3.1 answered, with the configs of [`broker_of_the_fixture`] and
    /// [`topic_of_the_fixture`], to an admin client that asked for synonyms.
    const KAFKA: &str = include_str!("testdata/describe-configs-kafka-4.3.1.tsv");

    /// Rows of the fixture that a gateway answers differently, on purpose: where Kafka's replication
    /// has set something of its own, and the gateway's own defaults.
    const OTHERWISE: &[&str] = &["min.insync.replicas"];

    fn broker_of_the_fixture() -> KafkaSettings {
        KafkaSettings::from_pairs([
            ("process.roles", "broker,controller"),
            ("node.id", "1"),
            ("broker.id", "1"),
            ("controller.quorum.voters", "1@127.0.0.1:19093"),
            ("controller.listener.names", "CONTROLLER"),
            ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"),
            ("offsets.topic.replication.factor", "1"),
            ("transaction.state.log.replication.factor", "1"),
            ("transaction.state.log.min.isr", "1"),
            ("share.coordinator.state.topic.replication.factor", "1"),
            ("share.coordinator.state.topic.min.isr", "1"),
            ("group.initial.rebalance.delay.ms", "0"),
            ("log.segment.bytes", "4194304"),
            ("message.max.bytes", "2000000"),
            ("log.retention.hours", "48"),
            ("log.roll.ms", "3600000"),
            ("log.cleanup.policy", "delete"),
            ("log.cleaner.min.cleanable.ratio", "0.25"),
            ("num.partitions", "3"),
            ("auto.create.topics.enable", "TRUE"),
            ("ssl.key.password", "secret"),
            ("log.cleaner.io.max.bytes.per.second", "100000000"),
        ])
        .expect("the fixture's configs are valid")
        .with_fact("listeners", "PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093")
        .with_fact("log.dirs", "/var/lib/kafka")
    }

    fn topic_of_the_fixture() -> BTreeMap<String, String> {
        [
            ("cleanup.policy", "compact, delete"),
            ("retention.ms", " 60000 "),
            ("min.cleanable.dirty.ratio", "1e-1"),
            ("preallocate", "TRUE"),
            ("segment.bytes", "2097152"),
            ("leader.replication.throttled.replicas", "0:1, 1:1"),
            ("max.compaction.lag.ms", "8000000000"),
            ("compression.type", "zstd"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// The rows of one section of the fixture, by name.
    fn kafka(section: &str) -> BTreeMap<String, String> {
        let (_, rest) = KAFKA.split_once(&format!("# {section}\n")).expect("the fixture has it");
        rest.lines()
            .take_while(|line| !line.starts_with("# "))
            .map(|line| (line.split('\t').next().expect("a name").to_owned(), line.to_owned()))
            .collect()
    }

    /// A described config in the form of the fixture, with Kafka's defaults in its synonyms.
    fn row(described: &DescribedConfig) -> String {
        let synonyms: Vec<String> = described.synonyms.iter().map(in_fixture_form).collect();
        [
            &*described.name,
            described.value.as_deref().unwrap_or("\\N"),
            source_name(described.source),
            if described.read_only { "read-only" } else { "dynamic" },
            if described.is_sensitive { "sensitive" } else { "plain" },
            described.config_type.expect("all of them are Kafka's").name(),
            &synonyms.join(" | "),
        ]
        .join("\t")
    }

    fn in_fixture_form(synonym: &Synonym) -> String {
        let kafkas_default = super::super::broker_config(&synonym.name).and_then(|c| c.default);
        let value = match (synonym.source, kafkas_default) {
            (ConfigSource::DefaultConfig, Some(value)) => value,
            _ => synonym.value.as_deref().unwrap_or("null"),
        };
        format!("{} {} {value}", synonym.name, source_name(synonym.source))
    }

    fn source_name(source: ConfigSource) -> &'static str {
        match source {
            ConfigSource::DynamicTopicConfig => "DYNAMIC_TOPIC_CONFIG",
            ConfigSource::DynamicBrokerConfig => "DYNAMIC_BROKER_CONFIG",
            ConfigSource::DynamicDefaultBrokerConfig => "DYNAMIC_DEFAULT_BROKER_CONFIG",
            ConfigSource::StaticBrokerConfig => "STATIC_BROKER_CONFIG",
            ConfigSource::DefaultConfig => "DEFAULT_CONFIG",
            ConfigSource::ClientMetricsConfig => "DYNAMIC_CLIENT_METRICS_CONFIG",
            ConfigSource::GroupConfig => "DYNAMIC_GROUP_CONFIG",
        }
    }

    fn assert_as_in_kafka(described: &[DescribedConfig], section: &str) {
        let mut rows: BTreeMap<String, String> =
            described.iter().map(|config| (config.name.to_string(), row(config))).collect();
        let mut expected = kafka(section);
        for name in OTHERWISE {
            assert!(rows.remove(*name).is_some() && expected.remove(*name).is_some(), "{name}");
        }
        let names = |rows: &BTreeMap<String, String>| rows.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&rows), names(&expected), "{section}");
        for (name, row) in &rows {
            assert_eq!(row, &expected[name], "{section}");
        }
    }

    #[test]
    fn a_topic_with_overrides_is_described_as_kafka_describes_it() {
        let broker = broker_of_the_fixture();
        let described = describe_topic(&topic_of_the_fixture(), &broker, None, true, false);
        assert_as_in_kafka(&described, "topic golden");
    }

    #[test]
    fn a_topic_without_overrides_is_described_as_kafka_describes_it() {
        let broker = broker_of_the_fixture();
        let described = describe_topic(&BTreeMap::new(), &broker, None, true, false);
        assert_as_in_kafka(&described, "topic plain");
    }

    #[test]
    fn the_broker_is_described_as_kafka_describes_it() {
        let described = describe_broker(&broker_of_the_fixture(), None, true, false);
        assert_as_in_kafka(&described, "broker 1");
    }

    #[test]
    fn only_the_names_asked_for_are_described() {
        let broker = KafkaSettings::default();
        let names: &[&str] = &["retention.ms", "no.such.config"];
        let described = describe_topic(&BTreeMap::new(), &broker, Some(names), false, true);
        assert_eq!(described.len(), 1);
        assert_eq!(described[0].value.as_deref(), Some("604800000"));
        assert!(described[0].documentation.is_some_and(|text| !text.is_empty()));
        assert!(described[0].synonyms.is_empty());
        assert!(describe_topic(&BTreeMap::new(), &broker, Some(&[]), false, true).is_empty());
    }

    #[test]
    fn a_secret_is_never_told() {
        let broker = KafkaSettings::from_pairs([("ssl.key.password", "hunter2")]).expect("valid");
        let told = format!("{:?}", describe_broker(&broker, None, true, true));
        assert!(!told.contains("hunter2"));
    }
}
