//! Who asks a task queue for work.

use std::{collections::HashSet, sync::Arc, time::Duration};
use temporalio_client::{Client, NamespacedClient as _};
use temporalio_common::protos::temporal::api::{
    enums::v1::TaskQueueType, taskqueue::v1::TaskQueue,
    workflowservice::v1::DescribeTaskQueueRequest,
};
use temporalio_macros::activities;
use temporalio_sdk::{
    ApplicationFailure,
    activities::{ActivityContext, ActivityError},
};
use tonic::IntoRequest as _;

/// A question that a server answers from memory.
const BUDGET: Duration = Duration::from_secs(2);

/// `count_workers`: for whoever runs the workflow code.
pub struct QueueActivities {
    /// The server that the queues are on.
    pub temporal: Client,
}

#[activities]
impl QueueActivities {
    /// Task queue → workers.
    #[activity(name = "count_workers")]
    pub async fn count_workers(
        self: Arc<Self>,
        _ctx: ActivityContext,
        queue: String,
    ) -> Result<u32, ActivityError> {
        count(&self.temporal, &queue).await.ok_or_else(|| {
            ApplicationFailure::builder(anyhow::anyhow!("the task queue cannot be looked at"))
                .type_name("FW0522".to_owned())
                // The workflow looks again, in its own time.
                .non_retryable(true)
                .build()
                .into()
        })
    }
}

/// How many workers have asked `queue` for activities in the last minutes; Temporal forgets one five
/// minutes after its last question. `None` when the server does not answer.
pub async fn count(temporal: &Client, queue: &str) -> Option<u32> {
    let request = DescribeTaskQueueRequest {
        namespace: temporal.namespace(),
        task_queue: Some(TaskQueue {
            name: queue.to_owned(),
            ..TaskQueue::default()
        }),
        task_queue_type: TaskQueueType::Activity.into(),
        ..DescribeTaskQueueRequest::default()
    };
    let connection = temporal.connection();
    let mut service = connection.workflow_service();
    let asked = service.describe_task_queue(request.into_request());
    let described = tokio::time::timeout(BUDGET, asked).await;
    let pollers = described.ok()?.ok()?.into_inner().pollers;
    let workers: HashSet<_> = pollers.into_iter().map(|poller| poller.identity).collect();
    u32::try_from(workers.len()).ok()
}
