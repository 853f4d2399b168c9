//! A store in a bucket of S3, or of anything that speaks like it.

mod address;
mod fault;
mod upload;

pub use address::{S3Address, S3Options};

use crate::{Body, Key, Meta, Put, PutMode, Reader, Store, StoreError};
use aws_config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_s3::{
    Client,
    config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation},
    operation::get_object::GetObjectOutput,
};
use aws_smithy_http_client::tls;
use bytes::Bytes;
use fault::{is_missing, is_range, said};
use std::{
    io,
    ops::Range,
    path::Path,
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;

/// Attempts of one request, the first included. With the SDK's pauses they last half a minute.
const ATTEMPTS: u32 = 8;
/// Attempts at a body that breaks off: the SDK repeats a request, not what comes after its headers.
const BODY_ATTEMPTS: u32 = 6;
/// How long one attempt may wait for the first byte.
const READ_BUDGET: Duration = Duration::from_secs(30);
const CONNECT_BUDGET: Duration = Duration::from_secs(5);

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
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::Ring,
            ))
            .build_https();
        let mut config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_BUDGET)
                    .read_timeout(READ_BUDGET)
                    .build(),
            );
        if let Some(region) = &options.region {
            config = config.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &options.endpoint {
            config = config.endpoint_url(endpoint.as_str());
        }
        let config = config.load().await;
        let mut s3 = Builder::from(&config)
            .request_checksum_calculation(RequestChecksumCalculation::WhenSupported)
            .response_checksum_validation(ResponseChecksumValidation::WhenSupported)
            .force_path_style(options.path_style);
        if config.region().is_none() {
            s3 = s3.region(Region::from_static("us-east-1"));
        }
        let store = Self {
            client: Client::from_conf(s3.build()),
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

    /// The start of an answer, with the rest of it still to come.
    async fn open_object(
        &self,
        key: &Key,
        range: Option<String>,
        version: Option<&str>,
    ) -> Result<GetObjectOutput, StoreError> {
        let got = self
            .client
            .get_object()
            .bucket(self.bucket())
            .key(self.name(key.as_str()))
            .set_range(range)
            .set_if_match(version.map(str::to_owned))
            .send()
            .await;
        got.map_err(|error| {
            if is_missing(&error) {
                StoreError::NotFound(key.clone())
            } else {
                said("reading an object")(error)
            }
        })
    }

    /// Copies all of an object. Where it breaks off, it goes on from there with the same version.
    async fn copy(
        &self,
        key: &Key,
        to: &mut (impl tokio::io::AsyncWrite + Unpin),
    ) -> Result<u64, StoreError> {
        let first = self.open_object(key, None, None).await?;
        let size = length(&first)?;
        let version = first.e_tag().map(str::to_owned);
        let (mut answer, mut done, mut attempt) = (first, 0, 1);
        loop {
            let broken = loop {
                match answer.body.next().await {
                    Some(Ok(piece)) => {
                        to.write_all(&piece)
                            .await
                            .map_err(StoreError::io("writing what was read"))?;
                        done += piece.len() as u64;
                    }
                    Some(Err(error)) => break io::Error::other(error),
                    None if done == size => {
                        to.flush()
                            .await
                            .map_err(StoreError::io("writing what was read"))?;
                        return Ok(size);
                    }
                    None => break io::ErrorKind::UnexpectedEof.into(),
                }
            };
            if attempt == BODY_ATTEMPTS || done > size {
                return Err(StoreError::io("reading an object")(broken));
            }
            tracing::debug!(%key, done, size, %broken, "reading an object broke off");
            tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
            attempt += 1;
            answer = self
                .open_object(key, Some(format!("bytes={done}-")), version.as_deref())
                .await?;
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
        upload::put(
            &self.client,
            self.bucket(),
            &self.name(key.as_str()),
            body,
            mode,
        )
        .await
    }

    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        let mut bytes = Vec::new();
        self.copy(key, &mut bytes).await?;
        Ok(bytes.into())
    }

    async fn fetch(&self, key: &Key, to: &Path) -> Result<u64, StoreError> {
        let writing = || StoreError::io("fetching an object");
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(writing())?;
        let (file, path) = file.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let size = self.copy(key, &mut file).await?;
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
        let answer = match self.open_object(key, wanted, None).await {
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
        let head = self
            .client
            .head_object()
            .bucket(self.bucket())
            .key(self.name(key.as_str()))
            .send()
            .await;
        match head {
            Ok(head) => Ok(Some(Meta {
                size: head.content_length().unwrap_or(0).cast_unsigned(),
                modified: time(head.last_modified()),
            })),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(said("looking for an object")(error)),
        }
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

fn length(answer: &GetObjectOutput) -> Result<u64, StoreError> {
    let length = answer.content_length().map(i64::cast_unsigned);
    length.ok_or_else(|| StoreError::io("reading an object")(io::ErrorKind::InvalidData.into()))
}

fn time(date: Option<&aws_sdk_s3::primitives::DateTime>) -> SystemTime {
    date.and_then(|date| SystemTime::try_from(*date).ok())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
