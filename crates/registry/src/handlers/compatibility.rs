//! `/compatibility`: whether a schema could be registered, without registering it.

use super::version;
use crate::Registry;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::registry::RegisterRequest;
use hyper::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use tidegate_machine::schema::{QualifiedSubject, SchemaVersion};

/// `POST /compatibility/subjects/{subject}/versions/{version}`
pub async fn with_version(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let request: RegisterRequest = call.body()?;
    let version = version(call)?;
    let subject = registry.subject(call.param("subject")).await?;
    let found = registry
        .version(&subject, |state| match version {
            None => state.latest(&subject).cloned(),
            Some(version) => {
                state.version(&subject, version).filter(|found| !found.deleted).cloned()
            }
        })
        .await?;
    if let (None, Some(version)) = (&found, version) {
        return Err(ApiError::version_not_found(version));
    }
    test(registry, call, &subject, &request, found).await
}

/// `POST /compatibility/subjects/{subject}/versions`
pub async fn with_subject(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let request: RegisterRequest = call.body()?;
    let subject = registry.subject(call.param("subject")).await?;
    test(registry, call, &subject, &request, None).await
}

async fn test(
    registry: &Registry,
    call: &Call,
    subject: &QualifiedSubject,
    request: &RegisterRequest,
    version: Option<Arc<SchemaVersion>>,
) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Body {
        is_compatible: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        messages: Option<Vec<String>>,
    }
    let verbose = call.query.flag("verbose");
    let normalize = call.query.flag("normalize");
    let reasons = match registry.test_compatibility(subject, request, normalize, version).await {
        // Whoever asks for reasons is told that one too.
        Err(error) if verbose && error.status == StatusCode::UNPROCESSABLE_ENTITY => {
            vec![error.message]
        }
        reasons => reasons?,
    };
    let is_compatible = reasons.is_empty();
    Ok(Answer::json(&Body { is_compatible, messages: verbose.then_some(reasons) }))
}
