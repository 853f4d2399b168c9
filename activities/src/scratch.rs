//! Where steps keep what nobody else needs: browser profiles, segments on their way.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// This process's own folder of scratch folders, gone when it ends well.
///
/// One that ends badly leaves its folder behind; the next to start on this machine removes it.
#[derive(Debug)]
pub struct Scratch {
    root: TempDir,
}

impl Scratch {
    /// Under `base`, or in the system's folder for temporary files.
    ///
    /// # Errors
    /// When no folder can be made there.
    pub fn open(base: Option<&Path>) -> io::Result<Self> {
        // SAFETY: geteuid cannot fail and takes nothing.
        #[allow(unsafe_code)]
        let user = unsafe { libc::geteuid() };
        let base = match base {
            Some(base) => base.to_owned(),
            None => std::env::temp_dir().join(format!("framewright-{user}")),
        };
        // Others may pass through and not look around: Chromium may run as another user.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&base)?;
        if fs::metadata(&base)?.uid() != user {
            let message = format!("{} belongs to somebody else", base.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        remove_orphans(&base)?;
        let me = std::process::id();
        let root = tempfile::Builder::new()
            .prefix(&format!("{me}-{}-", started(me).unwrap_or(0)))
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir_in(base)?;
        Ok(Self { root })
    }

    /// A new, empty folder that is removed when it is dropped.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, what: &str) -> io::Result<TempDir> {
        tempfile::Builder::new()
            .prefix(&format!("{what}-"))
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir_in(self.root.path())
    }

    /// The folder itself.
    pub fn path(&self) -> PathBuf {
        self.root.path().to_owned()
    }
}

fn remove_orphans(base: &Path) -> io::Result<()> {
    for entry in fs::read_dir(base)? {
        let entry = entry?;
        let name = entry.file_name();
        let mut parts = name.to_str().unwrap_or("").splitn(3, '-');
        let number = |part: Option<&str>| part.and_then(|text| text.parse::<u64>().ok());
        let (Some(pid), Some(start)) = (number(parts.next()), number(parts.next())) else {
            continue;
        };
        // A pid alone may have been given to another process since.
        if started(pid as u32) != Some(start) {
            tracing::info!(folder = %entry.path().display(), "removing what a dead process left");
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// When the process started, in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)).
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, so count from its end.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Scratch;

    #[test]
    fn what_the_dead_left_is_removed_and_the_living_keep_theirs() {
        let base = tempfile::tempdir().unwrap();
        let living = Scratch::open(Some(base.path())).unwrap();
        let kept = living.folder("profile").unwrap();
        let orphan = base.path().join("4194999-12345-abc");
        std::fs::create_dir(&orphan).unwrap();
        let _second = Scratch::open(Some(base.path())).unwrap();
        assert!(!orphan.exists());
        assert!(kept.path().exists());
    }
}
