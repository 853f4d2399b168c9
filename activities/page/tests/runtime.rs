//! The runtime in the real browser.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod stage;

use serde_json::{Value, json};
use stage::{Stage, play};

const DRIVER: &str = include_str!("pages/driver.js");

/// Plays `page` with `FRAMES` set to the frames it shall visit.
async fn visit(page: &str, frames: &[u32]) -> Value {
    let page = page.replace("FRAMES", &format!("{frames:?}"));
    let dot = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\"/>";
    let files = [
        ("index.html", page.as_str()),
        ("driver.js", DRIVER),
        ("dot.svg", dot),
    ];
    let stage = Stage {
        config: Value::Null,
        fonts: None,
    };
    let verdict = play(&files, stage).await;
    assert_eq!(verdict.get("threw"), None, "{verdict}");
    assert_eq!(verdict["status"]["failed"], Value::Null, "{verdict}");
    verdict
}

/// What status says in the end about `page` with short budgets.
async fn failure(page: &str) -> Value {
    let page = format!(
        "<!doctype html><html><head><script src=\"driver.js\"></script></head><body>{page}\
         <script>driver.run(() => driver.ready(8000))</script></body></html>"
    );
    let budgets = json!({ "budgets": { "timelines": 700, "images": 700 } });
    let files = [("index.html", page.as_str()), ("driver.js", DRIVER)];
    let stage = Stage {
        config: budgets,
        fonts: None,
    };
    play(&files, stage).await["failed"].clone()
}

/// A page that begins in mid film is where a page that came from the start is.
async fn begins_anywhere(page: &str, starts: &[&[u32]]) {
    let all: Vec<u32> = (0..180).collect();
    let whole = visit(page, &all).await;
    for frames in starts {
        let part = visit(page, frames).await;
        for frame in *frames {
            let frame = frame.to_string();
            assert_eq!(
                part["seen"][&frame], whole["seen"][&frame],
                "frame {frame} of {frames:?}"
            );
        }
    }
}

#[tokio::test]
async fn timelines_begin_anywhere() {
    let starts: [&[u32]; 4] = [&[45, 46, 47], &[75, 100, 150], &[105], &[179]];
    begins_anywhere(include_str!("pages/timelines.html"), &starts).await;
}

#[tokio::test]
async fn callbacks_run_once_and_in_order() {
    let frames: Vec<u32> = (0..180).collect();
    let verdict = visit(include_str!("pages/timelines.html"), &frames).await;
    let last = &verdict["seen"]["179"];
    let calls = last[1].as_str().unwrap();
    let order: Vec<&str> = calls
        .split(',')
        .map(|call| call.split(' ').next().unwrap())
        .collect();
    assert_eq!(order, ["at", "x", "start", "end"], "{calls}");
    assert!(
        last[0]
            .as_str()
            .unwrap()
            .contains("<div id=\"count\">60</div>")
    );
    let carried = "<div id=\"carried\" style=\"translate: none; rotate: none; scale: none; transform: translate(100px, 0px);\">";
    assert!(last[0].as_str().unwrap().contains(carried), "{last}");
    // The inner timeline runs on its host's clock: half of its way after half of its time.
    let html = verdict["seen"]["105"][0].as_str().unwrap();
    assert!(
        html.contains("translate3d(150px, 0px, 0px);\">inside"),
        "{html}"
    );
}

/// Which frames are visited on the way, and which are skipped, must not show. GSAP has more ways to
/// depend on that than anybody would list, so the lot decides.
#[tokio::test]
async fn nasty_timelines_begin_anywhere() {
    let seeds: Vec<u32> = (1..=30).collect();
    let page = include_str!("pages/nasty.html")
        .replace("SEEDS", &format!("{seeds:?}"))
        .replace("STARTS", "[7, 38, 52, 87]");
    let files = [
        ("index.html", page.as_str()),
        ("driver.js", DRIVER),
        ("nasty.js", include_str!("pages/nasty.js")),
    ];
    let stage = Stage {
        config: Value::Null,
        fonts: None,
    };
    let verdict = play(&files, stage).await;
    assert_eq!(verdict["compared"], 150, "{verdict:#}");
    assert_eq!(verdict["differences"], json!([]), "{verdict:#}");
}

#[tokio::test]
async fn loops_begin_anywhere() {
    let starts: [&[u32]; 2] = [&[60, 61, 62], &[150]];
    begins_anywhere(include_str!("pages/loops.html"), &starts).await;
}

