use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

const LOCK: &str = "lock";

/// A folder that lives as long as its owner: gone when it is dropped; if its owner was killed
/// first, gone when somebody makes another one beside it.
///
/// Whether an owner lives is told by a lock that the kernel gives up with the process. A process
/// id would not do: containers that share a folder do not see each other's processes.
#[derive(Debug)]
pub struct OwnedFolder {
    path: PathBuf,
    _lock: File,
}

impl OwnedFolder {
    /// A new folder in `parent`, whose name begins with `prefix`; `mode` are its permissions.
    /// Folders with this prefix whose owners are dead are removed.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(parent: &Path, prefix: &str, mode: u32) -> io::Result<Self> {
        sweep(parent, prefix);
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .permissions(Permissions::from_mode(mode))
            .tempdir_in(parent)?;
        let lock = lock(folder.path())?;
        Ok(Self {
            path: folder.keep(),
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OwnedFolder {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.path);
        if fs::remove_dir_all(&path).is_ok() {
            return;
        }
        // Processes that were killed a moment ago may still write.
        let insist = move || {
            for _ in 0..20 {
                std::thread::sleep(Duration::from_millis(100));
                match fs::remove_dir_all(&path) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => {}
                    _ => return,
                }
            }
            tracing::warn!(path = %path.display(), "a folder could not be removed");
        };
        let thread = std::thread::Builder::new().name("folder-remover".into());
        let _ = thread.spawn(insist);
    }
}

/// A lock that nobody sees before it is held.
fn lock(folder: &Path) -> io::Result<File> {
    let unseen = folder.join("lock.new");
    let lock = File::create(&unseen)?;
    lock.lock()?;
    fs::rename(unseen, folder.join(LOCK))?;
    Ok(lock)
}

fn sweep(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        if File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            tracing::info!(path = %entry.path().display(), "removing what a killed process left");
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OwnedFolder;

    #[test]
    fn a_folder_outlives_nobody() {
        let parent = tempfile::tempdir().unwrap();
        let create = || OwnedFolder::create(parent.path(), "work-", 0o700).unwrap();
        let killed = create();
        let path = killed.path().to_owned();
        let neighbour = create();
        assert!(path.exists(), "somebody lives there");
        // As if its owner had been killed: the lock is gone, the folder is not.
        killed._lock.unlock().unwrap();
        std::mem::forget(killed);
        let _another = create();
        assert!(!path.exists());
        let path = neighbour.path().to_owned();
        assert!(path.exists());
        drop(neighbour);
        assert!(!path.exists());
    }
}
