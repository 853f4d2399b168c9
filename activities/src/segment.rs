//! One segment: captured from a defined state, encoded by an encoder of its own, stored at once.

use crate::{Failure, Workshop, render_chunk::Work};
use framewright_capture::{Lane, Rows, Shot};
use framewright_encode::{Converter, I420, SegmentEncoder, preview_jpeg};
use framewright_film::FrameRange;
use framewright_store::{Body, Put, PutMode};
use std::path::PathBuf;
use tempfile::TempDir;

/// The width of the pictures that the page shows, in pixels.
const PREVIEW_WIDTH: u32 = 640;

/// A segment whose frames are all with the encoder.
pub(crate) struct Captured {
    frames: FrameRange,
    encoder: SegmentEncoder,
    preview: Vec<u8>,
    file: PathBuf,
    _folder: TempDir,
}

/// Rows of the page become rows of the film as they are read.
struct Picture {
    converter: Converter,
    i420: I420,
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
    let (mut encoder, ()) = tokio::try_join!(
        async {
            SegmentEncoder::start(
                &toolchain.programs.ffmpeg,
                &work.encoding,
                frames.len(),
                &file,
            )
            .await
            .map_err(Failure::from)
        },
        async {
            lane.begin_segment(frames.start)
                .await
                .map_err(Failure::from)
        },
    )?;
    let mut picture = Picture {
        converter: Converter::new(work.encoding.size),
        i420: I420::new(work.encoding.size.even()),
    };
    let mut preview = Vec::new();
    for frame in frames.iter() {
        let next = Some(frame + 1).filter(|&next| next < frames.end);
        match lane.capture(frame, next, &mut picture).await? {
            Shot::Painted => {
                if preview.is_empty() {
                    preview = preview_jpeg(&picture.i420, PREVIEW_WIDTH)?;
                }
                picture.i420 = encoder.frame(picture.i420).await?;
            }
            Shot::Unchanged => encoder.repeat().await?,
        }
        work.meter.captured();
    }
    Ok(Captured {
        frames,
        encoder,
        preview,
        file,
        _folder: folder,
    })
}

/// Waits for the encoder and puts the segment where a retry, another worker and the film find it.
pub(crate) async fn store(work: &Work, captured: Captured) -> Result<(), Failure> {
    let Captured {
        frames,
        encoder,
        preview,
        file,
        _folder,
    } = captured;
    let store = &work.workshop.store;
    encoder.finish().await?;
    let key = work.keys.preview(frames)?;
    store
        .put(&key, Body::Bytes(preview.into()), PutMode::IfAbsent)
        .await?;
    let key = work.keys.segment(frames)?;
    match store.put(&key, Body::File(file), PutMode::IfAbsent).await? {
        Put::Created => tracing::debug!(%frames, "segment is stored"),
        // A worker that was taken for dead, and was not, came first. Its bytes are these.
        Put::AlreadyThere => tracing::info!(%frames, "segment was stored by somebody else"),
    }
    work.meter.stored();
    Ok(())
}

impl Rows for Picture {
    fn rows(&mut self, first: u32, bgra: &[u8]) {
        self.converter.rows(first, bgra, &mut self.i420);
    }
}
