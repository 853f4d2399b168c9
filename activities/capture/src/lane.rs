use crate::{
    CaptureError, SessionSpec,
    page::{Page, Want},
    picture,
    session::{Reader, ReaderChoice},
    status::PageFacts,
    tap::Tap,
};

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
    let page = Page::open(spec).await?;
    let mut lane = Lane::new(page, spec.reader).await?;
    lane.load().await?;
    Ok(lane)
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
                tracing::error!(why, "the compositor's buffer cannot be used");
                return Err(CaptureError::TapLost);
            }
            (Err(why), ReaderChoice::Auto) => {
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
        })
    }

    /// Loads the film's page and throws away its first frame, which can be unpainted.
    pub(crate) async fn load(&mut self) -> Result<PageFacts, CaptureError> {
        if let Source::Pictures(last) = &mut self.source {
            *last = None;
        }
        let facts = self.page.load().await?;
        self.paint().await?;
        self.untouched = true;
        Ok(facts)
    }

    /// Puts the lane into the state in which the segment that begins with frame `first` is
    /// captured: a page that was loaded anew, moved to the frame before.
    ///
    /// # Errors
    /// As for opening a lane; and when the page cannot be moved.
    pub async fn begin_segment(&mut self, first: u32) -> Result<(), CaptureError> {
        if !self.untouched {
            self.confirm().await?;
            self.load().await?;
        }
        self.untouched = false;
        self.first = true;
        // The frame after a jump can differ in a few pixels from the same frame in a run.
        let before = first.saturating_sub(1);
        self.seek(before).await?;
        self.paint().await.map_err(|error| lost(error, before))?;
        self.page.essential()
    }

    /// Captures frame `frame` of the segment into `into`, which becomes as long as a frame:
    /// 4-byte BGRA pixels, opaque, rows without padding. Left alone when the frame is
    /// [`Shot::Unchanged`].
    ///
    /// # Errors
    /// When the page fails or asks for something that is not there; and, to be tried again in a
    /// new lane, when the browser does not paint.
    pub async fn capture(&mut self, frame: u32, into: &mut Vec<u8>) -> Result<Shot, CaptureError> {
        self.seek(frame).await?;
        let damage = self.paint().await.map_err(|error| lost(error, frame))?;
        self.page.essential()?;
        if !damage && !self.first {
            return Ok(Shot::Unchanged);
        }
        match &self.source {
            Source::Tap(tap) => tap.read(into).map_err(|error| {
                tracing::warn!(%error, "the compositor's buffer cannot be read any more");
                CaptureError::TapLost
            })?,
            Source::Pictures(Some(png)) => picture::to_bgra(png, self.page.size(), into)?,
            Source::Pictures(None) => {
                return Err(CaptureError::WrongPicture {
                    found: "nothing".to_owned(),
                    expected: self.page.size(),
                });
            }
        }
        self.first = false;
        Ok(Shot::Painted)
    }

    /// How this lane reads frames.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Ends the browser in good order. A lane that is dropped is ended at once, which is as safe.
    pub async fn close(self) {
        self.page.close().await;
    }

    pub(crate) fn page(&self) -> &Page {
        &self.page
    }

    async fn seek(&mut self, frame: u32) -> Result<(), CaptureError> {
        let sought = self.page.seek(frame).await;
        sought.map_err(|error| lost(error, frame))
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
            && !tap.agrees_with_picture(&mut self.page).await?
        {
            return Err(CaptureError::TapLost);
        }
        Ok(())
    }
}

fn lost(error: CaptureError, frame: u32) -> CaptureError {
    match error {
        CaptureError::Unanswered { budget, .. } => CaptureError::FrameLost { frame, budget },
        other => other,
    }
}
