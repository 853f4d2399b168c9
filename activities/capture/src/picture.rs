use crate::CaptureError;
use framewright_film::FrameSize;
use std::io::{self, Write};

/// Writes a frame as a PNG without loss. `bgra` has `size.bgra_len()` bytes; alpha is ignored,
/// frames are opaque.
///
/// # Errors
/// When `bgra` is not a frame of that size, or cannot be written.
pub fn write_png(bgra: &[u8], size: FrameSize, to: impl Write) -> io::Result<()> {
    if bgra.len() != size.bgra_len() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} bytes are no frame of {size}", bgra.len()),
        ));
    }
    let rgb: Vec<u8> = bgra
        .chunks_exact(4)
        .flat_map(|pixel| [pixel[2], pixel[1], pixel[0]])
        .collect();
    let mut encoder = png::Encoder::new(to, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(())
}

pub(crate) fn from_base64(text: &[u8]) -> Result<Vec<u8>, CaptureError> {
    base64_simd::STANDARD
        .decode_to_vec(text)
        .map_err(|e| CaptureError::Refused {
            command: "HeadlessExperimental.beginFrame",
            message: format!("its picture is not base64: {e}"),
        })
}

/// The pixels of a PNG of an opaque frame, as BGRA.
pub(crate) fn to_bgra(picture: &[u8], size: FrameSize) -> Result<Vec<u8>, CaptureError> {
    let wrong = |found: String| CaptureError::WrongPicture {
        found,
        expected: size,
    };
    let mut reader = png::Decoder::new(io::Cursor::new(picture))
        .read_info()
        .map_err(|e| wrong(e.to_string()))?;
    let mut pixels = vec![0; size.bgra_len()];
    let info = reader.info();
    if (info.width, info.height) != (size.width, size.height) {
        return Err(wrong(format!("{}x{}", info.width, info.height)));
    }
    let frame = reader
        .next_frame(&mut pixels)
        .map_err(|e| wrong(e.to_string()))?;
    let bytes = match (frame.color_type, frame.bit_depth) {
        (png::ColorType::Rgba, png::BitDepth::Eight) => 4,
        (png::ColorType::Rgb, png::BitDepth::Eight) => 3,
        (color, depth) => return Err(wrong(format!("{color:?} pixels of {depth:?} bits"))),
    };
    let mut bgra = vec![255; size.bgra_len()];
    for (to, from) in bgra.chunks_exact_mut(4).zip(pixels.chunks_exact(bytes)) {
        to[..3].copy_from_slice(&[from[2], from[1], from[0]]);
    }
    Ok(bgra)
}

#[cfg(test)]
mod tests {
    use super::{to_bgra, write_png};
    use framewright_film::FrameSize;

    #[test]
    fn a_frame_survives_its_png() {
        let size = FrameSize::new(5, 3).unwrap();
        let frame: Vec<u8> = (0..15_u8).flat_map(|i| [i, i * 2, 200 - i, 255]).collect();
        let mut png = Vec::new();
        write_png(&frame, size, &mut png).unwrap();
        assert_eq!(to_bgra(&png, size).unwrap(), frame);
        assert!(write_png(&frame[1..], size, &mut png).is_err());
    }
}
