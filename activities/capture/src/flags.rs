use framewright_film::FrameSize;

/// One switch of the browser, and why it is there.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// As on the command line.
    pub switch: &'static str,
    /// What would be wrong without it.
    pub why: &'static str,
}

const fn flag(switch: &'static str, why: &'static str) -> Flag {
    Flag { switch, why }
}

/// The switches that do not depend on the film. Every one can change pixels or break frame
/// control, so the whole table is part of a plan's toolchain fingerprint.
pub const FLAGS: &[Flag] = &[
    // Frames are made one by one, when we ask.
    flag(
        "--remote-debugging-pipe",
        "a pipe is ours alone; a port is open to every process of the machine",
    ),
    flag(
        "--enable-begin-frame-control",
        "frames come when they are asked for, not when a clock ticks",
    ),
    flag(
        "--deterministic-mode",
        "one frame request makes one frame, whatever the load",
    ),
    flag(
        "--run-all-compositor-stages-before-draw",
        "a frame is complete before it is shown",
    ),
    flag(
        "--disable-new-content-rendering-timeout",
        "a slow page must not be drawn half-done",
    ),
    flag(
        "--disable-threaded-animation",
        "animations move with the frame, not with a thread",
    ),
    flag(
        "--disable-threaded-scrolling",
        "scrolling moves with the frame, not with a thread",
    ),
    flag(
        "--disable-checker-imaging",
        "an image is decoded before its frame, not some frames later",
    ),
    flag(
        "--disable-image-animation-resync",
        "animated images do not skip to catch up",
    ),
    // Pixels do not depend on the machine.
    flag("--use-gl=angle", "WebGL by ANGLE"),
    flag(
        "--use-angle=swiftshader",
        "ANGLE draws on the processor: the same pixels with and without a graphics card",
    ),
    flag(
        "--enable-unsafe-swiftshader",
        "without it WebGL is off where no graphics card is",
    ),
    flag(
        "--ignore-gpu-blocklist",
        "WebGL must not depend on a list of drivers",
    ),
    flag(
        "--disable-gpu-compositing",
        "on SwiftShader, the GPU compositor is slower and its pixels differ from run to run; in software there is also a buffer to read",
    ),
    flag(
        "--ui-disable-partial-swap",
        "the compositor draws every frame whole: drawn in part, the edges of layers in 3-D depend on what moved before (some 300 pixels of `examples/launch`)",
    ),
    flag(
        "--enable-blink-features=CanvasDrawElement",
        "shader transitions draw scenes, which are HTML, into canvases",
    ),
    flag(
        "--force-color-profile=srgb",
        "colours do not depend on a screen",
    ),
    flag(
        "--font-render-hinting=none",
        "glyphs do not snap to whole pixels while they move",
    ),
    flag("--hide-scrollbars", "a film has none"),
    flag(
        "--force-device-scale-factor=1",
        "one CSS pixel is one pixel",
    ),
    // The page has the browser for itself.
    flag(
        "--disable-background-timer-throttling",
        "pages build their timelines in timers",
    ),
    flag(
        "--disable-renderer-backgrounding",
        "a page without a window is not less important",
    ),
    flag(
        "--disable-backgrounding-occluded-windows",
        "a window that nobody sees is painted all the same",
    ),
    flag(
        "--disable-ipc-flooding-protection",
        "many navigations of one page are what we do",
    ),
    flag(
        "--disable-features=Translate,BackForwardCache,PaintHolding,MediaRouter",
        "no old page is kept, none is shown in place of a new one, nothing looks for screens",
    ),
    flag("--mute-audio", "sound is mixed elsewhere"),
    flag(
        "--autoplay-policy=no-user-gesture-required",
        "nobody clicks",
    ),
    // Nothing that a render does not need.
    flag("--disable-background-networking", "no requests of its own"),
    flag("--disable-component-update", "no downloads of its own"),
    flag("--disable-sync", "no account"),
    flag("--disable-extensions", "no extensions"),
    flag("--disable-default-apps", "no apps"),
    flag(
        "--disable-breakpad",
        "no crash reporter process to outlive us",
    ),
    flag("--no-first-run", "no welcome"),
    flag("--disable-quic", "the wall speaks HTTP/1.1"),
    flag(
        "--ignore-certificate-errors",
        "every byte comes from us, behind a throw-away certificate",
    ),
];

/// The switches that follow from the size of the film.
pub(crate) fn sized(size: FrameSize) -> [String; 3] {
    let FrameSize { width, height } = size;
    [
        // Emulating a size that the window does not have would move the compositor's buffer.
        format!("--window-size={width},{height}"),
        // Large tiles cut painting by a quarter to a third; their size changes some pixels.
        format!("--default-tile-width={width}"),
        format!("--default-tile-height={}", height.div_ceil(2)),
    ]
}

/// All switches as one line: two browsers of one version with equal fingerprints paint the same.
pub fn flags_fingerprint() -> String {
    let mut line: Vec<&str> = FLAGS.iter().map(|flag| flag.switch).collect();
    line.push("--window-size=W,H --default-tile-width=W --default-tile-height=ceil(H/2)");
    line.join(" ")
}
