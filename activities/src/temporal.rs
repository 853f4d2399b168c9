//! The recipes as activities of the `Render` workflow.
//!
//! What Temporal adds is here and nowhere else: heartbeats, cancellation, failures with a code,
//! and the wait for a server that is away.

// The macros generate public constants that cannot be documented from here.
#![allow(missing_docs)]

mod attempts;
mod pollers;

pub use pollers::{QueueActivities, count};

use crate::{
    ChunkMeter, Failure, Workshop, assemble,
    plan::{self, FilmRequest},
    publish, render_chunk,
    spans::{self, Attempt},
};
use framewright_film::{Disposition, Fault as _};
use framewright_workflows::{
    AssembleSpec, ChunkFailure, ChunkOutcome, ChunkSpec, FailedAttempt, Film, Heartbeat, RenderId,
    RenderJob, RenderOutput, RenderWorkflow,
    progress::PAUSED,
    queues::{self, STAGE},
};
use std::{future::Future, sync::Arc, time::Duration};
use temporalio_client::{Client, WorkflowDescribeOptions};
use temporalio_common::protos::temporal::api::{
    enums::v1::PendingActivityState, workflowservice::v1::GetSystemInfoRequest,
};
use temporalio_macros::activities;
use temporalio_sdk::{
    ApplicationFailure,
    activities::{ActivityContext, ActivityError},
};
use tokio_util::sync::CancellationToken;
use tonic::IntoRequest as _;
use tracing::Instrument as _;

/// How often a step says that it lives. The SDK passes on what the server should know of.
const BEAT: Duration = Duration::from_millis(250);

/// How long a chunk waits to learn whether its render is paused.
const PAUSE_BUDGET: Duration = Duration::from_secs(2);

/// `plan` and `assemble`.
pub struct GeneralActivities {
    /// What the steps need.
    pub workshop: Workshop,
    /// The server that the results go to.
    pub temporal: Client,
}

/// `render_chunk`, one at a time.
pub struct ChunkActivities {
    /// What the step needs.
    pub workshop: Workshop,
    /// The server that the results go to.
    pub temporal: Client,
    /// Trips when the worker shall stop: the chunk then returns what it has, as a success.
    pub drain: CancellationToken,
}

#[activities]
impl GeneralActivities {
    /// Project → plan.
    #[activity(name = "plan")]
    pub async fn plan(
        self: Arc<Self>,
        ctx: ActivityContext,
        job: RenderJob,
    ) -> Result<Film, ActivityError> {
        let span = spans::plan(&attempt(&ctx));
        let step = async {
            let mut request = FilmRequest::from(job);
            request.workers = self.chunk_workers().await;
            let step = plan::plan(&self.workshop, &request);
            run(&ctx, &self.temporal, None, step, || beat("planning")).await
        };
        step.instrument(span).await
    }

    /// Segments → film.
    #[activity(name = "assemble")]
    pub async fn assemble(
        self: Arc<Self>,
        ctx: ActivityContext,
        spec: AssembleSpec,
    ) -> Result<RenderOutput, ActivityError> {
        let span = spans::assemble(&attempt(&ctx));
        let step = async {
            let film = assemble::assemble(&self.workshop, spec.plan()).await?;
            publish::publish(&self.workshop, film, spec.output()).await
        };
        let step = run(&ctx, &self.temporal, None, step, || beat("joining"));
        step.instrument(span).await
    }
}

impl GeneralActivities {
    /// How many workers have asked for chunks in the last minutes, of those that could render what
    /// is planned here. Films are cut in some way without: not to know is no failure.
    async fn chunk_workers(&self) -> Option<u32> {
        let queue = queues::chunks(self.workshop.toolchain.fingerprint());
        count(&self.temporal, &queue).await
    }
}

#[activities]
impl ChunkActivities {
    /// Segments of one chunk → store.
    #[activity(name = "render_chunk")]
    pub async fn render_chunk(
        self: Arc<Self>,
        ctx: ActivityContext,
        spec: ChunkSpec,
    ) -> Result<ChunkOutcome, ActivityError> {
        if is_paused(&ctx).await {
            // It was given out before the pause and waited until now.
            return Ok(ChunkMeter::new(0).outcome(spec.first_segment));
        }
        let span = spans::render_chunk(&attempt(&ctx), &spec);
        let step = async {
            let meter = ChunkMeter::for_chunk(&self.workshop, spec.plan, &spec)
                .await
                .map_err(|failure| failed(&ctx, Some(&spec), failure))?;
            let step = render_chunk::render_chunk(&self.workshop, &spec, &meter, &self.drain);
            let rendered = run(&ctx, &self.temporal, Some(&spec), step, || meter.read()).await?;
            Ok(ChunkOutcome {
                attempt: ctx.info().attempt,
                failures: attempts::before(&ctx),
                ..rendered
            })
        };
        step.instrument(span).await
    }
}

/// What the log and the traces of a step say of it.
fn attempt(ctx: &ActivityContext) -> Attempt {
    let info = ctx.info();
    let workflow = info.workflow_id.as_deref().unwrap_or_default();
    Attempt {
        render: RenderId::from_workflow_id(workflow).map(|id| id.to_string()),
        number: Some(info.attempt),
    }
}

