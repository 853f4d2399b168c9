//! What a worker answers over HTTP: metrics, and whether it lives and is ready.

use super::Metrics;
use crate::{exit::Exit, readiness::Readiness};
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Of Prometheus's text format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The endpoint of a worker. It answers from the start, also while Temporal is looked for.
#[derive(Clone)]
pub(crate) struct Endpoint {
    metrics: Metrics,
    /// Known once the worker has all that it needs.
    readiness: Arc<OnceLock<Readiness>>,
    drain: CancellationToken,
}

impl Endpoint {
    /// Listens at `address`. `drain` says that no work is taken any more.
    pub(crate) async fn open(address: SocketAddr, drain: CancellationToken) -> Result<Self, Exit> {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Exit::machine(format!("`{address}` cannot be listened on: {error}"))
                .hint("stop what uses it, or name another address with `--metrics`")
        })?;
        let endpoint = Self {
            metrics: Metrics::install(),
            readiness: Arc::default(),
            drain,
        };
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .with_state(endpoint.clone());
        let address = listener.local_addr().unwrap_or(address);
        tracing::info!(%address, "metrics and probes are answered");
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "metrics and probes are not answered any more");
            }
        });
        Ok(endpoint)
    }

    /// From now on it is `readiness` that says whether this worker can work.
    pub(crate) fn complete(&self, readiness: Readiness) {
        let _ = self.readiness.set(readiness);
    }
}

async fn metrics(State(endpoint): State<Endpoint>) -> Response {
    let text = endpoint.metrics.text().await;
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}

async fn ready(State(endpoint): State<Endpoint>) -> Response {
    if endpoint.drain.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    match endpoint.readiness.get() {
        None => (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response(),
        Some(readiness) => readiness.answer().await,
    }
}
