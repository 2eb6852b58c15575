//! Cross-origin requests: whose web pages may read answers. Nobody's, unless a setting says so.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use hyper::{HeaderMap, Method, Response, StatusCode};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS, HEAD");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept, Authorization, Content-Type, Origin, X-Requested-With, Confluent-Accept-Unknown-Properties",
);
const DAY_SECONDS: HeaderValue = HeaderValue::from_static("86400");

/// The origins that are let in.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    origins: Vec<String>,
}

impl Cors {
    /// `*` stands for any origin; an empty list lets none in.
    pub fn new(origins: Vec<String>) -> Self {
        Cors { origins }
    }

    /// The answer to a browser that asks beforehand whether it may send a request.
    pub fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<Full<Bytes>>> {
        let asks = method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !asks || self.allowed(headers).is_none() {
            return None;
        }
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        answer.insert(ACCESS_CONTROL_MAX_AGE, DAY_SECONDS);
        self.allow(headers, answer);
        Some(response)
    }

    /// Marks an answer as readable by the page that asked.
    pub fn allow(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        if let Some(origin) = self.allowed(request) {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.append(VARY, HeaderValue::from_static("Origin"));
        }
    }

    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if self.origins.is_empty() {
            return None;
        }
        let origin = headers.get(ORIGIN)?;
        let is_allowed =
            |allowed: &String| allowed == "*" || allowed.as_bytes() == origin.as_bytes();
        self.origins.iter().any(is_allowed).then(|| origin.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        headers
    }

    fn let_in(cors: &Cors, origin: &'static str) -> bool {
        let mut answer = HeaderMap::new();
        cors.allow(&from(origin), &mut answer);
        answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_some_and(|value| value == origin)
    }

    #[test]
    fn only_the_origins_of_the_setting_are_let_in() {
        assert!(!let_in(&Cors::default(), "http://a"));
        let cors = Cors::new(vec!["http://a".to_owned()]);
        assert!(let_in(&cors, "http://a") && !let_in(&cors, "http://b"));
        assert!(let_in(&Cors::new(vec!["*".to_owned()]), "http://b"));
    }

    #[test]
    fn a_browser_that_asks_beforehand_is_told_what_it_may_send() {
        let cors = Cors::new(vec!["http://a".to_owned()]);
        let mut headers = from("http://a");
        assert!(cors.preflight(&Method::OPTIONS, &headers).is_none(), "it asks for nothing");
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
        let answer = cors.preflight(&Method::OPTIONS, &headers).expect("it is let in");
        assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_METHODS], METHODS);
        assert!(cors.preflight(&Method::POST, &headers).is_none());
        assert!(Cors::default().preflight(&Method::OPTIONS, &headers).is_none());
    }
}
