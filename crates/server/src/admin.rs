//! The admin address: `/health`, `/ready`, `/metrics`, `/connections`, `/log-level`.
//!
//! Whoever reaches it may read what the gateway does and change what it logs, so it is local by default.

use crate::api::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Arc;
use tidegate_metrics::Format;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

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
    let state = Admin { context, stopping: stopping.clone() };
    let router = Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/connections", get(connections))
        .route("/log-level", get(log_level).put(set_log_level))
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
    let render = move || context.metrics.render(&context.broker, &context.memory, format);
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
