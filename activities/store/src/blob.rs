use crate::{Body, Key, Put, PutMode, Store, StoreError};
use bytes::Bytes;
use framewright_film::Digest;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io,
    path::Path,
    time::{Duration, SystemTime},
};
use tokio::task::spawn_blocking;

/// Who puts an object that is older than this puts it anew. Whoever cleans up goes by age and can
/// so trust that what was put, or found to be there already, an hour ago is young.
pub const REFRESH: Duration = Duration::from_secs(60 * 60);

/// Where the blob of `digest` is kept: `blobs/` and its digits, two and sixty-two.
pub fn blob_key(digest: Digest) -> Key {
    let digits = digest.to_hex();
    let (folder, rest) = digits.split_at(2);
    Key::new(format!("blobs/{folder}/{rest}")).expect("hexadecimal digits make a key")
}

/// Puts bytes under their digest, once.
///
/// # Errors
/// As [`Store::put`].
pub async fn put_blob(store: &dyn Store, bytes: Bytes) -> Result<Digest, StoreError> {
    let digest = Digest::of(&bytes);
    put(store, digest, bytes.into()).await?;
    Ok(digest)
}

/// Puts what a file holds under its digest, once, without holding it in memory. The file must not
/// change meanwhile.
///
/// # Errors
/// As [`Store::put`], and when the file cannot be read.
pub async fn put_blob_file(store: &dyn Store, file: &Path) -> Result<Digest, StoreError> {
    let digest = digest_of(file).await?;
    put(store, digest, file.to_owned().into()).await?;
    Ok(digest)
}

/// The bytes whose digest is `digest`.
///
/// # Errors
/// As [`Store::get`], and [`StoreError::Damaged`] when the bytes are not the ones that were put;
/// they are removed then, since nobody could put the right ones as long as they are there.
pub async fn get_blob(store: &dyn Store, digest: Digest) -> Result<Bytes, StoreError> {
    let bytes = store.get(&blob_key(digest)).await?;
    verify(store, digest, Digest::of(&bytes)).await?;
    Ok(bytes)
}

/// Copies the blob of `digest` into the file `to`, verified; returns its size in bytes.
///
/// # Errors
/// As [`Store::fetch`] and [`get_blob`]; no file is left when the blob is damaged.
pub async fn fetch_blob(store: &dyn Store, digest: Digest, to: &Path) -> Result<u64, StoreError> {
    let size = store.fetch(&blob_key(digest), to).await?;
    let found = digest_of(to).await?;
    if found != digest {
        let removed = tokio::fs::remove_file(to).await;
        removed.map_err(StoreError::io("removing a damaged file"))?;
    }
    verify(store, digest, found).await?;
    Ok(size)
}

/// Puts what is named by its content: if it is there and younger than [`REFRESH`] it is left.
///
/// # Errors
/// As [`Store::put`].
pub async fn put_fresh(store: &dyn Store, key: &Key, body: Body) -> Result<Put, StoreError> {
    match store.head(key).await? {
        None => store.put(key, body, PutMode::IfAbsent).await,
        Some(meta) => {
            let age = SystemTime::now().duration_since(meta.modified);
            if age.unwrap_or_default() > REFRESH {
                store.put(key, body, PutMode::Replace).await?;
            }
            Ok(Put::AlreadyThere)
        }
    }
}

async fn put(store: &dyn Store, digest: Digest, body: Body) -> Result<Put, StoreError> {
    put_fresh(store, &blob_key(digest), body).await
}

async fn verify(store: &dyn Store, digest: Digest, found: Digest) -> Result<(), StoreError> {
    if found == digest {
        return Ok(());
    }
    store.delete(&blob_key(digest)).await?;
    Err(StoreError::Damaged { digest, found })
}

async fn digest_of(file: &Path) -> Result<Digest, StoreError> {
    let file = file.to_owned();
    let digest = spawn_blocking(move || {
        let mut hasher = Sha256::new();
        io::copy(&mut File::open(file)?, &mut hasher)?;
        Ok(Digest::from_bytes(hasher.finalize().into()))
    });
    let digest = digest
        .await
        .unwrap_or_else(|_| Err(io::Error::other("hashing was stopped")));
    digest.map_err(StoreError::io("hashing a file"))
}
