//! Frames at known places, by their pixels.

use crate::harness::{film, framewright};
use std::{fs::File, io::BufReader, path::Path};
use tempfile::TempDir;

struct Picture {
    width: usize,
    rgb: Vec<u8>,
    channels: usize,
}

impl Picture {
    fn read(file: &Path) -> Self {
        let decoder = png::Decoder::new(BufReader::new(File::open(file).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgb).unwrap();
        Self {
            width: info.width as usize,
            channels: info.color_type.samples(),
            rgb,
        }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * self.width + x) * self.channels;
        [self.rgb[start], self.rgb[start + 1], self.rgb[start + 2]]
    }
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const GROUND: [u8; 3] = [16, 32, 48];

fn stills(name: &str, frames: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let output = framewright()
        .arg("stills")
        .arg(film(name))
        .args(["--frames", frames, "-o"])
        .arg(folder.path())
        .arg("--data")
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    folder
}

#[test]
fn a_picture_is_there_in_the_frame_that_shows_it() {
    let folder = stills("swaps", "14,15,31");
    for (frame, shown) in [
        (14, [RED, RED, GROUND]),
        (15, [GREEN, GREEN, GREEN]),
        (31, [GREEN, GREEN, GREEN]),
    ] {
        let picture = Picture::read(&folder.path().join(format!("frame_{frame:06}.png")));
        let found = [50, 160, 270].map(|x| picture.at(x, 50));
        assert_eq!(found, shown, "frame {frame}");
    }
}

#[test]
fn known_frames_have_known_pixels() {
    let folder = stills("small", "0,29,30,59,60,89");
    for frame in [0, 29, 30, 59, 60, 89] {
        let picture = Picture::read(&folder.path().join(format!("frame_{frame:06}.png")));
        // Two pixels a frame: frame 30 shows 1 s, exactly.
        let left = 20 + 2 * frame;
        assert_eq!(picture.at(left, 130), RED, "frame {frame}: the box begins");
        assert_eq!(
            picture.at(left - 1, 130),
            GROUND,
            "frame {frame}: before the box"
        );
        assert_eq!(
            picture.at(left + 59, 130),
            RED,
            "frame {frame}: the box ends"
        );
        assert_eq!(
            picture.at(left + 60, 130),
            GROUND,
            "frame {frame}: after the box"
        );
        // Visible from 1 s to before 2 s: frames 30 to 59.
        let late = if (30..60).contains(&frame) {
            GREEN
        } else {
            GROUND
        };
        assert_eq!(picture.at(250, 50), late, "frame {frame}: the clip");
    }
}
