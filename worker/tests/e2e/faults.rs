//! What dies in the middle of a render, and the same bytes after it.

use crate::harness::{
    Dev, Process, end_of, eventually, film, film_of, reference, segments, signal, submit,
};
use framewright_proto::v1::{RenderOptions, RenderState};
use std::collections::BTreeSet;
use tempfile::TempDir;

/// Long enough that something is always in the middle: 12 s, 360 frames, 6 segments.
const LONG: &str = "long";

fn in_three() -> RenderOptions {
    RenderOptions {
        chunks: 3,
        lanes: 1,
        ..RenderOptions::default()
    }
}

/// Renders with `kill` striking whenever it finds its victim, `times` times, each time after
/// another segment has been stored.
async fn strike(times: usize, victim: impl Fn(&Dev) -> Option<Process>) {
    let project = film(LONG);
    let wanted = reference(&project, &["--lanes", "1"]);
    let folder = TempDir::new().unwrap();
    let dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let id = submit(&mut client, "struck", &project, in_three()).await;
    let mut before = BTreeSet::new();
    for _ in 0..times {
        // In mid-chunk: something is stored since the last time, and not everything.
        let stored = eventually("another segment", || {
            let now = segments(folder.path());
            (now.len() > before.len()).then_some(now)
        })
        .await;
        assert!(before.is_subset(&stored), "what was stored stays");
        before = stored;
        let found = eventually("the victim", || victim(&dev)).await;
        signal(found.pid, libc::SIGKILL);
    }
    assert_eq!(film_of(&mut client, &id).await, wanted);
    let told = dev.log();
    assert!(
        !told.contains("segment was there already"),
        "a segment was rendered twice"
    );
    // With one lane, one segment was in flight at each strike.
    let begun = told.matches("segment begins").count();
    assert!(
        (6..=6 + times).contains(&begun),
        "{begun} segments were begun"
    );
}

fn worker(dev: &Dev) -> Option<Process> {
    dev.find(" worker --role chunks")
}

#[tokio::test]
async fn a_worker_is_killed_twice() {
    strike(2, worker).await;
}

#[tokio::test]
async fn chromium_is_killed() {
    strike(1, |dev| dev.find("--type=renderer")).await;
}

#[tokio::test]
async fn ffmpeg_is_killed() {
    strike(1, |dev| dev.find("rawvideo")).await;
}

#[tokio::test]
async fn temporal_is_killed_with_the_service_and_all_goes_on_later() {
    let project = film(LONG);
    let wanted = reference(&project, &["--lanes", "1"]);
    let folder = TempDir::new().unwrap();
    let mut dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let id = submit(&mut client, "later", &project, in_three()).await;
    eventually("a segment", || {
        (!segments(folder.path()).is_empty()).then_some(())
    })
    .await;

    signal(dev.pid(), libc::SIGKILL);
    dev.wait();
    // The kernel ends the children; nobody else can.
    eventually("the family to be gone", || {
        dev.family().is_empty().then_some(())
    })
    .await;
    let kept = segments(folder.path());
    drop(dev);

    let dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let render = end_of(&mut client, &id).await;
    assert_eq!(render.state(), RenderState::Succeeded, "{:?}", render.error);
    assert_eq!(render.output.unwrap().sha256, wanted);
    assert!(kept.is_subset(&segments(folder.path())));
}
