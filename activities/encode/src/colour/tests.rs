use super::{Converter, Simd};
use crate::I420;
use framewright_film::FrameSize;
use std::{fs, process::Command};

fn convert(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let size = FrameSize { width, height };
    let mut bgra = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let [r, g, b] = pixel(x, y);
            bgra.extend([b, g, r, 255]);
        }
    }
    converted(size, &bgra)
}

fn converted(size: FrameSize, bgra: &[u8]) -> Vec<u8> {
    let mut frame = I420::new(size);
    Converter::new(size).frame(bgra, &mut frame);
    frame.as_bytes().to_owned()
}

/// Xorshift: the same on every run.
fn noise() -> impl FnMut() -> u32 {
    let mut state = 1u32;
    move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    }
}

#[test]
fn instructions_and_stripes_do_not_show_in_the_bytes() {
    let mut noise = noise();
    // Around the widths of vectors, and odd in one or both sides.
    let sizes = [
        (2, 2),
        (3, 3),
        (15, 8),
        (16, 7),
        (33, 9),
        (66, 65),
        (129, 34),
    ];
    for (width, height) in sizes.into_iter().chain([(1919, 21), (1920, 1080)]) {
        let size = FrameSize { width, height };
        let bgra: Vec<_> = (0..size.bgra_len()).map(|_| noise() as u8).collect();
        let expected = by_definition(size, &bgra);
        for simd in Simd::available() {
            let mut converter = Converter::with(size, simd);
            for rows in [2, 16, converter.stripe_rows() as usize, height as usize] {
                // Nothing of the last picture may be left.
                let mut frame = I420::new(size);
                let mut first = 0;
                for stripe in bgra.chunks(rows * width as usize * 4) {
                    converter.rows(first, stripe, &mut frame);
                    first += rows as u32;
                }
                assert!(frame.as_bytes() == expected, "{simd}, {size}, {rows} rows");
            }
        }
    }
}

/// The arithmetic that plans are made with (`COLOUR` in `encoding`), written to be read.
fn by_definition(size: FrameSize, bgra: &[u8]) -> Vec<u8> {
    let even = size.even();
    let level = |x: u32, y: u32| {
        let (x, y) = (x.min(size.width - 1), y.min(size.height - 1));
        let pixel = &bgra[(y * size.width + x) as usize * 4..][..3];
        [pixel[0], pixel[1], pixel[2]].map(i64::from)
    };
    let weighted = |levels: [i64; 3], factors: [i64; 3], zero: i64, bits: u32| {
        let sum: i64 = levels.iter().zip(factors).map(|(l, f)| l * f).sum();
        ((sum + (zero << bits) + (1 << (bits - 1))) >> bits) as u8
    };
    let mut out = Vec::new();
    for y in 0..even.height {
        for x in 0..even.width {
            out.push(weighted(level(x, y), [2032, 20127, 5983], 16, 15));
        }
    }
    for factors in [[14392, -11094, -3298], [-1320, -13072, 14392]] {
        for y in (0..even.height).step_by(2) {
            for x in (0..even.width).step_by(2) {
                let mut levels = [0; 3];
                for (x, weight) in [(x.saturating_sub(1), 1), (x, 2), (x + 1, 1)] {
                    for y in [y, y + 1] {
                        let pixel = level(x, y);
                        for (sum, level) in levels.iter_mut().zip(pixel) {
                            *sum += weight * level;
                        }
                    }
                }
                out.push(weighted(levels, factors, 128, 18));
            }
        }
    }
    out
}

