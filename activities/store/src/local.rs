use crate::{Body, Key, Litter, Meta, Presigned, Put, PutMode, Reader, Store, StoreError};
use bytes::Bytes;
use std::{
    fs::{self, File, TryLockError},
    io::{self, Seek as _, SeekFrom, Write as _},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;
use tokio::{io::AsyncReadExt as _, task::spawn_blocking};

/// Under the root, on its file system: a rename from here is atomic. No key begins with a dot.
const TEMPORARY: &str = ".tmp";

/// How often a folder is made that somebody removes again.
const FOLDER_ATTEMPTS: u32 = 20;

/// A store in a folder of this machine. Any number of processes may use the same folder.
///
/// An object is the file of its key's name. It is written under another name, brought to disk and
/// then renamed, so that it is whole wherever it can be seen.
#[derive(Clone, Debug)]
pub struct LocalStore {
    root: Arc<Path>,
}

impl LocalStore {
    /// Opens the store in the folder `root`, and makes the folder if need be. Removes what
    /// writers that died have left behind.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        blocking(move || {
            let task = StoreError::io("opening the store");
            let temporary = root.join(TEMPORARY);
            fs::create_dir_all(&temporary).map_err(&task)?;
            let root = root.canonicalize().map_err(&task)?;
            remove_abandoned(&temporary).map_err(&task)?;
            // Found out now, not when the first segment of an hour's render is put.
            Temporary::new(&root).map_err(&task)?;
            let root = root.into();
            Ok(Self { root })
        })
        .await
    }

    /// Notes that an object was used now. It may be gone already.
    pub(crate) async fn touch(&self, key: &Key) {
        let path = self.path(key);
        let _ = spawn_blocking(move || File::open(path)?.set_modified(SystemTime::now())).await;
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }
}

