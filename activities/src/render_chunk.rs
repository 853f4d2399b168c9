//! Segments of a plan → store: one warm-up session, one probe, then lanes that share the work.

use crate::{Failure, Manifest, PlanKeys, ProbeHabit, WarmupHabit, Workshop, lanes};
use framewright_capture::{CaptureSession, Lane, SessionReport, SessionSpec, Shot};
use framewright_encode::{Encoding, SegmentEncoder, preview_jpeg};
use framewright_film::{Digest, FrameRange};
use framewright_store::{Body, Put, PutMode};
use framewright_workflows::{ChunkOutcome, ChunkSpec, Heartbeat, ProbeSpan};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Instant, SystemTime},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The width of the pictures that the page shows, in pixels.
const PREVIEW_WIDTH: u32 = 640;

/// How far a chunk is. Written by its lanes, read by whoever reports.
#[derive(Debug)]
pub struct ChunkMeter {
    of: u32,
    begun: Instant,
    captured: AtomicU32,
    reused: AtomicU32,
    stored: AtomicU32,
    lanes: AtomicU32,
    /// Milliseconds from the start to the first captured frame; 0 until there is one.
    first_frame: AtomicU64,
    probes: Mutex<Vec<ProbeSpan>>,
    warm: AtomicBool,
}

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
    check_toolchain(workshop, &manifest)?;
    let missing = missing_segments(workshop, &manifest, spec, meter).await?;
    let work = Arc::new(Work {
        workshop: workshop.clone(),
        keys: PlanKeys(spec.plan),
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
    let lanes = lanes::choose(spec.lanes, manifest.size, left, spec.frame_cost);
    if lanes > 0 {
        meter.lanes.store(lanes, Ordering::Relaxed);
        capture(&work, workshop.session(&spec.tenant, &manifest), lanes).await?;
    }

    // Lanes take segments in order and finish what they took, so what is done has no gaps.
    let first_left = work.left().front().map(|(segment, _)| *segment);
    Ok(ChunkOutcome {
        next_segment: first_left.unwrap_or(spec.end_segment),
        rendered: meter.captured.load(Ordering::Relaxed),
        reused: meter.reused.load(Ordering::Relaxed),
        millis: meter.begun.elapsed().as_millis() as u64,
        first_frame_millis: meter.first_frame(),
        lanes: meter.lanes.load(Ordering::Relaxed),
        warm: meter.warm.load(Ordering::Relaxed),
        probes: meter.probes(),
    })
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
            meter.reused.fetch_add(frames.len(), Ordering::Relaxed);
            meter.stored.fetch_add(1, Ordering::Relaxed);
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
            running.spawn(run_lane(work.clone(), session.into_lane()));
            more -= 1;
        }
        WarmupHabit::Discard => session.into_lane().close().await,
    }
    for _ in 0..more {
        let (work, spec) = (work.clone(), spec.clone());
        running.spawn(async move {
            let lane = match habits.probe {
                ProbeHabit::Once => work.workshop.browsers.lane(&spec).await?,
                ProbeHabit::PerLane => open_session(&work, &spec).await?.into_lane(),
            };
            run_lane(work, lane).await
        });
    }
    // A lane that fails ends the others: dropping the set kills their browsers and encoders.
    while let Some(ended) = running.join_next().await {
        ended.map_err(|error| Failure::Lane(error.to_string()))??;
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
    let mut buffer = Vec::new();
    while let Some(frames) = work.take() {
        buffer = render_segment(&work, &mut lane, frames, buffer).await?;
    }
    match work.workshop.habits.warmup {
        WarmupHabit::Keep => work.workshop.browsers.keep(lane).await,
        WarmupHabit::Discard => lane.close().await,
    }
    Ok(())
}

