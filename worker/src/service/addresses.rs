//! Addresses at which bytes go in and out without a detour through this service.

use super::{Refusal, Service, output, source};
use framewright_film::{Digest, DigestError};
use framewright_proto::v1::{CreateDownloadResponse, CreateUploadRequest, CreateUploadResponse};
use framewright_store::blob_key;
use framewright_workflows::RenderId;
use std::time::Duration;
use tonic::Code;

/// How long an address is good for.
const GOOD_FOR: Duration = Duration::from_secs(60 * 60);

/// Where a zip file can be put.
pub(super) async fn upload(
    service: &Service,
    request: CreateUploadRequest,
) -> Result<CreateUploadResponse, Refusal> {
    let tenant = match request.tenant.as_str() {
        "" => "default",
        tenant => tenant,
    };
    RenderId::new(tenant, "x")
        .map_err(|_| Refusal::field("tenant", format!("`{tenant}` is not a tenant")))?;
    match request.size_bytes {
        0 => return Err(Refusal::field("size_bytes", "the project is empty")),
        size if size > source::LIMIT => return Err(super::upload::too_large()),
        _ => {}
    }
    let project: Digest = request
        .sha256
        .parse()
        .map_err(|error: DigestError| Refusal::field("sha256", error.to_string()))?;
    let key = source::upload_key(tenant, project)?;
    let size = request.size_bytes;
    let signed = service.store().presigned_put(&key, size, GOOD_FOR).await?;
    let Some(signed) = signed else {
        let message = "the store of this service is a folder, where nothing can be put by HTTP";
        return Err(
            Refusal::new(Code::FailedPrecondition, "FW0541", message).hint("use UploadProject")
        );
    };
    let project_id = project.to_hex();
    if service.store().head(&blob_key(project)).await?.is_some() {
        return Ok(CreateUploadResponse {
            project_id,
            ..CreateUploadResponse::default()
        });
    }
    Ok(CreateUploadResponse {
        project_id,
        url: signed.url,
        method: signed.method,
        headers: signed.headers.into_iter().collect(),
        expires: Some(signed.expires.into()),
    })
}

/// Where the film of a render can be had.
pub(super) async fn download(
    service: &Service,
    id: &RenderId,
) -> Result<CreateDownloadResponse, Refusal> {
    let (key, film) = output::film(service, id).await?;
    let file = format!("{}.mp4", id.request);
    let signed = service.store().presigned_get(&key, &file, GOOD_FOR).await?;
    Ok(match signed {
        Some(signed) => CreateDownloadResponse {
            url: signed.url,
            expires: Some(signed.expires.into()),
            output: Some(film),
        },
        None => CreateDownloadResponse {
            url: format!("{}/film.mp4?download=1", service.page_url(id)),
            expires: None,
            output: Some(film),
        },
    })
}
