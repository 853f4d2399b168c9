//! `framewright status` and `list`: how renders are.

use super::{print_json, print_text};
use crate::{
    cli::{ListArgs, StatusArgs},
    client::{Client, state_word},
    exit::Exit,
};
use framewright_proto::v1::{ChunkState, Render};
use std::time::{Duration, SystemTime};

/// `framewright status`.
pub(crate) async fn status(args: StatusArgs) -> Result<(), Exit> {
    let mut client = Client::connect(&args.service.server).await?;
    show(&client.get(&render_id(&args.id)).await?, args.service.json);
    Ok(())
}

/// `framewright list`.
pub(crate) async fn list(args: ListArgs) -> Result<(), Exit> {
    let mut client = Client::connect(&args.service.server).await?;
    for render in client.list(&args.tenant, args.limit).await? {
        match args.service.json {
            true => print_json(&json(&render)),
            false => print_text(&format!("{}\n", line(&render))),
        }
    }
    Ok(())
}

/// The tenant may be left away.
pub(super) fn render_id(text: &str) -> String {
    match text.contains('/') {
        true => text.to_owned(),
        false => format!("default/{text}"),
    }
}

pub(super) fn show(render: &Render, as_json: bool) {
    match as_json {
        true => print_json(&json(render)),
        false => print_text(&text(render)),
    }
}

fn line(render: &Render) -> String {
    let created = time(render.created.as_ref()).unwrap_or_default();
    let state = state_word(render.state());
    let percent = percent(render);
    format!(
        "{created:<20}  {state:<10}  {percent:>3} %  {}",
        render.render_id
    )
}

fn text(render: &Render) -> String {
    let mut rows = vec![
        ("render", render.render_id.clone()),
        (
            "state",
            format!("{}, {} %", state_word(render.state()), percent(render)),
        ),
    ];
    if let Some(film) = &render.film {
        let of = |state| {
            render
                .chunks
                .iter()
                .filter(|chunk| chunk.state() == state)
                .count()
        };
        rows.push((
            "frames",
            format!("{} of {}", frames_done(render), film.frames),
        ));
        rows.push((
            "chunks",
            format!(
                "{}: {} done, {} running",
                render.chunks.len(),
                of(ChunkState::Done),
                of(ChunkState::Running)
            ),
        ));
    }
    if let Some(pause) = &render.pause {
        let since = time(pause.since.as_ref()).unwrap_or_default();
        let why = match pause.reason.as_str() {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        rows.push(("paused", format!("since {since}{why}")));
    }
    if let Some(waiting) = &render.waiting {
        rows.push((
            "waiting",
            format!("{}, for a worker of `{}`", waiting.step, waiting.task_queue),
        ));
    }
    rows.extend(time(render.created.as_ref()).map(|time| ("created", time)));
    rows.extend(time(render.deadline.as_ref()).map(|time| ("deadline", time)));
    rows.extend(time(render.ended.as_ref()).map(|time| ("ended", time)));
    for failed in &render.failures {
        rows.push((
            "failed",
            format!(
                "{}, attempt {}: {} {}",
                failed.step, failed.attempt, failed.code, failed.message
            ),
        ));
    }
    if let Some(error) = &render.error {
        rows.push(("error", format!("{} {}", error.code, error.message)));
        if !error.hint.is_empty() {
            rows.push(("hint", error.hint.clone()));
        }
    }
    if !render.notice.is_empty() {
        rows.push(("notice", render.notice.clone()));
    }
    rows.push(("page", render.page_url.clone()));
    let rows = rows
        .iter()
        .map(|(name, value)| format!("{name:<9} {value}\n"));
    rows.collect()
}

fn json(render: &Render) -> serde_json::Value {
    let seconds = |time: Option<prost_types::Duration>| {
        let time = time.and_then(|time| Duration::try_from(time).ok());
        time.map(|time| time.as_secs_f64())
    };
    serde_json::json!({
        "render_id": render.render_id,
        "state": state_word(render.state()),
        "progress": render.progress,
        "frames_done": frames_done(render),
        "frames": render.film.as_ref().map(|film| film.frames),
        "plan_id": render.film.as_ref().map(|film| &film.plan_id),
        "eta_seconds": seconds(render.eta),
        "pause": render.pause.as_ref().map(|pause| serde_json::json!({
            "reason": pause.reason,
            "since": time(pause.since.as_ref()),
        })),
        "waiting": render.waiting.as_ref().map(|waiting| serde_json::json!({
            "step": waiting.step,
            "task_queue": waiting.task_queue,
            "toolchain": waiting.toolchain,
            "since": time(waiting.since.as_ref()),
        })),
        "created": time(render.created.as_ref()),
        "deadline": time(render.deadline.as_ref()),
        "ended": time(render.ended.as_ref()),
        "chunks": render.chunks.iter().map(|chunk| serde_json::json!({
            "chunk": chunk.index,
            "state": chunk.state().as_str_name().trim_start_matches("CHUNK_STATE_").to_lowercase(),
            "frames": [chunk.start_frame, chunk.end_frame],
            "frames_done": chunk.frames_done,
            "attempt": chunk.attempt,
            "worker": chunk.worker,
        })).collect::<Vec<_>>(),
        "failures": render.failures.iter().map(|failed| serde_json::json!({
            "step": failed.step,
            "chunk": failed.chunk,
            "attempt": failed.attempt,
            "code": failed.code,
            "message": failed.message,
        })).collect::<Vec<_>>(),
        "error": render.error.as_ref().map(|error| serde_json::json!({
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
        })),
        "sha256": render.output.as_ref().map(|output| &output.sha256),
        "notice": render.notice,
        "page_url": render.page_url,
        "temporal_url": render.temporal_url,
    })
}

fn frames_done(render: &Render) -> u32 {
    render.chunks.iter().map(|chunk| chunk.frames_done).sum()
}

fn percent(render: &Render) -> u32 {
    (render.progress.clamp(0.0, 1.0) * 100.0 + 1e-9) as u32
}

/// `2026-11-24T19:30:00Z`
fn time(at: Option<&prost_types::Timestamp>) -> Option<String> {
    let at = SystemTime::try_from(*at?).ok()?;
    Some(humantime::format_rfc3339_seconds(at).to_string())
}
