//! The film, so that a browser can play it, seek in it and go on with a broken download.

use super::{Problem, Site, ask, pages::render_id, range::Wanted};
use crate::service::Refusal;
use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::{
        HeaderMap, HeaderName, StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
            CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
        },
    },
    response::{IntoResponse as _, Response},
};
use framewright_store::StoreError;
use serde::Deserialize;
use tokio_util::io::ReaderStream;

/// Bytes that are read at a time.
const PIECE: usize = 128 << 10;

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    download: Option<String>,
}

pub(super) async fn film(
    State(site): State<Site>,
    Path((tenant, request)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let id = render_id(&tenant, &request)?;
    let (key, output) = ask(site.service.film(&id)).await?;
    let size = output.size_bytes;
    // Strong: the digest is of the very bytes.
    let tag = format!("\"{}\"", output.sha256);
    let disposition = match parameters.download {
        Some(_) => "attachment",
        None => "inline",
    };
    // A request id has no character that a quoted string would need to escape.
    let disposition = format!("{disposition}; filename=\"{}.mp4\"", id.request);
    let common = [
        (ACCEPT_RANGES, "bytes"),
        (CACHE_CONTROL, "private, no-cache"),
        (CONTENT_DISPOSITION, disposition.as_str()),
        (ETAG, tag.as_str()),
    ];
    let header = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    if header(IF_NONE_MATCH).is_some_and(|has| has == tag || has == "*") {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let same = header(IF_RANGE).is_none_or(|has| has == tag);
    let wanted = match header(RANGE).filter(|_| same) {
        Some(range) => Wanted::of(range, size),
        None => Wanted::Whole,
    };
    let (status, bytes) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(bytes) => (StatusCode::PARTIAL_CONTENT, bytes),
        Wanted::Unsatisfiable => {
            let all = [(CONTENT_RANGE, format!("bytes */{size}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, common, all).into_response());
        }
    };
    let reader = match site.service.store().read(&key, bytes.clone()).await {
        Ok(reader) => reader,
        Err(StoreError::NotFound(_)) => {
            let message = format!("The film of `{id}` is no longer in the store");
            let hint = "Render it again under a new request id.";
            return Err(Problem::new(StatusCode::NOT_FOUND, message, hint));
        }
        Err(error) => return Err(Refusal::from(error).into()),
    };
    let length = [(CONTENT_LENGTH, reader.len.to_string())];
    let content_type = [(CONTENT_TYPE, output.content_type)];
    let body = Body::from_stream(ReaderStream::with_capacity(reader.body, PIECE));
    let part = [(
        CONTENT_RANGE,
        format!(
            "bytes {}-{}/{size}",
            bytes.start,
            bytes.end.saturating_sub(1)
        ),
    )];
    Ok(match status {
        StatusCode::PARTIAL_CONTENT => {
            (status, common, length, content_type, part, body).into_response()
        }
        _ => (status, common, length, content_type, body).into_response(),
    })
}