/// One segment: defined state, own encoder, frames in order, stored at once.
async fn render_segment(
    work: &Work,
    lane: &mut Lane,
    frames: FrameRange,
    mut buffer: Vec<u8>,
) -> Result<Vec<u8>, Failure> {
    let Workshop {
        store,
        toolchain,
        scratch,
        ..
    } = &work.workshop;
    let folder = scratch
        .folder("segment")
        .map_err(Failure::scratch("making room for a segment"))?;
    tracing::debug!(%frames, "segment begins");
    let file = folder.path().join("segment.mp4");
    let (mut encoder, ()) = tokio::try_join!(
        async {
            SegmentEncoder::start(&toolchain.ffmpeg, &work.encoding, frames.len(), &file)
                .await
                .map_err(Failure::from)
        },
        async {
            lane.begin_segment(frames.start)
                .await
                .map_err(Failure::from)
        },
    )?;
    let mut preview = None;
    for frame in frames.iter() {
        let next = Some(frame + 1).filter(|&next| next < frames.end);
        match lane.capture(frame, next, &mut buffer).await? {
            Shot::Painted => {
                if preview.is_none() {
                    preview = Some(preview_jpeg(&buffer, work.encoding.size, PREVIEW_WIDTH)?);
                }
                buffer = encoder.frame(buffer).await?;
            }
            Shot::Unchanged => encoder.repeat().await?,
        }
        work.meter.captured();
    }
    encoder.finish().await?;
    if let Some(jpeg) = preview {
        let key = work.keys.preview(frames)?;
        store
            .put(&key, Body::Bytes(jpeg.into()), PutMode::IfAbsent)
            .await?;
    }
    let key = work.keys.segment(frames)?;
    match store.put(&key, Body::File(file), PutMode::IfAbsent).await? {
        Put::Created => tracing::debug!(%frames, "segment is stored"),
        // A worker that was taken for dead, and was not, came first. Its bytes are these.
        Put::AlreadyThere => tracing::info!(%frames, "segment was stored by somebody else"),
    }
    work.meter.stored.fetch_add(1, Ordering::Relaxed);
    Ok(buffer)
}

/// What the lanes of a chunk share.
struct Work {
    workshop: Workshop,
    keys: PlanKeys,
    encoding: Encoding,
    /// In order: a heavy region spreads over all lanes, and no lane idles while work is left.
    left: Mutex<VecDeque<(u32, FrameRange)>>,
    meter: Arc<ChunkMeter>,
    drain: CancellationToken,
}

impl Work {
    fn left(&self) -> std::sync::MutexGuard<'_, VecDeque<(u32, FrameRange)>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<FrameRange> {
        if self.drain.is_cancelled() {
            return None;
        }
        self.left().pop_front().map(|(_, frames)| frames)
    }
}

impl ChunkMeter {
    /// For a chunk of `of` frames that begins now.
    pub fn new(of: u32) -> Arc<Self> {
        Arc::new(Self {
            of,
            begun: Instant::now(),
            captured: AtomicU32::new(0),
            reused: AtomicU32::new(0),
            stored: AtomicU32::new(0),
            lanes: AtomicU32::new(0),
            first_frame: AtomicU64::new(0),
            probes: Mutex::default(),
            warm: AtomicBool::new(false),
        })
    }

    /// For the chunk that `spec` describes.
    ///
    /// # Errors
    /// When the plan is not to be had.
    pub async fn for_chunk(
        workshop: &Workshop,
        plan: Digest,
        spec: &ChunkSpec,
    ) -> Result<Arc<Self>, Failure> {
        let manifest = Manifest::load(&*workshop.store, plan).await?;
        let frames = manifest
            .segments()
            .span(spec.first_segment, spec.end_segment);
        Ok(Self::new(frames.len()))
    }

    fn captured(&self) {
        if self.captured.fetch_add(1, Ordering::Relaxed) == 0 {
            let millis = self.begun.elapsed().as_millis().max(1) as u64;
            self.first_frame.store(millis, Ordering::Relaxed);
        }
    }

    fn first_frame(&self) -> Option<u64> {
        Some(self.first_frame.load(Ordering::Relaxed)).filter(|&millis| millis > 0)
    }

    fn opened(&self, report: &SessionReport) {
        self.warm.store(report.warm, Ordering::Relaxed);
        let (begin, end) = report.probed;
        let unix = |time: SystemTime| {
            let since = time.duration_since(SystemTime::UNIX_EPOCH);
            since.unwrap_or_default().as_millis() as u64
        };
        let span = ProbeSpan {
            begin: unix(begin),
            end: unix(end),
        };
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        probes.push(span);
    }

    fn probes(&self) -> Vec<ProbeSpan> {
        let probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        probes.clone()
    }

    /// As it is now.
    pub fn read(&self) -> Heartbeat {
        let captured = self.captured.load(Ordering::Relaxed);
        let frames_done = captured + self.reused.load(Ordering::Relaxed);
        let rate = f64::from(captured) / self.begun.elapsed().as_secs_f64().max(0.001);
        let doing = match captured {
            0 if frames_done < self.of => "starting",
            _ if frames_done < self.of => "capturing",
            _ => "storing",
        };
        Heartbeat {
            doing: doing.to_owned(),
            frames_done,
            of: self.of,
            segments_stored: self.stored.load(Ordering::Relaxed),
            // People read this as JSON in Temporal's UI.
            fps: (rate * 10.0).round() / 10.0,
            lanes: self.lanes.load(Ordering::Relaxed),
        }
    }
}