#[tokio::test]
async fn clips_are_visible_in_their_time() {
    let frames = [
        0, 29, 30, 45, 59, 60, 74, 75, 89, 90, 104, 105, 113, 114, 120, 150,
    ];
    let verdict = visit(include_str!("pages/clips.html"), &frames).await;
    let seen: Vec<String> = verdict["seen"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{}|{}", one[0].as_str().unwrap(), one[1].as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            "a|0.000 0.000",
            "a|0.000 0.242",
            "a free flow css|0.000 0.250",
            "a free flow css|0.250 0.375",
            "a free flow css|0.483 0.492",
            "b css|0.500 0.500",
            "b css|0.733 0.617",
            "b in-b css|0.750 0.625",
            "b in-b css|0.983 0.742",
            "css|1.000 0.750",
            "css|1.000 0.867",
            "c css|1.000 0.875",
            "c css|1.000 0.942",
            "css|1.000 0.950",
            "|1.000 1.000",
            "|1.000 1.000",
        ]
    );
    let top = |index: usize| verdict["seen"][index][2].as_i64().unwrap();
    assert!(
        top(2) > top(0),
        "what is in flow makes room when it appears"
    );
    assert_eq!(top(5), top(0), "and closes up when it goes");
    assert_eq!(
        verdict["a"],
        json!([8, 8, 640, 360]),
        "a timed child fills the root"
    );
    assert_eq!(
        verdict["free"],
        json!([48, 38, 10]),
        "one that has its place keeps it"
    );
}

#[tokio::test]
async fn the_names_of_the_contract() {
    let verdict = visit(include_str!("pages/abi.html"), &[]).await;
    let body = &verdict["body"];
    assert_eq!(verdict["status"]["duration"], 2.5);
    assert_eq!(verdict["head"]["capture"], true);
    assert_eq!(body["state"], "loading");
    assert_eq!(body["current"], true);
    assert_eq!(body["variables"], json!({ "title": "Untitled", "size": 4 }));
    assert_eq!(body["playerReady"], false);
    assert_eq!(body["duration"], 0);
    assert_eq!(body["fit"]["fits"], true);
    assert_eq!(
        verdict["afterOne"], 1.0,
        "what was handed to waitUntil is awaited"
    );
    assert_eq!(verdict["clamped"], 2.5);
    assert_eq!(
        verdict["rolls"], verdict["again"],
        "the dice depend on the time alone"
    );
    assert_eq!(
        verdict["clock"],
        json!([
            1577836801000_u64,
            1000,
            "2020-01-01T00:00:01.000Z",
            "1970-01-01T00:00:00.000Z",
            1577836800000_u64,
            true,
            1000
        ])
    );
    assert_eq!(verdict["ready"], json!([true, true, 2.5, 2.5, 1]));
    assert_eq!(verdict["hidden"], true);
}

/// A page may draw without a timeline and not say so. Where nothing in it can register one, nobody
/// waits; otherwise the film begins when the budget is spent, and says why.
#[tokio::test]
async fn a_page_that_has_told_its_length_needs_no_timeline() {
    let page = "<div data-composition-id=\"main\" data-duration=\"1\" data-width=\"64\" data-height=\"64\"></div>";
    let waiter = "(async () => { let status; do { await new Promise((next) => setTimeout(next, 5)); status = __framewright.status() } while (!status.ready && !status.failed); await fetch(\"/verdict\", { method: \"POST\", body: JSON.stringify({ ...status, built: window.built ?? null }) }) })()";
    let building = "__timelines.main = { duration: () => 1, seek() {} }; window.__hfTimelinesBuilding = true; setTimeout(() => { window.built = true; window.__hfTimelinesBuilding = false }, 200)";
    for (script, remarks, built) in [
        ("let drawn", 0, Value::Null),
        ("if (false) __timelines.main = 1", 1, Value::Null),
        (building, 0, Value::Bool(true)),
    ] {
        let page = format!(
            "<!doctype html><html><head></head><body>{page}<script>{script}</script><script>{waiter}</script></body></html>"
        );
        let stage = Stage {
            config: json!({ "budgets": { "timelines": 700 } }),
            fonts: None,
        };
        let status = play(&[("index.html", page.as_str())], stage).await;
        assert_eq!(status["ready"], true, "{script}: {status}");
        assert_eq!(status["built"], built, "{script}: {status}");
        let notes = status["notes"].as_array().unwrap();
        assert_eq!(notes.len(), remarks, "{script}: {status}");
    }
}

