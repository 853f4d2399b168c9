//! Steps that do nothing, or what a test tells them to.

#![allow(
    dead_code,
    reason = "the macro makes constants for callers; the workflow has its own"
)]

use framewright_film::{Digest, Fps, FrameSize};
use framewright_workflows::{
    ChunkOutcome, ChunkSpec, FailedAttempt, Film, RenderJob, RenderOutput, RenderProblem,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use temporalio_macros::activities;
use temporalio_sdk::{
    ApplicationFailure,
    activities::{ActivityContext, ActivityError},
};
use tokio::sync::Notify;

/// What a chunk's attempt does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// All of it is in the store.
    Finish,
    /// As a worker that drains: so many segments, then it is somebody else's.
    Part(u32),
    /// It fails, for good or not.
    Fail { permanent: bool },
    /// It runs until it is let go or cancelled.
    Run,
}

type Chunk = dyn Fn(&ChunkSpec, u32) -> Does + Send + Sync;

/// The steps of one render, and what became of them.
pub(crate) struct Steps {
    film: Film,
    chunk: Box<Chunk>,
    /// What `plan` and `assemble` do.
    pub(crate) plan: Does,
    pub(crate) assemble: Does,
    /// Workers that are said to be there.
    pub(crate) workers: AtomicU32,
    /// Attempts at chunks so far.
    pub(crate) begun: AtomicU32,
    /// Steps that run at this moment.
    pub(crate) running: AtomicU32,
    go: Notify,
}

/// A film of `chunks` chunks of three segments of two seconds, for workers of a toolchain of its own.
pub(crate) fn film(name: &str, chunks: u32) -> Film {
    Film {
        plan: Digest::of(name.as_bytes()),
        toolchain: name.to_owned(),
        composition: name.to_owned(),
        size: FrameSize::new(1920, 1080).unwrap(),
        fps: "30".parse::<Fps>().unwrap(),
        frames: chunks * 180,
        segment_frames: 60,
        chunks,
        cut: None,
        costs: None,
    }
}

impl Steps {
    pub(crate) fn new(
        film: Film,
        chunk: impl Fn(&ChunkSpec, u32) -> Does + Send + Sync + 'static,
    ) -> Self {
        Self {
            film,
            chunk: Box::new(chunk),
            plan: Does::Finish,
            assemble: Does::Finish,
            workers: AtomicU32::new(1),
            begun: AtomicU32::new(0),
            running: AtomicU32::new(0),
            go: Notify::new(),
        }
    }

    pub(crate) fn film(&self) -> &Film {
        &self.film
    }

    pub(crate) fn begun(&self) -> u32 {
        self.begun.load(Ordering::SeqCst)
    }

    pub(crate) fn running(&self) -> u32 {
        self.running.load(Ordering::SeqCst)
    }

    /// Lets the steps go that [`Does::Run`] at this moment.
    pub(crate) fn let_go(&self) {
        self.go.notify_waiters();
    }

    async fn act(&self, ctx: &ActivityContext, does: Does) -> Result<(), ActivityError> {
        match does {
            Does::Finish | Does::Part(_) => Ok(()),
            Does::Fail { permanent } => {
                let problem = RenderProblem {
                    code: "FW0203".to_owned(),
                    message: "the browser died".to_owned(),
                    hint: None,
                    failures: Vec::new(),
                };
                Err(
                    ApplicationFailure::builder(anyhow::anyhow!("the browser died"))
                        .type_name(problem.code.clone())
                        .non_retryable(permanent)
                        .details(problem)
                        .build()
                        .into(),
                )
            }
            Does::Run => {
                self.running.fetch_add(1, Ordering::SeqCst);
                let go = self.go.notified();
                tokio::pin!(go);
                let cancelled = loop {
                    tokio::select! {
                        () = &mut go => break false,
                        () = ctx.cancelled() => break true,
                        () = tokio::time::sleep(Duration::from_millis(100)) => {
                            let _ = ctx.record_heartbeat("running".to_owned()).await;
                        }
                    }
                };
                self.running.fetch_sub(1, Ordering::SeqCst);
                if cancelled {
                    return Err(ActivityError::cancelled());
                }
                Ok(())
            }
        }
    }
}

pub(crate) struct General(pub(crate) Arc<Steps>);
pub(crate) struct Chunks(pub(crate) Arc<Steps>);
pub(crate) struct Queues(pub(crate) Arc<Steps>);

#[activities]
impl General {
    #[activity(name = "plan")]
    pub(crate) async fn plan(
        self: Arc<Self>,
        ctx: ActivityContext,
        _job: RenderJob,
    ) -> Result<Film, ActivityError> {
        self.0.act(&ctx, self.0.plan).await?;
        Ok(self.0.film.clone())
    }

    #[activity(name = "assemble")]
    pub(crate) async fn assemble(
        self: Arc<Self>,
        ctx: ActivityContext,
        _spec: serde_json::Value,
    ) -> Result<RenderOutput, ActivityError> {
        self.0.act(&ctx, self.0.assemble).await?;
        // As it comes over the wire: what is not said has its default.
        let output = serde_json::json!({
            "key": "plans/it/film.mp4",
            "sha256": self.0.film.plan,
            "size_bytes": 1,
            "content_type": "video/mp4",
            "frames": self.0.film.frames,
        });
        Ok(serde_json::from_value(output).unwrap())
    }
}

#[activities]
impl Chunks {
    #[activity(name = "render_chunk")]
    pub(crate) async fn render_chunk(
        self: Arc<Self>,
        ctx: ActivityContext,
        spec: ChunkSpec,
    ) -> Result<ChunkOutcome, ActivityError> {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        let does = (self.0.chunk)(&spec, ctx.info().attempt);
        self.0.act(&ctx, does).await?;
        let next_segment = match does {
            Does::Part(segments) => spec.first_segment + segments,
            _ => spec.end_segment,
        };
        Ok(ChunkOutcome {
            next_segment,
            rendered: (next_segment - spec.first_segment) * self.0.film.segment_frames,
            reused: 0,
            millis: 1,
            first_frame_millis: None,
            lanes: 1,
            warm: false,
            probes: Vec::new(),
            attempt: ctx.info().attempt,
            failures: (1..ctx.info().attempt)
                .map(|attempt| FailedAttempt::new(attempt, "FW0203", "the browser died"))
                .collect(),
        })
    }
}

#[activities]
impl Queues {
    #[activity(name = "count_workers")]
    pub(crate) async fn count_workers(
        self: Arc<Self>,
        _ctx: ActivityContext,
        _queue: String,
    ) -> Result<u32, ActivityError> {
        Ok(self.0.workers.load(Ordering::SeqCst))
    }
}
