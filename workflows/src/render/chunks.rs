//! The window of chunks in flight.

use super::RenderWorkflow;
use crate::{
    job::{ChunkFailure, Film},
    policy, steps,
};
use temporalio_sdk::{WorkflowContext, WorkflowResult};

impl RenderWorkflow {
    /// One of the takers that make up the window: takes the next chunk until none is left, or until
    /// the history is long.
    pub(super) async fn take_chunks(ctx: WorkflowContext<Self>, film: Film) -> WorkflowResult<()> {
        while !Self::history_is_long(&ctx) {
            Self::hold(&ctx).await?;
            let Some(index) = ctx.state_mut(|s| {
                let index = s.next_chunk;
                (index < film.chunks).then(|| {
                    s.next_chunk += 1;
                    index
                })
            }) else {
                break;
            };
            Self::render_chunk(&ctx, &film, index).await?;
        }
        Ok(())
    }

    /// Renders that ran before runs could be continued must go on as they began.
    fn history_is_long(ctx: &WorkflowContext<Self>) -> bool {
        ctx.continue_as_new_suggested() && ctx.state(|s| s.guarded)
    }

    /// One chunk. A worker that drains, or that finds the render paused, returns a part of it or
    /// nothing; the rest is a new activity and not a retry, so no attempt is charged.
    async fn render_chunk(
        ctx: &WorkflowContext<Self>,
        film: &Film,
        index: u32,
    ) -> WorkflowResult<()> {
        let segments = film.chunk_segments(index);
        let (tenant, lanes) = ctx.state(|s| (s.job.id.tenant.clone(), s.job.lanes));
        let mut spec = film.chunk(&tenant, index, lanes);
        while spec.first_segment < spec.end_segment {
            Self::hold(ctx).await?;
            ctx.state_mut(|s| s.progress.chunks[index as usize].scheduled = true);
            Self::publish(ctx);
            let rendered = Self::execute(ctx, steps::RenderChunk, spec.clone(), |cancel| {
                policy::chunk(film, &spec, cancel)
            });
            match rendered.await {
                Ok(outcome) => {
                    let before = spec.first_segment;
                    spec.first_segment = outcome.next_segment.clamp(before, spec.end_segment);
                    let done = film.segments().span(segments.start, spec.first_segment);
                    ctx.state_mut(|s| {
                        let chunk = &mut s.progress.chunks[index as usize];
                        chunk.done = if spec.first_segment > segments.start {
                            done.len()
                        } else {
                            0
                        };
                        chunk.rendered += outcome.rendered;
                        let failures = outcome.failures.into_iter();
                        s.progress
                            .note_failures(failures.map(|failed| ChunkFailure {
                                chunk: index,
                                failed,
                            }));
                    });
                    Self::publish(ctx);
                }
                Err(error) => {
                    let frames = film.chunk_frames(index);
                    let what = format!("chunk {} of {} ({frames})", index + 1, film.chunks);
                    return Err(Self::fail(ctx, &what, Some(index), error));
                }
            }
        }
        Ok(())
    }
}
