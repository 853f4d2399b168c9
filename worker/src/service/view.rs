//! What is known of a render, put together from what the workflow says of itself and what the
//! server says of its pending activities.

use super::{Refusal, Service};
use framewright_film::FrameRange;
use framewright_proto::v1::{
    Chunk, ChunkState, Film, OutputInfo, Render, RenderError, RenderState,
};
use framewright_workflows::{
    CostCurve, Heartbeat, Progress, RenderId, RenderOutput, RenderProblem, RenderWorkflow, Stage,
    queues::{self, STAGE},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use temporalio_client::{
    WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowGetResultOptions,
    WorkflowQueryOptions,
    errors::{WorkflowGetResultError, WorkflowInteractionError},
};
use temporalio_common::{
    error::IncomingError,
    protos::temporal::api::{
        enums::v1::PendingActivityState,
        taskqueue::v1::TaskQueue,
        workflow::v1::PendingActivityInfo,
        workflowservice::v1::{DescribeTaskQueueRequest, ListWorkflowExecutionsRequest},
    },
};
use tonic::IntoRequest as _;

/// A step that waits this long for a worker says so.
const WORTH_A_WORD: Duration = Duration::from_secs(5);

/// Whether nothing will change any more.
pub(crate) fn is_final(state: RenderState) -> bool {
    matches!(
        state,
        RenderState::Succeeded | RenderState::Failed | RenderState::Cancelled
    )
}

pub(super) async fn render(service: &Service, id: &RenderId) -> Result<Render, Refusal> {
    render_and_key(service, id).await.map(|(render, _)| render)
}

/// The render, and the key of its film in the store.
pub(super) async fn render_and_key(
    service: &Service,
    id: &RenderId,
) -> Result<(Render, Option<String>), Refusal> {
    let handle = service.handle(id);
    let state = handle
        .describe(WorkflowDescribeOptions::default())
        .await
        .map_err(|error| match error {
            WorkflowInteractionError::NotFound(_) => Refusal::not_found(id),
            error => Refusal::temporal(error),
        })?;
    let mut render = Render {
        render_id: id.to_string(),
        created: state.start_time().map(timestamp),
        ended: state.close_time().map(timestamp),
        page_url: service.page_url(id),
        temporal_url: service.temporal_url(id),
        ..Render::default()
    };
    render.set_state(stage_state(
        state
            .search_attributes()
            .get(&STAGE)
            .as_deref()
            .unwrap_or(""),
    ));
    let (mut key, mut costs) = (None, None);
    // A query needs a live workflow worker, and a closed workflow keeps answering it.
    let progress = handle
        .query(
            RenderWorkflow::progress,
            (),
            WorkflowQueryOptions::default(),
        )
        .await;
    match progress {
        Ok(progress) => {
            show_progress(&mut render, &progress);
            costs = progress.film.and_then(|film| film.costs);
            // It may have closed since it was described.
            key = progress
                .output
                .map(|output| show_output(&mut render, output));
        }
        Err(error) => tracing::debug!(%error, "no progress from the workflow"),
    }
    match state.status() {
        WorkflowExecutionStatus::Running if !is_final(render.state()) => {
            let pending = &state.raw().pending_activities;
            show_pending(&mut render, pending);
            show_eta(&mut render, state.start_time(), costs.as_ref());
            show_notice(service, &mut render, pending).await;
        }
        // It has closed since it was described; what the workflow said of itself is right.
        WorkflowExecutionStatus::Running => {}
        WorkflowExecutionStatus::Canceled => render.set_state(RenderState::Cancelled),
        WorkflowExecutionStatus::Terminated => {
            render.set_state(RenderState::Cancelled);
            render.notice = "terminated by an operator".to_owned();
        }
        _ if key.is_some() => {}
        _ => key = show_result(service, &mut render, id).await,
    }
    Ok((render, key))
}

fn stage_state(stage: &str) -> RenderState {
    match stage {
        "planning" => RenderState::Planning,
        "rendering" => RenderState::Rendering,
        "assembling" => RenderState::Assembling,
        "succeeded" => RenderState::Succeeded,
        "failed" => RenderState::Failed,
        "cancelled" => RenderState::Cancelled,
        _ => RenderState::Queued,
    }
}

fn show_progress(render: &mut Render, progress: &Progress) {
    render.set_state(stage_state(progress.stage.as_str()));
    if let Some(film) = &progress.film {
        render.film = Some(Film {
            plan_id: film.plan.to_hex(),
            composition_id: film.composition.clone(),
            frames: film.frames,
            fps: film.fps.to_string(),
            width: film.size.width,
            height: film.size.height,
            segment_frames: film.segment_frames,
        });
    }
    let ended_badly = matches!(progress.stage, Stage::Failed | Stage::Cancelled);
    render.chunks = (0..)
        .zip(&progress.chunks)
        .map(|(index, chunk)| {
            let state = if chunk.done == chunk.frames.len() {
                ChunkState::Done
            } else if ended_badly && chunk.scheduled {
                ChunkState::Failed
            } else {
                ChunkState::Waiting
            };
            Chunk {
                index,
                state: state.into(),
                start_frame: chunk.frames.start,
                end_frame: chunk.frames.end,
                frames_done: chunk.done,
                ..Chunk::default()
            }
        })
        .collect();
    if let Some(problem) = &progress.problem {
        render.error = Some(error(problem));
    }
    count(render);
}

/// Sub-chunk progress, attempts and workers, which only the server knows.
fn show_pending(render: &mut Render, pending: &[PendingActivityInfo]) {
    for activity in pending {
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

fn count(render: &mut Render) {
    let frames = render.film.as_ref().map_or(0, |film| film.frames);
    let done: u32 = render.chunks.iter().map(|chunk| chunk.frames_done).sum();
    if frames > 0 {
        render.progress = f64::from(done) / f64::from(frames);
    }
}

/// What is left at the rate of the whole render so far: chunks differ too much for less. Where it
/// is known what frames cost, the rate is of cost, so that a heavy region does not surprise.
fn show_eta(render: &mut Render, started: Option<SystemTime>, costs: Option<&CostCurve>) {
    let Some(elapsed) = started.and_then(|started| started.elapsed().ok()) else {
        return;
    };
    let done = costs.map_or(render.progress, |costs| cost_done(render, costs));
    if render.state() == RenderState::Rendering && done > 0.01 {
        let seconds = elapsed.as_secs_f64() * (1.0 - done) / done;
        render.eta = Duration::from_secs_f64(seconds.clamp(0.0, 1e9))
            .try_into()
            .ok();
    }
}

/// Part of the film's cost that is done, 0 to 1.
fn cost_done(render: &Render, costs: &CostCurve) -> f64 {
    let cost = |start, frames| costs.frames(FrameRange::new(start, start + frames)).cpu_us as f64;
    let chunks = render.chunks.iter();
    let done: f64 = chunks
        .map(|chunk| cost(chunk.start_frame, chunk.frames_done))
        .sum();
    done / cost(0, render.film.as_ref().map_or(0, |film| film.frames)).max(1.0)
}

/// A render that waits says what for.
async fn show_notice(service: &Service, render: &mut Render, pending: &[PendingActivityInfo]) {
    let retried = pending
        .iter()
        .find(|activity| activity.attempt > 1 && activity.last_failure.is_some());
    if let Some(activity) = retried {
        let message = activity
            .last_failure
            .as_ref()
            .map_or("", |failure| &failure.message);
        render.notice = format!(
            "{} is tried again (attempt {}): {message}",
            activity.activity_id, activity.attempt
        );
    }
    // A worker that is just starting is not worth a word.
    let waits = |activity: &&PendingActivityInfo| {
        activity.state == PendingActivityState::Scheduled as i32
            && activity.scheduled_time.is_some_and(|since| {
                let since = UNIX_EPOCH + Duration::from_secs(since.seconds.unsigned_abs());
                since.elapsed().is_ok_and(|waited| waited > WORTH_A_WORD)
            })
    };
    let runs = pending
        .iter()
        .any(|activity| activity.state == PendingActivityState::Started as i32);
    let Some(waiting) = pending.iter().find(waits).filter(|_| !runs) else {
        return;
    };
    let queue = waiting
        .activity_options
        .as_ref()
        .and_then(|options| options.task_queue.as_ref())
        .map_or(queues::GENERAL, |queue| &queue.name);
    if pollers(service, queue).await == Some(0) {
        render.notice = format!(
            "no worker takes `{}`: none is there for task queue `{queue}`",
            waiting.activity_id
        );
    }
}

async fn pollers(service: &Service, queue: &str) -> Option<usize> {
    const ACTIVITY: i32 = 2;
    let request = DescribeTaskQueueRequest {
        namespace: service.addresses.namespace.clone(),
        task_queue: Some(TaskQueue {
            name: queue.to_owned(),
            ..TaskQueue::default()
        }),
        task_queue_type: ACTIVITY,
        ..DescribeTaskQueueRequest::default()
    };
    let mut workflows = service.temporal.connection().workflow_service();
    let described = workflows
        .describe_task_queue(request.into_request())
        .await
        .ok()?;
    Some(described.into_inner().pollers.len())
}

/// The end of a closed workflow: its film's key, or its error.
async fn show_result(service: &Service, render: &mut Render, id: &RenderId) -> Option<String> {
    let options = WorkflowGetResultOptions::default();
    match service.handle(id).get_result(options).await {
        Ok(output) => Some(show_output(render, output)),
        Err(failed) => {
            render.set_state(RenderState::Failed);
            render.error.get_or_insert_with(|| error(&problem(&failed)));
            None
        }
    }
}

/// The film is there. Returns its key.
fn show_output(render: &mut Render, output: RenderOutput) -> String {
    render.set_state(RenderState::Succeeded);
    render.progress = 1.0;
    render.output = Some(OutputInfo {
        size_bytes: output.size_bytes,
        sha256: output.sha256.to_hex(),
        content_type: output.content_type,
        url: output.published.unwrap_or_default(),
    });
    output.key
}

fn problem(failed: &WorkflowGetResultError) -> RenderProblem {
    if let WorkflowGetResultError::Failed(cause) = failed
        && let IncomingError::Application(cause) = &**cause
        && let Ok(Some(problem)) = cause.details::<RenderProblem>()
    {
        return problem;
    }
    RenderProblem {
        code: "FW0500".to_owned(),
        message: failed.to_string(),
        hint: None,
    }
}

fn error(problem: &RenderProblem) -> RenderError {
    RenderError {
        code: problem.code.clone(),
        message: problem.message.clone(),
        hint: problem.hint.clone().unwrap_or_default(),
    }
}

/// Renders, as the visibility store has them: without chunks.
pub(super) async fn list(
    service: &Service,
    tenant: &str,
    page_size: u32,
    page_token: &str,
) -> Result<(Vec<Render>, String), Refusal> {
    let mut query = "WorkflowType = 'Render'".to_owned();
    if !tenant.is_empty() {
        RenderId::new(tenant, "x")
            .map_err(|_| Refusal::field("tenant", format!("`{tenant}` is not a tenant")))?;
        query += &format!(" AND RenderTenant = '{tenant}'");
    }
    let next_page_token =
        hex::decode(page_token).map_err(|_| Refusal::field("page_token", "not one of ours"))?;
    let request = ListWorkflowExecutionsRequest {
        namespace: service.addresses.namespace.clone(),
        page_size: match page_size {
            0 => 50,
            size => size.min(500).cast_signed(),
        },
        next_page_token,
        query,
    };
    let mut workflows = service.temporal.connection().workflow_service();
    let page = workflows
        .list_workflow_executions(request.into_request())
        .await
        .map_err(|status| match status.code() {
            tonic::Code::InvalidArgument => Refusal::field("page_token", "not one of ours"),
            _ => Refusal::temporal(status),
        })?
        .into_inner();
    let renders = page
        .executions
        .iter()
        .filter_map(|info| {
            let id = RenderId::from_workflow_id(&info.execution.as_ref()?.workflow_id)?;
            let attribute = |name: &str| {
                let payload = info.search_attributes.as_ref()?.indexed_fields.get(name)?;
                serde_json::from_slice::<serde_json::Value>(&payload.data).ok()
            };
            let stage = attribute("RenderStage");
            let percent = attribute("RenderPercent").and_then(|value| value.as_f64());
            let mut render = Render {
                render_id: id.to_string(),
                progress: percent.unwrap_or(0.0) / 100.0,
                created: info.start_time.map(|t| prost_types::Timestamp {
                    seconds: t.seconds,
                    nanos: t.nanos,
                }),
                ended: info.close_time.map(|t| prost_types::Timestamp {
                    seconds: t.seconds,
                    nanos: t.nanos,
                }),
                page_url: service.page_url(&id),
                temporal_url: service.temporal_url(&id),
                ..Render::default()
            };
            render.set_state(stage_state(
                stage.as_ref().and_then(|s| s.as_str()).unwrap_or(""),
            ));
            Some(render)
        })
        .collect();
    Ok((renders, hex::encode(page.next_page_token)))
}

fn timestamp(time: SystemTime) -> prost_types::Timestamp {
    time.into()
}

/// The JSON that a protobuf `Struct` stands for.
pub(super) fn json(fields: prost_types::Struct) -> serde_json::Value {
    use prost_types::value::Kind;
    fn value(field: prost_types::Value) -> serde_json::Value {
        match field.kind {
            None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
            Some(Kind::BoolValue(value)) => value.into(),
            Some(Kind::NumberValue(value)) => value.into(),
            Some(Kind::StringValue(value)) => value.into(),
            Some(Kind::ListValue(list)) => list.values.into_iter().map(value).collect(),
            Some(Kind::StructValue(fields)) => json(fields),
        }
    }
    fields
        .fields
        .into_iter()
        .map(|(name, field)| (name, value(field)))
        .collect()
}
