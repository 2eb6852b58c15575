//! The admin address: `/health`, `/ready`, `/metrics`, `/connections`, `/log-level`, `/trace`.
//!
//! Whoever reaches it may read what the gateway does and change what it logs, so it is local by default,
//! and web pages are refused.

mod guard;

use crate::api::Context;
use crate::observe::TraceFilter;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response as AxumResponse};
use axum::routing::get;
use bytes::Bytes;
use futures_core::Stream;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tidegate_metrics::Format;
use tokio::net::TcpListener;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::info;

/// Lines of a trace that wait for its reader.
const LINES_MAX: usize = 64;

/// A trace without requests says that it lives so often.
const ALIVE_EVERY: Duration = Duration::from_secs(30);

/// A trace whose reader takes no line for so long is ended.
const STALLED_MAX: Duration = Duration::from_secs(30);

/// Serves the admin address until `stopping` turns true.
pub async fn serve(
    socket: TcpListener,
    context: Arc<Context>,
    mut stopping: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let stopped = {
        let mut stopping = stopping.clone();
        async move { drop(stopping.wait_for(|stopping| *stopping).await) }
    };
    let is_local = socket.local_addr()?.ip().is_loopback();
    let state = Admin { context, stopping: stopping.clone() };
    let router = Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/connections", get(connections))
        .route("/trace", get(trace))
        .route("/log-level", get(log_level).put(set_log_level))
        .layer(DefaultBodyLimit::max(guard::BODY_BYTES_MAX))
        .layer(from_fn_with_state(is_local, guard::guard))
        .with_state(state);
    stopping.mark_unchanged();
    axum::serve(socket, router).with_graceful_shutdown(stopped).await
}

#[derive(Clone)]
struct Admin {
    context: Arc<Context>,
    stopping: watch::Receiver<bool>,
}

/// 200 while the process can answer at all.
async fn health() -> &'static str {
    "ok\n"
}

/// 200 while requests are served; 503 while stopping, or while the store takes no appends.
async fn ready(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    if *admin.stopping.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    if admin.context.broker.store().stats().full {
        return (StatusCode::SERVICE_UNAVAILABLE, "storage is full: reads only\n");
    }
    (StatusCode::OK, "ready\n")
}

/// OpenMetrics for whom asks for it, Prometheus' own format for others.
async fn metrics(State(admin): State<Admin>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let format = Format::accepted(accept);
    let context = admin.context;
    // Thousands of partitions take milliseconds, and the system is asked: not for a task that others
    // wait for.
    let render = move || context.metrics.render(&context, format);
    match tokio::task::spawn_blocking(render).await {
        Ok(text) => ([(header::CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The open connections, as a JSON array.
async fn connections(State(admin): State<Admin>) -> impl IntoResponse {
    json(StatusCode::OK, &admin.context.observe.connections.to_json())
}

/// `{"filter": "info,tidegate::fetch=debug"}`: which log lines are written.
async fn log_level(State(admin): State<Admin>) -> impl IntoResponse {
    match admin.context.observe.logs.get() {
        Some(logs) => json(StatusCode::OK, &json!({ "filter": logs.filter() })),
        None => refused(StatusCode::NOT_FOUND, "this gateway's log cannot be changed"),
    }
}

/// Takes a filter as plain text; it stands until it is changed again or the gateway stops.
async fn set_log_level(State(admin): State<Admin>, filter: String) -> impl IntoResponse {
    let Some(logs) = admin.context.observe.logs.get() else {
        return refused(StatusCode::NOT_FOUND, "this gateway's log cannot be changed");
    };
    let before = logs.filter();
    match logs.set_filter(filter.trim()) {
        Ok(()) => {
            let filter = logs.filter();
            info!(target: "tidegate::server", filter, before, "log filter changed");
            json(StatusCode::OK, &json!({ "filter": filter }))
        }
        Err(problem) => refused(StatusCode::BAD_REQUEST, &problem),
    }
}

/// Requests and answers as they come, one JSON object a line; the query says which.
///
/// `limit` ends it after so many. The first line tells that the tracing has begun.
async fn trace(State(admin): State<Admin>, RawQuery(query): RawQuery) -> AxumResponse {
    let (filter, limit) = match trace_query(query.as_deref().unwrap_or("")) {
        Ok(asked) => asked,
        Err(problem) => return refused(StatusCode::BAD_REQUEST, &problem).into_response(),
    };
    let (lines, receiver) = mpsc::channel(LINES_MAX);
    let (subscribed, begun) = oneshot::channel();
    tokio::spawn(async move {
        let Admin { context, mut stopping } = admin;
        let Some(mut subscription) = context.observe.tracers.subscribe(filter) else { return };
        if subscribed.send(()).is_err() || send(&lines, &json!({ "tracing": true })).await.is_err()
        {
            return;
        }
        let mut left = limit;
        while left > 0 {
            let line = tokio::select! {
                line = subscription.next(&context) => line,
                // A reader that is gone is found out by writing to it.
                () = tokio::time::sleep(ALIVE_EVERY) => json!({ "alive": true }),
                () = lines.closed() => return,
                _ = stopping.wait_for(|stopping| *stopping) => return,
            };
            let is_request = line["lost"].is_null() && line["alive"].is_null();
            left -= u64::from(is_request);
            let sent = tokio::select! {
                sent = tokio::time::timeout(STALLED_MAX, send(&lines, &line)) => sent,
                _ = stopping.wait_for(|stopping| *stopping) => return,
            };
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    });
    if begun.await.is_err() {
        return refused(StatusCode::TOO_MANY_REQUESTS, "too many traces at once").into_response();
    }
    let body = Body::from_stream(Lines(receiver));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

async fn send(lines: &mpsc::Sender<Bytes>, line: &Value) -> Result<(), SendError<Bytes>> {
    lines.send(Bytes::from(format!("{line}\n"))).await
}

/// `group=orders&errors=true&limit=10`, percent-encoded.
fn trace_query(query: &str) -> Result<(TraceFilter, u64), String> {
    let mut filter = TraceFilter::default();
    let mut limit = u64::MAX;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let value = percent_decode_str(value).decode_utf8();
        let value = value.map_err(|_| format!("{name} is not UTF-8"))?;
        match name {
            "limit" => limit = value.parse().map_err(|_| format!("{value:?} is no number"))?,
            _ => filter.set(name, &value)?,
        }
    }
    Ok((filter, limit))
}

/// Lines that a task sends, as the body of an answer.
struct Lines(mpsc::Receiver<Bytes>);

impl Stream for Lines {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|line| line.map(Ok))
    }
}

fn json(
    status: StatusCode,
    value: &Value,
) -> (StatusCode, [(HeaderName, &'static str); 1], String) {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{value}\n"))
}

fn refused(
    status: StatusCode,
    error: &str,
) -> (StatusCode, [(HeaderName, &'static str); 1], String) {
    json(status, &json!({ "error": error }))
}
