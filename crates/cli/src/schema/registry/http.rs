//! Requests to a schema registry over HTTP or HTTPS, and what it says when it refuses one.

use crate::args::RegistryArgs;
use crate::failure::Failure;
use base64::Engine;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;
use ureq::http::{Method, Request, StatusCode};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// What registries call their JSON.
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// The largest answer that is read: a page of a thousand schemas of 256 KiB.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// How long to wait before something is asked again that was too much for the registry. Hosted ones
/// count requests by the second.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// Why a registry did not do what it was asked to.
#[derive(Debug)]
pub enum Refusal {
    /// It answered with an error.
    Answered {
        /// Confluent's error code, or the HTTP status where there is none.
        code: u32,
        /// The HTTP status.
        status: u16,
        /// What the registry says, for people.
        message: String,
    },
    /// It did not answer, or the request could not be made.
    Failed(Failure),
}

impl Refusal {
    /// Whether what was asked for is not there, or the registry has no such resource at all.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Refusal::Answered { status: 404 | 405 | 501, .. })
    }

    /// Whether the registry said it with this code.
    pub fn has_code(&self, wanted: u32) -> bool {
        matches!(self, Refusal::Answered { code, .. } if *code == wanted)
    }

    /// The failure of a command that was about `what`.
    pub fn about(self, what: &str) -> Failure {
        match self {
            Refusal::Answered { code, message, .. } => {
                Failure::Failed(format!("{what}: {message} (error {code})"))
            }
            Refusal::Failed(failure) => failure,
        }
    }
}

/// Connections to one registry, which may have several addresses.
#[derive(Debug)]
pub struct Http {
    agent: ureq::Agent,
    bases: Vec<String>,
    /// Which of the addresses is asked; the next one once this one cannot be reached.
    at: AtomicUsize,
    authorization: Option<String>,
    timeout_s: u64,
}

impl Http {
    /// Reads the addresses, the user and the certificates; connects when something is asked.
    pub fn new(args: &RegistryArgs) -> Result<Http, Failure> {
        let mut authorization = args.credentials()?.map(|user| basic(&user));
        let mut bases = Vec::new();
        for url in args.url.split(',').map(str::trim).filter(|url| !url.is_empty()) {
            let (base, user) = without_user(url)?;
            authorization = authorization.or(user.map(|user| basic(&user)));
            bases.push(base);
        }
        if bases.is_empty() {
            return Err(Failure::Usage("--url names no registry".to_owned()));
        }
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(args.timeout)))
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")));
        if bases.iter().any(|base| base.starts_with("https://")) {
            config = config.tls_config(tls(args.ca_file.as_deref())?);
        }
        let (agent, at) = (config.build().new_agent(), AtomicUsize::new(0));
        Ok(Http { agent, bases, at, authorization, timeout_s: args.timeout })
    }

    /// Whether the address is that of a context (`/contexts/.name`) and not of the registry as a whole.
    pub fn is_of_one_context(&self) -> bool {
        self.bases.iter().all(|base| base.contains("/contexts/"))
    }

    /// Sends one request and reads its answer; an empty one is `null`. `path` begins with a slash.
    pub fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Refusal> {
        let mut pauses = PAUSES.iter();
        loop {
            let at = self.at.load(Ordering::Relaxed);
            match self.call_at(&self.bases[at], method.clone(), path, body) {
                // Nothing was sent, so the next address may be asked whatever the request is.
                Err((error, _)) if at + 1 < self.bases.len() && never_connected(&error) => {
                    self.at.store(at + 1, Ordering::Relaxed);
                }
                Err((error, base)) => return Err(self.unreachable(&error, &base)),
                Ok((StatusCode::TOO_MANY_REQUESTS, text)) => match pauses.next() {
                    Some(pause) => sleep(*pause),
                    None => return answered(StatusCode::TOO_MANY_REQUESTS, &text, &self.bases[at]),
                },
                Ok((status, text)) => return answered(status, &text, &self.bases[at]),
            }
        }
    }

    fn call_at(
        &self,
        base: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, String), (ureq::Error, String)> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{base}{path}"))
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
        let read = sent.and_then(|mut answer| {
            let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()?;
            Ok((answer.status(), body))
        });
        read.map_err(|error| (error, base.to_owned()))
    }

    fn unreachable(&self, error: &ureq::Error, base: &str) -> Refusal {
        Refusal::Failed(match error {
            ureq::Error::Timeout(_) => {
                Failure::Unreachable(format!("{base} did not answer within {} s", self.timeout_s))
            }
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Failure::Usage(format!("--url {base:?} is no address: {error}"))
            }
            error => {
                Failure::Unreachable(format!("cannot reach a schema registry at {base}: {error}"))
            }
        })
    }
}