/// How long this attempt waited for a worker, by the server's clock alone.
fn count_wait(ctx: &ActivityContext) {
    let info = ctx.info();
    let scheduled = info.current_attempt_scheduled_time.or(info.scheduled_time);
    if let (Some(scheduled), Some(started)) = (scheduled, info.started_time) {
        let wait = started.duration_since(scheduled).unwrap_or_default();
        let step = info.activity_type.clone();
        metrics::histogram!("framewright_queue_wait_seconds", "step" => step).record(wait);
    }
}

/// Runs a step with heartbeats until it ends or is told to stop. A step that is told to stop is
/// dropped, which kills its browsers and encoders.
async fn run<T>(
    ctx: &ActivityContext,
    temporal: &Client,
    chunk: Option<&ChunkSpec>,
    step: impl Future<Output = Result<T, Failure>>,
    progress: impl Fn() -> Heartbeat,
) -> Result<T, ActivityError> {
    count_wait(ctx);
    let mut beats = tokio::time::interval(BEAT);
    let before = attempts::before(ctx);
    let progress = |failures: &Vec<FailedAttempt>| Heartbeat {
        failures: failures.clone(),
        ..progress()
    };
    let ended = {
        tokio::pin!(step);
        loop {
            tokio::select! {
                biased;
                ended = &mut step => break Some(ended),
                () = ctx.cancelled() => break None,
                _ = beats.tick() => {
                    // A beat that does not get through is followed by another.
                    let _ = ctx.record_heartbeat(progress(&before)).await;
                }
            }
        }
    };
    match ended {
        None => Err(stopped(ctx).await),
        Some(Err(failure)) => {
            // The next attempt finds it in the last heartbeat, which goes with the failure.
            let told = attempts::and(ctx, failure.code(), &failure.to_string());
            let _ = ctx.record_heartbeat(progress(&told)).await;
            Err(failed(ctx, chunk, failure))
        }
        Some(Ok(value)) => {
            tokio::select! {
                () = server_answers(temporal) => {}
                () = ctx.cancelled() => {}
            }
            Ok(value)
        }
    }
}

/// Whether the render is paused, as far as the server tells in time: if in doubt, work goes on.
async fn is_paused(ctx: &ActivityContext) -> bool {
    let Some(render) = ctx.workflow_handle::<RenderWorkflow>() else {
        return false;
    };
    let asked = render.describe(WorkflowDescribeOptions::default());
    match tokio::time::timeout(PAUSE_BUDGET, asked).await {
        Ok(Ok(state)) => state.search_attributes().get(&STAGE).as_deref() == Some(PAUSED),
        _ => false,
    }
}

/// The SDK's core retries the report of a result for 10 s and then drops it; the step would be run
/// again after its heartbeat timeout. So hold the result back while the server is away.
async fn server_answers(temporal: &Client) {
    let ask = || GetSystemInfoRequest::default().into_request();
    while let Err(error) = temporal
        .connection()
        .workflow_service()
        .get_system_info(ask())
        .await
    {
        tracing::warn!(code = %error.code(), "Temporal is away, a result is held back");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// `ctx.cancelled()` fires alike for a cancelled render, a pause, a reset, a timeout and the end of
/// the worker, but the server takes `Cancelled` only for the first; after the others the attempt
/// would hang until its heartbeat timeout. So ask the server what it wants.
async fn stopped(ctx: &ActivityContext) -> ActivityError {
    let asked = match ctx.workflow_handle::<RenderWorkflow>() {
        None => true,
        Some(render) => match render.describe(WorkflowDescribeOptions::default()).await {
            Ok(state) => state.raw().pending_activities.iter().any(|pending| {
                pending.activity_id == ctx.info().activity_id
                    && pending.state == PendingActivityState::CancelRequested as i32
            }),
            Err(_) => false,
        },
    };
    if asked {
        return ActivityError::cancelled();
    }
    ApplicationFailure::builder(anyhow::anyhow!(
        "stopped without a request to cancel; it will be tried again"
    ))
    .type_name("FW0510".to_owned())
    .build()
    .into()
}

fn failed(ctx: &ActivityContext, chunk: Option<&ChunkSpec>, failure: Failure) -> ActivityError {
    let mut problem = failure.problem();
    metrics::counter!(
        "framewright_step_failures_total",
        "step" => ctx.info().activity_type.clone(),
        "code" => problem.code.clone(),
    )
    .increment(1);
    if let Some(&ChunkSpec { index: chunk, .. }) = chunk {
        let told = attempts::and(ctx, &problem.code, &problem.message);
        let told = told
            .into_iter()
            .map(|failed| ChunkFailure { chunk, failed });
        problem.failures = told.collect();
    }
    let (permanent, after) = match failure.disposition() {
        Disposition::Permanent => (true, None),
        Disposition::Retry { after } => (false, (!after.is_zero()).then_some(after)),
    };
    tracing::warn!(code = problem.code, permanent, "{}", failure.chain());
    ApplicationFailure::builder(anyhow::Error::new(failure))
        .type_name(problem.code.clone())
        .non_retryable(permanent)
        .maybe_next_retry_delay(after)
        .details(problem)
        .build()
        .into()
}

fn beat(doing: &str) -> Heartbeat {
    Heartbeat {
        doing: doing.to_owned(),
        ..Heartbeat::default()
    }
}
