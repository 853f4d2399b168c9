//! The workflow itself: plan → chunks in a bounded window → assemble.

// The macros generate public constants that cannot be documented from here.
#![allow(missing_docs)]

use crate::{
    job::{AssembleSpec, Film, RenderJob, RenderOutput, RenderProblem},
    policy,
    progress::{Progress, Stage},
    queues::{PERCENT, STAGE},
    steps,
};
use temporalio_common::error::IncomingError;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ActivityExecutionError, ApplicationFailure, WorkflowContext, WorkflowContextView,
    WorkflowResult, WorkflowTermination,
    workflows::{join_all, select},
};

/// A render from request to film.
///
/// The state is plain data: a cancellation token in here would make every handle on the workflow
/// `!Send`, and no gRPC handler could hold one.
#[workflow]
pub struct RenderWorkflow {
    job: RenderJob,
    progress: Progress,
    /// The lowest chunk that nobody has taken yet.
    next_chunk: u32,
    /// A chunk has failed for good: the others stop.
    failed: bool,
}

#[workflow_methods]
impl RenderWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, job: RenderJob) -> Self {
        Self {
            job,
            progress: Progress::default(),
            next_chunk: 0,
            failed: false,
        }
    }

    /// The whole render.
    #[run(name = "Render")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<RenderOutput> {
        let ended = Self::steps(ctx).await;
        let stage = match &ended {
            Ok(_) => Stage::Succeeded,
            Err(_) if ctx.cancellation_token().is_cancelled() => Stage::Cancelled,
            Err(_) => Stage::Failed,
        };
        if let Ok(output) = &ended {
            ctx.state_mut(|s| s.progress.output = Some(output.clone()));
        }
        Self::enter(ctx, stage);
        if stage == Stage::Cancelled {
            let reason = ctx.cancellation_token().reason().unwrap_or_default();
            return Err(WorkflowTermination::cancelled_with_details(reason));
        }
        ended
    }

    /// Where the render is, for servers and people.
    #[query]
    pub fn progress(&self, _ctx: &WorkflowContextView) -> Progress {
        self.progress.clone()
    }
}

