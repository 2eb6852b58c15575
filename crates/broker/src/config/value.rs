//! What a config is: its name, type, default and valid values, and how text becomes a value.
//!
//! The rules and the wording of the errors are Kafka's (`ConfigDef.parseType` and its validators),
//! because tools show them to their users as they come.

use std::fmt;

/// The type of a config. The discriminants are DescribeConfigs' (`ConfigEntry.ConfigType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i8)]
pub enum ConfigType {
    /// `true` or `false`, in any case.
    Boolean = 1,
    /// Text, trimmed.
    String = 2,
    /// 32 bits, signed.
    Int = 3,
    /// 16 bits, signed.
    Short = 4,
    /// 64 bits, signed.
    Long = 5,
    /// A double-precision number.
    Double = 6,
    /// Comma-separated texts, each trimmed.
    List = 7,
    /// The name of a Java class. Nothing here loads it.
    Class = 8,
    /// Text that is never shown.
    Password = 9,
}

impl ConfigType {
    /// The type's id on the wire.
    pub fn id(self) -> i8 {
        self as i8
    }

    /// The type's name as Kafka's messages have it.
    pub fn name(self) -> &'static str {
        match self {
            ConfigType::Boolean => "BOOLEAN",
            ConfigType::String => "STRING",
            ConfigType::Int => "INT",
            ConfigType::Short => "SHORT",
            ConfigType::Long => "LONG",
            ConfigType::Double => "DOUBLE",
            ConfigType::List => "LIST",
            ConfigType::Class => "CLASS",
            ConfigType::Password => "PASSWORD",
        }
    }
}

/// Which values of its type a config takes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Rule {
    /// All of them.
    Any,
    /// Numbers from this one up.
    AtLeast(i64),
    /// Numbers between these two, both included.
    Between(i64, i64),
    /// The same for [`ConfigType::Double`].
    BetweenReals(f64, f64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts, in upper or lower case.
    OneOfAnyCase(&'static [&'static str]),
    /// A list of these texts (of any, where there are none), which may be empty.
    ListOf(&'static [&'static str]),
    /// The same, with one entry at least.
    FilledListOf(&'static [&'static str]),
    /// 1 to 9, or -1.
    GzipLevel,
    /// Any text but the empty one.
    NonEmpty,
    /// `*`, or pairs `partition:broker`.
    ThrottledReplicas,
}

/// How a config can be changed in Kafka. Those that cannot are `read_only` in DescribeConfigs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpdateMode {
    /// By a restart only.
    ReadOnly,
    /// While running, for one broker.
    PerBroker,
    /// While running, for one broker or for all.
    ClusterWide,
    /// While running, for one topic.
    PerTopic,
    /// While running, for one group or one subscription to clients' metrics.
    PerResource,
    /// By a restart only; Kafka keeps it for its own tests and does not list it.
    Internal,
}

/// One config.
#[derive(Clone, Copy, Debug)]
pub struct ConfigDef {
    /// Its name.
    pub name: &'static str,
    /// The type of its value.
    pub config_type: ConfigType,
    /// Its value where nobody set one.
    pub default: Option<&'static str>,
    /// Which values it takes.
    pub rule: Rule,
    /// How it can be changed.
    pub update_mode: UpdateMode,
    /// What it is, in a sentence.
    pub documentation: &'static str,
}

/// A parsed value of a config.
#[derive(Clone, PartialEq, Debug)]
pub enum ConfigValue {
    /// Of [`ConfigType::Boolean`].
    Boolean(bool),
    /// Of [`ConfigType::Int`], [`ConfigType::Short`] and [`ConfigType::Long`].
    Integer(i64),
    /// Of [`ConfigType::Double`].
    Real(f64),
    /// Of [`ConfigType::String`], [`ConfigType::Class`] and [`ConfigType::Password`].
    Text(String),
    /// Of [`ConfigType::List`].
    List(Vec<String>),
}

impl fmt::Display for ConfigValue {
    /// The text Kafka gives back for the value (`ConfigDef.convertToString`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigValue::Boolean(value) => write!(f, "{value}"),
            ConfigValue::Integer(value) => write!(f, "{value}"),
            ConfigValue::Real(value) => f.write_str(&java_double(*value)),
            ConfigValue::Text(value) => f.write_str(value),
            ConfigValue::List(values) => f.write_str(&values.join(",")),
        }
    }
}

impl ConfigDef {
    /// True for values that must not be shown to anybody.
    pub fn is_sensitive(&self) -> bool {
        self.config_type == ConfigType::Password
    }

