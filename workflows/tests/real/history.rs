//! What a run leaves in the server.

use framewright_workflows::RenderWorkflow;
use serde_json::Value;
use temporalio_client::WorkflowHistory;
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};

/// The events of one run.
pub(crate) struct Run(pub(crate) Vec<Value>);

impl Run {
    /// How often an activity of this id was scheduled.
    pub(crate) fn scheduled(&self, id: &str) -> usize {
        let events = self.attributes("ActivityTaskScheduledEventAttributes");
        events.filter(|event| event["activity_id"] == id).count()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What the last event is.
    pub(crate) fn end(&self) -> &str {
        let attributes = self.0.last().unwrap()["attributes"].as_object().unwrap();
        attributes
            .keys()
            .next()
            .unwrap()
            .trim_end_matches("EventAttributes")
    }

    /// Bytes of the largest payload: inputs, results, details, memo.
    pub(crate) fn largest_payload(&self) -> usize {
        self.0.iter().map(largest_payload).max().unwrap_or(0)
    }

    pub(crate) fn continued_in(&self) -> Option<String> {
        let mut ends = self.attributes("WorkflowExecutionContinuedAsNewEventAttributes");
        Some(ends.next()?["new_execution_run_id"].as_str()?.to_owned())
    }

    fn attributes<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0
            .iter()
            .filter_map(move |event| event["attributes"].get(kind))
    }
}

fn largest_payload(value: &Value) -> usize {
    match value {
        // Base64 of what a payload holds.
        Value::Object(fields) if fields.contains_key("data") && fields.contains_key("metadata") => {
            fields["data"].as_str().map_or(0, |data| data.len() / 4 * 3)
        }
        Value::Object(fields) => fields.values().map(largest_payload).max().unwrap_or(0),
        Value::Array(values) => values.iter().map(largest_payload).max().unwrap_or(0),
        _ => 0,
    }
}

pub(crate) async fn replay(history: &[u8]) {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<RenderWorkflow>()
        .unwrap()
        .build();
    let history = WorkflowHistory::from_json(history).unwrap();
    let replayer = WorkflowReplayer::new(options).unwrap();
    replayer.replay_workflow(history).await.unwrap();
}
