//! The three files that pages refer to.

use super::Problem;
use axum::{
    extract::Path,
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse as _, Response},
};
use framewright_film::Digest;

const STYLE: &str = include_str!("assets/style.css");
const FOLLOW: &str = include_str!("assets/follow.js");
const ICON: &str = include_str!("assets/icon.svg");

pub(super) async fn asset(
    Path(name): Path<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let (text, content_type) = match name.as_str() {
        "style.css" => (STYLE, "text/css; charset=utf-8"),
        "follow.js" => (FOLLOW, "text/javascript; charset=utf-8"),
        "icon.svg" => (ICON, "image/svg+xml"),
        _ => return Err(Problem::no_page()),
    };
    // Kept by browsers, but asked for each time: another build may serve the next page.
    let tag = format!("\"{}\"", Digest::of(text).short());
    let known = request
        .get(IF_NONE_MATCH)
        .is_some_and(|has| has == tag.as_str());
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-cache"),
        (ETAG, tag.as_str()),
    ];
    Ok(match known {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, text).into_response(),
    })
}
