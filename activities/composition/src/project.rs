use crate::{CompositionError, Result, archive};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The file that holds the composition when none is named.
pub(crate) const DEFAULT_ENTRY: &str = "index.html";

/// How deep the folders of a project may nest.
const DEEPEST: usize = 32;

/// The files of a project, read once, by their path in it (`assets/logo.svg`, always with `/`).
///
/// What is there and cannot belong to a film is left out: names that begin with a dot,
/// `node_modules`.
#[derive(Clone, Debug)]
pub struct Project {
    files: BTreeMap<String, Bytes>,
}

/// How large a project may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// All files together, in bytes, unpacked.
    pub bytes: u64,
    /// How many files.
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 512 << 20,
            files: 20_000,
        }
    }
}

impl Project {
    /// Reads the folder `dir`.
    ///
    /// # Errors
    /// When it cannot be read, is above the default [`Limits`], or a link in it leads out of it.
    pub fn from_dir(dir: &Path) -> Result<Self> {
        Self::from_dir_within(dir, Limits::default())
    }

    /// Reads the folder `dir`, which may be as large as `limits` say.
    ///
    /// # Errors
    /// As [`Project::from_dir`].
    pub fn from_dir_within(dir: &Path, limits: Limits) -> Result<Self> {
        let root = dir.canonicalize().map_err(CompositionError::Unreadable)?;
        if !root.is_dir() {
            let why = io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder");
            return Err(CompositionError::Unreadable(why));
        }
        let mut collected = Collected::new(limits);
        let mut folders = vec![(root.clone(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(CompositionError::Unreadable)? {
                let entry = entry.map_err(CompositionError::Unreadable)?;
                let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                    let shown = entry.file_name().to_string_lossy().into_owned();
                    return Err(CompositionError::Escapes(format!("{prefix}{shown}")));
                };
                if is_ignored(&name) {
                    continue;
                }
                let path = format!("{prefix}{name}");
                let place = within(&root, &entry.path(), &path)?;
                if place.is_dir() {
                    // Links between folders could be walked for ever.
                    if path.split('/').count() > DEEPEST {
                        return Err(CompositionError::TooLarge {
                            what: format!("its nesting at `{name}`"),
                            limit: format!("{DEEPEST} folders"),
                        });
                    }
                    folders.push((place, format!("{path}/")));
                } else {
                    let size = place
                        .metadata()
                        .map_err(CompositionError::Unreadable)?
                        .len();
                    collected.announce(size)?;
                    let bytes = fs::read(&place).map_err(CompositionError::Unreadable)?;
                    collected.insert(path, bytes.into())?;
                }
            }
        }
        Ok(Self {
            files: collected.files,
        })
    }

    /// Reads a zip archive of a folder. A single folder at the top is looked through.
    ///
    /// # Errors
    /// When it is no archive, unpacks to more than the default [`Limits`], or holds a name that
    /// leads out of it.
    pub fn from_zip(bytes: impl AsRef<[u8]>) -> Result<Self> {
        Self::from_zip_within(bytes, Limits::default())
    }

    /// Reads a zip archive that may unpack to what `limits` say.
    ///
    /// # Errors
    /// As [`Project::from_zip`].
    pub fn from_zip_within(bytes: impl AsRef<[u8]>, limits: Limits) -> Result<Self> {
        let mut collected = Collected::new(limits);
        archive::unpack(bytes.as_ref(), &mut collected)?;
        Ok(Self {
            files: without_top_folder(collected.files),
        })
    }

    /// A project of these files, by their paths in it, wherever they come from.
    ///
    /// # Errors
    /// When they are more than the default [`Limits`], or a path leads out of the project.
    pub fn from_files(files: impl IntoIterator<Item = (String, Bytes)>) -> Result<Self> {
        let mut collected = Collected::new(Limits::default());
        for (name, bytes) in files {
            if let Some(path) = archive::normal(&name.replace('\\', "/"))? {
                collected.insert(path, bytes)?;
            }
        }
        Ok(Self {
            files: collected.files,
        })
    }

    /// Whether a file of this path can belong to a project: what cannot need not be read.
    pub fn takes(path: &str) -> bool {
        !path.split('/').any(is_ignored)
    }

    /// A zip of the project. The same files give the same bytes: sorted, without times or modes.
    ///
    /// # Errors
    /// When the archive cannot be written; in memory that means it is above 4 GB.
    pub fn pack(&self) -> Result<Vec<u8>> {
        archive::pack(&self.files)
    }

    /// Puts other bytes in the place of the file at `path`.
    pub(crate) fn replace(&mut self, path: &str, bytes: Bytes) {
        self.files.insert(path.to_owned(), bytes);
    }

    /// The bytes of the file at `path`.
    pub fn get(&self, path: &str) -> Option<&Bytes> {
        self.files.get(path)
    }

    /// All files by path, sorted.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes))
    }

