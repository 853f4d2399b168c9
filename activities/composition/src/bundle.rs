use crate::{Composition, content_type};
use bytes::Bytes;
use framewright_film::Digest;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::Url;

/// The origin under which the project's files are served.
pub(crate) const ORIGIN: &str = "http://film.localhost/";

/// Everything the browser will be given, by URL.
#[derive(Clone, Debug)]
pub struct PageBundle {
    /// The page to open, such as `http://film.localhost/index.html`.
    pub entry: Url,
    /// Answers by absolute URL, without fragment; a URL that is not here does not exist.
    pub resources: BTreeMap<String, Resource>,
    /// What the root of the composition declares.
    pub composition: Composition,
    /// The values the film is rendered with.
    pub variables: Map<String, Value>,
    /// What an author would want to know and a film can do without, one sentence each.
    pub warnings: Vec<String>,
}

/// One answer of the page's server.
#[derive(Clone, Debug)]
pub struct Resource {
    /// SHA-256 of `bytes`.
    pub digest: Digest,
    /// The `content-type` header.
    pub content_type: String,
    /// The body.
    pub bytes: Bytes,
}

impl Resource {
    /// A resource whose type its `name` tells.
    pub(crate) fn named(name: &str, bytes: Bytes) -> Self {
        Self::typed(content_type::of(name), bytes)
    }

    pub(crate) fn typed(content_type: &str, bytes: Bytes) -> Self {
        Self {
            digest: Digest::of(&bytes),
            content_type: content_type.to_owned(),
            bytes,
        }
    }
}

impl PageBundle {
    /// Digest of all that decides what the page shows: entry, variables, and every resource by URL,
    /// type and content. Warnings are not part of it.
    pub fn digest(&self) -> Digest {
        let resources: Vec<_> = self
            .resources
            .iter()
            .map(|(url, resource)| (url, resource.digest, &resource.content_type))
            .collect();
        let table = serde_json::json!([self.entry.as_str(), self.variables, resources]);
        Digest::of(table.to_string())
    }
}
