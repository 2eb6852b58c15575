//! Where the filers are and how they are talked to.

use hyper::Uri;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// What a store in a filer has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The filers, best first: `http://HOST:PORT` or `https://`. They must show the same files.
    pub urls: Vec<String>,
    /// The folder of offsets.
    pub offsets_path: String,
    /// The folder of groups.
    pub groups_path: String,
    /// How long a commit or a fetch may take in all. Then the client is told to ask again.
    pub request_timeout: Duration,
    /// How long one filer may take before the next one is asked as well.
    pub attempt_timeout: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long after a connection broke a write that it carried may still happen.
    pub settle: Duration,
    /// Connections to each filer: as many requests are under way at once.
    pub connections_max: usize,
    /// Every write waits for the disk of the volume server (`?fsync=true`).
    pub fsync: bool,
    /// How many partitions' last commits are remembered, so that the next one need not look first.
    pub partitions_remembered_max: usize,
    /// How long what was read may be believed where other gateways write too; zero is for ever.
    pub believed_for: Duration,
    /// Certificates to trust, in PEM; without, the system's.
    pub ca_file: Option<PathBuf>,
    /// The certificate to show, in PEM, with `key_file`.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
    /// A token for `Authorization: Bearer`.
    pub jwt: Option<String>,
    /// A file that holds such a token; it may be replaced at any time.
    pub jwt_file: Option<PathBuf>,
}

impl Settings {
    /// The defaults, for filers at these addresses.
    pub fn new(urls: Vec<String>) -> Self {
        Settings {
            urls,
            offsets_path: "/kafka/consumer_offsets".to_owned(),
            groups_path: "/kafka/consumer_groups".to_owned(),
            request_timeout: Duration::from_millis(5_000),
            attempt_timeout: Duration::from_millis(1_500),
            connect_timeout: Duration::from_millis(1_000),
            settle: Duration::from_millis(1_000),
            connections_max: 32,
            fsync: false,
            partitions_remembered_max: 100_000,
            believed_for: Duration::ZERO,
            ca_file: None,
            cert_file: None,
            key_file: None,
            jwt: None,
            jwt_file: None,
        }
    }
}

/// Why no store can be made of settings.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// There is no filer.
    #[error("no filer is named")]
    NoUrl,
    /// An address that cannot be one.
    #[error("{0:?} is not the address of a filer: write http://HOST:PORT")]
    Url(String),
    /// An address with what belongs into no log; only its host is told.
    #[error(
        "the address of the filer at {0:?} may hold no user, no password, no @ and no #: write http://HOST:PORT"
    )]
    NotPlain(String),
    /// A folder that cannot be one.
    #[error("{0:?} is not a folder: write /a/path without . and ..")]
    Path(String),
    /// Both folders are one, or one lies in the other.
    #[error("offsets and groups need folders of their own, not {0:?} and {1:?}")]
    Overlap(String, String),
    /// A file that cannot be read.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(String),
}

/// Takes an address apart: scheme and authority, and a path before all others if there is one.
pub(crate) fn base_url(text: &str) -> Result<String, SettingsError> {
    let wrong = || SettingsError::Url(text.to_owned());
    // Wherever they stand: a password may hold any character.
    if text.contains(['@', '#']) {
        return Err(SettingsError::NotPlain(host(text)));
    }
    let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| wrong())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.host().unwrap_or_default();
    if !is_http || host.is_empty() || uri.query().is_some() {
        return Err(wrong());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The host of an address that may hold a password; of the password nothing, whatever stands in it.
fn host(text: &str) -> String {
    let behind = text.split_once("://").map_or(text, |(_, behind)| behind);
    let behind = behind.rsplit('@').next().unwrap_or_default();
    behind.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
}

/// A folder without its last slash.
pub(crate) fn folder(text: &str) -> Result<String, SettingsError> {
    let wrong = || SettingsError::Path(text.to_owned());
    let path = text.strip_prefix('/').ok_or_else(wrong)?.trim_end_matches('/');
    let is_name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(char::is_control);
    if !path.split('/').all(is_name) {
        return Err(wrong());
    }
    Ok(format!("/{path}"))
}

/// Refuses folders that lie in one another: a group's name would meet the other's files.
pub(crate) fn are_apart(one: &str, other: &str) -> Result<(), SettingsError> {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if within(one, other) || within(other, one) {
        return Err(SettingsError::Overlap(one.to_owned(), other.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_with_a_host() {
        assert_eq!(base_url("http://a:8888/").expect("good"), "http://a:8888");
        assert_eq!(base_url("https://a/filer/").expect("good"), "https://a/filer");
        for bad in ["", "a:8888", "ftp://a", "http://", "http://a/?b"] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_or_a_fragment_in_an_address_is_refused_and_not_told() {
        let addresses = [
            "http://me:secret@filer:8888",
            "http://me:secret@filer:8888/files",
            "http://me:sec/secret@filer:8888/a",
            "http://me:sec#secret@filer:8888",
            "me:secret@filer:8888",
            "ftp://secret@filer:8888",
            "http://filer:8888#secret",
            "http://filer:8888/a#/secret",
        ];
        for address in addresses {
            let error = base_url(address).expect_err(address).to_string();
            assert!(error.contains("\"filer:8888\""), "{address}: {error}");
            assert!(!error.contains("sec"), "{address}: {error}");
        }
    }

    #[test]
    fn folders_are_whole_paths_apart_from_each_other() {
        assert_eq!(folder("/kafka/offsets/").expect("good"), "/kafka/offsets");
        for bad in ["", "/", "kafka", "/a//b", "/a/../b", "/.", "/a\nb"] {
            assert!(folder(bad).is_err(), "{bad}");
        }
        assert!(are_apart("/a/b", "/a/bc").is_ok());
        for (one, other) in [("/a", "/a"), ("/a/b", "/a"), ("/a", "/a/b")] {
            assert!(are_apart(one, other).is_err(), "{one} {other}");
        }
    }
}
