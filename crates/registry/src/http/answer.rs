//! What a handler gives back, and how it becomes an HTTP response.

use super::media::Media;
use crate::error::ApiError;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// A body with its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 200, or 204 without a body.
    pub status: StatusCode,
    /// The bytes as they are sent.
    pub body: Bytes,
}

impl Answer {
    /// A value as JSON.
    pub fn json(value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("what handlers answer has no keys but texts");
        Self::bytes(body.into())
    }

    /// JSON that somebody has already written, or a schema's text.
    pub fn bytes(body: Bytes) -> Self {
        Answer { status: StatusCode::OK, body }
    }

    /// 204.
    pub fn nothing() -> Self {
        Answer { status: StatusCode::NO_CONTENT, body: Bytes::new() }
    }

    /// An error as Confluent writes it.
    pub fn of_error(error: &ApiError) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            error_code: u32,
            message: &'a str,
        }
        let body = Body { error_code: error.code, message: &error.message };
        Answer { status: error.status, ..Self::json(&body) }
    }

    /// The response, with the type that was negotiated.
    pub fn into_response(self, media: Media) -> Response<Full<Bytes>> {
        let length = self.body.len();
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        if self.status != StatusCode::NO_CONTENT {
            response.headers_mut().insert(CONTENT_TYPE, media.value());
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_its_code_and_its_message() {
        let answer = Answer::of_error(&ApiError::subject_not_found("a\"b"));
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        let expected = r#"{"error_code":40401,"message":"Subject 'a\"b' not found."}"#;
        assert_eq!(answer.body, expected.as_bytes());
    }
}
