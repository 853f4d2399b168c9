//! A store in a bucket of S3, or of anything that speaks like it.

mod address;
mod connect;
mod fault;
mod litter;
mod object;
mod outside;
mod presign;
mod upload;

pub use address::{S3Address, S3Options, S3Url};
pub use outside::{FetchLimits, S3Outside};

use crate::{Body, Key, Litter, Meta, Presigned, Put, PutMode, Reader, Store, StoreError};
use aws_sdk_s3::Client;
use bytes::Bytes;
use fault::{is_missing, is_range, said};
use object::{KnownAs, Object, length};
use std::{
    ops::Range,
    path::Path,
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;
use upload::{Condition, Place};

/// Objects of one prefix of a bucket.
///
/// S3 shows an object when all of it is there, so nothing has to be renamed. `If-None-Match` makes
/// one of many writers the one that creates.
#[derive(Clone, Debug)]
pub struct S3Store {
    client: Client,
    address: S3Address,
}

impl S3Store {
    /// The store at `address`, with credentials and a region from the usual places: the
    /// environment, the shared files of `aws`, the metadata of the machine.
    ///
    /// # Errors
    /// When the bucket does not answer, is not there, or refuses us.
    pub async fn open(address: S3Address, options: &S3Options) -> Result<Self, StoreError> {
        let store = Self {
            client: connect::connect(options).await,
            address,
        };
        // Found out now, not when the first segment of an hour's render is put.
        store
            .client
            .head_bucket()
            .bucket(store.bucket())
            .send()
            .await
            .map_err(said("opening the bucket"))?;
        Ok(store)
    }

    fn bucket(&self) -> &str {
        &self.address.bucket
    }

    fn name(&self, key: &str) -> String {
        format!("{}{key}", self.address.prefix)
    }

    fn object<'a>(&'a self, key: &'a Key, name: &'a str) -> Object<'a> {
        Object {
            client: &self.client,
            bucket: self.bucket(),
            name,
            known_as: KnownAs::Key(key),
        }
    }
}

#[async_trait::async_trait]
impl Store for S3Store {
    async fn put(&self, key: &Key, body: Body, mode: PutMode) -> Result<Put, StoreError> {
        // Spares sending what is likely to be there: a retry puts the same objects again.
        if mode == PutMode::IfAbsent && self.head(key).await?.is_some() {
            return Ok(Put::AlreadyThere);
        }
        let condition = match mode {
            PutMode::IfAbsent => Condition::Absent,
            PutMode::Replace => Condition::Any,
        };
        let place = Place {
            client: &self.client,
            bucket: self.bucket(),
            name: &self.name(key.as_str()),
            condition,
            about: None,
        };
        upload::put(place, body).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        let mut bytes = Vec::new();
        let name = self.name(key.as_str());
        self.object(key, &name).copy(&mut bytes, u64::MAX).await?;
        Ok(bytes.into())
    }

    async fn fetch(&self, key: &Key, to: &Path) -> Result<u64, StoreError> {
        let writing = || StoreError::io("fetching an object");
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(writing())?;
        let (file, path) = file.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let name = self.name(key.as_str());
        let size = self.object(key, &name).copy(&mut file, u64::MAX).await?;
        path.persist(to).map_err(|error| writing()(error.error))?;
        Ok(size)
    }

    async fn read(&self, key: &Key, range: Range<u64>) -> Result<Reader, StoreError> {
        let Range { start, end } = range;
        let nothing = |size| {
            Ok(Reader {
                len: 0,
                size,
                body: Box::new(tokio::io::empty()),
            })
        };
        let wanted = match (start, end) {
            (0, u64::MAX) => None,
            // An empty range cannot be asked for.
            _ if end <= start => {
                let size = self.size(key).await?;
                return match start > size {
                    true => Err(out_of_range(key, start, size)),
                    false => nothing(size),
                };
            }
            _ => Some(format!("bytes={start}-{}", end - 1)),
        };
        let name = self.name(key.as_str());
        let answer = match self.object(key, &name).open(wanted, None).await {
            Err(error) if is_range(&error) => {
                let size = self.size(key).await?;
                return match start == size {
                    true => nothing(size),
                    false => Err(out_of_range(key, start, size)),
                };
            }
            answer => answer?,
        };
        let len = length(&answer)?;
        // `bytes 0-3/10`
        let total = answer
            .content_range()
            .and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        Ok(Reader {
            len,
            size: total.unwrap_or(len),
            body: Box::new(answer.body.into_async_read()),
        })
    }

    async fn head(&self, key: &Key) -> Result<Option<Meta>, StoreError> {
        let name = self.name(key.as_str());
        let head = self.object(key, &name).head().await?;
        Ok(head.map(|head| Meta {
            size: head.content_length().unwrap_or(0).cast_unsigned(),
            modified: time(head.last_modified()),
        }))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(Key, Meta)>, StoreError> {
        if let Some((folder, _)) = prefix.rsplit_once('/') {
            Key::new(folder)?;
        }
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(self.bucket())
            .prefix(self.name(prefix))
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for object in page.map_err(said("listing objects"))?.contents() {
                let name = object.key().unwrap_or_default();
                let key = name.strip_prefix(&*self.address.prefix).map(Key::new);
                // What is no key was not put by us.
                let Some(Ok(key)) = key else { continue };
                let meta = Meta {
                    size: object.size().unwrap_or(0).cast_unsigned(),
                    modified: time(object.last_modified()),
                };
                found.push((key, meta));
            }
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_object()
            .bucket(self.bucket())
            .key(self.name(key.as_str()))
            .send()
            .await;
        match deleted {
            Err(error) if !is_missing(&error) => Err(said("deleting an object")(error)),
            _ => Ok(()),
        }
    }

    async fn litter(&self, before: SystemTime) -> Result<Vec<Litter>, StoreError> {
        litter::find(&self.client, self.bucket(), &self.address.prefix, before).await
    }

    async fn remove_litter(&self, litter: &Litter) -> Result<(), StoreError> {
        let name = self.name(&litter.name);
        litter::remove(&self.client, self.bucket(), &name, &litter.id).await
    }

    async fn presigned_get(
        &self,
        key: &Key,
        file: &str,
        expires_in: Duration,
    ) -> Result<Option<Presigned>, StoreError> {
        let name = self.name(key.as_str());
        let signed = presign::get(&self.client, self.bucket(), &name, file, expires_in);
        signed.await.map(Some)
    }

    async fn presigned_put(
        &self,
        key: &Key,
        size: u64,
        expires_in: Duration,
    ) -> Result<Option<Presigned>, StoreError> {
        let name = self.name(key.as_str());
        let signed = presign::put(&self.client, self.bucket(), &name, size, expires_in);
        signed.await.map(Some)
    }
}

impl S3Store {
    async fn size(&self, key: &Key) -> Result<u64, StoreError> {
        let meta = self.head(key).await?;
        meta.map(|meta| meta.size)
            .ok_or_else(|| StoreError::NotFound(key.clone()))
    }
}

fn out_of_range(key: &Key, start: u64, size: u64) -> StoreError {
    StoreError::OutOfRange {
        key: key.clone(),
        start,
        size,
    }
}

fn time(date: Option<&aws_sdk_s3::primitives::DateTime>) -> SystemTime {
    date.and_then(|date| SystemTime::try_from(*date).ok())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
