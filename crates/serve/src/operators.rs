//! What operators and their monitoring ask.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::serving::Shared;

/// The routes of the operators' listener.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/health", get(async || "ok\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(shared)
}

/// 200 if something could be kept now.
async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let keeper = shared.keeper.clone();
    match tokio::task::spawn_blocking(move || keeper.is_ready()).await {
        Ok(true) => "ready\n".into_response(),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store can keep nothing now\n",
        )
            .into_response(),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let keeper = shared.keeper.clone();
    let known = tokio::task::spawn_blocking(move || {
        (keeper.agents().unwrap_or_default(), keeper.is_ready())
    });
    let (agents, is_ready) = known.await.unwrap_or_default();
    let now = shared.journal.now();
    let current = shared.current();
    let mut text = shared.metrics.render(&agents, is_ready, now);
    crate::metrics::of_authority(&mut text, current.authority.roots(), &agents, now);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
