//! The short way between client and bucket, where the service knows one.
//!
//! A bucket that the service reaches may be out of reach from here, so whatever fails is no error:
//! the way through the service is always there.

use crate::telemetry::Carried;
use bytes::Bytes;
use framewright_proto::v1::{
    CreateDownloadRequest, CreateUploadRequest, OutputInfo,
    render_service_client::RenderServiceClient,
};
use reqwest::{Method, Response, StatusCode, header::RANGE};
use sha2::{Digest as _, Sha256};
use std::{
    io::{Seek as _, Write as _},
    time::Duration,
};
use tempfile::NamedTempFile;
use tonic::{service::interceptor::InterceptedService, transport::Channel};

/// How long the bucket may take to accept a connection.
const CONNECT_BUDGET: Duration = Duration::from_secs(3);

/// How long it may send nothing.
const READ_BUDGET: Duration = Duration::from_secs(30);

/// How often a download that broke off is taken up again.
const ATTEMPTS: u32 = 5;

type Renders = RenderServiceClient<InterceptedService<Channel, Carried>>;

/// Puts a project into the bucket. Returns its id, or `None` if that is not possible.
pub(super) async fn upload(renders: &mut Renders, archive: Bytes, tenant: &str) -> Option<String> {
    let request = CreateUploadRequest {
        tenant: tenant.to_owned(),
        size_bytes: archive.len() as u64,
        sha256: hex::encode(Sha256::digest(&archive)),
    };
    let leave = renders.create_upload(request).await.ok()?.into_inner();
    if leave.url.is_empty() {
        return Some(leave.project_id);
    }
    let method = Method::from_bytes(leave.method.as_bytes()).ok()?;
    let mut put = http()?.request(method, &leave.url).body(archive);
    for (name, value) in &leave.headers {
        put = put.header(name, value);
    }
    match put.send().await.and_then(Response::error_for_status) {
        Ok(_) => Some(leave.project_id),
        Err(error) => {
            // Its address is a secret.
            let error = error.without_url();
            tracing::debug!(%error, "the bucket cannot be written from here");
            None
        }
    }
}

/// Fetches a film from the bucket into `part`. Says whether it is there, whole and checked; `part`
/// is empty otherwise.
pub(super) async fn download(
    renders: &mut Renders,
    id: &str,
    part: &mut NamedTempFile,
    output: &OutputInfo,
) -> bool {
    let fetched = fetch(renders, id, part, output).await;
    if fetched.is_none() {
        let file = part.as_file_mut();
        // Where that fails, what is written after it will not have its digest.
        let _ = file.set_len(0).and_then(|()| file.rewind());
    }
    fetched.is_some()
}

async fn fetch(
    renders: &mut Renders,
    id: &str,
    part: &mut NamedTempFile,
    output: &OutputInfo,
) -> Option<()> {
    let request = CreateDownloadRequest {
        render_id: id.to_owned(),
    };
    let leave = renders.create_download(request).await.ok()?.into_inner();
    // The service's own pages are no shorter way than its gRPC, and may not be reachable.
    leave.expires?;
    let http = http()?;
    let (mut sha256, mut size) = (Sha256::new(), 0);
    for _ in 0..ATTEMPTS {
        let range = format!("bytes={size}-");
        let got = http.get(&leave.url).header(RANGE, range).send().await;
        let mut answer = match got.and_then(Response::error_for_status) {
            Ok(answer) if answer.status() == StatusCode::PARTIAL_CONTENT => answer,
            Ok(answer) if size == 0 => answer,
            Ok(_) => return None,
            Err(error) => {
                let (never, error) = (size == 0 && error.is_connect(), error.without_url());
                tracing::debug!(%error, "the bucket cannot be read from here");
                if never {
                    return None;
                }
                continue;
            }
        };
        while let Ok(Some(piece)) = answer.chunk().await {
            part.write_all(&piece).ok()?;
            sha256.update(&piece);
            size += piece.len() as u64;
        }
        if size >= output.size_bytes {
            break;
        }
    }
    (hex::encode(sha256.finalize()) == output.sha256).then_some(())
}

fn http() -> Option<reqwest::Client> {
    // Whatever has been chosen before is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(CONNECT_BUDGET)
        .read_timeout(READ_BUDGET)
        .build()
        .ok()
}
