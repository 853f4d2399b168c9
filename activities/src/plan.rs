//! Project → plan: everything that is needed is fetched, frozen by digest, opened once and cut.

use crate::{Failure, Manifest, ResourceRef, Workshop};
use framewright_composition::{CompileOptions, PageBundle, Project};
use framewright_encode::Encoding;
use framewright_film::{Digest, Fps, Quality};
use framewright_store::{get_blob, put_blob};
use framewright_workflows::{Film, RenderJob, chunks};

/// One second: a lost segment is a small loss, and lanes find enough of them to share.
const SEGMENT_SECONDS: f64 = 1.0;

/// Twelve hours at 30 frames per second.
const MOST_FRAMES: u32 = 1_296_000;

/// What a film is made from.
#[derive(Clone, Debug)]
pub struct FilmRequest {
    /// Whose film it is.
    pub tenant: String,
    /// The project's archive, a blob in the store.
    pub project: Digest,
    /// The composition's HTML file; the project's `index.html` when absent.
    pub entry: Option<String>,
    /// The composition's own rate when absent.
    pub fps: Option<Fps>,
    /// How close to the frames the film shall be.
    pub quality: Quality,
    /// Values of the composition's variables, a blob in the store.
    pub variables: Option<Digest>,
    /// How many chunks; chosen when absent. Not part of the plan.
    pub chunks: Option<u32>,
}

impl From<RenderJob> for FilmRequest {
    fn from(job: RenderJob) -> Self {
        Self {
            tenant: job.id.tenant,
            project: job.project,
            entry: job.entry,
            fps: job.fps,
            quality: job.quality,
            variables: job.variables,
            chunks: job.chunks,
        }
    }
}

/// Makes the plan of a film and publishes it: blobs first, the manifest last.
///
/// # Errors
/// When the project cannot be rendered, with the culprit's name; when something is not to be had.
pub async fn plan(workshop: &Workshop, request: &FilmRequest) -> Result<Film, Failure> {
    let bundle = compile(workshop, request).await?;
    let mut manifest = draft(workshop, request, &bundle).await?;
    manifest.frames = measure(workshop, &request.tenant, &manifest, &bundle).await?;
    let plan = manifest.publish(&*workshop.store).await?;

    let segments = manifest.segments();
    Ok(Film {
        plan,
        toolchain: manifest.toolchain,
        composition: manifest.composition,
        size: manifest.size.even(),
        fps: manifest.fps,
        frames: manifest.frames,
        segment_frames: manifest.segment_frames,
        chunks: chunks::count(segments.count(), manifest.frames, request.chunks),
    })
}

async fn compile(workshop: &Workshop, request: &FilmRequest) -> Result<PageBundle, Failure> {
    let archive = get_blob(&*workshop.store, request.project).await?;
    let variables = match request.variables {
        None => serde_json::Map::new(),
        Some(digest) => {
            let bytes = get_blob(&*workshop.store, digest).await?;
            serde_json::from_slice(&bytes).map_err(Failure::Variables)?
        }
    };
    let project = Project::from_zip(archive)?;
    let options = CompileOptions {
        entry: request.entry.clone(),
        variables,
    };
    let bundle = framewright_composition::compile(&project, &options, &workshop.vendor).await?;
    for warning in &bundle.warnings {
        tracing::warn!(composition = bundle.composition.id, "{warning}");
    }
    Ok(bundle)
}

/// The plan but for the number of frames, which the page may have to tell.
async fn draft(
    workshop: &Workshop,
    request: &FilmRequest,
    bundle: &PageBundle,
) -> Result<Manifest, Failure> {
    let mut resources = std::collections::BTreeMap::new();
    for (url, resource) in &bundle.resources {
        let digest = put_blob(&*workshop.store, resource.bytes.clone()).await?;
        let content_type = resource.content_type.clone();
        resources.insert(
            url.clone(),
            ResourceRef {
                digest,
                content_type,
            },
        );
    }
    let composition = &bundle.composition;
    let fps = request.fps.or(composition.fps).unwrap_or(Fps::DEFAULT);
    let encoding = Encoding {
        size: composition.size,
        fps,
        quality: request.quality,
    };
    Ok(Manifest {
        version: Manifest::VERSION,
        composition: composition.id.clone(),
        entry: bundle.entry.clone(),
        size: composition.size,
        fps,
        frames: 0,
        segment_frames: fps.frames_in(SEGMENT_SECONDS).unwrap_or(1),
        quality: request.quality,
        encoding: encoding.fingerprint(),
        toolchain: workshop.toolchain.fingerprint().to_owned(),
        variables: bundle.variables.clone(),
        resources,
    })
}

/// Opens the page as every chunk will: what does not get ready is found here, once, and not by
/// each of the chunks. A page that does not say its duration is asked.
async fn measure(
    workshop: &Workshop,
    tenant: &str,
    manifest: &Manifest,
    bundle: &PageBundle,
) -> Result<u32, Failure> {
    let spec = workshop.session(tenant, manifest);
    let session = workshop.browsers.session(spec).await?;
    let inferred = session.report().page.duration;
    workshop.browsers.keep(session.into_lane()).await;
    let seconds = bundle
        .composition
        .duration
        .or(inferred)
        .ok_or(Failure::NoDuration)?;
    let frames = manifest.fps.frames_in(seconds).ok_or(Failure::NoDuration)?;
    if frames > MOST_FRAMES {
        return Err(Failure::TooLong {
            frames: frames.into(),
            max: MOST_FRAMES,
        });
    }
    Ok(frames)
}
