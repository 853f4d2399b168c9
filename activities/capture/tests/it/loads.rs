//! Every load of a page gets what the plan's load got, or no frame comes of it.

use crate::stage::{Stage, segment};
use framewright_capture::{Answer, Destination, Site};
use framewright_film::{Disposition, Fault as _};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use url::Url;

const DEJAVU: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

/// A style sheet that comes in mid film and brings a face with it.
const LATE_FACE: &str = r#"<!doctype html><body>
    <div data-composition-id="main" data-root="true" data-no-timeline data-duration="2"><span style="font: 40px Late, monospace">illicit</span></div>
    <script>
      addEventListener("hf-seek", ({ detail }) => {
        const sheet = document.querySelector("style");
        if (detail.time < 0.5 || sheet) return;
        document.head.append(Object.assign(document.createElement("style"), {
          textContent: '@font-face { font-family: "Late"; src: url("/late.ttf") }',
        }));
      });
    </script>"#;

#[tokio::test]
async fn a_face_that_is_asked_for_in_mid_film_is_waited_for() {
    let mut seen = Vec::new();
    for delay in [0, 400] {
        let stage = Stage::with(LATE_FACE, 320, 180, move |url| {
            (url.path() == "/late.ttf").then(|| {
                std::thread::sleep(Duration::from_millis(delay));
                ("font/ttf", std::fs::read(DEJAVU).unwrap())
            })
        })
        .await;
        let mut lane = stage.lane().await;
        let through = segment(&mut lane, 10..20).await;
        let there = segment(&mut lane, 20..22).await;
        assert_ne!(through[0], through[9], "the face shows");
        assert_eq!(through[9], there[0]);
        seen.push(through);
    }
    assert_eq!(seen[0], seen[1]);
}

const FACE: &str = r#"<!doctype html><head><style>
    @font-face { font-family: "Own"; src: url("/own.ttf") }
    </style></head><body>
    <div data-composition-id="main" data-root="true" data-no-timeline data-duration="1"><span style="font: 40px Own">illicit</span></div>"#;

#[tokio::test]
async fn a_load_without_a_face_that_the_plan_had_is_no_load() {
    let broken = Arc::new(AtomicBool::new(false));
    let is_broken = broken.clone();
    let mut stage = Stage::with(FACE, 320, 180, move |url| {
        (url.path() == "/own.ttf").then(|| match is_broken.load(Ordering::Relaxed) {
            true => ("font/ttf", b"torn".to_vec()),
            false => ("font/ttf", std::fs::read(DEJAVU).unwrap()),
        })
    })
    .await;
    let session = stage.open().await.unwrap();
    stage.spec.print = Some(session.report().page.print.clone());
    let mut lane = stage.lane().await;
    let _ = segment(&mut lane, 0..2).await;
    broken.store(true, Ordering::Relaxed);
    let error = lane.begin_segment(10).await.unwrap_err();
    assert_eq!(error.code(), "FW0220", "{error}");
    assert!(matches!(error.disposition(), Disposition::Retry { .. }));
    assert!(error.to_string().contains("font Own"), "{error}");
}

/// A site whose font cannot be had at the moment.
struct Away<S>(S);

impl<S: Site> Site for Away<Arc<S>> {
    fn answer(&self, url: &Url, destination: Destination) -> Answer {
        match url.path() {
            "/own.ttf" => Answer::Unavailable,
            _ => self.0.answer(url, destination),
        }
    }
}

#[tokio::test]
async fn what_cannot_be_had_now_may_be_had_later() {
    let mut stage = Stage::of(FACE, 320, 180).await;
    stage.spec.site = Arc::new(Away(stage.pages.clone()));
    let error = stage.refusal().await;
    assert_eq!(error.code(), "FW0219", "{error}");
    assert!(matches!(error.disposition(), Disposition::Retry { .. }));
    assert!(error.to_string().contains("own.ttf"), "{error}");
}
