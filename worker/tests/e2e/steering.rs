//! What is asked of a render while it runs: to wait, to go on, to end; and what it waits for.

use crate::harness::{
    Dev, Renders, cancel, end_of, eventually, film, framewright, request, segments, signal, submit,
    upload,
};
use framewright_proto::v1::{
    ChunkState, GetRenderRequest, PauseRenderRequest, Render, RenderOptions, RenderState,
    ResumeRenderRequest,
};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Instant,
};
use tempfile::TempDir;
use tonic::Code;
use tonic_types::StatusExt as _;

/// A command that talks to a service, and what it prints.
fn told(dev: &Dev, arguments: &[&str]) -> String {
    let output = framewright()
        .args(arguments)
        .args(["--server", &dev.grpc])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

async fn get(client: &mut Renders, id: &str) -> Render {
    let request = GetRenderRequest {
        render_id: id.to_owned(),
    };
    client.get_render(request).await.unwrap().into_inner()
}

/// Waits until a render is as `look` wants it.
async fn becomes(
    client: &mut Renders,
    id: &str,
    what: &str,
    look: impl Fn(&Render) -> bool,
) -> Render {
    let begun = Instant::now();
    loop {
        let render = get(client, id).await;
        if look(&render) {
            return render;
        }
        assert!(
            begun.elapsed() < crate::harness::PATIENCE,
            "{what}: {render:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn a_segment(folder: &Path) {
    eventually("a segment", || (!segments(folder).is_empty()).then_some(())).await;
}

fn runs(render: &Render) -> bool {
    let mut chunks = render.chunks.iter();
    chunks.any(|chunk| chunk.state() == ChunkState::Running)
}

fn chunks(chunks: u32) -> RenderOptions {
    RenderOptions {
        chunks,
        lanes: 1,
        ..RenderOptions::default()
    }
}

/// What must be gone when a render that was stopped in the middle of a step has ended.
const AT_WORK: [&str; 4] = ["--type=renderer", "rawvideo", "concat", "sleep 300"];

/// The same where the last step ended well: its browser may wait for the next one.
const ENCODERS: [&str; 3] = ["rawvideo", "concat", "sleep 300"];

fn assert_gone(dev: &Dev, processes: &[&str]) {
    for what in processes {
        let left = dev.find(what);
        assert!(
            left.is_none(),
            "the render ends when its processes have: {left:?}"
        );
    }
}

#[tokio::test]
async fn a_pause_outlives_service_and_workers() {
    let folder = TempDir::new().unwrap();
    let mut dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let id = submit(&mut client, "halt", &film("long"), chunks(4)).await;
    a_segment(folder.path()).await;
    let paused = told(&dev, &["pause", "halt", "--reason", "a meeting", "--json"]);
    let paused: serde_json::Value = serde_json::from_str(&paused).unwrap();
    assert_eq!(paused["state"], "paused");
    assert_eq!(paused["pause"]["reason"], "a meeting");
    assert!(told(&dev, &["list"]).contains("default/halt"));

    let halted = becomes(&mut client, &id, "nothing runs", |render| !runs(render)).await;
    assert_eq!(halted.state(), RenderState::Paused);
    let done = segments(folder.path());
    assert!(done.len() < 6, "the film is not finished");
    signal(dev.pid(), libc::SIGTERM);
    dev.wait();
    drop(dev);

    let dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    // The chunks that were in the queue are given back by the worker that finds the pause.
    let idle = |render: &Render| render.notice == "paused: nothing runs";
    let halted = becomes(&mut client, &id, "the pause is known", idle).await;
    assert_eq!(halted.state(), RenderState::Paused);
    assert_eq!(halted.pause.unwrap().reason, "a meeting");
    assert!(told(&dev, &["status", "halt"]).contains("a meeting"));
    assert_eq!(segments(folder.path()), done, "nothing was begun");

    told(&dev, &["resume", "halt"]);
    assert_eq!(
        end_of(&mut client, &id).await.state(),
        RenderState::Succeeded
    );

    let refused = |status: tonic::Status| {
        let reason = status
            .get_error_details()
            .error_info()
            .unwrap()
            .reason
            .clone();
        (status.code(), reason)
    };
    let pause = |render_id: &str| PauseRenderRequest {
        render_id: render_id.to_owned(),
        reason: String::new(),
    };
    let ended = client.pause_render(pause(&id)).await.unwrap_err();
    assert_eq!(refused(ended), (Code::FailedPrecondition, "FW0530".into()));
    let resume = ResumeRenderRequest { render_id: id };
    let ended = client.resume_render(resume).await.unwrap_err();
    assert_eq!(refused(ended), (Code::FailedPrecondition, "FW0530".into()));
    let none = client.pause_render(pause("default/none")).await;
    let none = none.unwrap_err();
    assert_eq!(refused(none), (Code::NotFound, "FW0521".into()));
}

#[tokio::test]
async fn at_the_deadline_nothing_runs_and_what_is_done_is_kept() {
    let folder = TempDir::new().unwrap();
    let dev = Dev::start(folder.path());
    let mut client = dev.client().await;

    // While the plan is made, which would take half a minute.
    let output = framewright()
        .args(["render", "--deadline", "5s", "--request-id", "never"])
        .args(["--server", &dev.grpc, "-o"])
        .arg(folder.path().join("film.mp4"))
        .arg(film("never-ready"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("error[FW0511]"), "{errors}");
    assert_gone(&dev, &AT_WORK);

    // While it is paused: a pause does not stop the clock.
    let project = upload(&mut client, &film("long")).await;
    let mut options = chunks(6);
    options.max_duration = Some(prost_types::Duration {
        seconds: 45,
        nanos: 0,
    });
    let asked = request("late", &project, options);
    let id = client
        .create_render(asked)
        .await
        .unwrap()
        .into_inner()
        .render_id;
    a_segment(folder.path()).await;
    told(&dev, &["pause", "late"]);
    let ended = end_of(&mut client, &id).await;
    assert_eq!(ended.error.unwrap().code, "FW0511");
    assert_gone(&dev, &ENCODERS);
    let kept = segments(folder.path()).len();
    assert!(kept > 0);

    let id = submit(&mut client, "again", &film("long"), chunks(6)).await;
    assert_eq!(
        end_of(&mut client, &id).await.state(),
        RenderState::Succeeded
    );
    let begun = dev.log().matches("segment begins").count();
    assert_eq!(
        begun,
        segments(folder.path()).len(),
        "none was rendered twice"
    );
}

#[tokio::test]
async fn a_cancelled_render_leaves_no_process_in_any_stage() {
    let folder = TempDir::new().unwrap();
    let slow = program(
        folder.path(),
        "slow/ffmpeg",
        r#"case "$*" in *concat*) sleep 300;; esac; exec ffmpeg "$@""#,
    );
    let dev = Dev::start_with(folder.path(), &["--ffmpeg", &slow.to_string_lossy()]);
    let mut client = dev.client().await;
    let ended = async |client: &mut Renders, id: &str, gone: &[&str]| {
        cancel(client, id).await;
        assert_eq!(end_of(client, id).await.state(), RenderState::Cancelled);
        assert_gone(&dev, gone);
    };

    let id = submit(&mut client, "planning", &film("never-ready"), chunks(1)).await;
    eventually("a browser", || dev.find("--type=renderer")).await;
    ended(&mut client, &id, &AT_WORK).await;

    let id = submit(&mut client, "paused", &film("long"), chunks(2)).await;
    a_segment(folder.path()).await;
    told(&dev, &["pause", "paused"]);
    assert_eq!(get(&mut client, &id).await.state(), RenderState::Paused);
    ended(&mut client, &id, &AT_WORK).await;

    let id = submit(&mut client, "assembling", &film("small"), chunks(1)).await;
    eventually("the film is joined", || dev.find("concat")).await;
    assert_eq!(get(&mut client, &id).await.state(), RenderState::Assembling);
    ended(&mut client, &id, &ENCODERS).await;
}

#[tokio::test]
async fn chunks_wait_for_a_worker_of_their_toolchain() {
    let folder = TempDir::new().unwrap();
    let dev = Dev::start_with(folder.path(), &["--workers", "0"]);
    let mut client = dev.client().await;
    let other = program(
        folder.path(),
        "other/ffmpeg",
        r#"case "$1" in -version) ffmpeg "$@" | sed 's/ffmpeg version [0-9]/&7/';; *) exec ffmpeg "$@";; esac"#,
    );
    let _planner = Worker::start(&dev, "general", &[]);
    let _stranger = Worker::start(&dev, "chunks", &["--ffmpeg", &other.to_string_lossy()]);

    let id = submit(&mut client, "picky", &film("small"), chunks(2)).await;
    let waits = becomes(&mut client, &id, "it says so", |r| r.waiting.is_some()).await;
    let waiting = waits.waiting.clone().unwrap();
    assert_eq!(waits.state(), RenderState::Rendering);
    assert!(waiting.step.starts_with("chunk-"), "{waiting:?}");
    assert_eq!(
        waiting.task_queue,
        format!("framewright-chunks-{}", waiting.toolchain)
    );
    assert!(told(&dev, &["status", "picky"]).contains(&waiting.toolchain));

    let _fitting = Worker::start(&dev, "chunks", &[]);
    let render = end_of(&mut client, &id).await;
    assert_eq!(render.state(), RenderState::Succeeded, "{:?}", render.error);
    assert!(render.waiting.is_none());
}

struct Worker(Child);

impl Worker {
    fn start(dev: &Dev, role: &str, more: &[&str]) -> Self {
        let log = fs::File::options()
            .append(true)
            .open(dev.folder.join("dev.log"))
            .unwrap();
        let child = framewright()
            .args(["worker", "--role", role])
            .args(["--temporal-address", &dev.temporal])
            .arg("--data")
            .arg(dev.folder.join("data"))
            .arg("--scratch")
            .arg(dev.folder.join("scratch"))
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        signal(self.0.id().cast_signed(), libc::SIGTERM);
        let _ = self.0.wait();
    }
}

/// A program that stands in for another.
fn program(folder: &Path, name: &str, script: &str) -> PathBuf {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}
