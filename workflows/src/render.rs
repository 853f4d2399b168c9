//! The workflow itself: plan → chunks in a bounded window → assemble.

// The macros generate public constants that cannot be documented from here.
#![allow(missing_docs)]

mod chunks;
mod ends;
mod guards;

use crate::{
    job::{AssembleSpec, Continued, Film, Pause, RenderJob, RenderOutput},
    policy,
    progress::{Progress, Stage},
    queues::{self, PERCENT, STAGE},
    steps,
};
use ends::Stop;
use futures::FutureExt as _;
use std::{
    pin::pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use temporalio_common::ActivityDefinition;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ActivityExecutionError, ActivityOptions, ContinueAsNewOptions, WorkflowCancellationToken,
    WorkflowContext, WorkflowContextView, WorkflowResult, WorkflowTermination,
    workflows::{join_all, select},
};

/// Marks histories that have what came after the first version: the look for workers, and the end
/// of a run when its history is long.
const GUARDED: &str = "look-and-continue";

/// Failed attempts that a run tells the next one of.
const FAILURES_HANDED_ON: usize = 3;

/// A render from request to film.
///
/// The state is plain data: a cancellation token in here would make every handle on the workflow
/// `!Send`, and no gRPC handler could hold one.
#[workflow]
pub struct RenderWorkflow {
    job: RenderJob,
    progress: Progress,
    /// When the first run started, in milliseconds of Unix time.
    started: u64,
    /// The lowest chunk that nobody has taken yet.
    next_chunk: u32,
    /// Why no step shall go on.
    stop: Option<Stop>,
    /// Whether this history is [`GUARDED`].
    guarded: bool,
    /// Where the steps in flight wait, or run; and how many those are.
    queue: String,
    in_flight: u32,
    /// Steps that have ended: a sign that somebody works.
    ended_steps: u32,
}

#[workflow_methods]
impl RenderWorkflow {
    #[init]
    fn new(ctx: &WorkflowContextView, job: RenderJob) -> Self {
        let mut progress = Progress {
            summary: ctx
                .memo()
                .get(queues::SUMMARY)
                .ok()
                .flatten()
                .unwrap_or_default(),
            ..Progress::default()
        };
        let mut started = ctx.start_time().map_or(0, millis);
        let mut next_chunk = 0;
        if let Some(before) = &job.continued {
            started = before.started;
            next_chunk = before.next_chunk;
            progress.stage = Stage::Rendering;
            progress.pause = before.pause.clone();
            progress.paused_millis = before.paused_millis;
            progress.failures.clone_from(&before.failures);
            progress.planned(&before.film, next_chunk);
        }
        progress.deadline = job.max_millis.map(|most| started.saturating_add(most));
        Self {
            job,
            progress,
            started,
            next_chunk,
            stop: None,
            guarded: false,
            queue: String::new(),
            in_flight: 0,
            ended_steps: 0,
        }
    }

    /// The whole render, or the part of it that fits into one history.
    #[run(name = "Render")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<RenderOutput> {
        let ended = {
            let mut steps = pin!(Self::steps(ctx.clone()).fuse());
            let mut guards = pin!(Self::guards(ctx.clone()).fuse());
            select! {
                ended = steps => ended,
                never = guards => match never {},
            }
        };
        if let Err(WorkflowTermination::ContinueAsNew(_)) = &ended {
            return ended;
        }
        let stage = match &ended {
            Ok(_) => Stage::Succeeded,
            Err(_) if ctx.cancellation_token().is_cancelled() => Stage::Cancelled,
            Err(_) => Stage::Failed,
        };
        if let Ok(output) = &ended {
            ctx.state_mut(|s| s.progress.output = Some(output.clone()));
        }
        Self::enter(ctx, stage);
        match (stage, ended) {
            (Stage::Cancelled, _) => {
                let reason = ctx.cancellation_token().reason().unwrap_or_default();
                Err(WorkflowTermination::cancelled_with_details(reason))
            }
            (_, Err(_)) if ctx.state(|s| s.stop == Some(Stop::Deadline)) => Err(Self::overdue(ctx)),
            (_, ended) => ended,
        }
    }

    /// Where the render is, for servers and people.
    #[query]
    pub fn progress(&self, _ctx: &WorkflowContextView) -> Progress {
        self.progress.clone()
    }

    /// Begin nothing new. Twice is once; the first reason stays.
    #[signal]
    pub async fn pause(ctx: &mut WorkflowContext<Self>, pause: Pause) {
        let since = guards::now(ctx);
        ctx.state_mut(|s| {
            s.progress.pause.get_or_insert(Pause { since, ..pause });
        });
        Self::publish(ctx);
    }

    /// Go on. Nothing happens if it is not paused.
    #[signal]
    pub async fn resume(ctx: &mut WorkflowContext<Self>) {
        let now = guards::now(ctx);
        ctx.state_mut(|s| {
            if let Some(pause) = s.progress.pause.take() {
                s.progress.paused_millis += now.saturating_sub(pause.since);
            }
        });
        Self::publish(ctx);
    }
}

