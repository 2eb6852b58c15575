//! Every config of a broker, and the names a value is looked for under.

use super::ConfigDef;
use super::table::{CLUSTER, DYNAMIC, GROUP, LOG, NETWORK, SECURITY};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const BROKER_CONFIG_COUNT: usize =
    CLUSTER.len() + GROUP.len() + LOG.len() + NETWORK.len() + SECURITY.len();

/// Every config of a broker, as Kafka 4.3.1 defines them.
pub static BROKER_CONFIGS: &[ConfigDef] = &ALL;

static ALL: [ConfigDef; BROKER_CONFIG_COUNT] =
    concatenated(&[CLUSTER, GROUP, LOG, NETWORK, SECURITY]);

static BY_NAME: LazyLock<BTreeMap<&'static str, &'static ConfigDef>> =
    LazyLock::new(|| BROKER_CONFIGS.iter().map(|config| (config.name, config)).collect());

/// The broker config `name`.
pub fn broker_config(name: &str) -> Option<&'static ConfigDef> {
    BY_NAME.get(name).copied()
}

/// The config `name` of those that brokers take only while they run.
pub(super) fn dynamic_config(name: &str) -> Option<&'static ConfigDef> {
    DYNAMIC.iter().find(|config| config.name == name)
}

/// All broker configs in the order of their names.
pub(super) fn in_order_of_names() -> impl Iterator<Item = &'static ConfigDef> {
    BY_NAME.values().copied()
}

/// The names under which the value of the broker config `name` is looked for, the strongest first:
/// itself, then the same quantity in coarser units (`DynamicBrokerConfig.brokerConfigSynonyms`).
pub(super) fn broker_synonyms(name: &str) -> Vec<&str> {
    match name {
        "log.retention.ms" => vec![name, "log.retention.minutes", "log.retention.hours"],
        "log.retention.minutes" => vec![name, "log.retention.hours"],
        "log.roll.ms" => vec![name, "log.roll.hours"],
        "log.roll.jitter.ms" => vec![name, "log.roll.jitter.hours"],
        "log.flush.interval.ms" => vec![name, "log.flush.scheduler.interval.ms"],
        _ => vec![name],
    }
}

const fn concatenated<const N: usize>(tables: &[&[ConfigDef]]) -> [ConfigDef; N] {
    let mut all = [tables[0][0]; N];
    let (mut table, mut filled) = (0, 0);
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            all[filled] = tables[table][row];
            filled += 1;
            row += 1;
        }
        table += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{TOPIC_CONFIGS, UpdateMode};

    #[test]
    fn every_default_is_a_valid_value() {
        for config in BROKER_CONFIGS.iter().chain(TOPIC_CONFIGS) {
            if let Some(default) = config.default {
                assert!(
                    config.parse(default).is_ok(),
                    "{}: {:?}",
                    config.name,
                    config.parse(default)
                );
            }
        }
    }

    #[test]
    fn no_name_is_listed_twice() {
        assert_eq!(BY_NAME.len(), BROKER_CONFIGS.len());
    }

    #[test]
    fn the_table_has_as_many_configs_as_kafka_4_3_1() {
        let internal = |config: &&ConfigDef| config.update_mode == UpdateMode::Internal;
        assert_eq!(BROKER_CONFIGS.len(), 360);
        assert_eq!(BROKER_CONFIGS.iter().filter(internal).count(), INTERNAL_IN_KAFKA);
    }

    const INTERNAL_IN_KAFKA: usize = 20;
}
