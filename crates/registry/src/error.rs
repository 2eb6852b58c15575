//! What a request is refused with: Confluent's codes and sentences.

use hyper::StatusCode;

/// `{"error_code": …, "message": …}` with the HTTP status it goes under.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// `error_code`: the status, or the status with two more digits that tell which case it is.
    pub code: u32,
    /// `message`, for people.
    pub message: String,
}

impl ApiError {
    /// An error with a code of Confluent's; the first three digits are the HTTP status.
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        let status =
            u16::try_from(code / 100).ok().and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.expect("the codes of this file begin with an HTTP status");
        ApiError { status, code, message: message.into() }
    }

    /// An error that is nothing but an HTTP status, in the words of Confluent's HTTP library.
    pub fn http(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("");
        Self::with_status(status, format!("HTTP {} {reason}", status.as_u16()))
    }

    /// An error that is an HTTP status with a sentence of its own.
    pub fn with_status(status: StatusCode, message: impl Into<String>) -> Self {
        ApiError { status, code: u32::from(status.as_u16()), message: message.into() }
    }

    /// 40401.
    pub fn subject_not_found(subject: &str) -> Self {
        Self::new(40401, format!("Subject '{subject}' not found."))
    }

    /// 40402; -1 stands for the latest version.
    pub fn version_not_found(version: i32) -> Self {
        Self::new(40402, format!("Version {version} not found."))
    }

    /// 40403.
    pub fn schema_not_found() -> Self {
        Self::new(40403, "Schema not found")
    }

    /// 40403, by id or guid.
    pub fn schema_named_not_found(name: impl std::fmt::Display) -> Self {
        Self::new(40403, format!("Schema {name} not found"))
    }

    /// 40404.
    pub fn subject_soft_deleted(subject: &str) -> Self {
        let message = format!(
            "Subject '{subject}' was soft deleted.Set permanent=true to delete permanently"
        );
        Self::new(40404, message)
    }

    /// 40405.
    pub fn subject_not_soft_deleted(subject: &str) -> Self {
        let message =
            format!("Subject '{subject}' was not deleted first before being permanently deleted");
        Self::new(40405, message)
    }

    /// 40406.
    pub fn version_soft_deleted(subject: &str, version: &str) -> Self {
        let message = format!(
            "Subject '{subject}' Version {version} was soft deleted.Set permanent=true to delete \
             permanently"
        );
        Self::new(40406, message)
    }

    /// 40407.
    pub fn version_not_soft_deleted(subject: &str, version: i32) -> Self {
        let message = format!(
            "Subject '{subject}' Version {version} was not deleted first before being permanently \
             deleted"
        );
        Self::new(40407, message)
    }

    /// 40408.
    pub fn no_subject_config(subject: &str) -> Self {
        let message =
            format!("Subject '{subject}' does not have subject-level compatibility configured");
        Self::new(40408, message)
    }

    /// 40409.
    pub fn no_subject_mode(subject: &str) -> Self {
        Self::new(40409, format!("Subject '{subject}' does not have subject-level mode configured"))
    }

    /// 40901 with the list of reasons; before Confluent 8 the code was a plain 409.
    pub fn incompatible(subject: &str, reasons: &[String], code: u32) -> Self {
        let message = format!(
            "Schema being registered is incompatible with an earlier schema for subject \
             \"{subject}\", details: [{}]",
            reasons.join(", ")
        );
        ApiError { status: StatusCode::CONFLICT, code, message }
    }

    /// 42201.
    pub fn invalid_schema(message: impl Into<String>) -> Self {
        Self::new(42201, message)
    }

    /// 42202.
    pub fn invalid_version(version: &str) -> Self {
        let message = format!(
            "The specified version '{version}' is not a valid version id. Allowed values are \
             between [1, 2^31-1] and the string \"latest\""
        );
        Self::new(42202, message)
    }

    /// 42203.
    pub fn invalid_compatibility() -> Self {
        let message = "Invalid compatibility level. Valid values are none, backward, forward, \
                       full, backward_transitive, forward_transitive, and full_transitive";
        Self::new(42203, message)
    }

    /// 42204.
    pub fn invalid_mode() -> Self {
        Self::new(42204, "Invalid mode. Valid values are READWRITE, READONLY, and IMPORT.")
    }

    /// 42205.
    pub fn not_permitted(message: impl Into<String>) -> Self {
        Self::new(42205, message)
    }

    /// 42208.
    pub fn invalid_subject(subject: &str) -> Self {
        Self::new(42208, format!("The specified subject '{subject}' is not a valid."))
    }

    /// 42209.
    pub fn schema_too_large() -> Self {
        Self::new(42209, "Register operation failed because schema is too large")
    }

    /// 42210.
    pub fn invalid_rule_set(message: impl Into<String>) -> Self {
        Self::new(42210, message)
    }

    /// 42211.
    pub fn context_not_empty(context: &str) -> Self {
        Self::new(42211, format!("The specified context '{context}' is not empty."))
    }

    /// 50001.
    pub fn store(message: impl Into<String>) -> Self {
        Self::new(50001, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_five_digits_goes_under_its_first_three() {
        assert_eq!(ApiError::subject_not_found("s").status, StatusCode::NOT_FOUND);
        assert_eq!(ApiError::invalid_mode().status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(ApiError::store("").status, StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn a_bare_status_is_worded_as_confluents_http_library_does() {
        let error = ApiError::http(StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!((error.code, error.message.as_str()), (405, "HTTP 405 Method Not Allowed"));
    }
}
