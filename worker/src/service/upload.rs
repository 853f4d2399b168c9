//! Projects on their way in.

use super::{Refusal, Service, source::LIMIT};
use framewright_film::Digest;
use framewright_proto::v1::{UploadProjectRequest, UploadProjectResponse};
use framewright_store::put_blob_file;
use std::io::Write as _;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Code, Status};

/// Takes an archive piece by piece into a file beside the store, never into memory.
pub(super) async fn upload(
    service: &Service,
    mut pieces: impl Stream<Item = Result<UploadProjectRequest, Status>> + Unpin,
) -> Result<UploadProjectResponse, Status> {
    let broken = |error: std::io::Error| {
        tracing::warn!(%error, "an upload cannot be kept");
        Status::from(Refusal::new(
            Code::Unavailable,
            "FW0523",
            "the upload cannot be kept now",
        ))
    };
    let mut file = tempfile::NamedTempFile::new_in(&service.uploads).map_err(broken)?;
    let mut size = 0;
    while let Some(piece) = pieces.next().await {
        let data = piece?.data;
        size += data.len() as u64;
        if size > LIMIT {
            return Err(too_large().into());
        }
        file.write_all(&data).map_err(broken)?;
    }
    if size == 0 {
        return Err(Refusal::field("data", "the project is empty").into());
    }
    file.flush().map_err(broken)?;
    let digest: Digest = put_blob_file(service.store(), file.path())
        .await
        .map_err(Refusal::from)?;
    Ok(UploadProjectResponse {
        project_id: digest.to_hex(),
        size_bytes: size,
    })
}

pub(super) fn too_large() -> Refusal {
    let message = format!("the project is larger than {} MiB", LIMIT >> 20);
    Refusal::new(Code::InvalidArgument, "FW0524", message)
        .hint("leave out what the composition does not use, such as `node_modules`")
}
