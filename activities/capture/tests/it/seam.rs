//! Where one segment ends and the next begins, a film must look as if nothing had ended.

use crate::fixtures::{SIZE, Theatre, names};
use framewright_capture::{Lane, ReaderChoice};

/// How alike two frames are, by structure of their luma.
#[derive(Debug)]
struct Likeness {
    /// SSIM of the whole.
    mean: f64,
    /// The least of any tile of 64×64 pixels.
    tile: f64,
    /// Pixels that are not equal.
    pixels: usize,
}

/// BT.709 luma of BGRA pixels.
fn luma(pixels: &[u8]) -> Vec<f64> {
    let of =
        |p: &[u8]| 0.0722 * f64::from(p[0]) + 0.7152 * f64::from(p[1]) + 0.2126 * f64::from(p[2]);
    pixels.chunks_exact(4).map(of).collect()
}

/// SSIM in windows of 8×8 pixels, four apart.
fn compare(a: &[u8], b: &[u8]) -> Likeness {
    const WINDOW: usize = 8;
    let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
    let (first, second) = (luma(a), luma(b));
    let columns = width.div_ceil(64);
    let mut tiles = vec![(0.0, 0_u32); columns * height.div_ceil(64)];
    for y in (0..=height - WINDOW).step_by(4) {
        for x in (0..=width - WINDOW).step_by(4) {
            let (mut sa, mut sb, mut saa, mut sbb, mut sab) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for row in y..y + WINDOW {
                for i in row * width + x..row * width + x + WINDOW {
                    let (p, q) = (first[i], second[i]);
                    sa += p;
                    sb += q;
                    saa += p * p;
                    sbb += q * q;
                    sab += p * q;
                }
            }
            let n = (WINDOW * WINDOW) as f64;
            let (ma, mb) = (sa / n, sb / n);
            let (va, vb, cov) = (saa / n - ma * ma, sbb / n - mb * mb, sab / n - ma * mb);
            let (c1, c2) = (6.5025, 58.5225); // (0.01 · 255)² and (0.03 · 255)², as Wang et al. have it
            let ssim = (2.0 * ma * mb + c1) * (2.0 * cov + c2)
                / ((ma * ma + mb * mb + c1) * (va + vb + c2));
            let tile = &mut tiles[y / 64 * columns + x / 64];
            tile.0 += ssim;
            tile.1 += 1;
        }
    }
    let (sum, count) = tiles
        .iter()
        .fold((0.0, 0), |all, t| (all.0 + t.0, all.1 + t.1));
    let tiles = tiles.iter().filter(|tile| tile.1 > 0);
    Likeness {
        mean: sum / f64::from(count),
        tile: tiles.map(|t| t.0 / f64::from(t.1)).fold(1.0, f64::min),
        pixels: a.chunks(4).zip(b.chunks(4)).filter(|(p, q)| p != q).count(),
    }
}

/// Frames of one segment that begins with `first`, up to and with the last of `wanted`.
async fn frames_of(lane: &mut Lane, first: u32, wanted: &[u32]) -> Vec<Vec<u8>> {
    lane.begin_segment(first).await.unwrap();
    let mut pixels = Vec::new();
    let mut kept = Vec::new();
    for frame in first..=*wanted.last().unwrap() {
        lane.capture(frame, None, &mut pixels).await.unwrap();
        if wanted.contains(&frame) {
            kept.push(pixels.clone());
        }
    }
    kept
}

#[tokio::test]
async fn borders_between_segments_do_not_show() {
    let theatre = Theatre::new().await;
    let names = names();
    theatre.play(&names[0]).await;
    let mut lane = theatre.lane(ReaderChoice::Tap).await;
    let borders = [30, 75];
    let mut shown = String::new();
    for name in &names {
        theatre.play(name).await;
        let run = frames_of(&mut lane, 0, &borders).await;
        for (border, continued) in borders.into_iter().zip(run) {
            let fresh = frames_of(&mut lane, border, &[border]).await.remove(0);
            let likeness = compare(&continued, &fresh);
            if likeness.mean < 0.9995 || likeness.tile < 0.98 {
                shown += &format!("`{name}` at {border}: {likeness:?}\n");
            }
            // These have text at rest, and nothing else that could differ.
            if ["resting-text", "settling", "pushed"].contains(&&**name) {
                assert_eq!(likeness.pixels, 0, "`{name}` at {border}");
            }
        }
    }
    lane.close().await;
    assert!(shown.is_empty(), "a border shows:\n{shown}");
}
