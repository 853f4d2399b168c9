//! What a render's page shows: the state that the service tells, put into words.

use super::{
    chunks::{Grid, Mark},
    previews::Previews,
    text::{self, Moment},
};
use crate::service::is_final;
use framewright_film::Fps;
use framewright_proto::v1::{FailedAttempt, OutputInfo, Render, RenderError, RenderState};
use std::time::{Duration, SystemTime};

/// All that can change while a render runs.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) tenant: String,
    pub(super) request: String,
    /// Of the page, `/renders/acme/launch-1`: ids need no escaping in a path.
    pub(super) path: String,
    pub(super) mark: Mark,
    /// Nothing will change any more.
    pub(super) ended: bool,
    /// Rounded down: 100 means all frames.
    pub(super) percent: u32,
    pub(super) frames_done: u32,
    pub(super) created: Option<Moment>,
    pub(super) closed: Option<Moment>,
    /// How long it ran, or has been running.
    pub(super) took: String,
    /// Empty while no rate is known.
    pub(super) eta: String,
    pub(super) facts: Option<Facts>,
    pub(super) grid: Grid,
    pub(super) previews: Previews,
    pub(super) notice: String,
    /// While it is paused: since when, and why if somebody said so.
    pub(super) pause: Option<Halt>,
    /// While no worker is there for what waits: since when, and for which task queue.
    pub(super) waiting: Option<Halt>,
    pub(super) deadline: Option<Moment>,
    /// Attempts that failed, the last one first.
    pub(super) failures: Vec<FailedAttempt>,
    pub(super) error: Option<RenderError>,
    pub(super) film: Option<FilmFile>,
    /// Empty when Temporal's pages are not known.
    pub(super) temporal: String,
}

/// Why nothing goes on.
#[derive(Debug)]
pub(super) struct Halt {
    pub(super) since: Option<Moment>,
    pub(super) what: String,
}

/// What is known of the film before it is made.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) composition: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) fps: String,
    pub(super) frames: u32,
    /// `22.0 s`; empty when the rate is none.
    pub(super) length: String,
    pub(super) segment_frames: u32,
    pub(super) plan: String,
}

/// The film.
#[derive(Debug)]
pub(super) struct FilmFile {
    pub(super) size: String,
    pub(super) sha256: String,
}

/// A render in the list.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) tenant: String,
    pub(super) request: String,
    pub(super) path: String,
    pub(super) mark: Mark,
    pub(super) percent: u32,
    pub(super) created: Option<Moment>,
    pub(super) took: String,
    pub(super) temporal: String,
}

impl Live {
    pub(super) fn new(render: &Render, previews: Previews, now: SystemTime) -> Self {
        let row = Row::new(render, now);
        let state = render.state();
        let ended = is_final(state);
        Self {
            tenant: row.tenant,
            request: row.request,
            path: row.path,
            mark: row.mark,
            ended,
            percent: row.percent,
            frames_done: render.chunks.iter().map(|chunk| chunk.frames_done).sum(),
            created: row.created,
            closed: text::time(render.ended).map(|time| Moment::new(time, now)),
            took: row.took,
            eta: match render.eta.and_then(|eta| Duration::try_from(eta).ok()) {
                Some(eta) if !ended => text::span(eta),
                _ => String::new(),
            },
            facts: render.film.as_ref().map(Facts::new),
            grid: Grid::new(&render.chunks, state),
            previews,
            notice: render.notice.clone(),
            pause: render.pause.as_ref().map(|pause| Halt {
                since: text::time(pause.since).map(|time| Moment::new(time, now)),
                what: pause.reason.clone(),
            }),
            waiting: render.waiting.as_ref().map(|waiting| Halt {
                since: text::time(waiting.since).map(|time| Moment::new(time, now)),
                what: waiting.task_queue.clone(),
            }),
            deadline: text::time(render.deadline).map(|time| Moment::new(time, now)),
            failures: render.failures.iter().rev().cloned().collect(),
            error: render.error.clone(),
            film: render.output.as_ref().map(FilmFile::new),
            temporal: row.temporal,
        }
    }

    /// What the place of the picture says while there is none.
    pub(super) fn no_picture(&self) -> &'static str {
        match self.ended {
            true => "No frame was rendered",
            false => "The first frame is not rendered yet",
        }
    }

    /// What the place of the chunks says while there are none.
    pub(super) fn no_chunks(&self) -> &'static str {
        match (self.ended, self.mark.word) {
            (false, "queued" | "planning") => "The film is cut into chunks when its plan is made.",
            (false, _) => "The chunks are not known at this moment: no workflow worker answers.",
            (true, _) => {
                "Nothing is known of its chunks: it ended before its plan was made, or no workflow worker answers."
            }
        }
    }
}

impl Facts {
    fn new(film: &framewright_proto::v1::Film) -> Self {
        let fps: Option<Fps> = film.fps.parse().ok();
        Self {
            composition: film.composition_id.clone(),
            width: film.width,
            height: film.height,
            fps: film.fps.clone(),
            frames: film.frames,
            length: fps.map_or_else(String::new, |fps| {
                text::span(Duration::from_secs_f64(fps.seconds_at(film.frames)))
            }),
            segment_frames: film.segment_frames,
            plan: film.plan_id.clone(),
        }
    }

