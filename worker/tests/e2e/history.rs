//! What Temporal remembers of a render.

use crate::harness::Dev;
use std::{collections::BTreeMap, time::Duration};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions};
use temporalio_common::protos::temporal::api::{
    common::v1::WorkflowExecution, history::v1::history_event::Attributes,
    workflowservice::v1::GetWorkflowExecutionHistoryRequest,
};
use tonic::IntoRequest as _;

pub(crate) async fn temporal(dev: &Dev) -> Client {
    let options = ConnectionOptions::new(dev.temporal.parse::<url::Url>().unwrap()).build();
    let connection = Connection::connect(options).await.unwrap();
    Client::new(connection, ClientOptions::new("default").build()).unwrap()
}

/// An activity that ended well.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) kind: String,
    pub(crate) worker: String,
    /// The one that ended well, from 1.
    pub(crate) attempt: i32,
    /// Since the epoch.
    pub(crate) started: Duration,
    pub(crate) ended: Duration,
    /// Its answer, as JSON.
    pub(crate) result: Vec<u8>,
}

pub(crate) async fn steps(dev: &Dev, render_id: &str) -> Vec<Step> {
    let request = GetWorkflowExecutionHistoryRequest {
        namespace: "default".to_owned(),
        execution: Some(WorkflowExecution {
            workflow_id: format!("render/{render_id}"),
            run_id: String::new(),
        }),
        ..GetWorkflowExecutionHistoryRequest::default()
    };
    let client = temporal(dev).await;
    let mut service = client.connection().workflow_service();
    let page = service
        .get_workflow_execution_history(request.into_request())
        .await
        .unwrap()
        .into_inner();
    let mut open = BTreeMap::new();
    let mut steps = Vec::new();
    for event in page.history.unwrap().events {
        let time = event.event_time.unwrap();
        let time = Duration::new(time.seconds as u64, time.nanos as u32);
        match event.attributes.unwrap() {
            Attributes::ActivityTaskScheduledEventAttributes(scheduled) => {
                let kind = scheduled.activity_type.unwrap().name;
                let step = Step {
                    kind,
                    ..Step::default()
                };
                open.insert(event.event_id, step);
            }
            Attributes::ActivityTaskStartedEventAttributes(started) => {
                let step = open.get_mut(&started.scheduled_event_id).unwrap();
                step.worker = started.identity;
                step.attempt = started.attempt;
                step.started = time;
            }
            Attributes::ActivityTaskCompletedEventAttributes(completed) => {
                let mut step = open.remove(&completed.scheduled_event_id).unwrap();
                step.ended = time;
                step.result = completed.result.unwrap().payloads.swap_remove(0).data;
                steps.push(step);
            }
            _ => {}
        }
    }
    steps
}
