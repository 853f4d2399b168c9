//! How long the embedded server remembers.

use std::time::Duration;
use temporalio_client::Client;
use temporalio_common::protos::temporal::api::{
    namespace::v1::NamespaceConfig, workflowservice::v1::UpdateNamespaceRequest,
};
use tonic::IntoRequest as _;

/// Finished renders can be asked for this long: 90 days. The dev server's own idea is one
/// day, after which "the same `request_id` is the same render" would be over.
const RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);

/// Tells the server. A refusal is told and not fatal.
pub(crate) async fn keep_history(client: &Client) {
    let request = UpdateNamespaceRequest {
        namespace: client.options().namespace.clone(),
        config: Some(NamespaceConfig {
            workflow_execution_retention_ttl: RETENTION.try_into().ok(),
            ..NamespaceConfig::default()
        }),
        ..UpdateNamespaceRequest::default()
    };
    let mut workflows = client.connection().workflow_service();
    if let Err(status) = workflows.update_namespace(request.into_request()).await {
        tracing::warn!(code = %status.code(), "finished renders are forgotten after a day");
    }
}
