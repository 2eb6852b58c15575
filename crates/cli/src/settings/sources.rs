//! Where settings come from: flags, the environment and a TOML file, in this order of strength.
//!
//! All three end as text with a note of its origin, so that a wrong value is refused in one way and
//! the message names the place that has to be changed.

use crate::failure::Failure;
use std::collections::BTreeMap;
use std::path::Path;
use tidegate_broker::config::{KafkaSettings, SettingError, closest_name};

/// What the environment variables of settings begin with.
const PREFIX: &str = "TIDEGATE_";

/// A setting, as it is known in the three places.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key in the file, with its table: `storage.sync`.
    pub key: &'static str,
    /// Its environment variable.
    pub variable: &'static str,
    /// What it takes, for the message to whoever got it wrong.
    pub takes: &'static str,
}

/// A value, and where somebody wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The name there: `--sync`, `TIDEGATE_SYNC`, or `storage.sync in tidegate.toml`.
    pub place: String,
    /// The value as text.
    pub text: String,
}

/// The values that were set, the strongest of each, and Kafka's in ascending strength.
#[derive(Default, Debug)]
pub struct Sources {
    values: BTreeMap<&'static str, Written>,
    kafka: Vec<(String, String)>,
    /// Things worth a warning, which do not stop the start.
    pub warnings: Vec<String>,
}

impl Sources {
    /// Reads the file and the environment, and puts the flags `(key, flag, value)` above both.
    pub fn read(
        known: &[Setting],
        file: Option<&Path>,
        environment: Vec<(String, String)>,
        flags: Vec<(&'static str, &'static str, String)>,
    ) -> Result<Sources, Failure> {
        let mut sources = Sources::default();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::Usage(format!("--config {}: cannot be read: {error}", path.display()))
            })?;
            sources.add_file(known, &path.display().to_string(), &text)?;
        }
        sources.add_environment(known, environment)?;
        for (key, flag, text) in flags {
            sources.values.insert(key, Written { place: flag.to_owned(), text });
        }
        Ok(sources)
    }

    /// The setting `setting` as `parse` understands it, or `None` where nobody set it.
    pub fn take<T, E: std::fmt::Display>(
        &self,
        setting: &Setting,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Failure> {
        let Some(Written { place, text }) = self.values.get(setting.key) else { return Ok(None) };
        let value = parse(text.trim());
        value.map(Some).map_err(|problem| {
            let takes = setting.takes;
            Failure::Usage(format!("{place} = {text:?}: {problem}; it takes {takes}"))
        })
    }

    /// Kafka's broker configs.
    pub fn kafka(&self) -> Result<KafkaSettings, Failure> {
        KafkaSettings::from_pairs(self.kafka.iter().cloned()).map_err(|error| refused("", error))
    }

    fn add_file(&mut self, known: &[Setting], name: &str, text: &str) -> Result<(), Failure> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            Failure::Usage(format!("{name} is not valid TOML: {}", error.to_string().trim_end()))
        })?;
        let mut kafka = Vec::new();
        for (key, value) in flat(table) {
            if let Some(config) = key.strip_prefix("kafka.") {
                let config = config.to_owned();
                let text = scalar(&value).ok_or_else(|| not_scalar(name, &key, &value))?;
                kafka.push((config, text));
                continue;
            }
            let setting = known.iter().find(|setting| setting.key == key);
            let setting = setting.ok_or_else(|| unknown_key(known, name, &key, &value))?;
            let text = scalar(&value).ok_or_else(|| not_scalar(name, &key, &value))?;
            let place = format!("{key} in {name}");
            self.values.insert(setting.key, Written { place, text });
        }
        // Checked here as well as at the end, so that the message can name the file.
        KafkaSettings::from_pairs(kafka.iter().cloned())
            .map_err(|error| refused(&format!("[kafka] in {name}: "), error))?;
        self.kafka.extend(kafka);
        Ok(())
    }

    fn add_environment(
        &mut self,
        known: &[Setting],
        environment: Vec<(String, String)>,
    ) -> Result<(), Failure> {
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        let pairs = KafkaSettings::pairs_of_environment(environment.clone())
            .map_err(|error| refused("", error))?;
        for (name, value) in pairs {
            KafkaSettings::from_pairs([(name, value.clone())]).map_err(|error| {
                let variable = name.to_uppercase().replace('.', "_");
                refused("", SettingError { name: format!("TIDEGATE_KAFKA_{variable}"), ..error })
            })?;
            self.kafka.push((name.to_owned(), value));
        }
        for (variable, text) in environment {
            if !variable.starts_with(PREFIX) || variable.starts_with("TIDEGATE_KAFKA_") {
                continue;
            }
            match known.iter().find(|setting| setting.variable == variable) {
                Some(setting) => {
                    self.values.insert(setting.key, Written { place: variable, text });
                }
                // Others use this prefix too (orchestrators, scripts), so only what looks like a
                // slip of the pen is worth a word.
                None => {
                    let spelled = known.iter().filter_map(|s| s.variable.strip_prefix(PREFIX));
                    if let Some(near) = closest_name(&variable[PREFIX.len()..], spelled) {
                        let hint = format!("did you mean {PREFIX}{near}?");
                        self.warnings.push(format!("{variable} is not a setting, {hint}"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The table's leaves by their dotted keys. `num.partitions = 3` and `"num.partitions" = 3` are one
/// key this way, as whoever copies a line from Kafka's `server.properties` expects.
fn flat(table: toml::Table) -> Vec<(String, toml::Value)> {
    let mut leaves = Vec::new();
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) if !inner.is_empty() => {
                for (rest, value) in flat(inner) {
                    leaves.push((format!("{key}.{rest}"), value));
                }
            }
            toml::Value::Table(_) => {}
            value => leaves.push((key, value)),
        }
    }
    leaves
}

/// A value as text; lists of texts join with commas, as Kafka writes them.
fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(values) => {
            let texts: Option<Vec<String>> = values.iter().map(scalar).collect();
            texts.map(|texts| texts.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

fn not_scalar(name: &str, key: &str, value: &toml::Value) -> Failure {
    let kind = value.type_str();
    Failure::Usage(format!("{key} in {name} = {value}: is a {kind}; it takes text or a number"))
}

fn unknown_key(known: &[Setting], name: &str, key: &str, value: &toml::Value) -> Failure {
    let hint = match closest_name(key, known.iter().map(|setting| setting.key)) {
        Some(near) => format!("did you mean {near}?"),
        None => {
            let keys: Vec<&str> = known.iter().map(|setting| setting.key).collect();
            format!("there are {}, and Kafka's in [kafka]", keys.join(", "))
        }
    };
    Failure::Usage(format!("{key} in {name} = {value}: there is no such setting; {hint}"))
}

fn refused(place: &str, error: SettingError) -> Failure {
    Failure::Usage(format!("{place}{error}"))
}
