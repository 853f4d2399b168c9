use crate::{CompositionError, Result};
use bytes::Bytes;
use framewright_film::Digest;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Fetched files by content, and small notes that say which content belongs to what.
///
/// Files appear whole or not at all (written aside, then renamed), so any number of processes may
/// use one folder. What is damaged is taken for absent and fetched again.
#[derive(Debug)]
pub(crate) struct Cache {
    blobs: PathBuf,
    notes: PathBuf,
}

impl Cache {
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let cache = Self {
            blobs: dir.join("blobs"),
            notes: dir.join("notes"),
        };
        fs::create_dir_all(&cache.blobs).map_err(CompositionError::Cache)?;
        fs::create_dir_all(&cache.notes).map_err(CompositionError::Cache)?;
        Ok(cache)
    }

    pub(crate) fn blob(&self, digest: Digest) -> Option<Bytes> {
        let bytes = fs::read(self.blobs.join(digest.to_hex())).ok()?;
        (Digest::of(&bytes) == digest).then(|| bytes.into())
    }

    pub(crate) fn keep(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        write_whole(&self.blobs.join(digest.to_hex()), bytes).map_err(CompositionError::Cache)?;
        Ok(digest)
    }

    /// The note called `key`, and how old it is.
    pub(crate) fn note<T: DeserializeOwned>(&self, key: &str) -> Option<(T, Duration)> {
        let path = self.note_path(key);
        let written = fs::metadata(&path).and_then(|meta| meta.modified()).ok()?;
        let age = SystemTime::now()
            .duration_since(written)
            .unwrap_or_default();
        let value = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        Some((value, age))
    }

    pub(crate) fn write_note<T: Serialize>(&self, key: &str, value: &T) -> Result<()> {
        let text =
            serde_json::to_vec(value).map_err(|error| CompositionError::Cache(error.into()))?;
        write_whole(&self.note_path(key), &text).map_err(CompositionError::Cache)
    }

    /// Keys hold slashes and any length of URL.
    fn note_path(&self, key: &str) -> PathBuf {
        self.notes
            .join(format!("{}.json", Digest::of(key).to_hex()))
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}
