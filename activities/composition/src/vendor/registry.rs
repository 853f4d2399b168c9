use super::{Refusal, VendorOptions, cache::Cache, range, web};
use crate::{CompositionError, Result};
use bytes::Bytes;
use framewright_film::Digest;
use reqwest::{Client, StatusCode, header};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha384, Sha512};
use std::{collections::BTreeMap, env, fs, path::PathBuf, sync::Arc, time::Duration};
use url::Url;

const PUBLIC_REGISTRY: &str = "https://registry.npmjs.org/";

/// How long a lookup of a range holds before the registry is asked again.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// A client of an npm registry.
#[derive(Debug)]
pub(crate) struct Registry {
    address: Url,
    client: Client,
    cache: Arc<Cache>,
    max_bytes: u64,
}

/// One published version of a package.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) version: String,
    dist: Dist,
}

/// What the registry says about a package, reduced to what is used.
#[derive(Debug, Serialize, Deserialize)]
struct Packument {
    #[serde(rename = "dist-tags", default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    versions: BTreeMap<String, Published>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Published {
    dist: Dist,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Dist {
    tarball: String,
    #[serde(default)]
    integrity: Option<String>,
    #[serde(default)]
    shasum: Option<String>,
}

impl Registry {
    pub(crate) fn new(cache: Arc<Cache>, options: &VendorOptions) -> Result<Self> {
        let mut text = options.registry.clone().unwrap_or_else(configured_address);
        if !text.ends_with('/') {
            text.push('/');
        }
        let bad = || CompositionError::BadRegistry(text.clone());
        let address = Url::parse(&text).map_err(|_| bad())?;
        if !matches!(address.scheme(), "http" | "https") {
            return Err(bad());
        }
        // The operator chose this address, so it may be a private one.
        let client = Client::builder()
            .timeout(options.timeout)
            .connect_timeout(options.timeout.min(Duration::from_secs(10)))
            .build()
            .map_err(|_| bad())?;
        Ok(Self {
            address,
            client,
            cache,
            max_bytes: options.max_bytes,
        })
    }

    pub(crate) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// The release of package `name` that `range` (exact, a range, a tag, or empty) means.
    pub(crate) async fn resolve(&self, name: &str, range: &str) -> Result<Release, Refusal> {
        let key = format!("npm {name}");
        let known: Option<(Packument, Duration)> = self.cache.note(&key);
        if let Some((packument, age)) = &known {
            // An exact version cannot come to mean something else.
            let exact = packument.versions.contains_key(range);
            if (exact || *age < FRESH)
                && let Some(release) = packument.release(range)
            {
                return Ok(release);
            }
        }
        let packument = match self.packument(name).await {
            Ok(packument) => packument,
            // The last answer is better than none.
            Err(Refusal::Failed(error)) => match known.and_then(|(old, _)| old.release(range)) {
                Some(release) => return Ok(release),
                None => return Err(Refusal::Failed(error)),
            },
            Err(refusal) => return Err(refusal),
        };
        self.cache.write_note(&key, &packument)?;
        packument.release(range).ok_or_else(|| {
            Refusal::Missing(format!("npm package `{name}` has no version `{range}`"))
        })
    }

    async fn packument(&self, name: &str) -> Result<Packument, Refusal> {
        let url = format!("{}{}", self.address, name.replace('/', "%2f"));
        let failed = |why: String| CompositionError::Network {
            url: url.clone(),
            why,
        };
        let answer = self
            .client
            .get(&url)
            .header(
                header::ACCEPT,
                "application/vnd.npm.install-v1+json, application/json;q=0.5",
            )
            .send()
            .await
            .map_err(|error| failed(web::reason(&error)))?;
        match answer.status() {
            StatusCode::NOT_FOUND => {
                return Err(Refusal::Missing(format!(
                    "there is no npm package `{name}`"
                )));
            }
            status if !status.is_success() => return Err(failed(status.to_string()).into()),
            _ => {}
        }
        let bytes = web::body(answer, self.max_bytes).await.map_err(failed)?;
        let parsed = serde_json::from_slice(&bytes);
        parsed.map_err(|error| failed(format!("the answer makes no sense: {error}")).into())
    }

