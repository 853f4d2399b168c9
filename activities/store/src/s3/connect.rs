//! The way to a server that speaks S3.

use super::S3Options;
use aws_config::{
    BehaviorVersion, Region, environment::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain, profile::ProfileFileRegionProvider, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_s3::{
    Client,
    config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation},
};
use aws_smithy_http_client::tls;
use std::time::Duration;

/// Attempts of one request, the first included. With the SDK's pauses they last half a minute.
const ATTEMPTS: u32 = 8;
/// How long one attempt may wait for the first byte.
const READ_BUDGET: Duration = Duration::from_secs(30);
const CONNECT_BUDGET: Duration = Duration::from_secs(5);

/// A client with credentials and a region from the usual places: the environment, the shared
/// files of `aws`, the metadata of the machine.
pub(super) async fn connect(options: &S3Options) -> Client {
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
    } else if options.endpoint.is_some() {
        // Of a server that is not Amazon's, Amazon's machines know nothing: they are not asked,
        // which takes seconds where there are none.
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            .or_else("us-east-1");
        config = config.region(region);
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
    Client::from_conf(s3.build())
}
