//! What the end of a step means to the render.

use super::RenderWorkflow;
use crate::job::{ChunkFailure, FailedAttempt, Heartbeat, RenderProblem};
use std::time::Duration;
use temporalio_common::error::IncomingError;
use temporalio_sdk::{
    ActivityExecutionError, ApplicationFailure, WorkflowContext, WorkflowTermination,
};

/// Why no step shall go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A step has failed for good.
    Failed,
    /// The time is up.
    Deadline,
}

impl Stop {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "another chunk failed",
            Self::Deadline => "the deadline has passed",
        }
    }
}

impl RenderWorkflow {
    /// Makes the end of the render out of the end of a step, of a chunk perhaps.
    pub(super) fn fail(
        ctx: &WorkflowContext<Self>,
        what: &str,
        chunk: Option<u32>,
        error: ActivityExecutionError,
    ) -> WorkflowTermination {
        let stopped = error.as_cancelled().is_some() || ctx.cancellation_token().is_cancelled();
        if stopped || ctx.state(|s| s.stop == Some(Stop::Deadline)) {
            return WorkflowTermination::cancelled();
        }
        let problem = problem(what, chunk, &error);
        ctx.state_mut(|s| {
            s.stop.get_or_insert(Stop::Failed);
            s.progress.note_failures(problem.failures.iter().cloned());
            s.progress.problem.get_or_insert(problem.clone());
        });
        end(problem, Some(error))
    }

    /// The end of a render whose time was up.
    pub(super) fn overdue(ctx: &WorkflowContext<Self>) -> WorkflowTermination {
        let problem = ctx.state_mut(|s| {
            let most = Duration::from_millis(s.job.max_millis.unwrap_or(0));
            let done = match &s.progress.film {
                Some(film) => format!("{} of {} frames", s.progress.frames_done(), film.frames),
                None => "the plan was not".to_owned(),
            };
            let waited = match &s.progress.waiting {
                Some(waiting) => format!("; no worker was there for `{}`", waiting.task_queue),
                None => String::new(),
            };
            let problem = RenderProblem {
                code: "FW0511".to_owned(),
                message: format!(
                    "the render was not finished within {}: {done} done{waited}",
                    humantime::format_duration(most)
                ),
                hint: Some(
                    "ask again under a new request id, with more time: what is rendered is not rendered twice"
                        .to_owned(),
                ),
                failures: Vec::new(),
            };
            s.progress.problem = Some(problem.clone());
            problem
        });
        Self::publish(ctx);
        end(problem, None)
    }
}

/// Our own words at the top of the UI; the activity's failure stays as the cause.
fn end(problem: RenderProblem, cause: Option<ActivityExecutionError>) -> WorkflowTermination {
    let message = match cause {
        Some(error) => anyhow::Error::new(error).context(problem.message.clone()),
        None => anyhow::anyhow!("{}", problem.message),
    };
    ApplicationFailure::builder(message)
        .type_name(problem.code.clone())
        .non_retryable(true)
        .details(problem)
        .build()
        .into()
}

/// What an activity's failure means to whoever asked for the film.
fn problem(what: &str, chunk: Option<u32>, error: &ActivityExecutionError) -> RenderProblem {
    let mut problem = untold(what, error);
    if let (Some(chunk), true) = (chunk, problem.failures.is_empty()) {
        // Whose time was up could not say why, but its last heartbeat tells of those before it.
        let timeout = error.as_timeout();
        let beat = timeout.and_then(|it| it.last_heartbeat_details::<Heartbeat>().ok().flatten());
        let before = beat.map(|beat| beat.failures).unwrap_or_default();
        let attempt = before.last().map_or(0, |last| last.attempt) + 1;
        let last = FailedAttempt::new(attempt, &problem.code, &problem.message);
        let all = before.into_iter().chain([last]);
        problem.failures = all.map(|failed| ChunkFailure { chunk, failed }).collect();
    }
    problem
}

fn untold(what: &str, error: &ActivityExecutionError) -> RenderProblem {
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
            failures: Vec::new(),
        };
    }
    if error.as_timeout().is_some() {
        return RenderProblem {
            code: "FW0501".to_owned(),
            message: format!("{what}: no worker finished it in time, in any of its attempts"),
            hint: Some("look at the attempts in Temporal's UI and at the workers' logs".to_owned()),
            failures: Vec::new(),
        };
    }
    RenderProblem {
        code: "FW0500".to_owned(),
        message: format!("{what}: {error}"),
        hint: None,
        failures: Vec::new(),
    }
}
