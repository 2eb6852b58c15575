//! Whether a schema goes together with those that its subject has.

use super::Registry;
use super::errors;
use super::parsed::Parsed;
use super::register::check_new;
use super::requests::RegisterRequest;
use super::reserved;
use crate::error::ApiError;
use std::sync::Arc;
use tidegate_machine::schema::{
    CompatibilityLevel, Metadata, QualifiedSubject, SchemaEntity, SchemaVersion, SubjectConfig,
};
use tidegate_schema::{Incompatibility, Limits, Policy};

/// How much of an old schema a message shows.
const SHOWN_CHARACTERS_MAX: usize = 10 * 1024;

/// Who has to be able to read what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Demands {
    /// The new schema what the old ones wrote.
    backward: bool,
    /// The old schemas what the new one writes.
    forward: bool,
    /// All versions, rather than the latest.
    transitive: bool,
}

impl Demands {
    fn of(level: CompatibilityLevel) -> Option<Self> {
        use CompatibilityLevel::{
            Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive,
            None as No,
        };
        let backward = matches!(level, Backward | BackwardTransitive | Full | FullTransitive);
        let forward = matches!(level, Forward | ForwardTransitive | Full | FullTransitive);
        let transitive = matches!(level, BackwardTransitive | ForwardTransitive | FullTransitive);
        (level != No).then_some(Demands { backward, forward, transitive })
    }
}

/// A new schema, as it is compared.
pub(super) struct Candidate<'a> {
    pub(super) entity: &'a SchemaEntity,
    pub(super) parsed: &'a Arc<Parsed>,
}

impl Registry {
    /// Why a schema cannot follow `versions` of its subject (rising); empty if it can. The reasons
    /// are in Confluent's words and order.
    pub(super) async fn incompatibilities(
        &self,
        config: &SubjectConfig,
        new: Candidate<'_>,
        versions: &[Arc<SchemaVersion>],
    ) -> Result<Vec<String>, ApiError> {
        let metadata = new.entity.metadata.as_deref();
        let validates = config.validate_fields.unwrap_or(self.settings.validate_fields);
        let mut reasons = Vec::new();
        if validates {
            let previous = versions.last().map(|version| &version.schema.entity);
            reasons = reserved::problems(new.entity, metadata, previous, &self.settings.limits);
        }
        let level = config.compatibility_level.unwrap_or_default();
        let policy = config.compatibility_policy.unwrap_or_default();
        if let Some(demands) = Demands::of(level) {
            let group = config.compatibility_group.as_deref();
            let value = |metadata: Option<&Metadata>| {
                let properties = &metadata?.properties;
                properties.get(group?).cloned()
            };
            let own = value(metadata);
            let comparable = versions.iter().rev().filter(|version| {
                group.is_none() || value(version.schema.entity.metadata.as_deref()) == own
            });
            let count = if demands.transitive { usize::MAX } else { 1 };
            for version in comparable.take(count) {
                let found = self.compare(demands, policy, new.parsed, version).await?;
                if !found.is_empty() {
                    reasons.extend(found);
                    break;
                }
            }
        }
        if !reasons.is_empty() {
            let level = level.name();
            reasons.push(format!("{{validateFields: '{validates}', compatibility: '{level}'}}"));
        }
        Ok(reasons)
    }

    /// The reasons against one old version, with what it is at their end.
    async fn compare(
        &self,
        demands: Demands,
        policy: Policy,
        new: &Arc<Parsed>,
        version: &Arc<SchemaVersion>,
    ) -> Result<Vec<String>, ApiError> {
        let old = self.parsed_version(version).await?;
        let (new, limits, number) = (new.clone(), self.settings.limits, version.version);
        let compared = move || reasons(demands, policy, &new, &old, number, &limits);
        self.work(compared).await
    }

    /// Answers whether a schema could be registered, against one version or as a registration would.
    /// The reasons are empty if it could.
    pub async fn test_compatibility(
        &self,
        subject: &QualifiedSubject,
        request: &RegisterRequest,
        normalize: bool,
        version: Option<Arc<SchemaVersion>>,
    ) -> Result<Vec<String>, ApiError> {
        let looked = self.look(subject, request).await?;
        let normalize = normalize || looked.config.normalize == Some(true);
        let Some((entity, parsed)) = self.canonical(&looked, normalize).await? else {
            return Err(ApiError::invalid_schema("Empty schema"));
        };
        check_new(&looked.config, &parsed)?;
        let versions = match version {
            Some(version) => vec![version],
            None => looked.live,
        };
        let new = Candidate { entity: &entity, parsed: &parsed };
        self.incompatibilities(&looked.config, new, &versions).await
    }
}

fn reasons(
    demands: Demands,
    policy: Policy,
    new: &Parsed,
    old: &Parsed,
    number: i32,
    limits: &Limits,
) -> Result<Vec<String>, ApiError> {
    let compare = |reader: &Parsed, writer: &Parsed| {
        reader
            .schema
            .incompatibilities(&writer.schema, policy, limits)
            .map_err(|error| errors::of_schema(new.schema.kind(), error))
    };
    let mut reasons = Vec::new();
    if demands.forward {
        reasons.extend(compare(old, new)?.iter().map(|found| found.reversed().to_string()));
    }
    let mut shows_old = !reasons.is_empty() && !demands.backward;
    if demands.backward {
        let found = compare(new, old)?;
        shows_old = !found.is_empty();
        reasons.extend(found.iter().map(Incompatibility::to_string));
    }
    // Where both directions were asked for, Confluent shows the old schema behind the second alone.
    if shows_old {
        reasons.push(format!("{{oldSchemaVersion: {number}}}"));
        reasons.push(shown(&old.canonical));
    }
    Ok(reasons)
}

fn shown(schema: &str) -> String {
    match schema.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        None => format!("{{oldSchema: '{schema}'}}"),
        Some((end, _)) => format!(
            "{{oldSchema: <truncated to {SHOWN_CHARACTERS_MAX} characters> '{}'}}",
            &schema[..end]
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_other_direction_old_and_new_change_places() {
        let found = Incompatibility {
            error_type: "TYPE_MISMATCH",
            description: "The field 'a' in the new schema is missing in the old schema".to_owned(),
            additional_info: None,
        };
        let expected = "The field 'a' in the old schema is missing in the new schema";
        assert_eq!(found.reversed().description, expected);
    }

    #[test]
    fn a_long_schema_is_shown_in_part() {
        assert_eq!(shown("\"int\""), "{oldSchema: '\"int\"'}");
        let long = shown(&"ä".repeat(SHOWN_CHARACTERS_MAX + 1));
        assert!(long.starts_with("{oldSchema: <truncated to 10240 characters> 'ää"));
        assert_eq!(long.matches('ä').count(), SHOWN_CHARACTERS_MAX);
    }
}
