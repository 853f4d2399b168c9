use serde::{Deserialize, Serialize};
use std::fmt;

/// Consecutive frames, half-open: `start <= i < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FrameRange {
    /// The first frame.
    pub start: u32,
    /// The frame after the last.
    pub end: u32,
}

/// How a film is cut into the smallest encoded units. Depends on the film alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    frames: u32,
    length: u32,
}

impl FrameRange {
    /// The frames from `start` to before `end`.
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// How many frames there are.
    pub fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether `frame` is one of them.
    pub fn contains(self, frame: u32) -> bool {
        (self.start..self.end).contains(&frame)
    }

    /// The frame numbers, rising.
    pub fn iter(self) -> std::ops::Range<u32> {
        self.start..self.end
    }
}

impl fmt::Display for FrameRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            0 => f.write_str("no frames"),
            1 => write!(f, "frame {}", self.start),
            _ => write!(f, "frames {}–{}", self.start, self.end - 1),
        }
    }
}

impl Segments {
    /// A film of `frames` frames in segments of `length` frames; the last may be shorter.
    ///
    /// A `length` of zero is taken as one.
    pub fn new(frames: u32, length: u32) -> Self {
        Self {
            frames,
            length: length.max(1),
        }
    }

    /// How many segments there are.
    pub fn count(self) -> u32 {
        self.frames.div_ceil(self.length)
    }

    /// The frames of the whole film.
    pub fn frames(self) -> u32 {
        self.frames
    }

    /// The length of all segments but the last, in frames.
    pub fn length(self) -> u32 {
        self.length
    }

    /// The frames of segment `index`; empty past the end.
    pub fn range(self, index: u32) -> FrameRange {
        let start = index.saturating_mul(self.length).min(self.frames);
        FrameRange::new(start, start.saturating_add(self.length).min(self.frames))
    }

    /// The frames of the consecutive segments `first..end`.
    pub fn span(self, first: u32, end: u32) -> FrameRange {
        FrameRange::new(
            self.range(first).start,
            self.range(end.saturating_sub(1)).end,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameRange, Segments};

    #[test]
    fn segments_cover_the_film_once() {
        for (frames, length) in [(1, 30), (30, 30), (31, 30), (300, 30), (299, 60), (7, 0)] {
            let segments = Segments::new(frames, length);
            let mut next = 0;
            for i in 0..segments.count() {
                let range = segments.range(i);
                assert_eq!(range.start, next);
                assert!(!range.is_empty());
                next = range.end;
            }
            assert_eq!(next, frames);
            assert!(segments.range(segments.count()).is_empty());
        }
    }

    #[test]
    fn ranges_read_as_people_say_them() {
        assert_eq!(FrameRange::new(240, 480).to_string(), "frames 240–479");
        assert_eq!(FrameRange::new(3, 4).to_string(), "frame 3");
    }
}
