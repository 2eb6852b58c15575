//! Finding the version of a subject that has a schema.

use super::Registry;
use super::merge;
use super::requests::RegisterRequest;
use crate::error::ApiError;
use std::sync::Arc;
use tidegate_machine::schema::{Include, QualifiedSubject, SchemaEntity, SchemaVersion};
use tidegate_schema::SchemaType;

impl Registry {
    /// The version of the subject, or of the same name in another context, that has the schema of a
    /// request.
    pub async fn find(
        &self,
        subject: &QualifiedSubject,
        request: &RegisterRequest,
        normalize: bool,
        include: Include,
    ) -> Result<Option<Arc<SchemaVersion>>, ApiError> {
        let found = self.find_under(subject, request, normalize, include).await;
        if !subject.is_in_default_context() || !matches!(found, Ok(None)) {
            return found;
        }
        let contexts = self.peek(|state| state.contexts()).await?;
        for context in contexts.iter().skip(1) {
            let subject = QualifiedSubject::new(context, subject.name());
            // What it refers to may be in the other context alone.
            let found = self.find_under(&subject, request, normalize, include).await;
            if let Ok(Some(found)) = found {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn find_under(
        &self,
        subject: &QualifiedSubject,
        request: &RegisterRequest,
        normalize: bool,
        include: Include,
    ) -> Result<Option<Arc<SchemaVersion>>, ApiError> {
        let looked = self.look(subject, request).await?;
        let normalize = normalize || looked.config.normalize == Some(true);
        let Some((entity, _)) = self.canonical(&looked, normalize).await? else {
            return Ok(None);
        };
        if let Some(found) = self.lookup(subject, &entity, include).await? {
            return Ok(Some(found));
        }
        // A registration would have given it the metadata and rules of the version before.
        let Some(latest) = looked.live.last() else { return Ok(None) };
        let mut populated = entity.clone();
        let previous = Some(&latest.schema.entity);
        merge::populate(&mut populated, &looked.config, previous, None, 0);
        if populated == entity {
            return Ok(None);
        }
        self.lookup(subject, &populated, include).await
    }

    /// The version of exactly that subject with exactly that schema, or with one that is the same but
    /// for the version in its metadata, or for references that are written out.
    pub(super) async fn lookup(
        &self,
        subject: &QualifiedSubject,
        entity: &SchemaEntity,
        include: Include,
    ) -> Result<Option<Arc<SchemaVersion>>, ApiError> {
        let mut others = Vec::new();
        // Before the state is locked: it costs as much as the text is long.
        let guid = entity.guid();
        let found = self.version(subject, |state| {
            let found = state.lookup_guid(subject, entity, guid, include).cloned();
            if found.is_none() {
                others = alike(state.versions(subject), entity, include);
            }
            found
        });
        if let Some(found) = found.await? {
            return Ok(Some(found));
        }
        for version in others {
            if self.is_written_out(entity, &version).await? {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    /// Whether `entity` is what `version` is with its references written out.
    async fn is_written_out(
        &self,
        entity: &SchemaEntity,
        version: &SchemaVersion,
    ) -> Result<bool, ApiError> {
        let kept = &version.schema.entity;
        if is_protobuf_alike(entity, kept) {
            let parsed = self.parsed_version(version).await;
            return Ok(parsed.is_ok_and(|parsed| parsed.canonical == entity.text));
        }
        if kept.references.is_empty() || !entity.references.is_empty() {
            // `alike` has compared all but the version in the metadata.
            return Ok(kept.text == entity.text && kept.references == entity.references);
        }
        // What cannot be read or written out is not what was sent.
        let Ok(whole) = self.formatted(version, Some("resolved")).await else { return Ok(false) };
        let whole = self.parsed(entity.kind, whole, Vec::new()).await;
        Ok(whole.is_ok_and(|whole| whole.canonical == entity.text))
    }
}

/// Versions that may have the schema though they are not equal to it, newest first.
fn alike(
    versions: &[Arc<SchemaVersion>],
    entity: &SchemaEntity,
    include: Include,
) -> Vec<Arc<SchemaVersion>> {
    let may_be = |version: &&Arc<SchemaVersion>| {
        let kept = &version.schema.entity;
        let differs_in_references = !kept.references.is_empty() && entity.references.is_empty();
        include.includes(version.deleted)
            && kept.kind == entity.kind
            && kept.rule_set == entity.rule_set
            && ((kept.metadata == entity.metadata
                && (differs_in_references || is_protobuf_alike(entity, kept)))
                || differs_in_version(entity, kept, version.version))
    };
    versions.iter().rev().filter(may_be).cloned().collect()
}

/// Whether the two may be one Protobuf file though their texts differ: what older registries wrote is
/// not in the form that we keep, as Confluent's puts it into that form when it reads it.
fn is_protobuf_alike(entity: &SchemaEntity, kept: &SchemaEntity) -> bool {
    kept.kind == SchemaType::Protobuf && kept.references == entity.references
}

/// Whether the two are the same but for the version that the metadata of one tells.
fn differs_in_version(entity: &SchemaEntity, kept: &SchemaEntity, version: i32) -> bool {
    let metadata = |entity: &SchemaEntity| entity.metadata.clone().unwrap_or_default();
    match (merge::without_version(entity), merge::without_version(kept)) {
        (None, Some(kept)) => metadata(entity) == metadata(&kept),
        // The version it tells must be the one that this is.
        (Some(sent), None) => {
            let told = entity.metadata.as_ref();
            let told = told.and_then(|told| told.properties.get(merge::CONFLUENT_VERSION));
            told.is_some_and(|told| *told == version.to_string())
                && metadata(&sent) == metadata(kept)
        }
        _ => false,
    }
}