fn never_connected(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
        ureq::Error::Timeout(timeout) => matches!(timeout, ureq::Timeout::Connect),
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

fn answered(status: StatusCode, text: &str, base: &str) -> Result<Value, Refusal> {
    let read: Option<Value> = match text.trim() {
        "" => Some(Value::Null),
        text => serde_json::from_str(text).ok(),
    };
    if status.is_success() {
        return read.ok_or_else(|| {
            Refusal::Failed(Failure::Failed(format!(
                "{base} does not answer as a schema registry does, which would be in JSON"
            )))
        });
    }
    let told = read.unwrap_or_default();
    let code = told["error_code"].as_u64().and_then(|code| u32::try_from(code).ok());
    let message = match (told["message"].as_str(), status) {
        (Some(message), _) => message.to_owned(),
        (None, StatusCode::UNAUTHORIZED) => {
            "the registry wants a user; --user or --user-file names one".to_owned()
        }
        (None, StatusCode::FORBIDDEN) => "the user may not do this".to_owned(),
        (None, status) => format!("the registry answered {status}"),
    };
    // Apicurio has answered with code 0.
    let code = code.filter(|code| *code > 0).unwrap_or_else(|| status.as_u16().into());
    Err(Refusal::Answered { code, status: status.as_u16(), message })
}

fn basic(user: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(user))
}

/// An address without its `name:password@`, which stand apart, and without a slash at its end.
fn without_user(url: &str) -> Result<(String, Option<String>), Failure> {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
        Some((scheme, _)) => {
            return Err(Failure::Usage(format!(
                "--url cannot be of {scheme}; it takes http://HOST:PORT or https://HOST:PORT"
            )));
        }
        None => ("http", url),
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, authority) = match authority.rsplit_once('@') {
        Some((user, authority)) => (Some(user), authority),
        None => (None, authority),
    };
    let user = user.map(|user| percent_decode_str(user).decode_utf8_lossy().into_owned());
    Ok((format!("{scheme}://{authority}{}", path.trim_end_matches('/')), user))
}

/// Trusts the certificates of `ca_file`, or those that the system trusts.
fn tls(ca_file: Option<&Path>) -> Result<TlsConfig, Failure> {
    // Fails only if a provider is there already, which would be this one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let certificates = match ca_file {
        Some(path) => in_file(path)?,
        None => of_system()?,
    };
    Ok(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&certificates)).build())
}

fn in_file(path: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let wrong = |problem: String| Failure::Usage(format!("{}: {problem}", path.display()));
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| wrong(error.to_string()))? {
            certificates.push(certificate);
        }
    }
    match certificates.is_empty() {
        true => Err(wrong("there is no certificate in it; it takes PEM".to_owned())),
        false => Ok(certificates),
    }
}

fn of_system() -> Result<Vec<Certificate<'static>>, Failure> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(Failure::Usage(
            "the system has no certificates to trust; --ca-file names some".to_owned(),
        ));
    }
    Ok(found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_without_its_user_and_its_last_slash() {
        for (url, base, user) in [
            ("http://127.0.0.1:8081", "http://127.0.0.1:8081", None),
            ("registry:8081/", "http://registry:8081", None),
            ("https://ann:p%40ss@registry/apis/", "https://registry/apis", Some("ann:p@ss")),
            ("http://registry/a@b", "http://registry/a@b", None),
        ] {
            let read = without_user(url).expect("it is an address");
            assert_eq!(read, (base.to_owned(), user.map(str::to_owned)), "{url}");
        }
        assert!(matches!(without_user("kafka://registry"), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_refusal_has_the_registrys_code_or_the_status() {
        let told = r#"{"error_code":40401,"message":"Subject 'a' not found."}"#;
        let refusal = answered(StatusCode::NOT_FOUND, told, "").expect_err("it is a refusal");
        assert!(refusal.is_not_found() && refusal.has_code(40401));
        let failure = refusal.about("subject a").to_string();
        assert_eq!(failure, "subject a: Subject 'a' not found. (error 40401)");
        let refusal = answered(StatusCode::UNAUTHORIZED, "<html>", "").expect_err("a refusal");
        assert!(refusal.has_code(401) && refusal.about("x").to_string().contains("--user"));
    }

    #[test]
    fn an_answer_is_json_or_nothing() {
        assert_eq!(answered(StatusCode::NO_CONTENT, "", "").ok(), Some(Value::Null));
        assert!(answered(StatusCode::OK, "<html>", "").is_err());
    }
}
