//! One segment: captured from a defined state, encoded by an encoder of its own, stored at once.

use crate::{Failure, Workshop, render_chunk::Work, spans};
use framewright_capture::{Lane, Rows, Shot};
use framewright_encode::{Converter, I420, SegmentEncoder, preview_jpeg};
use framewright_film::FrameRange;
use framewright_store::{Body, Put, PutMode};
use std::{path::PathBuf, time::Instant};
use tempfile::TempDir;
use tracing::{Instrument as _, Span, field::Empty};

/// The width of the pictures that the page shows, in pixels.
const PREVIEW_WIDTH: u32 = 640;

/// A segment whose frames are all with the encoder.
pub(crate) struct Captured {
    frames: FrameRange,
    encoder: SegmentEncoder,
    preview: Vec<u8>,
    file: PathBuf,
    /// From the encoder's start to its end.
    encoding: Span,
    _folder: TempDir,
}

/// Rows of the page become rows of the film as they are read.
struct Picture {
    converter: Converter,
    i420: I420,
}

/// The span of one segment, from its page to the store. Segments count from 1, frames from 0.
pub(crate) fn span(index: u32, frames: FrameRange) -> Span {
    tracing::info_span!(
        "segment",
        segment = index + 1,
        first_frame = frames.start,
        frames = frames.len(),
        ms_per_frame = Empty,
    )
}

/// Captures `frames`. Nothing of them is on disk: the encoder has them, frame by frame.
pub(crate) async fn capture(
    work: &Work,
    lane: &mut Lane,
    frames: FrameRange,
) -> Result<Captured, Failure> {
    let Workshop {
        toolchain, scratch, ..
    } = &work.workshop;
    let folder = scratch
        .folder("segment")
        .map_err(Failure::scratch("making room for a segment"))?;
    tracing::debug!(%frames, "segment begins");
    let file = folder.path().join("segment.mp4");
    let encoding = tracing::info_span!("encode", frames = frames.len());
    let capturing = tracing::info_span!("capture", frames = frames.len(), ms_per_frame = Empty);
    let begun = Instant::now();
    let (mut encoder, ()) = tokio::try_join!(
        async {
            SegmentEncoder::start(
                &toolchain.programs.ffmpeg,
                &work.encoding,
                frames.len(),
                &file,
            )
            .instrument(encoding.clone())
            .await
            .map_err(Failure::from)
        },
        async {
            lane.begin_segment(frames.start)
                .instrument(capturing.clone())
                .await
                .map_err(Failure::from)
        },
    )?;
    let preview = take(work, lane, frames, &mut encoder)
        .instrument(capturing.clone())
        .await?;
    let each = spans::ms_per_frame(begun, frames.len());
    capturing.record("ms_per_frame", each);
    Span::current().record("ms_per_frame", each);
    Ok(Captured {
        frames,
        encoder,
        preview,
        file,
        encoding,
        _folder: folder,
    })
}

/// Hands all frames to the encoder; returns a small picture of the first.
async fn take(
    work: &Work,
    lane: &mut Lane,
    frames: FrameRange,
    encoder: &mut SegmentEncoder,
) -> Result<Vec<u8>, Failure> {
    let mut picture = Picture {
        converter: Converter::new(work.encoding.size),
        i420: I420::new(work.encoding.size.even()),
    };
    let mut preview = Vec::new();
    let seconds =
        |shot: &'static str| metrics::histogram!("framewright_frame_seconds", "shot" => shot);
    let (painted, unchanged) = (seconds("painted"), seconds("unchanged"));
    for frame in frames.iter() {
        let clock = Instant::now();
        let next = Some(frame + 1).filter(|&next| next < frames.end);
        let seconds = match lane.capture(frame, next, &mut picture).await? {
            Shot::Painted => {
                if preview.is_empty() {
                    preview = preview_jpeg(&picture.i420, PREVIEW_WIDTH)?;
                }
                picture.i420 = encoder.frame(picture.i420).await?;
                &painted
            }
            Shot::Unchanged => {
                encoder.repeat().await?;
                &unchanged
            }
        };
        seconds.record(clock.elapsed());
        work.meter.captured();
    }
    Ok(preview)
}

/// Waits for the encoder and puts the segment where a retry, another worker and the film find it.
pub(crate) async fn store(work: &Work, captured: Captured) -> Result<(), Failure> {
    let Captured {
        frames,
        encoder,
        preview,
        file,
        encoding,
        _folder,
    } = captured;
    encoder.finish().instrument(encoding).await?;
    let publishing = async {
        let store = &work.workshop.store;
        let key = work.keys.preview(frames)?;
        store
            .put(&key, Body::Bytes(preview.into()), PutMode::IfAbsent)
            .await?;
        let key = work.keys.segment(frames)?;
        let put = store.put(&key, Body::File(file), PutMode::IfAbsent);
        Ok::<_, Failure>(put.await?)
    };
    match publishing
        .instrument(tracing::info_span!("publish"))
        .await?
    {
        Put::Created => tracing::debug!(%frames, "segment is stored"),
        // By a worker that was taken for dead and was not, or by ourselves, when S3's answer was lost.
        // Either way its bytes are these.
        Put::AlreadyThere => tracing::info!(%frames, "segment was there already"),
    }
    work.meter.stored();
    Ok(())
}

impl Rows for Picture {
    fn rows(&mut self, first: u32, bgra: &[u8]) {
        self.converter.rows(first, bgra, &mut self.i420);
    }
}