    /// The tarball of a release, as its publisher signed it.
    pub(crate) async fn tarball(&self, name: &str, release: &Release) -> Result<Bytes> {
        let integrity = release
            .dist
            .integrity
            .as_deref()
            .or(release.dist.shasum.as_deref());
        let key = format!(
            "tarball {name}@{} {}",
            release.version,
            integrity.unwrap_or("unsigned")
        );
        if let Some((digest, _)) = self.cache.note::<Digest>(&key)
            && let Some(bytes) = self.cache.blob(digest)
        {
            return Ok(bytes);
        }
        let url = self.mirrored(&release.dist.tarball);
        let failed = |why: String| CompositionError::Network {
            url: url.clone(),
            why,
        };
        let answer = self.client.get(&url).send().await;
        let answer = answer
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| failed(web::reason(&error)))?;
        let bytes = web::body(answer, self.max_bytes).await.map_err(failed)?;
        release.dist.verify(&url, &bytes)?;
        let digest = self.cache.keep(&bytes)?;
        self.cache.write_note(&key, &digest)?;
        tracing::debug!(
            package = name,
            version = release.version,
            bytes = bytes.len(),
            "fetched from npm"
        );
        Ok(bytes)
    }

    /// Mirrors often hand on the public registry's tarball addresses; npm itself rewrites them.
    fn mirrored(&self, tarball: &str) -> String {
        match tarball.strip_prefix(PUBLIC_REGISTRY) {
            Some(path) => format!("{}{path}", self.address),
            None => tarball.to_owned(),
        }
    }
}

impl Packument {
    fn release(&self, range: &str) -> Option<Release> {
        let range = if range.is_empty() { "latest" } else { range };
        let range = self.tags.get(range).map_or(range, String::as_str);
        let version = match self.versions.get_key_value(range) {
            Some((version, _)) => version.as_str(),
            None => range::highest(range, self.versions.keys().map(String::as_str))?,
        };
        Some(Release {
            version: version.to_owned(),
            dist: self.versions.get(version)?.dist.clone(),
        })
    }
}

impl Dist {
    fn verify(&self, url: &str, bytes: &[u8]) -> Result<()> {
        let expected = match (&self.integrity, &self.shasum) {
            (Some(integrity), _) => integrity.clone(),
            (None, Some(shasum)) => shasum.clone(),
            (None, None) => return Ok(()),
        };
        let matches = match &self.integrity {
            Some(integrity) => integrity_matches(integrity, bytes),
            None => hex::encode(Sha1::digest(bytes)) == expected,
        };
        if matches {
            return Ok(());
        }
        Err(CompositionError::Tampered {
            url: url.to_owned(),
            expected,
        })
    }
}

/// Whether `bytes` are what a subresource integrity text (`sha512-…`, or several) allows.
pub(crate) fn integrity_matches(integrity: &str, bytes: &[u8]) -> bool {
    let encode = |hash: &[u8]| base64_simd::STANDARD.encode_to_string(hash);
    integrity.split_whitespace().any(|one| {
        let one = one.split('?').next().unwrap_or(one);
        match one.split_once('-') {
            Some(("sha512", expected)) => encode(&Sha512::digest(bytes)) == expected,
            Some(("sha384", expected)) => encode(&Sha384::digest(bytes)) == expected,
            Some(("sha256", expected)) => encode(&sha2::Sha256::digest(bytes)) == expected,
            Some(("sha1", expected)) => encode(&Sha1::digest(bytes)) == expected,
            _ => false,
        }
    })
}

fn configured_address() -> String {
    let from_env = ["npm_config_registry", "NPM_CONFIG_REGISTRY"]
        .into_iter()
        .find_map(|name| env::var(name).ok())
        .filter(|text| !text.is_empty());
    from_env
        .or_else(address_in_npmrc)
        .unwrap_or_else(|| PUBLIC_REGISTRY.to_owned())
}

fn address_in_npmrc() -> Option<String> {
    let file = match env::var_os("npm_config_userconfig") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env::var_os("HOME")?).join(".npmrc"),
    };
    let text = fs::read_to_string(file).ok()?;
    let values = text.lines().filter_map(|line| line.split_once('='));
    values
        .filter(|(name, _)| name.trim() == "registry")
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
        .next_back()
}
