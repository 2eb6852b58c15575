//! The admin address: `/health`, `/ready`, `/metrics`.

use crate::api::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

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

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let text = admin.context.metrics.render(&admin.context.broker);
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
