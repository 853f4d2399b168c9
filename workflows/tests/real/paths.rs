//! The ways that a render can take, each with the history that it leaves.

use crate::{
    simulated::{Does, Steps, film},
    stage::{Crew, Stage},
};
use framewright_workflows::{RenderProblem, progress::PAUSED};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_common::error::IncomingError;

fn problem(end: WorkflowGetResultError) -> RenderProblem {
    let WorkflowGetResultError::Failed(cause) = end else {
        panic!("it failed: {end}");
    };
    let IncomingError::Application(cause) = &*cause else {
        panic!("an error of ours: {cause}");
    };
    cause.details::<RenderProblem>().unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_pause_what_runs_is_finished_and_nothing_begins() {
    let stage = Stage::short_runs().await;
    let paused = Arc::new(AtomicBool::new(false));
    let seen = paused.clone();
    // In whatever order they are given out.
    let first = AtomicBool::new(true);
    let steps = Steps::new(film("pause", 4), move |_, _| {
        match (
            first.swap(false, Ordering::SeqCst),
            seen.load(Ordering::SeqCst),
        ) {
            (true, _) => Does::Run,
            // As a worker that finds the render paused: it gives the chunk back as it was.
            (_, true) => Does::Part(0),
            _ => Does::Finish,
        }
    });
    stage
        .play(
            steps,
            Crew::all(1),
            |_| {},
            async |render| {
                render
                    .eventually("a chunk that runs", async |r| r.steps.running() == 1)
                    .await;
                render.pause("the machine is needed").await;
                render.pause("another reason").await;
                let progress = render.progress().await;
                assert_eq!(progress.word(), PAUSED);
                assert!(progress.details().contains("the machine is needed"));
                assert_eq!(render.stage().await, PAUSED);

                paused.store(true, Ordering::SeqCst);
                render.steps.let_go();
                render
                    .eventually("nothing in hand", async |r| r.pending().await == 0)
                    .await;
                let progress = render.progress().await;
                assert_eq!(progress.frames_done(), 180, "what ran was finished");
                assert_eq!(render.steps.begun(), 4, "the others were given back");

                paused.store(false, Ordering::SeqCst);
                render.resume().await;
                render.resume().await;
                render.end().await.unwrap();
                let [run] = &render.histories("pause").await[..] else {
                    panic!("one run");
                };
                let scheduled = |chunk| run.scheduled(&format!("chunk-{chunk}-of-4"));
                assert_eq!([1, 2, 3, 4].map(scheduled).iter().sum::<usize>(), 1 + 3 * 2);
                let progress = render.progress().await;
                assert!(progress.pause.is_none() && progress.paused_millis > 0);
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_deadline_a_render_ends_and_nothing_runs() {
    let stage = Stage::short_runs().await;
    let first = AtomicBool::new(true);
    let steps = Steps::new(film("deadline", 3), move |_, _| {
        match first.swap(false, Ordering::SeqCst) {
            true => Does::Finish,
            false => Does::Run,
        }
    });
    let soon = |job: &mut framewright_workflows::RenderJob| job.max_millis = Some(6_000);
    stage
        .play(steps, Crew::all(1), soon, async |render| {
            let problem = problem(render.end().await.unwrap_err());
            assert_eq!(problem.code, "FW0511");
            assert!(problem.message.contains("180 of 540 frames"), "{problem:?}");
            assert_eq!(
                render.steps.running(),
                0,
                "the render ends when its steps have"
            );
            assert_eq!(render.stage().await, "failed");
            render.histories("deadline").await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_failed_is_tried_again_and_says_why() {
    let stage = Stage::short_runs().await;
    let steps = Steps::new(film("retry", 3), |spec, attempt| {
        match (spec.index, attempt) {
            (1, 1 | 2) => Does::Fail { permanent: false },
            _ => Does::Finish,
        }
    });
    stage
        .play(
            steps,
            Crew::all(1),
            |_| {},
            async |render| {
                render.end().await.unwrap();
                let told: Vec<_> = render
                    .progress()
                    .await
                    .failures
                    .iter()
                    .map(|failure| (failure.chunk, failure.failed.attempt))
                    .collect();
                assert_eq!(told, [(1, 1), (1, 2)]);
                render.histories("retry").await;
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_drained_worker_leaves_is_given_to_another() {
    let stage = Stage::short_runs().await;
    let steps = Steps::new(film("partial", 2), |spec, _| match spec.first_segment {
        0 => Does::Part(2),
        _ => Does::Finish,
    });
    stage
        .play(
            steps,
            Crew::all(1),
            |_| {},
            async |render| {
                render.end().await.unwrap();
                let runs = render.histories("partial").await;
                assert_eq!(runs[0].scheduled("chunk-1-of-2"), 2);
                assert_eq!(render.progress().await.frames_done(), 360);
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_render_that_nobody_works_on_says_so_and_goes_on_when_somebody_comes() {
    let stage = Stage::short_runs().await;
    let mut steps = Steps::new(film("waiting", 2), |_, _| Does::Finish);
    steps.workers = 0.into();
    stage
        .play(
            steps,
            Crew::all(0),
            |_| {},
            async |render| {
                render
                    .eventually("a word about it", async |r| {
                        r.progress().await.waiting.is_some()
                    })
                    .await;
                let details = render.progress().await.details();
                assert!(
                    details.contains("none is there for task queue `framewright-chunks-waiting`")
                );
                stage
                    .work(&render.steps, Crew::late(), async {
                        render.end().await.unwrap();
                    })
                    .await;
                assert!(render.progress().await.waiting.is_none());
                render.histories("waiting").await;
            },
        )
        .await;
}

/// Where a render is when it is cancelled.
async fn cancelled(name: &str, crew: Crew, mut steps: impl FnMut(&mut Steps), pause: bool) {
    let stage = Stage::short_runs().await;
    let mut played = Steps::new(film(name, 3), |_, _| Does::Run);
    steps(&mut played);
    let waits = crew.is_idle();
    stage
        .play(
            played,
            crew,
            |_| {},
            async |render| {
                if waits {
                    render
                        .eventually("a step that waits", async |r| r.pending().await == 1)
                        .await;
                } else {
                    render
                        .eventually("a step that runs", async |r| r.steps.running() > 0)
                        .await;
                }
                if pause {
                    render.pause("").await;
                    assert_eq!(render.progress().await.word(), PAUSED);
                }
                render.cancel().await;
                let ended = render.end().await.unwrap_err();
                assert!(
                    matches!(ended, WorkflowGetResultError::Cancelled { .. }),
                    "{ended}"
                );
                assert_eq!(
                    render.steps.running(),
                    0,
                    "the render ends when its steps have"
                );
                assert_eq!(render.stage().await, "cancelled");
                let runs = render.histories(name).await;
                assert_eq!(runs[0].end(), "WorkflowExecutionCanceled");
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_render_can_be_cancelled_in_every_stage() {
    cancelled("cancel-queued", Crew::idle(), |_| {}, false).await;
    cancelled(
        "cancel-planning",
        Crew::all(1),
        |steps| steps.plan = Does::Run,
        false,
    )
    .await;
    cancelled("cancel-rendering", Crew::all(1), |_| {}, false).await;
    cancelled("cancel-paused", Crew::all(1), |_| {}, true).await;
    let at_the_end = |steps: &mut Steps| {
        *steps = Steps::new(film("cancel-assembling", 3), |_, _| Does::Finish);
        steps.assemble = Does::Run;
    };
    cancelled("cancel-assembling", Crew::all(1), at_the_end, false).await;
}
