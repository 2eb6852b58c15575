//! The open connections: each with an id that all of its log lines and traces carry.

use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What is known of one connection. Its own task counts; anybody may look.
pub struct ConnectionInfo {
    /// Unique in this process, in order of acceptance, from 1.
    pub id: u64,
    /// Where the client connected from.
    pub peer: SocketAddr,
    since_ms: u64,
    opened: Instant,
    client_id: OnceLock<String>,
    software: OnceLock<(String, String)>,
    requests: AtomicU64,
    in_flight: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    throttled: AtomicU64,
}

impl ConnectionInfo {
    /// The client id of its first request that had one.
    pub fn client_id(&self) -> &str {
        self.client_id.get().map_or("", String::as_str)
    }

    /// Name and version of the client's library, if it told them (ApiVersions from version 3).
    pub fn software(&self) -> Option<(&str, &str)> {
        self.software.get().map(|(name, version)| (name.as_str(), version.as_str()))
    }

    /// Keeps what the client says of its library.
    pub fn set_software(&self, name: &str, version: &str) {
        self.software.get_or_init(|| (name.to_owned(), version.to_owned()));
    }

    /// Counts a request at its begin.
    pub fn begun(&self, client_id: Option<&str>) {
        add(&self.requests, 1);
        if let Some(client_id) = client_id
            && self.client_id.get().is_none()
        {
            self.client_id.get_or_init(|| client_id.to_owned());
        }
    }

    /// Says how many requests are begun and not answered.
    pub fn set_in_flight(&self, in_flight: usize) {
        self.in_flight.store(in_flight as u64, Ordering::Relaxed);
    }

    /// Counts bytes from the socket.
    pub fn received(&self, bytes: usize) {
        add(&self.bytes_in, bytes as u64);
    }

    /// Counts bytes that the socket took.
    pub fn sent(&self, bytes: usize) {
        add(&self.bytes_out, bytes as u64);
    }

    /// Counts an answer for which a quota made the client wait.
    pub fn throttled(&self) {
        add(&self.throttled, 1);
    }

    fn to_json(&self) -> Value {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let software = self.software();
        json!({
            "connection": self.id,
            "peer": self.peer.to_string(),
            "client_id": self.client_id.get(),
            "software": software.map(|(name, _)| name),
            "software_version": software.map(|(_, version)| version),
            "since_ms": self.since_ms,
            "age_seconds": self.opened.elapsed().as_secs(),
            "requests": count(&self.requests),
            "in_flight": count(&self.in_flight),
            "bytes_in": count(&self.bytes_in),
            "bytes_out": count(&self.bytes_out),
            "throttled": count(&self.throttled),
        })
    }
}

/// One task writes each counter, so that no atomic addition is needed.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

/// All open connections.
#[derive(Default)]
pub struct Connections {
    last_id: AtomicU64,
    open: Arc<Mutex<BTreeMap<u64, Arc<ConnectionInfo>>>>,
}

impl Connections {
    /// How many connections are open, by name and version of the client's library.
    pub fn by_software(&self) -> BTreeMap<(String, String), usize> {
        let mut counts = BTreeMap::new();
        for info in self.open.lock().values() {
            let (name, version) = info.software().unwrap_or(("unknown", ""));
            *counts.entry((name.to_owned(), version.to_owned())).or_default() += 1;
        }
        counts
    }

    /// A new connection, listed until the guard is dropped.
    pub fn open(&self, peer: SocketAddr) -> OpenConnection {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let info = Arc::new(ConnectionInfo {
            id,
            peer,
            since_ms: since.as_millis() as u64,
            opened: Instant::now(),
            client_id: OnceLock::new(),
            software: OnceLock::new(),
            requests: AtomicU64::default(),
            in_flight: AtomicU64::default(),
            bytes_in: AtomicU64::default(),
            bytes_out: AtomicU64::default(),
            throttled: AtomicU64::default(),
        });
        self.open.lock().insert(id, info.clone());
        OpenConnection { info, open: self.open.clone() }
    }

    /// All open ones, in order of acceptance.
    pub fn list(&self) -> Vec<Arc<ConnectionInfo>> {
        self.open.lock().values().cloned().collect()
    }

    /// All open ones as a JSON array.
    pub fn to_json(&self) -> Value {
        Value::Array(self.list().iter().map(|info| info.to_json()).collect())
    }
}

/// Keeps a connection in the list while it lives.
pub struct OpenConnection {
    /// The connection.
    pub info: Arc<ConnectionInfo>,
    open: Arc<Mutex<BTreeMap<u64, Arc<ConnectionInfo>>>>,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.open.lock().remove(&self.info.id);
    }
}
