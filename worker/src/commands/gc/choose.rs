//! What may go: arithmetic on a listing.

use framewright_film::Digest;
use framewright_store::{Key, Meta, Store, StoreError};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

/// What an object was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What a film's bytes depend on, and what frames cost.
    Plan,
    Segment,
    Preview,
    Film,
    Blob,
    /// An upload that no render asked for.
    Upload,
    /// A put that never ended.
    Broken,
}

/// An object that may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doomed {
    pub(super) kind: Kind,
    pub(super) key: Key,
    pub(super) size: u64,
}

/// What is in the store.
#[derive(Debug, Default)]
pub(super) struct Listing {
    plans: BTreeMap<Digest, Vec<(Key, Meta)>>,
    blobs: Vec<(Digest, Key, Meta)>,
    uploads: Vec<(Key, Meta)>,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Segment => "segment",
            Self::Preview => "preview",
            Self::Film => "film",
            Self::Blob => "blob",
            Self::Upload => "upload",
            Self::Broken => "broken upload",
        }
    }

    /// By what follows `plans/<plan>/`.
    fn of(rest: &str) -> Self {
        match rest.split_once('/') {
            Some(("segments", _)) => Self::Segment,
            Some(("previews", _)) => Self::Preview,
            _ if rest.starts_with("film.") => Self::Film,
            _ => Self::Plan,
        }
    }
}

impl Listing {
    pub(super) async fn of(store: &dyn Store) -> Result<Self, StoreError> {
        let mut listing = Self {
            uploads: store.list("uploads/").await?,
            ..Self::default()
        };
        for (key, meta) in store.list("plans/").await? {
            // What has another name is not ours to judge.
            if let Some((plan, _)) = in_plan(&key) {
                listing.plans.entry(plan).or_default().push((key, meta));
            }
        }
        for (key, meta) in store.list("blobs/").await? {
            let digits: String = key
                .as_str()
                .trim_start_matches("blobs/")
                .split('/')
                .collect();
            if let Ok(digest) = digits.parse() {
                listing.blobs.push((digest, key, meta));
            }
        }
        Ok(listing)
    }

    /// The plans, and where they are.
    pub(super) fn manifests(&self) -> impl Iterator<Item = (Digest, Key)> {
        self.plans.iter().filter_map(|(plan, objects)| {
            let manifest =
                |(key, _): &&(Key, Meta)| in_plan(key).is_some_and(|(_, rest)| rest == "plan.json");
            Some((*plan, objects.iter().find(manifest)?.0.clone()))
        })
    }

    /// Whether the film of a plan is whole.
    pub(super) fn has_film(&self, plan: Digest) -> bool {
        let has = |wanted| {
            let objects = self.plans.get(&plan).into_iter().flatten();
            objects
                .filter_map(|(key, _)| in_plan(key))
                .any(|(_, rest)| rest == wanted)
        };
        has("film.json") && has("film.mp4")
    }

    /// Of plans that no open render mentions and nobody has touched since `before`: the segments of
    /// those that have a film, and all of the others. With `films`, all of all.
    pub(super) fn plans(
        &self,
        mentioned: &BTreeSet<Digest>,
        before: SystemTime,
        films: bool,
    ) -> Vec<Doomed> {
        let mut doomed = Vec::new();
        for (plan, objects) in &self.plans {
            let old = objects.iter().all(|(_, meta)| meta.modified < before);
            if mentioned.contains(plan) || !old {
                continue;
            }
            let whole = self.has_film(*plan) && !films;
            for (key, meta) in objects {
                let kind = in_plan(key).map_or(Kind::Plan, |(_, rest)| Kind::of(rest));
                if !whole || kind == Kind::Segment {
                    doomed.push(Doomed {
                        kind,
                        key: key.clone(),
                        size: meta.size,
                    });
                }
            }
        }
        doomed
    }

    /// Blobs that are not needed, and that nobody has put since `before`.
    pub(super) fn blobs(&self, needed: &BTreeSet<Digest>, before: SystemTime) -> Vec<Doomed> {
        let unused = self
            .blobs
            .iter()
            .filter(|(digest, _, meta)| meta.modified < before && !needed.contains(digest));
        unused
            .map(|(_, key, meta)| Doomed {
                kind: Kind::Blob,
                key: key.clone(),
                size: meta.size,
            })
            .collect()
    }

    /// Uploads that nobody has asked for.
    pub(super) fn uploads(&self, before: SystemTime) -> Vec<Doomed> {
        let old = self
            .uploads
            .iter()
            .filter(|(_, meta)| meta.modified < before);
        old.map(|(key, meta)| Doomed {
            kind: Kind::Upload,
            key: key.clone(),
            size: meta.size,
        })
        .collect()
    }
}

/// Plan and rest of `plans/<plan>/<rest>`.
fn in_plan(key: &Key) -> Option<(Digest, &str)> {
    let (plan, rest) = key.as_str().strip_prefix("plans/")?.split_once('/')?;
    Some((plan.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::Listing;
    use framewright_film::Digest;
    use framewright_store::Meta;
    use std::{
        collections::BTreeSet,
        time::{Duration, SystemTime},
    };

    #[test]
    fn what_a_render_may_need_stays() {
        let now = SystemTime::now();
        let before = now - Duration::from_secs(3600);
        let (old, young) = (before - Duration::from_secs(1), now);
        let plan = |name: &str| Digest::of(name);
        let mut listing = Listing::default();
        let mut put = |name: &str, rest: &str, modified| {
            let key = format!("plans/{}/{rest}", plan(name)).parse().unwrap();
            let meta = Meta { size: 1, modified };
            listing
                .plans
                .entry(plan(name))
                .or_default()
                .push((key, meta));
        };
        for name in ["filmed", "open", "touched", "left"] {
            put(name, "plan.json", old);
            put(name, "segments/00000000-00000030.mp4", old);
            put(name, "previews/00000000-00000030.jpg", old);
        }
        put("filmed", "film.mp4", old);
        put("filmed", "film.json", old);
        put("left", "film.mp4", old);
        put("touched", "segments/00000030-00000060.mp4", young);

        let mentioned = BTreeSet::from([plan("open")]);
        let doomed = |films| -> Vec<_> {
            let doomed = listing.plans(&mentioned, before, films);
            let mut names: Vec<_> = doomed
                .iter()
                .map(|doomed| {
                    let (digest, rest) = super::in_plan(&doomed.key).unwrap();
                    let name = ["filmed", "open", "touched", "left"]
                        .into_iter()
                        .find(|name| plan(name) == digest);
                    format!("{} {}", name.unwrap(), rest.split('/').next().unwrap())
                })
                .collect();
            names.sort();
            names
        };
        let left = [
            "left film.mp4",
            "left plan.json",
            "left previews",
            "left segments",
        ];
        let mut expected = vec!["filmed segments"];
        expected.extend(left);
        assert_eq!(doomed(false), expected);
        let mut expected = vec![
            "filmed film.json",
            "filmed film.mp4",
            "filmed plan.json",
            "filmed previews",
            "filmed segments",
        ];
        expected.extend(left);
        assert_eq!(doomed(true), expected);
    }
}
