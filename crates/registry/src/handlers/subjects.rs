//! `/subjects`: their names, looking a schema up under one, and deleting one.

use super::{included, page, with_deleted};
use crate::Registry;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::registry::{RegisterRequest, SchemaAnswer};
use hyper::StatusCode;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate_machine::schema::{Include, QualifiedSubject, SchemaVersion};

/// How many prefixes one request may list by: each is a walk over the subjects that are there.
const PREFIXES_MAX: usize = 16;
/// What stands for every context.
const EVERYWHERE: &str = ":*:";

/// `GET /subjects`
pub async fn list(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let mut prefixes: Vec<&str> = call.query.all("subjectPrefix").collect();
    if prefixes.is_empty() {
        prefixes.push(EVERYWHERE);
    }
    prefixes.sort_unstable();
    prefixes.dedup();
    if prefixes.len() > PREFIXES_MAX {
        let message = format!("More than {PREFIXES_MAX} values of subjectPrefix");
        return Err(ApiError::with_status(StatusCode::BAD_REQUEST, message));
    }
    let include = included(call);
    let mut subjects = registry
        .read(|state| {
            let lists = prefixes.iter().map(|prefix| state.subjects(prefix, include));
            lists.flatten().collect::<Vec<_>>()
        })
        .await?;
    if prefixes.len() > 1 {
        // One prefix may begin with another.
        subjects.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        subjects.dedup();
    }
    let names = subjects.iter().map(QualifiedSubject::as_str);
    Ok(Answer::json(&page(call, registry.settings().subjects, names)?))
}

/// `POST /subjects/{subject}`
pub async fn lookup(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let request: RegisterRequest = call.body()?;
    let subject = registry.subject(call.param("subject")).await?;
    let include = with_deleted(call);
    let normalize = call.query.flag("normalize");
    let found = registry.find(&subject, &request, normalize, include).await?;
    answer(registry, call, &subject, found, include).await
}

/// `GET /subjects/{subject}/metadata`: the latest version with these properties.
pub async fn with_metadata(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let subject = registry.subject(call.param("subject")).await?;
    let wanted: BTreeMap<&str, &str> = call.query.all("key").zip(call.query.all("value")).collect();
    let include = with_deleted(call);
    let has_all = |version: &&Arc<SchemaVersion>| {
        let metadata = version.schema.entity.metadata.as_deref();
        include.includes(version.deleted)
            && metadata.is_some_and(|metadata| {
                wanted.iter().all(|(key, value)| {
                    metadata.properties.get(*key).is_some_and(|found| found == value)
                })
            })
    };
    let found =
        registry.read(|state| state.versions(&subject).iter().rev().find(has_all).cloned()).await?;
    answer(registry, call, &subject, found, include).await
}

/// A version of a subject; if there is none, whether it is the subject that is missing.
async fn answer(
    registry: &Registry,
    call: &Call,
    subject: &QualifiedSubject,
    found: Option<Arc<SchemaVersion>>,
    include: Include,
) -> Result<Answer, ApiError> {
    let Some(version) = found else {
        let is_there = registry.read(|state| state.has_subjects(subject, include)).await?;
        return Err(match is_there {
            true => ApiError::schema_not_found(),
            false => ApiError::subject_not_found(subject.as_str()),
        });
    };
    let text = registry.formatted(&version, call.query.get("format")).await?;
    Ok(Answer::json(&SchemaAnswer::new(&version, &text, registry.settings().answers)))
}

/// `DELETE /subjects/{subject}`
pub async fn delete(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let subject = registry.subject(call.param("subject")).await?;
    let permanent = call.query.flag("permanent");
    let deleted = registry.schemas().delete_subject(subject, permanent).await?;
    Ok(Answer::json(&deleted.versions))
}
