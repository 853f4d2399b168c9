//! Histories of renders that ran, replayed against the workflow as it is now.
//!
//! What fails here would break renders that are running while a new version is deployed. A change
//! that must break them needs `patched()`, and a new history beside the old one: never write over an
//! old one, renders that began as it did may be running. How they are made: `real/main.rs` and
//! `worker/tests/e2e/histories.rs`.

use framewright_workflows::RenderWorkflow;
use std::{fs, path::Path};
use temporalio_client::WorkflowHistory;
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};

fn histories() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    let files = fs::read_dir(folder)
        .expect("the histories are there")
        .flatten();
    files
        .map(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            (name, fs::read(file.path()).expect("a history can be read"))
        })
        .collect()
}

async fn replay(history: &[u8]) -> Result<(), String> {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<RenderWorkflow>()
        .expect("the workflow registers")
        .build();
    let history = WorkflowHistory::from_json(history).map_err(|error| error.to_string())?;
    let replayer = WorkflowReplayer::new(options).map_err(|error| error.to_string())?;
    let replayed = replayer.replay_workflow(history).await;
    replayed.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn stored_histories_replay() {
    let histories = histories();
    for path in [
        // Of the first version, with real workers.
        "success",
        "failure",
        "cancel",
        "drained-then-killed",
        "retry",
        "pause",
        "deadline",
        "waiting",
        "partial",
        "continue-as-new-1",
        "continue-as-new-2",
        "cancel-queued",
        "cancel-planning",
        "cancel-rendering",
        "cancel-paused",
        "cancel-assembling",
    ] {
        let file = format!("{path}.json");
        assert!(histories.iter().any(|(name, _)| *name == file), "{file}");
    }
    for (name, history) in histories {
        replay(&history)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// The replay would be worth nothing if it passed whatever the workflow does.
#[tokio::test]
async fn a_history_of_another_workflow_does_not_replay() {
    let mut histories = histories();
    histories.retain(|(name, _)| name == "success.json");
    let (_, history) = histories.swap_remove(0);
    let other = String::from_utf8(history)
        .expect("JSON")
        .replace("render_chunk", "render_piece")
        .replace("\"plan\"", "\"scheme\"");
    assert!(replay(other.as_bytes()).await.is_err());
}