#[test]
fn every_colour_is_the_standards_own_number() {
    // One 2×2 frame per colour of a coarse cube, against the definition in floats.
    let levels = [0u8, 1, 17, 85, 127, 128, 200, 254, 255];
    for r in levels {
        for g in levels {
            for b in levels {
                let out = convert(2, 2, |_, _| [r, g, b]);
                let [r, g, b] = [r, g, b].map(|v| f64::from(v) / 255.0);
                let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
                let exact = [
                    16.0 + 219.0 * y,
                    128.0 + 224.0 * (b - y) / 1.8556,
                    128.0 + 224.0 * (r - y) / 1.5748,
                ];
                for (got, want) in [out[0], out[4], out[5]].into_iter().zip(exact) {
                    assert!((f64::from(got) - want).abs() <= 0.52, "{got} {want}");
                }
            }
        }
    }
}

#[test]
fn odd_sizes_repeat_their_last_row_and_column() {
    let picture = |x: u32, y: u32| [(x * 31) as u8, (y * 53) as u8, (x * y) as u8];
    let odd = convert(7, 5, picture);
    let padded = convert(8, 6, |x, y| picture(x.min(6), y.min(4)));
    assert_eq!(odd, padded);
}

#[test]
fn chroma_stands_at_the_left_luma_sample() {
    // Red from column 4 on: sample 2 stands there and takes a quarter of what is left of it.
    let out = convert(8, 2, |x, _| if x < 4 { [0, 0, 0] } else { [255, 0, 0] });
    let v = &out[16 + 4..];
    assert_eq!(v, [128, 128, 212, 240]);
}

/// A frame with all that is hard: gradients, hard edges of saturated colours, and noise.
fn hard_frame(size: FrameSize) -> Vec<u8> {
    let mut noise = noise();
    let mut bgra = Vec::with_capacity(size.bgra_len());
    for y in 0..size.height {
        for x in 0..size.width {
            let pixel = match (x / 160 + y / 120) % 3 {
                0 => [x * 255 / size.width, y * 255 / size.height, (x + y) / 8],
                1 if (x / 9 + y / 7) % 2 == 0 => [255, 0, 20 * (x % 12)],
                1 => [0, 200, 255],
                _ => [noise(), noise(), noise()],
            };
            bgra.extend(pixel.map(|level| (level & 255) as u8));
            bgra.push(255);
        }
    }
    bgra
}

/// SSIM of luma, blue and red difference between our planes and swscale's most exact ones.
fn ssim_to_swscale(chroma_position: &str) -> [f64; 3] {
    let size = FrameSize {
        width: 640,
        height: 360,
    };
    let bgra = hard_frame(size);
    let ours = converted(size, &bgra);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("frame.bgra"), bgra).unwrap();
    fs::write(folder.path().join("ours.yuv"), ours).unwrap();
    let scale = format!(
        "[0:v]scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact\
         :out_color_matrix=bt709:out_range=tv{chroma_position},format=yuv420p[a];[a][1:v]ssim"
    );
    let run = Command::new("ffmpeg")
        .current_dir(folder.path())
        .args(["-hide_banner", "-nostdin", "-f", "rawvideo", "-video_size"])
        .args(["640x360", "-pix_fmt", "bgra", "-i", "frame.bgra"])
        .args(["-f", "rawvideo", "-video_size", "640x360", "-pix_fmt"])
        .args([
            "yuv420p", "-i", "ours.yuv", "-lavfi", &scale, "-f", "null", "-",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    ["SSIM Y:", " U:", " V:"].map(|label| {
        let line = said.lines().find(|line| line.contains("SSIM Y:"));
        let (_, rest) = line.expect(&said).split_once(label).unwrap();
        rest.split_whitespace().next().unwrap().parse().unwrap()
    })
}

#[test]
fn luma_is_as_exact_as_swscale_can_be() {
    let [luma, ..] = ssim_to_swscale("");
    let [_, blue, red] = ssim_to_swscale(":out_h_chr_pos=0:out_v_chr_pos=128");
    println!("SSIM to swscale: luma {luma}, chroma {blue} {red}");
    assert!(luma >= 0.9998, "{luma}");
    // Two filters for chroma cannot agree on noise; a shifted or swapped plane is far below this.
    assert!(blue >= 0.95 && red >= 0.95, "{blue} {red}");
}
