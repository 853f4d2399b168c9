use crate::EncodeError;
use framewright_film::FrameSize;
use jpeg_encoder::{ColorType, Encoder};

/// Good enough to recognise a frame by, at some 30 kB.
const QUALITY: u8 = 80;

/// A JPEG of a BGRA frame, at most `max_width` pixels wide, for a page that shows progress.
///
/// Every pixel is the mean of those it stands for. The same frame gives the same bytes.
///
/// # Errors
/// When `bgra` does not have the length of a frame of `size`.
pub fn preview_jpeg(bgra: &[u8], size: FrameSize, max_width: u32) -> Result<Vec<u8>, EncodeError> {
    if bgra.len() != size.bgra_len() || bgra.is_empty() {
        let found = bgra.len();
        return Err(EncodeError::FrameLength { size, found });
    }
    let small = fitted(size, max_width);
    let pixels = shrink(bgra, size, small);
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

/// RGB means of the boxes of whole pixels that `small` cuts `size` into.
fn shrink(bgra: &[u8], size: FrameSize, small: FrameSize) -> Vec<u8> {
    let edges = |from: u32, to: u32| -> Vec<usize> {
        (0..=to)
            .map(|i| (u64::from(i) * u64::from(from) / u64::from(to)) as usize)
            .collect()
    };
    let columns = edges(size.width, small.width);
    let rows = edges(size.height, small.height);
    let stride = size.width as usize * 4;
    let mut rgb = Vec::with_capacity(small.width as usize * small.height as usize * 3);
    let mut sums = vec![[0u32; 3]; small.width as usize];
    for rows in rows.windows(2) {
        sums.fill([0; 3]);
        for row in rows[0]..rows[1] {
            let row = &bgra[row * stride..][..stride];
            for (sum, columns) in sums.iter_mut().zip(columns.windows(2)) {
                for pixel in row[columns[0] * 4..columns[1] * 4].as_chunks::<4>().0 {
                    for (sum, channel) in sum.iter_mut().zip(pixel) {
                        *sum += u32::from(*channel);
                    }
                }
            }
        }
        for (sum, columns) in sums.iter().zip(columns.windows(2)) {
            let count = ((rows[1] - rows[0]) * (columns[1] - columns[0])) as u32;
            let mean = |channel: usize| ((sum[channel] + count / 2) / count) as u8;
            rgb.extend([mean(2), mean(1), mean(0)]);
        }
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::{fitted, preview_jpeg, shrink};
    use framewright_film::FrameSize;

    #[test]
    fn a_small_pixel_is_the_mean_of_its_box() {
        let size = FrameSize {
            width: 4,
            height: 2,
        };
        let bgra: Vec<u8> = [10, 20, 30, 41, 10, 20, 30, 40]
            .into_iter()
            .flat_map(|level| [level, 0, 255, 9])
            .collect();
        assert_eq!(
            fitted(size, 2),
            FrameSize {
                width: 2,
                height: 1
            }
        );
        assert_eq!(
            shrink(&bgra, size, fitted(size, 2)),
            [255, 0, 15, 255, 0, 35]
        );
        let jpeg = preview_jpeg(&bgra, size, 480).unwrap();
        assert!(jpeg.starts_with(&[0xff, 0xd8]));
        assert_eq!(jpeg, preview_jpeg(&bgra, size, 480).unwrap());
        assert!(preview_jpeg(&bgra[1..], size, 480).is_err());
    }
}
