//! The JavaScript that runs in the browser: it makes a page a function of time.
//!
//! [`runtime`] is one classic script. It is injected into every frame before any script of the
//! page, after one line that sets `window.__framewrightConfig`:
//!
//! ```js
//! window.__framewrightConfig = {
//!   fps: { num: 30, den: 1 },    // the grid on which a page that begins in mid film catches up
//!   variables: {},               // the render's variables
//!   images: [],                  // URLs of pictures that may be shown while the page moves
//!   budgets: { fonts: 10000 },   // longest waits in ms: document, scripts, fonts, timelines, images, requests, adapters
//!   load: "7",                   // names this load of the page to the server
//! };
//! ```
//!
//! From then on the page's clock, its dice and its animation frames are ours, `globalThis.__framewright`
//! tells the driver when the page is ready (`status()`), brings it to its beginning (`settle()`)
//! and shows a moment of the film (`seek(t)`). Where that answers 1, two scenes are to be blended:
//! the driver makes a frame, and calls `blend()` before it shows the next one.
//!
//! Invariants:
//! * what a frame shows depends on the page and the frame's time, not on the frames the page was
//!   asked for before, as long as it is asked for rising ones: a page that starts in mid film goes
//!   through what it missed (`runtime/replay.js`);
//! * real time decides nothing but when to give up: `setTimeout` and `setInterval` stay native,
//!   because pages build their timelines in them, and every wait has a budget;
//! * nothing is added to the page's globals but the names of the contract.
//!
//! Non-goals: loading the page, painting it, and deciding what it may fetch; that is `capture`.
//! Each file under `runtime/` is one idea; they share one closure and are read in the order below.

use framewright_film::Digest;

/// Path of the empty script that holds the parser back until fonts are loaded. The compiled page
/// has it before the first script of its body; the server answers after the page has posted to
/// [`FONTS_LOADED_PATH`], or when a budget is spent.
pub const FONTS_READY_PATH: &str = "/__framewright/fonts-ready";

/// Path to which the page posts once, with `?load=<id>` of its configuration, when its fonts are
/// loaded.
pub const FONTS_LOADED_PATH: &str = "/__framewright/fonts-loaded";

const RUNTIME: &str = concat!(
    "(() => {\n\"use strict\";\nif (globalThis.__framewright) return;\n",
    include_str!("../runtime/natives.js"),
    include_str!("../runtime/resources.js"),
    include_str!("../runtime/requests.js"),
    include_str!("../runtime/webgpu.js"),
    include_str!("../runtime/clock.js"),
    include_str!("../runtime/random.js"),
    include_str!("../runtime/raf.js"),
    include_str!("../runtime/root.js"),
    include_str!("../runtime/variables.js"),
    include_str!("../runtime/scopes.js"),
    include_str!("../runtime/clips.js"),
    include_str!("../runtime/timelines.js"),
    include_str!("../runtime/eases.js"),
    include_str!("../runtime/footprints.js"),
    include_str!("../runtime/replay.js"),
    include_str!("../runtime/motion.js"),
    include_str!("../runtime/animations.js"),
    include_str!("../runtime/adapters.js"),
    include_str!("../runtime/handed.js"),
    include_str!("../runtime/smil.js"),
    include_str!("../runtime/captions.js"),
    include_str!("../runtime/d3.js"),
    include_str!("../runtime/copies.js"),
    include_str!("../runtime/shaders.js"),
    include_str!("../runtime/repaint.js"),
    include_str!("../runtime/changes.js"),
    include_str!("../runtime/fonts.js"),
    include_str!("../runtime/images.js"),
    include_str!("../runtime/print.js"),
    include_str!("../runtime/ready.js"),
    include_str!("../runtime/seek.js"),
    include_str!("../runtime/abi.js"),
    "})();\n",
);

/// The script to inject before any script of a page, in every frame.
pub fn runtime() -> &'static str {
    RUNTIME
}

/// Digest of the runtime: part of a plan's fingerprint, because it decides what frames show.
pub fn fingerprint() -> Digest {
    Digest::of(RUNTIME)
}
