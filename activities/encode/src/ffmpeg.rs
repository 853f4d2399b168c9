use crate::{EncodeError, child};
use serde::{Deserialize, Serialize};
use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::process::Command;

const BUDGET: Duration = Duration::from_secs(20);
/// What glibc's allocator reads at a program's start; other C libraries ignore it.
const TUNABLES: &str = "GLIBC_TUNABLES";
/// Of the 9,800 page faults of a segment of a second at 1080p, 6,300 are x264's heap; with pages of
/// 2 MB, where the system gives them to who asks, 2,800 are left.
const HUGE_PAGES: &str = "glibc.malloc.hugetlb=1";

/// The two programs, found and known to make H.264.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ffmpeg {
    /// The encoder.
    pub ffmpeg: PathBuf,
    /// The gauge.
    pub ffprobe: PathBuf,
    /// Versions of ffmpeg and x264 in one line. Both decide bytes: this belongs in the toolchain's
    /// fingerprint.
    pub version: String,
}

impl Ffmpeg {
    /// Finds ffmpeg: the program that is `named`, else the one in `FRAMEWRIGHT_FFMPEG`, else the
    /// first in `PATH`. ffprobe is the one in `FRAMEWRIGHT_FFPROBE`, else the one beside an ffmpeg
    /// that was named, else the first in `PATH`.
    ///
    /// # Errors
    /// [`EncodeError::Missing`], [`EncodeError::NoX264`], or what a program says that does not do
    /// what these do.
    pub async fn find(named: Option<&Path>) -> Result<Self, EncodeError> {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
        let (ffmpeg, place) = match (named, variable("FRAMEWRIGHT_FFMPEG")) {
            (Some(path), _) => (Some(path.to_owned()), "the option"),
            (None, Some(path)) => (Some(PathBuf::from(path)), "FRAMEWRIGHT_FFMPEG"),
            (None, None) => (None, "PATH"),
        };
        let beside = ffmpeg
            .as_deref()
            .map(|path| path.with_file_name("ffprobe"))
            .filter(|path| is_program(path));
        let ffmpeg = ffmpeg.or_else(|| in_path("ffmpeg"));
        let ffmpeg = existing(ffmpeg, "ffmpeg", place)?;
        let (ffprobe, place) = match variable("FRAMEWRIGHT_FFPROBE") {
            Some(path) => (Some(PathBuf::from(path)), "FRAMEWRIGHT_FFPROBE"),
            None => (beside.or_else(|| in_path("ffprobe")), "PATH"),
        };
        let ffprobe = existing(ffprobe, "ffprobe", place)?;

        // Starting ffmpeg costs 60 ms, most of which it spends looking for its libraries.
        let (ffmpeg_version, x264) = tokio::try_join!(version(&ffmpeg), x264_version(&ffmpeg))?;
        let version = format!("ffmpeg {ffmpeg_version}, {x264}");
        tracing::debug!(version, "ffmpeg found");
        Ok(Self {
            ffmpeg,
            ffprobe,
            version,
        })
    }

    /// A run of ffmpeg that reports errors and asks nothing.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.ffmpeg);
        command.env(TUNABLES, tunables(env::var(TUNABLES).ok()));
        command.args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y"]);
        command
    }

    pub(crate) fn probe(&self) -> Command {
        let mut command = Command::new(&self.ffprobe);
        command.args(["-hide_banner", "-loglevel", "error"]);
        command
    }
}

/// Huge pages, unless who started us has decided about them.
fn tunables(inherited: Option<String>) -> String {
    match inherited {
        Some(set) if set.contains("glibc.malloc.hugetlb=") => set,
        Some(set) if !set.is_empty() => format!("{set}:{HUGE_PAGES}"),
        _ => HUGE_PAGES.to_owned(),
    }
}

fn existing(
    found: Option<PathBuf>,
    program: &'static str,
    place: &'static str,
) -> Result<PathBuf, EncodeError> {
    found
        .filter(|path| is_program(path))
        .ok_or(EncodeError::Missing { program, place })
}

fn in_path(program: &str) -> Option<PathBuf> {
    env::split_paths(env::var_os("PATH").as_deref().unwrap_or(OsStr::new("")))
        .map(|folder| folder.join(program))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// `5.1.9-0+deb12u1` of `ffmpeg version 5.1.9-0+deb12u1 Copyright …`.
async fn version(ffmpeg: &Path) -> Result<String, EncodeError> {
    let mut command = Command::new(ffmpeg);
    command.arg("-version");
    let said = child::output("ffmpeg", "telling its version", command, &[], BUDGET).await?;
    let said = String::from_utf8_lossy(&said);
    let version = said.strip_prefix("ffmpeg version ");
    let version = version.and_then(|rest| rest.split_whitespace().next());
    Ok(version.unwrap_or("unknown").to_owned())
}

/// x264 is a library of its own that can change under the same ffmpeg, and it names itself only in
/// what it encodes.
async fn x264_version(ffmpeg: &Path) -> Result<String, EncodeError> {
    const SIDE: usize = 16;
    /// H.264, annex B.
    const START_CODE: &[u8] = &[0, 0, 0, 1];
    let mut command = Command::new(ffmpeg);
    command.args(["-hide_banner", "-nostdin", "-loglevel", "error"]);
    command.args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size"]);
    command.args(["16x16", "-i", "pipe:0", "-c:v", "libx264", "-threads", "1"]);
    command.args(["-f", "h264", "pipe:1"]);
    let grey = [128; SIDE * SIDE * 3 / 2];
    let stream = match child::output("ffmpeg", "a trial of x264", command, &grey, BUDGET).await {
        Err(EncodeError::Ended { said, .. }) if said.contains("Unknown encoder") => {
            return Err(EncodeError::NoX264);
        }
        Ok(stream) if !stream.starts_with(START_CODE) => return Err(EncodeError::NoX264),
        stream => stream?,
    };
    let text = String::from_utf8_lossy(&stream);
    let version = text.split_once("x264 - core ").and_then(|(_, rest)| {
        let words = rest.split(" - ").next()?;
        (words.len() < 64).then(|| format!("x264 core {words}"))
    });
    Ok(version.unwrap_or_else(|| "x264 of unknown version".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::tunables;

    #[test]
    fn tunables_of_others_are_kept() {
        let set = |set: &str| tunables(Some(set.to_owned()));
        assert_eq!(tunables(None), "glibc.malloc.hugetlb=1");
        assert_eq!(set(""), "glibc.malloc.hugetlb=1");
        assert_eq!(
            set("glibc.malloc.check=3"),
            "glibc.malloc.check=3:glibc.malloc.hugetlb=1"
        );
        assert_eq!(set("glibc.malloc.hugetlb=0"), "glibc.malloc.hugetlb=0");
    }
}
