//! Where a request says that its project is: uploaded, through us or beside us, or in S3.

use super::{Refusal, Service, allow::Use};
use bytes::Bytes;
use framewright_activities::Failure;
use framewright_composition::{Limits, Project};
use framewright_film::{Digest, DigestError, Fault as _};
use framewright_proto::v1::CreateRenderRequest;
use framewright_store::{FetchLimits, Key, S3Url, StoreError, blob_key, put_blob};
use tonic::Code;

/// The largest archive that is taken, bytes.
pub(super) const LIMIT: u64 = 512 << 20;

/// A project that is yet to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Uploaded.
    Project(Digest),
    /// In S3.
    Url(S3Url),
}

impl Source {
    /// What the request names, if the tenant may.
    pub(super) fn of(
        service: &Service,
        tenant: &str,
        request: &CreateRenderRequest,
    ) -> Result<Self, Refusal> {
        match (request.project_id.as_str(), request.source.as_str()) {
            ("", "") => Err(Refusal::field("project_id", "no project is named")
                .hint("name one by `project_id` or by `source`")),
            (id, "") => {
                let digest = id.parse();
                let wrong = |error: DigestError| Refusal::field("project_id", error.to_string());
                digest.map(Self::Project).map_err(wrong)
            }
            ("", text) => {
                let url = place("source", text)?;
                service.allow().check(tenant, Use::Source, &url)?;
                Ok(Self::Url(url))
            }
            _ => Err(Refusal::field("source", "two projects are named")
                .hint("leave out either `project_id` or `source`")),
        }
    }

    /// Stands for the project where what is asked for is compared: what is in S3 may change, and
    /// the same request must still be the same render.
    pub(super) fn stand_in(&self) -> Digest {
        match self {
            Self::Project(digest) => *digest,
            Self::Url(url) => Digest::of(url.to_string()),
        }
    }

    /// Whether having it costs something.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Url(_))
    }

    /// Brings the project into the store. A folder in S3 and a zip file of it, packed by whomever,
    /// are the same project.
    pub(super) async fn bring(self, service: &Service, tenant: &str) -> Result<Digest, Refusal> {
        let url = match self {
            Self::Url(url) => url,
            Self::Project(digest) => {
                if service.store().head(&blob_key(digest)).await?.is_none() {
                    adopt(service, tenant, digest).await?;
                }
                return Ok(digest);
            }
        };
        // Each of these may be half a gigabyte in memory.
        let _slot = service.fetching().acquire().await;
        let project = if url.is_folder() {
            folder(service, &url).await?
        } else {
            let archive = service.outside().get(&url, LIMIT).await;
            unpack(archive.map_err(|error| refusal("source", error))?).await?
        };
        let packed = tokio::task::spawn_blocking(move || project.pack());
        let packed = packed.await.map_err(Refusal::temporal)?;
        let packed = packed.map_err(|error| Refusal::from(Failure::from(error)))?;
        Ok(put_blob(service.store(), packed.into()).await?)
    }
}

/// An address in S3 in a field of a request.
pub(super) fn place(field: &'static str, text: &str) -> Result<S3Url, Refusal> {
    text.parse().map_err(|error| refusal(field, error))
}

/// Where an upload is until a render asks for it.
pub(super) fn upload_key(tenant: &str, digest: Digest) -> Result<Key, Refusal> {
    Ok(Key::new(format!("uploads/{tenant}/{digest}.zip"))?)
}

/// Makes what was put beside us a project, if it is what was announced.
async fn adopt(service: &Service, tenant: &str, digest: Digest) -> Result<(), Refusal> {
    let key = upload_key(tenant, digest)?;
    let absent = || {
        Refusal::field("project_id", format!("there is no project `{digest}`"))
            .hint("upload it first, with UploadProject or at the URL of CreateUpload")
    };
    let meta = service.store().head(&key).await?.ok_or_else(absent)?;
    if meta.size > LIMIT {
        return Err(super::upload::too_large());
    }
    let _slot = service.fetching().acquire().await;
    let archive = match service.store().get(&key).await {
        // Somebody else has adopted it meanwhile.
        Err(StoreError::NotFound(_)) => return Ok(()),
        got => got?,
    };
    let found = Digest::of(&archive);
    if found != digest {
        let message = format!("what was uploaded as `{digest}` has the SHA-256 `{found}`");
        return Err(Refusal::field("project_id", message).hint("upload it again"));
    }
    put_blob(service.store(), archive).await?;
    // The render does not need it to be gone.
    if let Err(error) = service.store().delete(&key).await {
        tracing::warn!(%error, "an upload that was taken over cannot be removed");
    }
    Ok(())
}

async fn folder(service: &Service, url: &S3Url) -> Result<Project, Refusal> {
    let Limits { bytes, files, .. } = Limits::default();
    let limits = FetchLimits {
        bytes,
        objects: files,
    };
    let outside = service.outside();
    let files = outside.get_folder(url, limits, Project::takes).await;
    let files = files.map_err(|error| refusal("source", error))?;
    Project::from_files(files).map_err(|error| Refusal::from(Failure::from(error)))
}

/// Unpacking is the processor's work, and there may be much of it.
async fn unpack(archive: Bytes) -> Result<Project, Refusal> {
    let unpacking = tokio::task::spawn_blocking(move || Project::from_zip(archive));
    let project = unpacking.await.map_err(Refusal::temporal)?;
    project.map_err(|error| Refusal::from(Failure::from(error)))
}

/// What is wrong with an address that the caller has named may name it.
fn refusal(field: &'static str, error: StoreError) -> Refusal {
    let code = match &error {
        StoreError::BadObject(_) | StoreError::TooLarge { .. } => Code::InvalidArgument,
        StoreError::NoSource(_) => Code::NotFound,
        StoreError::Forbidden(_) => Code::FailedPrecondition,
        _ => return error.into(),
    };
    let refusal = Refusal::new(code, error.code(), error.to_string()).at(field);
    match error.hint() {
        Some(hint) => refusal.hint(hint),
        None => refusal,
    }
}
