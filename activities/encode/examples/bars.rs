//! Encodes two seconds of moving colour bars in three segments, joins and gates them:
//! `cargo run -p framewright-encode --example bars -- OUT.mp4`

use framewright_encode::{
    Converter, EncodeError, Encoding, Expected, Ffmpeg, I420, SegmentEncoder, gate, join,
};
use framewright_film::{Fps, FrameSize, Quality, Segments};
use std::{env, error::Error, path::Path, time::Instant};

const SIZE: FrameSize = FrameSize {
    width: 1920,
    height: 1080,
};
const BARS: [[u8; 4]; 8] = [
    [255, 255, 255, 255],
    [0, 255, 255, 255],
    [255, 255, 0, 255],
    [0, 255, 0, 255],
    [255, 0, 255, 255],
    [0, 0, 255, 255],
    [255, 0, 0, 255],
    [0, 0, 0, 255],
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let out = env::args_os().nth(1).ok_or("usage: bars OUT.mp4")?;
    let out = Path::new(&out);
    let ffmpeg = Ffmpeg::find(None).await?;
    let encoding = Encoding {
        size: SIZE,
        fps: Fps::DEFAULT,
        quality: Quality::Standard,
    };
    let segments = Segments::new(67, 30);
    let start = Instant::now();
    let mut files = Vec::new();
    for index in 0..segments.count() {
        let file = out.with_extension(format!("{index}.mp4"));
        let mut encoder =
            SegmentEncoder::start(&ffmpeg, &encoding, segments.range(index).len(), &file).await?;
        encode(&mut encoder, segments.range(index).iter()).await?;
        encoder.finish().await?;
        files.push(file);
    }
    join(&ffmpeg, encoding.fps, &files, out).await?;
    for file in files {
        std::fs::remove_file(file)?;
    }
    let measured = gate(&ffmpeg, out, &Expected::of(&encoding, segments.frames())).await?;
    #[expect(clippy::print_stdout, reason = "an example's data")]
    {
        println!("{}", ffmpeg.version);
        println!("{measured:?} in {:.2?}", start.elapsed());
    }
    Ok(())
}

async fn encode(
    encoder: &mut SegmentEncoder,
    frames: impl Iterator<Item = u32>,
) -> Result<(), EncodeError> {
    let (mut converter, mut i420) = (Converter::new(SIZE), I420::new(SIZE));
    let mut bgra = vec![0; SIZE.bgra_len()];
    for frame in frames {
        let shift = frame as usize * 16;
        for row in bgra.chunks_exact_mut(SIZE.width as usize * 4) {
            for (x, pixel) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                *pixel = BARS[(x + shift) / 240 % 8];
            }
        }
        converter.frame(&bgra, &mut i420);
        i420 = encoder.frame(i420).await?;
    }
    Ok(())
}
