use crate::{
    CaptureError, Rows, SessionSpec,
    page::{Page, Want},
    probe::probe,
    tap::Tap,
};

/// The steps of a frame, one by one and with nothing between them: what benchmarks take apart, and
/// what they hold a [`Lane`](crate::Lane) against.
#[doc(hidden)]
pub struct Steps {
    page: Page,
    tap: Tap,
    stripe: Vec<u8>,
}

impl Steps {
    /// A browser with the film's page, ready, and the compositor's buffer found.
    ///
    /// # Errors
    /// As for opening a lane that reads from the buffer.
    pub async fn open(spec: &SessionSpec) -> Result<Self, CaptureError> {
        let mut page = Page::open(spec).await?;
        let tap = Tap::calibrate(&mut page).await?;
        page.load().await?;
        Ok(Self {
            page,
            tap: tap.map_err(|_| CaptureError::TapLost)?,
            stripe: Vec::new(),
        })
    }

    /// Asks who draws WebGL. The first answer of a browser costs most.
    ///
    /// # Errors
    /// When it is not SwiftShader.
    pub async fn probe(&mut self) -> Result<(), CaptureError> {
        probe(&mut self.page).await.map(drop)
    }

    /// Loads the page anew.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn load(&mut self) -> Result<(), CaptureError> {
        self.page.load().await.map(drop)
    }

    /// Moves the page.
    ///
    /// # Errors
    /// When the page fails.
    pub async fn seek(&mut self, frame: u32) -> Result<(), CaptureError> {
        let seek = self.page.post_seek(frame).await?;
        self.page.sought(seek).await
    }

    /// Shows the page as it is. Whether that changed anything.
    ///
    /// # Errors
    /// When the browser does not paint.
    pub async fn paint(&mut self) -> Result<bool, CaptureError> {
        Ok(self.page.frame(Want::Paint).await?.damage)
    }

    /// Reads what is shown.
    ///
    /// # Errors
    /// When the buffer is gone.
    pub fn read(&mut self, into: &mut dyn Rows) -> Result<(), CaptureError> {
        let read = self.tap.read(&mut self.stripe, into);
        read.map_err(|_| CaptureError::TapLost)
    }

    /// Ends the browser.
    pub async fn close(self) {
        self.page.close().await;
    }
}
