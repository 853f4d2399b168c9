//! What can be asked of a render that runs: to stop, to wait, to go on.

use super::{Refusal, Service, view::is_final};
use framewright_workflows::{Pause, RenderId, RenderWorkflow};
use temporalio_client::{
    WorkflowCancelOptions, WorkflowSignalOptions, errors::WorkflowInteractionError,
};
use tonic::Code;

/// Characters of a reason: it is shown to people and kept in history.
const LONGEST_REASON: usize = 200;

/// Asks it to stop. One that has ended is left as it is.
pub(super) async fn cancel(
    service: &Service,
    id: &RenderId,
    reason: String,
) -> Result<(), Refusal> {
    if is_final(service.get(id).await?.state()) {
        return Ok(());
    }
    let reason = match reason.as_str() {
        "" => "cancelled by a client".to_owned(),
        _ => reason,
    };
    let options = WorkflowCancelOptions::builder().reason(reason).build();
    let asked = service.handle(id).cancel(options).await;
    asked.map_err(Refusal::temporal)
}

/// Asks it to begin nothing new.
pub(super) async fn pause(service: &Service, id: &RenderId, reason: String) -> Result<(), Refusal> {
    if reason.chars().count() > LONGEST_REASON {
        let message = format!("it is longer than {LONGEST_REASON} characters");
        return Err(Refusal::field("reason", message));
    }
    let render = service.get(id).await?;
    if is_final(render.state()) {
        return Err(ended(id));
    }
    // Asking again would only make its history longer.
    if render.pause.is_some() {
        return Ok(());
    }
    let pause = Pause { reason, since: 0 };
    let options = WorkflowSignalOptions::default();
    let handle = service.handle(id);
    let asked = handle.signal(RenderWorkflow::pause, pause, options).await;
    asked.map_err(|error| refused(id, error))
}

/// Lets it go on.
pub(super) async fn resume(service: &Service, id: &RenderId) -> Result<(), Refusal> {
    if is_final(service.get(id).await?.state()) {
        return Err(ended(id));
    }
    let options = WorkflowSignalOptions::default();
    let handle = service.handle(id);
    let asked = handle.signal(RenderWorkflow::resume, (), options).await;
    asked.map_err(|error| refused(id, error))
}

/// It may have ended since it was looked at.
fn refused(id: &RenderId, error: WorkflowInteractionError) -> Refusal {
    match error {
        WorkflowInteractionError::NotFound(_) => ended(id),
        error => Refusal::temporal(error),
    }
}

fn ended(id: &RenderId) -> Refusal {
    let message = format!("the render `{id}` has ended");
    Refusal::new(Code::FailedPrecondition, "FW0530", message).hint(
        "ask for the film again under a new `request_id`; what is rendered is not rendered twice",
    )
}
