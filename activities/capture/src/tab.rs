use crate::{CaptureError, SessionSpec, browser::Browser};
use chromiumoxide::cdp::{
    browser_protocol::{
        browser::BrowserContextId,
        emulation::SetDeviceMetricsOverrideParams,
        inspector,
        page::{self, FrameId},
        target::{
            AttachToTargetParams, CloseTargetParams, CreateTargetParams,
            DisposeBrowserContextParams, TargetId,
        },
    },
    js_protocol::runtime,
};
use framewright_film::FrameSize;
use std::time::Duration;

/// What the protocol calls a target: one page under frame control, and our session with it.
pub(crate) struct Tab {
    pub(crate) session: String,
    target: TargetId,
    /// The first one is in the browser's own context.
    context: Option<BrowserContextId>,
}

impl Tab {
    /// An empty page of the film's size. From now on, what the browser tells is about this one.
    pub(crate) async fn open(
        browser: &mut Browser,
        spec: &SessionSpec,
        context: Option<BrowserContextId>,
    ) -> Result<Self, CaptureError> {
        let pipe = &mut browser.pipe;
        let budget = spec.budgets.command;
        let FrameSize { width, height } = spec.size;
        let mut target = CreateTargetParams::new("about:blank");
        target.width = Some(width.into());
        target.height = Some(height.into());
        target.enable_begin_frame_control = Some(true);
        target.browser_context_id = context.clone();
        let target = pipe.call(None, &target, budget).await?.target_id;
        let mut attach = AttachToTargetParams::new(target.clone());
        attach.flatten = Some(true);
        let session = String::from(pipe.call(None, &attach, budget).await?.session_id);
        pipe.follow(&session);
        let to_page = Some(session.as_str());
        let metrics =
            SetDeviceMetricsOverrideParams::new(i64::from(width), i64::from(height), 1.0, false);
        pipe.call(to_page, &page::EnableParams::default(), budget)
            .await?;
        pipe.call(to_page, &runtime::EnableParams::default(), budget)
            .await?;
        pipe.call(to_page, &inspector::EnableParams::default(), budget)
            .await?;
        pipe.call(to_page, &metrics, budget).await?;
        Ok(Self {
            session,
            target,
            context,
        })
    }

    /// Its outermost frame has the same name as the target.
    pub(crate) fn main_frame(&self) -> FrameId {
        FrameId::new(self.target.as_ref())
    }

    /// Closes the page, and forgets all that pages of its context left behind.
    pub(crate) async fn close(
        self,
        browser: &mut Browser,
        budget: Duration,
    ) -> Result<(), CaptureError> {
        let close = CloseTargetParams::new(self.target);
        browser.pipe.call(None, &close, budget).await?;
        if let Some(context) = self.context {
            let dispose = DisposeBrowserContextParams::new(context);
            browser.pipe.call(None, &dispose, budget).await?;
        }
        Ok(())
    }
}
