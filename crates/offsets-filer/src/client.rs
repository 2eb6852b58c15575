//! Requests to filers: which one is asked, when the next one is, and what becomes of a write that nobody
//! answered.
//!
//! A write that was sent and not answered may still happen: a filer that stood still goes on, a proxy
//! passes on what it held. Nothing takes it back, and a filer's HTTP interface has no condition that
//! would keep it from overwriting what came later. So it is never given up: it runs on by itself, its
//! [`Doubts`] end when it was answered, or a moment after its connection has broken, and until then
//! nothing newer is written to its path.

use crate::names::escaped;
use crate::settings::{Settings, SettingsError, base_url};
use crate::tls;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LAST_MODIFIED};
use hyper::{Method, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};
use thiserror::Error;
use tidegate_model::TimestampMs;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{debug, warn};

/// The largest answer that is read: a page of a folder's listing.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// How long to wait after all filers have failed, doubled from the first to the second.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// How long a token from a file is used before the file is read again.
const TOKEN_FOR: Duration = Duration::from_secs(5);

/// How often it is said at most that a filer does not answer.
const WARNINGS_APART: Duration = Duration::from_secs(5);

/// How long unused connections are kept.
const IDLE_FOR: Duration = Duration::from_secs(60);

/// A peer that is gone without a word is found out after a quarter of a minute.
const KEEPALIVE: Duration = Duration::from_secs(5);
const KEEPALIVE_PROBES: u32 = 3;

/// Why a request came to nothing.
#[derive(Debug, Clone, Error)]
pub enum FilerError {
    /// It never left: nothing can have happened.
    #[error("not reached: {0}")]
    NotSent(String),
    /// The filer does not do this.
    #[error("refused: {0}")]
    Refused(StatusCode),
    /// Nobody knows whether it happened.
    #[error("not answered for certain: {0}")]
    InDoubt(String),
    /// Time ran out.
    #[error("no filer answered in time")]
    TimedOut,
    /// No file can have the name of that group or topic.
    #[error("the name is too long for a file's")]
    NameTooLong,
    /// The file holds something else than it should.
    #[error("{0} cannot be read")]
    Unreadable(String),
}

impl FilerError {
    /// True if what was asked for may have happened, or may yet.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, FilerError::InDoubt(_) | FilerError::TimedOut)
    }
}

/// An answer that was understood.
#[derive(Debug, Clone)]
pub struct Answer {
    status: StatusCode,
    /// The file, or the listing.
    pub body: Bytes,
    /// When the file was written.
    pub changed_at: TimestampMs,
}

/// Writes whose fate is open. Empty again once it is certain that none of them happens any more.
#[derive(Default)]
pub struct Doubts(Vec<JoinHandle<()>>);

impl Doubts {
    /// True if nothing is open.
    pub fn is_empty(&mut self) -> bool {
        self.0.retain(|write| !write.is_finished());
        self.0.is_empty()
    }

    /// Waits until nothing is open.
    pub async fn settle(&mut self) {
        while let Some(write) = self.0.last_mut() {
            // A write that ended by a panic is as certain as one that ended.
            drop(write.await);
            self.0.pop();
        }
    }
}

/// One change of a file or folder.
#[derive(Debug, Clone)]
pub struct Change {
    /// PUT or DELETE.
    pub method: Method,
    /// The filer's path, unescaped.
    pub path: String,
    /// `recursive=true`, for folders.
    pub recursive: bool,
    /// The file's content.
    pub body: Bytes,
    /// What it is.
    pub content_type: &'static str,
}

type Http = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

struct Filer {
    base: String,
    permits: Arc<Semaphore>,
}

/// The filers.
pub struct FilerClient {
    http: Http,
    filers: Vec<Arc<Filer>>,
    /// The one that is asked first: it answered last.
    first: AtomicUsize,
    token: Token,
    attempt_timeout: Duration,
    settle: Duration,
    fsync: bool,
    warned: Mutex<Option<Instant>>,
}

