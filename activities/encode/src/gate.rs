use crate::{Defect, EncodeError, Encoding, Ffmpeg, child::Child};
use framewright_film::{Fps, FrameSize};
use std::{collections::HashMap, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::ChildStdout,
};

/// Reading a film's index and all packets is disk speed; ten minutes are a broken disk.
const BUDGET: Duration = Duration::from_secs(600);

/// What is asked of ffprobe.
const ENTRIES: &str = "packet=pts,dts,flags:format=duration,size:stream=codec_type,codec_name,width,height,\
pix_fmt,color_range,color_space,color_transfer,color_primaries,time_base,start_time,duration";

/// What the stream must be, in ffprobe's words.
const PROPERTIES: [(&str, &str); 6] = [
    ("codec_name", "h264"),
    ("pix_fmt", "yuv420p"),
    ("color_range", "tv"),
    ("color_space", "bt709"),
    ("color_transfer", "bt709"),
    ("color_primaries", "bt709"),
];

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

/// What ffprobe says of a file.
#[derive(Debug, Default)]
struct Report {
    streams: Vec<Facts>,
    format: Facts,
    packets: Vec<Packet>,
}

/// Properties by name, as ffprobe writes them.
#[derive(Debug, Default)]
struct Facts(HashMap<String, String>);

/// When a packet is shown and decoded, in ticks, and whether it is a key frame.
#[derive(Clone, Copy, Debug)]
struct Packet {
    shown: i64,
    decoded: i64,
    key: bool,
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
    let mut packets = Packets::new(expected, tick);
    report
        .packets
        .iter()
        .try_for_each(|&packet| packets.take(packet))?;
    if packets.count != expected.frames {
        return Err(Defect::Frames {
            expected: expected.frames,
            found: packets.count,
        }
        .into());
    }
    // After the count, which says more when both are off.
    let (seconds, bytes) = check_length(&report, expected)?;
    Ok(Measured {
        frames: packets.count,
        seconds,
        bytes,
    })
}

/// One look at the file: starting ffprobe takes longer than reading the index of a short film.
async fn report(ffmpeg: &Ffmpeg, file: &Path) -> Result<Report, EncodeError> {
    let mut command = ffmpeg.probe();
    command
        .args(["-show_entries", ENTRIES, "-of", "compact"])
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = Child::start("ffprobe", "reading the film", command).await?;
    let mut report = Report::default();
    if let Some(stdout) = child.process.take_stdout() {
        child.owes(report.read(stdout), BUDGET).await??;
    }
    match child.succeed(BUDGET).await {
        // One that was killed says nothing about the film.
        Err(EncodeError::Ended {
            said, signal: None, ..
        }) => Err(Defect::Unreadable(said).into()),
        ended => ended.map(|()| report),
    }
}

/// Checks all but times; returns the length of a tick in seconds.
fn check_streams(report: &Report, expected: &Expected) -> Result<f64, Defect> {
    let [stream] = report.streams.as_slice() else {
        let kinds: Vec<_> = report.streams.iter().map(|s| s.get("codec_type")).collect();
        return Err(Defect::Streams(match kinds.as_slice() {
            [] => "none".to_owned(),
            kinds => kinds.join(" and "),
        }));
    };
    if stream.get("codec_type") != "video" {
        return Err(Defect::Streams(stream.get("codec_type").to_owned()));
    }
    for (property, wanted) in PROPERTIES {
        let found = stream.get(property);
        if wanted != found {
            return Err(Defect::Property {
                property,
                expected: wanted,
                found: found.to_owned(),
            });
        }
    }
    let found = FrameSize {
        width: stream.get("width").parse().unwrap_or(0),
        height: stream.get("height").parse().unwrap_or(0),
    };
    if found != expected.size {
        let expected = expected.size;
        return Err(Defect::Size { expected, found });
    }
    let base = stream.get("time_base");
    let parts = base.split_once('/');
    parts
        .and_then(|(num, den)| Some(num.parse::<f64>().ok()? / den.parse::<f64>().ok()?))
        .filter(|tick| tick.is_finite() && *tick > 0.0)
        .ok_or_else(|| Defect::Unreadable(format!("time base `{base}`")))
}

