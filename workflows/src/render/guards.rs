//! What goes on beside the steps: the deadline, and the look whether anybody is there to work.

use super::{GUARDED, RenderWorkflow, Stop, millis};
use crate::{policy, progress::Waiting, steps};
use std::{convert::Infallible, future::pending, time::Duration};
use temporalio_sdk::{TimerOptions, TimerResult, WorkflowContext, workflows::join};

impl RenderWorkflow {
    pub(super) async fn guards(ctx: WorkflowContext<Self>) -> Infallible {
        join!(
            Self::end_at_the_deadline(ctx.clone()),
            Self::look_for_workers(ctx)
        );
        pending().await
    }

    /// When the time is up, no step goes on: the render ends when the last one has.
    async fn end_at_the_deadline(ctx: WorkflowContext<Self>) {
        let Some(deadline) = ctx.state(|s| s.progress.deadline) else {
            return;
        };
        let left = Duration::from_millis(deadline.saturating_sub(now(&ctx)));
        let left = left.max(Duration::from_millis(1));
        if sleep(&ctx, left, "deadline").await == TimerResult::Fired {
            ctx.state_mut(|s| s.stop.get_or_insert(Stop::Deadline).to_owned());
        }
    }

    /// A step that no worker is there for would wait without a word. So look, ever more rarely: a
    /// render that has ended nothing since the last look may be one that nobody works on.
    async fn look_for_workers(ctx: WorkflowContext<Self>) {
        let guarded = ctx.patched(GUARDED);
        ctx.state_mut(|s| s.guarded = guarded);
        if !guarded {
            return;
        }
        let mut wait = policy::FIRST_LOOK;
        let mut ended_before = 0;
        loop {
            if sleep(&ctx, wait, "look for workers").await == TimerResult::Cancelled {
                return;
            }
            wait = (wait * 2).min(policy::LONGEST_LOOK);
            let (ended, in_flight, queue) =
                ctx.state(|s| (s.ended_steps, s.in_flight, s.queue.clone()));
            if ended != ended_before || in_flight == 0 {
                ended_before = ended;
                continue;
            }
            let cancel = ctx.cancellation_token().child_token();
            let look = policy::look(cancel.clone());
            let look = ctx.execute_local_activity(steps::CountWorkers, queue.clone(), look);
            // Not to know is no news.
            let Ok(workers) = look.await else { continue };
            let now = now(&ctx);
            let changed = ctx.state_mut(|s| {
                let before = s.progress.waiting.take();
                // A step may have ended meanwhile, and another be the one that waits.
                if workers == 0 && s.in_flight > 0 && s.queue == queue {
                    s.progress.waiting = before.clone().or(Some(Waiting {
                        task_queue: queue,
                        since: now,
                    }));
                }
                before.is_some() != s.progress.waiting.is_some()
            });
            if changed {
                Self::publish(&ctx);
                wait = policy::FIRST_LOOK;
            }
        }
    }
}

/// On a token of its own: what waits on the run's token keeps the run, and its span, for ever when
/// the run is put away meanwhile (temporalio-workflow 1.1.1: the token holds the timer's handle,
/// which holds the token).
async fn sleep(
    ctx: &WorkflowContext<RenderWorkflow>,
    time: Duration,
    what_for: &str,
) -> TimerResult {
    // Held until the end: the run's token forgets children that nobody holds.
    let cancel = ctx.cancellation_token().child_token();
    let timer = TimerOptions::builder(time)
        .summary(what_for.to_owned())
        .cancellation_token(cancel.clone())
        .build();
    ctx.timer(timer).await
}

/// In milliseconds of Unix time, as history has it.
pub(super) fn now(ctx: &WorkflowContext<RenderWorkflow>) -> u64 {
    ctx.workflow_time().map_or(0, millis)
}
