use crate::{Failure, Manifest, Workshop};
use framewright_capture::SessionReport;
use framewright_film::Digest;
use framewright_workflows::{ChunkOutcome, ChunkSpec, Heartbeat, ProbeSpan};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Instant, SystemTime},
};

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

    /// A frame was captured.
    pub(crate) fn captured(&self) {
        metrics::counter!("framewright_frames_total", "how" => "rendered").increment(1);
        if self.captured.fetch_add(1, Ordering::Relaxed) == 0 {
            let millis = self.begun.elapsed().as_millis().max(1) as u64;
            self.first_frame.store(millis, Ordering::Relaxed);
        }
    }

    /// A segment of `frames` was in the store already.
    pub(crate) fn reused(&self, frames: u32) {
        metrics::counter!("framewright_frames_total", "how" => "reused").increment(frames.into());
        metrics::counter!("framewright_segments_total", "how" => "reused").increment(1);
        self.reused.fetch_add(frames, Ordering::Relaxed);
        self.stored.fetch_add(1, Ordering::Relaxed);
    }

    /// A segment that was captured here is in the store.
    pub(crate) fn stored(&self) {
        metrics::counter!("framewright_segments_total", "how" => "rendered").increment(1);
        self.stored.fetch_add(1, Ordering::Relaxed);
    }

    /// So many pages capture.
    pub(crate) fn lanes(&self, lanes: u32) {
        self.lanes.store(lanes, Ordering::Relaxed);
    }

    /// What became of the chunk, whose segments are in the store up to `next_segment`.
    pub(crate) fn outcome(&self, next_segment: u32) -> ChunkOutcome {
        ChunkOutcome {
            next_segment,
            rendered: self.captured.load(Ordering::Relaxed),
            reused: self.reused.load(Ordering::Relaxed),
            millis: self.begun.elapsed().as_millis() as u64,
            first_frame_millis: self.first_frame(),
            lanes: self.lanes.load(Ordering::Relaxed),
            warm: self.warm.load(Ordering::Relaxed),
            probes: self.probes(),
            attempt: 0,
            failures: Vec::new(),
        }
    }

    fn first_frame(&self) -> Option<u64> {
        Some(self.first_frame.load(Ordering::Relaxed)).filter(|&millis| millis > 0)
    }

    /// The session was opened.
    pub(crate) fn opened(&self, report: &SessionReport) {
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
            failures: Vec::new(),
        }
    }
}
