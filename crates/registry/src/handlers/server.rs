//! Routes about the registry itself.

use crate::Registry;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::openapi;
use crate::routes::ROUTES;
use bytes::Bytes;
use serde_json::json;
use std::sync::LazyLock;
use tidegate_schema::SchemaType;

/// The group that registries elect their leader in, which is how Confluent names a registry.
const REGISTRY_GROUP: &str = "schema-registry";

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let document = openapi::document(ROUTES);
    Bytes::from(document.to_string())
});

/// `{}`, to whoever looks whether somebody is there.
pub fn root(_: &Registry, _: &Call) -> Result<Answer, ApiError> {
    Ok(Answer::json(&json!({})))
}

/// The languages.
pub fn types(_: &Registry, _: &Call) -> Result<Answer, ApiError> {
    Ok(Answer::json(&SchemaType::ALL.map(SchemaType::name)))
}

/// The two ids, as authorization systems name them.
pub fn cluster_id(registry: &Registry, _: &Call) -> Result<Answer, ApiError> {
    let clusters = json!({
        "kafka-cluster": registry.settings().cluster_id,
        "schema-registry-cluster": REGISTRY_GROUP,
    });
    Ok(Answer::json(&json!({ "scope": { "path": [], "clusters": clusters } })))
}

/// The version. There is no commit to name.
pub fn version(_: &Registry, _: &Call) -> Result<Answer, ApiError> {
    let version = concat!("tidegate-", env!("CARGO_PKG_VERSION"));
    Ok(Answer::json(&json!({ "version": version, "commitId": "" })))
}

/// What an open-source registry of Confluent's answers.
pub fn deployment(_: &Registry, _: &Call) -> Result<Answer, ApiError> {
    Ok(Answer::json(&json!({ "attributes": ["opensource"] })))
}

/// The OpenAPI document.
pub fn openapi(_: &Registry, _: &Call) -> Result<Answer, ApiError> {
    Ok(Answer::bytes(DOCUMENT.clone()))
}
