//! Whether this process can do its work now: Temporal answers, and the store can be reached.

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use framewright_store::{Key, Store};
use std::{future::Future, sync::Arc, time::Duration};
use temporalio_client::{Client, NamespacedClient as _};
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;
use tonic::IntoRequest as _;

/// A probe is asked often and has little patience.
const BUDGET: Duration = Duration::from_secs(2);

/// An object that nobody puts: that it is not there says that the store answers.
const NOTHING: &str = "readiness";

/// What has to answer.
#[derive(Clone)]
pub(crate) struct Readiness {
    pub(crate) temporal: Client,
    pub(crate) store: Arc<dyn Store>,
}

impl Readiness {
    /// For whoever asks whether to send work here.
    pub(crate) async fn answer(&self) -> Response {
        let (temporal, store) = tokio::join!(self.temporal(), self.store());
        if temporal && store {
            return "ready\n".into_response();
        }
        let mut missing = String::new();
        if !temporal {
            missing.push_str("the Temporal server does not answer\n");
        }
        if !store {
            missing.push_str("the store cannot be reached\n");
        }
        (StatusCode::SERVICE_UNAVAILABLE, missing).into_response()
    }

    /// The namespace too: a server that does not have it, or does not let us in, is of no use.
    async fn temporal(&self) -> bool {
        let request = DescribeNamespaceRequest {
            namespace: self.temporal.namespace(),
            ..DescribeNamespaceRequest::default()
        };
        let connection = self.temporal.connection();
        let mut service = connection.workflow_service();
        within(service.describe_namespace(request.into_request())).await
    }

    async fn store(&self) -> bool {
        match Key::new(NOTHING) {
            Ok(key) => within(self.store.head(&key)).await,
            Err(_) => false,
        }
    }
}

async fn within<T, E>(asked: impl Future<Output = Result<T, E>>) -> bool {
    matches!(tokio::time::timeout(BUDGET, asked).await, Ok(Ok(_)))
}
