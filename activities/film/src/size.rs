use serde::{Deserialize, Serialize};
use std::fmt;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameSize {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// The size is one that no film can have here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{width} × {height} px is not a frame size: both sides must be between 2 and {max} px", max = FrameSize::MAX)]
pub struct SizeError {
    width: u32,
    height: u32,
}

impl FrameSize {
    /// The longest side that is accepted, in pixels (the limit of H.264 level 6.2 is 8192 × 4320).
    pub const MAX: u32 = 8192;

    /// A size of `width` × `height` pixels.
    ///
    /// # Errors
    /// When a side is shorter than 2 or longer than [`FrameSize::MAX`] pixels.
    pub fn new(width: u32, height: u32) -> Result<Self, SizeError> {
        let sane = 2..=Self::MAX;
        if sane.contains(&width) && sane.contains(&height) {
            Ok(Self { width, height })
        } else {
            Err(SizeError { width, height })
        }
    }

    /// Both sides rounded up to even, as 4:2:0 output needs.
    pub fn even(self) -> Self {
        Self {
            width: self.width.next_multiple_of(2),
            height: self.height.next_multiple_of(2),
        }
    }

    /// Bytes of one frame of 4-byte pixels, rows without padding.
    pub fn bgra_len(self) -> usize {
        self.width as usize * self.height as usize * 4
    }
}

impl fmt::Display for FrameSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}
