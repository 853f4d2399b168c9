//! Chunk arithmetic: how segments are shared out among `render_chunk` activities.

use std::ops::Range;

/// Frames per chunk that are aimed at when nobody asks for a number: long enough that starting a
/// browser is a small part of the work, short enough that a lost chunk is a small loss.
const FRAMES_PER_CHUNK: u32 = 100;

/// How many chunks a film gets: what was asked for, but never more than it has segments.
pub fn count(segments: u32, frames: u32, wanted: Option<u32>) -> u32 {
    wanted
        .unwrap_or_else(|| frames.div_ceil(FRAMES_PER_CHUNK))
        .clamp(1, segments.max(1))
}

/// The segments of chunk `index` of `chunks`, half-open. The chunks cover `segments` once, in
/// order, and differ by one segment at most; the longer ones come first.
pub fn segments_of(index: u32, chunks: u32, segments: u32) -> Range<u32> {
    let (each, longer) = (segments / chunks.max(1), segments % chunks.max(1));
    let start = index * each + index.min(longer);
    start..start + each + u32::from(index < longer)
}

#[cfg(test)]
mod tests {
    use super::{count, segments_of};

    #[test]
    fn chunks_cover_all_segments_once() {
        for segments in 1..40 {
            for wanted in [None, Some(0), Some(1), Some(3), Some(7), Some(1000)] {
                let chunks = count(segments, segments * 30, wanted);
                let mut next = 0;
                for index in 0..chunks {
                    let range = segments_of(index, chunks, segments);
                    assert_eq!(range.start, next);
                    assert!(!range.is_empty(), "no chunk is empty");
                    next = range.end;
                }
                assert_eq!(next, segments);
            }
        }
    }
}
