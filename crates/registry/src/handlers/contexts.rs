//! `/contexts`: their names, and taking an empty one away.

use super::page;
use crate::Registry;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use hyper::StatusCode;
use tidegate_machine::schema::QualifiedSubject;

/// `GET /contexts`
pub async fn list(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let contexts = registry.read(|state| state.contexts()).await?;
    Ok(Answer::json(&page(call, registry.settings().contexts, contexts)?))
}

/// `DELETE /contexts/{context}`
pub async fn delete(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let context = QualifiedSubject::context_named(call.param("context"))
        .map_err(|error| ApiError::with_status(StatusCode::BAD_REQUEST, error.to_string()))?;
    registry.schemas().delete_context(context).await?;
    Ok(Answer::nothing())
}