    /// Enough to tell plans apart by eye.
    pub(super) fn short_plan(&self) -> &str {
        self.plan.get(..12).unwrap_or(&self.plan)
    }
}

impl FilmFile {
    fn new(output: &OutputInfo) -> Self {
        Self {
            size: text::size(output.size_bytes),
            sha256: output.sha256.clone(),
        }
    }
}

impl Row {
    pub(super) fn new(render: &Render, now: SystemTime) -> Self {
        let (tenant, request) = render
            .render_id
            .split_once('/')
            .unwrap_or(("", &render.render_id));
        let created = text::time(render.created);
        let until = text::time(render.ended).unwrap_or(now);
        let took = created.map(|created| until.duration_since(created).unwrap_or_default());
        Self {
            tenant: tenant.to_owned(),
            request: request.to_owned(),
            path: format!("/renders/{}", render.render_id),
            mark: Mark::of_render(render.state()),
            percent: match render.state() {
                RenderState::Succeeded => 100,
                _ => (render.progress.clamp(0.0, 1.0) * 100.0 + 1e-9) as u32,
            },
            created: created.map(|time| Moment::new(time, now)),
            took: took.map(text::span).unwrap_or_default(),
            temporal: web_address(&render.temporal_url),
        }
    }

    pub(super) fn ended(&self) -> bool {
        !matches!(self.mark.class, "waiting" | "running")
    }
}

/// The address comes from an operator's setting: what is no web address makes no link.
pub(super) fn web_address(url: &str) -> String {
    match url.starts_with("https://") || url.starts_with("http://") {
        true => url.to_owned(),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Live, Previews, RenderState};
    use crate::web::pages::Fragment;
    use askama::Template as _;
    use framewright_proto::v1::{
        Chunk, FailedAttempt, Pause, Render, RenderError, WaitingForWorker,
    };
    use std::time::{Duration, SystemTime};

    fn render(state: RenderState) -> Render {
        Render {
            render_id: "acme/launch-1".to_owned(),
            state: state.into(),
            created: Some(SystemTime::UNIX_EPOCH.into()),
            ..Render::default()
        }
    }

    fn live(render: &Render) -> Live {
        Live::new(
            render,
            Previews::default(),
            SystemTime::UNIX_EPOCH + Duration::from_secs(90),
        )
    }

    #[test]
    fn a_page_asks_again_until_the_state_is_final() {
        for (state, again) in [
            (RenderState::Queued, true),
            (RenderState::Assembling, true),
            (RenderState::Paused, true),
            (RenderState::Failed, false),
            (RenderState::Cancelled, false),
        ] {
            let html = Fragment {
                live: live(&render(state)),
            }
            .render()
            .unwrap();
            assert_eq!(
                html.contains("data-next=\"/renders/acme/launch-1/fragment\""),
                again,
                "{html}"
            );
        }
    }

    #[test]
    fn percent_is_rounded_down_and_all_of_it_means_all() {
        let mut render = render(RenderState::Rendering);
        for (progress, percent) in [
            (0.0, 0),
            (0.29, 29),
            (0.99999, 99),
            (1.0, 100),
            (f64::NAN, 0),
            (7.0, 100),
        ] {
            render.progress = progress;
            assert_eq!(live(&render).percent, percent, "{progress}");
        }
        assert_eq!(live(&render).took, "1 min 30 s");
    }

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "</p><script>alert(\"1\")</script><img src=x onerror='alert(2)'>";
        let mut render = render(RenderState::Failed);
        render.temporal_url = "javascript:alert(3)".to_owned();
        render.notice = hostile.to_owned();
        render.error = Some(RenderError {
            code: hostile.to_owned(),
            message: hostile.to_owned(),
            hint: hostile.to_owned(),
        });
        render.pause = Some(Pause {
            reason: hostile.to_owned(),
            ..Pause::default()
        });
        render.waiting = Some(WaitingForWorker {
            task_queue: hostile.to_owned(),
            ..WaitingForWorker::default()
        });
        render.failures = vec![FailedAttempt {
            step: hostile.to_owned(),
            message: hostile.to_owned(),
            ..FailedAttempt::default()
        }];
        // As cards, as a dense grid, and in the table of the notable.
        for chunks in [1, 100] {
            let chunk = Chunk {
                attempt: 2,
                end_frame: 30,
                worker: hostile.to_owned(),
                last_error: hostile.to_owned(),
                ..Chunk::default()
            };
            render.chunks = vec![chunk; chunks];
            let html = Fragment {
                live: live(&render),
            }
            .render()
            .unwrap();
            assert!(html.contains("alert("), "the text itself is shown");
            for bad in ["<script", "<img", "onerror='", "\"1\"", "javascript:"] {
                assert!(!html.contains(bad), "{bad} in {html}");
            }
        }
    }
}
