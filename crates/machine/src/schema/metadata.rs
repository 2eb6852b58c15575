//! What is kept beside a schema's text: metadata and rules, in Confluent's field order.
//!
//! They serialize as Confluent's entities do: empty members are left out, `disabled` is not.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Tags, properties, and which of the properties are sensitive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Tags by path into the schema.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "or_default")]
    pub tags: BTreeMap<String, BTreeSet<String>>,
    /// Properties by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "or_default")]
    pub properties: BTreeMap<String, String>,
    /// The names of properties that are sensitive.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", deserialize_with = "or_default")]
    pub sensitive: BTreeSet<String>,
}

/// The rules of a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RuleSet {
    /// Rules that migrate data between versions.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub migration_rules: Vec<Rule>,
    /// Rules on the data itself.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub domain_rules: Vec<Rule>,
    /// Rules on how it is encoded (8.x).
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub encoding_rules: Vec<Rule>,
    /// Where the rules are in force (8.2): `ALL`, `CLIENT`, `GATEWAY`, `SERVER` or `NONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_at: Option<String>,
}

/// One rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    /// Its name, unique within the rule set.
    #[serde(skip_serializing_if = "is_empty")]
    pub name: Option<String>,
    /// A sentence about it.
    #[serde(skip_serializing_if = "is_empty")]
    pub doc: Option<String>,
    /// Transformation or condition.
    #[serde(deserialize_with = "or_default")]
    pub kind: RuleKind,
    /// When it applies.
    #[serde(deserialize_with = "or_default")]
    pub mode: RuleMode,
    /// The executor, such as `CEL` or `ENCRYPT`.
    #[serde(rename = "type", skip_serializing_if = "is_empty")]
    pub rule_type: Option<String>,
    /// The tags it applies to.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", deserialize_with = "or_default")]
    pub tags: BTreeSet<String>,
    /// Parameters for the executor.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "or_default")]
    pub params: BTreeMap<String, String>,
    /// What the executor evaluates.
    #[serde(skip_serializing_if = "is_empty")]
    pub expr: Option<String>,
    /// What follows success.
    #[serde(skip_serializing_if = "is_empty")]
    pub on_success: Option<String>,
    /// What follows failure.
    #[serde(skip_serializing_if = "is_empty")]
    pub on_failure: Option<String>,
    /// Whether it is switched off.
    #[serde(deserialize_with = "or_default")]
    pub disabled: bool,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RuleKind {
    /// Changes the data.
    #[default]
    Transform,
    /// Says whether the data is right.
    Condition,
}

/// When a rule applies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RuleMode {
    /// From an older version to a newer one.
    Upgrade,
    /// From a newer version to an older one.
    Downgrade,
    /// Between versions in both directions.
    UpDown,
    /// When data is written.
    Write,
    /// When data is read.
    Read,
    /// Both.
    #[default]
    WriteRead,
}

fn is_empty(text: &Option<String>) -> bool {
    text.as_ref().is_none_or(String::is_empty)
}

/// `null` stands for nothing, as Jackson reads it.
fn or_default<'de, T: Default + Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
