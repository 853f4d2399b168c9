//! The arithmetic: two rows of pixels become two of luma and one of either chroma.
//!
//! Integers alone, so that every CPU gives the same bytes; shaped so that LLVM makes multiply-adds
//! of sixteen-bit lanes of it (`pmaddwd`), since every factor fits fifteen bits. All is inlined
//! into its callers, which differ in the instructions that LLVM may use.

/// Sums over two rows, which both planes of chroma are made of.
#[derive(Debug)]
pub(crate) struct Sums {
    /// Blue and red, sixteen bits each. Column x stands at x + 1; column 0 stands at 0 as well,
    /// where the filter of the first chroma sample reaches over the edge.
    blue_red: Vec<u32>,
    /// Green in the lower sixteen bits; alpha above it is ignored.
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

impl Sums {
    /// For rows of `width` columns, an even number.
    pub(crate) fn new(width: usize) -> Self {
        // One for column 0 again, and one for an even number of entries.
        let row = vec![0; width + 2];
        Self {
            blue_red: row.clone(),
            green: row,
        }
    }
}

/// Converts a pair of rows. Rows of an odd number of pixels repeat their last one.
#[inline(always)]
pub(crate) fn pair(
    sums: &mut Sums,
    [upper, lower]: [&[u8]; 2],
    luma: &mut [u8],
    [us, vs]: [&mut [u8]; 2],
) {
    let (luma_upper, luma_lower) = luma.split_at_mut(luma.len() / 2);
    luma_row(upper, luma_upper);
    luma_row(lower, luma_lower);
    sum_rows(upper, lower, sums);
    chroma_row(sums, us, vs);
}

#[inline(always)]
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

#[inline(always)]
fn sum_rows(upper: &[u8], lower: &[u8], sums: &mut Sums) {
    let Sums { blue_red, green } = sums;
    let width = upper.len() / 4;
    let pixels = upper.as_chunks().0.iter().zip(lower.as_chunks().0);
    let columns = blue_red[1..].iter_mut().zip(&mut green[1..]);
    for ((blue_red, green), (upper, lower)) in columns.zip(pixels) {
        let (upper, lower) = (u32::from_le_bytes(*upper), u32::from_le_bytes(*lower));
        *blue_red = (upper & LANES) + (lower & LANES);
        *green = ((upper >> 8) & LANES) + ((lower >> 8) & LANES);
    }
    for sums in [blue_red, green] {
        sums[0] = sums[1];
        sums[width + 1] = sums[width];
    }
}

/// One row of chroma from two summed rows: weights 1, 2, 1 around the even column.
#[inline(always)]
fn chroma_row(sums: &Sums, us: &mut [u8], vs: &mut [u8]) {
    // Two rows times four columns' weight are three more bits.
    const SHIFT: u32 = BITS + 3;
    const OFFSET: i32 = (128 << SHIFT) + (1 << (SHIFT - 1));
    let blue_red = sums.blue_red.as_chunks::<2>().0;
    let green = sums.green.as_chunks::<2>().0;
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

#[inline(always)]
fn split(pixel: u32) -> [i32; 3] {
    [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255].map(u32::cast_signed)
}
