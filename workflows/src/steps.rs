//! The activities as the workflow calls them: name, input, output. `framewright-activities`
//! registers functions under these names.

use crate::job::{AssembleSpec, ChunkOutcome, ChunkSpec, Film, RenderJob, RenderOutput};
use temporalio_common::ActivityDefinition;

/// Project → film: everything fetched, frozen, measured and cut.
#[derive(Clone, Copy, Debug)]
pub struct Plan;

/// Segments of one chunk → store.
#[derive(Clone, Copy, Debug)]
pub struct RenderChunk;

/// Segments of the whole film → one file, checked.
#[derive(Clone, Copy, Debug)]
pub struct Assemble;

/// Task queue → how many workers have asked it for work lately. A local activity, of whoever runs
/// the workflow code.
#[derive(Clone, Copy, Debug)]
pub struct CountWorkers;

impl Plan {
    /// The activity type.
    pub const NAME: &'static str = "plan";
}

impl RenderChunk {
    /// The activity type.
    pub const NAME: &'static str = "render_chunk";
}

impl Assemble {
    /// The activity type.
    pub const NAME: &'static str = "assemble";
}

impl CountWorkers {
    /// The activity type.
    pub const NAME: &'static str = "count_workers";
}

impl ActivityDefinition for Plan {
    type Input = RenderJob;
    type Output = Film;

    fn name(&self) -> &str {
        Self::NAME
    }
}

impl ActivityDefinition for RenderChunk {
    type Input = ChunkSpec;
    type Output = ChunkOutcome;

    fn name(&self) -> &str {
        Self::NAME
    }
}

impl ActivityDefinition for Assemble {
    type Input = AssembleSpec;
    type Output = RenderOutput;

    fn name(&self) -> &str {
        Self::NAME
    }
}

impl ActivityDefinition for CountWorkers {
    type Input = String;
    type Output = u32;

    fn name(&self) -> &str {
        Self::NAME
    }
}
