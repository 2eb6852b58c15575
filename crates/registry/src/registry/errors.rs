//! What the state refuses, in Confluent's codes.

use crate::error::ApiError;
use tidegate_broker::SchemasError;
use tidegate_machine::schema::Refusal;
use tidegate_schema::{SchemaError, SchemaType};

impl From<SchemasError> for ApiError {
    fn from(error: SchemasError) -> Self {
        let message = error.to_string();
        match error {
            SchemasError::Refused(refusal) => refusal.into(),
            SchemasError::OtherLeader { .. } => ApiError::new(50003, message),
            SchemasError::TooLarge => ApiError::schema_too_large(),
            SchemasError::Topic(_) | SchemasError::Unavailable(_) => ApiError::store(message),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::Stale => ApiError::store(message),
            Refusal::SubjectNotFound(subject) => ApiError::subject_not_found(subject.as_str()),
            Refusal::VersionNotFound(version) => ApiError::version_not_found(version),
            Refusal::SubjectSoftDeleted(subject) => {
                ApiError::subject_soft_deleted(subject.as_str())
            }
            Refusal::SubjectNotSoftDeleted(subject) => {
                ApiError::subject_not_soft_deleted(subject.as_str())
            }
            Refusal::VersionSoftDeleted { subject, version } => {
                ApiError::version_soft_deleted(subject.as_str(), &version.to_string())
            }
            Refusal::VersionNotSoftDeleted { subject, version } => {
                ApiError::version_not_soft_deleted(subject.as_str(), version)
            }
            Refusal::ConfigNotFound(subject) => ApiError::no_subject_config(subject.as_str()),
            Refusal::ModeNotFound(subject) => ApiError::no_subject_mode(subject.as_str()),
            Refusal::TooLarge => ApiError::schema_too_large(),
            Refusal::VersionNotNext
            | Refusal::ReferenceNotFound { .. }
            | Refusal::IdsExhausted
            | Refusal::VersionsExhausted => ApiError::invalid_schema(message),
            Refusal::ReadOnly { .. }
            | Refusal::NotInImportMode { .. }
            | Refusal::NotInReadWriteMode { .. }
            | Refusal::ImportOverSubjects
            | Refusal::IdInUse { .. } => ApiError::not_permitted(message),
            Refusal::ReferenceExists { .. } => ApiError::new(42206, message),
            Refusal::ContextNotEmpty(context) => ApiError::context_not_empty(context.as_str()),
        }
    }
}

/// Why a text is no schema.
pub fn of_schema(kind: SchemaType, error: SchemaError) -> ApiError {
    match error {
        SchemaError::Invalid(problem) => invalid(kind, &problem),
        SchemaError::TooExpensive(_) => ApiError::new(42209, error.to_string()),
    }
}

/// 42201 with what is wrong.
pub fn invalid(kind: SchemaType, problem: impl std::fmt::Display) -> ApiError {
    ApiError::invalid_schema(format!("Invalid schema of type {}, details: {problem}", kind.name()))
}
