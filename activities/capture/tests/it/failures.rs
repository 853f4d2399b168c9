use crate::stage::{DOM, Stage, browser, kill};
use framewright_capture::{CaptureError, Chromium, Destination, ReaderChoice};
use framewright_film::{Disposition, Fault as _};
use std::{error::Error as _, fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

#[tokio::test]
async fn a_browser_that_is_not_there_is_named() {
    let missing = Path::new("/no/such/chromium");
    let error = Chromium::find(Some(missing)).await.unwrap_err();
    assert_eq!(error.to_string(), "no usable `chromium` was found");
    assert_eq!(error.code(), "FW0201");
    assert!(error.hint().unwrap().contains("chromium-headless-shell"));
}

#[tokio::test]
async fn what_is_missing_is_named_and_a_fetch_is_the_pages_business() {
    const PAGE: &str = r#"<body><div data-composition-id="main" data-root="true" data-no-timeline data-duration="1"></div>
        <script>fetch("/overrides.json").then(() => { window.done = true })</script>"#;
    let stage = Stage::of(PAGE, 320, 180).await;
    let session = stage.open().await.unwrap();
    let refusals = &session.report().page.refusals;
    assert_eq!(refusals[0].url, "http://film.localhost/overrides.json");
    assert_eq!(refusals[0].destination, Destination::Fetch);

    let mut stage = Stage::of(PAGE, 320, 180).await;
    stage.spec.entry = "http://film.localhost/other.html".parse().unwrap();
    let error = stage.refusal().await;
    assert_eq!(error.code(), "FW0210");

    for (tag, url, expected) in [
        (
            r#"<script src="https://cdn.example.com/gsap.js"></script>"#,
            "https://cdn.example.com/gsap.js",
            Destination::Script,
        ),
        // The browser does not say what it asks a plain foreign host for.
        (
            r#"<script src="http://cdn.example.com/gsap.js"></script>"#,
            "http://cdn.example.com/gsap.js",
            Destination::Script,
        ),
        (
            r#"<link rel="stylesheet" href="a.css">"#,
            "http://film.localhost/a.css",
            Destination::Style,
        ),
        (
            r#"<img src="a%20b.png">"#,
            "http://film.localhost/a%20b.png",
            Destination::Image,
        ),
        (
            r#"<style>@font-face{font-family:F;src:url(f.woff2)} body{font-family:F}</style>text"#,
            "http://film.localhost/f.woff2",
            Destination::Font,
        ),
    ] {
        let page = format!(
            r#"<!doctype html><body><div data-composition-id="main" data-root="true" data-no-timeline data-duration="1">{tag}</div>"#
        );
        let error = Stage::of(page.leak(), 320, 180).await.refusal().await;
        assert_eq!(
            error.to_string(),
            format!("the page needs the {expected} `{url}`, which is not there")
        );
        assert_eq!(error.disposition(), Disposition::Permanent);
    }
}

#[tokio::test]
async fn a_page_that_never_gets_ready_says_what_it_waits_for() {
    const PAGE: &str = r#"<body><div data-composition-id="intro" data-root="true" data-duration="1"></div>
        <script>throw new RangeError("no timeline for you")</script>"#;
    let mut stage = Stage::of(PAGE, 320, 180).await;
    stage.spec.budgets.ready = Duration::from_secs(1);
    let error = stage.refusal().await;
    assert_eq!(error.code(), "FW0208");
    let text = error.to_string();
    assert!(
        text.starts_with("the page was not ready after 1 s: waiting for timelines (`intro`) for "),
        "{text}"
    );
    assert!(text.contains("RangeError: no timeline for you"), "{text}");
}

#[tokio::test]
async fn a_script_that_does_not_end_ends_with_its_budget() {
    const LOADING: &str = r#"<body><div data-composition-id="main" data-root="true" data-no-timeline data-duration="1"></div>
        <script>for (;;);</script>"#;
    let mut stage = Stage::of(LOADING, 320, 180).await;
    stage.spec.budgets.frame = Duration::from_secs(1);
    stage.spec.budgets.command = Duration::from_secs(1);
    let error = stage.refusal().await;
    assert_eq!(error.code(), "FW0208");
    let text = error.to_string();
    assert!(
        text.ends_with("waiting for a script to end for 1.0 s"),
        "{text}"
    );

    const SEEKING: &str = r#"<body><div data-composition-id="main" data-root="true" data-no-timeline data-duration="1"></div>
        <script>addEventListener("hf-seek", (e) => { while (e.detail.time > 0.3); })</script>"#;
    let mut stage = Stage::of(SEEKING, 320, 180).await;
    stage.spec.budgets.seek = Duration::from_secs(1);
    let mut lane = stage.lane().await;
    lane.begin_segment(0).await.unwrap();
    let error = lane.capture(20, None, &mut Vec::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "frame 20 was not there within 1 s");
    assert!(matches!(error.disposition(), Disposition::Retry { .. }));
}

#[tokio::test]
async fn a_browser_that_does_not_start_leaves_its_last_words() {
    let mut stage = Stage::of(DOM, 320, 180).await;
    let fake = stage.spec.scratch.join("fake");
    fs::write(
        &fake,
        "#!/bin/sh\n[ \"$1\" = --version ] && exec echo Fake 1\necho no luck today >&2; exit 1\n",
    )
    .unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    stage.spec.chromium = Chromium::find(Some(&fake)).await.unwrap();
    assert_eq!(stage.spec.chromium.version, "Fake 1");
    let error = stage.refusal().await;
    assert_eq!(error.to_string(), "the browser did not start");
    assert_eq!(error.source().unwrap().to_string(), "no luck today");
}

#[tokio::test]
async fn a_page_that_fails_says_why() {
    const PAGE: &str = "<body><p>no composition here</p>";
    let error = Stage::of(PAGE, 320, 180).await.refusal().await;
    assert_eq!(error.code(), "FW0209");
    assert_eq!(error.disposition(), Disposition::Permanent);
    assert!(error.to_string().contains("no-composition"), "{error}");

    const THROWS: &str = r#"<body><div data-composition-id="main" data-root="true" data-no-timeline data-duration="1"></div>
        <script>addEventListener("hf-seek", (e) => e.detail.waitUntil(e.detail.time > 0.1 ? Promise.reject(new Error("out of paint")) : 0))</script>"#;
    let stage = Stage::of(THROWS, 320, 180).await;
    let mut lane = stage.lane().await;
    lane.begin_segment(0).await.unwrap();
    let error = lane.capture(10, None, &mut Vec::new()).await.unwrap_err();
    assert_eq!(error.code(), "FW0211");
    assert!(error.to_string().contains("frame 10"), "{error}");
    assert!(error.to_string().contains("out of paint"), "{error}");
}

/// None of these may take as long as a budget: each is seen as what it is.
#[tokio::test]
async fn the_death_of_any_process_is_seen_at_once() {
    for kind in ["browser", "gpu-process", "renderer"] {
        for reader in [ReaderChoice::Tap, ReaderChoice::Screenshot] {
            let mut stage = Stage::of(DOM, 320, 180).await;
            stage.spec.reader = reader;
            let mut lane = stage.lane().await;
            lane.begin_segment(0).await.unwrap();
            lane.capture(0, None, &mut Vec::new()).await.unwrap();
            let mut killed = 0;
            for pid in browser(&stage.spec.scratch) {
                // Some go with the first that is killed.
                let Ok(line) = fs::read_to_string(format!("/proc/{pid}/cmdline")) else {
                    continue;
                };
                let is_main = !line.contains("--type=");
                if line.contains(&format!("--type={kind}")) || is_main && kind == "browser" {
                    kill(pid);
                    killed += 1;
                }
            }
            assert!(killed > 0, "there is no {kind}");
            let mut error = None;
            // The kernel may need a moment to tell everybody.
            for frame in 1..30 {
                if let Err(e) = lane.capture(frame, None, &mut Vec::new()).await {
                    error = Some(e);
                    break;
                }
            }
            let error = error.expect(kind);
            assert!(
                matches!(
                    error,
                    CaptureError::BrowserDied { .. } | CaptureError::ChildDied { .. }
                ),
                "{kind}: {error:?}"
            );
            assert!(matches!(error.disposition(), Disposition::Retry { .. }));
        }
    }
}

#[tokio::test]
async fn a_lane_that_was_interrupted_says_so() {
    let stage = Stage::of(DOM, 320, 180).await;
    let mut lane = stage.lane().await;
    lane.begin_segment(0).await.unwrap();
    let mut pixels = Vec::new();
    let capture = lane.capture(0, None, &mut pixels);
    // Polled once, so that its command is on the way, and then given up.
    assert!(tokio::time::timeout(Duration::ZERO, capture).await.is_err());
    let error = lane.capture(0, None, &mut pixels).await.unwrap_err();
    assert!(matches!(error, CaptureError::Interrupted), "{error:?}");
}
