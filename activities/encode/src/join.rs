use crate::{
    EncodeError, Ffmpeg,
    child::Child,
    encoding::{container_args, frame_ticks},
    part::{Part, STDOUT},
};
use framewright_film::Fps;
use std::{
    path::{Path, absolute},
    process::Stdio,
    time::Duration,
};
use tokio::io::AsyncWriteExt as _;

/// A film is copied twice (the second time to put its index first), at disk speed.
const BUDGET: Duration = Duration::from_secs(600);

/// Joins finished segments of a film at `fps`, in order, into `out` by copy.
///
/// The same segments give the same bytes. What was at `out` is replaced, when all is done.
///
/// # Errors
/// When there are no segments, when ffmpeg cannot read one, or when it takes longer than ten
/// minutes.
pub async fn join(
    ffmpeg: &Ffmpeg,
    fps: Fps,
    segments: &[impl AsRef<Path>],
    out: &Path,
) -> Result<(), EncodeError> {
    if segments.is_empty() {
        return Err(EncodeError::Nothing);
    }
    let mut list = Vec::from(*b"ffconcat version 1.0\n");
    for segment in segments {
        list.extend(list_line(segment.as_ref())?);
    }
    let (part, stdout) = Part::begin(out)?;
    let ticks = frame_ticks(fps);
    let mut command = ffmpeg.command();
    command
        // A segment that cannot be read must end the join; by default ffmpeg goes on without it.
        .args(["-xerror", "-f", "concat", "-safe", "0"])
        .args(["-protocol_whitelist", "file,pipe", "-i", "pipe:0"])
        .args(["-map", "0:v:0", "-c", "copy", "-bsf:v"])
        // The demuxer adds up the segments' lengths in microseconds: put each time back onto
        // its frame, before what was rounded away adds up to one.
        .arg(format!(
            "setts=pts=round(PTS/{ticks})*{ticks}:dts=round(DTS/{ticks})*{ticks}"
        ))
        .args(container_args(fps))
        .args(["-movflags", "+faststart"])
        .arg(STDOUT)
        .stdin(Stdio::piped())
        .stdout(stdout);
    let mut child = Child::start("ffmpeg", "joining segments", command).await?;
    let stdin = child.process.take_stdin();
    let tell = async {
        if let Some(mut stdin) = stdin {
            // An ffmpeg that does not listen says why by its status.
            let _ = stdin.write_all(&list).await;
        }
    };
    child.owes(tell, BUDGET).await?;
    child.succeed(BUDGET).await?;
    part.finish()
}

/// `file '…'`, quoted as ffmpeg's scripts want it.
fn list_line(segment: &Path) -> Result<Vec<u8>, EncodeError> {
    use std::os::unix::ffi::OsStrExt as _;
    let path = absolute(segment).map_err(EncodeError::io("naming a segment"))?;
    let mut line = Vec::from(*b"file 'file:");
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'\'' => line.extend(b"'\\''"),
            b'\n' => {
                let source = std::io::ErrorKind::InvalidFilename.into();
                return Err(EncodeError::io("naming a segment")(source));
            }
            other => line.push(other),
        }
    }
    line.extend(b"'\n");
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::list_line;
    use std::path::Path;

    #[test]
    fn a_quote_in_a_name_ends_no_quotation() {
        let line = list_line(Path::new("/it's/a.mp4")).unwrap();
        assert_eq!(
            line,
            br"file 'file:/it'\''s/a.mp4'"
                .iter()
                .chain(b"\n")
                .copied()
                .collect::<Vec<_>>()
        );
        assert!(list_line(Path::new("/a\nfile b")).is_err());
    }
}
