//! A client of the service: what `framewright render` does, and any program could.

mod direct;
mod progress;

pub(crate) use progress::{Board, Line};

use crate::{
    exit::{Exit, Kind, kind_of},
    telemetry::Carried,
};
use bytes::Bytes;
use framewright_proto::v1::{
    CancelRenderRequest, CreateRenderRequest, CreateRenderResponse, DownloadOutputRequest,
    GetRenderRequest, ListRendersRequest, OutputInfo, PauseRenderRequest, Render, RenderState,
    ResumeRenderRequest, UploadProjectRequest, WatchRenderRequest,
    render_service_client::RenderServiceClient,
};
use sha2::{Digest as _, Sha256};
use std::{io::Write as _, path::Path, time::Duration};
use tonic::{
    Code, Status,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

/// Bytes of one message of an upload.
const PIECE: usize = 256 << 10;

/// How long a server may take to accept a connection.
const CONNECT_BUDGET: Duration = Duration::from_secs(5);

/// Times that a broken watch or download is taken up again. The service may be restarted under a
/// render that goes on.
const PATIENCE: u32 = 20;

/// A connection to a service.
#[derive(Clone)]
pub(crate) struct Client {
    renders: RenderServiceClient<InterceptedService<Channel, Carried>>,
    address: String,
}

impl Client {
    /// Connects; `Err` says that nothing answers there.
    pub(crate) async fn connect(address: &str) -> Result<Self, Exit> {
        let url = if address.contains("://") {
            address.to_owned()
        } else {
            format!("http://{address}")
        };
        let endpoint = Endpoint::from_shared(url.clone())
            .map_err(|error| {
                Exit::input(format!(
                    "`{address}` is not an address of a service: {error}"
                ))
            })?
            .connect_timeout(CONNECT_BUDGET)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_while_idle(true);
        let channel = endpoint.connect().await.map_err(|_| {
            Exit::unreachable(format!("no service answers at `{url}`"))
                .hint("start one with `framewright dev`, or leave `--server` away to have one run for the duration")
        })?;
        Ok(Self {
            renders: RenderServiceClient::with_interceptor(channel, Carried)
                .max_decoding_message_size(8 << 20),
            address: url,
        })
    }

    /// Uploads a packed project and returns its id: straight into the bucket where the service has
    /// one that can be reached from here, else through the service. The id is the same.
    pub(crate) async fn upload(&mut self, archive: Vec<u8>, tenant: &str) -> Result<String, Exit> {
        let archive = Bytes::from(archive);
        if let Some(id) = direct::upload(&mut self.renders, archive.clone(), tenant).await {
            return Ok(id);
        }
        self.upload_through(&archive).await
    }

    async fn upload_through(&mut self, archive: &[u8]) -> Result<String, Exit> {
        let pieces: Vec<_> = archive
            .chunks(PIECE)
            .map(|data| UploadProjectRequest {
                data: data.to_vec(),
            })
            .collect();
        let uploaded = self
            .renders
            .upload_project(tokio_stream::iter(pieces))
            .await;
        Ok(uploaded
            .map_err(|status| self.exit(&status))?
            .into_inner()
            .project_id)
    }

    #[tracing::instrument(skip_all, fields(otel.name = "create_render", otel.kind = "client"))]
    pub(crate) async fn create(
        &mut self,
        request: CreateRenderRequest,
    ) -> Result<CreateRenderResponse, Exit> {
        let created = self.renders.create_render(request).await;
        Ok(created.map_err(|status| self.exit(&status))?.into_inner())
    }

    /// Watches until the state is final.
    pub(crate) async fn watch(
        &mut self,
        id: &str,
        mut see: impl FnMut(&Render),
    ) -> Result<Render, Exit> {
        let mut misses = 0;
        let mut last = None;
        loop {
            let request = WatchRenderRequest {
                render_id: id.to_owned(),
            };
            let broke = match self.renders.watch_render(request).await {
                Err(status) => Some(status),
                Ok(changes) => {
                    let mut changes = changes.into_inner();
                    loop {
                        match changes.message().await {
                            Ok(Some(render)) => {
                                misses = 0;
                                see(&render);
                                last = Some(render);
                            }
                            Ok(None) => break None,
                            Err(status) => break Some(status),
                        }
                    }
                }
            };
            match (broke, &last) {
                (None, Some(render)) if crate::service::is_final(render.state()) => {
                    return Ok(render.clone());
                }
                (Some(status), _) if !passes(&status) => return Err(self.exit(&status)),
                (status, _) => {
                    misses += 1;
                    if misses > PATIENCE {
                        return Err(Exit::unreachable(format!(
                            "the service at `{}` went away: {}",
                            self.address,
                            status.map_or_else(|| "the watch ended early".to_owned(), |s| s.message().to_owned()),
                        ))
                        .hint(format!("the render `{id}` goes on when the service is back; run the same command with `--request-id` to attach to it")));
                    }
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }

    /// How a render is at this moment.
    pub(crate) async fn get(&mut self, id: &str) -> Result<Render, Exit> {
        let request = GetRenderRequest {
            render_id: id.to_owned(),
        };
        let render = self.renders.get_render(request).await;
        Ok(render.map_err(|status| self.exit(&status))?.into_inner())
    }

    /// Renders, at most `limit`.
    pub(crate) async fn list(&mut self, tenant: &str, limit: u32) -> Result<Vec<Render>, Exit> {
        let request = ListRendersRequest {
            tenant: tenant.to_owned(),
            page_size: limit,
            page_token: String::new(),
        };
        let page = self.renders.list_renders(request).await;
        Ok(page
            .map_err(|status| self.exit(&status))?
            .into_inner()
            .renders)
    }

    pub(crate) async fn pause(&mut self, id: &str, reason: &str) -> Result<(), Exit> {
        let request = PauseRenderRequest {
            render_id: id.to_owned(),
            reason: reason.to_owned(),
        };
        let asked = self.renders.pause_render(request).await;
        asked.map(drop).map_err(|status| self.exit(&status))
    }

    pub(crate) async fn resume(&mut self, id: &str) -> Result<(), Exit> {
        let request = ResumeRenderRequest {
            render_id: id.to_owned(),
        };
        let asked = self.renders.resume_render(request).await;
        asked.map(drop).map_err(|status| self.exit(&status))
    }

    pub(crate) async fn cancel(&mut self, id: &str, reason: &str) -> Result<(), Exit> {
        let request = CancelRenderRequest {
            render_id: id.to_owned(),
            reason: reason.to_owned(),
        };
        self.renders
            .cancel_render(request)
            .await
            .map_err(|status| self.exit(&status))?;
        Ok(())
    }

    /// Writes the film to `file`, which appears whole and checked or not at all.
    pub(crate) async fn download(
        &mut self,
        id: &str,
        file: &Path,
        output: &OutputInfo,
    ) -> Result<(), Exit> {
        let cannot = |error: std::io::Error| {
            Exit::machine(format!("`{}` cannot be written: {error}", file.display()))
        };
        let mut part = part_beside(file)?;
        if direct::download(&mut self.renders, id, &mut part, output).await {
            part.persist(file).map_err(|error| cannot(error.error))?;
            return Ok(());
        }
        let (mut sha256, mut size, mut misses) = (Sha256::new(), 0, 0);
        while size < output.size_bytes {
            let request = DownloadOutputRequest {
                render_id: id.to_owned(),
                offset: size,
            };
            let broke = match self.renders.download_output(request).await {
                Err(status) => status,
                Ok(pieces) => {
                    let mut pieces = pieces.into_inner();
                    loop {
                        match pieces.message().await {
                            Ok(Some(piece)) => {
                                part.write_all(&piece.data).map_err(cannot)?;
                                sha256.update(&piece.data);
                                size += piece.data.len() as u64;
                                misses = 0;
                            }
                            Ok(None) => break Status::unavailable("the film ended early"),
                            Err(status) => break status,
                        }
                    }
                }
            };
            if size < output.size_bytes {
                misses += 1;
                if misses > PATIENCE || !passes(&broke) {
                    return Err(self.exit(&broke));
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
        if hex::encode(sha256.finalize()) != output.sha256 {
            return Err(
                Exit::failed("the film was damaged on its way").hint("run the same command again")
            );
        }
        part.persist(file).map_err(|error| cannot(error.error))?;
        Ok(())
    }

    /// What a refusal means to whoever runs the command.
    fn exit(&self, status: &Status) -> Exit {
        let details = status.get_error_details();
        let info = details.error_info();
        let code = info.map_or("", |info| info.reason.as_str());
        let kind = match status.code() {
            Code::Unavailable => Kind::Unreachable,
            Code::InvalidArgument | Code::AlreadyExists | Code::NotFound => match kind_of(code) {
                Kind::Machine => Kind::Machine,
                _ => Kind::Input,
            },
            _ => kind_of(code),
        };
        let mut exit = Exit::new(kind, status.message());
        if let Some(info) = info {
            exit = exit.reason(info.reason.clone());
            if let Some(hint) = info.metadata.get("hint") {
                exit = exit.hint(hint.clone());
            }
        }
        exit
    }
}

/// An empty file in the folder of `file`, which may have to be made.
pub(crate) fn part_beside(file: &Path) -> Result<tempfile::NamedTempFile, Exit> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let cannot = |error: std::io::Error| {
        Exit::machine(format!("`{}` cannot be written: {error}", file.display()))
            .hint("name another file")
    };
    if file.is_dir() {
        return Err(
            Exit::input(format!("`{}` is a folder", file.display())).hint("name a file in it")
        );
    }
    std::fs::create_dir_all(folder).map_err(cannot)?;
    // As any file that a program writes, and not only for our eyes.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    tempfile::Builder::new()
        .prefix(".framewright-")
        .permissions(mode)
        .tempfile_in(folder)
        .map_err(cannot)
}

/// Whether a break is likely to pass.
fn passes(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable
            | Code::Unknown
            | Code::Internal
            | Code::Cancelled
            | Code::DeadlineExceeded
    )
}

/// The state as a word.
pub(crate) fn state_word(state: RenderState) -> String {
    state
        .as_str_name()
        .trim_start_matches("RENDER_STATE_")
        .to_lowercase()
}
