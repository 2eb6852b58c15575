//! Requests to a registry, and sentences for what can go wrong with them.

use super::{RegistryError, first_letters};
use crate::plan::Span;
use base64::Engine;
use serde_json::Value;
use ureq::http::{Method, Request, Response, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// The largest answer that is read: no schema of a load test comes near it.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// One registry.
#[derive(Debug)]
pub(super) struct Http {
    agent: Agent,
    /// Without a user and without a slash at its end.
    base: String,
    authorization: Option<String>,
    timeout: Span,
}

/// Why a request did not bring what was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// The registry says no.
    Answered { status: u16, message: String },
    /// It answered something that is not an answer to the question.
    Wrong(String),
    /// It did not answer, or nothing a registry would say.
    Silent(String),
}

impl Refusal {
    /// A sentence about what was to be done.
    pub(super) fn about(&self, what: &str) -> RegistryError {
        RegistryError(match self {
            Refusal::Answered { message, .. } => format!("{what}: {message}"),
            Refusal::Wrong(why) => format!("{what}: {why}"),
            Refusal::Silent(why) => why.clone(),
        })
    }

    /// With the path that was asked for.
    pub(super) fn at(self, path: &str) -> Refusal {
        match self {
            Refusal::Answered { status, message } => {
                Refusal::Answered { status, message: format!("{path}: {message}") }
            }
            other => other,
        }
    }
}

impl Http {
    pub(super) fn new(url: &str, timeout: Span) -> Result<Http, RegistryError> {
        let (base, user) = without_user(url)
            .ok_or_else(|| RegistryError(format!("the registry's URL '{}' is none", hide(url))))?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(timeout.duration()))
            // Who is sent elsewhere should know, and name the place itself.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("tidegate-load/", env!("CARGO_PKG_VERSION")));
        if base.starts_with("https://") {
            config = config.tls_config(tls()?);
        }
        let authorization = user.map(|user| {
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(user))
        });
        Ok(Http { agent: config.build().new_agent(), base, authorization, timeout })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn get(&self, path: &str) -> Result<Value, Refusal> {
        self.call(Method::GET, path, None)
    }

    pub(super) fn put(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.call(Method::PUT, path, Some(body))
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.call(Method::POST, path, Some(body))
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Refusal> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Accept", format!("{MEDIA_TYPE}, application/json; q=0.9"));
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let sent = match body {
            Some(body) => request
                .header("Content-Type", MEDIA_TYPE)
                .body(body.to_string())
                .map_err(ureq::Error::Http)
                .and_then(|request| self.agent.run(request)),
            None => request
                .body(())
                .map_err(ureq::Error::Http)
                .and_then(|request| self.agent.run(request)),
        };
        let mut answer = sent.map_err(|error| self.silent(&error))?;
        let limited = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = limited.read_to_string().map_err(|error| self.silent(&error))?;
        self.answered(&answer, &text)
    }

    fn silent(&self, error: &ureq::Error) -> Refusal {
        let (base, timeout) = (&self.base, self.timeout);
        Refusal::Silent(match error {
            ureq::Error::Timeout(_) => format!(
                "the schema registry at {base} did not answer within {timeout}: look what it is doing, \
                 or raise registry_timeout"
            ),
            ureq::Error::HostNotFound => {
                format!("the host of the schema registry's URL {base} is not known: check its name")
            }
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => format!(
                "the schema registry's URL {base} is none: write it as in http://127.0.0.1:8081"
            ),
            ureq::Error::Protocol(error) => format!(
                "what answers at {base} does not speak HTTP ({error}): check the registry's port"
            ),
            error => format!(
                "no schema registry can be reached at {base} ({error}): start it, or say with \
                 registry where it is, or that there is none"
            ),
        })
    }

    fn answered(&self, answer: &Response<Body>, text: &str) -> Result<Value, Refusal> {
        let (base, status) = (&self.base, answer.status());
        if status.is_redirection() {
            let place = answer.headers().get("Location").and_then(|place| place.to_str().ok());
            return Err(Refusal::Silent(format!(
                "{base} sends on to {}: give the registry's own URL",
                place.unwrap_or("nowhere")
            )));
        }
        if text.trim_start().starts_with('<') {
            return Err(Refusal::Silent(format!(
                "{base} answers with a web page ({status}) and not as a schema registry: check host, port \
                 and path; Apicurio's, for instance, is http://HOST:8080/apis/ccompat/v7"
            )));
        }
        let read: Option<Value> = match text.trim() {
            "" => Some(Value::Null),
            text => serde_json::from_str(text).ok(),
        };
        if status.is_success() {
            return read.ok_or_else(|| {
                Refusal::Silent(format!(
                    "{base} answers '{}', which is no JSON: it is no schema registry",
                    first_letters(text)
                ))
            });
        }
        let told = read.unwrap_or_default();
        let message = match (told["message"].as_str(), status) {
            (_, StatusCode::UNAUTHORIZED) => {
                "the registry wants a user: write http://NAME:PASSWORD@HOST:PORT".to_owned()
            }
            (_, StatusCode::FORBIDDEN) => "the registry's user may not do this".to_owned(),
            // Confluent's codes for what a registry does not have are five digits long.
            (_, StatusCode::NOT_FOUND) if told["error_code"].as_u64().is_none_or(|n| n < 1000) => {
                format!(
                    "{base} has no such resource: if the registry's interface has a path, give it too, \
                     as in http://HOST:8080/apis/ccompat/v7"
                )
            }
            (Some(message), _) => message.to_owned(),
            (None, status) => format!("the registry answered {status}"),
        };
        Err(Refusal::Answered { status: status.as_u16(), message })
    }
}

/// Trusts what the system trusts.
fn tls() -> Result<TlsConfig, RegistryError> {
    // Fails only if a provider is there already, which would be this one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(RegistryError(
            "the system has no certificates to trust, so that no https registry can be reached"
                .to_owned(),
        ));
    }
    let certificates: Vec<Certificate<'static>> =
        found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    Ok(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&certificates)).build())
}

/// A URL's `name:password@` apart, decoded.
fn without_user(url: &str) -> Option<(String, Option<Vec<u8>>)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(percent_decoded(user)), host),
        None => (None, authority),
    };
    (!host.is_empty()).then(|| (format!("{scheme}://{host}{}", path.trim_end_matches('/')), user))
}

fn hide(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, rest)| rest)
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_stands_before_the_host() {
        let read = |url| {
            without_user(url)
                .map(|(base, user)| (base, user.map(|u| String::from_utf8(u).unwrap())))
        };
        let some =
            |base: &str, user: Option<&str>| Some((base.to_owned(), user.map(str::to_owned)));
        assert_eq!(read("http://h:1/"), some("http://h:1", None));
        assert_eq!(read("https://a:p%40%2@h/x/y/"), some("https://h/x/y", Some("a:p@%2")));
        assert_eq!(read("http://h/a@b"), some("http://h/a@b", None));
        assert_eq!(read("h:8081"), None);
        assert_eq!(read("http:///x"), None);
    }
}
