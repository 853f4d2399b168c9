use super::Converter;
use framewright_film::FrameSize;
use std::{fs, process::Command, time::Instant};

fn convert(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let size = FrameSize { width, height };
    let mut bgra = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let [r, g, b] = pixel(x, y);
            bgra.extend([b, g, r, 255]);
        }
    }
    let mut converter = Converter::new(size);
    let mut out = vec![0; converter.output_len()];
    converter.convert(&bgra, &mut out);
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
    let mut state = 1u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
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
    let mut converter = Converter::new(size);
    let mut ours = vec![0; converter.output_len()];
    converter.convert(&bgra, &mut ours);
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

/// `cargo test -p framewright-encode -- --ignored --nocapture how_long`
#[test]
#[ignore = "prints a measurement, asserts nothing"]
fn how_long_a_1080p_frame_takes() {
    let size = FrameSize {
        width: 1920,
        height: 1080,
    };
    let frame = hard_frame(size);
    let mut converter = Converter::new(size);
    let mut out = vec![0; converter.output_len()];
    let mut times: Vec<_> = (0..50)
        .map(|_| {
            let start = Instant::now();
            converter.convert(&frame, &mut out);
            start.elapsed()
        })
        .collect();
    times.sort();
    println!("best {:?}, median {:?}", times[0], times[25]);
}
