//! The gRPC service: requests become workflows, workflows become answers.
//!
//! It keeps no state of its own. What it knows is in Temporal (renders) and in the store
//! (projects, films), so any number of these can run side by side and any of them may die.

mod addresses;
mod allow;
mod create;
mod output;
mod render_service;
mod source;
mod status;
mod steer;
mod upload;
mod view;

use crate::exit::Exit;
use framewright_proto::v1::{Render, render_service_server::RenderServiceServer};
use framewright_store::{S3Outside, Store};
use framewright_workflows::{RenderId, RenderWorkflow};
use std::{path::PathBuf, sync::Arc};
use temporalio_client::{Client, WorkflowHandle};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

pub(crate) use allow::{AllowList, EVERYBODY};
use render_service::Grpc;
pub(crate) use status::Refusal;
pub(crate) use view::is_final;

/// The largest message that is taken: a piece of an upload and its envelope.
const MESSAGE_LIMIT: usize = 8 << 20;

/// Projects that are brought in at the same time.
const FETCHES: usize = 2;

/// Where people and programs find things.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    /// The gRPC server.
    pub(crate) grpc: String,
    /// Our pages.
    pub(crate) web: String,
    /// The Temporal server.
    pub(crate) temporal: String,
    /// Temporal's Web UI, if it is known.
    pub(crate) temporal_ui: Option<String>,
    /// The namespace in it.
    pub(crate) namespace: String,
}

/// What all requests need.
pub(crate) struct Service {
    temporal: Client,
    store: Arc<dyn Store>,
    /// Where uploads are until they are whole.
    uploads: PathBuf,
    addresses: Addresses,
    beyond: Beyond,
    fetching: Semaphore,
}

/// What there is beyond the store, and who may use it.
#[derive(Clone, Debug)]
pub(crate) struct Beyond {
    pub(crate) allow: AllowList,
    pub(crate) outside: S3Outside,
}

type Handle = WorkflowHandle<Client, RenderWorkflow>;

impl Service {
    pub(crate) fn new(
        temporal: Client,
        store: Arc<dyn Store>,
        uploads: PathBuf,
        addresses: Addresses,
        beyond: Beyond,
    ) -> Self {
        Self {
            temporal,
            store,
            uploads,
            addresses,
            beyond,
            fetching: Semaphore::new(FETCHES),
        }
    }

    fn allow(&self) -> &AllowList {
        &self.beyond.allow
    }

    fn outside(&self) -> &S3Outside {
        &self.beyond.outside
    }

    /// A slot for bringing a project in.
    fn fetching(&self) -> &Semaphore {
        &self.fetching
    }

    pub(crate) fn temporal(&self) -> &Client {
        &self.temporal
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The state of a render.
    pub(crate) async fn get(&self, id: &RenderId) -> Result<Render, Refusal> {
        view::render(self, id).await
    }

    /// Renders, those that run first, and where the next page begins.
    pub(crate) async fn list(
        &self,
        tenant: &str,
        page_size: u32,
        page_token: &str,
    ) -> Result<(Vec<Render>, String), Refusal> {
        view::list(self, tenant, page_size, page_token).await
    }

    fn handle(&self, id: &RenderId) -> Handle {
        self.temporal.get_workflow_handle(id.workflow_id())
    }

    fn page_url(&self, id: &RenderId) -> String {
        format!("{}/renders/{id}", self.addresses.web)
    }

    fn temporal_url(&self, id: &RenderId) -> String {
        let Some(ui) = &self.addresses.temporal_ui else {
            return String::new();
        };
        // Temporal's UI takes a workflow id with its slashes escaped.
        let workflow = id.workflow_id().replace('/', "%2F");
        let namespace = &self.addresses.namespace;
        format!("{ui}/namespaces/{namespace}/workflows/{workflow}")
    }

    /// Serves until `stop` trips.
    pub(crate) async fn serve_grpc(
        self: Arc<Self>,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> Result<(), Exit> {
        let failed =
            |error: &dyn std::fmt::Display| Exit::failed(format!("the gRPC server ended: {error}"));
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_serving::<RenderServiceServer<Grpc>>().await;
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(framewright_proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()
            .map_err(|error| failed(&error))?;
        let renders = RenderServiceServer::new(Grpc(self))
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        Server::builder()
            .trace_fn(crate::telemetry::of_request)
            .http2_keepalive_interval(Some(std::time::Duration::from_secs(20)))
            .add_service(health_service)
            .add_service(reflection)
            .add_service(renders)
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.cancelled_owned())
            .await
            .map_err(|error| failed(&error))
    }
}