impl FilerClient {
    /// A client that has connected to nobody yet.
    pub fn new(settings: &Settings) -> Result<Arc<Self>, SettingsError> {
        let mut filers = Vec::new();
        for url in &settings.urls {
            let permits = Arc::new(Semaphore::new(settings.connections_max));
            filers.push(Arc::new(Filer { base: base_url(url)?, permits }));
        }
        if filers.is_empty() {
            return Err(SettingsError::NoUrl);
        }
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(settings.connect_timeout));
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_keepalive_interval(Some(KEEPALIVE));
        connector.set_keepalive_retries(Some(KEEPALIVE_PROBES));
        #[cfg(target_os = "linux")]
        connector.set_tcp_user_timeout(Some(KEEPALIVE * KEEPALIVE_PROBES));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::config(settings)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(settings.connections_max)
            .build(connector);
        let token = Token::new(settings);
        token.check()?;
        Ok(Arc::new(FilerClient {
            http,
            filers,
            first: AtomicUsize::new(0),
            token,
            attempt_timeout: settings.attempt_timeout,
            settle: settings.settle,
            fsync: settings.fsync,
            warned: Mutex::default(),
        }))
    }

    /// A file, `None` if there is none. Asks one filer after the other until one answers.
    pub async fn file(self: &Arc<Self>, path: &str) -> Result<Option<Answer>, FilerError> {
        self.read(&escaped(path), false).await
    }

    /// A page of a folder's listing as JSON, `None` if there is no such folder.
    pub async fn listing(
        self: &Arc<Self>,
        path: &str,
        after: &str,
        limit: usize,
    ) -> Result<Option<Answer>, FilerError> {
        let after = escaped(after);
        self.read(&format!("{}/?limit={limit}&lastFileName={after}", escaped(path)), true).await
    }

    async fn read(
        self: &Arc<Self>,
        target: &str,
        json: bool,
    ) -> Result<Option<Answer>, FilerError> {
        let mut pause = PAUSE_MIN;
        loop {
            let mut last = FilerError::TimedOut;
            for at in self.order() {
                let ask = self.once(at, Method::GET, target, Bytes::new(), "", json);
                let asked = match timeout(self.attempt_timeout, ask).await {
                    Ok(asked) => asked,
                    Err(_) => Err(FilerError::TimedOut),
                };
                match asked {
                    Ok(answer) if answer.status == StatusCode::NOT_FOUND => {
                        self.first.store(at, Ordering::Relaxed);
                        return Ok(None);
                    }
                    Ok(answer) if answer.status.is_success() => {
                        self.first.store(at, Ordering::Relaxed);
                        return Ok(Some(answer));
                    }
                    Ok(answer) => last = refusal(answer.status),
                    Err(error) => last = error,
                }
                self.failed(at, target, &last);
            }
            if let FilerError::Refused(_) = last {
                return Err(last);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Makes a change, by any filer. What is open of it afterwards is added to `doubts`, also if this
    /// future is dropped at its end only; whoever has a time to keep asks with a `deadline`.
    pub async fn change(
        self: &Arc<Self>,
        change: &Change,
        doubts: &mut Doubts,
        deadline: Instant,
    ) -> Result<(), FilerError> {
        let target = self.target(change);
        let mut pause = PAUSE_MIN;
        let mut is_open = false;
        loop {
            let mut last = FilerError::TimedOut;
            for at in self.order() {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                match self.attempt(at, change, &target, doubts, left).await {
                    Ok(()) => {
                        self.first.store(at, Ordering::Relaxed);
                        return Ok(());
                    }
                    Err(error) => {
                        is_open |= error.may_have_happened();
                        self.failed(at, &target, &error);
                        last = error;
                    }
                }
            }
            if Instant::now() + pause >= deadline {
                return Err(if is_open { FilerError::TimedOut } else { last });
            }
            if let (FilerError::Refused(_), false) = (&last, is_open) {
                return Err(last);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn target(&self, change: &Change) -> String {
        let mut target = escaped(&change.path);
        if change.recursive {
            target.push_str("?recursive=true");
        } else if self.fsync && change.method == Method::PUT {
            target.push_str("?fsync=true");
        }
        target
    }

    /// Asks one filer for a change. The request is a task of its own, which nobody ends.
    async fn attempt(
        self: &Arc<Self>,
        at: usize,
        change: &Change,
        target: &str,
        doubts: &mut Doubts,
        left: Duration,
    ) -> Result<(), FilerError> {
        let client = self.clone();
        let (change, target) = (change.clone(), target.to_owned());
        let (tell, told) = tokio::sync::oneshot::channel();
        let settle = self.settle;
        let write = tokio::spawn(async move {
            let asked = client
                .once(at, change.method, &target, change.body, change.content_type, false)
                .await
                .and_then(|answer| match answer.status {
                    status if status.is_success() => Ok(()),
                    // A folder that is gone has gone.
                    StatusCode::NOT_FOUND if change.recursive => Ok(()),
                    status => Err(refusal(status)),
                });
            let is_open = asked.as_ref().is_err_and(FilerError::may_have_happened);
            // Nobody may be waiting any more.
            drop(tell.send(asked));
            if is_open {
                tokio::time::sleep(settle).await;
            }
        });
        doubts.0.push(write);
        match timeout(left.min(self.attempt_timeout), told).await {
            Ok(Ok(asked)) => asked,
            Ok(Err(_)) => Err(FilerError::InDoubt("the request's task ended".to_owned())),
            Err(_) => Err(FilerError::TimedOut),
        }
    }

    /// One exchange with one filer, however long it takes.
    async fn once(
        &self,
        at: usize,
        method: Method,
        target: &str,
        body: Bytes,
        content_type: &'static str,
        json: bool,
    ) -> Result<Answer, FilerError> {
        let filer = &self.filers[at];
        let unsent = |error: &dyn std::fmt::Display| FilerError::NotSent(error.to_string());
        let waiting = timeout(self.attempt_timeout, filer.permits.acquire()).await;
        let _permit = waiting
            .map_err(|_| unsent(&"all connections are in use"))?
            .map_err(|error| unsent(&error))?;
        let mut request = Request::builder().method(method).uri(format!("{}{target}", filer.base));
        if json {
            request = request.header(ACCEPT, HeaderValue::from_static("application/json"));
        }
        if !content_type.is_empty() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(token) = self.token.header() {
            request = request.header(AUTHORIZATION, token);
        }
        let request = request.body(Full::new(body)).map_err(|error| unsent(&error))?;
        let open = |error: &dyn std::fmt::Display| FilerError::InDoubt(error.to_string());
        let response =
            self.http.request(request).await.map_err(|error| match error.is_connect() {
                true => FilerError::NotSent(with_cause(&error)),
                false => FilerError::InDoubt(with_cause(&error)),
            })?;
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            self.token.forget();
        }
        let changed_at = response.headers().get(LAST_MODIFIED).and_then(timestamp).unwrap_or(0);
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = match body {
            Ok(body) => body.to_bytes(),
            // The answer's first line says what happened; a listing that is cut short says nothing.
            Err(_) if status.is_success() && !json && !content_type.is_empty() => Bytes::new(),
            Err(error) => return Err(open(&error)),
        };
        Ok(Answer { status, body, changed_at })
    }

    /// All filers, the one that answered last before the others.
    fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, count) = (self.first.load(Ordering::Relaxed), self.filers.len());
        (0..count).map(move |step| (first + step) % count)
    }

    fn failed(&self, at: usize, path: &str, error: &FilerError) {
        let filer = &self.filers[at].base;
        debug!(target: "tidegate::offsets", filer, path, %error, "filer did not answer");
        let next = (at + 1) % self.filers.len();
        let moved = self.first.compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed);
        let warns = moved.is_ok() && {
            let mut warned = self.warned.lock();
            let is_time = warned.is_none_or(|at| at.elapsed() >= WARNINGS_APART);
            if is_time {
                *warned = Some(Instant::now());
            }
            is_time
        };
        if warns {
            let next = (next != at).then_some(self.filers[next].base.as_str());
            warn!(target: "tidegate::offsets", filer, next, %error, "filer does not answer");
        }
    }
}

/// A status that is no success: whether it is certain that nothing happened.
fn refusal(status: StatusCode) -> FilerError {
    let is_certain = status.is_client_error()
        && !matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
        // nginx and SeaweedFS: the client has closed the request.
        && status.as_u16() != 499;
    match is_certain {
        true => FilerError::Refused(status),
        false => FilerError::InDoubt(status.to_string()),
    }
}

/// An error of several layers in one line.
fn with_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn timestamp(value: &HeaderValue) -> Option<TimestampMs> {
    let time = httpdate::parse_http_date(value.to_str().ok()?).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

/// What is shown to the filer.
struct Token {
    fixed: Option<String>,
    file: Option<PathBuf>,
    read: Mutex<Option<(Instant, HeaderValue)>>,
}

impl Token {
    fn new(settings: &Settings) -> Self {
        let (fixed, file) = (settings.jwt.clone(), settings.jwt_file.clone());
        Token { fixed, file, read: Mutex::new(None) }
    }

    /// Refuses a file that cannot be read at the start; later it may be absent for a moment.
    fn check(&self) -> Result<(), SettingsError> {
        let Some(file) = &self.file else { return Ok(()) };
        let wrong = |why: String| SettingsError::File(file.clone(), why);
        let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        bearer(&text).map(|_| ()).ok_or_else(|| wrong("holds no token".to_owned()))
    }

    fn header(&self) -> Option<HeaderValue> {
        if self.fixed.is_none() && self.file.is_none() {
            return None;
        }
        let mut read = self.read.lock();
        if let Some((at, value)) = &*read
            && (self.file.is_none() || at.elapsed() < TOKEN_FOR)
        {
            return Some(value.clone());
        }
        // A small file every few seconds, or nothing.
        let text = match &self.file {
            Some(file) => std::fs::read_to_string(file).ok(),
            None => self.fixed.clone(),
        };
        match text.as_deref().and_then(bearer) {
            Some(value) => {
                *read = Some((Instant::now(), value.clone()));
                Some(value)
            }
            None => read.as_ref().map(|(_, value)| value.clone()),
        }
    }

    /// The filer did not like the token: the file may hold a newer one.
    fn forget(&self) {
        if self.file.is_some() {
            *self.read.lock() = None;
        }
    }
}

fn bearer(token: &str) -> Option<HeaderValue> {
    let token = token.trim();
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    (!token.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_by_the_filer_itself_is_certain() {
        let certain = [400, 401, 403, 404, 405, 409, 413, 414, 422];
        let open = [408, 429, 499, 500, 502, 503, 504, 507, 300];
        let refused = |status: u16| {
            refusal(StatusCode::from_u16(status).expect("a status")).may_have_happened()
        };
        assert!(certain.iter().all(|status| !refused(*status)));
        assert!(open.iter().all(|status| refused(*status)));
    }

    #[test]
    fn a_token_is_one_line_of_the_file() {
        assert_eq!(bearer(" abc\n").expect("a token").to_str().ok(), Some("Bearer abc"));
        assert!(bearer(" \n").is_none());
        assert!(bearer("a\nb").is_none());
    }
}
