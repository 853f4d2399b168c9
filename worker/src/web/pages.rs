//! The pages and what they are made of.

use super::{
    Problem, Site, ask,
    live::{Live, Row, web_address},
    previews::{Found, Plan, Previews},
    problem::page,
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use framewright_workflows::RenderId;
use serde::Deserialize;
use std::time::SystemTime;

/// Renders on one page of the list.
const PAGE: u32 = 50;

/// The page of one render.
#[derive(Debug, Template)]
#[template(path = "render.html")]
struct RenderPage {
    live: Live,
}

/// The part of it that changes.
#[derive(Debug, Template)]
#[template(path = "live.html")]
pub(super) struct Fragment {
    pub(super) live: Live,
}

/// The list of renders.
#[derive(Debug, Template)]
#[template(path = "renders.html")]
struct RendersPage {
    /// Empty when all are listed.
    tenant: String,
    rows: Vec<Row>,
    /// Whether this is not the first page.
    later: bool,
    next_page_token: String,
    grpc: String,
    temporal: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListParameters {
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    page_token: String,
}

pub(super) async fn list(
    State(site): State<Site>,
    Query(parameters): Query<ListParameters>,
) -> Result<Response, Problem> {
    let ListParameters { tenant, page_token } = parameters;
    let (renders, next_page_token) = ask(site.service.list(&tenant, PAGE, &page_token)).await?;
    let now = SystemTime::now();
    let addresses = site.service.addresses();
    Ok(page(&RendersPage {
        tenant,
        rows: renders.iter().map(|render| Row::new(render, now)).collect(),
        later: !page_token.is_empty(),
        next_page_token,
        grpc: addresses.grpc.clone(),
        temporal: web_address(addresses.temporal_ui.as_deref().unwrap_or_default()),
    }))
}

pub(super) async fn render(
    State(site): State<Site>,
    Path((tenant, request)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let live = live(&site, &tenant, &request).await?;
    Ok(page(&RenderPage { live }))
}

pub(super) async fn fragment(
    State(site): State<Site>,
    Path((tenant, request)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let live = live(&site, &tenant, &request).await?;
    Ok(page(&Fragment { live }))
}

/// The render that a path names.
pub(super) fn render_id(tenant: &str, request: &str) -> Result<RenderId, Problem> {
    RenderId::new(tenant, request).map_err(|error| {
        Problem::new(
            StatusCode::NOT_FOUND,
            error.to_string(),
            "See the list of renders.",
        )
    })
}

async fn live(site: &Site, tenant: &str, request: &str) -> Result<Live, Problem> {
    let id = render_id(tenant, request)?;
    let render = ask(site.service.get(&id)).await?;
    let plan = render.film.as_ref().and_then(Plan::of);
    let previews = match plan {
        Some(plan) => {
            site.plans.remember(&id, plan);
            let found = Found::look(&site.service, plan).await;
            Previews::choose(&format!("/renders/{id}"), plan, &found)
        }
        None => Previews::default(),
    };
    Ok(Live::new(&render, previews, SystemTime::now()))
}
