//! A bundle as the browser's network, which goes on without what is not there.

use framewright_capture::{Answer, Destination, Site};
use framewright_composition::PageBundle;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// Answers from a bundle. What is missing is noted, and something empty takes its place, so that
/// one missing file does not hide what else is wrong.
pub(super) struct LenientSite {
    bundle: PageBundle,
    missing: Mutex<Vec<(Url, Destination)>>,
}

impl LenientSite {
    pub(super) fn new(bundle: PageBundle) -> Self {
        Self {
            bundle,
            missing: Mutex::default(),
        }
    }

    /// What was asked for in vain, in order.
    pub(super) fn missing(&self) -> Vec<(Url, Destination)> {
        let missing = self.missing.lock();
        missing.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Site for LenientSite {
    fn answer(&self, url: &Url, destination: Destination) -> Answer {
        let mut plain = url.clone();
        plain.set_query(None);
        let resources = &self.bundle.resources;
        let found = resources
            .get(url.as_str())
            .or_else(|| resources.get(plain.as_str()));
        if let Some(found) = found {
            return Answer::Found {
                content_type: found.content_type.clone(),
                body: found.bytes.clone(),
            };
        }
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let miss = (url.clone(), destination);
        if !missing.contains(&miss) {
            missing.push(miss);
        }
        let (content_type, body) = match destination {
            Destination::Image => (
                "image/svg+xml",
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\"/>",
            ),
            Destination::Script => ("text/javascript", ""),
            Destination::Style => ("text/css", ""),
            Destination::Font => ("font/woff2", ""),
            _ => return Answer::Missing,
        };
        Answer::Found {
            content_type: content_type.to_owned(),
            body: body.into(),
        }
    }
}
