//! `/subjects/{subject}/versions`: registering, reading and deleting the versions of a subject.

use super::{included, page, version, with_deleted};
use crate::Registry;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::registry::{RegisterRequest, RegisteredAnswer, SchemaAnswer, TagRequest};
use bytes::Bytes;
use std::sync::Arc;
use tidegate_machine::schema::{
    Include, QualifiedSubject, Registry as State, SchemaReference, SchemaVersion,
};

/// `GET /subjects/{subject}/versions`
pub async fn list(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let subject = registry.subject(call.param("subject")).await?;
    let as_negative = call.query.flag("deletedAsNegative");
    let include = if as_negative { Include::All } else { included(call) };
    let exists_with = if include == Include::Live { Include::Live } else { Include::All };
    let numbers = registry
        .read(|state| {
            let versions = state.versions(&subject).iter();
            let versions = versions.filter(|version| include.includes(version.deleted));
            let number = |version: &Arc<SchemaVersion>| match version.deleted && as_negative {
                true => -version.version,
                false => version.version,
            };
            let numbers = versions.map(number).collect::<Vec<_>>();
            state.has_subjects(&subject, exists_with).then_some(numbers)
        })
        .await?;
    let numbers = numbers.ok_or_else(|| ApiError::subject_not_found(subject.as_str()))?;
    Ok(Answer::json(&page(call, registry.settings().versions, numbers)?))
}

/// `POST /subjects/{subject}/versions`
pub async fn register(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let request: RegisterRequest = call.body()?;
    let subject = registry.subject(call.param("subject")).await?;
    registered(registry, call, &subject, &request, call.query.flag("normalize")).await
}

async fn registered(
    registry: &Registry,
    call: &Call,
    subject: &QualifiedSubject,
    request: &RegisterRequest,
    normalize: bool,
) -> Result<Answer, ApiError> {
    let outcome = registry.register(subject, request, normalize).await?;
    let version = &outcome.version;
    let text = registry.formatted(version, call.query.get("format")).await?;
    let answers = registry.settings().answers;
    Ok(Answer::json(&RegisteredAnswer::new(version, &text, outcome.was_changed, answers)))
}

/// `GET /subjects/{subject}/versions/{version}`
pub async fn get(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let found = found(registry, call, with_deleted(call)).await?;
    let text = registry.formatted(&found, call.query.get("format")).await?;
    let tags = super::tags(registry, call, &found).await;
    let answer = SchemaAnswer::new(&found, &text, registry.settings().answers).with_tags(&tags);
    let qualifies = call
        .query
        .get("referenceFormat")
        .is_some_and(|format| format.eq_ignore_ascii_case("QUALIFIED"));
    if !qualifies {
        return Ok(Answer::json(&answer));
    }
    let qualified = |reference: &SchemaReference| SchemaReference {
        subject: found.subject.reference(&reference.subject).to_string(),
        ..reference.clone()
    };
    let references: Vec<_> = found.schema.entity.references.iter().map(qualified).collect();
    Ok(Answer::json(&answer.with_references(&references)))
}

/// `GET /subjects/{subject}/versions/{version}/schema`
pub async fn text(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let found = found(registry, call, with_deleted(call)).await?;
    let text = registry.formatted(&found, call.query.get("format")).await?;
    Ok(Answer::bytes(Bytes::copy_from_slice(text.as_bytes())))
}

/// `GET /subjects/{subject}/versions/{version}/referencedby`
pub async fn referenced_by(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let found = found(registry, call, Include::All).await?;
    let ids = registry.read(|state| state.referenced_by(&found.subject, found.version)).await?;
    Ok(Answer::json(&page(call, registry.settings().versions, ids)?))
}

/// The version that a path names, of the subject or of the same name in another context.
async fn found(
    registry: &Registry,
    call: &Call,
    include: Include,
) -> Result<Arc<SchemaVersion>, ApiError> {
    let version = version(call)?;
    let subject = registry.subject(call.param("subject")).await?;
    let found =
        registry.version(&subject, |state| in_contexts(state, &subject, version, include)).await?;
    if let Some(found) = found {
        return Ok(found);
    }
    let is_there = registry.read(|state| state.has_subjects(&subject, include)).await?;
    Err(match is_there {
        true => ApiError::version_not_found(version.unwrap_or(-1)),
        false => ApiError::subject_not_found(subject.as_str()),
    })
}

fn in_contexts(
    state: &State,
    subject: &QualifiedSubject,
    version: Option<i32>,
    include: Include,
) -> Option<Arc<SchemaVersion>> {
    let under = |subject: &QualifiedSubject| match version {
        // The latest is always one that is not deleted.
        None => state.latest(subject).cloned(),
        Some(version) => {
            let found = state.version(subject, version);
            found.filter(|found| include.includes(found.deleted)).cloned()
        }
    };
    if let Some(found) = under(subject) {
        return Some(found);
    }
    if !subject.is_in_default_context() {
        return None;
    }
    let contexts = state.contexts();
    let elsewhere = contexts.iter().skip(1);
    elsewhere.map(|context| QualifiedSubject::new(context, subject.name())).find_map(|s| under(&s))
}

/// `DELETE /subjects/{subject}/versions/{version}`
pub async fn delete(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let version = version(call)?;
    let subject = registry.subject(call.param("subject")).await?;
    let permanent = call.query.flag("permanent");
    let deleted = registry.schemas().delete_version(subject, version, permanent).await?;
    Ok(Answer::json(&deleted.version))
}

/// `POST /subjects/{subject}/versions/{version}/tags`: a new version with other metadata or rules.
pub async fn tag(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let request: TagRequest = call.body()?;
    registry.check_rules(request.rule_set.as_ref())?;
    let found = found(registry, call, Include::Live).await?;
    let request = registry.tagged(&found, request).await?;
    registered(registry, call, &found.subject, &request, false).await
}
