//! The pages: what a person with a browser sees of the service.
//!
//! Rendered here, on every request, from what [`Service`] says at that moment. There is nothing
//! to build and nothing to keep: no framework, no outside asset, no state but a cache of plans.
//!
//! Invariants:
//! - Pages only show. Nothing that changes a render is reachable by them.
//! - Of the store, a page gives out the film and the previews of the render it is about; no key
//!   is ever made from what a visitor wrote.
//! - Text of others (errors, worker names) reaches a page only through askama's escaping, and the
//!   policy of [`headers`] lets no script run but ours, should that fail.
//! - Without JavaScript everything works; with it, pages follow a render without reloading.

mod assets;
mod chunks;
mod film;
mod headers;
mod live;
mod pages;
mod previews;
mod problem;
mod range;
mod text;

use crate::{
    exit::Exit,
    metrics::{self, Metrics},
    readiness::Readiness,
    service::{Refusal, Service},
};
use axum::{
    Router, extract::State, http::header, middleware::map_response, response::Redirect,
    routing::get,
};
use previews::Plans;
use problem::Problem;
use std::{
    future::{Future, IntoFuture as _},
    sync::Arc,
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What one answer may take. Longer than Temporal needs when it is well, shorter than a person
/// waits.
const ANSWER_BUDGET: Duration = Duration::from_secs(10);

/// After a request to stop: what is being answered. A browser that plays a film holds its
/// connection for as long as it likes.
const GRACE: Duration = Duration::from_secs(1);

/// What handlers work with.
#[derive(Clone)]
struct Site {
    service: Arc<Service>,
    plans: Arc<Plans>,
    readiness: Readiness,
    metrics: Metrics,
}

/// Serves the pages until `stop` trips, and what machines ask: probes and metrics.
pub(crate) async fn serve(
    service: Arc<Service>,
    readiness: Readiness,
    metrics: Metrics,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), Exit> {
    let site = Site {
        service,
        plans: Arc::default(),
        readiness,
        metrics,
    };
    let served =
        axum::serve(listener, router(site)).with_graceful_shutdown(stop.clone().cancelled_owned());
    let give_up = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = served.into_future() => {
            ended.map_err(|error| Exit::failed(format!("the web server ended: {error}")))
        }
        () = give_up => Ok(()),
    }
}

fn router(site: Site) -> Router {
    Router::new()
        .route("/", get(async || Redirect::temporary("/renders")))
        .route("/renders", get(pages::list))
        .route("/renders/{tenant}/{request}", get(pages::render))
        .route("/renders/{tenant}/{request}/fragment", get(pages::fragment))
        .route("/renders/{tenant}/{request}/film.mp4", get(film::film))
        .route(
            "/renders/{tenant}/{request}/previews/{name}",
            get(previews::preview),
        )
        .route("/healthz", get(async || "ok\n"))
        .route(
            "/readyz",
            get(async |State(site): State<Site>| site.readiness.answer().await),
        )
        .route(
            "/metrics",
            get(async |State(site): State<Site>| {
                let text = site.metrics.text().await;
                ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text)
            }),
        )
        .route("/assets/{name}", get(assets::asset))
        .fallback(async || Problem::no_page())
        .method_not_allowed_fallback(async || Problem::read_only())
        .with_state(site)
        .layer(map_response(headers::secure))
}

/// Asks the service, within the budget of an answer.
async fn ask<T>(answer: impl Future<Output = Result<T, Refusal>>) -> Result<T, Problem> {
    match tokio::time::timeout(ANSWER_BUDGET, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Refusal::temporal("no answer within the budget of a page").into()),
    }
}
