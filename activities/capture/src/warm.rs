//! Browsers that stay up between sessions.
//!
//! Starting a browser costs a second of a core; loading a page in one that runs costs a tenth. So
//! lanes that did their work are kept for a while, for films of the same tenant: another tenant
//! never meets a process that held somebody else's page.

use crate::{CaptureError, CaptureSession, Lane, SessionSpec, lane, session};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a browser waits for more work.
const PATIENCE: Duration = Duration::from_secs(60);

/// For whom a session is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Films of one tenant may follow each other in one browser.
    pub tenant: String,
    /// Names the site: equal names, equal answers.
    pub site: String,
}

/// Browsers that wait for their next session. Dropping it ends them.
#[derive(Default)]
pub struct WarmBrowsers {
    idle: Arc<Mutex<Idle>>,
}

#[derive(Default)]
struct Idle {
    lanes: Vec<Waiting>,
    last_ticket: u64,
}

struct Waiting {
    ticket: u64,
    lane: Lane,
}

impl WarmBrowsers {
    /// A session in a browser that waits for one, else in a new one. Either way it is probed once.
    ///
    /// # Errors
    /// As [`CaptureSession::open`].
    pub async fn session(&self, spec: SessionSpec) -> Result<CaptureSession, CaptureError> {
        let began = Instant::now();
        while let Some(lane) = self.take(&spec).await {
            match session::open_in(lane, &spec, began).await {
                Err(error) if is_of_the_browser(&error) => reject(&error),
                opened => return opened,
            }
        }
        CaptureSession::open(spec).await
    }

    /// One more lane beside a session, in a browser that waits for one, else in a new one.
    ///
    /// # Errors
    /// As [`open_lane`](crate::open_lane).
    pub async fn lane(&self, spec: &SessionSpec) -> Result<Lane, CaptureError> {
        while let Some(mut lane) = self.take(spec).await {
            match lane.load().await {
                Err(error) if is_of_the_browser(&error) => reject(&error),
                loaded => return loaded.map(|_| lane),
            }
        }
        lane::open_lane(spec).await
    }

    /// Keeps a lane that did its work and of which nothing is doubted; a lane with an error is to
    /// be dropped. One that did enough, or has grown, is closed.
    pub async fn keep(&self, mut lane: Lane) {
        if lane.owner().is_none() || lane.is_worn() {
            tracing::debug!(loads = lane.loads(), "a browser is not kept");
            return lane.close().await;
        }
        let ticket = {
            let mut idle = lock(&self.idle);
            idle.last_ticket += 1;
            let ticket = idle.last_ticket;
            idle.lanes.push(Waiting { ticket, lane });
            ticket
        };
        let idle = Arc::downgrade(&self.idle);
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            let Some(idle) = idle.upgrade() else { return };
            let waited = {
                let mut idle = lock(&idle);
                let at = idle.lanes.iter().position(|w| w.ticket == ticket);
                at.map(|at| idle.lanes.swap_remove(at))
            };
            if let Some(Waiting { lane, .. }) = waited {
                lane.close().await;
            }
        });
    }

    /// Ends all that wait, in good order.
    pub async fn close(&self) {
        let lanes = std::mem::take(&mut lock(&self.idle).lanes);
        for Waiting { lane, .. } in lanes {
            lane.close().await;
        }
    }

    /// The best lane that waits for `spec`, ready to load its page.
    async fn take(&self, spec: &SessionSpec) -> Option<Lane> {
        loop {
            let Waiting { mut lane, .. } = self.pick(spec)?;
            match lane.adopt(spec).await {
                Ok(()) => return Some(lane),
                // It died while it waited, most likely.
                Err(error) => reject(&error),
            }
        }
    }

    fn pick(&self, spec: &SessionSpec) -> Option<Waiting> {
        let owner = spec.owner.as_ref()?;
        let mut idle = lock(&self.idle);
        let fits = |waiting: &Waiting| {
            let kept = waiting.lane.spec();
            kept.owner
                .as_ref()
                .is_some_and(|kept| kept.tenant == owner.tenant)
                && kept.makes_the_same_browser(spec)
        };
        let same_site = |waiting: &Waiting| waiting.lane.owner() == Some(owner);
        let lanes = &idle.lanes;
        let at = lanes
            .iter()
            .position(|waiting| fits(waiting) && same_site(waiting))
            .or_else(|| lanes.iter().position(fits))?;
        Some(idle.lanes.swap_remove(at))
    }
}

/// Whether a new browser could do better: the page itself fails in any.
fn is_of_the_browser(error: &CaptureError) -> bool {
    use framewright_film::{Disposition, Fault as _};
    !matches!(
        error,
        CaptureError::NotReady { .. } | CaptureError::FrameLost { .. }
    ) && matches!(error.disposition(), Disposition::Retry { .. })
}

fn reject(error: &CaptureError) {
    tracing::info!(%error, "a browser that was kept is replaced");
}

fn lock(idle: &Mutex<Idle>) -> std::sync::MutexGuard<'_, Idle> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
