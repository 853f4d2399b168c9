use crate::StoreError;
use std::{fmt, str::FromStr};
use url::Url;

/// The longest name of an object, bytes: S3's own limit.
const LONGEST: usize = 1024;

/// Where in S3: `s3://bucket` or `s3://bucket/prefix`. A prefix ends where a `/` does: what is
/// under `a/b` is under neither `a/bc` nor `a/b.zip`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Address {
    pub(crate) bucket: String,
    /// Empty, or with a `/` at its end.
    pub(crate) prefix: String,
}

/// Something in S3 that is not ours: the object `s3://bucket/path/file`, or the folder
/// `s3://bucket/path/`.
///
/// Its name is taken as it stands: `%2e` is no dot. What another server, or a file system behind
/// it, could read as another name is refused: `.`, `..`, empty parts, `\`, `%`, what cannot be
/// seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct S3Url {
    bucket: String,
    name: String,
}

/// How S3 is reached, where the environment does not say it already (`AWS_ENDPOINT_URL`,
/// `AWS_REGION`, `AWS_PROFILE`, …).
#[derive(Clone, Debug, Default)]
pub struct S3Options {
    /// Another server than Amazon's.
    pub endpoint: Option<Url>,
    /// The region.
    pub region: Option<String>,
    /// The bucket stands in the path and not in the host's name, as most other servers want it.
    pub path_style: bool,
}

impl S3Address {
    /// Whether `url` is in here.
    pub fn covers(&self, url: &S3Url) -> bool {
        self.bucket == url.bucket && url.name.starts_with(&self.prefix)
    }

    /// The place `part` in this one.
    ///
    /// # Errors
    /// [`StoreError::BadAddress`] when there can be none.
    pub fn join(&self, part: &str) -> Result<Self, StoreError> {
        format!("{self}{part}").parse()
    }
}

impl S3Url {
    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The object's name, or the folder's with a `/` at its end.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it names a folder.
    pub fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }
}

impl FromStr for S3Address {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let bad = || StoreError::BadAddress(text.to_owned());
        let (bucket, prefix) = split(text).ok_or_else(bad)?;
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let prefix = match prefix {
            "" => String::new(),
            prefix if is_name(prefix) => format!("{prefix}/"),
            _ => return Err(bad()),
        };
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix,
        })
    }
}

impl FromStr for S3Url {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let bad = || StoreError::BadObject(text.to_owned());
        let (bucket, name) = split(text).ok_or_else(bad)?;
        if !is_name(name.strip_suffix('/').unwrap_or(name)) {
            return Err(bad());
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for S3Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, prefix } = self;
        write!(f, "s3://{bucket}/{prefix}")
    }
}

impl fmt::Display for S3Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, name } = self;
        write!(f, "s3://{bucket}/{name}")
    }
}

/// Bucket and the rest.
fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("s3://")?;
    let (bucket, rest) = rest.split_once('/').unwrap_or((rest, ""));
    // The rules of S3 for buckets' names, as far as they matter in an address.
    let sane = (3..=63).contains(&bucket.len())
        && bucket
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        && !bucket.starts_with(['.', '-'])
        && !bucket.contains("..");
    sane.then_some((bucket, rest))
}

fn is_name(name: &str) -> bool {
    let sane = |part: &str| !part.is_empty() && part != "." && part != "..";
    name.len() < LONGEST
        && name.split('/').all(sane)
        && !name.contains(|c: char| c.is_control() || c == '\\' || c == '%')
}

#[cfg(test)]
mod tests {
    use super::{S3Address, S3Url};

    #[test]
    fn addresses_name_a_bucket_and_perhaps_a_prefix() {
        for (text, shown) in [
            ("s3://films", "s3://films/"),
            ("s3://films/", "s3://films/"),
            ("s3://my.films-1/a/b", "s3://my.films-1/a/b/"),
            ("s3://my.films-1/a/b/", "s3://my.films-1/a/b/"),
        ] {
            assert_eq!(text.parse::<S3Address>().unwrap().to_string(), shown);
        }
        for bad in ["films", "s3://", "s3://a", "s3://Films", "s3://films/../x"] {
            assert!(bad.parse::<S3Address>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_place_covers_what_is_under_it_and_nothing_that_begins_alike() {
        let covers = |place: &str, url: &str| {
            let place: S3Address = place.parse().unwrap();
            url.parse::<S3Url>().is_ok_and(|url| place.covers(&url))
        };
        for inside in ["a/b/c.zip", "a/b/", "a/b/c/", "a/b/ü c.zip"] {
            assert!(
                covers("s3://films/a/b", &format!("s3://films/{inside}")),
                "{inside}"
            );
        }
        for outside in [
            "films/a/bc",
            "films/a/b",
            "films/a/b.zip",
            "films/a/",
            "films/A/b/c",
            "film/a/b/c",
            "films2/a/b/c",
            // None of these is a name at all.
            "films/a/b/../c",
            "films/a/b/./c",
            "films/a/b//c",
            "films/a/b/..",
            "films//a/b/c",
            "films/a/b/%2e%2e/c",
            "films/a/b/..%2fc",
            "films/a/b\\..\\c",
            "films/a/b/\0",
            "films/",
            "films",
            "x/../films/a/b/c",
        ] {
            assert!(
                !covers("s3://films/a/b", &format!("s3://{outside}")),
                "{outside}"
            );
        }
        assert!(covers("s3://films", "s3://films/anything"));
    }
}
