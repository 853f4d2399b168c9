//! Films on their way out.

use super::{Refusal, Service};
use framewright_proto::v1::{DownloadOutputResponse, OutputInfo, RenderState};
use framewright_store::Key;
use framewright_workflows::RenderId;
use tokio::{io::AsyncReadExt as _, sync::mpsc};
use tonic::{Code, Status};

/// Bytes of one message.
const PIECE: usize = 256 << 10;

pub(super) type Pieces = mpsc::Receiver<Result<DownloadOutputResponse, Status>>;

/// The film of a render, from byte `offset` on.
pub(super) async fn download(
    service: &Service,
    id: &RenderId,
    offset: u64,
) -> Result<Pieces, Refusal> {
    let (key, output) = film(service, id).await?;
    if offset > output.size_bytes {
        let message = format!("the film has {} bytes", output.size_bytes);
        return Err(Refusal::field("offset", message));
    }
    let mut bytes = service.store().read(&key, offset..u64::MAX).await?.body;
    let (pieces, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        let mut output = Some(output);
        loop {
            let mut data = vec![0; PIECE];
            let piece = match bytes.read(&mut data).await {
                Ok(0) if output.is_none() => break,
                Ok(read) => {
                    data.truncate(read);
                    let output = output.take();
                    Ok(DownloadOutputResponse { data, output })
                }
                Err(error) => {
                    tracing::warn!(%error, "a film cannot be read");
                    Err(Status::unavailable("the film cannot be read now"))
                }
            };
            let last = piece.is_err();
            if pieces.send(piece).await.is_err() || last {
                break;
            }
        }
    });
    Ok(receiver)
}

/// Where the film of a render is.
pub(crate) async fn film(service: &Service, id: &RenderId) -> Result<(Key, OutputInfo), Refusal> {
    let (render, key) = super::view::render_and_key(service, id).await?;
    match (render.output, key) {
        (Some(output), Some(key)) => Ok((Key::new(key)?, output)),
        _ => {
            let state = RenderState::try_from(render.state).unwrap_or_default();
            let state = state
                .as_str_name()
                .trim_start_matches("RENDER_STATE_")
                .to_lowercase();
            let message = format!("the render `{id}` has no film: it is {state}");
            Err(Refusal::new(Code::FailedPrecondition, "FW0526", message))
        }
    }
}

impl Service {
    /// Where the film of a render is, for whoever serves it by other means than gRPC.
    pub(crate) async fn film(&self, id: &RenderId) -> Result<(Key, OutputInfo), Refusal> {
        film(self, id).await
    }
}
