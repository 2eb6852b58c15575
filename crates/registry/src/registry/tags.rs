//! A version again with other tags, metadata or rules.

use super::Registry;
use super::errors;
use super::inline_tags::{self, SchemaTags};
use super::merge;
use super::requests::{ReferenceRequest, RegisterRequest, TagRequest};
use crate::error::ApiError;
use std::collections::BTreeSet;
use std::sync::Arc;
use tidegate_machine::schema::{Metadata, QualifiedSubject, Rule, RuleSet, SchemaVersion};
use tidegate_schema::{Limits, SchemaError, SchemaType};

/// The version that a request asks for to get the next one.
const NEXT: i32 = -1;

impl Registry {
    /// The registration with its tags written into its text.
    pub(super) async fn with_tags(
        &self,
        subject: &QualifiedSubject,
        request: &RegisterRequest,
    ) -> Result<RegisterRequest, ApiError> {
        let kind = request.schema_type.as_deref().and_then(SchemaType::of);
        let kind = kind.unwrap_or(SchemaType::Avro);
        let limits = self.settings.limits;
        let latest = self.peek(|state| state.latest(subject).cloned()).await?;
        let previous = latest.as_ref().map(|latest| &latest.schema.entity);
        let mut text = request.schema.clone();
        if text.as_ref().is_none_or(|text| text.trim().is_empty()) {
            text = previous.map(|previous| previous.text.to_string());
        }
        let Some(text) = text else { return Err(ApiError::invalid_schema("Empty schema")) };
        let kept = match (request.propagate_schema_tags, previous) {
            (Some(true), Some(previous)) => Some((previous.kind, previous.text.clone())),
            _ => None,
        };
        let asked = request.schema_tags_to_add.clone().unwrap_or_default();
        let removed = request.schema_tags_to_remove.clone().unwrap_or_default();
        let changed = self.work(move || written_into(kind, text, kept, asked, &removed, &limits));
        let changed = changed.await.map_err(|problem| errors::of_schema(kind, problem))?;
        let version = match request.changes_tags() {
            // So that the metadata tells the version.
            true => Some(request.version.unwrap_or(NEXT)),
            false => request.version,
        };
        Ok(RegisterRequest {
            schema: Some(changed),
            version,
            schema_tags_to_add: None,
            schema_tags_to_remove: None,
            propagate_schema_tags: None,
            ..request.clone()
        })
    }

    /// The tags within the text of a version that are wanted, with whose they are.
    pub async fn find_tags(
        &self,
        version: &SchemaVersion,
        wanted: BTreeSet<String>,
    ) -> Vec<SchemaTags> {
        let (kind, text) = (version.schema.entity.kind, version.schema.entity.text.clone());
        self.work(move || inline_tags::find(kind, &text, &wanted)).await
    }

    /// The registration that a change of tags, metadata and rules comes to.
    pub async fn tagged(
        &self,
        version: &SchemaVersion,
        request: TagRequest,
    ) -> Result<RegisterRequest, ApiError> {
        let entity = &version.schema.entity;
        let added = request.tags_to_add.unwrap_or_default();
        let removed = request.tags_to_remove.unwrap_or_default();
        let (kind, limits, text) = (entity.kind, self.settings.limits, entity.text.to_string());
        let changed = self.work(move || written_into(kind, text, None, added, &removed, &limits));
        let text = changed.await.map_err(|problem| errors::of_schema(kind, problem))?;
        let new_version = request.new_version.unwrap_or(NEXT);
        let own = entity.metadata.as_deref().cloned();
        let mut metadata: Metadata = request.metadata.or(own).unwrap_or_default();
        if new_version != NEXT {
            merge::set_version(&mut metadata, new_version);
        }
        let rule_set = match (request.rules_to_merge, request.rules_to_remove) {
            (None, None) => request.rule_set,
            (merged, removed) => {
                let subject = &version.subject;
                let old = self
                    .read(|state| match request.new_version {
                        Some(new) => state.version(subject, new.saturating_sub(1)).cloned(),
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
            schema: Some(text),
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

/// The text with tags: those of the version before that it still has a place for, and those that were
/// asked for. As it was sent if there are none.
fn written_into(
    kind: SchemaType,
    text: String,
    kept: Option<(SchemaType, Arc<str>)>,
    mut added: Vec<SchemaTags>,
    removed: &[SchemaTags],
    limits: &Limits,
) -> Result<String, SchemaError> {
    if let Some((previous_kind, previous)) = kept {
        let kept = inline_tags::find(previous_kind, &previous, &BTreeSet::from(["*".to_owned()]));
        let mut kept = inline_tags::present(kind, &text, kept, limits)?;
        kept.append(&mut added);
        added = kept;
    }
    if added.is_empty() && removed.is_empty() {
        return Ok(text);
    }
    inline_tags::change(kind, &text, &added, removed, limits)
}
