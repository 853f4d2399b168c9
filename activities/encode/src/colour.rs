//! BGRA to I420: BT.709, limited range, chroma sited left (what H.264 means when it says nothing).
//!
//! Integer arithmetic alone, so that every CPU gives the same bytes; shaped so that LLVM makes
//! multiply-adds of sixteen-bit lanes of it (`pmaddwd`), since every factor fits fifteen bits.

use framewright_film::FrameSize;

#[cfg(test)]
mod tests;

/// Converts frames of one size, reusing its rows.
#[derive(Debug)]
pub(crate) struct Converter {
    size: FrameSize,
    /// Blue and red of two rows summed, sixteen bits each. Column x stands at x + 1; column 0
    /// stands at 0 as well, where the filter of the first chroma sample reaches over the edge.
    blue_red: Vec<u32>,
    /// Green of two rows summed in the lower sixteen bits; alpha above it is ignored.
    green: Vec<u32>,
}

/// Fraction bits of the factors below.
const BITS: u32 = 15;
// 219 / 255 · (0.0722, 0.7152, 0.2126).
const Y: [i32; 3] = [2032, 20127, 5983];
// 224 / 255 · (b − y) / 1.8556 and 224 / 255 · (r − y) / 1.5748. They sum to zero: grey is grey.
const U: [i32; 3] = [14392, -11094, -3298];
const V: [i32; 3] = [-1320, -13072, 14392];
/// Every other byte of a pixel.
const LANES: u32 = 0x00ff_00ff;

impl Converter {
    pub(crate) fn new(size: FrameSize) -> Self {
        let row = size.even().width as usize + 1;
        Self {
            size,
            // One more than a row, for an even number of entries.
            blue_red: vec![0; row + 1],
            green: vec![0; row + 1],
        }
    }

    /// Bytes of a converted frame: the planes of an even-sized frame.
    pub(crate) fn output_len(&self) -> usize {
        let even = self.size.even();
        even.width as usize * even.height as usize * 3 / 2
    }

    /// Converts one frame. An odd last row or column counts twice.
    ///
    /// Panics when the lengths are not those of the size: callers have checked.
    pub(crate) fn convert(&mut self, bgra: &[u8], i420: &mut [u8]) {
        assert_eq!(bgra.len(), self.size.bgra_len());
        assert_eq!(i420.len(), self.output_len());
        let even = self.size.even();
        let (width, height) = (even.width as usize, even.height as usize);
        let (luma, chroma) = i420.split_at_mut(width * height);
        let (us, vs) = chroma.split_at_mut(width * height / 4);
        let stride = self.size.width as usize * 4;
        let last = self.size.height as usize - 1;
        let row = |y: usize| &bgra[y.min(last) * stride..][..stride];
        let rows = luma
            .chunks_exact_mut(width * 2)
            .zip(us.chunks_exact_mut(width / 2))
            .zip(vs.chunks_exact_mut(width / 2));
        for (pair, ((luma, us), vs)) in rows.enumerate() {
            let (upper, lower) = (row(2 * pair), row(2 * pair + 1));
            let (luma_upper, luma_lower) = luma.split_at_mut(width);
            luma_row(upper, luma_upper);
            luma_row(lower, luma_lower);
            self.sum_rows(upper, lower);
            chroma_row(&self.blue_red, &self.green, us, vs);
        }
    }

    fn sum_rows(&mut self, upper: &[u8], lower: &[u8]) {
        let width = self.size.width as usize;
        let pixels = upper.as_chunks().0.iter().zip(lower.as_chunks().0);
        let sums = self.blue_red[1..].iter_mut().zip(&mut self.green[1..]);
        for ((blue_red, green), (upper, lower)) in sums.zip(pixels) {
            let (upper, lower) = (u32::from_le_bytes(*upper), u32::from_le_bytes(*lower));
            *blue_red = (upper & LANES) + (lower & LANES);
            *green = ((upper >> 8) & LANES) + ((lower >> 8) & LANES);
        }
        for sums in [&mut self.blue_red, &mut self.green] {
            sums[0] = sums[1];
            sums[width + 1] = sums[width];
        }
    }
}

fn luma_row(pixels: &[u8], luma: &mut [u8]) {
    const OFFSET: i32 = (16 << BITS) + (1 << (BITS - 1));
    let width = pixels.len() / 4;
    for (pixel, y) in pixels.as_chunks().0.iter().zip(luma.iter_mut()) {
        let [blue, green, red] = split(u32::from_le_bytes(*pixel));
        *y = ((blue * Y[0] + green * Y[1] + red * Y[2] + OFFSET) >> BITS) as u8;
    }
    if width < luma.len() {
        luma[width] = luma[width - 1];
    }
}

/// One row of chroma from two summed rows: weights 1, 2, 1 around the even column.
fn chroma_row(blue_red: &[u32], green: &[u32], us: &mut [u8], vs: &mut [u8]) {
    // Two rows times four columns' weight are three more bits.
    const SHIFT: u32 = BITS + 3;
    const OFFSET: i32 = (128 << SHIFT) + (1 << (SHIFT - 1));
    let (blue_red, green) = (blue_red.as_chunks::<2>().0, green.as_chunks::<2>().0);
    let columns = blue_red.iter().zip(&blue_red[1..]);
    let columns = columns.zip(green.iter().zip(&green[1..]));
    for ((u, v), ((br, br_next), (g, g_next))) in us.iter_mut().zip(vs).zip(columns) {
        // At most 8 · 255 in each half: no carry between them.
        let br = br[0] + 2 * br[1] + br_next[0];
        let g = g[0] + 2 * g[1] + g_next[0];
        let blue = (br & 0xffff) as i32;
        let green = (g & 0xffff) as i32;
        let red = (br >> 16) as i32;
        *u = ((blue * U[0] + green * U[1] + red * U[2] + OFFSET) >> SHIFT) as u8;
        *v = ((blue * V[0] + green * V[1] + red * V[2] + OFFSET) >> SHIFT) as u8;
    }
}

fn split(pixel: u32) -> [i32; 3] {
    [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255].map(u32::cast_signed)
}
