//! Bodies of requests. Members that are not listed are ignored, and `null` is as good as nothing.

use super::inline_tags::SchemaTags;
use serde::{Deserialize, Deserializer};
use tidegate_machine::schema::{Metadata, RuleSet};

/// What is registered, looked up, or compared.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RegisterRequest {
    /// The version it must get.
    pub version: Option<i32>,
    /// The id it must get; only in IMPORT mode.
    pub id: Option<i32>,
    /// The language; AVRO where it is not said.
    pub schema_type: Option<String>,
    /// What the text refers to.
    pub references: Option<Vec<ReferenceRequest>>,
    /// Metadata.
    pub metadata: Option<Metadata>,
    /// Rules.
    pub rule_set: Option<RuleSet>,
    /// The text; without one, that of the version before.
    pub schema: Option<String>,
    /// Tags to write into the text.
    pub schema_tags_to_add: Option<Vec<SchemaTags>>,
    /// Tags to take out of the text.
    pub schema_tags_to_remove: Option<Vec<SchemaTags>>,
    /// Whether the tags of the version before are written into the text.
    pub propagate_schema_tags: Option<bool>,
}

impl RegisterRequest {
    /// Whether it asks for tags in the text to be changed.
    pub fn changes_tags(&self) -> bool {
        let any =
            |tags: &Option<Vec<SchemaTags>>| tags.as_ref().is_some_and(|tags| !tags.is_empty());
        any(&self.schema_tags_to_add) || any(&self.schema_tags_to_remove)
    }
}

/// A reference, whose members may be missing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ReferenceRequest {
    /// The name under which the text refers to it.
    pub name: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// The version; -1 is the latest.
    pub version: Option<i32>,
}

/// A change of a config: what is missing stays, what is `null` is taken away.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConfigRequest {
    #[serde(deserialize_with = "given")]
    pub alias: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub alias_for_deks: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub normalize: Option<Option<bool>>,
    #[serde(deserialize_with = "given")]
    pub validate_fields: Option<Option<bool>>,
    #[serde(deserialize_with = "given")]
    pub validate_new_schemas: Option<Option<bool>>,
    #[serde(deserialize_with = "given")]
    pub validate_names: Option<Option<bool>>,
    #[serde(deserialize_with = "given")]
    pub validate_rules: Option<Option<bool>>,
    #[serde(deserialize_with = "given")]
    pub compatibility: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub compatibility_policy: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub compatibility_group: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub default_metadata: Option<Option<Metadata>>,
    #[serde(deserialize_with = "given")]
    pub override_metadata: Option<Option<Metadata>>,
    #[serde(deserialize_with = "given")]
    pub default_rule_set: Option<Option<RuleSet>>,
    #[serde(deserialize_with = "given")]
    pub override_rule_set: Option<Option<RuleSet>>,
}

/// A mode to set; `null` takes it away.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ModeRequest {
    /// The mode.
    pub mode: Option<String>,
}

/// Tags, metadata and rules for a new version of a schema that is there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TagRequest {
    /// The version it must get.
    pub new_version: Option<i32>,
    /// Tags to write into the text.
    pub tags_to_add: Option<Vec<SchemaTags>>,
    /// Tags to take out of the text.
    pub tags_to_remove: Option<Vec<SchemaTags>>,
    /// Metadata in place of the old.
    pub metadata: Option<Metadata>,
    /// Rules in place of the old.
    pub rule_set: Option<RuleSet>,
    /// Rules beside the old.
    pub rules_to_merge: Option<RuleSet>,
    /// Names of rules that go.
    pub rules_to_remove: Option<Vec<String>>,
}

/// Tells a member that is `null` from one that is missing.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_null_is_told_from_one_that_is_missing() {
        let request: ConfigRequest =
            serde_json::from_str(r#"{"alias":null,"normalize":true,"unknown":[1]}"#)
                .expect("it is a request");
        assert_eq!((request.alias, request.normalize), (Some(None), Some(Some(true))));
        assert_eq!(request.compatibility, None);
    }

    #[test]
    fn nulls_and_unknown_members_of_a_schema_do_not_matter() {
        let text = r#"{"schema":"x","references":null,"metadata":null,"id":null,"other":{}}"#;
        let request: RegisterRequest = serde_json::from_str(text).expect("it is a request");
        assert_eq!(request.schema.as_deref(), Some("x"));
        assert!(request.references.is_none() && !request.changes_tags());
    }
}
