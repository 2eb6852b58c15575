//! A version again with other metadata or rules.

use super::Registry;
use super::merge;
use super::register::tags_not_supported;
use super::requests::{ReferenceRequest, RegisterRequest, TagRequest};
use crate::error::ApiError;
use tidegate_machine::schema::{Metadata, Rule, RuleSet, SchemaVersion};

impl Registry {
    /// The registration that a change of tags, metadata and rules comes to.
    ///
    /// Tags within the schema's text are refused: no language of this registry writes them.
    pub async fn tagged(
        &self,
        version: &SchemaVersion,
        request: TagRequest,
    ) -> Result<RegisterRequest, ApiError> {
        let any = |tags: Option<Vec<_>>| tags.is_some_and(|tags| !tags.is_empty());
        if any(request.tags_to_add) || any(request.tags_to_remove) {
            return Err(tags_not_supported());
        }
        let entity = &version.schema.entity;
        let new_version = request.new_version.unwrap_or(0);
        let own = entity.metadata.as_deref().cloned();
        let mut metadata: Metadata = request.metadata.or(own).unwrap_or_default();
        merge::set_version(&mut metadata, new_version);
        let rule_set = match (request.rules_to_merge, request.rules_to_remove) {
            (None, None) => request.rule_set,
            (merged, removed) => {
                let subject = &version.subject;
                let old = self
                    .read(|state| match request.new_version {
                        Some(new) => state.version(subject, new - 1).cloned(),
                        None => state.latest(subject).cloned(),
                    })
                    .await?;
                let old = old.and_then(|old| old.schema.entity.rule_set.as_deref().cloned());
                let rules = merge::rule_sets(old, merged);
                rules.map(|rules| without(rules, &removed.unwrap_or_default()))
            }
        };
        let reference = |reference: &tidegate_machine::schema::SchemaReference| ReferenceRequest {
            name: Some(reference.name.clone()),
            subject: Some(reference.subject.clone()),
            version: Some(reference.version),
        };
        Ok(RegisterRequest {
            version: Some(new_version),
            schema_type: Some(entity.kind.name().to_owned()),
            references: Some(entity.references.iter().map(reference).collect()),
            metadata: Some(metadata),
            rule_set,
            schema: Some(entity.text.to_string()),
            ..RegisterRequest::default()
        })
    }
}

fn without(mut rules: RuleSet, removed: &[String]) -> RuleSet {
    let stays = |rule: &Rule| !rule.name.as_ref().is_some_and(|name| removed.contains(name));
    rules.migration_rules.retain(stays);
    rules.domain_rules.retain(stays);
    rules.encoding_rules.retain(stays);
    rules
}
