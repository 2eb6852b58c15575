//! What may be set on which resource, and what is answered where it may not.
//!
//! Kafka checks in two places, the broker that is asked (`ConfigAdminManager`, `DynamicBrokerConfig`)
//! and the controller (`ControllerConfigurationValidator`); codes and messages are theirs. Not
//! checked are by how much `log.cleaner.threads` changes, and the patterns in `match` of a
//! subscription to clients' metrics, of which only the properties' names are.

use super::broker::{broker_config, dynamic_config};
use super::settings::{CurrentSettings, KafkaSettings};
use super::table::{CLIENT_METRICS, GROUP_RESOURCE};
use super::topic::{topic_config, validate_topic_configs};
use super::value::{ConfigDef, ConfigType, ConfigValue, UpdateMode};
use tidegate_machine::catalog::{
    self, ConfigChange, ConfigResource, ConfigResourceType, Configs, Failure,
};
use tidegate_model::ErrorCode;

/// Security configs that Kafka changes for single listeners only
/// (`SslConfigs.RECONFIGURABLE_CONFIGS`).
const PER_LISTENER: &[&str] = &[
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// Configs that Kafka changes while it runs, and this gateway does not: its sockets stay.
const FIXED_HERE: &[&str] = &["listeners"];

/// Sizes of thread pools, which Kafka lets double or halve at a time, no more
/// (`DynamicThreadPool`). Nothing here has such a pool; a tool that grows one in steps, as Kafka
/// makes it do, sees the same refusals.
const THREAD_POOLS: &[&str] = &[
    "background.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
];

/// What one client of a subscription is recognized by (`ClientMetricsConfigs`).
const MATCHED: &[&str] = &[
    "client_id",
    "client_instance_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

/// The rules under the settings in force.
pub struct ConfigRules {
    settings: CurrentSettings,
    node_id: i32,
}

impl ConfigRules {
    /// Rules of the node `node_id` that follow `settings`.
    pub fn new(settings: CurrentSettings, node_id: i32) -> Self {
        ConfigRules { settings, node_id }
    }

    fn check_broker(&self, name: &str, configs: &Configs) -> Result<(), Failure> {
        if !name.is_empty() {
            self.check_node(name)?;
        }
        let is_fixed = |name: &str| {
            let config = broker_config(name);
            let modes = [UpdateMode::PerBroker, UpdateMode::ClusterWide];
            config.is_some_and(|config| !modes.contains(&config.update_mode))
        };
        let fixed =
            |config: &str| is_fixed(config) || (!name.is_empty() && FIXED_HERE.contains(&config));
        none_of(configs, "Cannot update these configs dynamically", fixed)?;
        let only = "These security configs can be dynamically updated only per-listener using the \
                    listener prefix";
        none_of(configs, only, |config| PER_LISTENER.contains(&config))?;
        for (name, value) in configs {
            if let Some(config) = broker_config(name).or_else(|| dynamic_config(name)) {
                config.parse(value).map_err(|message| failure(INVALID_REQUEST, message))?;
            }
        }
        if name.is_empty() {
            let only = "Cannot update these configs at default cluster level, broker id must be \
                        specified";
            none_of(configs, only, is_per_broker)?;
        }
        self.check_thread_pools(name, configs)
    }

    /// Compares what would be in force with what is: also what is removed changes a size.
    fn check_thread_pools(&self, name: &str, configs: &Configs) -> Result<(), Failure> {
        let current = self.settings.load();
        let after = current.with_resource(name, configs);
        for pool in THREAD_POOLS {
            let size = |settings: &KafkaSettings| settings.value(pool).and_then(integer);
            let (Some(before), Some(after)) = (size(&current), size(&after)) else { continue };
            let bound = if after < before / 2 {
                "value should be at least half the current value"
            } else if after > before * 2 {
                "value should not be greater than double the current value"
            } else {
                continue;
            };
            let message = format!(
                "Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread \
                 count update validation failed for {pool}={after}, {bound} {before} for \
                 configuration Invalid dynamic configuration"
            );
            return Err(failure(INVALID_REQUEST, message));
        }
        Ok(())
    }

    fn check_node(&self, name: &str) -> Result<(), Failure> {
        let Ok(id) = name.parse::<i32>() else {
            let message = format!("Node id must be an integer, but it is: {name}");
            return Err(failure(INVALID_REQUEST, message));
        };
        if id != self.node_id {
            let message =
                format!("Unexpected broker id, expected {}, but received {name}", self.node_id);
            return Err(failure(INVALID_REQUEST, message));
        }
        Ok(())
    }
}

impl catalog::ConfigRules for ConfigRules {
    fn check(&self, resource: &ConfigResource, configs: &Configs) -> Result<(), Failure> {
        let settings = self.settings.load();
        match resource.kind {
            ConfigResourceType::Topic => validate_topic_configs(configs, &settings)
                .map_err(|message| failure(INVALID_CONFIG, message)),
            ConfigResourceType::Broker => self.check_broker(&resource.name, configs),
            ConfigResourceType::Group => check_group(&resource.name, configs, &settings),
            ConfigResourceType::ClientMetrics => check_client_metrics(&resource.name, configs),
        }
    }

    fn list_default(
        &self,
        resource: &ConfigResource,
        name: &str,
        change: &ConfigChange,
    ) -> Result<String, Failure> {
        let operation =
            if matches!(change, ConfigChange::Append(_)) { "append" } else { "subtract" };
        let config = match resource.kind {
            ConfigResourceType::Topic => topic_config(name),
            ConfigResourceType::Broker => match broker_config(name) {
                None => {
                    let message = format!("Unknown config name: {name}");
                    return Err(failure(INVALID_CONFIG, message));
                }
                config => config,
            },
            // Kafka's controller does not know that some of these are lists.
            ConfigResourceType::Group | ConfigResourceType::ClientMetrics => None,
        };
        if let Some(config) = config.filter(|config| config.config_type == ConfigType::List) {
            // Kafka's own default, not what was set in other places.
            return Ok(config.default.unwrap_or("").to_owned());
        }
        let message = match resource.kind {
            ConfigResourceType::Broker => {
                format!("Config value {operation} is not allowed for config key: {name}")
            }
            _ => {
                let operation = operation.to_uppercase();
                format!("Can't {operation} to key {name} because its type is not LIST.")
            }
        };
        Err(failure(INVALID_CONFIG, message))
    }
}

const INVALID_CONFIG: ErrorCode = ErrorCode::InvalidConfig;
const INVALID_REQUEST: ErrorCode = ErrorCode::InvalidRequest;

fn failure(error: ErrorCode, message: impl Into<String>) -> Failure {
    Failure::new(error, message)
}

/// Fails with `what` and the names of all configs that are `wrong`.
fn none_of(configs: &Configs, what: &str, wrong: impl Fn(&str) -> bool) -> Result<(), Failure> {
    let names: Vec<&str> = configs.keys().map(String::as_str).filter(|name| wrong(name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(failure(INVALID_REQUEST, format!("{what}: [{}]", names.join(", "))))
}

/// True for configs that each broker has for itself, also for a listener of its.
fn is_per_broker(name: &str) -> bool {
    let rest = name.strip_prefix("listener.name.").and_then(|rest| rest.split_once('.'));
    let name = rest.map_or(name, |(_, name)| name);
    broker_config(name).is_some_and(|config| config.update_mode == UpdateMode::PerBroker)
}

fn check_group(name: &str, configs: &Configs, broker: &KafkaSettings) -> Result<(), Failure> {
    if name.is_empty() {
        return Err(failure(INVALID_REQUEST, "Default group resources are not allowed."));
    }
    let config = |name: &str| GROUP_RESOURCE.iter().find(|config| config.name == name);
    if let Some(unknown) = configs.keys().find(|name| config(name).is_none()) {
        let message = format!("Unknown group config name: {unknown}");
        return Err(failure(INVALID_CONFIG, message));
    }
    for (name, value) in configs {
        let config = config(name).expect("unknown names have been refused");
        config.parse(value).map_err(|message| failure(INVALID_CONFIG, message))?;
    }
    if let Some(value) = configs.get("share.auto.offset.reset") {
        check_offset_reset(value.trim())?;
    }
    let value = |name: &str| {
        let own = configs.get(name).and_then(|text| integer(config(name)?.parse(text).ok()?));
        own.or_else(|| integer(broker.value(&format!("group.{name}"))?))
    };
    for name in configs.keys() {
        let (least, most) = bounds(name);
        let bound = |bound: &str| broker.value(bound).and_then(integer);
        if bound(&least).is_some_and(|least| value(name) < Some(least)) {
            let message = format!("{name} must be greater than or equal to {least}");
            return Err(failure(INVALID_CONFIG, message));
        }
        if bound(&most).is_some_and(|most| value(name) > Some(most)) {
            let message = format!("{name} must be less than or equal to {most}");
            return Err(failure(INVALID_CONFIG, message));
        }
    }
    for kind in ["consumer", "share", "streams"] {
        let session = format!("{kind}.session.timeout.ms");
        let heartbeat = format!("{kind}.heartbeat.interval.ms");
        if value(&session) <= value(&heartbeat) {
            let message = format!("{session} must be greater than {heartbeat}");
            return Err(failure(INVALID_CONFIG, message));
        }
    }
    Ok(())
}

/// The broker's configs that bound the config `name` of groups from below and from above, if there
/// are such: `group.share.min.session.timeout.ms` bounds `share.session.timeout.ms`.
fn bounds(name: &str) -> (String, String) {
    let (kind, rest) = name.split_once('.').expect("groups' configs begin with a kind of group");
    let rest = rest.strip_prefix("num.").unwrap_or(rest);
    (format!("group.{kind}.min.{rest}"), format!("group.{kind}.max.{rest}"))
}

fn integer(value: ConfigValue) -> Option<i64> {
    match value {
        ConfigValue::Integer(value) => Some(value),
        _ => None,
    }
}

fn check_offset_reset(value: &str) -> Result<(), Failure> {
    let is_right = match value.strip_prefix("by_duration:") {
        Some(duration) => is_iso_duration(duration),
        None => matches!(value, "earliest" | "latest"),
    };
    if is_right {
        return Ok(());
    }
    let name = "share.auto.offset.reset";
    let message = format!(
        "Invalid value {value} for configuration {name}: Invalid value `{value}` for configuration \
         {name}. The value must be either 'earliest', 'latest' or of the format \
         'by_duration:<PnDTnHnMn.nS>'."
    );
    Err(failure(INVALID_CONFIG, message))
}

/// True for what `java.time.Duration` reads, without signs: `P1DT2H3M4.5S`, or a part of it.
fn is_iso_duration(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    let Some(rest) = text.strip_prefix('P') else { return false };
    let (days, time) = match rest.split_once('T') {
        Some((days, time)) => (days, Some(time)),
        None => (rest, None),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let days_fit = days.is_empty() || days.strip_suffix('D').is_some_and(is_number);
    let Some(mut time) = time else { return days_fit && !days.is_empty() };
    if time.is_empty() {
        return false;
    }
    for unit in ['H', 'M'] {
        if let Some((number, rest)) = time.split_once(unit) {
            if !is_number(number) {
                return false;
            }
            time = rest;
        }
    }
    let seconds = time.strip_suffix('S').map(|text| text.split_once('.').unwrap_or((text, "0")));
    let seconds_fit =
        seconds.is_some_and(|(whole, part)| is_number(whole) && is_number(part) && part.len() < 10);
    days_fit && (time.is_empty() || seconds_fit)
}

fn check_client_metrics(name: &str, configs: &Configs) -> Result<(), Failure> {
    if name.is_empty() {
        return Err(failure(INVALID_REQUEST, "Subscription name can't be empty"));
    }
    let config = |name: &str| CLIENT_METRICS.iter().find(|config| config.name == name);
    for name in configs.keys() {
        if config(name).is_none() {
            let message = format!("Unknown client metrics configuration: {name}");
            return Err(failure(INVALID_REQUEST, message));
        }
    }
    let parsed = |name: &str| {
        let parse = |text: &String| {
            let config: &ConfigDef = config(name).expect("the callers' names exist");
            config.parse(text).map_err(|message| failure(INVALID_CONFIG, message))
        };
        configs.get(name).map(parse).transpose()
    };
    if let Some(ConfigValue::Integer(interval_ms)) = parsed("interval.ms")?
        && !(100..=3_600_000).contains(&interval_ms)
    {
        let message = format!(
            "Invalid value {interval_ms} for interval.ms, interval must be between 100 and \
             3600000 (1 hour)"
        );
        return Err(failure(INVALID_REQUEST, message));
    }
    let Some(ConfigValue::List(patterns)) = parsed("match")? else { return Ok(()) };
    for pattern in patterns {
        let name = pattern.split_once('=').map(|(name, _)| name.trim());
        if !name.is_some_and(|name| MATCHED.contains(&name)) {
            let message = format!("Illegal client matching pattern: {pattern}");
            return Err(failure(INVALID_CONFIG, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_that_java_reads() {
        for right in ["P1D", "PT1H", "pt5m", "P2DT3H4M5.6S", "PT0.000000001S", "PT15S"] {
            assert!(is_iso_duration(right), "{right}");
        }
        for wrong in ["", "P", "1D", "PT", "P1", "PT5", "P1H", "PTxS", "PT1M2H", "PT1.S", "-P1D"] {
            assert!(!is_iso_duration(wrong), "{wrong}");
        }
    }

    #[test]
    fn every_time_and_count_of_a_group_is_bounded_but_the_first_delay() {
        let numbers = GROUP_RESOURCE.iter().filter(|config| config.config_type == ConfigType::Int);
        for config in numbers.filter(|config| config.name != "streams.initial.rebalance.delay.ms") {
            let (least, most) = bounds(config.name);
            assert!(broker_config(&most).is_some(), "{most}");
            let free_below = config.name == "streams.num.standby.replicas";
            assert_eq!(broker_config(&least).is_some(), !free_below, "{least}");
        }
    }

    #[test]
    fn a_session_must_be_longer_than_a_heartbeat_whatever_the_bounds() {
        let broker = KafkaSettings::from_pairs([("group.consumer.min.session.timeout.ms", "1")]);
        let broker = broker.expect("valid");
        let session = Configs::from([("consumer.session.timeout.ms".into(), "5000".into())]);
        let refused = check_group("g", &session, &broker).expect_err("as long as the heartbeat");
        let message =
            "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms";
        assert_eq!(refused, Failure::new(ErrorCode::InvalidConfig, message));
    }
}
