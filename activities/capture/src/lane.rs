use crate::{
    CaptureError, Owner, ProcessorTime, SessionSpec,
    page::{Page, Seek, Want},
    picture,
    rows::Rows,
    session::{Reader, ReaderChoice},
    status::PageFacts,
    tap::Tap,
};
use serde::de::DeserializeOwned;
use tracing::{Instrument as _, info_span};

/// Loads of a page after which a browser is replaced. Each was seen to leave some 0.6 MB behind
/// (docs/benchmarks.md), which must not add up; a new browser costs half a second.
const MOST_LOADS: u32 = 120;

/// Memory that a browser may gain, in bytes. Chromium keeps some caches; more than this is a leak.
const MOST_GROWTH: u64 = 300 << 20;

/// One page in a browser of its own, from which frames are captured.
///
/// Frames are captured segment by segment, rising within each: [`Lane::begin_segment`], then
/// [`Lane::capture`] for its frames. A segment's frames depend on the page and their numbers
/// alone, whatever the lane captured before.
pub struct Lane {
    page: Page,
    reader: Reader,
    source: Source,
    /// Nobody moved the page since it was loaded.
    untouched: bool,
    /// No frame of this segment was handed out yet.
    first: bool,
    /// The tap was held against a picture of the film itself.
    confirmed: bool,
    /// Where the page is going while the caller has the frame before.
    ahead: Option<Seek>,
    /// Room for some rows.
    stripe: Vec<u8>,
    /// The browser's memory when it was first looked at, bytes.
    resident: Option<u64>,
}

/// What a captured frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shot {
    /// The frame's pixels were written.
    Painted,
    /// Nothing changed: the frame before is this frame too, and nothing was written.
    Unchanged,
}

enum Source {
    Tap(Tap),
    /// The last picture that came, for the case that the next frame does not differ from it.
    Pictures(Option<Vec<u8>>),
}

/// One more lane beside a session: as the session was opened, but without a probe.
///
/// # Errors
/// As for [`CaptureSession::open`](crate::CaptureSession::open).
pub async fn open_lane(spec: &SessionSpec) -> Result<Lane, CaptureError> {
    let mut lane = open_empty(spec).await?;
    lane.load().instrument(info_span!("load")).await?;
    Ok(lane)
}

/// A lane whose page is not loaded yet.
pub(crate) async fn open_empty(spec: &SessionSpec) -> Result<Lane, CaptureError> {
    let page = Page::open(spec).instrument(info_span!("launch")).await?;
    let lane = Lane::new(page, spec.reader);
    lane.instrument(info_span!("calibrate")).await
}

impl Lane {
    /// A lane on an empty page.
    pub(crate) async fn new(mut page: Page, choice: ReaderChoice) -> Result<Self, CaptureError> {
        let tap = match choice {
            ReaderChoice::Auto | ReaderChoice::Tap => Tap::calibrate(&mut page).await?,
            ReaderChoice::Screenshot => Err("it was asked for".to_owned()),
        };
        let (source, reader) = match (tap, choice) {
            (Ok(tap), _) => (Source::Tap(tap), Reader::Tap),
            (Err(why), ReaderChoice::Tap) => {
                tap_lost();
                tracing::error!(why, "the compositor's buffer cannot be used");
                return Err(CaptureError::TapLost);
            }
            (Err(why), ReaderChoice::Auto) => {
                metrics::counter!("framewright_screenshot_fallbacks_total").increment(1);
                tracing::warn!(why, "frames are taken as screenshots, which costs more");
                (Source::Pictures(None), Reader::Screenshot { why })
            }
            (Err(why), ReaderChoice::Screenshot) => {
                (Source::Pictures(None), Reader::Screenshot { why })
            }
        };
        Ok(Self {
            page,
            reader,
            source,
            untouched: false,
            first: true,
            confirmed: false,
            ahead: None,
            stripe: Vec::new(),
            resident: None,
        })
    }

