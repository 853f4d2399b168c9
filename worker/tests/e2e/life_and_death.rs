//! Beginning and ending: nothing is left behind, and what was asked for goes on.

use crate::harness::{
    Dev, cancel, end_of, eventually, film, framewright, segments, signal, submit,
};
use framewright_proto::v1::{RenderOptions, RenderState};
use std::process::Stdio;
use tempfile::TempDir;

async fn ends_by(kind: i32) {
    let folder = TempDir::new().unwrap();
    let mut dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let options = RenderOptions {
        chunks: 2,
        lanes: 1,
        ..RenderOptions::default()
    };
    let id = submit(&mut client, "drained", &film("long"), options).await;
    eventually("a segment", || {
        (!segments(folder.path()).is_empty()).then_some(())
    })
    .await;
    signal(dev.pid(), kind);
    assert!(dev.wait().success(), "{}", dev.log());
    assert!(dev.family().is_empty(), "left behind: {:?}", dev.family());
    drop(dev);

    let dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    assert_eq!(
        end_of(&mut client, &id).await.state(),
        RenderState::Succeeded
    );
}

#[tokio::test]
async fn ctrl_c_drains() {
    ends_by(libc::SIGINT).await;
}

#[tokio::test]
async fn sigterm_drains() {
    ends_by(libc::SIGTERM).await;
}

#[tokio::test]
async fn a_cancelled_render_leaves_no_browser() {
    let folder = TempDir::new().unwrap();
    let dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let id = submit(&mut client, "no", &film("long"), RenderOptions::default()).await;
    eventually("a segment", || {
        (!segments(folder.path()).is_empty()).then_some(())
    })
    .await;
    cancel(&mut client, &id).await;
    assert_eq!(
        end_of(&mut client, &id).await.state(),
        RenderState::Cancelled
    );
    assert!(
        dev.find("--type=renderer").is_none(),
        "the render ends when its processes have"
    );
    assert!(dev.find("rawvideo").is_none());
}

#[tokio::test]
async fn ctrl_c_in_the_client_cancels_the_render() {
    let folder = TempDir::new().unwrap();
    let dev = Dev::start(folder.path());
    let mut client = framewright()
        .arg("render")
        .arg(film("long"))
        .arg("-o")
        .arg(folder.path().join("film.mp4"))
        .args(["--server", &dev.grpc, "--request-id", "mine"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("a segment", || {
        (!segments(folder.path()).is_empty()).then_some(())
    })
    .await;
    signal(client.id().cast_signed(), libc::SIGINT);
    assert_eq!(client.wait().unwrap().code(), Some(130));
    assert!(!folder.path().join("film.mp4").exists());
    let mut client = dev.client().await;
    assert_eq!(
        end_of(&mut client, "default/mine").await.state(),
        RenderState::Cancelled
    );
}
