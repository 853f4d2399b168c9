//! What S3 says, sorted by what can be done about it.

use crate::StoreError;
use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
};
use std::{error::Error, io};

/// Text that [`is_range`] finds again in an error that has been sorted already.
const INVALID_RANGE: &str = "InvalidRange";

/// What went wrong while doing `task`.
pub(super) fn said<E>(task: &'static str) -> impl Fn(SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| {
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let code = error.code().unwrap_or_default();
        match (status, code) {
            (_, "NoSuchBucket") => StoreError::NoBucket,
            (Some(404), _) if task == "opening the bucket" => StoreError::NoBucket,
            (_, "QuotaExceeded" | "InsufficientStorage") | (Some(507), _) => StoreError::Full(task),
            (Some(401 | 403), _) => StoreError::Denied(task),
            (Some(416), _) => {
                StoreError::io(task)(io::Error::new(io::ErrorKind::InvalidInput, INVALID_RANGE))
            }
            _ if matches!(error, SdkError::ConstructionFailure(_)) => StoreError::Denied(task),
            _ => StoreError::io(task)(io::Error::other(DisplayErrorContext(&error).to_string())),
        }
    }
}

/// Whether there is no such object.
pub(super) fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    status == Some(404) && error.code() != Some("NoSuchBucket")
}

/// Whether the object is there already, or is being put by somebody else at this moment.
pub(super) fn is_taken<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().map(|answer| answer.status().as_u16()) == Some(412)
}

/// Whether somebody else wrote at the same moment and nobody won: it is to be tried again.
pub(super) fn is_conflict<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().map(|answer| answer.status().as_u16()) == Some(409)
}

/// Whether a range began at or after the object's end.
pub(super) fn is_range(error: &StoreError) -> bool {
    matches!(error, StoreError::Io { source, .. } if source.to_string() == INVALID_RANGE)
}
