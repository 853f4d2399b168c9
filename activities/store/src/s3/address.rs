use crate::StoreError;
use std::{fmt, str::FromStr};
use url::Url;

/// Where in S3: `s3://bucket` or `s3://bucket/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Address {
    pub(crate) bucket: String,
    /// Empty, or with a `/` at its end.
    pub(crate) prefix: String,
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

impl FromStr for S3Address {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let bad = || StoreError::BadAddress(text.to_owned());
        let rest = text.strip_prefix("s3://").ok_or_else(bad)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        // The rules of S3 for buckets' names, as far as they matter in an address.
        let sane = (3..=63).contains(&bucket.len())
            && bucket
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
        if !sane || prefix.split('/').any(|part| part == "." || part == "..") {
            return Err(bad());
        }
        let prefix = match prefix {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix,
        })
    }
}

impl fmt::Display for S3Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, prefix } = self;
        write!(f, "s3://{bucket}/{prefix}")
    }
}

#[cfg(test)]
mod tests {
    use super::S3Address;

    #[test]
    fn addresses_name_a_bucket_and_perhaps_a_prefix() {
        for (text, shown) in [
            ("s3://films", "s3://films/"),
            ("s3://films/", "s3://films/"),
            ("s3://my.films-1/a/b", "s3://my.films-1/a/b/"),
        ] {
            assert_eq!(text.parse::<S3Address>().unwrap().to_string(), shown);
        }
        for bad in ["films", "s3://", "s3://a", "s3://Films", "s3://films/../x"] {
            assert!(bad.parse::<S3Address>().is_err(), "{bad}");
        }
    }
}
