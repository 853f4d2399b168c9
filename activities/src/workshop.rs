use crate::{Habits, Machine, Manifest, ResourceRef, Scratch, Toolchain, lanes, site::PlanSite};
use framewright_capture::{Owner, SessionSpec, WarmBrowsers};
use framewright_composition::Vendor;
use framewright_film::{Fps, FrameSize};
use framewright_store::{S3Outside, Store};
use std::{collections::BTreeMap, sync::Arc};
use url::Url;

/// Pictures that are fetched with a page before it shows them. A page with more of them swaps them
/// in elements, which are waited for.
const MOST_IMAGES: usize = 64;

/// What every step needs: where things are kept and what they are made with.
#[derive(Clone)]
pub struct Workshop {
    /// Projects, plans, segments, films.
    pub store: Arc<dyn Store>,
    /// Buckets that are not the store's.
    pub outside: S3Outside,
    /// The programs.
    pub toolchain: Arc<Toolchain>,
    /// Fetches what projects refer to.
    pub vendor: Arc<Vendor>,
    /// Room for what nobody else needs.
    pub scratch: Arc<Scratch>,
    /// Browsers that wait for their next session.
    pub browsers: Arc<WarmBrowsers>,
    /// How sessions are used.
    pub habits: Habits,
}

impl Workshop {
    /// Opens as many browsers as a chunk of a film of this size may use here, before it is there.
    /// What does not succeed is left to the sessions, which say why.
    #[tracing::instrument(skip_all)]
    pub async fn prepare_browsers(&self, size: FrameSize) {
        let nowhere = Url::parse("about:blank").expect("a URL");
        let spec = self.session_of(size, Fps::DEFAULT, nowhere, BTreeMap::new());
        let lanes = lanes::lanes(Machine::here(), size, u32::MAX, None);
        let opening = (0..lanes).map(|_| self.browsers.prepare(&spec));
        for opened in futures::future::join_all(opening).await {
            if let Err(error) = opened {
                tracing::info!(%error, "a browser could not be opened ahead");
            }
        }
    }

    /// What a capture session of this plan is opened with, for a film of `tenant`.
    pub(crate) fn session(&self, tenant: &str, plan: &Manifest) -> SessionSpec {
        let (entry, resources) = (plan.entry.clone(), plan.resources.clone());
        let mut spec = self.session_of(plan.size, plan.fps, entry, resources);
        spec.reader = plan.reader;
        // Unknown to the session that finds it out.
        spec.print = Some(plan.print.clone()).filter(|print| !print.is_empty());
        spec.owner = Some(Owner {
            tenant: tenant.to_owned(),
            site: plan.site().to_hex(),
        });
        spec.config = serde_json::json!({
            "variables": plan.variables,
            "images": plan.images().take(MOST_IMAGES).collect::<Vec<_>>(),
        });
        spec
    }

    fn session_of(
        &self,
        size: FrameSize,
        fps: Fps,
        entry: Url,
        resources: BTreeMap<String, ResourceRef>,
    ) -> SessionSpec {
        let chromium = self.toolchain.programs.chromium.clone();
        let site = Arc::new(PlanSite::new(self.store.clone(), resources));
        let mut spec = SessionSpec::new(chromium, size, fps, entry, site, self.scratch.path());
        spec.fonts = Some(self.toolchain.fonts.clone());
        spec
    }
}
