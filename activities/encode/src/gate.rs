use crate::{Defect, EncodeError, Encoding, Ffmpeg, child, child::Child};
use framewright_film::{Fps, FrameSize};
use serde::Deserialize;
use std::{path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::ChildStdout,
    time::timeout,
};

/// Reading a film's index and all packets is disk speed; ten minutes are a broken disk.
const BUDGET: Duration = Duration::from_secs(600);

/// What a finished film must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Frames of the film.
    pub frames: u32,
    /// Its frame rate.
    pub fps: Fps,
    /// Its size, both sides even.
    pub size: FrameSize,
}

/// What a finished film is, as far as it was measured; it passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Frames counted, one by one.
    pub frames: u32,
    /// Length in seconds, as the file says.
    pub seconds: f64,
    /// The file's size.
    pub bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
    format: Option<Format>,
}

#[derive(Debug, Deserialize)]
struct Format {
    duration: Option<String>,
    size: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stream {
    codec_type: String,
    codec_name: String,
    width: u32,
    height: u32,
    pix_fmt: String,
    color_range: String,
    color_space: String,
    color_transfer: String,
    color_primaries: String,
    time_base: String,
    start_time: String,
    duration: String,
}

/// Follows the packets of a film in the file's order.
struct Packets {
    /// Seconds of one tick of the times below.
    tick: f64,
    fps: Fps,
    /// Which frames were seen, by number.
    seen: Vec<bool>,
    count: u32,
    last_decoding_time: Option<i64>,
}

impl Expected {
    /// What `frames` frames become under `encoding`.
    pub fn of(encoding: &Encoding, frames: u32) -> Self {
        Self {
            frames,
            fps: encoding.fps,
            size: encoding.size.even(),
        }
    }
}

/// Measures the film in `file` and refuses it unless it is `expected`.
///
/// Nothing is decoded: streams, size, colour tags and length come from the file's index, and every
/// packet is counted and its times compared with its frame's.
///
/// # Errors
/// [`EncodeError::Gate`] with the first fact that is off; others when ffprobe cannot be run.
pub async fn gate(
    ffmpeg: &Ffmpeg,
    file: &Path,
    expected: &Expected,
) -> Result<Measured, EncodeError> {
    let report = report(ffmpeg, file).await?;
    let tick = check_streams(&report, expected)?;
    let frames = count_packets(ffmpeg, file, expected, tick).await?;
    // After the count, which says more when both are off.
    let (seconds, bytes) = check_length(&report, expected)?;
    Ok(Measured {
        frames,
        seconds,
        bytes,
    })
}

async fn report(ffmpeg: &Ffmpeg, file: &Path) -> Result<Report, EncodeError> {
    let mut command = ffmpeg.probe();
    command.args(["-show_streams", "-show_format", "-of", "json"]);
    command.arg(file);
    let json = match child::output("ffprobe", "reading the film", command, &[], BUDGET).await {
        Ok(json) => json,
        Err(EncodeError::Ended { said, .. }) => return Err(Defect::Unreadable(said).into()),
        Err(other) => return Err(other),
    };
    serde_json::from_slice(&json)
        .map_err(|error| Defect::Unreadable(format!("ffprobe's report: {error}")).into())
}

/// Checks all but times; returns the length of a tick in seconds.
fn check_streams(report: &Report, expected: &Expected) -> Result<f64, Defect> {
    let [stream] = report.streams.as_slice() else {
        let kinds: Vec<_> = report.streams.iter().map(|s| &*s.codec_type).collect();
        return Err(Defect::Streams(match kinds.as_slice() {
            [] => "none".to_owned(),
            kinds => kinds.join(" and "),
        }));
    };
    if stream.codec_type != "video" {
        return Err(Defect::Streams(stream.codec_type.clone()));
    }
    let properties = [
        ("codec_name", "h264", &stream.codec_name),
        ("pix_fmt", "yuv420p", &stream.pix_fmt),
        ("color_range", "tv", &stream.color_range),
        ("color_space", "bt709", &stream.color_space),
        ("color_transfer", "bt709", &stream.color_transfer),
        ("color_primaries", "bt709", &stream.color_primaries),
    ];
    for (property, wanted, found) in properties {
        if wanted != found {
            return Err(Defect::Property {
                property,
                expected: wanted,
                found: found.clone(),
            });
        }
    }
    let found = FrameSize {
        width: stream.width,
        height: stream.height,
    };
    if found != expected.size {
        let expected = expected.size;
        return Err(Defect::Size { expected, found });
    }
    let base = stream.time_base.split_once('/');
    base.and_then(|(num, den)| Some(num.parse::<f64>().ok()? / den.parse::<f64>().ok()?))
        .filter(|tick| tick.is_finite() && *tick > 0.0)
        .ok_or_else(|| Defect::Unreadable(format!("time base `{}`", stream.time_base)))
}

async fn count_packets(
    ffmpeg: &Ffmpeg,
    file: &Path,
    expected: &Expected,
    tick: f64,
) -> Result<u32, EncodeError> {
    let mut command = ffmpeg.probe();
    command.args(["-select_streams", "v:0", "-of", "csv=p=0"]);
    command.args(["-show_entries", "packet=pts,dts,flags"]);
    command
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = Child::start("ffprobe", "counting frames", command).await?;
    let mut packets = Packets::new(expected, tick);
    if let Some(stdout) = child.process.take_stdout() {
        match timeout(BUDGET, packets.read(stdout)).await {
            Ok(read) => read?,
            Err(_) => return Err(child.timed_out(BUDGET)),
        }
    }
    child.succeed(BUDGET).await?;
    if packets.count != expected.frames {
        return Err(Defect::Frames {
            expected: expected.frames,
            found: packets.count,
        }
        .into());
    }
    Ok(packets.count)
}

fn check_length(report: &Report, expected: &Expected) -> Result<(f64, u64), Defect> {
    let number = |text: Option<&str>, what: &str| {
        text.and_then(|text| text.parse::<f64>().ok())
            .ok_or_else(|| Defect::Unreadable(format!("it has no {what}")))
    };
    let stream = report.streams.first();
    let start = number(stream.map(|s| &*s.start_time), "start time")?;
    if start != 0.0 {
        return Err(Defect::Start(start));
    }
    let wanted = expected.fps.seconds_at(expected.frames);
    let half_a_frame = expected.fps.seconds_at(1) / 2.0;
    let format = report.format.as_ref();
    let lengths = [
        stream.map(|s| &*s.duration),
        format.and_then(|f| f.duration.as_deref()),
    ];
    let mut seconds = wanted;
    for length in lengths {
        seconds = number(length, "duration")?;
        if (seconds - wanted).abs() > half_a_frame {
            return Err(Defect::Duration {
                frames: expected.frames,
                fps: expected.fps,
                expected: wanted,
                found: seconds,
            });
        }
    }
    let size = format.and_then(|f| f.size.as_deref());
    let bytes = size.and_then(|size| size.parse().ok()).unwrap_or_default();
    Ok((seconds, bytes))
}

impl Packets {
    fn new(expected: &Expected, tick: f64) -> Self {
        Self {
            tick,
            fps: expected.fps,
            seen: vec![false; expected.frames as usize],
            count: 0,
            last_decoding_time: None,
        }
    }