    /// The value that `raw` stands for, or Kafka's message on why it stands for none.
    pub fn parse(&self, raw: &str) -> Result<ConfigValue, String> {
        let text = raw.trim();
        let value = match self.config_type {
            ConfigType::Boolean if text.eq_ignore_ascii_case("true") => ConfigValue::Boolean(true),
            ConfigType::Boolean if text.eq_ignore_ascii_case("false") => {
                ConfigValue::Boolean(false)
            }
            ConfigType::Boolean => {
                return Err(self.invalid(text, "Expected value to be either true or false"));
            }
            ConfigType::Int => self.integer(text, i32::MIN.into(), i32::MAX.into())?,
            ConfigType::Short => self.integer(text, i16::MIN.into(), i16::MAX.into())?,
            ConfigType::Long => self.integer(text, i64::MIN, i64::MAX)?,
            ConfigType::Double => match parse_double(text) {
                Some(value) => ConfigValue::Real(value),
                None => return Err(self.invalid(text, "Not a number of type DOUBLE")),
            },
            ConfigType::List if text.is_empty() => ConfigValue::List(Vec::new()),
            ConfigType::List => {
                let mut entries: Vec<String> = Vec::new();
                for entry in text.split(',').map(str::trim) {
                    if entry.is_empty() || !entries.iter().any(|seen| seen == entry) {
                        entries.push(entry.to_owned());
                    }
                }
                ConfigValue::List(entries)
            }
            ConfigType::String | ConfigType::Class | ConfigType::Password => {
                ConfigValue::Text(text.to_owned())
            }
        };
        self.check(&value).map(|()| value)
    }

    /// The parsed default.
    pub fn default_value(&self) -> Option<ConfigValue> {
        let default = self.default?;
        Some(self.parse(default).expect("a test parses the default of every config"))
    }

    /// What would be a right value, for a message to whoever wrote a wrong one.
    pub fn expected(&self) -> String {
        let what = match self.config_type {
            ConfigType::Boolean => "true or false",
            ConfigType::Int | ConfigType::Short | ConfigType::Long => "a whole number",
            ConfigType::Double => "a number",
            ConfigType::List => "a comma-separated list",
            ConfigType::String | ConfigType::Class | ConfigType::Password => "text",
        };
        let one_of = |names: &[&str]| names.join(", ");
        match self.rule {
            Rule::Any | Rule::ListOf([]) => what.to_owned(),
            Rule::AtLeast(least) => format!("{what}, {least} or more"),
            Rule::Between(least, most) => format!("{what} from {least} to {most}"),
            Rule::BetweenReals(least, most) => format!("{what} from {least} to {most}"),
            Rule::OneOf(names) => format!("one of {}", one_of(names)),
            Rule::OneOfAnyCase(names) => format!("one of {}", one_of(names)),
            Rule::ListOf(names) => format!("{what} of {}, or nothing", one_of(names)),
            Rule::FilledListOf([]) => format!("{what} with one entry or more"),
            Rule::FilledListOf(names) => format!("{what} of one or more of {}", one_of(names)),
            Rule::GzipLevel => "a whole number from 1 to 9, or -1".to_owned(),
            Rule::NonEmpty => "text that is not empty".to_owned(),
            Rule::ThrottledReplicas => "* or a list of partition:broker pairs".to_owned(),
        }
    }

    fn integer(&self, text: &str, min: i64, max: i64) -> Result<ConfigValue, String> {
        match text.parse::<i64>() {
            Ok(value) if (min..=max).contains(&value) => Ok(ConfigValue::Integer(value)),
            _ => {
                let problem = format!("Not a number of type {}", self.config_type.name());
                Err(self.invalid(text, &problem))
            }
        }
    }

    fn check(&self, value: &ConfigValue) -> Result<(), String> {
        match (self.rule, value) {
            (Rule::AtLeast(least), ConfigValue::Integer(value)) => self.at_least(*value, least),
            (Rule::Between(least, most), ConfigValue::Integer(value)) => {
                self.at_least(*value, least)?;
                self.at_most(*value, most)
            }
            (Rule::BetweenReals(least, most), ConfigValue::Real(value)) => {
                self.at_least_real(*value, least)?;
                self.at_most_real(*value, most)
            }
            (Rule::OneOf(names), ConfigValue::Text(text)) if !names.contains(&text.as_str()) => {
                Err(self.invalid(text, &format!("String must be one of: {}", names.join(", "))))
            }
            (Rule::OneOfAnyCase(names), ConfigValue::Text(text))
                if !names.iter().any(|name| name.eq_ignore_ascii_case(text)) =>
            {
                let names = names.join(", ");
                let problem = format!("String must be one of (case insensitive): {names}");
                Err(self.invalid(text, &problem))
            }
            (Rule::ListOf(names), ConfigValue::List(list)) => self.entries(list, names),
            (Rule::FilledListOf(names), ConfigValue::List(list)) => self.filled(list, names),
            (Rule::GzipLevel, ConfigValue::Integer(value))
                if *value != -1 && !(1..=9).contains(value) =>
            {
                Err(self.invalid(value, "Value must be between 1 and 9 or equal to -1"))
            }
            (Rule::NonEmpty, ConfigValue::Text(text)) if text.is_empty() => {
                Err(self.invalid(text, "String must be non-empty"))
            }
            (Rule::ThrottledReplicas, ConfigValue::List(list)) => self.throttled_replicas(list),
            _ => Ok(()),
        }
    }

