//! Objects that are not the store's: projects that are fetched, and films that are published.

use super::{
    connect::connect,
    fault::said,
    object::{KnownAs, Object},
    upload::{self, About, Condition, Place},
};
use crate::{Body, Put, S3Options, S3Url, StoreError};
use aws_sdk_s3::Client;
use bytes::Bytes;
use framewright_film::Digest;
use std::{path::Path, sync::Arc};
use tokio::{
    sync::{OnceCell, Semaphore},
    task::JoinSet,
};

/// Objects of a folder that are fetched at the same time.
const AT_ONCE: usize = 8;

/// How often a film is put that collides with another one.
const COLLISIONS: u32 = 5;

/// The digest of a film, in the metadata of its object: by it framewright knows its own.
const SHA256: &str = "framewright-sha256";

/// Buckets that the store does not live in, or that belong to tenants.
#[derive(Clone, Debug)]
pub struct S3Outside {
    options: S3Options,
    /// Credentials and region are looked for when they are needed first.
    client: Arc<OnceCell<Client>>,
}

/// How much may be fetched.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// All objects together, bytes.
    pub bytes: u64,
    /// How many objects.
    pub objects: usize,
}

impl S3Outside {
    /// With credentials and a region from the usual places. Nothing is asked yet.
    pub fn new(options: S3Options) -> Self {
        Self {
            options,
            client: Arc::default(),
        }
    }

    async fn client(&self) -> &Client {
        let connect = || connect(&self.options);
        self.client.get_or_init(connect).await
    }

    async fn object<'a>(&'a self, url: &'a S3Url) -> Object<'a> {
        Object {
            client: self.client().await,
            bucket: url.bucket(),
            name: url.name(),
            known_as: KnownAs::Url(url),
        }
    }

    /// All of an object, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// When it is not there, must not be read, or is larger.
    pub async fn get(&self, url: &S3Url, limit: u64) -> Result<Bytes, StoreError> {
        let mut bytes = Vec::new();
        self.object(url).await.copy(&mut bytes, limit).await?;
        Ok(bytes.into())
    }

    /// All objects of a folder for which `wanted` is true, by the rest of their names. What is
    /// only there to stand for a folder is left out.
    ///
    /// # Errors
    /// When there are none, they must not be read, or are more than `limits` say; that is known
    /// before the first of them is read.
    pub async fn get_folder(
        &self,
        url: &S3Url,
        limits: FetchLimits,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        let names = self.list(url, limits, wanted).await?;
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let mut fetching = JoinSet::new();
        for (name, size) in names {
            let (outside, slots) = (self.clone(), slots.clone());
            let object: S3Url = format!("{url}{name}").parse()?;
            fetching.spawn(async move {
                let _slot = slots.acquire().await;
                // Not more than was announced, or the limits would be worth nothing.
                Ok::<_, StoreError>((name, outside.get(&object, size).await?))
            });
        }
        let mut files = Vec::new();
        while let Some(fetched) = fetching.join_next().await {
            let stopped = |_| StoreError::io("fetching a folder")(std::io::ErrorKind::Other.into());
            files.push(fetched.map_err(stopped)??);
        }
        files.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(files)
    }

    async fn list(
        &self,
        url: &S3Url,
        limits: FetchLimits,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let mut pages = self
            .client()
            .await
            .list_objects_v2()
            .bucket(url.bucket())
            .prefix(url.name())
            .into_paginator()
            .send();
        let (mut found, mut bytes) = (Vec::new(), 0);
        let too_large = |has: String, limit: String| StoreError::TooLarge {
            what: url.to_string(),
            has,
            limit,
        };
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| KnownAs::Url(url).fault(said("listing objects")(error)))?;
            for object in page.contents() {
                let name = object.key().and_then(|key| key.strip_prefix(url.name()));
                let Some(name) = name.filter(|name| !name.is_empty() && !name.ends_with('/'))
                else {
                    continue;
                };
                if !wanted(name) {
                    continue;
                }
                let size = object.size().unwrap_or(0).cast_unsigned();
                bytes += size;
                found.push((name.to_owned(), size));
                if found.len() > limits.objects {
                    let has = format!("{} files or more", found.len());
                    return Err(too_large(has, format!("{} files", limits.objects)));
                }
                if bytes > limits.bytes {
                    let has = format!("{} MB or more", bytes >> 20);
                    return Err(too_large(has, format!("{} MB", limits.bytes >> 20)));
                }
            }
        }
        if found.is_empty() {
            return Err(StoreError::NoSource(url.to_string()));
        }
        Ok(found)
    }

    /// Whether the film with this digest is at `url` already.
    ///
    /// # Errors
    /// When that must not be known.
    pub async fn has(&self, url: &S3Url, sha256: Digest) -> Result<bool, StoreError> {
        let head = self.object(url).await.head().await?;
        let digest = head.and_then(|head| head.metadata()?.get(SHA256).cloned());
        Ok(digest == Some(sha256.to_hex()))
    }

    /// Makes `film` the object at `url`, and sees that it is there whole.
    ///
    /// The same film is put once, however often it is asked for. Another film that framewright has
    /// put there is replaced; what it has not put there is left.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] when something else is there; when the bucket must not be written.
    pub async fn publish(
        &self,
        url: &S3Url,
        film: &Path,
        sha256: Digest,
        content_type: &str,
    ) -> Result<Put, StoreError> {
        let object = self.object(url).await;
        let size = tokio::fs::metadata(film).await;
        let size = size.map_err(StoreError::io("reading the film"))?.len();
        let about = About {
            content_type: content_type.to_owned(),
            metadata: (SHA256, sha256.to_hex()),
        };
        let mut put = Put::AlreadyThere;
        // A look, a put under the condition that nothing has changed, and another look.
        for _ in 0..=COLLISIONS {
            let condition = match object.head().await? {
                None => Condition::Absent,
                Some(head) => {
                    let digest = head.metadata().and_then(|facts| facts.get(SHA256));
                    let has = head.content_length().map(i64::cast_unsigned);
                    match digest {
                        Some(digest) if *digest == about.metadata.1 && has == Some(size) => {
                            return Ok(put);
                        }
                        Some(_) => Condition::Version(head.e_tag().unwrap_or("*").to_owned()),
                        None => return Err(StoreError::Occupied(url.to_string())),
                    }
                }
            };
            let place = Place {
                client: object.client,
                bucket: url.bucket(),
                name: url.name(),
                condition,
                about: Some(&about),
            };
            put = upload::put(place, Body::File(film.to_owned()))
                .await
                .map_err(|error| KnownAs::Url(url).fault(error))?;
        }
        Err(StoreError::io("publishing the film")(
            std::io::Error::other("others write there at the same time, again and again"),
        ))
    }
}
