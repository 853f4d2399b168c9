//! Uploads in parts whose writers died: their parts are kept, and paid for, until somebody aborts
//! them.

use super::{fault::is_missing, fault::said, time};
use crate::{Litter, StoreError};
use aws_sdk_s3::Client;
use std::time::SystemTime;

/// Uploads under `prefix` that were begun before `before`.
pub(super) async fn find(
    client: &Client,
    bucket: &str,
    prefix: &str,
    before: SystemTime,
) -> Result<Vec<Litter>, StoreError> {
    let mut found = Vec::new();
    let (mut key_marker, mut upload_marker) = (None, None);
    loop {
        let page = client
            .list_multipart_uploads()
            .bucket(bucket)
            .prefix(prefix)
            .set_key_marker(key_marker)
            .set_upload_id_marker(upload_marker)
            .send()
            .await
            .map_err(said("listing uploads in parts"))?;
        for upload in page.uploads() {
            let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else {
                continue;
            };
            let since = time(upload.initiated());
            // Not every server heeds the prefix.
            let Some(name) = key.strip_prefix(prefix).filter(|_| since < before) else {
                continue;
            };
            found.push(Litter {
                name: name.to_owned(),
                id: id.to_owned(),
                // S3 does not say.
                size: 0,
                since,
            });
        }
        if page.is_truncated() != Some(true) {
            return Ok(found);
        }
        key_marker = page.next_key_marker().map(str::to_owned);
        upload_marker = page.next_upload_id_marker().map(str::to_owned);
        if key_marker.is_none() {
            return Ok(found);
        }
    }
}

pub(super) async fn remove(
    client: &Client,
    bucket: &str,
    name: &str,
    upload: &str,
) -> Result<(), StoreError> {
    let aborted = client
        .abort_multipart_upload()
        .bucket(bucket)
        .key(name)
        .upload_id(upload)
        .send()
        .await;
    match aborted {
        Err(error) if !is_missing(&error) => Err(said("aborting an upload in parts")(error)),
        _ => Ok(()),
    }
}
