//! What must survive when a long render goes on in another run.

use crate::{
    simulated::{Does, Steps, film},
    stage::{Crew, Render, Stage},
};
use framewright_workflows::{RenderJob, progress::PAUSED};
use temporalio_client::errors::WorkflowGetResultError;

/// More chunks than are in flight at a time; some are left when the first run is long enough.
const CHUNKS: u32 = 70;

/// Chunk 11 runs; the others are done, and the history is long.
async fn long_enough(render: &Render<'_>) {
    render
        .eventually("one chunk left of the run", async |r| {
            r.steps.running() == 1 && r.pending().await == 1
        })
        .await;
}

fn waits_for_one(name: &str) -> Steps {
    Steps::new(film(name, CHUNKS), |spec, _| match spec.index {
        10 => Does::Run,
        _ => Does::Finish,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_render_goes_on_in_another_run() {
    let stage = Stage::short_runs().await;
    // One chunk is left half done while the history is long already.
    let steps = Steps::new(film("continue-as-new", CHUNKS), |spec, _| {
        match spec.first_segment {
            60 => Does::Part(1),
            _ => Does::Finish,
        }
    });
    stage
        .play(
            steps,
            Crew::all(4),
            |_| {},
            async |render| {
                let output = render.end().await.unwrap();
                assert_eq!(output.frames, CHUNKS * 180);
                let runs = render.histories("continue-as-new").await;
                assert_eq!(runs.len(), 2);
                for chunk in 1..=CHUNKS {
                    let id = format!("chunk-{chunk}-of-{CHUNKS}");
                    let times: usize = runs.iter().map(|run| run.scheduled(&id)).sum();
                    assert_eq!(times, if chunk == 21 { 2 } else { 1 }, "{id}");
                }
                assert_eq!(render.progress().await.frames_done(), CHUNKS * 180);
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_lasts_across_the_border() {
    let stage = Stage::short_runs().await;
    stage
        .play(
            waits_for_one("paused-border"),
            Crew::all(4),
            |_| {},
            async |render| {
                long_enough(render).await;
                let first = render.run().await;
                render.pause("the machine is needed").await;
                render.steps.let_go();
                render
                    .eventually("the next run", async |r| r.run().await != first)
                    .await;
                let progress = render.progress().await;
                assert_eq!(
                    progress.pause.as_ref().unwrap().reason,
                    "the machine is needed"
                );
                assert_eq!(render.stage().await, PAUSED);
                assert_eq!(render.pending().await, 0);
                let begun = render.steps.begun();
                assert_eq!(
                    progress.frames_done(),
                    begun * 180,
                    "all that began is counted"
                );
                render.resume().await;
                render.end().await.unwrap();
                assert_eq!(render.steps.begun(), CHUNKS);
                render.histories("").await;
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_the_later_run() {
    let stage = Stage::short_runs().await;
    let steps = Steps::new(film("cancelled-border", CHUNKS), |spec, _| {
        match spec.index {
            CHUNKS.. => unreachable!(),
            69 => Does::Run,
            _ => Does::Finish,
        }
    });
    stage
        .play(
            steps,
            Crew::all(4),
            |_| {},
            async |render| {
                render
                    .eventually("the last chunk", async |r| r.steps.running() == 1)
                    .await;
                render.cancel().await;
                let ended = render.end().await.unwrap_err();
                assert!(
                    matches!(ended, WorkflowGetResultError::Cancelled { .. }),
                    "{ended}"
                );
                assert_eq!(render.steps.running(), 0);
                let runs = render.histories("").await;
                assert_eq!(runs.len(), 2);
                assert_eq!(runs[1].end(), "WorkflowExecutionCanceled");
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_render_can_be_cancelled_where_nothing_of_it_runs() {
    let stage = Stage::short_runs().await;
    stage
        .play(
            waits_for_one("cancelled-halt"),
            Crew::all(4),
            |_| {},
            async |render| {
                long_enough(render).await;
                let first = render.run().await;
                render.pause("").await;
                render.steps.let_go();
                render
                    .eventually("the next run", async |r| r.run().await != first)
                    .await;
                assert_eq!(render.pending().await, 0);
                render.cancel().await;
                let ended = render.end().await.unwrap_err();
                assert!(
                    matches!(ended, WorkflowGetResultError::Cancelled { .. }),
                    "{ended}"
                );
                let runs = render.histories("").await;
                assert_eq!(runs[1].end(), "WorkflowExecutionCanceled");
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_counts_from_the_first_run() {
    let stage = Stage::short_runs().await;
    let soon = |job: &mut RenderJob| job.max_millis = Some(15_000);
    stage
        .play(
            waits_for_one("deadline-border"),
            Crew::all(4),
            soon,
            async |render| {
                long_enough(render).await;
                let (first, deadline) = (render.run().await, render.progress().await.deadline);
                render.pause("").await;
                render.steps.let_go();
                render
                    .eventually("the next run", async |r| r.run().await != first)
                    .await;
                assert_eq!(render.progress().await.deadline, deadline);
                render.end().await.unwrap_err();
                assert_eq!(render.progress().await.problem.unwrap().code, "FW0511");
                render.histories("").await;
            },
        )
        .await;
}