impl RenderWorkflow {
    async fn steps(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<RenderOutput> {
        let job = ctx.state(|s| s.job.clone());

        Self::enter(ctx, Stage::Planning);
        let name = job.entry.clone().unwrap_or_else(|| "index.html".to_owned());
        let planned = ctx.execute_activity(steps::Plan, job.clone(), policy::plan(&name));
        let film = match planned.await {
            Ok(film) => film,
            Err(error) => return Err(Self::fail(ctx, "the plan", error)),
        };
        ctx.state_mut(|s| s.progress.planned(&film));

        Self::enter(ctx, Stage::Rendering);
        let takers = film.chunks.min(policy::WINDOW);
        let taken = (0..takers).map(|_| Self::take_chunks(ctx.clone(), film.clone()));
        let mut ends: Vec<_> = join_all(taken)
            .await
            .into_iter()
            .filter_map(Result::err)
            .collect();
        // A chunk that failed tells more than those that were cancelled because of it.
        ends.sort_by_key(|end| matches!(end, WorkflowTermination::Cancelled { .. }));
        if !ends.is_empty() {
            return Err(ends.swap_remove(0));
        }

        Self::enter(ctx, Stage::Assembling);
        let spec = AssembleSpec::new(film.plan, job.output);
        let assembled = ctx.execute_activity(steps::Assemble, spec, policy::assemble(&film));
        match assembled.await {
            Ok(output) => Ok(output),
            Err(error) => Err(Self::fail(ctx, "assembling the film", error)),
        }
    }

    /// One of the takers that make up the window: takes the next chunk until none is left.
    async fn take_chunks(ctx: WorkflowContext<Self>, film: Film) -> WorkflowResult<()> {
        while let Some(index) = ctx.state_mut(|s| {
            let index = s.next_chunk;
            (index < film.chunks && !s.failed).then(|| {
                s.next_chunk += 1;
                index
            })
        }) {
            Self::render_chunk(&ctx, &film, index).await?;
        }
        Ok(())
    }

    /// One chunk. A worker that drains returns a part of it; the rest is a new activity and not a
    /// retry, so no attempt is charged.
    async fn render_chunk(
        ctx: &WorkflowContext<Self>,
        film: &Film,
        index: u32,
    ) -> WorkflowResult<()> {
        let segments = film.chunk_segments(index);
        let (tenant, lanes) = ctx.state(|s| (s.job.id.tenant.clone(), s.job.lanes));
        let mut spec = film.chunk(&tenant, index, lanes);
        while spec.first_segment < spec.end_segment {
            let cancel = ctx.cancellation_token().child_token();
            let options = policy::chunk(film, &spec, cancel.clone());
            ctx.state_mut(|s| s.progress.chunks[index as usize].scheduled = true);
            Self::publish(ctx);
            let mut rendering = ctx.execute_activity(steps::RenderChunk, spec.clone(), options);
            let outcome = select! {
                outcome = rendering => outcome,
                _ = ctx.wait_condition(|s| s.failed) => {
                    cancel.cancel_with_reason("another chunk failed".to_owned());
                    rendering.await
                }
            };
            match outcome {
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
                    });
                    Self::publish(ctx);
                }
                Err(error) => {
                    let frames = film.chunk_frames(index);
                    let what = format!("chunk {} of {} ({frames})", index + 1, film.chunks);
                    return Err(Self::fail(ctx, &what, error));
                }
            }
        }
        Ok(())
    }

    /// Makes the end of the render out of the end of a step.
    fn fail(
        ctx: &WorkflowContext<Self>,
        what: &str,
        error: ActivityExecutionError,
    ) -> WorkflowTermination {
        if error.as_cancelled().is_some() || ctx.cancellation_token().is_cancelled() {
            return WorkflowTermination::cancelled();
        }
        let problem = problem(what, &error);
        ctx.state_mut(|s| {
            s.failed = true;
            s.progress.problem.get_or_insert(problem.clone());
        });
        // Our own words at the top of the UI; the activity's failure stays as the cause.
        let message = anyhow::Error::new(error).context(problem.message.clone());
        ApplicationFailure::builder(message)
            .type_name(problem.code.clone())
            .non_retryable(true)
            .details(problem)
            .build()
            .into()
    }

    fn enter(ctx: &WorkflowContext<Self>, stage: Stage) {
        ctx.state_mut(|s| s.progress.stage = stage);
        Self::publish(ctx);
    }

    /// Shows the state in Temporal's UI. The details cost no history; an upsert is one event, so
    /// it is made for a new stage and for every tenth of the film only.
    fn publish(ctx: &WorkflowContext<Self>) {
        let progress = ctx.state(|s| s.progress.clone());
        ctx.set_current_details(progress.details());
        let (stage, step) = (
            progress.stage.to_string(),
            i64::from(progress.percent() / 10 * 10),
        );
        let shown = ctx.search_attributes();
        if shown.get(&STAGE) != Some(stage.clone()) || shown.get(&PERCENT) != Some(step) {
            ctx.upsert_search_attributes([STAGE.value_set(stage), PERCENT.value_set(step)]);
        }
    }
}

/// What an activity's failure means to whoever asked for the film.
fn problem(what: &str, error: &ActivityExecutionError) -> RenderProblem {
    if let Some(IncomingError::Application(cause)) = error.reason() {
        if let Ok(Some(told)) = cause.details::<RenderProblem>() {
            return RenderProblem {
                message: format!("{what}: {}", told.message),
                ..told
            };
        }
        return RenderProblem {
            code: cause.type_name().unwrap_or("FW0500").to_owned(),
            message: format!("{what}: {}", cause.source_error()),
            hint: None,
        };
    }
    if error.as_timeout().is_some() {
        return RenderProblem {
            code: "FW0501".to_owned(),
            message: format!("{what}: no worker finished it in time, in any of its attempts"),
            hint: Some("look at the attempts in Temporal's UI and at the workers' logs".to_owned()),
        };
    }
    RenderProblem {
        code: "FW0500".to_owned(),
        message: format!("{what}: {error}"),
        hint: None,
    }
}
