use crate::stage::{DOM, GL, Stage, browser, group, kill, processes, segment};
use framewright_capture::{Owner, SessionSpec, WarmBrowsers};

/// Remembers, wherever a page can, that it was there before, and shows it.
const DIARY: &str = r#"<body style="margin:0;background:#000">
    <div data-composition-id="main" data-root="true" data-no-timeline data-duration="1"
         data-width="{width}" data-height="{height}">
    <div id="visits" style="height:100%"></div></div>
    <script>
      let visits = 0;
      const note = (was, write) => { visits += was ? 1 : 0; write(); };
      note(localStorage.getItem("was"), () => localStorage.setItem("was", "1"));
      note(sessionStorage.getItem("was"), () => sessionStorage.setItem("was", "1"));
      note(document.cookie.includes("was"), () => (document.cookie = "was=1"));
      note(window.name, () => (window.name = "was"));
      const opening = indexedDB.open("was", 1);
      let isNew = false;
      opening.onupgradeneeded = () => (isNew = true);
      const opened = new Promise((done) => (opening.onsuccess = opening.onerror = done));
      const cached = caches.open("was").then(async (cache) => {
        note(await cache.match("/was"), () => {});
        await cache.put("/was", new Response("was"));
      });
      addEventListener("hf-seek", (event) => {
        event.detail.waitUntil(Promise.all([opened, cached]).then(() => {
          const all = visits + (isNew ? 0 : 1);
          document.getElementById("visits").style.background = all ? `rgb(255,0,${all})` : "lime";
        }));
      });
    </script>"#;

fn owned(stage: &Stage, tenant: &str, site: &str) -> SessionSpec {
    let mut spec = stage.spec.clone();
    spec.owner = Some(Owner {
        tenant: tenant.to_owned(),
        site: site.to_owned(),
    });
    spec
}

#[tokio::test]
async fn a_warm_browser_paints_what_a_fresh_one_does() {
    let stage = Stage::of(DOM, 1280, 720).await;
    let mut other = Stage::of(GL, 1280, 720).await;
    // The folder is part of what a browser is launched with.
    other.spec.scratch = stage.spec.scratch.clone();
    let expected = segment(&mut stage.lane().await, 30..40).await;
    let others = segment(&mut other.lane().await, 30..40).await;

    let warm = WarmBrowsers::default();
    for (site, stage, expected, is_warm) in [
        ("dom", &stage, &expected, false),
        ("dom", &stage, &expected, true),
        ("gl", &other, &others, true),
        ("dom", &stage, &expected, true),
    ] {
        let session = warm.session(owned(stage, "one", site)).await.unwrap();
        assert_eq!(session.report().warm, is_warm);
        assert!(session.report().gl.renderer.contains("SwiftShader"));
        let mut lane = session.into_lane();
        assert_eq!(segment(&mut lane, 30..40).await, *expected, "{site}");
        warm.keep(lane).await;
    }
    // The second lane of a chunk.
    let mut lane = warm.lane(&owned(&stage, "one", "dom")).await.unwrap();
    assert_eq!(segment(&mut lane, 30..40).await, expected);
}

#[tokio::test]
async fn a_page_cannot_tell_that_it_was_there_before() {
    let stage = Stage::of(DIARY, 320, 180).await;
    let mut lane = stage.lane().await;
    let warm = WarmBrowsers::default();
    for _ in 0..3 {
        lane.begin_segment(0).await.unwrap();
        let mut pixels = Vec::new();
        lane.capture(1, None, &mut pixels).await.unwrap();
        assert_eq!(pixels[..4], [0, 255, 0, 255], "as BGRA");
    }
    for site in ["a", "a", "b"] {
        let session = warm.session(owned(&stage, "one", site)).await.unwrap();
        let mut lane = session.into_lane();
        lane.begin_segment(0).await.unwrap();
        let mut pixels = Vec::new();
        lane.capture(1, None, &mut pixels).await.unwrap();
        assert_eq!(pixels[..4], [0, 255, 0, 255], "as BGRA");
        warm.keep(lane).await;
    }
}

#[tokio::test]
async fn a_worn_browser_is_replaced_and_nobody_sees_it() {
    let stage = Stage::of(DOM, 64, 64).await;
    let mut lane = stage.lane().await;
    let expected = segment(&mut lane, 30..32).await;
    let mut browsers = vec![browser(&stage.spec.scratch)[0]];
    for _ in 0..130 {
        lane = lane.renewed().await.unwrap();
        lane.begin_segment(0).await.unwrap();
        let lives = browser(&stage.spec.scratch)[0];
        if browsers.last() != Some(&lives) {
            browsers.push(lives);
        }
    }
    assert_eq!(browsers.len(), 2, "{browsers:?}");
    assert_eq!(segment(&mut lane, 30..32).await, expected);
}

#[tokio::test]
async fn tenants_do_not_share_a_browser_and_the_dead_are_replaced() {
    let stage = Stage::of(DOM, 640, 360).await;
    let warm = WarmBrowsers::default();
    let open = async |tenant: &str| {
        let session = warm.session(owned(&stage, tenant, "dom")).await.unwrap();
        let is_warm = session.report().warm;
        warm.keep(session.into_lane()).await;
        is_warm
    };
    assert!(!open("one").await);
    assert!(!open("two").await);
    assert!(open("two").await);
    assert!(open("one").await);

    let scratch = stage.spec.scratch.clone();
    kill(group(browser(&scratch)[0]).unwrap());
    let again = (open("one").await, open("two").await);
    // One of the two browsers was killed.
    assert!(
        again == (true, false) || again == (false, true),
        "{again:?}"
    );

    warm.close().await;
    assert_eq!(processes(&scratch.display().to_string()), [0; 0]);
}
