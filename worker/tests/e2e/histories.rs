//! Histories of every path, replayed as they come off the server.
//!
//! `FRAMEWRIGHT_SAVE_HISTORIES=workflows/tests/histories cargo test -p framewright histories` keeps
//! those that are not there yet for `workflows/tests/replay.rs`, which holds later versions to them.
//! More paths, with simulated steps: `workflows/tests/real`.

use crate::harness::{Dev, cancel, end_of, eventually, film, segments, signal, submit};
use framewright_proto::v1::{RenderOptions, RenderState};
use framewright_workflows::RenderWorkflow;
use std::path::PathBuf;
use tempfile::TempDir;
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, WorkflowFetchHistoryOptions,
    WorkflowHistory,
};
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};

async fn temporal(dev: &Dev) -> Client {
    let options = ConnectionOptions::new(dev.temporal.parse::<url::Url>().unwrap()).build();
    let connection = Connection::connect(options).await.unwrap();
    Client::new(connection, ClientOptions::new("default").build()).unwrap()
}

/// Fetches the history of a render, replays it, and keeps it if that is wanted.
async fn replay(dev: &Dev, render_id: &str, name: &str) {
    let client = temporal(dev).await;
    let handle = client.get_workflow_handle::<RenderWorkflow>(format!("render/{render_id}"));
    let history = handle
        .fetch_history(WorkflowFetchHistoryOptions::default())
        .to_json()
        .await
        .unwrap();
    if let Some(folder) = std::env::var_os("FRAMEWRIGHT_SAVE_HISTORIES") {
        // Tests run in their crate's folder; the name is given from the root.
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(folder);
        let file = folder.join(format!("{name}.json"));
        // An older one stays: renders that began as it did may be running.
        if !file.exists() {
            std::fs::write(file, &history).unwrap();
        }
    }
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<RenderWorkflow>()
        .unwrap()
        .build();
    let history = WorkflowHistory::from_json(history.as_ref()).unwrap();
    WorkflowReplayer::new(options)
        .unwrap()
        .replay_workflow(history)
        .await
        .unwrap();
}

#[tokio::test]
async fn histories_of_every_path_replay() {
    let folder = TempDir::new().unwrap();
    let mut dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let options = |chunks| RenderOptions {
        chunks,
        lanes: 1,
        ..RenderOptions::default()
    };

    let id = submit(&mut client, "success", &film("small"), options(3)).await;
    end_of(&mut client, &id).await;
    replay(&dev, &id, "success").await;

    let id = submit(&mut client, "failure", &film("never-ready"), options(3)).await;
    let failed = end_of(&mut client, &id).await;
    assert_eq!(failed.state(), RenderState::Failed);
    // Permanent, and named: there was one attempt, and what was waited for is in the message.
    let error = failed.error.unwrap();
    assert!(error.message.contains("never-ready"), "{error:?}");
    replay(&dev, &id, "failure").await;

    let id = submit(&mut client, "cancel", &film("long"), options(4)).await;
    eventually("a segment", || {
        (segments(folder.path()).len() > 3).then_some(())
    })
    .await;
    cancel(&mut client, &id).await;
    end_of(&mut client, &id).await;
    replay(&dev, &id, "cancel").await;

    // A worker that drains, then one that is killed.
    let id = submit(
        &mut client,
        "drained-then-killed",
        &film("long"),
        RenderOptions {
            fps: "25".into(),
            ..options(2)
        },
    )
    .await;
    let before = segments(folder.path()).len();
    eventually("a segment", || {
        (segments(folder.path()).len() > before).then_some(())
    })
    .await;
    signal(dev.find(" worker --role").unwrap().pid, libc::SIGTERM);
    let before = segments(folder.path()).len() + 1;
    eventually("another worker", || {
        (segments(folder.path()).len() > before).then_some(())
    })
    .await;
    signal(
        eventually("the worker", || dev.find(" worker --role"))
            .await
            .pid,
        libc::SIGKILL,
    );
    let render = end_of(&mut client, &id).await;
    assert_eq!(render.state(), RenderState::Succeeded);
    // Who was killed could not say so, and it is told all the same.
    let mut failures = render.failures.iter();
    let killed = failures.any(|failed| failed.attempt == 1 && failed.code == "FW0501");
    assert!(killed, "{:?}", render.failures);
    replay(&dev, &id, "drained-then-killed").await;
    signal(dev.pid(), libc::SIGTERM);
    dev.wait();
}
