//! A plan as the browser's network.

use crate::ResourceRef;
use framewright_capture::{Answer, Destination, Site};
use framewright_store::{Store, get_blob};
use std::{collections::BTreeMap, sync::Arc};
use tokio::runtime::Handle;
use url::Url;

/// Answers each URL that the plan froze with the blob that it froze.
pub(crate) struct PlanSite {
    store: Arc<dyn Store>,
    resources: BTreeMap<String, ResourceRef>,
    runtime: Handle,
}

impl PlanSite {
    pub(crate) fn new(store: Arc<dyn Store>, resources: BTreeMap<String, ResourceRef>) -> Self {
        Self {
            store,
            resources,
            runtime: Handle::current(),
        }
    }

    /// Projects refer to their files with and without a query (`app.js?v=2`).
    fn find(&self, url: &Url) -> Option<&ResourceRef> {
        self.resources.get(url.as_str()).or_else(|| {
            let mut plain = url.clone();
            plain.set_query(None);
            self.resources.get(plain.as_str())
        })
    }
}

impl Site for PlanSite {
    fn answer(&self, url: &Url, _: Destination) -> Answer {
        let Some(found) = self.find(url) else {
            return Answer::Missing;
        };
        match self.runtime.block_on(get_blob(&*self.store, found.digest)) {
            Ok(body) => Answer::Found {
                content_type: found.content_type.clone(),
                body,
            },
            Err(error) => {
                tracing::warn!(%url, %error, "the store does not give what the plan holds");
                Answer::Unavailable
            }
        }
    }
}
