//! Flags of the store, and of the commands that look after it.

use super::{AddressArgs, PlaceArgs, TemporalArgs};
use crate::service::EVERYBODY;
use clap::Args;
use framewright_store::{S3Address, S3Options, StoreError};
use std::{path::Path, str::FromStr};

/// Which places outside the store a tenant may name.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AllowArgs {
    /// Let a tenant (`*` for all) have projects read from there, `acme=s3://BUCKET/PREFIX`
    #[arg(
        long,
        env = "FRAMEWRIGHT_ALLOW_SOURCE",
        value_delimiter = ',',
        value_name = "TENANT=PLACE"
    )]
    pub(crate) allow_source: Vec<Grant>,
    /// Let a tenant (`*` for all) have films published there, `acme=s3://BUCKET/PREFIX`
    #[arg(
        long,
        env = "FRAMEWRIGHT_ALLOW_OUTPUT",
        value_delimiter = ',',
        value_name = "TENANT=PLACE"
    )]
    pub(crate) allow_output: Vec<Grant>,
}

/// A place for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Or [`EVERYBODY`].
    pub(crate) tenant: String,
    pub(crate) place: S3Address,
}

/// How S3 is reached; credentials are found where `aws` finds them.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct S3Args {
    /// Server that speaks S3 [default: Amazon's] [env: also AWS_ENDPOINT_URL]
    #[arg(long, env = "FRAMEWRIGHT_S3_ENDPOINT", value_name = "URL")]
    pub(crate) s3_endpoint: Option<url::Url>,
    /// Region [env: also AWS_REGION]
    #[arg(long, env = "FRAMEWRIGHT_S3_REGION", value_name = "REGION")]
    pub(crate) s3_region: Option<String>,
    /// Name the bucket in the path of URLs, as most servers but Amazon's want it
    #[arg(long, env = "FRAMEWRIGHT_S3_PATH_STYLE")]
    pub(crate) s3_path_style: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) temporal: TemporalArgs,
    #[command(flatten)]
    pub(crate) addresses: AddressArgs,
    #[command(flatten)]
    pub(crate) allow: AllowArgs,
    /// Print them as JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) temporal: TemporalArgs,
    /// Remove only what is older, e.g. `7d` or `36h`; less than `2h` only while no render is open
    #[arg(long, default_value = "7d", value_name = "AGE")]
    pub(crate) older_than: humantime::Duration,
    /// Remove films too; their renders then have nothing to download
    #[arg(long)]
    pub(crate) films: bool,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print what was removed as JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// A text that names something in S3.
pub(crate) fn in_s3(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| text.starts_with("s3://"))
}

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (tenant, place) = text
            .split_once('=')
            .ok_or("TENANT=s3://BUCKET/PREFIX is expected")?;
        if tenant != EVERYBODY {
            framewright_workflows::RenderId::new(tenant, "x").map_err(|_| {
                format!("`{tenant}` is not a tenant: [a-z0-9-] is expected, or `*`")
            })?;
        }
        let place: S3Address = place
            .parse()
            .map_err(|error: StoreError| error.to_string())?;
        Ok(Self {
            tenant: tenant.to_owned(),
            place,
        })
    }
}

impl S3Args {
    pub(crate) fn options(&self) -> S3Options {
        S3Options {
            endpoint: self.s3_endpoint.clone(),
            region: self.s3_region.clone(),
            path_style: self.s3_path_style,
        }
    }

    /// As on the command line.
    pub(crate) fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        if let Some(endpoint) = &self.s3_endpoint {
            flags.extend(["--s3-endpoint".to_owned(), endpoint.to_string()]);
        }
        if let Some(region) = &self.s3_region {
            flags.extend(["--s3-region".to_owned(), region.clone()]);
        }
        if self.s3_path_style {
            flags.push("--s3-path-style".to_owned());
        }
        flags
    }
}
