//! Where files that a page asks the internet for come from.
//!
//! Addresses of the well-known CDNs name npm packages, so they are answered from the package's
//! tarball ([`cdn`] reads the address, [`registry`] gets the tarball, [`package`] finds the file).
//! Everything else is fetched as it is, from public addresses only ([`web`]). All of it is kept by
//! content in [`cache`].

mod cache;
mod cdn;
pub(crate) mod esm;
mod google_fonts;
mod package;
mod range;
mod registry;
mod web;

pub(crate) use esm::specifiers;
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
        if let Entry::Module(path) = &wanted.entry {
            return self.module(&name, path.as_deref(), &package).await;
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

    /// A module of a package, in which all that is imported is an address, as esm.sh and
    /// jsDelivr's `+esm` make them.
    async fn module(
        &mut self,
        name: &str,
        path: Option<&str>,
        package: &Package,
    ) -> Result<Fetched, Refusal> {
        let entry = package.module_entry(path).ok_or_else(|| {
            let what = path.map_or_else(|| "entry".to_owned(), |path| format!("`{path}`"));
            Refusal::Missing(format!("npm package `{name}` has no module {what}"))
        })?;
        let source = package
            .get(&entry)
            .map(|bytes| String::from_utf8_lossy(bytes));
        let source = source.unwrap_or_default();
        // One address for each file, however it was asked for: a module is instantiated once.
        let text = if path == Some(&*entry) {
            let mut addresses = HashMap::new();
            for specifier in esm::specifiers(&source) {
                let address = self.address(name, &entry, package, specifier).await;
                addresses.extend(address.map(|address| (specifier.to_owned(), address)));
            }
            esm::linked(&source, &addresses)
        } else {
            esm::leading_to(&esm::address(name, &entry), &source)
        };
        Ok(Fetched {
            content_type: content_type::of("module.js").to_owned(),
            bytes: text.into(),
            warning: None,
        })
    }

    /// Where `specifier` leads that file `from` of `package` imports; `None` if nobody knows.
    async fn address(
        &mut self,
        name: &str,
        from: &str,
        package: &Package,
        specifier: &str,
    ) -> Option<String> {
        if let Some(path) = esm::beside(from, specifier) {
            let file = package.module_entry(Some(&path)).unwrap_or(path);
            return Some(esm::address(name, &file));
        }
        let (dependency, path) = esm::bare(specifier)?;
        let range = package.range_of(dependency);
        let release = self.vendor.registry.resolve(dependency, range).await.ok()?;
        let dependency = format!("{dependency}@{}", release.version);
        Some(esm::address(&dependency, path))
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
