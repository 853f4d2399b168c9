//! How renders end, counted where their workflows do.

use temporalio_sdk::{
    WorkflowTermination,
    workflow_interceptors::{
        ExecuteWorkflowInput, ExecuteWorkflowResult, WorkflowInterceptor,
        WorkflowInterceptorConstructor, WorkflowInterceptorContext, WorkflowInterceptorFuture,
        WorkflowNext,
    },
};

/// For a worker that runs the workflow code. It only looks: workflows take no notice of it.
pub(crate) fn count_outcomes() -> WorkflowInterceptorConstructor {
    WorkflowInterceptorConstructor::new(|_| Outcomes)
}

struct Outcomes;

impl WorkflowInterceptor for Outcomes {
    fn execute<'a>(
        &'a self,
        ctx: WorkflowInterceptorContext,
        input: ExecuteWorkflowInput,
        next: WorkflowNext<
            'a,
            ExecuteWorkflowInput,
            WorkflowInterceptorFuture<'a, ExecuteWorkflowResult>,
        >,
    ) -> WorkflowInterceptorFuture<'a, ExecuteWorkflowResult> {
        WorkflowInterceptorFuture::new(async move {
            let ended = next.run(input).await;
            let outcome = match &ended {
                Ok(_) => Some("succeeded"),
                Err(WorkflowTermination::Cancelled { .. }) => Some("cancelled"),
                Err(WorkflowTermination::Failed(_)) => Some("failed"),
                // It goes on, here or in another run.
                Err(_) => None,
            };
            if let Some(outcome) = outcome
                && !ctx.is_replaying_history_events()
            {
                metrics::counter!("framewright_renders_total", "outcome" => outcome).increment(1);
            }
            ended
        })
    }
}
