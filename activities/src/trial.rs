//! A session on a page of two lines: what this machine's browser can do.

use crate::{Failure, Workshop};
use framewright_capture::{Answer, CaptureSession, Destination, SessionReport, SessionSpec, Site};
use framewright_film::{Fps, FrameSize};
use std::sync::Arc;
use url::Url;

const PAGE: &str = "<!doctype html><body><div data-composition-id=trial data-root=true data-width=320 \
    data-height=180 data-duration=1 data-no-timeline>trial</div>";

/// Opens a capture session as a chunk would and says what was found.
///
/// # Errors
/// As the capture room: no sandboxed browser, no SwiftShader, no frame.
pub async fn trial(workshop: &Workshop) -> Result<SessionReport, Failure> {
    let size = FrameSize {
        width: 320,
        height: 180,
    };
    let entry = Url::parse("http://film.localhost/index.html")
        .map_err(|error| Failure::Lane(error.to_string()))?;
    let mut spec = SessionSpec::new(
        workshop.toolchain.programs.chromium.clone(),
        size,
        Fps::DEFAULT,
        entry,
        Arc::new(OnePage),
        workshop.scratch.path(),
    );
    spec.fonts = Some(workshop.toolchain.fonts.clone());
    let session = CaptureSession::open(spec).await?;
    let report = session.report().clone();
    session.into_lane().close().await;
    Ok(report)
}

struct OnePage;

impl Site for OnePage {
    fn answer(&self, url: &Url, _: Destination) -> Answer {
        if url.path() == "/index.html" {
            Answer::Found {
                content_type: "text/html".to_owned(),
                body: PAGE.into(),
            }
        } else {
            Answer::Missing
        }
    }
}
