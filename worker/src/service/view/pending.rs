//! What the server says of the steps that it has in hand: who runs them, how far they are, what they
//! wait for and why they failed before.

use super::count;
use crate::service::Service;
use framewright_proto::v1::{ChunkState, FailedAttempt, Render, RenderState, WaitingForWorker};
use framewright_workflows::{Heartbeat, queues};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use temporalio_common::protos::temporal::api::{
    enums::v1::PendingActivityState, failure::v1::failure::FailureInfo,
    workflow::v1::PendingActivityInfo,
};

/// A step that waits this long for a worker says so.
const WORTH_A_WORD: Duration = Duration::from_secs(5);

/// Sub-chunk progress, attempts and workers, which only the server knows.
pub(super) fn show_pending(render: &mut Render, pending: &[PendingActivityInfo]) {
    for activity in pending {
        show_failures(render, activity);
        let Some(index) = chunk_index(&activity.activity_id) else {
            continue;
        };
        let Some(chunk) = render.chunks.get_mut(index) else {
            continue;
        };
        chunk.attempt = activity.attempt.cast_unsigned();
        let running = activity.state == PendingActivityState::Started as i32
            || activity.state == PendingActivityState::CancelRequested as i32;
        chunk.set_state(if running {
            ChunkState::Running
        } else {
            ChunkState::Waiting
        });
        chunk.worker = if running {
            activity.last_worker_identity.clone()
        } else {
            String::new()
        };
        if let Some(failure) = &activity.last_failure {
            chunk.last_error = failure.message.clone();
        }
        if let Some(beat) = heartbeat(activity).filter(|_| running) {
            let frames = chunk.end_frame - chunk.start_frame;
            // An activity may have only the rest of a chunk to do.
            chunk.frames_done = (frames - beat.of.min(frames) + beat.frames_done).min(frames);
            chunk.fps = beat.fps;
        }
    }
    count(render);
}

fn heartbeat(activity: &PendingActivityInfo) -> Option<Heartbeat> {
    let payload = activity.heartbeat_details.as_ref()?.payloads.first()?;
    serde_json::from_slice(&payload.data).ok()
}

/// `chunk-3-of-7` → 2.
fn chunk_index(activity_id: &str) -> Option<usize> {
    let (number, _) = activity_id.strip_prefix("chunk-")?.split_once("-of-")?;
    number.parse::<usize>().ok()?.checked_sub(1)
}

/// The attempts before the one that is due or runs. Those that could say why they failed have done so
/// in their heartbeats; of the last one the server knows, too, when it could not.
fn show_failures(render: &mut Render, activity: &PendingActivityInfo) {
    let step = &activity.activity_id;
    let chunk = chunk_index(step).and_then(|index| u32::try_from(index).ok());
    let told = heartbeat(activity).map(|beat| beat.failures);
    let mut failed: Vec<_> = told.into_iter().flatten().collect();
    if let Some(failure) = &activity.last_failure {
        let attempt = activity.attempt.cast_unsigned().saturating_sub(1);
        let code = match &failure.failure_info {
            Some(FailureInfo::ApplicationFailureInfo(info)) => info.r#type.as_str(),
            _ => "FW0501",
        };
        if failed.iter().all(|before| before.attempt != attempt) {
            failed.push(framewright_workflows::FailedAttempt::new(
                attempt,
                code,
                &failure.message,
            ));
        }
    }
    render
        .failures
        .extend(failed.into_iter().map(|failed| FailedAttempt {
            step: step.clone(),
            chunk,
            attempt: failed.attempt,
            code: failed.code,
            message: failed.message,
        }));
}

/// A render that waits says what for.
pub(super) async fn show_notice(
    service: &Service,
    render: &mut Render,
    pending: &[PendingActivityInfo],
) {
    let retried = pending
        .iter()
        .find(|activity| activity.attempt > 1 && activity.last_failure.is_some());
    let runs =
        |activity: &PendingActivityInfo| activity.state == PendingActivityState::Started as i32;
    if let Some(activity) = retried {
        let message = activity
            .last_failure
            .as_ref()
            .map_or("", |failure| &failure.message);
        render.notice = format!(
            "{} is tried again (attempt {}): {message}",
            activity.activity_id, activity.attempt
        );
    } else if render.state() == RenderState::Paused {
        let running = pending.iter().filter(|activity| runs(activity)).count();
        render.notice = match running {
            0 => "paused: nothing runs".to_owned(),
            1 => "paused: one step runs and is finished".to_owned(),
            _ => format!("paused: {running} steps run and are finished"),
        };
    }
    if pending.iter().any(runs) {
        return;
    }
    // A worker that is just starting is not worth a word.
    let waits = |activity: &&PendingActivityInfo| {
        activity.state == PendingActivityState::Scheduled as i32
            && since(activity)
                .elapsed()
                .is_ok_and(|waited| waited > WORTH_A_WORD)
    };
    // The same one at every look, although Temporal names them in no order: the first by number.
    let in_order = |activity: &&PendingActivityInfo| {
        let id = &activity.activity_id;
        (since(activity), id.len(), id.clone())
    };
    let Some(waiting) = pending.iter().filter(waits).min_by_key(in_order) else {
        return;
    };
    let queue = waiting
        .activity_options
        .as_ref()
        .and_then(|options| options.task_queue.as_ref())
        .map_or(queues::GENERAL, |queue| &queue.name);
    let workers = framewright_activities::temporal::count(service.temporal(), queue).await;
    if workers == Some(0) {
        render.notice = format!(
            "no worker takes `{}`: none is there for task queue `{queue}`",
            waiting.activity_id
        );
        render.waiting = Some(WaitingForWorker {
            step: waiting.activity_id.clone(),
            task_queue: queue.to_owned(),
            toolchain: queues::toolchain(queue).unwrap_or_default().to_owned(),
            since: Some(since(waiting).into()),
        });
    }
}

fn since(activity: &PendingActivityInfo) -> SystemTime {
    activity.scheduled_time.map_or(UNIX_EPOCH, |time| {
        UNIX_EPOCH + Duration::new(time.seconds.unsigned_abs(), time.nanos.unsigned_abs())
    })
}
