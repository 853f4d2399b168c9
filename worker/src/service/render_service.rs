//! `framewright.render.v1.RenderService`, each method in a line or a few.

use super::{Refusal, Service, addresses, create, output, steer, upload, view::is_final};
use framewright_proto::v1::{
    CancelRenderRequest, CancelRenderResponse, CreateDownloadRequest, CreateDownloadResponse,
    CreateRenderRequest, CreateRenderResponse, CreateUploadRequest, CreateUploadResponse,
    DownloadOutputRequest, DownloadOutputResponse, GetRenderRequest, ListRendersRequest,
    ListRendersResponse, PauseRenderRequest, PauseRenderResponse, Render, ResumeRenderRequest,
    ResumeRenderResponse, UploadProjectRequest, UploadProjectResponse, WatchRenderRequest,
    render_service_server::RenderService,
};
use framewright_workflows::RenderId;
use std::{ops::Deref, pin::Pin, sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};

/// How often a watched render is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Looks that may fail in a row before a watch gives up: half a minute of a server that is away.
const PATIENCE: u32 = 60;

/// The service as tonic wants it: a type of ours that is cheap to clone.
#[derive(Clone)]
pub(super) struct Grpc(pub(super) Arc<Service>);

impl Deref for Grpc {
    type Target = Arc<Service>;

    fn deref(&self) -> &Arc<Service> {
        &self.0
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl RenderService for Grpc {
    type WatchRenderStream = Answers<Render>;
    type DownloadOutputStream = Answers<DownloadOutputResponse>;

    async fn upload_project(
        &self,
        request: Request<Streaming<UploadProjectRequest>>,
    ) -> Result<Response<UploadProjectResponse>, Status> {
        upload::upload(self, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn create_upload(
        &self,
        request: Request<CreateUploadRequest>,
    ) -> Result<Response<CreateUploadResponse>, Status> {
        let created = addresses::upload(self, request.into_inner()).await?;
        Ok(Response::new(created))
    }

    async fn create_download(
        &self,
        request: Request<CreateDownloadRequest>,
    ) -> Result<Response<CreateDownloadResponse>, Status> {
        let id = parse(&request.get_ref().render_id)?;
        Ok(Response::new(addresses::download(self, &id).await?))
    }

    #[tracing::instrument(name = "create_render", skip_all, fields(request_id = request.get_ref().request_id))]
    async fn create_render(
        &self,
        request: Request<CreateRenderRequest>,
    ) -> Result<Response<CreateRenderResponse>, Status> {
        let created = create::create(self, request.into_inner()).await?;
        Ok(Response::new(created))
    }

    async fn get_render(
        &self,
        request: Request<GetRenderRequest>,
    ) -> Result<Response<Render>, Status> {
        let id = parse(&request.get_ref().render_id)?;
        Ok(Response::new(self.get(&id).await?))
    }

    async fn list_renders(
        &self,
        request: Request<ListRendersRequest>,
    ) -> Result<Response<ListRendersResponse>, Status> {
        let asked = request.into_inner();
        let (renders, next_page_token) = self
            .list(&asked.tenant, asked.page_size, &asked.page_token)
            .await?;
        Ok(Response::new(ListRendersResponse {
            renders,
            next_page_token,
        }))
    }

    async fn watch_render(
        &self,
        request: Request<WatchRenderRequest>,
    ) -> Result<Response<Self::WatchRenderStream>, Status> {
        let id = parse(&request.get_ref().render_id)?;
        let first = self.get(&id).await?;
        let (changes, receiver) = mpsc::channel(4);
        tokio::spawn(watch(self.0.clone(), id, first, changes));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn cancel_render(
        &self,
        request: Request<CancelRenderRequest>,
    ) -> Result<Response<CancelRenderResponse>, Status> {
        let CancelRenderRequest { render_id, reason } = request.into_inner();
        let id = parse(&render_id)?;
        steer::cancel(self, &id, reason).await?;
        Ok(Response::new(CancelRenderResponse {}))
    }

    async fn pause_render(
        &self,
        request: Request<PauseRenderRequest>,
    ) -> Result<Response<PauseRenderResponse>, Status> {
        let PauseRenderRequest { render_id, reason } = request.into_inner();
        steer::pause(self, &parse(&render_id)?, reason).await?;
        Ok(Response::new(PauseRenderResponse {}))
    }

    async fn resume_render(
        &self,
        request: Request<ResumeRenderRequest>,
    ) -> Result<Response<ResumeRenderResponse>, Status> {
        steer::resume(self, &parse(&request.get_ref().render_id)?).await?;
        Ok(Response::new(ResumeRenderResponse {}))
    }

    async fn download_output(
        &self,
        request: Request<DownloadOutputRequest>,
    ) -> Result<Response<Self::DownloadOutputStream>, Status> {
        let DownloadOutputRequest { render_id, offset } = request.into_inner();
        let id = parse(&render_id)?;
        let pieces = output::download(self, &id, offset).await?;
        Ok(Response::new(Box::pin(ReceiverStream::new(pieces))))
    }
}

async fn watch(
    service: Arc<Service>,
    id: RenderId,
    first: Render,
    changes: mpsc::Sender<Result<Render, Status>>,
) {
    let (mut last, mut misses) = (None, 0);
    let mut render = first;
    loop {
        if last.as_ref() != Some(&render) {
            let ended = is_final(render.state());
            last = Some(render.clone());
            if changes.send(Ok(render)).await.is_err() || ended {
                return;
            }
        }
        render = loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = changes.closed() => return,
            }
            match service.get(&id).await {
                Ok(render) => {
                    misses = 0;
                    break render;
                }
                Err(refusal) => {
                    misses += 1;
                    if misses > PATIENCE {
                        let _ = changes.send(Err(refusal.into())).await;
                        return;
                    }
                }
            }
        };
    }
}

fn parse(id: &str) -> Result<RenderId, Refusal> {
    id.parse()
        .map_err(|error: framewright_workflows::RenderIdError| {
            Refusal::field("render_id", error.to_string())
        })
}
