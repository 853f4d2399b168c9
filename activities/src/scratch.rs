//! Where steps keep what nobody else needs: browser profiles, segments on their way.

use framewright_process::OwnedFolder;
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
    root: OwnedFolder,
}

const PREFIX: &str = "process-";

/// Others may pass through and not look around: Chromium may run as another user.
const MODE: u32 = 0o711;

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
        fs::DirBuilder::new()
            .recursive(true)
            .mode(MODE)
            .create(&base)?;
        if fs::metadata(&base)?.uid() != user {
            let message = format!("{} belongs to somebody else", base.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        let root = OwnedFolder::create(&base, PREFIX, MODE)?;
        Ok(Self { root })
    }

    /// A new, empty folder that is removed when it is dropped.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, what: &str) -> io::Result<TempDir> {
        tempfile::Builder::new()
            .prefix(&format!("{what}-"))
            .permissions(fs::Permissions::from_mode(MODE))
            .tempdir_in(self.root.path())
    }

    /// The folder itself.
    pub fn path(&self) -> PathBuf {
        self.root.path().to_owned()
    }
}
