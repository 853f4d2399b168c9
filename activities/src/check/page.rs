//! The page is opened and looked at, at moments spread over the film.

use super::{place_of, site::LenientSite};
use crate::{Failure, Workshop};
use framewright_capture::{CaptureError, CaptureSession, Destination, Lane, SessionSpec};
use framewright_composition::{
    PageBundle,
    check::{Checked, Place, Rule, rule},
};
use framewright_film::Fps;
use serde::Deserialize;
use std::sync::Arc;
use url::Url;

/// Stands behind the page's runtime and tells what it sees.
const LOOK: &str = include_str!("look.js");

/// At how many moments the page is looked at.
const LOOKS: u32 = 40;

#[derive(Deserialize)]
struct Seen {
    texts: Vec<Text>,
    outside: Vec<Outside>,
    loading: Vec<Thrown>,
    moving: Vec<Thrown>,
    said: Vec<Thrown>,
}

#[derive(Deserialize)]
struct Text {
    at: String,
    text: String,
    t: f64,
    how: String,
    by: f64,
}

#[derive(Deserialize)]
struct Outside {
    at: String,
    t: f64,
    what: String,
}

/// What a script threw, and where.
#[derive(Debug, PartialEq, Deserialize)]
struct Thrown {
    message: String,
    url: String,
    line: u32,
}

#[derive(Deserialize)]
struct Timer {
    kind: String,
    delay: f64,
    url: String,
    line: u32,
}

/// Opens the page of `bundle` and adds what it shows. Whether it was ready.
pub(super) async fn look(
    workshop: &Workshop,
    bundle: PageBundle,
    checked: &mut Checked,
) -> Result<bool, Failure> {
    let composition = bundle.composition.clone();
    let fps = composition.fps.unwrap_or(Fps::DEFAULT);
    let config = serde_json::json!({ "variables": bundle.variables });
    let entry = bundle.entry.clone();
    let site = Arc::new(LenientSite::new(bundle));
    let mut spec = SessionSpec::new(
        workshop.toolchain.programs.chromium.clone(),
        composition.size,
        fps,
        entry,
        site.clone(),
        workshop.scratch.path(),
    );
    spec.fonts = Some(workshop.toolchain.fonts.clone());
    spec.config = config;
    spec.runtime = format!("{}\n{LOOK}", framewright_page::runtime()).into();
    let opened = CaptureSession::open(spec).await;
    missing(&site, checked);
    let session = match opened {
        Ok(session) => session,
        Err(error) => return not_ready(error, checked).map(|()| false),
    };
    let duration = composition.duration.or(session.report().page.duration);
    let frames = fps.frames_in(duration.unwrap_or(0.0)).unwrap_or(1).max(1);
    let mut lane = session.into_lane();
    let looked = look_at(&mut lane, fps, frames, checked).await;
    lane.close().await;
    missing(&site, checked);
    looked.map(|()| true)
}

/// What a page that does not answer, or not as it should, is blamed for is a finding.
async fn look_at(
    lane: &mut Lane,
    fps: Fps,
    frames: u32,
    checked: &mut Checked,
) -> Result<(), Failure> {
    let root = checked.root.clone().unwrap_or_default();
    match look_through(lane, fps, frames, checked).await {
        Err(CaptureError::Refused { message, .. }) => {
            let why = format!("the page cannot be looked at: {message}");
            let subject = root.file.clone();
            checked.findings.add(&rule::PAGE_FAILED, root, subject, why);
            Ok(())
        }
        looked => Ok(looked?),
    }
}

