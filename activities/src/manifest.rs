use crate::Failure;
use framewright_capture::ReaderChoice;
use framewright_film::{Digest, Fps, FrameRange, FrameSize, Quality, Segments};
use framewright_store::{Body, Key, Store, StoreError, put_fresh};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use url::Url;

/// The plan of a film: all that its bytes depend on, and nothing else.
///
/// How many chunks, lanes and workers share the work is not in it, so that films of one plan can
/// share segments however they were cut.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this format.
    pub version: u32,
    /// The composition's id.
    pub composition: String,
    /// The page that is opened.
    pub entry: Url,
    /// Pixels of the page; the film's are rounded up to even.
    pub size: FrameSize,
    /// Frames per second.
    pub fps: Fps,
    /// Frames of the film.
    pub frames: u32,
    /// Frames of a segment.
    pub segment_frames: u32,
    /// How close to the frames the film shall be.
    pub quality: Quality,
    /// What that means to the encoder.
    pub encoding: String,
    /// Which toolchain the frames come from.
    pub toolchain: String,
    /// How frames are read.
    pub reader: ReaderChoice,
    /// What every load of the page must have in common with the one that made the plan.
    pub print: String,
    /// Values of the composition's variables.
    pub variables: serde_json::Map<String, serde_json::Value>,
    /// All that the browser can reach, by URL.
    pub resources: BTreeMap<String, ResourceRef>,
}

/// A blob that answers a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceRef {
    /// Of its bytes.
    pub digest: Digest,
    /// For the `Content-Type` header.
    pub content_type: String,
}

/// Where things of one plan are in the store.
#[derive(Clone, Copy, Debug)]
pub struct PlanKeys(pub Digest);

impl Manifest {
    /// The version that is written.
    pub const VERSION: u32 = 3;

    /// How the film is cut.
    pub fn segments(&self) -> Segments {
        Segments::new(self.frames, self.segment_frames)
    }

    /// URLs of the pictures among the resources.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        let pictures = self
            .resources
            .iter()
            .filter(|(_, resource)| resource.content_type.starts_with("image/"));
        pictures.map(|(url, _)| url.as_str())
    }

    /// Names what the browser can reach: plans with equal names have equal answers to every URL.
    pub fn site(&self) -> Digest {
        let mut text = String::new();
        for (url, resource) in &self.resources {
            text += &format!("{url}\n{} {}\n", resource.digest, resource.content_type);
        }
        Digest::of(text)
    }

    /// Puts the plan into the store, under the digest of its bytes.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn publish(&self, store: &dyn Store) -> Result<Digest, Failure> {
        let bytes = serde_json::to_vec_pretty(self).map_err(Failure::Manifest)?;
        let digest = Digest::of(&bytes);
        let key = PlanKeys(digest).manifest()?;
        put_fresh(store, &key, Body::from(bytes)).await?;
        Ok(digest)
    }

    /// Gets a plan back.
    ///
    /// # Errors
    /// When there is none, or what is there is none.
    pub async fn load(store: &dyn Store, plan: Digest) -> Result<Self, Failure> {
        let bytes = store.get(&PlanKeys(plan).manifest()?).await?;
        serde_json::from_slice(&bytes).map_err(Failure::Manifest)
    }
}

impl PlanKeys {
    /// The plan itself.
    pub fn manifest(self) -> Result<Key, StoreError> {
        Key::new(format!("plans/{}/plan.json", self.0))
    }

    /// What its frames cost where that was measured. Not a part of the plan.
    pub fn costs(self) -> Result<Key, StoreError> {
        Key::new(format!("plans/{}/costs.json", self.0))
    }

    /// An encoded segment. The name follows from plan and range: a retry finds it.
    pub fn segment(self, frames: FrameRange) -> Result<Key, StoreError> {
        Key::new(format!("plans/{}/segments/{}.mp4", self.0, name(frames)))
    }

    /// A small picture of a segment's first frame.
    pub fn preview(self, frames: FrameRange) -> Result<Key, StoreError> {
        Key::new(format!("plans/{}/previews/{}.jpg", self.0, name(frames)))
    }

    /// The film.
    pub fn film(self) -> Result<Key, StoreError> {
        Key::new(format!("plans/{}/film.mp4", self.0))
    }

    /// What is known of the film; written after it.
    pub fn film_facts(self) -> Result<Key, StoreError> {
        Key::new(format!("plans/{}/film.json", self.0))
    }
}

/// Sorts as the frames do.
fn name(frames: FrameRange) -> String {
    format!("{:08}-{:08}", frames.start, frames.end)
}