fn check_length(report: &Report, expected: &Expected) -> Result<(f64, u64), Defect> {
    let number = |facts: &Facts, name: &str| {
        let number = facts.get(name).parse::<f64>();
        number.map_err(|_| Defect::Unreadable(format!("it has no `{name}`")))
    };
    let stream = report.streams.first().unwrap_or(&report.format);
    let start = number(stream, "start_time")?;
    if start != 0.0 {
        return Err(Defect::Start(start));
    }
    let wanted = expected.fps.seconds_at(expected.frames);
    let half_a_frame = expected.fps.seconds_at(1) / 2.0;
    let mut seconds = wanted;
    for facts in [stream, &report.format] {
        seconds = number(facts, "duration")?;
        if (seconds - wanted).abs() > half_a_frame {
            return Err(Defect::Duration {
                frames: expected.frames,
                fps: expected.fps,
                expected: wanted,
                found: seconds,
            });
        }
    }
    let bytes = report.format.get("size").parse().unwrap_or_default();
    Ok((seconds, bytes))
}

impl Report {
    async fn read(&mut self, stdout: ChildStdout) -> Result<(), EncodeError> {
        let mut lines = BufReader::new(stdout).lines();
        let reading = || EncodeError::io("reading ffprobe's report");
        while let Some(line) = lines.next_line().await.map_err(reading())? {
            self.take(&line)?;
        }
        Ok(())
    }

    /// One line: `packet|pts=0|dts=-512|flags=K_`.
    fn take(&mut self, line: &str) -> Result<(), Defect> {
        let mut fields = line.split('|');
        let section = fields.next().unwrap_or_default();
        let pairs = fields.filter_map(|field| field.split_once('='));
        let facts = Facts(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect());
        match section {
            "packet" => {
                let time = |name| facts.get(name).parse::<i64>().ok();
                let (Some(shown), Some(decoded)) = (time("pts"), time("dts")) else {
                    return Err(Defect::Unreadable(format!(
                        "a packet without times: {line}"
                    )));
                };
                let key = facts.get("flags").starts_with('K');
                self.packets.push(Packet {
                    shown,
                    decoded,
                    key,
                });
            }
            "stream" => self.streams.push(facts),
            "format" => self.format = facts,
            // Of what a packet carries beside its frame.
            _ => {}
        }
        Ok(())
    }
}

impl Facts {
    /// Empty if the file does not say.
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
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

    fn take(&mut self, packet: Packet) -> Result<(), Defect> {
        let Packet {
            shown,
            decoded,
            key,
        } = packet;
        let packet = self.count;
        self.count += 1;
        if packet == 0 && !key {
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
    use super::{Expected, Packets, Report};
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
            let mut report = Report::default();
            for line in lines {
                report.take(&format!("packet|{line}"))?;
            }
            let mut packets = Packets::new(&Expected { frames, fps, size }, 1.0 / 15360.0);
            report.packets.iter().try_for_each(|&p| packets.take(p))
        };
        let time = |packet, ticks: u32| Defect::FrameTime {
            packet,
            seconds: f64::from(ticks) / 15360.0,
        };
        assert_eq!(
            read(&[
                "pts=0|dts=-1024|flags=K__",
                "pts=1024|dts=-512|flags=__",
                "pts=512|dts=0|flags=_"
            ]),
            Ok(())
        );
        assert_eq!(read(&["pts=0|dts=0|flags=__"]), Err(Defect::NoKeyFrame));
        assert_eq!(
            read(&["pts=0|dts=0|flags=K", "pts=512|dts=0|flags=_"]),
            Err(Defect::DecodingTime(1))
        );
        assert_eq!(
            read(&["pts=0|dts=0|flags=K", "pts=0|dts=512|flags=_"]),
            Err(time(1, 0))
        );
        assert_eq!(
            read(&["pts=0|dts=0|flags=K", "pts=600|dts=512|flags=_"]),
            Err(time(1, 600))
        );
        assert!(matches!(
            read(&["pts=N/A|dts=0|flags=K_"]),
            Err(Defect::Unreadable(_))
        ));
    }
}
