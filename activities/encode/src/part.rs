use crate::{EncodeError, whole::is_whole};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

/// The name under which ffmpeg finds the file it was given as standard output. Unlike `pipe:1` it
/// can seek there, and unlike the file's own name it cannot bring the file back once removed.
pub(crate) const STDOUT: &str = "/proc/self/fd/1";

/// A file that has its name only once it is whole.
#[derive(Debug)]
pub(crate) struct Part {
    part: PathBuf,
    whole: PathBuf,
}

impl Part {
    /// Begins `whole` as `whole` + `.part`, and opens it for a child's standard output.
    pub(crate) fn begin(whole: &Path) -> Result<(Self, Stdio), EncodeError> {
        let mut part = whole.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(EncodeError::io("making a file for the film"))?;
        let whole = whole.to_owned();
        Ok((Self { part, whole }, file.into()))
    }

    /// Gives the file its name, in place of what had it before. An mp4 that is not whole gets none.
    pub(crate) fn finish(self) -> Result<(), EncodeError> {
        let whole =
            is_whole(&self.part).map_err(EncodeError::io("looking at the finished file"))?;
        if !whole {
            return Err(EncodeError::Torn);
        }
        fs::rename(&self.part, &self.whole).map_err(EncodeError::io("naming the finished file"))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Already gone after `finish`.
        let _ = fs::remove_file(&self.part);
    }
}
