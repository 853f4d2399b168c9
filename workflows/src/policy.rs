//! How long each step may take and how often it is tried: one place, so that the numbers can be
//! weighed against each other.

use crate::{
    job::{ChunkSpec, Film},
    queues, steps,
};
use std::time::Duration;
use temporalio_common::RetryPolicy;
use temporalio_sdk::{
    ActivityCancellationType, ActivityCloseTimeouts, ActivityOptions, LocalActivityOptions,
    WorkflowCancellationToken,
};

/// Chunks in flight of one render. More would only wait in the queue, where each is an activity
/// that the server keeps in memory.
pub const WINDOW: u32 = 64;

/// A worker that was killed or frozen is noticed after this long.
pub const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often heartbeats reach the server, at the most. A cancellation comes with the answer to
/// one, so this bounds how long a cancelled render goes on.
pub const HEARTBEAT_THROTTLE: Duration = Duration::from_secs(1);

/// Tries of one step. A server that is away, or a worker that is killed, uses one up without
/// anything being wrong with the film, so there are more than real failures need.
const ATTEMPTS: u32 = 12;

/// From the start of a render to the first look whether anybody is there to take its steps; twice
/// as long to the next one, and so on.
pub(crate) const FIRST_LOOK: Duration = Duration::from_secs(10);

/// The longest time from look to look: each is six events of history.
pub(crate) const LONGEST_LOOK: Duration = Duration::from_secs(5 * 60);

pub(crate) fn look(cancel: WorkflowCancellationToken) -> LocalActivityOptions {
    LocalActivityOptions::builder()
        .cancellation_token(cancel)
        .start_to_close_timeout(Duration::from_secs(5))
        .schedule_to_close_timeout(Duration::from_secs(8))
        .summary("is a worker there?".to_owned())
        .build()
}

pub(crate) fn plan(composition: &str, cancel: WorkflowCancellationToken) -> ActivityOptions {
    Step {
        id: steps::Plan::NAME.to_owned(),
        summary: format!("plan {composition}"),
        queue: queues::GENERAL.to_owned(),
        start_to_close: Duration::from_secs(10 * 60),
        cancel,
    }
    .options()
}

pub(crate) fn chunk(
    film: &Film,
    spec: &ChunkSpec,
    cancel: WorkflowCancellationToken,
) -> ActivityOptions {
    let frames = film.segments().span(spec.first_segment, spec.end_segment);
    Step {
        // The id is all that the UI's cards of pending activities show.
        id: format!("chunk-{}-of-{}", spec.index + 1, spec.of),
        summary: format!("chunk {} of {}: {frames}", spec.index + 1, spec.of),
        queue: queues::chunks(&film.toolchain),
        // Generous: a hung browser is noticed by the watchdogs of the activity long before.
        start_to_close: Duration::from_secs(10 * 60 + 10 * u64::from(frames.len())),
        cancel,
    }
    .options()
}

pub(crate) fn assemble(film: &Film, cancel: WorkflowCancellationToken) -> ActivityOptions {
    Step {
        id: steps::Assemble::NAME.to_owned(),
        summary: format!("join {} frames", film.frames),
        queue: queues::GENERAL.to_owned(),
        start_to_close: Duration::from_secs(60 * 60),
        cancel,
    }
    .options()
}

/// What differs from step to step.
struct Step {
    id: String,
    summary: String,
    queue: String,
    start_to_close: Duration,
    cancel: WorkflowCancellationToken,
}

impl Step {
    fn options(self) -> ActivityOptions {
        let close = ActivityCloseTimeouts::StartToClose(self.start_to_close);
        ActivityOptions::with_close_timeouts(close)
            .activity_id(self.id)
            .summary(self.summary)
            .task_queue(self.queue)
            .cancellation_token(self.cancel)
            .heartbeat_timeout(HEARTBEAT_TIMEOUT)
            // The render ends when its processes have, not before.
            .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
            .retry_policy(
                RetryPolicy::builder()
                    .initial_interval(Duration::from_secs(1))
                    .backoff_coefficient(2.0)
                    .maximum_interval(Duration::from_secs(10))
                    .maximum_attempts(ATTEMPTS)
                    .build(),
            )
            // Eager start would bypass the queue, and with it the worker's one slot.
            .do_not_eagerly_execute(true)
            .build()
    }
}
