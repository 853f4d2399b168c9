//! The capture room: frames of a page, as pixels.
//!
//! It takes a [`Site`], which answers every URL that the browser asks for, and the URL of a page,
//! and gives back frames. It knows nothing of compositions, of encoders and of Temporal.
//!
//! A [`CaptureSession`] is a browser that was launched, **probed once** and brought to a page that
//! is ready. It is itself the first [`Lane`]; further lanes start beside it with [`open_lane`],
//! which never probes. A lane is one page in its own browser process, and captures segments.
//!
//! Invariants:
//! * A frame depends on the page and on the frame's number alone. A segment begins with a page
//!   that was loaded anew, so a lane's past cannot show.
//! * The browser reaches the site and nothing else: [`Wall`] says by what means. Chromium's own
//!   sandbox is on wherever the machine allows it, and the browser never has root's rights.
//! * How frames are read ([`Reader`]) does not show in their pixels.
//! * Every wait has a budget with a name. A browser that dies, hangs or loses its page ends as a
//!   [`CaptureError`] whose disposition says to try again.
//! * A lane that is dropped leaves no process and no file; so does a worker that is killed.
//!
//! What it is not: no general driver for browsers, no recorder of what happens in real time, no
//! place for sound.
//!
//! ```no_run
//! # async fn film() -> Result<(), Box<dyn std::error::Error>> {
//! use framewright_capture::{CaptureSession, Chromium, FolderSite, SessionSpec, Shot};
//! use std::sync::Arc;
//!
//! let spec = SessionSpec::new(
//!     Chromium::find(None).await?,
//!     framewright_film::FrameSize::new(1920, 1080)?,
//!     "30".parse()?,
//!     "http://film.localhost/index.html".parse()?,
//!     Arc::new(FolderSite::new("my-page")?),
//!     std::env::temp_dir(),
//! );
//! let mut lane = CaptureSession::open(spec).await?.into_lane();
//! let mut frame = Vec::new();
//! lane.begin_segment(0).await?;
//! for i in 0..30 {
//!     if lane.capture(i, None, &mut frame).await? == Shot::Unchanged {
//!         // `frame` still holds this frame's pixels.
//!     }
//! }
//! lane.close().await;
//! # Ok(())
//! # }
//! ```

mod browser;
mod budgets;
mod chromium;
mod cpu;
mod destination;
mod error;
mod flags;
mod home;
mod lane;
mod page;
mod picture;
mod pipe;
mod probe;
mod rows;
mod session;
mod site;
mod status;
mod steps;
mod tab;
mod tap;
mod wall;
mod warm;
mod watch;

pub use budgets::Budgets;
pub use chromium::Chromium;
pub use cpu::{ProcessorTime, Work};
pub use destination::Destination;
pub use error::{CaptureError, LastWords};
pub use flags::{FLAGS, Flag, flags_fingerprint};
pub use lane::{Lane, Shot, open_lane};
pub use picture::write_png;
pub use probe::Gl;
pub use rows::Rows;
pub use session::{CaptureSession, Durations, Reader, ReaderChoice, SessionReport, SessionSpec};
pub use site::{Answer, FolderSite, Site};
pub use status::{PageFacts, Pending};
#[doc(hidden)]
pub use steps::Steps;
pub use wall::{Refusal, Wall};
pub use warm::{Owner, WarmBrowsers};