#[tokio::test]
async fn what_is_pending_has_a_name() {
    let root = "<div data-composition-id=\"main\" data-duration=\"1\" data-width=\"64\" data-height=\"64\">";
    let table = [
        ("no-composition", "data-composition-id", "<div data-composition-id=\"main\"></div><script>document.querySelector(\"div\").remove()</script>".to_owned()),
        ("timeout", "for timelines: `main`", "<div data-composition-id=\"main\"></div>".to_owned()),
        ("timeout", "the page said: Uncaught Error: typo", format!("{root}</div><script>throw new Error(\"typo\")</script>")),
        ("script", "http://film.localhost/gone.js", format!("{root}</div><script>let s = document.createElement(\"script\"); s.src = \"gone.js\"; document.head.append(s)</script>")),
        ("timeout", "for images: `http://film.localhost/slow.png`", format!("{root}</div><script>__timelines.main = {{ duration: () => 1, seek() {{}} }}; addEventListener(\"load\", () => {{ document.body.append(new Image()); document.images[0].src = \"slow.png\" }})</script>")),
        ("timing", "`data-start=\"b\"` leads back to itself", format!("{root}<i id=a data-start=b data-duration=1></i><i id=b data-start=a data-duration=1></i></div><script>__timelines.main = {{ duration: () => 1, seek() {{}} }}</script>")),
        ("webgpu", "requestAdapter", format!("{root}</div><script>__timelines.main = {{ duration: () => 1, seek() {{}} }}; navigator.gpu.requestAdapter()</script>")),
        ("webgpu", "WebGPU is not there", format!("{root}</div><script type=module>__timelines.main = {{ duration: () => 1, seek() {{}} }}; if (!document.createElement(\"canvas\").getContext(\"webgpu\")) throw new Error(\"WebGPU is not there\")</script>")),
        ("duration", "`data-duration`", "<div data-composition-id=\"main\"></div><script>__timelines.main = { duration: () => 1e10, seek() {} }</script>".to_owned()),
    ];
    for (kind, message, page) in table {
        let failed = failure(&page).await;
        assert_eq!(failed["kind"], kind, "{page}: {failed}");
        assert!(
            failed["message"].as_str().unwrap().contains(message),
            "{failed}"
        );
    }
}

#[tokio::test]
async fn mounted_files_see_their_own_part_of_the_page() {
    let stage = Stage {
        config: Value::Null,
        fonts: None,
    };
    let files = [
        ("index.html", include_str!("pages/mounts/index.html")),
        ("card.html", include_str!("pages/mounts/card.html")),
        ("broken.html", include_str!("pages/mounts/broken.html")),
        ("throws.html", include_str!("pages/mounts/throws.html")),
        ("outer.html", include_str!("pages/mounts/outer.html")),
        ("inner.html", include_str!("pages/mounts/inner.html")),
        ("driver.js", DRIVER),
    ];
    let verdict = play(&files, stage).await;
    let told = |title: &str| {
        json!({
            "title": title, "boxes": 2, "all": 2, "listed": 2, "root": "card", "self": title,
            "composed": "card", "outside": null, "body": "card", "elsewhere": "BODYnumber", "library": true,
        })
    };
    let expected = [told("One"), told("Two"), json!("after the broken one")];
    assert_eq!(verdict["told"], json!(expected), "{verdict}");
    // The second begins when the first has ended and a second later, in its middle, at double speed.
    let seen = [
        json!({ "boxes": [0, 0, 0, 0], "inner": 0, "shown": ["one"] }),
        json!({ "boxes": [100, 100, 0, 0], "inner": 0, "shown": ["one", "late"] }),
        json!({ "boxes": [100, 100, 0, 0], "inner": 50, "shown": ["late"] }),
        json!({ "boxes": [100, 100, 200, 200], "inner": 100, "shown": ["two", "late"] }),
        json!({ "boxes": [100, 100, 200, 200], "inner": 100, "shown": ["two", "late"] }),
    ];
    assert_eq!(verdict["seen"], json!(seen), "{verdict}");
    assert_eq!(verdict["titles"], json!(["One", "Two"]));
    assert_eq!(verdict["tints"], json!(["rgb(1, 2, 3)", "rgb(1, 2, 3)"]));
    assert_eq!(verdict["height"], "180px");
    assert_eq!(
        (&verdict["own"], &verdict["theirs"]),
        (&json!("static"), &json!("absolute"))
    );
    assert_eq!(verdict["card"], "rgb(9, 9, 9)");
    assert_ne!(verdict["body"], "rgb(9, 9, 9)");
    assert_eq!(
        verdict["ids"],
        json!(["card__hf1", "card__hf2", "inner", "main"])
    );
    assert_eq!(verdict["leaks"], "undefinedundefined");
    let notes = verdict["status"]["notes"].to_string();
    assert!(
        notes.contains("composition (broken.html): Uncaught SyntaxError"),
        "{notes}"
    );
    assert!(
        notes.contains("composition `throws` (throws.html): TypeError"),
        "{notes}"
    );
}
