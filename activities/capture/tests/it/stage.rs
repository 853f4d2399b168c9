//! A browser, a site made of a few pages, and hands to reach into both.

use framewright_capture::{
    Answer, CaptureError, CaptureSession, Chromium, Destination, Lane, SessionSpec, Shot, Site,
};
use framewright_film::{Digest, FrameSize};
use std::{
    fs,
    ops::Range,
    path::Path,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use url::Url;

/// Letters that turn and grow, promoted and not, and then move on by less than what Chromium
/// repaints for: which frames it repaints depends on where it began, so the page's past shows.
pub(crate) const DOM: &str = include_str!("pages/dom.html");

/// A WebGL picture that moves, with letters on top.
pub(crate) const GL: &str = include_str!("pages/gl.html");

/// A plane of layers in depth, of which a few move at a time.
pub(crate) const DEPTH: &str = include_str!("pages/depth.html");

type Respond = dyn Fn(&Url) -> Option<(&'static str, Vec<u8>)> + Send + Sync;

/// Pages by function; remembers what it was asked for.
pub(crate) struct Pages {
    respond: Box<Respond>,
    asked: Mutex<Vec<(String, Destination)>>,
}

pub(crate) struct Stage {
    pub(crate) spec: SessionSpec,
    pub(crate) pages: Arc<Pages>,
    _scratch: TempDir,
}

impl Pages {
    pub(crate) fn asked(&self) -> Vec<(String, Destination)> {
        self.asked.lock().unwrap().clone()
    }
}

impl Site for Pages {
    fn answer(&self, url: &Url, destination: Destination) -> Answer {
        let asked = (url.to_string(), destination);
        self.asked.lock().unwrap().push(asked);
        match (self.respond)(url) {
            None => Answer::Missing,
            Some((content_type, body)) => Answer::Found {
                content_type: content_type.to_owned(),
                body: body.into(),
            },
        }
    }
}

impl Stage {
    /// A session of one page; `{width}` and `{height}` in it become the film's.
    pub(crate) async fn of(html: &'static str, width: u32, height: u32) -> Self {
        Self::with(html, width, height, |_| None).await
    }

    /// A session of one page and what else it asks for.
    pub(crate) async fn with(
        html: &'static str,
        width: u32,
        height: u32,
        respond: impl Fn(&Url) -> Option<(&'static str, Vec<u8>)> + Send + Sync + 'static,
    ) -> Self {
        let html = html
            .replace("{width}", &width.to_string())
            .replace("{height}", &height.to_string());
        let pages = Arc::new(Pages {
            respond: Box::new(move |url| match (url.host_str(), url.path()) {
                (Some("film.localhost"), "/index.html") => {
                    Some(("text/html", html.clone().into_bytes()))
                }
                _ => respond(url),
            }),
            asked: Mutex::default(),
        });
        let scratch = TempDir::new().unwrap();
        let spec = SessionSpec::new(
            Chromium::find(None).await.unwrap(),
            FrameSize::new(width, height).unwrap(),
            "30".parse().unwrap(),
            "http://film.localhost/index.html".parse().unwrap(),
            Arc::clone(&pages) as Arc<dyn Site>,
            scratch.path(),
        );
        Self {
            spec,
            pages,
            _scratch: scratch,
        }
    }

    pub(crate) async fn open(&self) -> Result<CaptureSession, CaptureError> {
        CaptureSession::open(self.spec.clone()).await
    }

    pub(crate) async fn lane(&self) -> Lane {
        self.open().await.unwrap().into_lane()
    }

    /// Why a session cannot be opened, or else the lane.
    pub(crate) async fn refusal(&self) -> CaptureError {
        match self.open().await {
            Err(error) => error,
            Ok(session) => panic!("the session opened: {:?}", session.report()),
        }
    }
}

/// A digest for each frame of one segment.
pub(crate) async fn segment(lane: &mut Lane, range: Range<u32>) -> Vec<Digest> {
    frames(lane, range).await.iter().map(Digest::of).collect()
}

/// The frames of a segment, as BGRA.
pub(crate) async fn frames(lane: &mut Lane, range: Range<u32>) -> Vec<Vec<u8>> {
    lane.begin_segment(range.start).await.unwrap();
    let mut pixels = Vec::new();
    let mut frames: Vec<Vec<u8>> = Vec::new();
    for frame in range {
        let shot = lane.capture(frame, None, &mut pixels).await.unwrap();
        assert!(shot == Shot::Painted || !frames.is_empty());
        frames.push(pixels.clone());
    }
    frames
}

/// The living processes one of whose arguments contains `text`.
pub(crate) fn processes(text: &str) -> Vec<i32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(text)
        })
        .collect()
}

/// The process group of `pid`, if it lives and is no zombie.
pub(crate) fn group(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    (words[0] != "Z").then(|| words[2].parse().unwrap())
}

/// All living processes of the browser that has its folder in `scratch`.
pub(crate) fn browser(scratch: &Path) -> Vec<i32> {
    let Some(leader) = processes(&scratch.display().to_string())
        .into_iter()
        .find_map(group)
    else {
        return Vec::new();
    };
    members(leader)
}

/// All living processes of a group.
pub(crate) fn members(leader: i32) -> Vec<i32> {
    let all = processes("");
    all.into_iter()
        .filter(|pid| group(*pid) == Some(leader))
        .collect()
}

/// Ends a process at once.
pub(crate) fn kill(pid: i32) {
    // SAFETY: kill takes no pointers.
    #[allow(unsafe_code)]
    let killed = unsafe { libc::kill(pid, libc::SIGKILL) };
    assert_eq!(killed, 0);
}