#[async_trait::async_trait]
impl Store for LocalStore {
    async fn put(&self, key: &Key, body: Body, mode: PutMode) -> Result<Put, StoreError> {
        let (store, key) = (self.clone(), key.clone());
        blocking(move || {
            let path = store.path(&key);
            // Spares writing what is likely to be there: a retry puts the same objects again.
            if mode == PutMode::IfAbsent && path.is_file() {
                return Ok(Put::AlreadyThere);
            }
            let put = write(&store.root, &path, body, mode);
            put.map_err(|error| match error.kind() {
                io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
                    StoreError::Clash(key)
                }
                // A folder of that name; where a file had it, `AlreadyThere` has been returned.
                io::ErrorKind::AlreadyExists => StoreError::Clash(key),
                _ => StoreError::io("putting an object")(error),
            })
        })
        .await
    }

    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        let (path, key) = (self.path(key), key.clone());
        blocking(move || {
            let bytes = open(&path).and_then(|(mut file, meta)| {
                let mut bytes = Vec::with_capacity(usize::try_from(meta.size).unwrap_or(0));
                io::copy(&mut file, &mut bytes)?;
                Ok(bytes)
            });
            bytes.map(Bytes::from).map_err(missing(&key))
        })
        .await
    }

    async fn fetch(&self, key: &Key, to: &Path) -> Result<u64, StoreError> {
        let (path, key, to) = (self.path(key), key.clone(), to.to_owned());
        blocking(move || {
            let (mut object, _) = open(&path).map_err(missing(&key))?;
            let mut copy = || {
                let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
                let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
                let size = io::copy(&mut object, file.as_file_mut())?;
                file.persist(&to).map_err(|error| error.error)?;
                Ok(size)
            };
            copy().map_err(StoreError::io("fetching an object"))
        })
        .await
    }

    async fn read(&self, key: &Key, range: Range<u64>) -> Result<Reader, StoreError> {
        let (path, key) = (self.path(key), key.clone());
        let (file, len, size) = blocking(move || {
            let (mut file, Meta { size, .. }) = open(&path).map_err(missing(&key))?;
            let Range { start, end } = range;
            if start > size {
                return Err(StoreError::OutOfRange { key, start, size });
            }
            file.seek(SeekFrom::Start(start)).map_err(missing(&key))?;
            Ok((file, end.clamp(start, size) - start, size))
        })
        .await?;
        let body = Box::new(tokio::fs::File::from_std(file).take(len));
        Ok(Reader { len, size, body })
    }

    async fn head(&self, key: &Key) -> Result<Option<Meta>, StoreError> {
        let (path, key) = (self.path(key), key.clone());
        blocking(move || match open(&path).map_err(missing(&key)) {
            Ok((_, meta)) => Ok(Some(meta)),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(other) => Err(other),
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(Key, Meta)>, StoreError> {
        let (root, prefix) = (self.root.clone(), prefix.to_owned());
        blocking(move || {
            let mut found = Vec::new();
            // The folders above the last `/` are known; a bad prefix must not lead out of the root.
            let folder = match prefix.rsplit_once('/') {
                Some((folder, _)) => Some(Key::new(folder)?),
                None => None,
            };
            let start = folder.as_ref().map_or("", Key::as_str);
            walk(&root, start, &prefix, &mut found).map_err(StoreError::io("listing objects"))?;
            found.sort_by(|(a, _), (b, _)| a.cmp(b));
            Ok(found)
        })
        .await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let (path, root) = (self.path(key), self.root.clone());
        blocking(move || match fs::remove_file(&path) {
            Err(error) if !is_absence(&error) && error.kind() != io::ErrorKind::IsADirectory => {
                Err(StoreError::io("deleting an object")(error))
            }
            Err(_) => Ok(()),
            Ok(()) => {
                remove_empty_folders(&root, &path);
                Ok(())
            }
        })
        .await
    }

    async fn litter(&self, before: SystemTime) -> Result<Vec<Litter>, StoreError> {
        let temporary = self.root.join(TEMPORARY);
        blocking(move || {
            abandoned(&temporary, before).map_err(StoreError::io("looking for litter"))
        })
        .await
    }

    async fn remove_litter(&self, litter: &Litter) -> Result<(), StoreError> {
        let path = self.root.join(TEMPORARY).join(&litter.id);
        blocking(move || {
            // Its writer may live by now: another one of the same name.
            match File::open(&path) {
                Ok(file) if file.try_lock().is_ok() => {
                    fs::remove_file(&path).map_err(StoreError::io("removing litter"))
                }
                _ => Ok(()),
            }
        })
        .await
    }

    async fn presigned_get(
        &self,
        _key: &Key,
        _file: &str,
        _expires_in: Duration,
    ) -> Result<Option<Presigned>, StoreError> {
        Ok(None)
    }

    async fn presigned_put(
        &self,
        _key: &Key,
        _size: u64,
        _expires_in: Duration,
    ) -> Result<Option<Presigned>, StoreError> {
        Ok(None)
    }
}

/// A file that is being written. Its lock says that its writer lives, in whatever container: the
/// kernel lets go of it when the process ends.
struct Temporary(NamedTempFile);

impl Temporary {
    fn new(root: &Path) -> io::Result<Self> {
        loop {
            let file = tempfile::Builder::new()
                .prefix("put-")
                .permissions(public_file())
                .tempfile_in(root.join(TEMPORARY))?;
            match file.as_file().try_lock() {
                Ok(()) if file.path().exists() => return Ok(Self(file)),
                // Whoever tidies up came before the lock and took it for abandoned.
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

/// Objects are readable by whom the umask allows: a web server may serve them.
fn public_file() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o666)
}

fn write(root: &Path, path: &Path, body: Body, mode: PutMode) -> io::Result<Put> {
    let mut temporary = Temporary::new(root)?.0;
    match body {
        Body::Bytes(bytes) => temporary.write_all(&bytes)?,
        Body::File(file) => {
            io::copy(&mut File::open(file)?, temporary.as_file_mut())?;
        }
    }
    temporary.as_file().sync_all()?;
    // Held open, and so locked, until the name is there.
    let (_file, mut temporary) = temporary.into_parts();
    let folder = path.parent().unwrap_or(root);
    for attempt in 1.. {
        let gone = match make_folders(root, folder) {
            Err(error) => error,
            Ok(()) => {
                let renamed = match mode {
                    PutMode::Replace => temporary.persist(path),
                    PutMode::IfAbsent => temporary.persist_noclobber(path),
                };
                match renamed {
                    Ok(()) => break,
                    Err(failed)
                        if failed.error.kind() == io::ErrorKind::AlreadyExists
                            && path.is_file() =>
                    {
                        return Ok(Put::AlreadyThere);
                    }
                    Err(failed) => {
                        temporary = failed.path;
                        failed.error
                    }
                }
            }
        };
        // Somebody deleted the last object beside it, and the folder with it.
        if gone.kind() != io::ErrorKind::NotFound || attempt == FOLDER_ATTEMPTS {
            return Err(gone);
        }
    }
    // The name is on disk only now.
    File::open(folder)?.sync_all()?;
    Ok(Put::Created)
}

/// Removes the folders of an object that was deleted, as far as nothing is left in them.
fn remove_empty_folders(root: &Path, path: &Path) {
    let above = path.ancestors().skip(1);
    for folder in above.take_while(|folder| *folder != root) {
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

/// Makes `folder` below `root`, and brings the name of each new folder to disk.
fn make_folders(root: &Path, folder: &Path) -> io::Result<()> {
    if folder == root || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(root);
    make_folders(root, parent)?;
    match fs::create_dir(folder) {
        // Somebody else was quicker, which is as good, unless it is a file.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if !folder.is_dir() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
        }
        other => other?,
    }
    File::open(parent)?.sync_all()
}

/// Removes temporary files whose writers are dead.
fn remove_abandoned(temporary: &Path) -> io::Result<()> {
    // Later than any file that is there.
    let before = SystemTime::now() + Duration::from_secs(1);
    for litter in abandoned(temporary, before)? {
        match fs::remove_file(temporary.join(litter.id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Temporary files whose writers are dead, and began before `before`.
fn abandoned(temporary: &Path, before: SystemTime) -> io::Result<Vec<Litter>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(temporary)? {
        let entry = entry?;
        // Another process may tidy up at the same time, or the writer may just be done.
        let Ok((file, meta)) = open(&entry.path()) else {
            continue;
        };
        if meta.modified < before && file.try_lock().is_ok() {
            let id = entry.file_name().to_string_lossy().into_owned();
            found.push(Litter {
                name: id.clone(),
                id,
                size: meta.size,
                since: meta.modified,
            });
        }
    }
    Ok(found)
}

fn open(path: &Path) -> io::Result<(File, Meta)> {
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok((file, describe(&meta)?))
}

fn describe(meta: &fs::Metadata) -> io::Result<Meta> {
    Ok(Meta {
        size: meta.len(),
        modified: meta.modified()?,
    })
}

/// Collects the objects in `folder`, a path below `root`, that begin with `prefix`.
fn walk(root: &Path, folder: &str, prefix: &str, found: &mut Vec<(Key, Meta)>) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(folder)) {
        Err(error) if is_absence(&error) => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let text = match folder {
            "" => name,
            folder => format!("{folder}/{name}"),
        };
        // Only as deep as it can still match.
        if !(text.starts_with(prefix) || prefix.starts_with(&format!("{text}/"))) {
            continue;
        }
        // What is no key was not put by us.
        let Ok(key) = Key::new(text) else { continue };
        let meta = match entry.metadata() {
            // Deleted since.
            Err(error) if is_absence(&error) => continue,
            other => other?,
        };
        if meta.is_dir() {
            walk(root, key.as_str(), prefix, found)?;
        } else if meta.is_file() && key.as_str().starts_with(prefix) {
            found.push((key, describe(&meta)?));
        }
    }
    Ok(())
}

fn missing(key: &Key) -> impl Fn(io::Error) -> StoreError {
    let key = key.clone();
    move |error| {
        if is_absence(&error) {
            StoreError::NotFound(key.clone())
        } else {
            StoreError::io("reading an object")(error)
        }
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Runs disk work off the runtime's threads. When the caller goes away it runs to its end.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let stopped = |_| StoreError::Io {
        task: "waiting for the disk",
        source: io::Error::other("the runtime is shutting down"),
    };
    spawn_blocking(work).await.map_err(stopped)?
}
