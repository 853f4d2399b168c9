use crate::{EncodeError, I420};
use framewright_film::FrameSize;
use jpeg_encoder::{ColorType, Encoder};

/// Good enough to recognise a frame by, at some 30 kB.
const QUALITY: u8 = 80;

/// A JPEG of a frame, at most `max_width` pixels wide, for a page that shows progress.
///
/// Every pixel is the mean of those it stands for. The same frame gives the same bytes.
///
/// # Errors
/// When the JPEG encoder refuses the size, which no film's frame has.
pub fn preview_jpeg(frame: &I420, max_width: u32) -> Result<Vec<u8>, EncodeError> {
    let small = fitted(frame.size(), max_width);
    let pixels = shrink(frame, small);
    let mut jpeg = Vec::new();
    // Both sides are within what a frame may have, far below 65,536.
    let (width, height) = (small.width as u16, small.height as u16);
    Encoder::new(&mut jpeg, QUALITY)
        .encode(&pixels, width, height, ColorType::Rgb)
        .map_err(|error| EncodeError::Io {
            task: "encoding a preview",
            source: std::io::Error::other(error),
        })?;
    Ok(jpeg)
}

fn fitted(size: FrameSize, max_width: u32) -> FrameSize {
    let width = max_width.clamp(1, size.width);
    let scaled = u64::from(size.height) * u64::from(width) / u64::from(size.width);
    // Not above `size.height`.
    let height = (scaled as u32).max(1);
    FrameSize { width, height }
}

/// RGB of a frame shrunk to `small`.
fn shrink(frame: &I420, small: FrameSize) -> Vec<u8> {
    let FrameSize { width, height } = frame.size();
    let half = FrameSize {
        width: width / 2,
        height: height / 2,
    };
    let [luma, blue, red] = frame.planes();
    let luma = means(luma, frame.size(), small);
    let (blue, red) = (means(blue, half, small), means(red, half, small));
    let mut rgb = Vec::with_capacity(luma.len() * 3);
    for (y, (u, v)) in luma.into_iter().zip(blue.into_iter().zip(red)) {
        rgb.extend(to_rgb(y, u, v));
    }
    rgb
}

/// The means of the boxes of whole samples that `small` cuts a plane of `size` into.
fn means(plane: &[u8], size: FrameSize, small: FrameSize) -> Vec<u8> {
    // Half a plane may be smaller than the picture: then a box is one sample, more than once.
    let boxes = |from: u32, to: u32| -> Vec<std::ops::Range<usize>> {
        let edge = |i: u32| (u64::from(i) * u64::from(from) / u64::from(to)) as usize;
        (0..to)
            .map(|i| edge(i)..edge(i + 1).max(edge(i) + 1))
            .collect()
    };
    let columns = boxes(size.width, small.width);
    let stride = size.width as usize;
    let mut out = Vec::with_capacity(columns.len() * small.height as usize);
    let mut column_sums = vec![0u32; stride];
    for rows in boxes(size.height, small.height) {
        column_sums.fill(0);
        let count = rows.len();
        for row in plane[rows.start * stride..rows.end * stride].chunks_exact(stride) {
            for (sum, sample) in column_sums.iter_mut().zip(row) {
                *sum += u32::from(*sample);
            }
        }
        out.extend(columns.iter().map(|columns| {
            let count = (count * columns.len()) as u32;
            let sum: u32 = column_sums[columns.clone()].iter().sum();
            ((sum + count / 2) / count) as u8
        }));
    }
    out
}

/// BT.709, limited range, in 16 fraction bits: 255 / 219, and 255 / 224 times 2 (1 − kr), 2 (1 − kb)
/// and what these leave for green.
fn to_rgb(y: u8, u: u8, v: u8) -> [u8; 3] {
    let y = (i32::from(y) - 16) * 76309 + (1 << 15);
    let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
    [
        y + 117_489 * v,
        y - 13_975 * u - 34_925 * v,
        y + 138_438 * u,
    ]
    .map(|level| (level >> 16).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::{fitted, preview_jpeg, shrink};
    use crate::{Converter, I420};
    use framewright_film::FrameSize;

    const COLOURS: [[u8; 3]; 4] = [[255, 0, 0], [0, 0, 0], [120, 40, 200], [255, 255, 255]];

    /// Four bars of eight columns; an odd height.
    fn bars() -> I420 {
        let size = FrameSize {
            width: 32,
            height: 9,
        };
        let mut bgra = Vec::new();
        for _ in 0..size.height {
            for x in 0..32 {
                let [r, g, b] = COLOURS[x / 8];
                bgra.extend([b, g, r, 9]);
            }
        }
        let mut frame = I420::new(size);
        Converter::new(size).frame(&bgra, &mut frame);
        frame
    }

    #[test]
    fn a_small_picture_has_the_frames_colours() {
        let frame = bars();
        for width in [8, 16, 32, 480] {
            let small = fitted(frame.size(), width);
            assert_eq!(small.height, (10 * small.width / 32).max(1));
            let rgb = shrink(&frame, small);
            let row = &rgb[..small.width as usize * 3];
            for (bar, colour) in row.chunks_exact(row.len() / 4).zip(COLOURS) {
                // The bar's middle: its edges share their chroma with the next one.
                let pixel = &bar[bar.len() / 6 * 3..][..3];
                for (found, wanted) in pixel.iter().zip(colour) {
                    assert!(
                        found.abs_diff(wanted) <= 40 / (small.width as u8 / 4),
                        "{width}: {pixel:?} {colour:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_same_frame_gives_the_same_jpeg() {
        let jpeg = preview_jpeg(&bars(), 480).unwrap();
        assert!(jpeg.starts_with(&[0xff, 0xd8]));
        assert_eq!(jpeg, preview_jpeg(&bars(), 480).unwrap());
    }
}