    fn at_least(&self, value: i64, least: i64) -> Result<(), String> {
        if value >= least {
            return Ok(());
        }
        Err(self.invalid(value, &format!("Value must be at least {least}")))
    }

    fn at_most(&self, value: i64, most: i64) -> Result<(), String> {
        if value <= most {
            return Ok(());
        }
        Err(self.invalid(value, &format!("Value must be no more than {most}")))
    }

    fn at_least_real(&self, value: f64, least: f64) -> Result<(), String> {
        if value >= least {
            return Ok(());
        }
        Err(self.invalid(java_double(value), &format!("Value must be at least {least}")))
    }

    fn at_most_real(&self, value: f64, most: f64) -> Result<(), String> {
        if value <= most {
            return Ok(());
        }
        Err(self.invalid(java_double(value), &format!("Value must be no more than {most}")))
    }

    fn filled(&self, list: &[String], names: &[&str]) -> Result<(), String> {
        if !list.is_empty() {
            return self.entries(list, names);
        }
        let valid = match names {
            [] => "any non-empty value".to_owned(),
            names => format!("[{}]", names.join(", ")),
        };
        let name = self.name;
        Err(format!("Configuration '{name}' must not be empty. Valid values include: {valid}"))
    }

    fn entries(&self, list: &[String], names: &[&str]) -> Result<(), String> {
        if list.iter().any(String::is_empty) {
            return Err(format!("Configuration '{}' values must not be empty.", self.name));
        }
        if names.is_empty() {
            return Ok(());
        }
        match list.iter().find(|entry| !names.contains(&entry.as_str())) {
            None => Ok(()),
            Some(entry) => {
                let problem = format!("String must be one of: {}", names.join(", "));
                Err(self.invalid(entry, &problem))
            }
        }
    }

    fn throttled_replicas(&self, list: &[String]) -> Result<(), String> {
        let is_id = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // Kafka lets entries without anything pass, as after a comma at the end.
        let is_pair = |entry: &String| match entry.split_once(':') {
            Some((partition, broker)) => is_id(partition) && is_id(broker),
            None => entry.is_empty(),
        };
        if list == ["*"] || list.iter().all(is_pair) {
            return Ok(());
        }
        let problem = format!(
            "{} must be the literal '*' or a list of replicas in the following format: \
             [partitionId]:[brokerId],[partitionId]:[brokerId],...",
            self.name
        );
        Err(self.invalid(format_args!("[{}]", list.join(", ")), &problem))
    }

    fn invalid(&self, value: impl fmt::Display, problem: &str) -> String {
        format!("Invalid value {value} for configuration {}: {problem}", self.name)
    }
}

/// A double as Java writes it: `1.5`, `1e-1`, `1f`, `2D`, `-Infinity`. Not `NaN`, of which no range
/// can say that it is outside, and no hexadecimal fractions.
fn parse_double(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits == "Infinity" {
        return text.parse().ok();
    }
    // What only Rust reads, such as `inf`, begins with a letter.
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text).parse().ok()
}

/// A double as Java prints it: `1.0E10` where Rust prints `10000000000`.
fn java_double(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        _ => text,
    }
}

/// Declares a table of configs, one by one:
/// `"name": Type = "default", Rule, UpdateMode => "documentation";`.
macro_rules! configs {
    (
        $(#[$attribute:meta])* $table:ident
        $(
            $name:literal: $type:ident $(= $default:literal)?, $rule:expr, $mode:ident
                => $documentation:literal;
        )*
    ) => {
        $(#[$attribute])*
        pub(in super::super) const $table: &[$crate::config::ConfigDef] = {
            use $crate::config::{ConfigDef, ConfigType, UpdateMode};
            #[allow(unused_imports)]
            use $crate::config::Rule::*;
            &[$(ConfigDef {
                name: $name,
                config_type: ConfigType::$type,
                default: configs!(@default $($default)?),
                rule: $rule,
                update_mode: UpdateMode::$mode,
                documentation: $documentation,
            }),*]
        };
    };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
}
pub(super) use configs;