async fn look_through(
    lane: &mut Lane,
    fps: Fps,
    frames: u32,
    checked: &mut Checked,
) -> Result<(), CaptureError> {
    timers(lane.evaluate("__framewrightCheck.timers()").await?, checked);
    for frame in moments(frames) {
        let seconds = fps.seconds_at(frame);
        let ask = format!("__framewrightCheck.look({seconds})");
        match lane.evaluate::<Option<Thrown>>(&ask).await {
            Ok(None) => {}
            Ok(Some(thrown)) => {
                let when = format!(" (frame {frame})");
                threw(&rule::SEEK_ERROR, thrown, &when, checked);
                break;
            }
            Err(CaptureError::Unanswered { budget, .. }) => {
                let seconds = budget.as_secs();
                let why = format!("the page did not come to frame {frame} within {seconds} s");
                let place = checked.root.clone().unwrap_or_default();
                let subject = format!("frame {frame}");
                checked.findings.add(&rule::SEEK_ERROR, place, subject, why);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    let seen: Seen = lane.evaluate("__framewrightCheck.report()").await?;
    tell(seen, checked);
    Ok(())
}

/// Frames from the first to the last, evenly spread.
fn moments(frames: u32) -> impl Iterator<Item = u32> {
    let looks = LOOKS.min(frames);
    let (last, gaps) = (u64::from(frames - 1), u64::from(looks.max(2) - 1));
    (0..looks).map(move |index| (u64::from(index) * last / gaps) as u32)
}

fn timers(running: Vec<Timer>, checked: &mut Checked) {
    for Timer {
        kind,
        delay,
        url,
        line,
    } in running
    {
        let place = checked.locate(&url, line);
        // The words of the script may have told already.
        let is_known = checked.findings.sorted().into_iter().any(|one| {
            one.rule.id == rule::TIMER_ANIMATION.id
                && (&one.place.file, one.place.line) == (&place.file, place.line)
        });
        if !is_known {
            let why = format!("`{kind}` of {delay} ms still runs when the film begins");
            checked
                .findings
                .add(&rule::TIMER_ANIMATION, place, kind, why);
        }
    }
}

fn tell(seen: Seen, checked: &mut Checked) {
    for thrown in seen.loading {
        threw(&rule::SCRIPT_ERROR, thrown, "", checked);
    }
    for thrown in seen.moving {
        threw(&rule::SEEK_ERROR, thrown, "", checked);
    }
    for said in seen.said {
        let why = format!("the page said `{}`", said.message);
        let place = place_in_script(&said, checked);
        if !checked.findings.knows(&rule::CONSOLE, &said.message) {
            checked
                .findings
                .add(&rule::CONSOLE, place, said.message, why);
        }
    }
    for Text {
        at,
        text,
        t,
        how,
        by,
    } in seen.texts
    {
        let (rule, why) = match how.as_str() {
            "wide" => (
                &rule::TEXT_OVERFLOW,
                format!("at {t} s it is {by} px wider than its box"),
            ),
            "high" => (
                &rule::TEXT_OVERFLOW,
                format!("at {t} s it is {by} px higher than its box"),
            ),
            "clipped" => (
                &rule::TEXT_OVERFLOW,
                "a box around it cuts it off whenever it is shown".to_owned(),
            ),
            _ => (
                &rule::TEXT_OUTSIDE,
                "an edge of the frame cuts it off whenever it is shown".to_owned(),
            ),
        };
        checked
            .findings
            .add(rule, place_of(&at), format!("\"{text}\""), why);
    }
    for Outside { at, t, what } in seen.outside {
        let why =
            format!("it is outside the frame whenever it is shown, for the first time at {t} s");
        checked
            .findings
            .add(&rule::OUTSIDE_FRAME, place_of(&at), what, why);
    }
}

/// The same exception may come by two ways; it is told once.
fn threw(rule: &'static Rule, thrown: Thrown, when: &str, checked: &mut Checked) {
    if checked.findings.knows(rule, &thrown.message) {
        return;
    }
    let place = place_in_script(&thrown, checked);
    let why = format!("a script threw `{}`{when}", thrown.message);
    checked.findings.add(rule, place, thrown.message, why);
}

fn place_in_script(thrown: &Thrown, checked: &Checked) -> Place {
    match &checked.root {
        Some(root) if thrown.url.is_empty() => Place::file(&root.file),
        _ => checked.locate(&thrown.url, thrown.line),
    }
}

/// What the page asked for and did not get, unless it was found before the page was opened.
fn missing(site: &LenientSite, checked: &mut Checked) {
    for (url, destination) in site.missing() {
        let name = url
            .path_segments()
            .and_then(|mut parts| parts.next_back())
            .unwrap_or_default();
        if name == "favicon.ico" {
            continue;
        }
        let known = checked.findings.sorted().into_iter().any(|one| {
            [rule::MISSING_ASSET.id, rule::REMOTE_ASSET.id].contains(&one.rule.id)
                && one.message.contains(name)
        });
        let shown = url.as_str();
        let shown = shown
            .strip_prefix("http://film.localhost/")
            .unwrap_or(shown);
        let file = || checked.root.clone().map(|root| Place::file(root.file));
        let place = checked.mention(name).or_else(file).unwrap_or_default();
        let (rule, why) = match destination {
            Destination::Fetch => (
                &rule::DATA_NOT_FOUND,
                format!("a script fetched `{shown}`, which is not there"),
            ),
            _ if known => continue,
            _ => (
                &rule::MISSING_ASSET,
                format!("the page asked for the {destination} `{shown}`, which is not there"),
            ),
        };
        checked.findings.add(rule, place, shown, why);
    }
}

/// Why the page did not get ready, if it is to blame.
fn not_ready(error: CaptureError, checked: &mut Checked) -> Result<(), Failure> {
    let root = checked.root.clone().unwrap_or_default();
    let (kind, message, exceptions) = match error {
        CaptureError::PageFailed {
            kind,
            message,
            exceptions,
            ..
        } => (kind, message, exceptions),
        CaptureError::NotReady {
            pending,
            exceptions,
            ..
        } => {
            let waits: Vec<_> = pending.iter().map(ToString::to_string).collect();
            (
                "timeout".to_owned(),
                format!("waited for {}", waits.join(", ")),
                exceptions,
            )
        }
        CaptureError::AssetMissing { url, destination } => (
            "script".to_owned(),
            format!("the page needs the {destination} `{url}`"),
            Vec::new(),
        ),
        error @ CaptureError::Refused { .. } => ("page".to_owned(), error.to_string(), Vec::new()),
        error => return Err(error.into()),
    };
    for exception in exceptions {
        threw(&rule::SCRIPT_ERROR, Thrown::read(&exception), "", checked);
    }
    // The page's own message holds the first thing that it said; that is a finding of its own.
    let message = message
        .split("; the page said: ")
        .next()
        .unwrap_or_default()
        .to_owned();
    let rule = match kind.as_str() {
        "timeout" if message.contains("for timelines") => &rule::UNREGISTERED_TIMELINE,
        "timeout" => &rule::NEVER_READY,
        "duration" if message.contains("never ends") => &rule::ENDLESS_TIMELINE,
        "duration" => &rule::NO_DURATION,
        "timing" => &rule::INVALID_TIMING,
        "no-composition" => &rule::MISSING_ROOT,
        _ => &rule::PAGE_FAILED,
    };
    // Timing and files were looked at before, with their places.
    let is_known = match kind.as_str() {
        "timing" => [
            &rule::INVALID_TIMING,
            &rule::UNKNOWN_CLIP,
            &rule::TIMING_CYCLE,
            &rule::OPEN_CLIP,
        ]
        .into_iter()
        .any(|rule| checked.findings.has(rule)),
        "script" => checked.findings.has(&rule::MISSING_ASSET),
        "no-composition" => checked.findings.has(&rule::MISSING_ROOT),
        _ => false,
    };
    if !is_known {
        // What it is about is the first thing in backticks.
        let subject = message.split('`').nth(1).unwrap_or(&kind).to_owned();
        checked.findings.add(rule, root, subject, message);
    }
    Ok(())
}

impl Thrown {
    /// From `what (URL, line N)`, as the capture room puts it.
    fn read(text: &str) -> Self {
        let read = || {
            let (message, place) = text.strip_suffix(')')?.rsplit_once(" (")?;
            let (url, line) = place.rsplit_once(", line ")?;
            Url::parse(url).ok()?;
            Some((message, url, line.parse().ok()?))
        };
        let (message, url, line) = read().unwrap_or((text, "", 0));
        Self {
            // As `Error` calls itself, without what the browser puts before it.
            message: message.trim_start_matches("Uncaught ").to_owned(),
            url: url.to_owned(),
            line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Thrown, moments};

    #[test]
    fn moments_go_from_the_first_frame_to_the_last() {
        assert_eq!(moments(1).collect::<Vec<_>>(), [0]);
        assert_eq!(moments(3).collect::<Vec<_>>(), [0, 1, 2]);
        let many: Vec<_> = moments(1000).collect();
        assert_eq!((many.len(), many[0], many[39]), (40, 0, 999));
    }

    #[test]
    fn exceptions_are_read_back() {
        let thrown = Thrown::read(
            "ReferenceError: gsap is not defined (http://film.localhost/a.html, line 7)",
        );
        assert_eq!(
            (thrown.url.as_str(), thrown.line),
            ("http://film.localhost/a.html", 7)
        );
        assert_eq!(thrown.message, "ReferenceError: gsap is not defined");
        assert_eq!(Thrown::read("odd (thing)").message, "odd (thing)");
    }
}
