//! What a render's history tells of its steps.

use super::numbers::seconds;
use crate::exit::Exit;
use framewright_workflows::{
    ChunkOutcome, ChunkSpec, ProbeSpan, RenderId, RenderWorkflow,
    steps::{Assemble, Plan, RenderChunk},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::HashMap, time::SystemTime};
use temporalio_client::{Client, WorkflowFetchHistoryOptions};
use temporalio_common::protos::temporal::api::{
    common::v1::Payloads,
    history::v1::{HistoryEvent, history_event::Attributes},
};

/// The steps of one render.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Steps {
    /// When the film was there.
    #[serde(skip)]
    pub(super) ended: Option<SystemTime>,
    /// From asking for the plan to having it.
    pub(super) plan_seconds: f64,
    /// The same for the film's assembly.
    pub(super) assemble_seconds: f64,
    pub(super) chunks: Vec<Chunk>,
}

/// One `render_chunk` activity.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Chunk {
    /// From 0. Two activities have the same if a worker drained.
    pub(super) index: u32,
    /// The worker's name.
    pub(super) worker: String,
    /// From 1. Of a chunk that was tried again, only the last attempt is told of.
    pub(super) attempt: i32,
    /// From being asked for to a worker's taking it: others were before it.
    pub(super) queued_seconds: f64,
    /// From the start of the activity to its end, by the worker.
    pub(super) seconds: f64,
    /// From the start of the activity to its first captured frame: what a chunk costs whatever
    /// its length.
    pub(super) first_frame_seconds: Option<f64>,
    pub(super) frames: u32,
    /// Frames that were in the store. Any would mean that the measurement is void.
    pub(super) reused: u32,
    pub(super) lanes: u32,
    /// Whether the browser had served a chunk before.
    pub(super) warm: bool,
    pub(super) probes: Vec<ProbeSpan>,
}

/// An activity whose end has not been seen yet.
struct Open {
    name: String,
    input: Option<Payloads>,
    scheduled: SystemTime,
    /// When, by whom, and which attempt.
    started: Option<(SystemTime, String, i32)>,
}

/// Reads the history of a render that has ended.
pub(super) async fn steps(temporal: &Client, render: &RenderId) -> Result<Steps, Exit> {
    let handle = temporal.get_workflow_handle::<RenderWorkflow>(render.workflow_id());
    let events = handle
        .fetch_history(WorkflowFetchHistoryOptions::default())
        .into_events()
        .await
        .map_err(|error| Exit::failed(format!("the history of `{render}`: {error}")))?;
    let mut open = HashMap::new();
    let mut steps = Steps::default();
    for event in events {
        steps.see(&mut open, event)?;
    }
    steps.chunks.sort_by_key(|chunk| chunk.index);
    Ok(steps)
}

impl Steps {
    fn see(&mut self, open: &mut HashMap<i64, Open>, event: HistoryEvent) -> Result<(), Exit> {
        let time = event
            .event_time
            .and_then(|time| SystemTime::try_from(time).ok())
            .unwrap_or(SystemTime::UNIX_EPOCH);
        match event.attributes {
            Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => {
                let activity = Open {
                    name: scheduled.activity_type.unwrap_or_default().name,
                    input: scheduled.input,
                    scheduled: time,
                    started: None,
                };
                open.insert(event.event_id, activity);
            }
            Some(Attributes::ActivityTaskStartedEventAttributes(started)) => {
                if let Some(activity) = open.get_mut(&started.scheduled_event_id) {
                    activity.started = Some((time, started.identity, started.attempt));
                }
            }
            Some(Attributes::ActivityTaskCompletedEventAttributes(completed)) => {
                if let Some(activity) = open.remove(&completed.scheduled_event_id) {
                    self.activity_ended(activity, time, completed.result)?;
                }
            }
            Some(Attributes::WorkflowExecutionCompletedEventAttributes(_)) => {
                self.ended = Some(time);
            }
            _ => {}
        }
        Ok(())
    }

    fn activity_ended(
        &mut self,
        activity: Open,
        end: SystemTime,
        result: Option<Payloads>,
    ) -> Result<(), Exit> {
        match activity.name.as_str() {
            Plan::NAME => self.plan_seconds += between(activity.scheduled, end),
            Assemble::NAME => self.assemble_seconds += between(activity.scheduled, end),
            RenderChunk::NAME => {
                let spec: ChunkSpec = decode(activity.input)?;
                let outcome: ChunkOutcome = decode(result)?;
                let (started, worker, attempt) =
                    activity.started.unwrap_or((end, String::new(), 0));
                self.chunks.push(Chunk {
                    index: spec.index,
                    worker,
                    attempt,
                    queued_seconds: between(activity.scheduled, started),
                    seconds: outcome.millis as f64 / 1000.0,
                    first_frame_seconds: outcome.first_frame_millis.map(|ms| ms as f64 / 1000.0),
                    frames: outcome.rendered,
                    reused: outcome.reused,
                    lanes: outcome.lanes,
                    warm: outcome.warm,
                    probes: outcome.probes,
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// The one argument, or the result, of an activity of ours: the SDK writes them as JSON.
fn decode<T: DeserializeOwned>(payloads: Option<Payloads>) -> Result<T, Exit> {
    let payload = payloads.and_then(|payloads| payloads.payloads.into_iter().next());
    serde_json::from_slice(&payload.unwrap_or_default().data)
        .map_err(|error| Exit::failed(format!("a chunk in the history is not understood: {error}")))
}

fn between(from: SystemTime, to: SystemTime) -> f64 {
    seconds(to.duration_since(from).unwrap_or_default())
}
