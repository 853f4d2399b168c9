//! Segments, joins and gates with the real ffmpeg.
#![allow(clippy::unwrap_used, reason = "a panic is a test's report")]

use framewright_encode::{
    Converter, Defect, EncodeError, Encoding, Expected, Ffmpeg, I420, SegmentEncoder, gate, join,
};
use framewright_film::{Disposition, Fault as _, Fps, FrameSize, Quality};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

const SMALL: FrameSize = FrameSize {
    width: 160,
    height: 90,
};

async fn ffmpeg() -> Ffmpeg {
    Ffmpeg::find(None).await.unwrap()
}

fn encoding(fps: &str) -> Encoding {
    Encoding {
        size: SMALL,
        fps: fps.parse().unwrap(),
        quality: Quality::Standard,
    }
}

/// A picture that moves, so that x264 has a reason for B-frames.
fn picture(size: FrameSize, frame: u32) -> Vec<u8> {
    let mut bgra = Vec::with_capacity(size.bgra_len());
    for y in 0..size.height {
        for x in 0..size.width {
            let edge = (x + 3 * frame) / 20 + y / 15;
            bgra.extend([(x + frame) as u8, (y * 2) as u8, (edge * 70) as u8, 255]);
        }
    }
    bgra
}

fn frame(size: FrameSize, bgra: &[u8]) -> I420 {
    let mut frame = I420::new(size);
    Converter::new(size).frame(bgra, &mut frame);
    frame
}

/// The `number`-th frame of a small film.
fn small(number: u32) -> I420 {
    frame(SMALL, &picture(SMALL, number))
}

