//! The spans of the steps, alike with Temporal and without.
//!
//! A log line names the spans it was written in, and so has the id of its render.

use framewright_workflows::ChunkSpec;
use opentelemetry::{Context, KeyValue, baggage::BaggageExt as _};
use std::time::Instant;
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Under these names a trace's context carries what every span below a step should tell.
pub const BAGGAGE: [&str; 2] = ["framewright.render", "framewright.chunk"];

/// Which attempt of whose step: what Temporal knows, and a render without it does not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) render: Option<String>,
    pub(crate) number: Option<u32>,
}

/// Project → plan.
pub(crate) fn plan(attempt: &Attempt) -> Span {
    let span = tracing::info_span!("plan", render = attempt.render, attempt = attempt.number);
    carry(&span, attempt, None);
    span
}

/// One chunk. Chunks and segments count from 1, as people are told of them.
pub(crate) fn render_chunk(attempt: &Attempt, spec: &ChunkSpec) -> Span {
    let chunk = spec.index + 1;
    let span = tracing::info_span!(
        "render_chunk",
        render = attempt.render,
        chunk,
        of = spec.of,
        attempt = attempt.number,
        segments = spec.end_segment - spec.first_segment,
        lanes = Empty,
        frames = Empty,
        frames_reused = Empty,
    );
    carry(&span, attempt, Some(chunk));
    span
}

/// Segments → film.
pub(crate) fn assemble(attempt: &Attempt) -> Span {
    let span = tracing::info_span!(
        "assemble",
        render = attempt.render,
        attempt = attempt.number
    );
    carry(&span, attempt, None);
    span
}

/// Real time, with one decimal: people read it.
pub(crate) fn ms_per_frame(begun: Instant, frames: u32) -> f64 {
    let each = begun.elapsed().as_secs_f64() * 1e3 / f64::from(frames.max(1));
    (each * 10.0).round() / 10.0
}

fn carry(span: &Span, attempt: &Attempt, chunk: Option<u32>) {
    let [render_key, chunk_key] = BAGGAGE;
    let render = attempt
        .render
        .clone()
        .map(|render| KeyValue::new(render_key, render));
    let chunk = chunk.map(|chunk| KeyValue::new(chunk_key, i64::from(chunk)));
    // Fails where no traces are sent.
    let _ = span.set_parent(Context::current().with_baggage(render.into_iter().chain(chunk)));
}
