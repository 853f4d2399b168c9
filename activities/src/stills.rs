//! Single frames as pictures, by the path that the film's frames take.

use crate::{
    Failure, Workshop,
    plan::{self, FilmRequest, Frozen},
};
use framewright_capture::Shot;
use framewright_film::FrameSize;
use std::collections::BTreeSet;

/// One frame.
#[derive(Debug)]
pub struct Still {
    /// Its number.
    pub frame: u32,
    /// Its size in pixels.
    pub size: FrameSize,
    /// BGRA, rows without padding.
    pub bgra: Vec<u8>,
}

/// Captures `frames` of a project's film and hands each to `take`, rising.
///
/// A frame is reached from the start of its segment, as in a film, so that it has the film's
/// pixels to the last bit.
///
/// # Errors
/// When a frame is beyond the end, and as [`plan::plan`] and the capture room.
pub async fn stills(
    workshop: &Workshop,
    request: &FilmRequest,
    frames: &[u32],
    mut take: impl FnMut(Still) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Frozen {
        manifest, mut lane, ..
    } = plan::freeze(workshop, request).await?;
    let wanted: BTreeSet<u32> = frames.iter().copied().collect();
    if let Some(&frame) = wanted.iter().find(|&&frame| frame >= manifest.frames) {
        let frames = manifest.frames;
        return Err(Failure::NoSuchFrame { frame, frames });
    }
    let mut buffer = Vec::new();
    let mut next = None;
    for &frame in &wanted {
        let start = frame - frame % manifest.segment_frames;
        let from = match next {
            Some(next) if next > start => next,
            _ => {
                lane.begin_segment(start).await?;
                start
            }
        };
        for passed in from..=frame {
            // Without damage the buffer already holds the frame.
            let _: Shot = lane.capture(passed, None, &mut buffer).await?;
        }
        next = Some(frame + 1);
        let (size, bgra) = (manifest.size, buffer.clone());
        take(Still { frame, size, bgra })?;
    }
    lane.close().await;
    Ok(())
}