    /// Loads the film's page anew. Nothing is painted yet.
    pub(crate) async fn load(&mut self) -> Result<PageFacts, CaptureError> {
        if let Source::Pictures(last) = &mut self.source {
            *last = None;
        }
        let facts = self.page.load().await?;
        self.untouched = true;
        Ok(facts)
    }

    /// Puts the lane into the state in which the segment that begins with frame `first` is
    /// captured: a page that was loaded anew, moved to the frame before.
    ///
    /// # Errors
    /// As for opening a lane; and when the page cannot be moved.
    pub async fn begin_segment(&mut self, first: u32) -> Result<(), CaptureError> {
        // A segment that was not finished left the page on its way.
        if let Some(seek) = self.ahead.take() {
            let _ = self.sought(seek).await;
        }
        if !self.untouched {
            self.confirm().await?;
            self.load().await?;
        }
        self.untouched = false;
        self.first = true;
        // A frame that is thrown away: the first one of a page can be without its content, and the
        // one after a jump can differ in a few pixels from the same frame in a run.
        let before = first.saturating_sub(1);
        self.seek(before).await?;
        self.paint().await.map_err(|error| lost(error, before))?;
        self.page.essential()
    }

    /// Captures frame `frame` of the segment into `into`, which is left alone when the frame is
    /// [`Shot::Unchanged`].
    ///
    /// `next` is the frame that will be asked for after this one, if there is one: the page moves
    /// on to it while this one's pixels are taken. To ask for another one then is an error.
    ///
    /// # Errors
    /// When the page fails or asks for something that is not there; and, to be tried again in a
    /// new lane, when the browser does not paint.
    pub async fn capture(
        &mut self,
        frame: u32,
        next: Option<u32>,
        into: &mut dyn Rows,
    ) -> Result<Shot, CaptureError> {
        match self.ahead.take() {
            Some(seek) if seek.frame == frame => self.sought(seek).await?,
            Some(_) => return Err(CaptureError::Interrupted),
            None => self.seek(frame).await?,
        }
        let damage = self.paint().await.map_err(|error| lost(error, frame))?;
        self.page.essential()?;
        if let Some(next) = next {
            self.ahead = Some(self.page.post_seek(next).await?);
        }
        if !damage && !self.first {
            return Ok(Shot::Unchanged);
        }
        self.read(into)?;
        self.first = false;
        Ok(Shot::Painted)
    }

    /// How this lane reads frames.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// For whom this lane works.
    pub(crate) fn owner(&self) -> Option<&Owner> {
        self.spec().owner.as_ref()
    }

    pub(crate) fn spec(&self) -> &SessionSpec {
        self.page.spec()
    }

    /// How often a page was loaded in this browser.
    pub(crate) fn loads(&self) -> u32 {
        self.page.loads()
    }

    /// Whether this browser has done so much, or grown so large, that a new one must take over.
    pub(crate) fn is_worn(&mut self) -> bool {
        if self.loads() >= MOST_LOADS {
            return true;
        }
        let now = self.page.browser().resident_bytes();
        now.saturating_sub(*self.resident.get_or_insert(now)) > MOST_GROWTH
    }

    /// This lane, or, when its browser is worn, one in a new browser. Between segments, so that it
    /// cannot show in a frame.
    ///
    /// # Errors
    /// As for opening a lane.
    pub async fn renewed(mut self) -> Result<Self, CaptureError> {
        if !self.is_worn() {
            return Ok(self);
        }
        metrics::counter!("framewright_browsers_recycled_total", "why" => "worn").increment(1);
        tracing::info!(loads = self.loads(), "a worn browser is replaced");
        let spec = self.spec().clone();
        self.close().await;
        open_lane(&spec).await
    }

