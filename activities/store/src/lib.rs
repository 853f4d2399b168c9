//! Where finished things are kept: blobs by digest, and objects by name.
//!
//! A [`Store`] is an object store of the humblest kind: whole objects, put and got by [`Key`],
//! with one conditional write ([`PutMode::IfAbsent`]). A segment of a film is put once under a
//! name that follows from the plan; a retry that finds it does not render it again. What is named
//! by its own digest is a blob ([`put_blob`], [`get_blob`]) and is verified when it is read.
//!
//! Invariants:
//! * an object is there whole or not at all: also after `kill -9`, also after a power cut;
//! * of any number of concurrent [`PutMode::IfAbsent`] writers exactly one is told
//!   [`Put::Created`], and its bytes are the ones that stay;
//! * a blob that is read has the digest it was asked by;
//! * files pass through in pieces; only what is asked for as bytes is held as bytes.
//!
//! [`LocalStore`] keeps it all in a folder, [`S3Store`] in a bucket, [`CachedStore`]
//! has blobs of another one near; [`S3Outside`] reaches objects that are
//! not the store's. Non-goals: no listing by anything but name, no metadata of the
//! caller's, no expiry.
//!
//! ```no_run
//! # async fn keep() -> Result<(), framewright_store::StoreError> {
//! use framewright_store::{Key, LocalStore, Put, PutMode, Store};
//!
//! let store = LocalStore::open("/var/lib/framewright/store").await?;
//! let key: Key = "renders/7f3a/segments/0008.mp4".parse()?;
//! let put = store.put(&key, "bytes".into(), PutMode::IfAbsent).await?;
//! assert_eq!(put, Put::Created);
//! assert_eq!(store.get(&key).await?, "bytes");
//! # Ok(())
//! # }
//! ```

mod blob;
mod cached;
mod error;
mod key;
mod local;
mod metered;
mod s3;

use bytes::Bytes;
use std::{
    fmt::Debug,
    ops::Range,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tokio::io::AsyncRead;

pub use blob::{REFRESH, blob_key, fetch_blob, get_blob, put_blob, put_blob_file, put_fresh};
pub use cached::CachedStore;
pub use error::StoreError;
pub use key::Key;
pub use local::LocalStore;
pub use metered::MeteredStore;
pub use s3::{FetchLimits, S3Address, S3Options, S3Outside, S3Store, S3Url};

/// Keeps objects under keys. One contract for every kind; `tests/suite` checks it.
#[async_trait::async_trait]
pub trait Store: Send + Sync + Debug {
    /// Puts an object, durably: when this returns, the object survives a power cut.
    ///
    /// A put that is dropped or fails leaves what was there before, or the whole new object.
    async fn put(&self, key: &Key, body: Body, mode: PutMode) -> Result<Put, StoreError>;

    /// All of an object, in memory.
    async fn get(&self, key: &Key) -> Result<Bytes, StoreError>;

    /// Copies an object into the file `to`, which appears when it is whole; returns its size in
    /// bytes. The folder must be there.
    async fn fetch(&self, key: &Key, to: &Path) -> Result<u64, StoreError>;

    /// Opens an object for reading from `range.start` to before `range.end` or the object's end,
    /// whichever comes first; `0..u64::MAX` is all of it.
    ///
    /// What is read is one version of the object, also when it is replaced meanwhile.
    async fn read(&self, key: &Key, range: Range<u64>) -> Result<Reader, StoreError>;

    /// What is known about an object, or `None` when it is not there.
    async fn head(&self, key: &Key) -> Result<Option<Meta>, StoreError>;

    /// All objects whose keys begin with `prefix` (as text, not by folder), sorted by key.
    async fn list(&self, prefix: &str) -> Result<Vec<(Key, Meta)>, StoreError>;

    /// Removes an object. It is no error when there is none.
    async fn delete(&self, key: &Key) -> Result<(), StoreError>;

    /// What writers that died have left behind, and began before `before`. It is no object, and
    /// nobody but [`Store::remove_litter`] can see it.
    async fn litter(&self, before: SystemTime) -> Result<Vec<Litter>, StoreError>;

    /// Removes what [`Store::litter`] found. It is no error when it is gone already.
    async fn remove_litter(&self, litter: &Litter) -> Result<(), StoreError>;

    /// An address where anybody may read the object for a while, as a file of this name; `None`
    /// where the store has no addresses. Whether the object is there is not looked at.
    async fn presigned_get(
        &self,
        key: &Key,
        file: &str,
        expires_in: Duration,
    ) -> Result<Option<Presigned>, StoreError>;

    /// An address where anybody may put the object, a zip file of exactly `size` bytes, for a
    /// while; `None` where the store has no addresses.
    async fn presigned_put(
        &self,
        key: &Key,
        size: u64,
        expires_in: Duration,
    ) -> Result<Option<Presigned>, StoreError>;
}

/// What to put: bytes, or a file to be copied in pieces.
#[derive(Clone, Debug)]
pub enum Body {
    /// These bytes.
    Bytes(Bytes),
    /// What this file holds. It must not change meanwhile.
    File(PathBuf),
}

/// What to do when an object is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutMode {
    /// Leave it.
    IfAbsent,
    /// Put the new one in its place.
    Replace,
}

/// What a put came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The object is the one that was put.
    Created,
    /// There was one already, and it was left ([`PutMode::IfAbsent`] alone).
    AlreadyThere,
}

/// What is known about an object without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Its size in bytes.
    pub size: u64,
    /// When it was put.
    pub modified: SystemTime,
}

/// What is left of a put that never ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Litter {
    /// Of what it was to be, as far as that is known.
    pub name: String,
    /// What the store calls it.
    pub id: String,
    /// Bytes, as far as that is known.
    pub size: u64,
    /// When it was begun.
    pub since: SystemTime,
}

/// Leave to do one thing with one object.
#[derive(Clone, PartialEq, Eq)]
pub struct Presigned {
    /// Where. Whoever has it has the leave: not for logs.
    pub url: String,
    /// The method of the HTTP request.
    pub method: String,
    /// Headers that it must have.
    pub headers: Vec<(String, String)>,
    /// Until when.
    pub expires: SystemTime,
}

/// An object, or a part of one, that is being read.
pub struct Reader {
    /// How many bytes will come.
    pub len: u64,
    /// The size of the whole object, in bytes.
    pub size: u64,
    /// The bytes.
    pub body: Box<dyn AsyncRead + Send + Sync + Unpin>,
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::Bytes(text.into())
    }
}

impl From<PathBuf> for Body {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl Debug for Presigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presigned")
            .field("method", &self.method)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("len", &self.len)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
