//! What is known of a render, put together from what the workflow says of itself and what the
//! server says of its pending activities.

mod list;
mod pending;

pub(super) use list::list;

use super::{Refusal, Service};
use framewright_film::FrameRange;
use framewright_proto::v1::{
    Chunk, ChunkState, FailedAttempt, Film, OutputInfo, Pause, Render, RenderError, RenderState,
};
use framewright_workflows::{
    ChunkFailure, CostCurve, Progress, RenderId, RenderOutput, RenderProblem, RenderWorkflow,
    Stage,
    progress::PAUSED,
    queues::{self, PERCENT, STAGE},
};
use pending::{show_notice, show_pending};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use temporalio_client::{
    WorkflowDescribeOptions, WorkflowExecutionDescription, WorkflowExecutionStatus,
    WorkflowGetResultOptions, WorkflowQueryOptions,
    errors::{WorkflowGetResultError, WorkflowInteractionError},
};
use temporalio_common::error::IncomingError;

/// In which a new run has read what it goes on with.
const BETWEEN_RUNS: Duration = Duration::from_millis(250);

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
    let told: Option<u64> = state.memo().get(queues::CREATED).ok().flatten();
    let created = told.map(|millis| UNIX_EPOCH + Duration::from_millis(millis));
    let created = created.or(state.start_time());
    let mut render = Render {
        render_id: id.to_string(),
        created: created.map(timestamp),
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
    // In case the workflow does not answer, as in the moment between two runs.
    let percent = state.search_attributes().get(&PERCENT).unwrap_or(0);
    render.progress = percent as f64 / 100.0;
    let (mut key, mut costs, mut paused) = (None, None, Duration::ZERO);
    // A query needs a live workflow worker, and a closed workflow keeps answering it.
    let ask = async || {
        let options = WorkflowQueryOptions::default();
        handle.query(RenderWorkflow::progress, (), options).await
    };
    let mut progress = ask().await;
    if progress.is_err() && is_later_run(&state) {
        // It has perhaps only just begun, and knows nothing yet.
        tokio::time::sleep(BETWEEN_RUNS).await;
        progress = ask().await;
    }
    match progress {
        Ok(progress) => {
            show_progress(&mut render, &progress);
            paused = Duration::from_millis(progress.paused_millis);
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
            let begun = created.and_then(|created| created.checked_add(paused));
            show_eta(&mut render, begun, costs.as_ref());
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

/// Whether a long render goes on in this run.
fn is_later_run(state: &WorkflowExecutionDescription) -> bool {
    let info = state.raw().workflow_execution_info.as_ref();
    info.is_some_and(|info| info.first_run_id != state.run_id())
}

fn stage_state(stage: &str) -> RenderState {
    match stage {
        "planning" => RenderState::Planning,
        "rendering" => RenderState::Rendering,
        "assembling" => RenderState::Assembling,
        "succeeded" => RenderState::Succeeded,
        "failed" => RenderState::Failed,
        "cancelled" => RenderState::Cancelled,
        PAUSED => RenderState::Paused,
        _ => RenderState::Queued,
    }
}

fn show_progress(render: &mut Render, progress: &Progress) {
    render.set_state(stage_state(progress.word()));
    render.pause = progress.pause.as_ref().map(|pause| Pause {
        reason: pause.reason.clone(),
        since: Some(at(pause.since)),
    });
    render.deadline = progress.deadline.map(at);
    render.failures = progress
        .failures
        .iter()
        .map(|failure| failed_attempt(failure, progress.chunks.len()))
        .collect();
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
        failures: Vec::new(),
    }
}

fn error(problem: &RenderProblem) -> RenderError {
    RenderError {
        code: problem.code.clone(),
        message: problem.message.clone(),
        hint: problem.hint.clone().unwrap_or_default(),
    }
}

fn failed_attempt(failure: &ChunkFailure, chunks: usize) -> FailedAttempt {
    FailedAttempt {
        step: format!("chunk-{}-of-{chunks}", failure.chunk + 1),
        chunk: Some(failure.chunk),
        attempt: failure.failed.attempt,
        code: failure.failed.code.clone(),
        message: failure.failed.message.clone(),
    }
}

/// Milliseconds of Unix time.
fn at(millis: u64) -> prost_types::Timestamp {
    timestamp(UNIX_EPOCH + Duration::from_millis(millis))
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
