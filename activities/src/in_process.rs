//! The same steps without Temporal, one after the other: for authors, tests and benchmarks.

use crate::{
    ChunkMeter, Failure, Workshop, assemble,
    plan::{self, FilmRequest},
    render_chunk,
    spans::{self, Attempt},
};
use framewright_workflows::{Film, RenderOutput};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// What happens, as it happens.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The film is planned.
    Planned(Film),
    /// A chunk begins; its meter can be read while it runs.
    Chunk(u32, Arc<ChunkMeter>),
    /// The segments are being joined.
    Assembling,
}

/// Renders a film from project to file in the store.
///
/// # Errors
/// What the first step that fails says.
pub async fn render(
    workshop: &Workshop,
    request: &FilmRequest,
    lanes: Option<u32>,
    mut tell: impl FnMut(Event),
) -> Result<(Film, RenderOutput), Failure> {
    let attempt = Attempt::default();
    let planned = plan::plan(workshop, request).instrument(spans::plan(&attempt));
    let film = planned.await?;
    tell(Event::Planned(film.clone()));
    for index in 0..film.chunks {
        let spec = film.chunk(&request.tenant, index, lanes);
        let meter = ChunkMeter::new(film.chunk_frames(index).len());
        tell(Event::Chunk(index, meter.clone()));
        let drain = CancellationToken::new();
        render_chunk::render_chunk(workshop, &spec, &meter, &drain)
            .instrument(spans::render_chunk(&attempt, &spec))
            .await?;
    }
    tell(Event::Assembling);
    let assembled = assemble::assemble(workshop, film.plan).instrument(spans::assemble(&attempt));
    let output = assembled.await?;
    Ok((film, output))
}
