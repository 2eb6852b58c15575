//! A request as handlers see it: what its route names, its parameters, and its body.

use super::target::Query;
use crate::error::ApiError;
use bytes::Bytes;
use hyper::StatusCode;
use serde::de::DeserializeOwned;

/// A request whose route is known.
#[derive(Debug, Clone)]
pub struct Call {
    /// The route's name, for messages.
    pub name: &'static str,
    /// What stands in the path where the route has `{name}`.
    pub params: Vec<(&'static str, String)>,
    /// The parameters behind the question mark.
    pub query: Query,
    /// The body; empty where the route takes none.
    pub body: Bytes,
}

impl Call {
    /// The part of the path that the route calls `name`.
    ///
    /// # Panics
    /// If the route has no such part.
    pub fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(known, _)| *known == name);
        &found.expect("the route of this handler has this part").1
    }

    /// A part of the path that is a whole number; as in Confluent's, there is nothing where the text
    /// is none.
    pub fn number(&self, name: &str) -> Result<i32, ApiError> {
        self.param(name).parse().map_err(|_| ApiError::http(StatusCode::NOT_FOUND))
    }

    /// A parameter that is a whole number.
    pub fn query_number(&self, name: &str, default: i32) -> Result<i32, ApiError> {
        match self.query.get(name) {
            None | Some("") => Ok(default),
            Some(text) => text.parse().map_err(|_| ApiError::http(StatusCode::NOT_FOUND)),
        }
    }

    /// The body as JSON.
    ///
    /// An empty one and `null` are 422, what is no JSON or of another shape is 400.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let nothing = || {
            let message = format!("{}.request must not be null (was null)", self.name);
            ApiError::with_status(StatusCode::UNPROCESSABLE_ENTITY, message)
        };
        let bad = |problem: String| ApiError::with_status(StatusCode::BAD_REQUEST, problem);
        match self.body.trim_ascii() {
            b"" | b"null" => Err(nothing()),
            // A list would be taken for the members in their order.
            body if body[0] != b'{' => Err(bad("The body is not a JSON object".to_owned())),
            body => serde_json::from_slice(body).map_err(|error| bad(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(body: &str) -> Call {
        Call {
            name: "register",
            params: vec![("id", "x".to_owned())],
            query: Query::parse(Some("limit=5&offset=a")).expect("well-formed"),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn an_empty_body_is_422_and_a_broken_one_400() {
        type Members = std::collections::BTreeMap<String, i32>;
        let code = |body: &str| call(body).body::<Members>().map_err(|error| error.code);
        assert_eq!(code(" {\"a\":1} "), Ok(Members::from([("a".to_owned(), 1)])));
        assert_eq!([code(""), code(" \n"), code("null")], [Err(422), Err(422), Err(422)]);
        assert_eq!(
            [code("{\"a\""), code("[]"), code("{\"a\":[]}")],
            [Err(400), Err(400), Err(400)]
        );
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert_eq!(code(&deep), Err(400), "nesting is bounded");
    }

    #[test]
    fn what_is_no_number_is_not_found() {
        let call = call("");
        assert_eq!(call.number("id").map_err(|error| error.code), Err(404));
        assert_eq!(call.query_number("limit", -1), Ok(5));
        assert_eq!(call.query_number("other", -1), Ok(-1));
        assert_eq!(call.query_number("offset", 0).map_err(|error| error.code), Err(404));
    }
}
