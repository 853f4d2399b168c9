//! BGRA to I420: BT.709, limited range, chroma sited left (what H.264 means when it says nothing).
//!
//! A frame of 1080p is 8 MB, more than a core's own cache: whoever reads it from elsewhere reads
//! some rows and converts them while they are near, so that the whole of it is never written out.

mod rows;
mod simd;
#[cfg(test)]
mod tests;

pub use simd::Simd;

use crate::I420;
use framewright_film::FrameSize;
use rows::Sums;

/// What a core keeps to itself on every machine of the last ten years (its L2 cache), less room
/// for what is written.
const STRIPE_BYTES: usize = 192 << 10;

/// Converts pictures of one size, a stripe of rows at a time.
///
/// The same rows give the same bytes on every CPU and in stripes of any height.
#[derive(Debug)]
pub struct Converter {
    size: FrameSize,
    sums: Sums,
    simd: Simd,
}

impl Converter {
    /// For pictures of `size`, with the best instructions this CPU has.
    pub fn new(size: FrameSize) -> Self {
        Self::with(size, Simd::best())
    }

    /// For pictures of `size`, with instructions of your choice: for comparing them.
    pub fn with(size: FrameSize, simd: Simd) -> Self {
        let sums = Sums::new(size.even().width as usize);
        Self { size, sums, simd }
    }

    /// The size of the pictures that come in.
    pub fn size(&self) -> FrameSize {
        self.size
    }

    /// How many rows to read at a time, so that they are still in the core's own cache when they
    /// are converted. Even, and at least 2.
    pub fn stripe_rows(&self) -> u32 {
        let row = self.size.width as usize * 4;
        // At most 192 K, whatever the width.
        let pairs = (STRIPE_BYTES / row / 2) as u32;
        2 * pairs.max(1)
    }

    /// Converts the rows that begin at `first`, counted from the top, into their place in `i420`.
    ///
    /// `bgra` is whole rows without padding, top to bottom, alpha ignored. Rows go in pairs, since
    /// two share their chroma: `first` is even and so is the number of rows, except that an odd
    /// picture ends with a row alone. An odd last row or column counts twice.
    ///
    /// # Panics
    /// When `first` or the number of rows is not so, or when `i420` is of another size.
    pub fn rows(&mut self, first: u32, bgra: &[u8], i420: &mut I420) {
        let even = self.size.even();
        let (width, stride) = (even.width as usize, self.size.width as usize * 4);
        let (first, count) = (first as usize, bgra.len() / stride);
        let height = self.size.height as usize;
        assert_eq!(i420.size(), even, "a frame of another size");
        assert!(bgra.len().is_multiple_of(stride), "rows that are not whole");
        assert!(
            first.is_multiple_of(2) && first + count <= height,
            "rows {first} to {} of {height}",
            first + count
        );
        assert!(
            count.is_multiple_of(2) || first + count == height,
            "half a pair of rows at {first}"
        );
        let [luma, blue, red] = i420.planes_mut();
        let luma = luma[first * width..].chunks_exact_mut(2 * width);
        let blue = blue[first * width / 4..].chunks_exact_mut(width / 2);
        let red = red[first * width / 4..].chunks_exact_mut(width / 2);
        let pairs = bgra.chunks(2 * stride).zip(luma).zip(blue.zip(red));
        for ((pair, luma), (blue, red)) in pairs {
            let (upper, lower) = pair.split_at(stride);
            let lower = if lower.is_empty() { upper } else { lower };
            self.simd
                .pair(&mut self.sums, [upper, lower], luma, [blue, red]);
        }
    }

    /// Converts a whole picture.
    ///
    /// # Panics
    /// When `bgra` is not a whole picture, or when `i420` is of another size.
    pub fn frame(&mut self, bgra: &[u8], i420: &mut I420) {
        assert_eq!(bgra.len(), self.size.bgra_len(), "not a whole picture");
        self.rows(0, bgra, i420);
    }
}