impl RenderWorkflow {
    async fn steps(ctx: WorkflowContext<Self>) -> WorkflowResult<RenderOutput> {
        let film = match ctx.state(|s| s.job.continued.clone()) {
            Some(before) => before.film,
            None => Self::plan(&ctx).await?,
        };
        Self::enter(&ctx, Stage::Rendering);
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
        if ctx.state(|s| s.next_chunk) < film.chunks {
            return Err(Self::go_on_in_another_run(&ctx, film));
        }

        Self::hold(&ctx).await?;
        Self::enter(&ctx, Stage::Assembling);
        let spec = AssembleSpec::new(film.plan, ctx.state(|s| s.job.output.clone()));
        let assembled = Self::execute(&ctx, steps::Assemble, spec, |cancel| {
            policy::assemble(&film, cancel)
        });
        match assembled.await {
            Ok(output) => Ok(output),
            Err(error) => Err(Self::fail(&ctx, "assembling the film", None, error)),
        }
    }

    async fn plan(ctx: &WorkflowContext<Self>) -> WorkflowResult<Film> {
        Self::hold(ctx).await?;
        let job = ctx.state(|s| s.job.clone());
        Self::enter(ctx, Stage::Planning);
        let name = job.entry.clone().unwrap_or_else(|| "index.html".to_owned());
        let planned = Self::execute(ctx, steps::Plan, job, |cancel| policy::plan(&name, cancel));
        match planned.await {
            Ok(film) => {
                ctx.state_mut(|s| s.progress.planned(&film, 0));
                Ok(film)
            }
            Err(error) => Err(Self::fail(ctx, "the plan", None, error)),
        }
    }

    /// Before each step: returns when the render is not paused.
    async fn hold(ctx: &WorkflowContext<Self>) -> WorkflowResult<()> {
        ctx.wait_condition(|s| s.progress.pause.is_none() || s.stop.is_some())
            .await?;
        if ctx.state(|s| s.stop.is_some()) {
            return Err(WorkflowTermination::cancelled());
        }
        Ok(())
    }

    /// Runs a step until it ends. It is cancelled when no step shall go on, and has ended then too.
    async fn execute<A>(
        ctx: &WorkflowContext<Self>,
        step: A,
        input: A::Input,
        options: impl FnOnce(WorkflowCancellationToken) -> ActivityOptions,
    ) -> Result<A::Output, ActivityExecutionError>
    where
        A: ActivityDefinition,
        A::Output: temporalio_common::data_converters::TemporalDeserializable,
    {
        let cancel = ctx.cancellation_token().child_token();
        let options = options(cancel.clone());
        ctx.state_mut(|s| {
            s.queue = options.task_queue.clone().unwrap_or_default();
            s.in_flight += 1;
        });
        let mut running = ctx.execute_activity(step, input, options);
        let outcome = select! {
            outcome = running => outcome,
            _ = ctx.wait_condition(|s| s.stop.is_some()) => {
                let why = ctx.state(|s| s.stop.map_or("the render is cancelled", Stop::as_str));
                cancel.cancel_with_reason(why.to_owned());
                running.await
            }
        };
        ctx.state_mut(|s| {
            s.in_flight -= 1;
            s.ended_steps += 1;
            s.progress.waiting = None;
        });
        outcome
    }

    /// The history is long enough: the next run begins at the first chunk that nobody has taken.
    /// All before it are done, since takers finish what they took.
    fn go_on_in_another_run(ctx: &WorkflowContext<Self>, film: Film) -> WorkflowTermination {
        let job = ctx.state(|s| {
            let failures = &s.progress.failures;
            let handed_on = failures.len().saturating_sub(FAILURES_HANDED_ON);
            let continued = Continued {
                film,
                next_chunk: s.next_chunk,
                started: s.started,
                pause: s.progress.pause.clone(),
                paused_millis: s.progress.paused_millis,
                failures: failures[handed_on..].to_vec(),
            };
            RenderJob {
                continued: Some(Box::new(continued)),
                ..s.job.clone()
            }
        });
        // The memo of the start, search attributes and priority are inherited.
        match ctx.continue_as_new(job, ContinueAsNewOptions::default()) {
            Ok(never) => match never {},
            Err(end) => end,
        }
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
            progress.word().to_owned(),
            i64::from(progress.percent() / 10 * 10),
        );
        let shown = ctx.search_attributes();
        if shown.get(&STAGE) != Some(stage.clone()) || shown.get(&PERCENT) != Some(step) {
            ctx.upsert_search_attributes([STAGE.value_set(stage), PERCENT.value_set(step)]);
        }
    }
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
