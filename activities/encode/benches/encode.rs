//! What a frame costs on its way into a film: `cargo bench -p framewright-encode`.
//!
//! Wall time, so on an idle machine only. Quality and CPU of real pages: `benches/quality`.
#![allow(missing_docs, reason = "divan's macros make items")]
#![allow(clippy::unwrap_used, reason = "a panic is a bench's report")]

use divan::{Bencher, counter::ItemsCount};
use framewright_encode::{Converter, Encoding, Ffmpeg, I420, SegmentEncoder, Simd, preview_jpeg};
use framewright_film::{Fps, FrameSize, Quality};
use tokio::runtime::Runtime;

const SIZE: FrameSize = FrameSize {
    width: 1920,
    height: 1080,
};
/// Frames of a segment.
const FRAMES: u32 = 30;

fn main() {
    divan::main();
}

/// A 1080p picture that lies in memory, into a frame.
#[divan::bench(args = Simd::available())]
fn convert_frame(bencher: Bencher<'_, '_>, simd: Simd) {
    let bgra = picture(0);
    let mut converter = Converter::with(SIZE, simd);
    let mut frame = I420::new(SIZE);
    bencher.bench_local(|| converter.frame(&bgra, &mut frame));
}

/// The same in stripes that somebody else has just written into a small buffer.
#[divan::bench(args = Simd::available())]
fn copy_and_convert_stripes(bencher: Bencher<'_, '_>, simd: Simd) {
    let bgra = picture(0);
    let mut converter = Converter::with(SIZE, simd);
    let mut frame = I420::new(SIZE);
    let rows = converter.stripe_rows();
    let mut stripe = vec![0; rows as usize * SIZE.width as usize * 4];
    bencher.bench_local(|| {
        for (index, rows_there) in (0..).zip(bgra.chunks(stripe.len())) {
            let here = &mut stripe[..rows_there.len()];
            here.copy_from_slice(rows_there);
            converter.rows(index * rows, here, &mut frame);
        }
    });
}

#[divan::bench]
fn preview(bencher: Bencher<'_, '_>) {
    let frame = frames().swap_remove(0);
    bencher.bench_local(|| preview_jpeg(&frame, 640).unwrap());
}

/// A whole segment: ffmpeg's start, the frames, its end.
#[divan::bench(args = [Quality::Draft, Quality::Standard, Quality::High], sample_count = 5)]
fn encode_segment(bencher: Bencher<'_, '_>, quality: Quality) {
    let runtime = Runtime::new().unwrap();
    let ffmpeg = runtime.block_on(Ffmpeg::find(None)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("segment.mp4");
    let encoding = Encoding {
        size: SIZE,
        fps: Fps::DEFAULT,
        quality,
    };
    bencher
        .counter(ItemsCount::new(FRAMES))
        .with_inputs(frames)
        .bench_local_values(|frames| {
            runtime.block_on(async {
                let start = SegmentEncoder::start(&ffmpeg, &encoding, FRAMES, &out);
                let mut encoder = start.await.unwrap();
                for frame in frames {
                    encoder.frame(frame).await.unwrap();
                }
                encoder.finish().await.unwrap();
            });
        });
}

fn frames() -> Vec<I420> {
    let mut converter = Converter::new(SIZE);
    let frame = |number| {
        let mut frame = I420::new(SIZE);
        converter.frame(&picture(number), &mut frame);
        frame
    };
    (0..FRAMES).map(frame).collect()
}

/// Edges that move over a gradient: something for every part of an encoder.
fn picture(number: u32) -> Vec<u8> {
    let mut bgra = Vec::with_capacity(SIZE.bgra_len());
    for y in 0..SIZE.height {
        for x in 0..SIZE.width {
            let tile = (x + 5 * number) / 60 + (y + 2 * number) / 45;
            let edge = if tile.is_multiple_of(3) { 220 } else { 40 };
            bgra.extend([(x / 8) as u8, edge, ((x + y) / 12) as u8, 255]);
        }
    }
    bgra
}
