use crate::Key;
use framewright_film::{Digest, Disposition, Fault};
use std::{io, time::Duration};

/// Why an object could not be put or got.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such object.
    #[error("the store has no `{0}`")]
    NotFound(Key),
    /// The text can be no object's name.
    #[error(
        "`{0}` is not a key: parts of letters, digits and `._-+=@` with `/` between them are expected"
    )]
    BadKey(String),
    /// Reading was to begin after the end.
    #[error("`{key}` has {size} bytes, so it cannot be read from byte {start}")]
    OutOfRange {
        /// Which object.
        key: Key,
        /// Where reading was to begin.
        start: u64,
        /// How many bytes there are.
        size: u64,
    },
    /// No room is left.
    #[error("no room is left while {0}")]
    Full(&'static str),
    /// The system does not let us.
    #[error("permission is denied while {0}")]
    Denied(&'static str),
    /// The bytes are not those that were put. The blob has been removed, so that it can be put
    /// again.
    #[error("the blob {digest} was damaged (its bytes have the digest {found}) and was removed")]
    Damaged {
        /// What was asked for.
        digest: Digest,
        /// What was found.
        found: Digest,
    },
    /// One object's key is a folder in another's: a folder cannot keep both.
    #[error(
        "`{0}` cannot be kept beside an object whose key is a part of it, or it of the other's"
    )]
    Clash(Key),
    /// The text names no place in S3.
    #[error("`{0}` is no address in S3: `s3://bucket` or `s3://bucket/prefix` is expected")]
    BadAddress(String),
    /// The text names nothing in S3 that could be fetched or published.
    #[error(
        "`{0}` names nothing in S3: `s3://bucket/path/file`, or `s3://bucket/path/` for a folder, is expected, without `..`, empty parts, `%` and `\\`"
    )]
    BadObject(String),
    /// Somebody else's object or folder is not there.
    #[error("there is nothing at `{0}`")]
    NoSource(String),
    /// Somebody else's bucket does not let us.
    #[error("S3 does not let framewright use `{0}`")]
    Forbidden(String),
    /// What is there was not put there by us.
    #[error("`{0}` holds something that framewright has not put there; it was left as it is")]
    Occupied(String),
    /// It is larger than it may be.
    #[error("`{what}` is too large: its {has} are above the limit of {limit}")]
    TooLarge {
        /// What was to be fetched.
        what: String,
        /// How much there is, with a unit.
        has: String,
        /// How much may be, with its unit.
        limit: String,
    },
    /// There is no such bucket.
    #[error("the bucket is not there")]
    NoBucket,
    /// Anything else that the system says.
    #[error("{task} failed: {source}")]
    Io {
        /// What was tried.
        task: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    /// Sorts what the system says by what can be done about it.
    pub(crate) fn io(task: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(task),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Denied(task)
            }
            _ => Self::Io { task, source },
        }
    }
}

impl Fault for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "FW0401",
            Self::BadKey(_) => "FW0402",
            Self::OutOfRange { .. } => "FW0403",
            Self::Full(_) => "FW0404",
            Self::Denied(_) => "FW0405",
            Self::Damaged { .. } => "FW0406",
            Self::Clash(_) => "FW0407",
            Self::Io { .. } => "FW0408",
            Self::BadAddress(_) | Self::BadObject(_) => "FW0409",
            Self::NoBucket => "FW0410",
            Self::NoSource(_) => "FW0411",
            Self::Forbidden(_) => "FW0412",
            Self::Occupied(_) => "FW0413",
            Self::TooLarge { .. } => "FW0414",
        }
    }

    fn disposition(&self) -> Disposition {
        let after = match self {
            // Somebody has to make room.
            Self::Full(_) => Duration::from_secs(10),
            Self::Damaged { .. } | Self::Io { .. } => Duration::ZERO,
            _ => return Disposition::Permanent,
        };
        Disposition::Retry { after }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Full(_) => "make room on the disk of the store or of temporary files",
            Self::Denied(_) => {
                "let the user that runs framewright write to the store's folder; for S3, check credentials (`AWS_ACCESS_KEY_ID`, `AWS_PROFILE`, …) and what they may do"
            }
            Self::NoBucket => "make the bucket, or check its name, `--s3-endpoint` and the region",
            Self::NoSource(_) => "check bucket and name; a folder is named with a `/` at its end",
            Self::Forbidden(_) => {
                "let the credentials of the service read (`s3:GetObject`, `s3:ListBucket`) what it shall fetch, and write (`s3:PutObject`) where it shall publish"
            }
            Self::Occupied(_) => "name another object, or remove what is there",
            Self::TooLarge { .. } => {
                "leave out what the composition does not use, such as `node_modules`"
            }
            Self::Damaged { .. } => "check the store's disk; what made the blob can make it again",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::StoreError;
    use framewright_film::{Disposition, Fault as _};
    use std::{fs, io::Write as _};

    #[test]
    fn a_full_disk_is_worth_another_try() {
        let mut full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let error = StoreError::io("writing")(full.write_all(b"x").unwrap_err());
        assert!(matches!(error, StoreError::Full("writing")), "{error:?}");
        assert!(matches!(error.disposition(), Disposition::Retry { .. }));
    }
}
