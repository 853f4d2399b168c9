use crate::{Body, Key, Litter, Meta, Presigned, Put, PutMode, Reader, Store, StoreError};
use bytes::Bytes;
use framewright_film::Fault as _;
use std::{
    future::Future,
    ops::Range,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// A store whose requests are counted: how many, how long they took, how they failed.
///
/// A cache stands before it, so that what is counted is what the store has to do.
#[derive(Debug)]
pub struct MeteredStore(Arc<dyn Store>);

impl MeteredStore {
    /// `store`, counted.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

#[async_trait::async_trait]
impl Store for MeteredStore {
    async fn put(&self, key: &Key, body: Body, mode: PutMode) -> Result<Put, StoreError> {
        let size = match &body {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File(file) => tokio::fs::metadata(file).await.map_or(0, |meta| meta.len()),
        };
        let put = counted("put", self.0.put(key, body, mode)).await?;
        count_bytes("written", size);
        Ok(put)
    }

    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        let bytes = counted("get", self.0.get(key)).await?;
        count_bytes("read", bytes.len() as u64);
        Ok(bytes)
    }

    async fn fetch(&self, key: &Key, to: &Path) -> Result<u64, StoreError> {
        let size = counted("fetch", self.0.fetch(key, to)).await?;
        count_bytes("read", size);
        Ok(size)
    }

    async fn read(&self, key: &Key, range: Range<u64>) -> Result<Reader, StoreError> {
        let reader = counted("read", self.0.read(key, range)).await?;
        count_bytes("read", reader.len);
        Ok(reader)
    }

    async fn head(&self, key: &Key) -> Result<Option<Meta>, StoreError> {
        counted("head", self.0.head(key)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(Key, Meta)>, StoreError> {
        counted("list", self.0.list(prefix)).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        counted("delete", self.0.delete(key)).await
    }

    async fn litter(&self, before: SystemTime) -> Result<Vec<Litter>, StoreError> {
        counted("litter", self.0.litter(before)).await
    }

    async fn remove_litter(&self, litter: &Litter) -> Result<(), StoreError> {
        counted("remove_litter", self.0.remove_litter(litter)).await
    }

    // Signing asks nobody.
    async fn presigned_get(
        &self,
        key: &Key,
        file: &str,
        expires_in: Duration,
    ) -> Result<Option<Presigned>, StoreError> {
        self.0.presigned_get(key, file, expires_in).await
    }

    async fn presigned_put(
        &self,
        key: &Key,
        size: u64,
        expires_in: Duration,
    ) -> Result<Option<Presigned>, StoreError> {
        self.0.presigned_put(key, size, expires_in).await
    }
}

async fn counted<T>(
    request: &'static str,
    asked: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let begun = Instant::now();
    let answer = asked.await;
    metrics::histogram!("framewright_store_request_seconds", "request" => request)
        .record(begun.elapsed());
    match &answer {
        // An answer like any other: callers ask for what may not be there.
        Ok(_) | Err(StoreError::NotFound(_)) => {}
        Err(error) => {
            let code = error.code();
            metrics::counter!("framewright_store_errors_total", "request" => request, "code" => code)
                .increment(1);
        }
    }
    answer
}

fn count_bytes(direction: &'static str, bytes: u64) {
    metrics::counter!("framewright_store_bytes_total", "direction" => direction).increment(bytes);
}
