//! Which renders are open, and what they may use.

use crate::{
    cli::GcArgs,
    data::Data,
    exit::Exit,
    telemetry::Telemetry,
    temporal::{self, DevServer, Given, Ports},
};
use framewright_film::Digest;
use prost::Message as _;
use std::collections::BTreeSet;
use temporalio_client::Client;
use temporalio_common::protos::temporal::api::{
    common::v1::WorkflowExecution,
    workflowservice::v1::{GetWorkflowExecutionHistoryRequest, ListWorkflowExecutionsRequest},
};
use tonic::IntoRequest as _;

/// Digits of a digest.
const DIGITS: usize = 64;

/// What Temporal says.
#[derive(Debug, Default)]
pub(super) struct OpenRenders {
    pub(super) count: usize,
    /// Every digest in their histories: projects, variables, plans.
    pub(super) mentioned: BTreeSet<Digest>,
}

/// Asks the server that was named, or that serves the data folder; where none does, one is started
/// on its database for the question.
pub(super) async fn ask(
    args: &GcArgs,
    data: &Data,
    telemetry: &Telemetry,
) -> Result<OpenRenders, Exit> {
    if let Some(server) = temporal::given(&args.temporal)? {
        return ask_server(&server, telemetry).await;
    }
    let lock = match data.lock() {
        Ok(lock) => lock,
        Err(locked) => {
            let Some(server) = data
                .served_by()
                .and_then(|address| Given::at(&address).ok())
            else {
                return Err(locked);
            };
            return ask_server(&server, telemetry).await;
        }
    };
    if !data.temporal_database().exists() {
        if args.place.store.is_some() {
            return Err(Exit::input("it is not known which Temporal server uses this store")
                .reason("FW0542")
                .hint("name it with `--temporal-address`, so that nothing is removed that a render needs"));
        }
        // Nothing has ever been submitted here.
        return Ok(OpenRenders::default());
    }
    let mut server = DevServer::start(data, Ports::choose(Some(0))?).await?;
    server.wait_until_it_answers(data).await?;
    let asked = ask_server(&Given::local(server.ports.grpc)?, telemetry).await;
    server.stop().await;
    drop(lock);
    asked
}

async fn ask_server(server: &Given, telemetry: &Telemetry) -> Result<OpenRenders, Exit> {
    let identity = format!("framewright-gc/{}", std::process::id());
    let client = temporal::connect(server, &identity, telemetry).await?;
    let mut open = OpenRenders::default();
    for render in executions(&client).await? {
        open.count += 1;
        let mentioned = digests_of(&client, &render).await?;
        // A render's input has the digest of its project.
        if mentioned.is_empty() {
            let message = format!(
                "what the render `{}` uses cannot be read",
                render.workflow_id
            );
            return Err(Exit::failed(message)
                .hint("wait until it has ended; where payloads are encrypted, clean up while no render is open"));
        }
        open.mentioned.extend(mentioned);
    }
    Ok(open)
}

async fn executions(client: &Client) -> Result<Vec<WorkflowExecution>, Exit> {
    let mut found = Vec::new();
    let mut next_page_token = Vec::new();
    loop {
        let request = ListWorkflowExecutionsRequest {
            namespace: client.options().namespace.clone(),
            page_size: 500,
            next_page_token,
            query: "WorkflowType = 'Render' AND ExecutionStatus = 'Running'".to_owned(),
        };
        let mut service = client.connection().workflow_service();
        let page = service
            .list_workflow_executions(request.into_request())
            .await;
        let page = page.map_err(refused)?.into_inner();
        let executions = page.executions.into_iter();
        found.extend(executions.filter_map(|info| info.execution));
        next_page_token = page.next_page_token;
        if next_page_token.is_empty() {
            return Ok(found);
        }
    }
}

async fn digests_of(client: &Client, render: &WorkflowExecution) -> Result<BTreeSet<Digest>, Exit> {
    let mut found = BTreeSet::new();
    let mut next_page_token = Vec::new();
    loop {
        let request = GetWorkflowExecutionHistoryRequest {
            namespace: client.options().namespace.clone(),
            execution: Some(render.clone()),
            next_page_token,
            ..GetWorkflowExecutionHistoryRequest::default()
        };
        let mut service = client.connection().workflow_service();
        let page = service
            .get_workflow_execution_history(request.into_request())
            .await;
        let page = match page {
            Ok(page) => page.into_inner(),
            // It has ended and is forgotten since it was listed.
            Err(status) if status.code() == tonic::Code::NotFound => return Ok(found),
            Err(status) => return Err(refused(status)),
        };
        if let Some(history) = page.history {
            // Payloads are JSON and stand in the message as they are.
            found.extend(digests(&history.encode_to_vec()));
        }
        next_page_token = page.next_page_token;
        if next_page_token.is_empty() {
            return Ok(found);
        }
    }
}

/// Whatever looks like a digest.
fn digests(bytes: &[u8]) -> impl Iterator<Item = Digest> {
    bytes
        .split(|byte| !byte.is_ascii_hexdigit())
        .filter(|run| run.len() == DIGITS)
        .filter_map(|run| std::str::from_utf8(run).ok()?.parse().ok())
}

fn refused(status: tonic::Status) -> Exit {
    Exit::unreachable(format!(
        "Temporal does not say which renders are open: {}",
        status.message()
    ))
    .reason("FW0542")
}

#[cfg(test)]
mod tests {
    use super::digests;
    use framewright_film::Digest;

    #[test]
    fn digests_are_found_in_whatever_surrounds_them() {
        let (plan, project) = (Digest::of("plan"), Digest::of("project"));
        let bytes = format!(
            "\u{1}{{\"plan\":\"{plan}\",\"key\":\"plans/{plan}/film.mp4\"}}\0\"{project}\"abc"
        );
        let found: Vec<_> = digests(bytes.as_bytes()).collect();
        assert_eq!(found, [plan, plan, project]);
    }
}