async fn segment(
    ffmpeg: &Ffmpeg,
    encoding: &Encoding,
    frames: std::ops::Range<u32>,
    out: PathBuf,
) -> PathBuf {
    let count = frames.len() as u32;
    let mut encoder = SegmentEncoder::start(ffmpeg, encoding, count, &out)
        .await
        .unwrap();
    for number in frames {
        encoder.frame(small(number)).await.unwrap();
    }
    encoder.finish().await.unwrap();
    out
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn is_retryable(error: &EncodeError) -> bool {
    matches!(error.disposition(), Disposition::Retry { .. })
}

#[tokio::test]
async fn segments_join_into_one_film_with_every_frame_at_its_time() {
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (fps, lengths) in [
        ("30", vec![30, 30, 7]),
        ("30000/1001", vec![30, 30, 7]),
        // Rounds in microseconds, and ends with segments too short for x264's own delay.
        ("7/3", vec![7, 7, 7, 7, 7, 2]),
        ("60", vec![30, 1]),
        ("24", vec![1]),
    ] {
        let encoding = encoding(fps);
        let mut segments = Vec::new();
        let mut start = 0;
        for (index, length) in lengths.iter().enumerate() {
            let out = at(&format!("it's {index}.mp4"));
            segments.push(segment(&ffmpeg, &encoding, start..start + length, out).await);
            start += length;
        }
        join(&ffmpeg, encoding.fps, &segments, &at("film.mp4"))
            .await
            .unwrap();
        let expected = Expected::of(&encoding, start);
        let measured = gate(&ffmpeg, &at("film.mp4"), &expected).await.unwrap();
        assert_eq!(measured.frames, start);

        let again = segment(&ffmpeg, &encoding, 0..lengths[0], at("again.mp4")).await;
        assert!(fs::read(again).unwrap() == fs::read(&segments[0]).unwrap());
        join(&ffmpeg, encoding.fps, &segments, &at("again.mp4"))
            .await
            .unwrap();
        assert!(fs::read(at("again.mp4")).unwrap() == fs::read(at("film.mp4")).unwrap());
    }
    assert!(
        files(folder.path())
            .iter()
            .all(|name| name.ends_with(".mp4"))
    );
}

#[tokio::test]
async fn a_joined_film_decodes_to_the_frames_that_went_in() {
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    let encoding = encoding("30000/1001");
    let first = segment(&ffmpeg, &encoding, 0..11, folder.path().join("0.mp4")).await;
    let second = segment(&ffmpeg, &encoding, 11..20, folder.path().join("1.mp4")).await;
    let film = folder.path().join("film.mp4");
    join(&ffmpeg, encoding.fps, &[first, second], &film)
        .await
        .unwrap();
    let decoded = decode(&film);
    assert_eq!(decoded.len(), 20 * SMALL.bgra_len() / 4 * 3);
    for (frame, rgb) in decoded.chunks_exact(SMALL.bgra_len() / 4 * 3).enumerate() {
        // The frame it resembles most is the one that went in, not a neighbour.
        let distance = |candidate: u32| -> u64 {
            let picture = picture(SMALL, candidate);
            let pixels = picture.chunks_exact(4).zip(rgb.chunks_exact(3));
            pixels
                .map(|(bgra, rgb)| u64::from(bgra[2].abs_diff(rgb[0])))
                .sum()
        };
        let nearest = (0..20).min_by_key(|candidate| distance(*candidate));
        assert_eq!(nearest, Some(frame as u32));
    }
}

#[tokio::test]
async fn colours_come_back_within_three_levels() {
    const COLOURS: [[u8; 3]; 10] = [
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [255, 255, 255],
        [0, 0, 0],
        [64, 64, 64],
        [128, 128, 128],
        [200, 200, 200],
        [0, 255, 255],
        [120, 40, 200],
    ];
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bars.mp4");
    // Odd on both sides: padding must not shift anything.
    let encoding = Encoding {
        size: FrameSize {
            width: 319,
            height: 65,
        },
        ..encoding("30")
    };
    let bar = |x: usize| COLOURS[(x / 32).min(9)];
    let mut bgra = Vec::new();
    for _ in 0..65 {
        for x in 0..319 {
            let [r, g, b] = bar(x);
            bgra.extend([b, g, r, 255]);
        }
    }
    let mut encoder = SegmentEncoder::start(&ffmpeg, &encoding, 5, &out)
        .await
        .unwrap();
    encoder.frame(frame(encoding.size, &bgra)).await.unwrap();
    for _ in 1..5 {
        encoder.repeat().await.unwrap();
    }
    encoder.finish().await.unwrap();
    gate(&ffmpeg, &out, &Expected::of(&encoding, 5))
        .await
        .unwrap();
    let rgb = decode(&out);
    assert_eq!(rgb.len(), 5 * 320 * 66 * 3);
    for (colour, wanted) in COLOURS.iter().enumerate() {
        let middle = (33 * 320 + colour * 32 + 16) * 3;
        for (found, wanted) in rgb[middle..middle + 3].iter().zip(wanted) {
            assert!(found.abs_diff(*wanted) <= 3, "{colour}: {found} {wanted}");
        }
    }
}

#[tokio::test]
async fn a_repeated_frame_is_the_frame_again() {
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    let mut films = Vec::new();
    for repeats in [true, false] {
        let out = folder.path().join(format!("{repeats}.mp4"));
        let mut encoder = SegmentEncoder::start(&ffmpeg, &encoding("30"), 9, &out)
            .await
            .unwrap();
        for frame in 0..9 {
            if repeats && frame % 3 != 0 {
                encoder.repeat().await.unwrap();
            } else {
                encoder.frame(small(frame / 3 * 3)).await.unwrap();
            }
        }
        encoder.finish().await.unwrap();
        films.push(fs::read(out).unwrap());
    }
    assert!(films[0] == films[1]);
}

#[tokio::test]
async fn spent_frames_come_back() {
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.mp4");
    let mut encoder = SegmentEncoder::start(&ffmpeg, &encoding("30"), 50, &out)
        .await
        .unwrap();
    let (mut places, mut next) = (Vec::new(), I420::new(SMALL));
    for number in 0..50 {
        Converter::new(SMALL).frame(&picture(SMALL, number), &mut next);
        let place = next.as_bytes().as_ptr();
        if !places.contains(&place) {
            places.push(place);
        }
        next = encoder.frame(next).await.unwrap();
    }
    encoder.finish().await.unwrap();
    // Two in the queue, two with the thread (one that it is handed, one that it may have to
    // repeat), one with us.
    assert!(places.len() <= 5, "{places:?}");
}

#[tokio::test]
async fn a_killed_ffmpeg_is_noticed_and_leaves_nothing() {
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    for frames_before in [0, 1, 20] {
        let out = folder.path().join("a.mp4");
        let mut encoder = SegmentEncoder::start(&ffmpeg, &encoding("30"), 1000, &out)
            .await
            .unwrap();
        for frame in 0..frames_before {
            encoder.frame(small(frame)).await.unwrap();
        }
        kill(encoder.process_id());
        let mut noticed = None;
        for frame in 0..900 {
            if let Err(error) = encoder.frame(small(frame)).await {
                noticed = Some(error);
                break;
            }
        }
        let error = noticed.expect("900 frames went to a dead ffmpeg");
        assert!(is_retryable(&error) && error.code() == "FW0303", "{error}");
        assert!(error.to_string().contains("signal: 9"), "{error}");
        drop(encoder);
        assert_eq!(files(folder.path()), [""; 0]);
    }
}

#[tokio::test]
async fn an_ffmpeg_killed_at_the_end_is_no_success() {
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.mp4");
    let mut encoder = SegmentEncoder::start(&ffmpeg, &encoding("30"), 2, &out)
        .await
        .unwrap();
    encoder.frame(small(0)).await.unwrap();
    encoder.frame(small(1)).await.unwrap();
    kill(encoder.process_id());
    assert!(is_retryable(&encoder.finish().await.unwrap_err()));
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_disk_without_room_is_no_success() {
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.mp4");
    // Every write to it fails as on a full disk.
    std::os::unix::fs::symlink("/dev/full", folder.path().join("a.mp4.part")).unwrap();
    let mut encoder = SegmentEncoder::start(&ffmpeg, &encoding("30"), 2, &out)
        .await
        .unwrap();
    encoder.frame(small(0)).await.unwrap();
    encoder.frame(small(1)).await.unwrap();
    let error = encoder.finish().await.unwrap_err();
    assert!(is_retryable(&error) && error.hint().is_some(), "{error}");
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn an_abandoned_segment_leaves_neither_file_nor_process() {
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.mp4");
    let mut encoder = SegmentEncoder::start(&ffmpeg, &encoding("30"), 90, &out)
        .await
        .unwrap();
    for frame in 0..9 {
        encoder.frame(small(frame)).await.unwrap();
    }
    let id = encoder.process_id();
    drop(encoder);
    while fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_wrong_number_or_size_of_frames_is_refused() {
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.mp4");
    let start = |frames| SegmentEncoder::start(&ffmpeg, &ENCODING, frames, &out);
    const ENCODING: Encoding = Encoding {
        size: SMALL,
        fps: Fps::DEFAULT,
        quality: Quality::Draft,
    };

    assert!(matches!(start(0).await, Err(EncodeError::Nothing)));
    let mut encoder = start(2).await.unwrap();
    let early = encoder.repeat().await.unwrap_err();
    assert!(matches!(early, EncodeError::NothingToRepeat));
    let wide = FrameSize {
        width: 162,
        height: 90,
    };
    let other = encoder.frame(I420::new(wide)).await.unwrap_err();
    assert!(matches!(other, EncodeError::FrameSize { found, .. } if found == wide));
    encoder.frame(small(0)).await.unwrap();
    let few = encoder.finish().await.unwrap_err();
    assert_eq!(few.to_string(), "a segment of 2 frames was given 1");

    let mut encoder = start(1).await.unwrap();
    encoder.frame(small(0)).await.unwrap();
    let many = encoder.repeat().await.unwrap_err();
    assert_eq!(many.to_string(), "a segment of 1 frames was given 2");
    encoder.finish().await.unwrap();
    assert_eq!(files(folder.path()), ["a.mp4"]);
}

#[tokio::test]
async fn the_gate_names_what_is_off() {
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let encoding = encoding("30");
    let film = segment(&ffmpeg, &encoding, 0..12, at("film.mp4")).await;
    let good = Expected::of(&encoding, 12);
    let bytes = fs::read(&film).unwrap();
    fs::write(at("cut.mp4"), &bytes[..bytes.len() / 2]).unwrap();
    make(
        &at("sound.mp4"),
        &["-f", "lavfi", "-i", "sine=d=0.4", "-shortest"],
        &film,
    );
    make(&at("late.mp4"), &["-output_ts_offset", "1"], &film);
    make(
        &at("grey.mp4"),
        &["-bsf:v", "h264_metadata=colour_primaries=5"],
        &film,
    );
    fs::write(at("text.mp4"), "no film").unwrap();

    let refused = async |name: &str, expected: Expected| {
        let result = gate(&ffmpeg, &folder.path().join(name), &expected).await;
        match result {
            Err(EncodeError::Gate(defect)) => defect,
            other => panic!("{name}: {other:?}"),
        }
    };
    assert_eq!(gate(&ffmpeg, &film, &good).await.unwrap().frames, 12);
    let frames = |frames| Expected { frames, ..good };
    assert_eq!(
        refused("film.mp4", frames(13)).await.to_string(),
        "it must have 13 frames and has 12"
    );
    let found = refused("film.mp4", frames(11)).await;
    assert!(matches!(found, Defect::Frames { found: 12, .. }), "{found}");
    let fps = Fps::new(60, 1).unwrap();
    let found = refused("film.mp4", Expected { fps, ..good }).await;
    assert!(matches!(found, Defect::Duration { .. }), "{found}");
    let fps = Fps::new(25, 1).unwrap();
    let found = refused("film.mp4", Expected { fps, ..good }).await;
    assert!(matches!(found, Defect::FrameTime { .. }), "{found}");
    let size = FrameSize {
        width: 160,
        height: 92,
    };
    let found = refused("film.mp4", Expected { size, ..good }).await;
    assert!(matches!(found, Defect::Size { .. }), "{found}");
    for name in ["cut.mp4", "text.mp4"] {
        let found = refused(name, good).await;
        assert!(matches!(found, Defect::Unreadable(_)), "{name}: {found}");
        assert!(!found.to_string().contains('/'), "{found}");
    }
    let found = refused("sound.mp4", good).await;
    assert_eq!(
        found.to_string(),
        "it must hold one video stream and holds video and audio"
    );
    let found = refused("late.mp4", good).await;
    assert_eq!(found, Defect::Start(1.0));
    let found = refused("grey.mp4", good).await;
    assert_eq!(
        found.to_string(),
        "its color_primaries must be `bt709` and is `bt470bg`"
    );
}

#[tokio::test]
async fn a_segment_that_is_missing_or_torn_ends_the_join() {
    let ffmpeg = ffmpeg().await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let encoding = encoding("30");
    let good = segment(&ffmpeg, &encoding, 0..5, at("0.mp4")).await;
    fs::write(at("torn.mp4"), &fs::read(&good).unwrap()[..900]).unwrap();
    for bad in ["missing.mp4", "torn.mp4"] {
        let segments = [good.clone(), at(bad), good.clone()];
        let error = join(&ffmpeg, encoding.fps, &segments, &at("film.mp4")).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), "FW0303", "{error}");
        let shown = error.to_string();
        assert!(!shown.contains(folder.path().to_str().unwrap()), "{shown}");
    }
    let none: [&Path; 0] = [];
    let nothing = join(&ffmpeg, encoding.fps, &none, &at("film.mp4")).await;
    assert!(matches!(nothing, Err(EncodeError::Nothing)));
    assert_eq!(files(folder.path()), ["0.mp4", "torn.mp4"]);
}

#[tokio::test]
async fn an_ffmpeg_that_will_not_do_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Ffmpeg::find(Some(&folder.path().join("ffmpeg"))).await;
    let missing = missing.unwrap_err();
    assert_eq!(missing.code(), "FW0301");
    assert!(
        missing
            .hint()
            .unwrap()
            .contains("install Debian's `ffmpeg`")
    );

    // The real one, as if it had been built without x264.
    let poor = folder.path().join("poor");
    let real = ffmpeg().await.ffmpeg;
    let script = format!(
        "#!/bin/sh\nexec {} $(echo \"$@\" | sed s/libx264/libnone/)\n",
        real.display()
    );
    fs::write(&poor, script).unwrap();
    fs::set_permissions(&poor, fs::Permissions::from_mode(0o755)).unwrap();
    let poor = Ffmpeg::find(Some(&poor)).await.unwrap_err();
    assert!(matches!(poor, EncodeError::NoX264) && poor.hint().is_some());

    let version = ffmpeg().await.version;
    assert!(
        version.starts_with("ffmpeg ") && version.contains(", x264 core 1"),
        "{version}"
    );
}

/// A film as rgb24 frames, through swscale's exact paths.
fn decode(film: &Path) -> Vec<u8> {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(film)
        .args(["-fps_mode", "passthrough", "-vf"])
        .arg("scale=flags=bicubic+accurate_rnd+full_chroma_int:in_color_matrix=bt709")
        .args(["-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"])
        .output()
        .unwrap();
    assert!(
        run.status.success() && run.stderr.is_empty(),
        "{:?}",
        String::from_utf8(run.stderr)
    );
    run.stdout
}

/// A copy of `film` with something done to it.
fn make(out: &Path, args: &[&str], film: &Path) {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y", "-i"])
        .arg(film)
        .args(args)
        .args(["-c:v", "copy"])
        .arg(out)
        .output()
        .unwrap();
    assert!(run.status.success(), "{:?}", String::from_utf8(run.stderr));
}

fn kill(id: u32) {
    // No program: a bare machine has no `kill`.
    let pid = rustix::process::Pid::from_raw(id.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
