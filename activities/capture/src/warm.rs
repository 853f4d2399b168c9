//! Browsers that stay up between sessions.
//!
//! Starting a browser costs a second of a core; loading a page in one that runs costs a tenth. So
//! lanes that did their work are kept for a while, for films of the same tenant: another tenant
//! never meets a process that held somebody else's page. Where a film is known to come, browsers
//! are opened ahead of it.

use crate::{CaptureError, CaptureSession, Lane, SessionSpec, lane, session};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tracing::{Instrument as _, Span, info_span};

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
    arrival: Notify,
}

#[derive(Default)]
struct Idle {
    lanes: Vec<Waiting>,
    last_ticket: u64,
    /// Browsers that are being opened ahead of their first session.
    coming: u32,
}

struct Waiting {
    ticket: u64,
    lane: Lane,
}

impl WarmBrowsers {
    /// Opens a browser ahead of its first session, whose page will be as `spec` says; its site, its
    /// entry and its owner may be others. Who looks for a browser meanwhile waits for this one.
    ///
    /// # Errors
    /// As [`CaptureSession::open`]. Nothing is lost by them: sessions open browsers of their own.
    pub async fn prepare(&self, spec: &SessionSpec) -> Result<(), CaptureError> {
        lock(&self.idle).coming += 1;
        let coming = Coming(self);
        let lane = lane::open_empty(spec).await?;
        self.shelve(lane);
        drop(coming);
        Ok(())
    }

    /// A session in a browser that waits for one, else in a new one. Either way it is probed once.
    ///
    /// # Errors
    /// As [`CaptureSession::open`].
    #[tracing::instrument(name = "session", skip_all, fields(warm))]
    pub async fn session(&self, spec: SessionSpec) -> Result<CaptureSession, CaptureError> {
        let began = Instant::now();
        while let Some(lane) = self.take(&spec).await {
            match session::open_in(lane, &spec, began).await {
                Err(error) if is_of_the_browser(&error) => reject(&error),
                opened => {
                    Span::current().record("warm", true);
                    return opened;
                }
            }
        }
        Span::current().record("warm", false);
        CaptureSession::open(spec).await
    }

    /// One more lane beside a session, in a browser that waits for one, else in a new one.
    ///
    /// # Errors
    /// As [`open_lane`](crate::open_lane).
    #[tracing::instrument(name = "open", skip_all)]
    pub async fn lane(&self, spec: &SessionSpec) -> Result<Lane, CaptureError> {
        while let Some(mut lane) = self.take(spec).await {
            match lane.load().instrument(info_span!("load")).await {
                Err(error) if is_of_the_browser(&error) => reject(&error),
                loaded => return loaded.map(|_| lane),
            }
        }
        lane::open_lane(spec).await
    }

    /// Keeps a lane that did its work and of which nothing is doubted; a lane with an error is to
    /// be dropped. One that did enough, or has grown, is closed.
    pub async fn keep(&self, mut lane: Lane) {
        let is_worn = lane.is_worn();
        if is_worn {
            metrics::counter!("framewright_browsers_recycled_total", "why" => "worn").increment(1);
        }
        if lane.owner().is_none() || is_worn {
            tracing::debug!(loads = lane.loads(), "a browser is not kept");
            return lane.close().await;
        }
        self.shelve(lane);
    }

    fn shelve(&self, lane: Lane) {
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
            let Waiting { mut lane, .. } = self.await_one(spec).await?;
            match lane.adopt(spec).await {
                Ok(()) => return Some(lane),
                // It died while it waited, most likely.
                Err(error) => reject(&error),
            }
        }
    }

    /// As long as browsers are coming, one of them may be it.
    async fn await_one(&self, spec: &SessionSpec) -> Option<Waiting> {
        loop {
            let arrival = self.arrival.notified();
            tokio::pin!(arrival);
            // From now on, no arrival is missed.
            arrival.as_mut().enable();
            let (picked, coming) = self.pick(spec);
            if picked.is_some() || coming == 0 {
                return picked;
            }
            arrival.await;
        }
    }

    /// The best lane that waits for `spec`, and how many are still to come.
    fn pick(&self, spec: &SessionSpec) -> (Option<Waiting>, u32) {
        let mut idle = lock(&self.idle);
        let picked = idle.pick(spec);
        (picked, idle.coming)
    }
}

impl Idle {
    fn pick(&mut self, spec: &SessionSpec) -> Option<Waiting> {
        let owner = spec.owner.as_ref()?;
        let fits = |waiting: &Waiting| {
            let kept = waiting.lane.spec();
            // What was nobody's yet can be anybody's.
            kept.owner
                .as_ref()
                .is_none_or(|kept| kept.tenant == owner.tenant)
                && kept.makes_the_same_browser(spec)
                && spec.reader.accepts(waiting.lane.reader())
        };
        let same_site = |waiting: &Waiting| waiting.lane.owner() == Some(owner);
        let lanes = &self.lanes;
        let at = lanes
            .iter()
            .position(|waiting| fits(waiting) && same_site(waiting))
            .or_else(|| lanes.iter().position(fits))?;
        Some(self.lanes.swap_remove(at))
    }
}

/// One browser that is coming, until it is there or is known not to come.
struct Coming<'a>(&'a WarmBrowsers);

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        lock(&self.0.idle).coming -= 1;
        self.0.arrival.notify_waiters();
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
    metrics::counter!("framewright_browsers_recycled_total", "why" => "broken").increment(1);
    tracing::info!(%error, "a browser that was kept is replaced");
}

fn lock(idle: &Mutex<Idle>) -> std::sync::MutexGuard<'_, Idle> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
