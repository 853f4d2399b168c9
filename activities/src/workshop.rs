use crate::{Habits, Manifest, Scratch, Toolchain, site::PlanSite};
use framewright_capture::{Owner, SessionSpec, WarmBrowsers};
use framewright_composition::Vendor;
use framewright_store::Store;
use std::sync::Arc;

/// Pictures that are fetched with a page before it shows them. A page with more of them swaps them
/// in elements, which are waited for.
const MOST_IMAGES: usize = 64;

/// What every step needs: where things are kept and what they are made with.
#[derive(Clone)]
pub struct Workshop {
    /// Projects, plans, segments, films.
    pub store: Arc<dyn Store>,
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
    /// What a capture session of this plan is opened with, for a film of `tenant`.
    pub(crate) fn session(&self, tenant: &str, plan: &Manifest) -> SessionSpec {
        let site = PlanSite::new(self.store.clone(), plan.resources.clone());
        let mut spec = SessionSpec::new(
            self.toolchain.chromium.clone(),
            plan.size,
            plan.fps,
            plan.entry.clone(),
            Arc::new(site),
            self.scratch.path(),
        );
        spec.owner = Some(Owner {
            tenant: tenant.to_owned(),
            site: plan.site().to_hex(),
        });
        spec.fonts = Some(self.toolchain.fonts.clone());
        spec.config = serde_json::json!({
            "variables": plan.variables,
            "images": plan.images().take(MOST_IMAGES).collect::<Vec<_>>(),
        });
        spec
    }
}
