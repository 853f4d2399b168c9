//! What the runtime's own work for one frame costs, on a page with 400 tweens and 60 clips, and what
//! it costs to begin ten seconds into the film. Milliseconds; `mean` is of 300 frames.
#![allow(clippy::unwrap_used, reason = "in a benchmark, a panic is the report")]
#![allow(
    clippy::print_stdout,
    reason = "a benchmark's only way to say something"
)]

#[path = "../tests/stage/mod.rs"]
mod stage;

use serde_json::Value;
use stage::{Stage, play};

const DRIVER: &str = include_str!("../tests/pages/driver.js");
const PAGE: &str = include_str!("crowded.html");

/// What makes the runtime look for animations in every frame.
const MOTION: &str = ".clip p { transition: color 0.3s } .clip p { animation: pulse 2s infinite } \
    @keyframes pulse { to { translate: 4px } }";

#[tokio::main]
async fn main() {
    // `cargo test` runs benchmarks, too; there is nothing to be tested here.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    for (name, style, first, update) in [
        ("tweens alone", "", "0", ""),
        ("with CSS animations", MOTION, "0", ""),
        ("begun at frame 299", "", "299", ""),
        ("the same with `onUpdate`", "", "299", "onUpdate() {}"),
    ] {
        let page = PAGE
            .replace("STYLE", style)
            .replace("FIRST", first)
            .replace("ONUPDATE", update);
        let stage = Stage {
            config: Value::Null,
            fonts: None,
        };
        let files = [("index.html", page.as_str()), ("driver.js", DRIVER)];
        let verdict = play(&files, stage).await;
        println!("{name}: {verdict}");
    }
}
