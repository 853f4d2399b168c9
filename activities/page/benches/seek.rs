//! What the runtime's own work for one frame costs, on a page with 400 tweens and 60 clips.
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
    for (name, style) in [("tweens alone", ""), ("with CSS animations", MOTION)] {
        let page = PAGE.replace("STYLE", style);
        let stage = Stage {
            config: Value::Null,
            fonts: None,
        };
        let files = [("index.html", page.as_str()), ("driver.js", DRIVER)];
        let verdict = play(&files, stage).await;
        println!("{name}: ms a frame: {verdict}");
    }
}
