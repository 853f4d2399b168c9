//! Putting objects: in one request, or large ones in parts.

use super::fault::{is_conflict, is_taken, said};
use crate::{Body, Put, StoreError};
use aws_sdk_s3::{
    Client,
    primitives::{ByteStream, Length},
    types::{CompletedMultipartUpload, CompletedPart},
};
use std::{collections::HashMap, path::Path, time::Duration};

/// Files that are larger go in parts of this size, bytes. S3 takes at most 10,000 parts.
const PART: u64 = 64 << 20;
const MOST_PARTS: u64 = 10_000;

/// How often a put is tried that collides with another one.
const COLLISIONS: u32 = 10;

/// Where to.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) client: &'a Client,
    pub(super) bucket: &'a str,
    pub(super) name: &'a str,
    pub(super) condition: Condition,
    pub(super) about: Option<&'a About>,
}

/// On which condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Whatever is there.
    Any,
    /// Nothing is there.
    Absent,
    /// This version is there.
    Version(String),
}

/// What is said of the object.
pub(super) struct About {
    pub(super) content_type: String,
    pub(super) metadata: (&'static str, String),
}

/// Puts `body` there. [`Put::AlreadyThere`] says that the condition did not hold.
pub(super) async fn put(place: Place<'_>, body: Body) -> Result<Put, StoreError> {
    let reading = || StoreError::io("reading what is to be put");
    for collision in 0..COLLISIONS {
        let put = match &body {
            Body::Bytes(bytes) => place.whole(ByteStream::from(bytes.clone())).await?,
            Body::File(path) => {
                let size = tokio::fs::metadata(path).await.map_err(reading())?.len();
                if size > PART {
                    place.in_parts(path, size).await?
                } else {
                    // In memory, so that a request can be sent again.
                    let bytes = tokio::fs::read(path).await.map_err(reading())?;
                    place.whole(ByteStream::from(bytes)).await?
                }
            }
        };
        if let Some(put) = put {
            return Ok(put);
        }
        tokio::time::sleep(Duration::from_millis(20 << collision.min(6))).await;
    }
    Err(StoreError::io("putting an object")(std::io::Error::other(
        "others were writing it at the same time, again and again",
    )))
}

impl Place<'_> {
    /// In one request. `None` when it collided with another one.
    async fn whole(&self, body: ByteStream) -> Result<Option<Put>, StoreError> {
        let put = self
            .client
            .put_object()
            .bucket(self.bucket)
            .key(self.name)
            .set_if_none_match(self.if_none_match())
            .set_if_match(self.if_match())
            .set_content_type(self.content_type())
            .set_metadata(self.metadata())
            .body(body)
            .send()
            .await;
        match put {
            Ok(_) => Ok(Some(Put::Created)),
            Err(error) if is_taken(&error) => Ok(Some(Put::AlreadyThere)),
            Err(error) if is_conflict(&error) => Ok(None),
            Err(error) => Err(said("putting an object")(error)),
        }
    }

    async fn in_parts(&self, file: &Path, size: u64) -> Result<Option<Put>, StoreError> {
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(self.bucket)
            .key(self.name)
            .set_content_type(self.content_type())
            .set_metadata(self.metadata())
            .send()
            .await
            .map_err(said("beginning an upload in parts"))?;
        let upload = begun.upload_id().unwrap_or_default();
        let put = self.parts(file, size, upload).await;
        if !matches!(put, Ok(Some(Put::Created))) {
            // Parts that are left would be paid for.
            let abort = self
                .client
                .abort_multipart_upload()
                .bucket(self.bucket)
                .key(self.name)
                .upload_id(upload);
            let _ = abort.send().await;
        }
        put
    }

    async fn parts(&self, file: &Path, size: u64, upload: &str) -> Result<Option<Put>, StoreError> {
        let each = PART.max(size.div_ceil(MOST_PARTS));
        let mut parts = Vec::new();
        for number in 0..size.div_ceil(each) {
            let offset = number * each;
            let length = each.min(size - offset);
            let body = ByteStream::read_from()
                .path(file)
                .offset(offset)
                .length(Length::Exact(length))
                .build()
                .await
                .map_err(|error| {
                    StoreError::io("reading what is to be put")(std::io::Error::other(error))
                })?;
            let number = i32::try_from(number + 1).unwrap_or(i32::MAX);
            let sent = self
                .client
                .upload_part()
                .bucket(self.bucket)
                .key(self.name)
                .upload_id(upload)
                .part_number(number)
                .body(body)
                .send()
                .await
                .map_err(said("putting a part of an object"))?;
            parts.push(
                CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(sent.e_tag().map(str::to_owned))
                    .build(),
            );
        }
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let completed = self
            .client
            .complete_multipart_upload()
            .bucket(self.bucket)
            .key(self.name)
            .upload_id(upload)
            .set_if_none_match(self.if_none_match())
            .set_if_match(self.if_match())
            .multipart_upload(parts)
            .send()
            .await;
        match completed {
            Ok(_) => Ok(Some(Put::Created)),
            Err(error) if is_taken(&error) => Ok(Some(Put::AlreadyThere)),
            Err(error) if is_conflict(&error) => Ok(None),
            Err(error) => Err(said("completing an upload in parts")(error)),
        }
    }

    fn if_none_match(&self) -> Option<String> {
        (self.condition == Condition::Absent).then(|| "*".to_owned())
    }

    fn if_match(&self) -> Option<String> {
        match &self.condition {
            Condition::Version(version) => Some(version.clone()),
            _ => None,
        }
    }

    fn content_type(&self) -> Option<String> {
        Some(self.about?.content_type.clone())
    }

    fn metadata(&self) -> Option<HashMap<String, String>> {
        let (name, value) = &self.about?.metadata;
        Some(HashMap::from([((*name).to_owned(), value.clone())]))
    }
}
