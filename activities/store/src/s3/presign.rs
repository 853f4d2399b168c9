//! Addresses that carry leave: whoever has one may do one thing with one object for a while.

use super::fault::said;
use crate::{Presigned, StoreError};
use aws_sdk_s3::{
    Client, config::RequestChecksumCalculation, presigning::PresignedRequest,
    presigning::PresigningConfig,
};
use std::time::{Duration, SystemTime};

/// To read the object, as a file of this name.
pub(super) async fn get(
    client: &Client,
    bucket: &str,
    name: &str,
    file: &str,
    expires_in: Duration,
) -> Result<Presigned, StoreError> {
    let asked = client
        .get_object()
        .bucket(bucket)
        .key(name)
        .response_content_disposition(format!("attachment; filename=\"{file}\""));
    let signed = asked.presigned(config(expires_in)?).await;
    Ok(shown(
        signed.map_err(said("signing an address"))?,
        expires_in,
    ))
}

/// To put an object of exactly this size.
pub(super) async fn put(
    client: &Client,
    bucket: &str,
    name: &str,
    size: u64,
    expires_in: Duration,
) -> Result<Presigned, StoreError> {
    let asked = client
        .put_object()
        .bucket(bucket)
        .key(name)
        .content_type("application/zip")
        .content_length(size.cast_signed())
        .customize()
        // Whoever uses the address has the bytes; a checksum of ours would be one of nothing.
        .config_override(
            aws_sdk_s3::config::Config::builder()
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired),
        );
    let signed = asked.presigned(config(expires_in)?).await;
    Ok(shown(
        signed.map_err(said("signing an address"))?,
        expires_in,
    ))
}

fn config(expires_in: Duration) -> Result<PresigningConfig, StoreError> {
    PresigningConfig::expires_in(expires_in).map_err(|error| {
        StoreError::io("signing an address")(std::io::Error::other(error.to_string()))
    })
}

fn shown(signed: PresignedRequest, expires_in: Duration) -> Presigned {
    let headers = signed
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Presigned {
        url: signed.uri().to_owned(),
        method: signed.method().to_owned(),
        headers,
        expires: SystemTime::now() + expires_in,
    }
}
