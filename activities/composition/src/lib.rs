//! From a project to a page that needs nothing else.
//!
//! A [`Project`] is a folder or zip with a composition in it. [`inspect`] reads the facts that its
//! root declares; [`compile`] turns it into a [`PageBundle`]: every byte that the browser will be
//! given, by URL. After that no network is needed, and the same bundle gives the same film.
//! [`mod@check`] says what is wrong with a project, and where.
//!
//! Invariants:
//! * pages are served as they were written; only the entry file is touched, and only where the
//!   contract asks for it. One that mounts others or has variables is parsed and written anew, with
//!   all that it mounts in it (`mount`, `style`, `variables`). A script from a CDN keeps its own URL, and the bundle answers for it;
//! * CDN addresses name npm packages: they come as tarballs from an npm registry, checked against
//!   the registry's integrity hash, and stay in a cache, so that the second plan needs no network;
//! * nothing is written into the project;
//! * generic and system font families mean bundled fonts ([`install_fonts`]), so that every machine
//!   paints the same text.
//!
//! Non-goals: running the page (that is `page` and `capture`), and media.
//!
//! ```no_run
//! # async fn example() -> Result<(), framewright_composition::CompositionError> {
//! use framewright_composition::{CompileOptions, Project, Vendor, VendorOptions, compile};
//! let project = Project::from_dir("examples/launch".as_ref())?;
//! let vendor = Vendor::new("cache/npm".as_ref(), VendorOptions::default())?;
//! let bundle = compile(&project, &CompileOptions::default(), &vendor).await?;
//! println!("{} files, {}", bundle.resources.len(), bundle.digest());
//! # Ok(()) }
//! ```

mod archive;
mod bundle;
pub mod check;
mod compile;
mod content_type;
mod dom;
mod error;
mod fonts;
mod inspect;
mod mount;
mod project;
mod style;
mod variables;
mod vendor;

pub use bundle::{PageBundle, Resource};
pub use compile::{CompileOptions, compile};
pub use error::CompositionError;
pub use fonts::{fonts_fingerprint, install_fonts};
pub use inspect::{Composition, LONGEST_SECONDS, VariableDeclaration, inspect};
pub use project::{Limits, Project};
pub use vendor::{Vendor, VendorOptions};

/// The result of what this crate does.
pub type Result<T, E = CompositionError> = std::result::Result<T, E>;
