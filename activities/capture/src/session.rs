use crate::{
    Budgets, CaptureError, Chromium, Owner, Site, Wall,
    lane::Lane,
    page::Page,
    probe::{self, Gl},
    status::PageFacts,
};
use framewright_film::{Fps, FrameSize};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tracing::{Instrument as _, info_span};
use url::Url;

/// What is to be captured, and with what.
#[derive(Clone)]
#[non_exhaustive]
pub struct SessionSpec {
    /// The browser.
    pub chromium: Chromium,
    /// Size of the page and of every frame.
    pub size: FrameSize,
    /// Frames per second: frame `i` shows the page at `i / fps`.
    pub fps: Fps,
    /// The page. Its fragment is not used.
    pub entry: Url,
    /// Answers every URL that the browser asks for.
    pub site: Arc<dyn Site>,
    /// An object that the page's runtime finds before any script runs.
    pub config: serde_json::Value,
    /// The script that drives the page: `framewright-page`'s, unless a test brings its own.
    pub runtime: Arc<str>,
    /// Folder for what the browser writes while it lives.
    pub scratch: PathBuf,
    /// Folder with a `fonts.conf`, which alone says which fonts there are.
    pub fonts: Option<PathBuf>,
    /// How long each wait may take.
    pub budgets: Budgets,
    /// How frames are read.
    pub reader: ReaderChoice,
    /// The print that a load of the page must have, once it is known: [`PageFacts::print`].
    pub print: Option<String>,
    /// The wall to begin with; a weaker one takes its place where the machine refuses it.
    pub wall: Wall,
    /// For whom; a browser is kept for sessions of the same owner. Absent: for nobody.
    pub owner: Option<Owner>,
}

/// How frames are to be read. Their pixels are the same but at the edges of some layers (see
/// [`Reader`]), so what was chosen for a film belongs to its plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReaderChoice {
    /// From the compositor's buffer; as screenshots where that cannot be had.
    #[default]
    Auto,
    /// From the compositor's buffer, or not at all.
    Tap,
    /// As lossless screenshots.
    Screenshot,
}

/// How frames are read.
///
/// Chromium does not clear the last column of an opaque layer with text that stands on a fraction of a
/// pixel before it draws there, and to take a screenshot is to draw anew: such pixels come out otherwise.
/// All others are the same either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// From the compositor's buffer.
    Tap,
    /// As lossless screenshots.
    Screenshot {
        /// Why not from the buffer.
        why: String,
    },
}

/// A browser that was probed, with the film's page ready in it: where lanes start from.
pub struct CaptureSession {
    lane: Lane,
    report: SessionReport,
}

/// What was found while a session was opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionReport {
    /// Who draws WebGL.
    pub gl: Gl,
    /// When that was asked, from question to answer. Once in a session.
    pub probed: (SystemTime, SystemTime),
    /// Whether the browser had served another session before.
    pub warm: bool,
    /// The browser's version.
    pub chromium: String,
    /// How frames are read.
    pub reader: Reader,
    /// What keeps the browser from the network.
    pub wall: Wall,
    /// Whether Chromium's own sandbox is on.
    pub sandbox: bool,
    /// What the page says of itself.
    pub page: PageFacts,
    /// How long it all took.
    pub durations: Durations,
}

/// How long the phases of opening a session took.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Durations {
    /// From nothing to a browser with an empty page.
    pub launch: Duration,
    /// The WebGL probe.
    pub probe: Duration,
    /// Finding the compositor's buffer, and holding it against a picture.
    pub calibrate: Duration,
    /// From navigation to a page that is ready. Its first frame is painted, and thrown away, when a
    /// segment begins.
    pub load: Duration,
}

struct Probed {
    gl: Gl,
    asked: SystemTime,
    answered: SystemTime,
}

/// Laps between the phases.
struct Clock {
    last: Instant,
    durations: Durations,
}

impl SessionSpec {
    /// A session of `entry` with the usual budgets and no fonts of its own.
    pub fn new(
        chromium: Chromium,
        size: FrameSize,
        fps: Fps,
        mut entry: Url,
        site: Arc<dyn Site>,
        scratch: impl Into<PathBuf>,
    ) -> Self {
        // To navigate to the same page and fragment would not load it anew.
        entry.set_fragment(None);
        Self {
            chromium,
            size,
            fps,
            entry,
            site,
            config: serde_json::Value::Null,
            runtime: framewright_page::runtime().into(),
            scratch: scratch.into(),
            fonts: None,
            budgets: Budgets::default(),
            reader: ReaderChoice::Auto,
            print: None,
            wall: Wall::Namespace,
            owner: None,
        }
    }

