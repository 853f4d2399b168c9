use crate::{
    Body, Key, Litter, LocalStore, Meta, Presigned, Put, PutMode, Reader, Store, StoreError,
};
use bytes::Bytes;
use framewright_film::Digest;
use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// Blobs begin with it; they never change, so a copy of one is as good as the blob.
const BLOBS: &str = "blobs/";

/// A share of the budget, its divisor: after writing so much a process looks at what is there,
/// since others may have written too.
const LOOK_EVERY: u64 = 16;

/// A store that is elsewhere, with the blobs that were used last on this machine too.
///
/// Any number of processes may share the folder. What is read from it has its digest, or is fetched
/// anew: a file that was torn by a power cut or flipped by a disk is never served. When it grows
/// past its budget, what was not used for longest goes; it can be above by a sixteenth of the
/// budget for each process.
#[derive(Debug)]
pub struct CachedStore {
    store: Arc<dyn Store>,
    cache: LocalStore,
    budget: u64,
    /// Bytes that this process may still write before it looks again.
    leave: AtomicU64,
}

impl CachedStore {
    /// `store` with copies in `folder`, of about `budget` bytes at most.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub async fn open(
        store: Arc<dyn Store>,
        folder: impl Into<PathBuf>,
        budget: u64,
    ) -> Result<Self, StoreError> {
        let cache = LocalStore::open(folder).await?;
        let cached = Self {
            store,
            cache,
            budget,
            leave: AtomicU64::new(0),
        };
        cached.make_room().await;
        Ok(cached)
    }

    /// A blob of the cache that is what its name says.
    async fn cached(&self, key: &Key) -> Option<Bytes> {
        let bytes = self.cache.get(key).await.ok()?;
        if key.as_str() == crate::blob_key(Digest::of(&bytes)).as_str() {
            self.cache.touch(key).await;
            metrics::counter!("framewright_cache_hits_total").increment(1);
            return Some(bytes);
        }
        tracing::warn!(%key, "a damaged blob in the cache is fetched anew");
        let _ = self.cache.delete(key).await;
        None
    }

    /// A cache that cannot be written is only slow.
    async fn keep(&self, key: &Key, body: Body, size: u64) {
        if size > self.budget / 4 {
            return;
        }
        match self.cache.put(key, body, PutMode::IfAbsent).await {
            Ok(Put::Created) => {
                metrics::gauge!("framewright_cache_bytes").increment(size as f64);
                let spend = |leave: u64| leave.checked_sub(size);
                let order = Ordering::Relaxed;
                if self.leave.fetch_update(order, order, spend).is_err() {
                    self.make_room().await;
                }
            }
            Ok(Put::AlreadyThere) => {}
            Err(error) => tracing::warn!(%error, "the cache cannot be written"),
        }
    }

    /// Looks at what is there and, where that is above the budget, removes what was not used for
    /// longest until a tenth of it is free. Others may do the same at the same time: what is gone
    /// is gone, and who reads it keeps what it has opened.
    async fn make_room(&self) {
        let Ok(mut blobs) = self.cache.list(BLOBS).await else {
            return;
        };
        blobs.sort_by_key(|(_, meta)| meta.modified);
        let mut size = size_of(&blobs);
        if size > self.budget {
            for (key, meta) in blobs {
                if size <= self.budget / 10 * 9 {
                    break;
                }
                if self.cache.delete(&key).await.is_ok() {
                    size -= meta.size;
                }
            }
        }
        metrics::gauge!("framewright_cache_bytes").set(size as f64);
        let free = self.budget.saturating_sub(size);
        let leave = free.min(self.budget / LOOK_EVERY);
        self.leave.store(leave, Ordering::Relaxed);
    }
}

#[async_trait::async_trait]
impl Store for CachedStore {
    async fn put(&self, key: &Key, body: Body, mode: PutMode) -> Result<Put, StoreError> {
        let kept = match &body {
            Body::Bytes(bytes) if is_blob(key) => Some(bytes.clone()),
            _ => None,
        };
        let put = self.store.put(key, body, mode).await?;
        if let Some(bytes) = kept {
            let size = bytes.len() as u64;
            self.keep(key, Body::Bytes(bytes), size).await;
        }
        Ok(put)
    }

    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        if !is_blob(key) {
            return self.store.get(key).await;
        }
        if let Some(bytes) = self.cached(key).await {
            return Ok(bytes);
        }
        metrics::counter!("framewright_cache_misses_total").increment(1);
        let bytes = self.store.get(key).await?;
        // What came damaged is the caller's to notice, and must not stay.
        if key.as_str() == crate::blob_key(Digest::of(&bytes)).as_str() {
            self.keep(key, Body::Bytes(bytes.clone()), bytes.len() as u64)
                .await;
        }
        Ok(bytes)
    }

    async fn fetch(&self, key: &Key, to: &Path) -> Result<u64, StoreError> {
        self.store.fetch(key, to).await
    }

    async fn read(&self, key: &Key, range: Range<u64>) -> Result<Reader, StoreError> {
        self.store.read(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Option<Meta>, StoreError> {
        self.store.head(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(Key, Meta)>, StoreError> {
        self.store.list(prefix).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        if is_blob(key) {
            self.cache.delete(key).await?;
        }
        self.store.delete(key).await
    }

    async fn litter(&self, before: SystemTime) -> Result<Vec<Litter>, StoreError> {
        self.store.litter(before).await
    }

    async fn remove_litter(&self, litter: &Litter) -> Result<(), StoreError> {
        self.store.remove_litter(litter).await
    }

    async fn presigned_get(
        &self,
        key: &Key,
        file: &str,
        expires_in: Duration,
    ) -> Result<Option<Presigned>, StoreError> {
        self.store.presigned_get(key, file, expires_in).await
    }

    async fn presigned_put(
        &self,
        key: &Key,
        size: u64,
        expires_in: Duration,
    ) -> Result<Option<Presigned>, StoreError> {
        self.store.presigned_put(key, size, expires_in).await
    }
}

fn is_blob(key: &Key) -> bool {
    key.as_str().starts_with(BLOBS)
}

fn size_of(objects: &[(Key, Meta)]) -> u64 {
    objects.iter().map(|(_, meta)| meta.size).sum()
}
