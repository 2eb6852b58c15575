//! How a subject, a context, or everything is configured.

use super::metadata::{Metadata, RuleSet};
use serde::{Deserialize, Serialize};
use tidegate_schema::Policy;

/// With which versions a new schema must be compatible, and in which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CompatibilityLevel {
    /// With none.
    None,
    /// The new one reads what the latest wrote.
    #[default]
    Backward,
    /// The new one reads what all wrote.
    BackwardTransitive,
    /// The latest reads what the new one writes.
    Forward,
    /// All read what the new one writes.
    ForwardTransitive,
    /// Both, with the latest.
    Full,
    /// Both, with all.
    FullTransitive,
}

impl CompatibilityLevel {
    /// All of them, in Confluent's order.
    pub const ALL: [CompatibilityLevel; 7] = [
        CompatibilityLevel::None,
        CompatibilityLevel::Backward,
        CompatibilityLevel::BackwardTransitive,
        CompatibilityLevel::Forward,
        CompatibilityLevel::ForwardTransitive,
        CompatibilityLevel::Full,
        CompatibilityLevel::FullTransitive,
    ];

    /// Confluent's word.
    pub fn name(self) -> &'static str {
        match self {
            CompatibilityLevel::None => "NONE",
            CompatibilityLevel::Backward => "BACKWARD",
            CompatibilityLevel::BackwardTransitive => "BACKWARD_TRANSITIVE",
            CompatibilityLevel::Forward => "FORWARD",
            CompatibilityLevel::ForwardTransitive => "FORWARD_TRANSITIVE",
            CompatibilityLevel::Full => "FULL",
            CompatibilityLevel::FullTransitive => "FULL_TRANSITIVE",
        }
    }

    /// The level of that name, whatever the case of its letters.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(name))
    }
}

/// A config: what is `None` is left to the next wider scope.
///
/// Serializes as Confluent's `Config` entity: `compatibilityLevel`, members in Confluent's order,
/// absent ones left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SubjectConfig {
    /// The subject that this one is another name of.
    #[serde(skip_serializing_if = "is_empty")]
    pub alias: Option<String>,
    /// The same for the keys of encryption; kept, without effect here.
    #[serde(skip_serializing_if = "is_empty")]
    pub alias_for_deks: Option<String>,
    /// Whether schemas are normalized unasked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize: Option<bool>,
    /// Whether reserved fields are checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_fields: Option<bool>,
    /// Whether new schemas are read strictly (names, defaults).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_new_schemas: Option<bool>,
    /// The same under the name that later releases use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_names: Option<bool>,
    /// Whether rules are checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_rules: Option<bool>,
    /// The level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility_level: Option<CompatibilityLevel>,
    /// How strictly content models are compared.
    #[serde(skip_serializing_if = "Option::is_none", with = "policy")]
    pub compatibility_policy: Option<Policy>,
    /// The property of metadata whose value parts versions into groups.
    #[serde(skip_serializing_if = "is_empty")]
    pub compatibility_group: Option<String>,
    /// Metadata where a schema says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_metadata: Option<Metadata>,
    /// Metadata whatever a schema says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_metadata: Option<Metadata>,
    /// Rules where a schema has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_rule_set: Option<RuleSet>,
    /// Rules whatever a schema has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_rule_set: Option<RuleSet>,
}

impl SubjectConfig {
    /// Whether it changes schemas that are registered (Confluent's `hasDefaultsOrOverrides`).
    pub fn has_defaults_or_overrides(&self) -> bool {
        self.default_metadata.is_some()
            || self.override_metadata.is_some()
            || self.default_rule_set.is_some()
            || self.override_rule_set.is_some()
    }
}

/// A change of a config. The outer `None` leaves a member as it is, the inner one takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the members of SubjectConfig")]
pub struct ConfigUpdate {
    pub alias: Option<Option<String>>,
    pub alias_for_deks: Option<Option<String>>,
    pub normalize: Option<Option<bool>>,
    pub validate_fields: Option<Option<bool>>,
    pub validate_new_schemas: Option<Option<bool>>,
    pub validate_names: Option<Option<bool>>,
    pub validate_rules: Option<Option<bool>>,
    pub compatibility_level: Option<Option<CompatibilityLevel>>,
    pub compatibility_policy: Option<Option<Policy>>,
    pub compatibility_group: Option<Option<String>>,
    pub default_metadata: Option<Option<Metadata>>,
    pub override_metadata: Option<Option<Metadata>>,
    pub default_rule_set: Option<Option<RuleSet>>,
    pub override_rule_set: Option<Option<RuleSet>>,
}

impl ConfigUpdate {
    /// What becomes of `config`.
    pub fn apply(self, mut config: SubjectConfig) -> SubjectConfig {
        fn set<T>(member: &mut Option<T>, change: Option<Option<T>>) {
            if let Some(value) = change {
                *member = value;
            }
        }
        set(&mut config.alias, self.alias);
        set(&mut config.alias_for_deks, self.alias_for_deks);
        set(&mut config.normalize, self.normalize);
        set(&mut config.validate_fields, self.validate_fields);
        set(&mut config.validate_new_schemas, self.validate_new_schemas);
        set(&mut config.validate_names, self.validate_names);
        set(&mut config.validate_rules, self.validate_rules);
        set(&mut config.compatibility_level, self.compatibility_level);
        set(&mut config.compatibility_policy, self.compatibility_policy);
        set(&mut config.compatibility_group, self.compatibility_group);
        set(&mut config.default_metadata, self.default_metadata);
        set(&mut config.override_metadata, self.override_metadata);
        set(&mut config.default_rule_set, self.default_rule_set);
        set(&mut config.override_rule_set, self.override_rule_set);
        config
    }
}

fn is_empty(text: &Option<String>) -> bool {
    text.as_ref().is_none_or(String::is_empty)
}

/// `STRICT`, `LENIENT`, `LOGICAL`.
mod policy {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use tidegate_schema::Policy;

    pub(super) fn serialize<S: Serializer>(
        policy: &Option<Policy>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match policy {
            Some(Policy::Strict) => serializer.serialize_str("STRICT"),
            Some(Policy::Lenient) => serializer.serialize_str("LENIENT"),
            Some(Policy::Logical) => serializer.serialize_str("LOGICAL"),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Policy>, D::Error> {
        let Some(name) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        match &*name {
            "STRICT" => Ok(Some(Policy::Strict)),
            "LENIENT" => Ok(Some(Policy::Lenient)),
            "LOGICAL" => Ok(Some(Policy::Logical)),
            _ => Err(D::Error::custom("not a compatibility policy")),
        }
    }
}
