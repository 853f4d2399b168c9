//! The previews of a film: which there are, which are shown, and the pictures themselves.
//!
//! A picture is named by the number of its segment. Its key is made from the render's own plan,
//! so there is no name that would lead to another object of the store.

use super::{Problem, Site, ask, pages::render_id, text};
use crate::service::{Refusal, Service};
use axum::{
    extract::{Path, Query, State},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use framewright_activities::PlanKeys;
use framewright_film::{Digest, Fps, FrameRange, Segments};
use framewright_proto::v1;
use framewright_store::{Key, StoreError};
use framewright_workflows::RenderId;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// Places of the filmstrip. A longer film is shown by some of its segments, evenly spread.
const STRIP: u32 = 24;

/// Plans that are remembered.
const MOST_PLANS: usize = 1024;

/// What is needed of a plan to find its previews.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    digest: Digest,
    segments: Segments,
    fps: Fps,
}

/// Plans of renders that were looked at: a page of 24 pictures would otherwise ask Temporal 24
/// times for what never changes.
#[derive(Debug, Default)]
pub(super) struct Plans(Mutex<HashMap<RenderId, Plan>>);

/// The segments of a plan that have a preview, and since when.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<u32, SystemTime>);

/// What a page shows of the previews.
#[derive(Debug, Default)]
pub(super) struct Previews {
    /// The newest picture.
    pub(super) latest: Option<Picture>,
    /// Along the film; a place without a picture is not rendered yet.
    pub(super) strip: Vec<Picture>,
}

#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) frame: u32,
    /// `0:08.0`
    pub(super) timecode: String,
    /// Empty while there is none.
    pub(super) src: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    /// Which film the page spoke of. A render's name can be used again when Temporal has
    /// forgotten the first, and browsers keep pictures for long.
    plan: Option<String>,
}

pub(super) async fn preview(
    State(site): State<Site>,
    Path((tenant, request, name)): Path<(String, String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Problem> {
    let id = render_id(&tenant, &request)?;
    let asked = parameters.plan.unwrap_or_default();
    let plan = match site
        .plans
        .recall(&id)
        .filter(|plan| plan.digest.short() == asked)
    {
        Some(plan) => plan,
        None => {
            let render = ask(site.service.get(&id)).await?;
            let film = render.film.as_ref();
            let plan = film.and_then(Plan::of).ok_or_else(no_picture)?;
            site.plans.remember(&id, plan);
            plan
        }
    };
    let key = segment_of(&name)
        .and_then(|index| plan.key(index))
        .ok_or_else(no_picture)?;
    let jpeg = match site.service.store().get(&key).await {
        Ok(jpeg) => jpeg,
        Err(StoreError::NotFound(_)) => return Err(no_picture()),
        Err(error) => return Err(Refusal::from(error).into()),
    };
    let caching = match plan.digest.short() == asked {
        true => "private, max-age=31536000, immutable",
        false => "private, no-cache",
    };
    Ok((
        [(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, caching)],
        jpeg,
    )
        .into_response())
}

fn no_picture() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "There is no such picture",
        "Pictures appear as segments are rendered.",
    )
}

/// `12.jpg` → 12. One spelling for each segment.
fn segment_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".jpg")?;
    let index: u32 = digits.parse().ok()?;
    (index.to_string() == digits).then_some(index)
}

impl Plan {
    pub(super) fn of(film: &v1::Film) -> Option<Self> {
        Some(Self {
            digest: film.plan_id.parse().ok()?,
            segments: Segments::new(film.frames, film.segment_frames),
            fps: film.fps.parse().ok()?,
        })
    }

    fn key(self, index: u32) -> Option<Key> {
        let frames = self.segments.range(index);
        if frames.is_empty() {
            return None;
        }
        PlanKeys(self.digest).preview(frames).ok()
    }
}

impl Plans {
    pub(super) fn remember(&self, id: &RenderId, plan: Plan) {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Coarse, but a miss costs one question only.
        if plans.len() >= MOST_PLANS {
            plans.clear();
        }
        plans.insert(id.clone(), plan);
    }

    fn recall(&self, id: &RenderId) -> Option<Plan> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .copied()
    }
}

impl Found {
    /// Looks into the store. A store that is away costs the pictures, not the page.
    pub(super) async fn look(service: &Service, plan: Plan) -> Self {
        let Some(first) = plan.key(0) else {
            return Self::default();
        };
        let folder = first
            .as_str()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        match service.store().list(&format!("{folder}/")).await {
            Ok(objects) => Self::of(
                plan,
                objects.into_iter().map(|(key, meta)| (key, meta.modified)),
            ),
            Err(error) => {
                tracing::warn!(%error, "the previews cannot be listed");
                Self::default()
            }
        }
    }