    /// Whether a browser that was launched for this one is as it would be for `other`.
    pub(crate) fn makes_the_same_browser(&self, other: &Self) -> bool {
        (self.size, self.wall) == (other.size, other.wall)
            && self.chromium.path == other.chromium.path
            && self.chromium.version == other.chromium.version
            && self.fonts == other.fonts
            && self.scratch == other.scratch
    }
}

impl CaptureSession {
    /// Launches the browser, probes it, finds the compositor's buffer and paints into it, loads the
    /// page and waits until it is ready.
    ///
    /// # Errors
    /// When one of these does not come to an end, or not to a good one; see [`CaptureError`].
    pub async fn open(spec: SessionSpec) -> Result<Self, CaptureError> {
        let mut clock = Clock::start();
        let mut page = Page::open(&spec).instrument(info_span!("launch")).await?;
        clock.durations.launch = clock.lap();
        let probed = probe(&mut page).await?;
        clock.durations.probe = clock.lap();
        // On the empty page, so that the film's page has no past.
        let lane = Lane::new(page, spec.reader)
            .instrument(info_span!("calibrate"))
            .await?;
        clock.durations.calibrate = clock.lap();
        finish(lane, &spec, probed, clock, false).await
    }

    /// What was found on the way.
    pub fn report(&self) -> &SessionReport {
        &self.report
    }

    /// The session's own page as the first lane.
    pub fn into_lane(self) -> Lane {
        self.lane
    }
}

/// A session in a browser that was kept. `began` is when it was looked for.
pub(crate) async fn open_in(
    mut lane: Lane,
    spec: &SessionSpec,
    began: Instant,
) -> Result<CaptureSession, CaptureError> {
    let mut clock = Clock {
        last: began,
        durations: Durations::default(),
    };
    clock.durations.launch = clock.lap();
    let probed = probe(lane.page()).await?;
    clock.durations.probe = clock.lap();
    finish(lane, spec, probed, clock, true).await
}

async fn probe(page: &mut Page) -> Result<Probed, CaptureError> {
    let asked = SystemTime::now();
    let gl = probe::probe(page).instrument(info_span!("probe")).await?;
    let answered = SystemTime::now();
    Ok(Probed {
        gl,
        asked,
        answered,
    })
}

async fn finish(
    mut lane: Lane,
    spec: &SessionSpec,
    probed: Probed,
    mut clock: Clock,
    warm: bool,
) -> Result<CaptureSession, CaptureError> {
    let facts = lane.load().instrument(info_span!("load")).await?;
    clock.durations.load = clock.lap();
    let durations = clock.durations;
    let shelter = lane.page().browser().shelter;
    let report = SessionReport {
        gl: probed.gl,
        probed: (probed.asked, probed.answered),
        warm,
        chromium: spec.chromium.version.clone(),
        reader: lane.reader().clone(),
        wall: shelter.wall,
        sandbox: shelter.sandbox,
        page: facts,
        durations,
    };
    count(warm, &durations);
    tracing::info!(
        reader = %report.reader,
        wall = %report.wall,
        sandbox = report.sandbox,
        warm,
        launch_ms = durations.launch.as_millis(),
        probe_ms = durations.probe.as_millis(),
        calibrate_ms = durations.calibrate.as_millis(),
        load_ms = durations.load.as_millis(),
        "capture session open"
    );
    Ok(CaptureSession { lane, report })
}

fn count(warm: bool, durations: &Durations) {
    let start = if warm { "warm" } else { "cold" };
    let Durations {
        launch,
        probe,
        calibrate,
        load,
    } = *durations;
    metrics::histogram!("framewright_session_start_seconds", "start" => start)
        .record(launch + probe + calibrate + load);
    metrics::histogram!("framewright_probe_seconds").record(probe);
}

impl Clock {
    fn start() -> Self {
        Self {
            last: Instant::now(),
            durations: Durations::default(),
        }
    }

    fn lap(&mut self) -> Duration {
        std::mem::replace(&mut self.last, Instant::now()).elapsed()
    }
}

impl Reader {
    /// What has to be asked for to have no other.
    pub fn choice(&self) -> ReaderChoice {
        match self {
            Self::Tap => ReaderChoice::Tap,
            Self::Screenshot { .. } => ReaderChoice::Screenshot,
        }
    }
}

impl ReaderChoice {
    /// Whether a lane that reads by `reader` will do.
    pub(crate) fn accepts(self, reader: &Reader) -> bool {
        self == Self::Auto || self == reader.choice()
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tap => f.write_str("tap"),
            Self::Screenshot { why } => write!(f, "screenshot ({why})"),
        }
    }
}
