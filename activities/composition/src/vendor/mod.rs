//! Where files that a page asks the internet for come from.
//!
//! Addresses of the well-known CDNs name npm packages, so they are answered from the package's
//! tarball ([`cdn`] reads the address, [`registry`] gets the tarball, [`package`] finds the file).
//! Everything else is fetched as it is, from public addresses only ([`web`]). All of it is kept by
//! content in [`cache`].

mod cache;
mod cdn;
mod google_fonts;
mod package;
mod range;
mod registry;
mod web;

pub(crate) use registry::integrity_matches;

use crate::{CompositionError, Result, content_type};
use bytes::Bytes;
use cache::Cache;
use cdn::{Entry, Source};
use package::Package;
use registry::Registry;
use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};
use url::Url;
use web::Web;

/// How remote files are fetched.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VendorOptions {
    /// The npm registry. `None`: `npm_config_registry` of the environment, else `registry` of the
    /// user's `.npmrc`, else the public one.
    pub registry: Option<String>,
    /// The longest that one request may take.
    pub timeout: Duration,
    /// The largest file or tarball that is fetched, in bytes.
    pub max_bytes: u64,
}

/// Fetches what pages refer to, once.
#[derive(Debug)]
pub struct Vendor {
    registry: Registry,
    web: Web,
}

/// A file from somewhere else.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
    /// What the author would want to know about it.
    pub(crate) warning: Option<String>,
}

/// The packages that one compilation has open.
#[derive(Debug)]
pub(crate) struct Packages<'a> {
    vendor: &'a Vendor,
    open: HashMap<(String, String), Arc<Package>>,
}

/// Why there is no answer, before it is known who asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There is no such thing: the reason.
    Missing(String),
    /// Something failed that may not fail again.
    Failed(CompositionError),
}

impl From<CompositionError> for Refusal {
    fn from(error: CompositionError) -> Self {
        Self::Failed(error)
    }
}

impl Default for VendorOptions {
    fn default() -> Self {
        Self {
            registry: None,
            timeout: Duration::from_secs(60),
            max_bytes: 128 << 20,
        }
    }
}

impl Vendor {
    /// A vendor that keeps what it fetches in `cache_dir`, which may be shared with other
    /// processes.
    ///
    /// # Errors
    /// When the folder cannot be made or the registry's address is none.
    pub fn new(cache_dir: &Path, options: VendorOptions) -> Result<Self> {
        // Both of rustls' providers may be in the build; a client must not have to guess.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let cache = Arc::new(Cache::open(cache_dir)?);
        Ok(Self {
            registry: Registry::new(cache.clone(), &options)?,
            web: Web::new(cache, &options)?,
        })
    }

    pub(crate) fn packages(&self) -> Packages<'_> {
        Packages {
            vendor: self,
            open: HashMap::new(),
        }
    }
}

impl Packages<'_> {
    /// The answer to a request for `url`.
    pub(crate) async fn fetch(&mut self, url: &Url) -> Result<Fetched, Refusal> {
        let missing = match cdn::source(url) {
            Some(Source::GoogleFonts) => return self.google_fonts(url).await,
            Some(Source::Npm(wanted)) => match self.npm(&wanted).await {
                Err(Refusal::Missing(why)) => why,
                answer => return answer,
            },
            Some(Source::Refused(why)) => return Err(Refusal::Missing(why.to_owned())),
            None => String::new(),
        };
        // A CDN may make files that the package does not hold.
        self.vendor.web.get(url).await.map_err(|why| {
            let both = [missing, why].into_iter().filter(|why| !why.is_empty());
            Refusal::Missing(both.collect::<Vec<_>>().join("; "))
        })
    }

    async fn npm(&mut self, wanted: &cdn::Wanted) -> Result<Fetched, Refusal> {
        let (version, package) = self.open(&wanted.package, &wanted.range).await?;
        let name = format!("{}@{version}", wanted.package);
        if wanted.entry == Entry::Module {
            let entry = package
                .module_entry()
                .ok_or_else(|| Refusal::Missing(format!("npm package `{name}` has no module")))?;
            return Ok(module_shim(&name, &entry, &package));
        }
        let path = package.find(&wanted.entry).ok_or_else(|| {
            Refusal::Missing(format!("npm package `{name}` has no {}", wanted.entry))
        })?;
        let bytes = package.get(&path).cloned().unwrap_or_default();
        Ok(Fetched {
            content_type: content_type::of(&path).to_owned(),
            bytes,
            warning: None,
        })
    }

    /// The package that `range` means today, or meant when it was last looked up.
    async fn open(&mut self, name: &str, range: &str) -> Result<(String, Arc<Package>), Refusal> {
        let release = self.vendor.registry.resolve(name, range).await?;
        let key = (name.to_owned(), release.version.clone());
        if let Some(package) = self.open.get(&key) {
            return Ok((release.version, package.clone()));
        }
        let tarball = self.vendor.registry.tarball(name, &release).await?;
        let limit = self.vendor.registry.max_bytes().saturating_mul(8);
        let unpacked = tokio::task::spawn_blocking(move || Package::unpack(&tarball, limit)).await;
        let package = unpacked
            .map_err(|error| Refusal::Missing(error.to_string()))?
            .map_err(|why| Refusal::Missing(format!("npm package `{name}`: {why}")))?;
        let package = Arc::new(package);
        self.open.insert(key, package.clone());
        Ok((release.version, package))
    }
}

/// What esm.sh answers with: a module at a short address that leads to the file in the package, so
/// that the file's own relative imports stay right.
fn module_shim(name: &str, entry: &str, package: &Package) -> Fetched {
    let target = format!("/{name}/{entry}");
    let source = package
        .get(entry)
        .map(|bytes| String::from_utf8_lossy(bytes));
    let has_default =
        source.is_some_and(|text| text.contains("export default") || text.contains("as default"));
    let mut shim = format!("export * from \"{target}\";\n");
    if has_default {
        shim.push_str(&format!("export {{ default }} from \"{target}\";\n"));
    }
    Fetched {
        content_type: content_type::of("module.js").to_owned(),
        bytes: shim.into(),
        warning: None,
    }
}
