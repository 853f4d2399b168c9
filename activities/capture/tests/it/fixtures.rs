//! What must hold for every kind of page, on the compositions of `activities/fixtures`.

use crate::stage::{frames, segment};
use framewright_capture::{
    Answer, CaptureSession, Chromium, Destination, Lane, ReaderChoice, SessionSpec, Site,
};
use framewright_composition::{
    CompileOptions, PageBundle, Project, Vendor, VendorOptions, compile, install_fonts,
};
use framewright_film::{Digest, FrameSize};
use std::{
    collections::HashSet,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use url::Url;

pub(crate) const SIZE: (u32, u32) = (640, 360);

/// One stage for all fixtures: the page is always at the same address, so that a lane can go from
/// one to the next and brings the past of all others with it.
pub(crate) struct Theatre {
    pub(crate) spec: SessionSpec,
    playing: Arc<Playing>,
    vendor: Vendor,
    _scratch: TempDir,
}

struct Playing(Mutex<Option<PageBundle>>);

impl Site for Playing {
    fn answer(&self, url: &Url, _: Destination) -> Answer {
        let playing = self.0.lock().unwrap();
        match playing
            .as_ref()
            .and_then(|page| page.resources.get(url.as_str()))
        {
            None => Answer::Missing,
            Some(resource) => Answer::Found {
                content_type: resource.content_type.clone(),
                body: resource.bytes.clone(),
            },
        }
    }
}

impl Theatre {
    pub(crate) async fn new() -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let vendor = Vendor::new(&target.join("npm"), VendorOptions::default()).unwrap();
        let playing = Arc::new(Playing(Mutex::default()));
        let scratch = TempDir::new().unwrap();
        let mut spec = SessionSpec::new(
            Chromium::find(None).await.unwrap(),
            FrameSize::new(SIZE.0, SIZE.1).unwrap(),
            "30".parse().unwrap(),
            "http://film.localhost/index.html".parse().unwrap(),
            Arc::clone(&playing) as Arc<dyn Site>,
            scratch.path(),
        );
        spec.fonts = Some(install_fonts(target).unwrap());
        Self {
            spec,
            playing,
            vendor,
            _scratch: scratch,
        }
    }

    /// From now on, whatever navigates finds this fixture.
    pub(crate) async fn play(&self, name: &str) {
        let folder = root().join(name);
        let project = Project::from_dir(&folder).unwrap();
        let compiled = compile(&project, &CompileOptions::default(), &self.vendor).await;
        *self.playing.0.lock().unwrap() = Some(compiled.unwrap());
    }

    pub(crate) async fn lane(&self, reader: ReaderChoice) -> Lane {
        let mut spec = self.spec.clone();
        spec.reader = reader;
        let session = CaptureSession::open(spec).await.unwrap();
        session.into_lane()
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures"))
}

/// The names of all fixtures.
pub(crate) fn names() -> Vec<String> {
    let entries = fs::read_dir(root()).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Fixtures with opaque boxes of text on fractions of a pixel, at whose edges both readers differ.
const BLENDS_EDGES: [&str; 1] = ["scoped-css"];

fn pixels_that_differ(read: &[Vec<u8>], shown: &[Vec<u8>]) -> usize {
    let frames = read.iter().zip(shown);
    let pixels = frames.flat_map(|(read, shown)| read.chunks_exact(4).zip(shown.chunks_exact(4)));
    pixels.filter(|(read, shown)| read != shown).count()
}

#[tokio::test]
async fn every_fixture_is_the_same_whoever_captures_it() {
    let theatre = Theatre::new().await;
    let names = names();
    theatre.play(&names[0]).await;
    let mut one = theatre.lane(ReaderChoice::Tap).await;
    let mut two = theatre.lane(ReaderChoice::Tap).await;
    let mut pictures = theatre.lane(ReaderChoice::Screenshot).await;
    for (i, name) in names.iter().enumerate() {
        theatre.play(name).await;
        let run = segment(&mut one, 0..14).await;
        let different: HashSet<_> = run.iter().collect();
        assert!(different.len() > 8, "`{name}` hardly moves");
        let mut expected = Vec::new();
        // Forwards in one lane, backwards and dealt out among the others.
        for first in [12, 30, 41, 60, 75] {
            expected.push(segment(&mut one, first..first + 2).await);
        }
        assert_eq!(segment(&mut one, 0..14).await, run, "`{name}` again");
        assert_eq!(
            segment(&mut two, 75..77).await,
            expected[4],
            "`{name}` at 75"
        );
        assert_eq!(
            segment(&mut two, 30..32).await,
            expected[1],
            "`{name}` at 30"
        );
        for (first, expected) in [(60, &expected[3]), (12, &expected[0])] {
            let shown = frames(&mut pictures, first..first + 2).await;
            let read = frames(&mut two, first..first + 2).await;
            let digests: Vec<_> = read.iter().map(Digest::of).collect();
            assert_eq!(digests, *expected, "`{name}` at {first}");
            let different = pixels_that_differ(&read, &shown);
            let most = if BLENDS_EDGES.contains(&&**name) {
                200
            } else {
                0
            };
            assert!(
                different <= most,
                "`{name}` at {first}, as a picture: {different} pixels"
            );
        }
        // A browser of its own costs, so each is for some of the fixtures.
        if i % 4 == 0 {
            let mut fresh = theatre.lane(ReaderChoice::Tap).await;
            assert_eq!(
                segment(&mut fresh, 41..43).await,
                expected[2],
                "`{name}` in a fresh browser"
            );
            fresh.close().await;
        }
    }
    for lane in [one, two, pictures] {
        lane.close().await;
    }
}

/// Not by pixels alone, which may differ at the edge of a layer: what the page has come to.
#[tokio::test]
async fn what_events_set_off_is_there_from_any_start() {
    const COME_TO: &str = "[...document.querySelectorAll('.box')].map((box) =>
        [box.className, box.textContent, getComputedStyle(box).cssText].join()).join('\\n')";
    let theatre = Theatre::new().await;
    theatre.play("motion-events").await;
    let mut lane = theatre.lane(ReaderChoice::Tap).await;
    for at in [20, 41, 55, 66, 88] {
        let mut seen = Vec::new();
        for first in [0, at - 1, at] {
            let _ = segment(&mut lane, first..at + 1).await;
            seen.push(lane.evaluate::<String>(COME_TO).await.unwrap());
        }
        assert_eq!(seen[0], seen[1], "frame {at} from the one before");
        assert_eq!(seen[0], seen[2], "frame {at} from itself");
    }
    lane.close().await;
}
