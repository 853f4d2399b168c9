//! Segments of a plan → store: one warm-up session, one probe, then lanes that share the work.

use crate::{
    ChunkMeter, Failure, Manifest, PlanKeys, ProbeHabit, WarmupHabit, Workshop, assemble, lanes,
    segment, spans,
};
use framewright_capture::{CaptureSession, Lane, SessionSpec};
use framewright_encode::Encoding;
use framewright_film::FrameRange;
use framewright_workflows::{ChunkOutcome, ChunkSpec};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span, field::Empty};

/// Renders the segments of `spec` that are not in the store yet, and stores each as soon as it is
/// finished: that is where a retry goes on.
///
/// When `drain` trips, the segments in hand are finished and the outcome says how far it came.
/// When the future is dropped, its browsers and encoders are killed.
///
/// # Errors
/// What a room says; segments that were finished stay.
pub async fn render_chunk(
    workshop: &Workshop,
    spec: &ChunkSpec,
    meter: &Arc<ChunkMeter>,
    drain: &CancellationToken,
) -> Result<ChunkOutcome, Failure> {
    let manifest = Manifest::load(&*workshop.store, spec.plan).await?;
    let keys = PlanKeys(spec.plan);
    let segments = spec.first_segment..spec.end_segment;
    // Cleaning up takes the segments of films that are whole.
    let first = manifest.segments().range(segments.start);
    if workshop.store.head(&keys.segment(first)?).await?.is_none()
        && assemble::published(workshop, keys).await?.is_some()
    {
        for segment in segments {
            meter.reused(manifest.segments().range(segment).len());
        }
        return Ok(meter.outcome(spec.end_segment));
    }
    check_toolchain(workshop, &manifest)?;
    let missing = missing_segments(workshop, &manifest, spec, meter).await?;
    let work = Arc::new(Work {
        workshop: workshop.clone(),
        keys,
        encoding: Encoding {
            size: manifest.size,
            fps: manifest.fps,
            quality: manifest.quality,
        },
        left: Mutex::new(missing),
        meter: meter.clone(),
        drain: drain.clone(),
    });
    let left = work.left().len();
    let lanes = lanes::choose(spec.lanes, manifest.size, left, spec.lane_cost);
    Span::current().record("lanes", lanes);
    if lanes > 0 {
        meter.lanes(lanes);
        capture(&work, workshop.session(&spec.tenant, &manifest), lanes).await?;
    }

    // Lanes take segments in order and finish what they took, so what is done has no gaps.
    let first_left = work.left().front().map(|(segment, _)| *segment);
    let outcome = meter.outcome(first_left.unwrap_or(spec.end_segment));
    Span::current().record("frames", outcome.rendered);
    Span::current().record("frames_reused", outcome.reused);
    Ok(outcome)
}

fn check_toolchain(workshop: &Workshop, manifest: &Manifest) -> Result<(), Failure> {
    let have = workshop.toolchain.fingerprint();
    if manifest.toolchain == have {
        return Ok(());
    }
    Err(Failure::Toolchain {
        wanted: manifest.toolchain.clone(),
        have: have.to_owned(),
    })
}

async fn missing_segments(
    workshop: &Workshop,
    manifest: &Manifest,
    spec: &ChunkSpec,
    meter: &ChunkMeter,
) -> Result<VecDeque<(u32, FrameRange)>, Failure> {
    let mut missing = VecDeque::new();
    for segment in spec.first_segment..spec.end_segment {
        let frames = manifest.segments().range(segment);
        let key = PlanKeys(spec.plan).segment(frames)?;
        if workshop.store.head(&key).await?.is_some() {
            meter.reused(frames.len());
        } else {
            missing.push_back((segment, frames));
        }
    }
    Ok(missing)
}

/// The session is the first lane; the others start while it already captures, and never probe.
async fn capture(work: &Arc<Work>, spec: SessionSpec, lanes: u32) -> Result<(), Failure> {
    let habits = work.workshop.habits;
    let mut running = JoinSet::new();
    let session = open_session(work, &spec).await?;
    let mut more = lanes;
    match habits.warmup {
        WarmupHabit::Keep => {
            let first = run_lane(work.clone(), session.into_lane());
            running.spawn(first.instrument(lane_span(1)));
            more -= 1;
        }
        WarmupHabit::Discard => session.into_lane().close().await,
    }
    for number in lanes - more + 1..=lanes {
        let (work, spec) = (work.clone(), spec.clone());
        let lane = async move {
            let lane = match habits.probe {
                ProbeHabit::Once => work.workshop.browsers.lane(&spec).await?,
                ProbeHabit::PerLane => open_session(&work, &spec).await?.into_lane(),
            };
            run_lane(work, lane).await
        };
        running.spawn(lane.instrument(lane_span(number)));
    }
    // A lane that fails ends the others: dropping the set kills their browsers and encoders.
    while let Some(ended) = running.join_next().await {
        joined(Some(ended))?;
    }
    Ok(())
}

async fn open_session(work: &Work, spec: &SessionSpec) -> Result<CaptureSession, Failure> {
    let browsers = &work.workshop.browsers;
    let session = match work.workshop.habits.warmup {
        WarmupHabit::Keep => browsers.session(spec.clone()).await?,
        WarmupHabit::Discard => CaptureSession::open(spec.clone()).await?,
    };
    work.meter.opened(session.report());
    Ok(session)
}

async fn run_lane(work: Arc<Work>, mut lane: Lane) -> Result<(), Failure> {
    // While a segment is encoded to its end and stored, the next one is captured. One behind is
    // enough: an encoder that cannot follow holds its lane back.
    let mut behind = JoinSet::new();
    let (begun, mut done) = (Instant::now(), 0);
    while let Some((index, frames)) = work.take() {
        lane = lane.renewed().await?;
        let span = segment::span(index, frames);
        let capturing = segment::capture(&work, &mut lane, frames);
        let captured = capturing.instrument(span.clone()).await?;
        done += frames.len();
        joined(behind.join_next().await)?;
        let work = work.clone();
        behind.spawn(async move { segment::store(&work, captured).await }.instrument(span));
    }
    Span::current().record("frames", done);
    Span::current().record("ms_per_frame", spans::ms_per_frame(begun, done));
    match work.workshop.habits.warmup {
        WarmupHabit::Keep => work.workshop.browsers.keep(lane).await,
        WarmupHabit::Discard => lane.close().await,
    }
    joined(behind.join_next().await)
}

fn lane_span(number: u32) -> Span {
    tracing::info_span!("lane", lane = number, frames = Empty, ms_per_frame = Empty)
}

/// How a task ended, if there was one.
fn joined(ended: Option<Result<Result<(), Failure>, JoinError>>) -> Result<(), Failure> {
    match ended {
        None => Ok(()),
        Some(ended) => ended.map_err(|error| Failure::Lane(error.to_string()))?,
    }
}

/// What the lanes of a chunk share.
pub(crate) struct Work {
    pub(crate) workshop: Workshop,
    pub(crate) keys: PlanKeys,
    pub(crate) encoding: Encoding,
    /// In order: a heavy region spreads over all lanes, and no lane idles while work is left.
    left: Mutex<VecDeque<(u32, FrameRange)>>,
    pub(crate) meter: Arc<ChunkMeter>,
    drain: CancellationToken,
}

impl Work {
    fn left(&self) -> std::sync::MutexGuard<'_, VecDeque<(u32, FrameRange)>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<(u32, FrameRange)> {
        if self.drain.is_cancelled() {
            return None;
        }
        self.left().pop_front()
    }
}