    fn of(plan: Plan, objects: impl Iterator<Item = (Key, SystemTime)>) -> Self {
        let found = objects.filter_map(|(key, modified)| {
            let (_, name) = key.as_str().rsplit_once('/')?;
            let (start, _) = name.split_once('-')?;
            let index = start.parse::<u32>().ok()? / plan.segments.length();
            (plan.key(index)? == key).then_some((index, modified))
        });
        Self(found.collect())
    }
}

impl Previews {
    /// What to show of `found`; `page` is the path of the render's page.
    pub(super) fn choose(page: &str, plan: Plan, found: &Found) -> Self {
        let picture = |index: u32| {
            let FrameRange { start: frame, .. } = plan.segments.range(index);
            let src = match found.0.contains_key(&index) {
                true => format!("{page}/previews/{index}.jpg?plan={}", plan.digest.short()),
                false => String::new(),
            };
            let timecode = text::timecode(plan.fps.seconds_at(frame));
            Picture {
                frame,
                timecode,
                src,
            }
        };
        let newest = found
            .0
            .iter()
            .max_by_key(|&(index, modified)| (modified, index));
        let places = plan.segments.count().min(STRIP);
        // Each place stands for a stretch of the film and shows the segment in its middle.
        let middle = |place: u32| {
            let place = u64::from(2 * place + 1) * u64::from(plan.segments.count());
            (place / u64::from(2 * places)) as u32
        };
        Self {
            latest: newest.map(|(index, _)| picture(*index)),
            strip: (0..places).map(|place| picture(middle(place))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, Plan, Previews, segment_of};
    use framewright_film::{Digest, Segments};
    use framewright_store::Key;
    use std::time::{Duration, SystemTime};

    fn plan(segments: u32) -> Plan {
        Plan {
            digest: Digest::of("plan"),
            segments: Segments::new(segments * 30, 30),
            fps: "30".parse().unwrap(),
        }
    }

    fn found(plan: Plan, indices: &[u32]) -> Found {
        let later = |seconds: u32| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
        let objects = (0..)
            .zip(indices)
            .map(|(nth, index)| (plan.key(*index).unwrap(), later(nth)));
        Found::of(plan, objects)
    }

    #[test]
    fn only_segments_of_the_plan_have_names() {
        assert_eq!(segment_of("12.jpg"), Some(12));
        for bad in [
            "12",
            ".jpg",
            "+1.jpg",
            "01.jpg",
            "-1.jpg",
            "1.jpg.jpg",
            "../plan.json",
            "4294967296.jpg",
            "1.JPG",
        ] {
            assert_eq!(segment_of(bad), None, "{bad}");
        }
        assert!(plan(7).key(6).is_some());
        assert!(plan(7).key(7).is_none() && plan(7).key(u32::MAX).is_none());
    }

    #[test]
    fn foreign_objects_are_not_shown() {
        let plan = plan(7);
        let folder = format!("plans/{}/previews", plan.digest);
        let names = [
            "00000000-00000031.jpg",
            "00000001-00000030.jpg",
            "00000210-00000240.jpg",
            "x.jpg",
            "0-30.jpg",
        ];
        let objects = names.map(|name| {
            (
                Key::new(format!("{folder}/{name}")).unwrap(),
                SystemTime::now(),
            )
        });
        assert!(Found::of(plan, objects.into_iter()).0.is_empty());
    }

    #[test]
    fn the_strip_is_the_film_and_the_latest_is_the_newest() {
        let short = Previews::choose("/renders/a/b", plan(7), &found(plan(7), &[6, 0, 3]));
        assert_eq!(short.latest.unwrap().frame, 90);
        assert_eq!(
            short.strip.iter().map(|p| p.frame).collect::<Vec<_>>(),
            [0, 30, 60, 90, 120, 150, 180]
        );
        assert_eq!(
            short
                .strip
                .iter()
                .map(|p| !p.src.is_empty())
                .collect::<Vec<_>>(),
            [true, false, false, true, false, false, true]
        );

        let long = Previews::choose("/renders/a/b", plan(500), &Found::default());
        assert_eq!(
            (long.strip.len(), long.strip[0].frame, long.strip[23].frame),
            (24, 10 * 30, 489 * 30)
        );
        assert!(long.latest.is_none());
    }
}
