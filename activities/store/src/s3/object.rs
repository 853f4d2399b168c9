//! One object, ours or not: how it is opened, and how all of it is copied.

use super::fault::{is_missing, said};
use crate::{Key, S3Url, StoreError};
use aws_sdk_s3::{
    Client,
    operation::{get_object::GetObjectOutput, head_object::HeadObjectOutput},
};
use std::{io, time::Duration};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Attempts at a body that breaks off: the SDK repeats a request, not what comes after its headers.
const ATTEMPTS: u32 = 6;

/// An object by its full name.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) client: &'a Client,
    pub(super) bucket: &'a str,
    pub(super) name: &'a str,
    pub(super) known_as: KnownAs<'a>,
}

/// What callers call it: errors speak their language.
#[derive(Clone, Copy)]
pub(super) enum KnownAs<'a> {
    /// One of the store's.
    Key(&'a Key),
    /// One of somebody else's.
    Url(&'a S3Url),
}

impl Object<'_> {
    /// What is known of it, or `None` when it is not there.
    pub(super) async fn head(self) -> Result<Option<HeadObjectOutput>, StoreError> {
        let head = self
            .client
            .head_object()
            .bucket(self.bucket)
            .key(self.name)
            .send()
            .await;
        match head {
            Ok(head) => Ok(Some(head)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.known_as.fault(said("looking for an object")(error))),
        }
    }

    /// The start of an answer, with the rest of it still to come.
    pub(super) async fn open(
        self,
        range: Option<String>,
        version: Option<&str>,
    ) -> Result<GetObjectOutput, StoreError> {
        let got = self
            .client
            .get_object()
            .bucket(self.bucket)
            .key(self.name)
            .set_range(range)
            .set_if_match(version.map(str::to_owned))
            .send()
            .await;
        got.map_err(|error| {
            if is_missing(&error) {
                self.known_as.absent()
            } else {
                self.known_as.fault(said("reading an object")(error))
            }
        })
    }

    /// Copies all of it, if it has at most `limit` bytes. Where it breaks off, it goes on from
    /// there with the same version.
    pub(super) async fn copy(
        self,
        to: &mut (impl AsyncWrite + Unpin),
        limit: u64,
    ) -> Result<u64, StoreError> {
        let first = self.open(None, None).await?;
        let size = length(&first)?;
        if size > limit {
            return Err(self.known_as.too_large(size, limit));
        }
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
            if attempt == ATTEMPTS || done > size {
                return Err(StoreError::io("reading an object")(broken));
            }
            tracing::debug!(
                object = self.name,
                done,
                size,
                %broken,
                "reading an object broke off"
            );
            tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
            attempt += 1;
            answer = self
                .open(Some(format!("bytes={done}-")), version.as_deref())
                .await?;
        }
    }
}

impl KnownAs<'_> {
    fn absent(self) -> StoreError {
        match self {
            Self::Key(key) => StoreError::NotFound(key.clone()),
            Self::Url(url) => StoreError::NoSource(url.to_string()),
        }
    }

    /// In somebody else's bucket, what is missing there is not missing here.
    pub(super) fn fault(self, error: StoreError) -> StoreError {
        match (self, error) {
            (Self::Url(url), StoreError::Denied(_)) => StoreError::Forbidden(url.to_string()),
            (Self::Url(url), StoreError::NoBucket) => StoreError::NoSource(url.to_string()),
            (_, error) => error,
        }
    }

    fn too_large(self, size: u64, limit: u64) -> StoreError {
        let what = match self {
            Self::Key(key) => key.to_string(),
            Self::Url(url) => url.to_string(),
        };
        StoreError::TooLarge {
            what,
            has: format!("{} MB", size >> 20),
            limit: format!("{} MB", limit >> 20),
        }
    }
}

pub(super) fn length(answer: &GetObjectOutput) -> Result<u64, StoreError> {
    let length = answer.content_length().map(i64::cast_unsigned);
    length.ok_or_else(|| StoreError::io("reading an object")(io::ErrorKind::InvalidData.into()))
}