    async fn read(&mut self, stdout: ChildStdout) -> Result<(), EncodeError> {
        let mut lines = BufReader::new(stdout).lines();
        let reading = || EncodeError::io("reading ffprobe's report");
        while let Some(line) = lines.next_line().await.map_err(reading())? {
            if !line.is_empty() {
                self.take(&line)?;
            }
        }
        Ok(())
    }

    /// One line `pts,dts,flags`.
    fn take(&mut self, line: &str) -> Result<(), Defect> {
        let mut fields = line.split(',');
        let mut time = || fields.next()?.parse::<i64>().ok();
        let (Some(shown), Some(decoded)) = (time(), time()) else {
            return Err(Defect::Unreadable(format!(
                "a packet without times: {line}"
            )));
        };
        let packet = self.count;
        self.count += 1;
        if packet == 0 && !fields.next().is_some_and(|flags| flags.starts_with('K')) {
            return Err(Defect::NoKeyFrame);
        }
        if self.last_decoding_time.is_some_and(|last| decoded <= last) {
            return Err(Defect::DecodingTime(packet));
        }
        self.last_decoding_time = Some(decoded);

        let seconds = shown as f64 * self.tick;
        let exact = seconds * self.fps.as_f64();
        let on_a_frame = (exact - exact.round()).abs() < 0.01 && exact > -0.5;
        let seen = match exact.round() as usize {
            // Packets past the end are counted, and refused by their count.
            frame if frame >= self.seen.len() && on_a_frame => return Ok(()),
            frame if on_a_frame => &mut self.seen[frame],
            _ => return Err(Defect::FrameTime { packet, seconds }),
        };
        if std::mem::replace(seen, true) {
            return Err(Defect::FrameTime { packet, seconds });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Expected, Packets};
    use crate::Defect;
    use framewright_film::{Fps, FrameSize};

    /// Muxers repair such packets, so no file of them can be made to try the gate on.
    #[test]
    fn every_packet_has_a_frame_of_its_own() {
        let size = FrameSize {
            width: 2,
            height: 2,
        };
        let fps = Fps::DEFAULT;
        let read = |lines: &[&str]| {
            let frames = 4;
            let mut packets = Packets::new(&Expected { frames, fps, size }, 1.0 / 15360.0);
            lines.iter().try_for_each(|line| packets.take(line))
        };
        let time = |packet, ticks: u32| Defect::FrameTime {
            packet,
            seconds: f64::from(ticks) / 15360.0,
        };
        assert_eq!(read(&["0,-1024,K__", "1024,-512,__", "512,0,_"]), Ok(()));
        assert_eq!(read(&["0,0,__"]), Err(Defect::NoKeyFrame));
        assert_eq!(read(&["0,0,K", "512,0,_"]), Err(Defect::DecodingTime(1)));
        assert_eq!(read(&["0,0,K", "0,512,_"]), Err(time(1, 0)));
        assert_eq!(read(&["0,0,K", "600,512,_"]), Err(time(1, 600)));
        assert!(matches!(read(&["N/A,0,K"]), Err(Defect::Unreadable(_))));
    }
}
