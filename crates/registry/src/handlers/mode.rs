//! `/mode`: what may be done to everything, a context, or a subject.

use crate::Registry;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::registry::ModeRequest;
use serde_json::json;
use tidegate_broker::SchemasError;
use tidegate_machine::schema::{Mode, PutMode, QualifiedSubject, Refusal};

/// `GET /mode`
pub async fn get(registry: &Registry, _: &Call) -> Result<Answer, ApiError> {
    let everything = QualifiedSubject::everything();
    let mode = registry.read(|state| state.mode_in_scope(&everything)).await?;
    Ok(answer(mode))
}

/// `GET /mode/{subject}`
pub async fn get_of(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let scope = QualifiedSubject::parse(call.param("subject"));
    if scope.is_everything() {
        return get(registry, call).await;
    }
    let in_scope = call.query.flag("defaultToGlobal");
    let mode = registry
        .read(|state| match in_scope {
            true => Some(state.mode_in_scope(&scope)),
            false => state.mode(&scope),
        })
        .await?;
    mode.map(answer).ok_or_else(|| ApiError::no_subject_mode(scope.as_str()))
}

/// `PUT /mode`
pub async fn put(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    change(registry, call, QualifiedSubject::everything()).await
}

/// `PUT /mode/{subject}`
pub async fn put_of(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    change(registry, call, QualifiedSubject::parse(call.param("subject"))).await
}

async fn change(
    registry: &Registry,
    call: &Call,
    scope: QualifiedSubject,
) -> Result<Answer, ApiError> {
    let request: ModeRequest = call.body()?;
    let mode = match &request.mode {
        Some(name) => Some(Mode::of(name).ok_or_else(ApiError::invalid_mode)?),
        None => None,
    };
    if !scope.is_valid(true) {
        return Err(ApiError::invalid_subject(scope.as_str()));
    }
    check_mutability(registry)?;
    if mode == Some(Mode::Forward) {
        let message = "Mode FORWARD is not supported: this registry forwards no requests";
        return Err(ApiError::not_permitted(message));
    }
    let force = call.query.flag("force");
    registry.schemas().put_mode(PutMode { scope, mode, force }).await?;
    // The request comes back as it was.
    Ok(match request.mode {
        Some(name) => Answer::json(&json!({ "mode": name })),
        None => Answer::json(&json!({})),
    })
}

/// `DELETE /mode`
pub async fn delete(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    check_mutability(registry)?;
    let before = get(registry, call).await?;
    let recursive = call.query.flag("recursive");
    match registry.schemas().delete_mode(QualifiedSubject::everything(), recursive).await {
        Ok(_) | Err(SchemasError::Refused(Refusal::ModeNotFound(_))) => Ok(before),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE /mode/{subject}`
pub async fn delete_of(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let scope = QualifiedSubject::parse(call.param("subject"));
    if scope.is_everything() {
        return delete(registry, call).await;
    }
    check_mutability(registry)?;
    let missing = ApiError::subject_not_found(scope.as_str());
    match registry.schemas().delete_mode(scope, call.query.flag("recursive")).await {
        Ok(Some(mode)) => Ok(answer(mode)),
        Ok(None) | Err(SchemasError::Refused(Refusal::ModeNotFound(_))) => Err(missing),
        Err(error) => Err(error.into()),
    }
}

fn check_mutability(registry: &Registry) -> Result<(), ApiError> {
    match registry.settings().mode_mutability {
        true => Ok(()),
        false => Err(ApiError::not_permitted("Mode changes are not allowed")),
    }
}

fn answer(mode: Mode) -> Answer {
    Answer::json(&json!({ "mode": mode.name() }))
}
