use crate::stage::Stage;
use framewright_capture::{Destination, Wall};
use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

/// Tries every way out that a page has, and says what came of each.
const PRISONER: &str = r#"<body>
<div data-composition-id="main" data-root="true" data-no-timeline data-duration="1">walls</div>
<script type="module">
  const answers = {};
  const ways = ["https://cdn.jsdelivr.net/npm/x.js", "http://169.254.169.254/latest", "http://127.0.0.1:2024/",
    "http://localhost:7233/", "http://[::1]/", "https://10.0.0.1:8443/"];
  for (const way of ways) {
    try { answers[way] = await (await fetch(way, { mode: "cors" })).text() } catch (e) { answers[way] = String(e) }
  }
  try { answers.module = (await import("https://esm.sh/answer.js")).default } catch (e) { answers.module = String(e) }
  answers.socket = await new Promise((done) => {
    const socket = new WebSocket("ws://example.com/");
    socket.onopen = () => done("open");
    socket.onerror = () => done("refused");
  });
  answers.secure = isSecureContext;
  await fetch("/told?" + encodeURIComponent(JSON.stringify(answers)));
</script>"#;

#[tokio::test]
async fn every_address_leads_to_the_site() {
    for wall in [Wall::Namespace, Wall::Loopback] {
        let mut stage = Stage::with(PRISONER, 320, 180, |url| match url.path() {
            "/answer.js" => Some(("text/javascript", b"export default 'site'".to_vec())),
            "/told" => Some(("text/plain", Vec::new())),
            _ if url.host_str() != Some("example.com") => Some(("text/plain", b"site".to_vec())),
            _ => None,
        })
        .await;
        stage.spec.wall = wall;
        let session = stage.open().await.unwrap();
        assert_eq!(session.report().wall, wall);
        assert!(session.report().sandbox);
        let told = loop {
            let asked = stage.pages.asked();
            if let Some((url, _)) = asked.iter().find(|(url, _)| url.contains("/told?")) {
                break url.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let url = url::Url::parse(&told).unwrap();
        let (json, _) = url.query_pairs().next().unwrap();
        let answers: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&json).unwrap();
        assert_eq!(answers.len(), 9);
        for (way, answer) in answers {
            match way.as_str() {
                "secure" => assert_eq!(answer, true),
                "socket" => assert_eq!(answer, "refused"),
                _ => assert_eq!(answer, "site", "{way}"),
            }
        }
        let asked = stage.pages.asked();
        let module = ("https://esm.sh/answer.js".to_owned(), Destination::Script);
        assert!(asked.contains(&module), "{asked:?}");
        assert!(asked.iter().any(|(url, _)| url == "http://[::1]/"));
        assert!(asked.iter().any(|(url, _)| url == "http://localhost:7233/"));
    }
}

#[tokio::test]
async fn body_scripts_run_when_fonts_are_there() {
    const PAGE: &str = r#"<!doctype html><head><style>
        @font-face { font-family: "Late"; src: url("/late.ttf") }
        #text { font: 40px Late, monospace; position: absolute }
        </style></head><body>
        <div id="root" data-composition-id="main" data-root="true" data-no-timeline data-duration="1"><span id="text">illicit</span></div>
        <script src="/__framewright/fonts-ready"></script>
        <script>
          const width = text.offsetWidth;
          document.fonts.ready.then(() => requestAnimationFrame(() => {}));
          fetch(`/told?${document.fonts.check("40px Late")}&${width}`);
        </script>"#;
    let stage = Stage::with(PAGE, 320, 180, |url| match url.path() {
        "/late.ttf" => {
            std::thread::sleep(Duration::from_millis(300));
            let font = std::fs::read("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf").unwrap();
            Some(("font/ttf", font))
        }
        "/told" => Some(("text/plain", Vec::new())),
        _ => None,
    })
    .await;
    let mut lane = stage.lane().await;
    // A second load passes the gate too.
    lane.begin_segment(0).await.unwrap();
    lane.begin_segment(10).await.unwrap();
    let asked = stage.pages.asked();
    let told: Vec<_> = asked
        .iter()
        .filter(|(url, _)| url.contains("/told?"))
        .collect();
    assert_eq!(told.len(), 2, "{asked:?}");
    assert_eq!(told[0], told[1]);
    assert!(told[0].0.contains("?true&"), "{told:?}");
    assert!(asked.contains(&(
        "http://film.localhost/late.ttf".to_owned(),
        Destination::Font
    )));
}

#[tokio::test]
async fn the_fonts_are_those_of_the_folder_and_no_others() {
    const PAGE: &str = r#"<body>
        <div data-composition-id="main" data-root="true" data-no-timeline data-duration="1">
        <span id="thin" style="font: 40px Arial, sans-serif">iiii</span> <span id="wide" style="font: 40px Arial, sans-serif">MMMM</span></div>
        <script>fetch(`/told?${thin.offsetWidth}=${wide.offsetWidth}`)</script>"#;
    let mut stage = Stage::with(PAGE, 320, 180, |url| {
        (url.path() == "/told").then(|| ("text/plain", Vec::new()))
    })
    .await;
    // Where only we can go, and the browser, which may be somebody else, cannot.
    let hidden = stage.spec.scratch.join("hidden");
    let fonts = hidden.join("fonts");
    fs::create_dir_all(&fonts).unwrap();
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o700)).unwrap();
    let mono = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf";
    fs::copy(mono, fonts.join("mono.ttf")).unwrap();
    let config = format!("<fontconfig><dir>{}</dir></fontconfig>", fonts.display());
    fs::write(fonts.join("fonts.conf"), config).unwrap();
    stage.spec.fonts = Some(fonts);
    stage.spec.scratch = hidden.join("scratch");
    let _lane = stage.lane().await;
    let asked = stage.pages.asked();
    let (told, _) = asked
        .iter()
        .find(|(url, _)| url.contains("/told?"))
        .unwrap();
    let (_, widths) = told.split_once('?').unwrap();
    let (thin, wide) = widths.split_once('=').unwrap();
    assert_eq!(thin, wide, "not the one font there is");
}
