//! `/config`: how everything, a context, or a subject is configured.

use crate::Registry;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::registry::ConfigRequest;
use serde_json::{Map, Value};
use std::sync::Arc;
use tidegate_broker::SchemasError;
use tidegate_machine::schema::{
    CompatibilityLevel, ConfigUpdate, QualifiedSubject, Refusal, SubjectConfig,
};
use tidegate_schema::Policy;

/// `GET /config`
pub async fn get(registry: &Registry, _: &Call) -> Result<Answer, ApiError> {
    let everything = QualifiedSubject::everything();
    let config = registry.read(|state| state.config_in_scope(&everything)).await?;
    Ok(Answer::json(&*config))
}

/// `GET /config/{subject}`
pub async fn get_of(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let scope = QualifiedSubject::parse(call.param("subject"));
    if scope.is_everything() {
        return get(registry, call).await;
    }
    let in_scope = call.query.flag("defaultToGlobal");
    let config = registry
        .read(|state| match in_scope {
            true => Some(state.config_in_scope(&scope)),
            false => state.config(&scope).cloned(),
        })
        .await?;
    let config = config.ok_or_else(|| ApiError::no_subject_config(scope.as_str()))?;
    Ok(Answer::json(&*config))
}

/// `PUT /config`
pub async fn put(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    change(registry, call, QualifiedSubject::everything()).await
}

/// `PUT /config/{subject}`
pub async fn put_of(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    change(registry, call, QualifiedSubject::parse(call.param("subject"))).await
}

async fn change(
    registry: &Registry,
    call: &Call,
    scope: QualifiedSubject,
) -> Result<Answer, ApiError> {
    let request: ConfigRequest = call.body()?;
    for rules in [&request.default_rule_set, &request.override_rule_set] {
        registry.check_rules(rules.as_ref().and_then(Option::as_ref))?;
    }
    let update = update(request)?;
    if !scope.is_valid(true) {
        return Err(ApiError::invalid_subject(scope.as_str()));
    }
    let now = registry.read(|state| state.config_in_scope(&scope)).await?;
    check_logical(&now, &update)?;
    let config = registry.schemas().put_config(scope, update).await?;
    Ok(Answer::json(&as_request(&config)))
}

/// `DELETE /config`
pub async fn delete(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let before = get(registry, call).await?;
    match registry.schemas().delete_config(QualifiedSubject::everything()).await {
        Ok(_) | Err(SchemasError::Refused(Refusal::ConfigNotFound(_))) => Ok(before),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE /config/{subject}`
pub async fn delete_of(registry: &Registry, call: &Call) -> Result<Answer, ApiError> {
    let scope = QualifiedSubject::parse(call.param("subject"));
    if scope.is_everything() {
        return delete(registry, call).await;
    }
    match registry.schemas().delete_config(scope).await {
        Ok(config) => Ok(Answer::json(&*config)),
        Err(SchemasError::Refused(Refusal::ConfigNotFound(scope))) => {
            Err(ApiError::subject_not_found(scope.as_str()))
        }
        Err(error) => Err(error.into()),
    }
}

fn update(request: ConfigRequest) -> Result<ConfigUpdate, ApiError> {
    let level = |name: String| CompatibilityLevel::of(&name);
    Ok(ConfigUpdate {
        alias: request.alias,
        alias_for_deks: request.alias_for_deks,
        normalize: request.normalize,
        validate_fields: request.validate_fields,
        validate_new_schemas: request.validate_new_schemas,
        validate_names: request.validate_names,
        validate_rules: request.validate_rules,
        compatibility_level: named(request.compatibility, level)?,
        compatibility_policy: named(request.compatibility_policy, policy)?,
        compatibility_group: request.compatibility_group,
        default_metadata: request.default_metadata,
        override_metadata: request.override_metadata,
        default_rule_set: request.default_rule_set,
        override_rule_set: request.override_rule_set,
    })
}

fn named<T>(
    name: Option<Option<String>>,
    of: impl Fn(String) -> Option<T>,
) -> Result<Option<Option<T>>, ApiError> {
    let Some(Some(name)) = name else { return Ok(name.map(|_| None)) };
    of(name).map(|value| Some(Some(value))).ok_or_else(ApiError::invalid_compatibility)
}

fn policy(name: String) -> Option<Policy> {
    let policies =
        [("STRICT", Policy::Strict), ("LENIENT", Policy::Lenient), ("LOGICAL", Policy::Logical)];
    let found = policies.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
    found.map(|(_, policy)| policy)
}

/// LOGICAL is about tables that are read with the newest schema: nothing can be forward compatible.
fn check_logical(now: &SubjectConfig, update: &ConfigUpdate) -> Result<(), ApiError> {
    use CompatibilityLevel::{Forward, ForwardTransitive};
    let clears =
        update.compatibility_level == Some(None) || update.compatibility_policy == Some(None);
    let changes = update.compatibility_level.is_some() || update.compatibility_policy.is_some();
    if clears || !changes {
        return Ok(());
    }
    let level = update.compatibility_level.flatten().or(now.compatibility_level);
    let policy = update.compatibility_policy.flatten().or(now.compatibility_policy);
    match level {
        Some(level @ (Forward | ForwardTransitive)) if policy == Some(Policy::Logical) => {
            let message = format!(
                "compatibilityPolicy=LOGICAL cannot be combined with compatibilityLevel={}: Iceberg \
                 only supports backward-compatible schema evolution",
                level.name()
            );
            Err(ApiError::new(42203, message))
        }
        _ => Ok(()),
    }
}

/// A change is answered in the shape of a request, where the level has another name.
fn as_request(config: &Arc<SubjectConfig>) -> Value {
    let Ok(Value::Object(members)) = serde_json::to_value(&**config) else {
        unreachable!("a config is an object");
    };
    let renamed = members.into_iter().map(|(name, value)| match name.as_str() {
        "compatibilityLevel" => ("compatibility".to_owned(), value),
        _ => (name, value),
    });
    Value::Object(renamed.collect::<Map<_, _>>())
}
