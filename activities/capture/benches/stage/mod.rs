//! The films of `benches/films`, ready to be opened in a browser.

use framewright_capture::{Answer, Chromium, Destination, SessionSpec, Site};
use framewright_composition::{
    CompileOptions, PageBundle, Project, Vendor, VendorOptions, compile, install_fonts,
};
use framewright_film::Fps;
use std::{path::Path, sync::Arc};
use tempfile::TempDir;
use url::Url;

/// What is compiled here; it brings its scripts from npm once.
const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

struct Bundle(PageBundle);

impl Site for Bundle {
    fn answer(&self, url: &Url, _: Destination) -> Answer {
        match self.0.resources.get(url.as_str()) {
            None => Answer::Missing,
            Some(found) => Answer::Found {
                content_type: found.content_type.clone(),
                body: found.bytes.clone(),
            },
        }
    }
}

/// A film, and the folder that its browsers write to.
pub(crate) struct Film {
    pub(crate) spec: SessionSpec,
    _scratch: TempDir,
}

impl Film {
    pub(crate) async fn open(name: &str) -> Self {
        let films = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/films");
        let project = Project::from_dir(&films.join(name)).expect("a film of benches/films");
        let cache = Path::new(CACHE).join("npm");
        let vendor = Vendor::new(&cache, VendorOptions::default()).expect("a cache for scripts");
        let bundle = compile(&project, &CompileOptions::default(), &vendor)
            .await
            .expect("the film compiles");
        let scratch = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o711))
            .tempdir()
            .expect("a scratch folder");
        let mut spec = SessionSpec::new(
            Chromium::find(None).await.expect("Chromium is installed"),
            bundle.composition.size,
            bundle.composition.fps.unwrap_or(Fps::DEFAULT),
            bundle.entry.clone(),
            Arc::new(Bundle(bundle)),
            scratch.path(),
        );
        spec.fonts = Some(install_fonts(scratch.path()).expect("room for the bundled fonts"));
        spec.config = serde_json::json!({ "variables": {} });
        Self {
            spec,
            _scratch: scratch,
        }
    }
}
