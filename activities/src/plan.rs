//! Project → plan: everything that is needed is fetched, frozen by digest, opened once and cut.

use crate::{
    Failure, Manifest, ResourceRef, Workshop,
    cost::{self, Care},
};
use framewright_capture::{Lane, ReaderChoice};
use framewright_composition::{CompileOptions, PageBundle, Project};
use framewright_encode::Encoding;
use framewright_film::{Digest, Fps, Quality};
use framewright_store::{get_blob, put_blob};
use framewright_workflows::{CostCurve, Cut, Film, RenderJob, chunks};
use std::time::Duration;
use tracing::{Instrument as _, info_span};

/// What a segment lasts, about and at least.
const SEGMENT_SECONDS: f64 = 2.0;
const LEAST_SEGMENT_SECONDS: f64 = 1.0;
/// A film has so many segments if they last long enough, so that there is something to share.
const ENOUGH_SEGMENTS: u32 = 6;

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
    /// Whether a variable that nothing declares, or of the wrong type, is an error.
    pub strict_variables: bool,
    /// How many chunks; chosen when absent. Not part of the plan.
    pub chunks: Option<u32>,
    /// How many workers wait for chunks, where that is known. Not part of the plan.
    pub workers: Option<u32>,
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
            strict_variables: job.strict_variables,
            chunks: job.chunks,
            workers: None,
        }
    }
}

/// A plan that was published, and the page that was opened to make it.
pub struct Frozen {
    /// What the film's bytes depend on.
    pub manifest: Manifest,
    /// Its digest.
    pub plan: Digest,
    /// In which frames of the film can be captured at once.
    pub lane: Lane,
    /// How long the page took to be ready.
    pub load: Duration,
}

/// Makes the plan of a film, publishes it, and cuts the film into chunks.
///
/// # Errors
/// When the project cannot be rendered, with the culprit's name; when something is not to be had.
pub async fn plan(workshop: &Workshop, request: &FilmRequest) -> Result<Film, Failure> {
    let frozen = freeze(workshop, request).await?;
    let (manifest, plan) = (frozen.manifest.clone(), frozen.plan);
    let care = match count(&manifest, request) {
        1 => Care::Lanes,
        _ => Care::Cut,
    };
    let measuring = cost::known_or_measured(workshop, frozen, care);
    let costs = measuring.instrument(info_span!("measure")).await?;
    Ok(film(&manifest, plan, costs, request))
}

/// As [`plan`], with the costs measured anew, whatever is known of them.
///
/// # Errors
/// As [`plan`]; and when a frame cannot be captured.
pub async fn survey(workshop: &Workshop, request: &FilmRequest) -> Result<Film, Failure> {
    let mut frozen = freeze(workshop, request).await?;
    let costs = cost::measure(&mut frozen, Care::Cut).await?;
    workshop.browsers.keep(frozen.lane).await;
    Ok(film(&frozen.manifest, frozen.plan, costs, request))
}

/// Makes the plan of a film and publishes it: blobs first, the manifest last.
///
/// # Errors
/// As [`plan`].
pub async fn freeze(workshop: &Workshop, request: &FilmRequest) -> Result<Frozen, Failure> {
    let compiling = compile(workshop, request).instrument(info_span!("compile"));
    let bundle = compiling.await?;
    let mut manifest = draft(workshop, request, &bundle).await?;
    let (lane, load) = measure(workshop, &request.tenant, &mut manifest, &bundle).await?;
    let publishing = manifest.publish(&*workshop.store);
    let plan = publishing.instrument(info_span!("publish")).await?;
    Ok(Frozen {
        manifest,
        plan,
        lane,
        load,
    })
}

/// What the workflow needs to know of the film, cut into chunks of equal cost where that is known.
fn film(
    manifest: &Manifest,
    plan: Digest,
    costs: Option<CostCurve>,
    request: &FilmRequest,
) -> Film {
    let segments = manifest.segments();
    let chunks = count(manifest, request);
    let cut = costs.as_ref().and_then(|costs| {
        let each = costs.segments(segments);
        // Lanes fill the cores with either page or shader: their time is what chunks share.
        let cpu: Vec<u64> = each.iter().map(|cost| cost.cpu_us).collect();
        Cut::by_cost(&cpu, chunks)
    });
    Film {
        plan,
        toolchain: manifest.toolchain.clone(),
        composition: manifest.composition.clone(),
        size: manifest.size.even(),
        fps: manifest.fps,
        frames: manifest.frames,
        segment_frames: manifest.segment_frames,
        chunks,
        cut,
        costs,
    }
}

fn count(manifest: &Manifest, request: &FilmRequest) -> u32 {
    let segments = manifest.segments().count();
    chunks::count(segments, manifest.frames, request.chunks, request.workers)
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
        strict: request.strict_variables,
    };
    let bundle = framewright_composition::compile(&project, &options, &workshop.vendor).await?;
    for warning in &bundle.warnings {
        tracing::warn!(composition = bundle.composition.id, "{warning}");
    }
    Ok(bundle)
}

/// The plan but for the number of frames and what follows from it: the page may have to tell.
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
        segment_frames: 1,
        quality: request.quality,
        encoding: encoding.fingerprint(),
        toolchain: workshop.toolchain.fingerprint().to_owned(),
        // The session that the plan opens finds out.
        reader: ReaderChoice::Auto,
        print: String::new(),
        variables: bundle.variables.clone(),
        resources,
    })
}

/// Opens the page as every chunk will: what does not get ready is found here, once, and not by
/// each of the chunks. A page that does not say its duration is asked.
async fn measure(
    workshop: &Workshop,
    tenant: &str,
    manifest: &mut Manifest,
    bundle: &PageBundle,
) -> Result<(Lane, Duration), Failure> {
    let spec = workshop.session(tenant, manifest);
    let session = workshop.browsers.session(spec).await?;
    let report = session.report();
    let (inferred, load) = (report.page.duration, report.durations.load);
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
    manifest.reader = report.reader.choice();
    manifest.print = report.page.print.clone();
    manifest.frames = frames;
    manifest.segment_frames = segment_frames(frames, manifest.fps);
    Ok((session.into_lane(), load))
}

/// Each segment costs a new page and a key frame, so there should be few; each is what a lost
/// worker loses, and what lanes and chunks can share, so there should be many. They last about two
/// seconds, less only where there would not be six, and never less than one; from six on their
/// number is even, so that two lanes come to their end together.
fn segment_frames(frames: u32, fps: Fps) -> u32 {
    let in_seconds = |seconds| fps.frames_in(seconds).unwrap_or(1).max(1);
    let usual = frames.div_ceil(in_seconds(SEGMENT_SECONDS));
    let most = (frames / in_seconds(LEAST_SEGMENT_SECONDS)).max(1);
    let count = usual.next_multiple_of(2).max(ENOUGH_SEGMENTS).min(most);
    frames.div_ceil(count).max(1)
}

#[cfg(test)]
mod tests {
    use super::segment_frames;

    #[test]
    fn segments_last_about_two_seconds() {
        for (fps, frames, expected) in [
            ("30", 20, 20),
            ("30", 60, 30),
            ("30", 89, 45),
            ("30", 90, 30),
            ("30", 180, 30),
            ("30", 300, 50),
            ("30", 660, 55),
            ("30", 900, 57),
            ("30", 216_000, 60),
            ("30000/1001", 900, 57),
            ("12.5", 300, 25),
            ("1/2", 10, 1),
        ] {
            let given = segment_frames(frames, fps.parse().unwrap());
            assert_eq!(given, expected, "{frames} frames at {fps}");
        }
    }
}
