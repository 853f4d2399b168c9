//! The rules: what can be found, how bad it is, and what to do about it.

use std::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The film cannot be rendered, or would be wrong.
    Error,
    /// The film can be rendered and is likely not what the author wants.
    Warning,
    /// Good to know; most films are right with it.
    Note,
}

/// Something that can be found in a project.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rule {
    /// Names it for good, in kebab-case.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it means that it was found, in general.
    pub means: &'static str,
    /// What the author can do.
    pub remedy: &'static str,
}

/// Declares the rules, each a `static`, and the table of all of them.
macro_rules! rules {
    ($($name:ident $severity:ident $id:literal $means:literal => $remedy:literal;)*) => {
        $(
            #[doc = $means]
            pub static $name: Rule = Rule {
                id: $id,
                severity: Severity::$severity,
                means: $means,
                remedy: $remedy,
            };
        )*

        /// All rules, in the order of `docs/check.md`.
        pub static RULES: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    MISSING_ROOT Error "missing-root" "No element of the entry file has a `data-composition-id`" =>
        "give the root element a `data-composition-id`, as in `<div data-composition-id=\"main\" data-width=\"1920\" data-height=\"1080\" data-duration=\"10\">`";
    TWO_ROOTS Error "two-roots" "More than one element says `data-root=\"true\"`" =>
        "leave `data-root=\"true\"` on one of them";
    SECOND_ROOT Warning "second-root" "A composition beside the root is not rendered" =>
        "put it into the root, or put `data-root=\"true\"` on the one that is the film";
    INVALID_SIZE Error "invalid-size" "`data-width` or `data-height` of the root is no size that a film can have" =>
        "write whole numbers of pixels, such as `data-width=\"1920\"`";
    INVALID_RATE Error "invalid-fps" "`data-fps` is no frame rate" =>
        "write a rate such as `30` or `30000/1001`";
    INVALID_DURATION Error "invalid-duration" "The length of the film is no number of seconds above 0" =>
        "write seconds, such as `data-duration=\"10\"`";
    FILM_TOO_LONG Error "film-too-long" "The film is longer than 6 hours" =>
        "check `data-duration`: it counts seconds, not frames or milliseconds";
    ENDLESS_TIMELINE Error "endless-timeline" "The root has no `data-duration` and its timeline never ends" =>
        "give the root a `data-duration`, or let the timeline repeat a finite number of times";
    NO_DURATION Error "no-duration" "Nothing says how long the film is" =>
        "give the root a `data-duration` in seconds";
    INVALID_DECLARATIONS Error "invalid-declarations" "`data-composition-variables` is no JSON array of declarations" =>
        "write an array such as `[{\"id\": \"title\", \"type\": \"string\", \"default\": \"Hello\"}]`";
    INVALID_TIMING Error "invalid-timing" "A time of a clip is no number of seconds, or is negative" =>
        "write seconds, such as `data-start=\"1.5\"`, or a clip that it follows, such as `data-start=\"intro + 0.5\"`";
    UNKNOWN_CLIP Error "unknown-clip" "`data-start` follows a clip that is not in the same composition" =>
        "name the id of a clip of the same composition, or write seconds";
    TIMING_CYCLE Error "timing-cycle" "Clips follow each other in a circle" =>
        "give one of them a `data-start` in seconds";
    OPEN_CLIP Error "open-clip" "`data-start` follows a clip that has no end" =>
        "give the clip that is followed a `data-duration`";
    OVERLAPPING_CLIPS Warning "overlapping-clips" "Two clips on one track of a composition are on at the same time" =>
        "put one of them on another `data-track-index`, or change its `data-start` or `data-duration`";
    CLIP_NEVER_SHOWN Warning "clip-never-shown" "A clip begins when the film, or the composition around it, has ended" =>
        "let it begin earlier, or make the film longer";
    CLIP_CUT Note "clip-cut" "A clip lasts longer than the film, or the composition around it" =>
        "shorten it, or make the film longer, if its end is to be seen";
    START_WITHOUT_EFFECT Warning "start-without-effect" "A `data-start` that changes nothing: its element is the root, is never painted, or is outside the root" =>
        "remove it, or put it on the element that is to come and go";
    DUPLICATE_ID Warning "duplicate-id" "Two elements have the same `id`: scripts and `data-start` find the first" =>
        "give each element an `id` of its own";
    DUPLICATE_COMPOSITION Error "duplicate-composition-id" "Two compositions have the same id: they share one timeline" =>
        "give each composition an id of its own";
    MEDIA_WITHOUT_START Warning "media-without-start" "A video or audio element has no `data-start`, so it has no place in the film" =>
        "give it a `data-start`, and a `data-duration` if it ends before its source does";
    MISSING_COMPOSITION_FILE Error "missing-composition-file" "`data-composition-src` names a file that the project does not have" =>
        "correct the path; it is relative to the project's folder";
    CIRCULAR_INCLUDE Error "circular-include" "A composition file contains itself" =>
        "remove one of the `data-composition-src`";
    EMPTY_COMPOSITION_FILE Error "empty-composition-file" "A composition file has nothing to mount" =>
        "put the composition into a `<template>` or the `<body>` of the file";
    UNREGISTERED_TIMELINE Error "unregistered-timeline" "A composition with a script registers no timeline under its id" =>
        "write `window.__timelines[\"…\"] = timeline` with the composition's id, or put `data-no-timeline` on the composition";
    UNKNOWN_TIMELINE Warning "unknown-timeline" "A timeline is registered under an id that no composition has" =>
        "register it under the value of a `data-composition-id`";
    UNKNOWN_VARIABLE Warning "unknown-variable" "A variable that no composition declares" =>
        "declare it in `data-composition-variables`, or correct its name";
    INVALID_VARIABLE Warning "invalid-variable" "The value of a variable is not of the type that it is declared with" =>
        "pass a value of the declared type, or correct the declaration";
    MISSING_ASSET Error "missing-asset" "The project does not have a file that is referred to" =>
        "add the file to the project, correct the path, or remove the reference";
    REMOTE_ASSET Error "remote-asset" "A remote file cannot be had" =>
        "correct the address, or put the file into the project and refer to it by a relative path";
    DATA_NOT_FOUND Note "data-not-found" "A script fetched what is not there; what it does then is its own business" =>
        "add the file to the project if the film needs it: there is no network while the film is rendered";
    FONT_SUBSTITUTED Warning "font-substituted" "A font that is not everywhere is replaced by a bundled one, so that every machine paints the same" =>
        "name the bundled font, or bring the font as a file with `@font-face`";
    FONT_MISSING Warning "font-missing" "A font that is neither declared by `@font-face`, nor bundled, nor known: the next name of the list is used" =>
        "bring the font as a file with `@font-face`, or remove its name";
    GENERIC_FONT Note "generic-font" "A generic font family: a bundled one is used" =>
        "name the font that you mean";
    WALL_CLOCK Warning "wall-clock" "The page asks for today's date; it gets the film's clock, which begins on 2020-01-01" =>
        "pass the date in by a variable";
    BUSY_WAIT Error "busy-wait" "A loop waits for the clock, which stands still while a frame is made: it never ends" =>
        "put what comes later on the timeline";
    FILM_CLOCK Note "film-clock" "`Date.now` and `performance.now` tell the film's time, which stands still while the page loads" =>
        "nothing, if the page draws from it; deadlines and measurements of load time do not work";
    RANDOM Note "seeded-random" "Random numbers come from a generator that is seeded by the film's time" =>
        "nothing, if any numbers will do; draw them once, while the page loads, if they are to stay";
    TIMER_ANIMATION Warning "timer-animation" "A timer runs while the film is rendered; timers count real time, so what it does comes at no certain frame" =>
        "put what it does on the timeline, or draw it in `requestAnimationFrame`";
    SCRIPT_ERROR Error "script-error" "A script threw while the page loaded" =>
        "mend the script: what comes after that line did not run";
    SEEK_ERROR Error "seek-error" "The page threw while it was moved to a moment of the film" =>
        "mend the callback or listener; `framewright stills` shows the same error";
    CONSOLE Note "console" "The page wrote a warning or an error to the console while it loaded or moved" =>
        "look at what it says: a selector that finds nothing is told in this way";
    NEVER_READY Error "never-ready" "The page does not get ready" =>
        "make it finish what it waits for, or wait for less";
    PAGE_FAILED Error "page-failed" "The page cannot be shown" =>
        "open it in a browser and look at the console";
    TEXT_OVERFLOW Warning "text-overflow" "Text is larger than its box" =>
        "make the box larger or the text smaller (`__hyperframes.fitTextFontSize`); `data-layout-allow-overflow` says that it is meant";
    TEXT_OUTSIDE Warning "text-outside-frame" "Text is cut by the edge of the frame whenever it is shown" =>
        "move it into the frame; `data-layout-allow-overflow` says that it is meant";
    OUTSIDE_FRAME Warning "outside-frame" "An element is outside the frame whenever it is shown" =>
        "move it into the frame, or remove it; `data-layout-ignore` says that it is meant";
    NOT_COMPILED Error "not-compiled" "The project cannot be turned into a page" =>
        "see the message";
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}
