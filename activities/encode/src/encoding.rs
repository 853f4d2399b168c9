use framewright_film::{Fps, FrameSize, Quality};
use serde::{Deserialize, Serialize};

/// Names the arithmetic in `colour`. Raise it when that changes a byte, so that plans made before
/// do not mix with segments made after.
const COLOUR: &str = "bt709-left-1";

/// How frames become a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoding {
    /// The size of the frames that come in. The film's is this one, rounded up to even.
    pub size: FrameSize,
    /// Frames per second.
    pub fps: Fps,
    /// How close the film comes to the frames.
    pub quality: Quality,
}

impl Encoding {
    /// All that decides the bytes of a segment, apart from its frames and ffmpeg's version.
    ///
    /// Goes into the plan: where it differs, segments are not exchangeable.
    pub fn fingerprint(&self) -> String {
        format!(
            "colour={COLOUR} input={} output={} {}",
            self.size,
            self.size.even(),
            self.output_args().join(" ")
        )
    }

    /// ffmpeg's arguments that say what comes in through its standard input.
    pub(crate) fn input_args(&self) -> Vec<String> {
        args(&[
            "-f",
            "rawvideo",
            "-pix_fmt",
            "yuv420p",
            "-video_size",
            &self.size.even().to_string(),
            "-framerate",
            &self.fps.to_string(),
            "-i",
            "pipe:0",
        ])
    }

    /// ffmpeg's arguments between the input and the name of the output.
    pub(crate) fn output_args(&self) -> Vec<String> {
        // Each is defined by the SSIM that it reaches on pages of six kinds: docs/quality.md has what
        // was measured, benches/quality finds it again.
        let (preset, crf, search) = match self.quality {
            // Filtering block edges costs little and is worth most on photographs.
            Quality::Draft => ("ultrafast", "26", "bframes=0:deblock=0,0"),
            Quality::Standard => ("superfast", "16.8", "me=hex:ref=2:rc-lookahead=7"),
            Quality::High => (
                "veryfast",
                "13.5",
                "subme=4:ref=3:trellis=1:rc-lookahead=10",
            ),
        };
        // * One B-frame, and seldom (b-bias): on pages that scroll, more of them double the size,
        //   since the frames they leave between references have moved too far to be found again.
        // * More than one reference: what is left of a scrolled text is worth a second look.
        // * aq-mode 3 spends on dark areas, where the gradients of pages are.
        let share = match self.quality {
            Quality::Draft => "",
            _ => ":bframes=1:b-adapt=1:b-bias=-20:mbtree=1:aq-mode=3:aq-strength=0.8:deblock=1,1",
        };
        // * keyint: a segment is one or two seconds and starts with an IDR frame anyway. A number
        //   would change the stream's headers for a segment of one frame, which then could not be
        //   joined by copy.
        // * stitchable: headers do not depend on the pictures.
        // * cpu-independent: without it, an x264 on SSE2 and one on AVX2 give different bytes
        //   (seen; with it, seven instruction sets gave the same).
        let x264 = format!(
            "{search}{share}:keyint=infinite:min-keyint=3:open-gop=0:stitchable=1:cpu-independent=1:threads=1:lookahead-threads=1:sliced-threads=0"
        );
        let mut all = args(&[
            "-an",
            "-c:v",
            "libx264",
            "-preset",
            preset,
            "-crf",
            crf,
            "-x264-params",
            &x264,
            "-threads",
            "1",
            "-pix_fmt",
            "yuv420p",
            "-color_range",
            "tv",
            "-colorspace",
            "bt709",
            "-color_primaries",
            "bt709",
            "-color_trc",
            "bt709",
            "-chroma_sample_location",
            "left",
            "-fps_mode",
            "passthrough",
            // Drops x264's 700 bytes of banner in every segment.
            "-bsf:v",
            "filter_units=remove_types=6",
        ]);
        all.extend(container_args(self.fps));
        all
    }
}

/// Ticks per second of a film's time stamps: a frame is a whole number of them.
pub(crate) fn timescale(fps: Fps) -> u32 {
    let mut ticks = fps.num();
    // Fine enough for players that round to it; `num` is at most 24 million.
    while ticks < 10_000 {
        ticks *= 2;
    }
    ticks
}

/// Ticks of [`timescale`] that one frame lasts.
pub(crate) fn frame_ticks(fps: Fps) -> u32 {
    timescale(fps) / fps.num() * fps.den()
}

/// ffmpeg's arguments for an mp4 that is the same whenever and wherever it is written.
pub(crate) fn container_args(fps: Fps) -> Vec<String> {
    let timescale = timescale(fps).to_string();
    args(&[
        "-map_metadata",
        "-1",
        "-fflags",
        "+bitexact",
        "-flags:v",
        "+bitexact",
        "-video_track_timescale",
        &timescale,
        // Durations and edit lists are kept in this one: the default, milliseconds, would round.
        "-movie_timescale",
        &timescale,
        "-f",
        "mp4",
    ])
}

fn args(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Encoding, frame_ticks, timescale};
    use framewright_film::{Fps, FrameSize, Quality};
    use std::process::Command;

    #[test]
    fn a_frame_is_a_whole_number_of_ticks() {
        for text in [
            "30",
            "30000/1001",
            "24000/1001",
            "25/2",
            "240",
            "1",
            "1/3",
            "7/3",
        ] {
            let fps: Fps = text.parse().unwrap();
            let exact = u64::from(timescale(fps)) * u64::from(fps.den());
            assert_eq!(exact, u64::from(frame_ticks(fps)) * u64::from(fps.num()));
        }
    }

    /// A worker with an older CPU must not make another film.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_instruction_set_does_not_show_in_the_bytes() {
        let size = FrameSize {
            width: 320,
            height: 180,
        };
        for quality in [Quality::Draft, Quality::Standard, Quality::High] {
            let fps = Fps::DEFAULT;
            let encoding = Encoding { size, fps, quality };
            let streams = ["0", "sse2", "ssse3", "avx2"].map(|asm| {
                let run = Command::new("ffmpeg")
                    .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i"])
                    .arg("testsrc2=size=320x180:rate=30:duration=1,noise=alls=9:all_seed=1")
                    .args(encoding.output_args().into_iter().map(|arg| {
                        if arg.contains("stitchable=") {
                            format!("{arg}:asm={asm}")
                        } else {
                            arg
                        }
                    }))
                    .args(["-f", "h264", "pipe:1"])
                    .output()
                    .unwrap();
                assert!(run.status.success(), "{run:?}");
                run.stdout
            });
            assert!(
                streams
                    .iter()
                    .all(|stream| *stream == streams[0] && stream.len() > 1000)
            );
        }
    }
}