    /// Makes the lane one of another session. Its page is not loaded yet.
    pub(crate) async fn adopt(&mut self, spec: &SessionSpec) -> Result<(), CaptureError> {
        if let Some(seek) = self.ahead.take() {
            let _ = self.sought(seek).await;
        }
        // A page that was never loaded has no past to be rid of.
        if self.owner() == spec.owner.as_ref() || self.loads() == 0 {
            self.page.readopt(spec);
            return Ok(());
        }
        self.page.renew(spec).await?;
        self.confirmed = false;
        match &mut self.source {
            Source::Pictures(last) => *last = None,
            Source::Tap(tap) => {
                if !tap.still_there(&mut self.page).await? {
                    tap_lost();
                    return Err(CaptureError::TapLost);
                }
            }
        }
        Ok(())
    }

    /// How long the browser's threads ran since it began. A few milliseconds to read.
    pub fn processor_time(&self) -> ProcessorTime {
        self.page.browser().processor_time()
    }

    /// The value of an expression in the page, for tools that look into pages. A lane that was asked
    /// is no lane for frames of a film any more: whoever looks may have moved something.
    ///
    /// # Errors
    /// When the expression throws, or the browser does not answer.
    pub async fn evaluate<T: DeserializeOwned>(
        &mut self,
        expression: &str,
    ) -> Result<T, CaptureError> {
        self.untouched = false;
        self.page.evaluate(expression).await
    }

    /// Ends the browser in good order. A lane that is dropped is ended at once, which is as safe.
    pub async fn close(self) {
        self.page.close().await;
    }

    pub(crate) fn page(&mut self) -> &mut Page {
        &mut self.page
    }

    async fn seek(&mut self, frame: u32) -> Result<(), CaptureError> {
        let seek = self.page.post_seek(frame).await?;
        self.sought(seek).await
    }

    async fn sought(&mut self, seek: Seek) -> Result<(), CaptureError> {
        let frame = seek.frame;
        let sought = self.page.sought(seek).await;
        sought.map_err(|error| lost(error, frame))
    }

    /// Takes the pixels of the frame that is shown.
    fn read(&mut self, into: &mut dyn Rows) -> Result<(), CaptureError> {
        match &self.source {
            Source::Tap(tap) => tap.read(&mut self.stripe, into).map_err(|error| {
                tap_lost();
                tracing::warn!(%error, "the compositor's buffer cannot be read any more");
                CaptureError::TapLost
            }),
            Source::Pictures(Some(png)) => {
                into.rows(0, &picture::to_bgra(png, self.page.size())?);
                Ok(())
            }
            Source::Pictures(None) => Err(CaptureError::WrongPicture {
                found: "nothing".to_owned(),
                expected: self.page.size(),
            }),
        }
    }

    /// Shows the page as it is. Whether that changed anything.
    async fn paint(&mut self) -> Result<bool, CaptureError> {
        match &mut self.source {
            Source::Tap(_) => Ok(self.page.frame(Want::Paint).await?.damage),
            Source::Pictures(last) => {
                // A picture is drawn anew even if nothing changed: only its bytes tell.
                let shown = self.page.frame(Want::Picture).await?;
                let damage = shown.picture.is_some() && shown.picture != *last;
                if damage {
                    *last = shown.picture;
                }
                Ok(damage)
            }
        }
    }

    /// Holds the tap against a picture of the frame that stands, once: what was true of an empty
    /// page must be true of the film. After a segment, so that it cannot show in a frame.
    async fn confirm(&mut self) -> Result<(), CaptureError> {
        if let Source::Tap(tap) = self.source
            && !std::mem::replace(&mut self.confirmed, true)
            && !tap.resembles_picture(&mut self.page).await?
        {
            tap_lost();
            return Err(CaptureError::TapLost);
        }
        Ok(())
    }
}

fn tap_lost() {
    metrics::counter!("framewright_taps_lost_total").increment(1);
}

fn lost(error: CaptureError, frame: u32) -> CaptureError {
    match error {
        CaptureError::Unanswered { budget, .. } => CaptureError::FrameLost { frame, budget },
        other => other,
    }
}