    /// The entry file and its text.
    pub(crate) fn entry(&self, entry: Option<&str>) -> Result<(String, &str)> {
        let name = entry.unwrap_or(DEFAULT_ENTRY).trim_start_matches("./");
        let bytes = self
            .get(name)
            .ok_or_else(|| CompositionError::NoEntry(name.to_owned()))?;
        let text =
            std::str::from_utf8(bytes).map_err(|_| CompositionError::NotText(name.to_owned()))?;
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(CompositionError::Empty {
                file: name.to_owned(),
                place: None,
            });
        }
        Ok((name.to_owned(), text))
    }
}

/// Files on their way into a project, counted against its limits.
pub(crate) struct Collected {
    files: BTreeMap<String, Bytes>,
    bytes: u64,
    limits: Limits,
}

impl Collected {
    fn new(limits: Limits) -> Self {
        Self {
            files: BTreeMap::new(),
            bytes: 0,
            limits,
        }
    }

    /// How many bytes may still come.
    pub(crate) fn room(&self) -> u64 {
        self.limits.bytes.saturating_sub(self.bytes)
    }

    /// Refuses before anything is read into memory.
    pub(crate) fn announce(&self, size: u64) -> Result<()> {
        if size > self.room() {
            return Err(CompositionError::TooLarge {
                what: format!("its {} MB or more", (self.bytes + size) >> 20),
                limit: format!("{} MB", self.limits.bytes >> 20),
            });
        }
        if self.files.len() >= self.limits.files {
            return Err(CompositionError::TooLarge {
                what: format!("its {} files or more", self.files.len() + 1),
                limit: format!("{} files", self.limits.files),
            });
        }
        Ok(())
    }

    pub(crate) fn insert(&mut self, path: String, bytes: Bytes) -> Result<()> {
        self.announce(bytes.len() as u64)?;
        self.bytes += bytes.len() as u64;
        self.files.insert(path, bytes);
        Ok(())
    }
}

/// Whether a file or folder of this name is left out of a project.
pub(crate) fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name == "node_modules" || name == "__MACOSX"
}

/// Where `place` really is, if that is inside `root`.
fn within(root: &Path, place: &Path, shown: &str) -> Result<PathBuf> {
    // A link that leads nowhere is no file of the project either.
    let real = place
        .canonicalize()
        .map_err(|_| CompositionError::Escapes(shown.to_owned()))?;
    if real.starts_with(root) {
        Ok(real)
    } else {
        Err(CompositionError::Escapes(shown.to_owned()))
    }
}

/// People zip the folder as often as what is in it.
fn without_top_folder(files: BTreeMap<String, Bytes>) -> BTreeMap<String, Bytes> {
    let Some((top, _)) = files.keys().next().and_then(|path| path.split_once('/')) else {
        return files;
    };
    let prefix = format!("{top}/");
    if !files.keys().all(|path| path.starts_with(&prefix)) {
        return files;
    }
    let cut = prefix.len();
    files
        .into_iter()
        .map(|(path, bytes)| (path[cut..].to_owned(), bytes))
        .collect()
}
