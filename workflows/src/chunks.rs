//! Chunk arithmetic: how segments are shared out among `render_chunk` activities.

use std::ops::Range;

/// Frames of a chunk when it is not known who will take it: long enough that opening a session is
/// a small part of the work.
const USUAL_FRAMES: u32 = 100;
/// More frames than this make a chunk that says little about how far its film is.
const MOST_FRAMES: u32 = 1_800;
/// Chunks for each of several workers: costs are estimates, and a worker that is done early takes
/// another.
const PER_WORKER: u32 = 2;

/// How many chunks a film gets: what was asked for, else by the number of workers that wait for
/// chunks, where that is known; never more than it has segments.
///
/// At the end of a chunk some lanes have nothing left to do while the last one finishes, so one
/// worker gets a film in as few chunks as can be. What was rendered is kept by segments, however
/// long a chunk is.
pub fn count(segments: u32, frames: u32, wanted: Option<u32>, workers: Option<u32>) -> u32 {
    let by_workers = || match workers {
        None | Some(0) => frames.div_ceil(USUAL_FRAMES),
        Some(1) => frames.div_ceil(MOST_FRAMES),
        Some(workers) => frames
            .div_ceil(USUAL_FRAMES)
            .min(workers.saturating_mul(PER_WORKER))
            .max(frames.div_ceil(MOST_FRAMES)),
    };
    wanted.unwrap_or_else(by_workers).clamp(1, segments.max(1))
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
    fn chunks_are_for_those_who_take_them() {
        for (frames, workers, chunks) in [
            (660, None, 7),
            (660, Some(0), 7),
            (660, Some(1), 1),
            (660, Some(2), 4),
            (660, Some(12), 7),
            (54_000, Some(1), 30),
            (54_000, Some(12), 30),
            (54_000, Some(100), 200),
        ] {
            assert_eq!(count(frames, frames, None, workers), chunks, "{workers:?}");
        }
    }

    #[test]
    fn chunks_cover_all_segments_once() {
        for segments in 1..40 {
            for wanted in [None, Some(0), Some(1), Some(3), Some(7), Some(1000)] {
                let chunks = count(segments, segments * 30, wanted, None);
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
