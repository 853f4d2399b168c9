use crate::stage::{DOM, Stage, browser, group, members};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

#[tokio::test]
async fn nothing_is_left_of_a_lane() {
    for close in [true, false] {
        let stage = Stage::of(DOM, 320, 180).await;
        let mut lane = stage.lane().await;
        lane.begin_segment(0).await.unwrap();
        let processes = browser(&stage.spec.scratch);
        assert!(processes.len() >= 3, "{processes:?}");
        if close {
            lane.close().await;
        } else {
            drop(lane);
        }
        until(|| processes.iter().all(|pid| group(*pid).is_none())).await;
        until(|| fs::read_dir(&stage.spec.scratch).unwrap().count() == 0).await;
    }
}

/// What `a_killed_worker_leaves_no_browser` kills: a process of its own that holds a session.
#[tokio::test]
#[ignore = "it is started by another test, and waits to be killed"]
async fn worker_to_be_killed() {
    let mut stage = Stage::of(DOM, 320, 180).await;
    stage.spec.scratch = std::env::temp_dir();
    let mut lane = stage.lane().await;
    lane.begin_segment(0).await.unwrap();
    println!("\nready");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_worker_leaves_no_browser() {
    let scratch = tempfile::tempdir().unwrap();
    // The browser is to run as somebody else, who must be able to get here.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(scratch.path(), open).unwrap();
    let mut worker = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "lives::worker_to_be_killed",
            "--ignored",
            "--nocapture",
        ])
        .env("TMPDIR", scratch.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(worker.stdout.take().unwrap());
    assert!(
        output
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "ready")
    );
    let processes = browser(scratch.path());
    assert!(processes.len() >= 3, "{processes:?}");
    let leader = group(processes[0]).unwrap();
    worker.kill().unwrap();
    worker.wait().unwrap();
    until(|| members(leader).is_empty() && browser(scratch.path()).is_empty()).await;

    // Its folder could not be removed; the next browser does that.
    let homes = || {
        let entries = fs::read_dir(scratch.path()).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names
            .filter(|name| name.starts_with("framewright-browser-"))
            .collect::<Vec<_>>()
    };
    let left = homes();
    assert_eq!(left.len(), 1);
    let mut stage = Stage::of(DOM, 320, 180).await;
    stage.spec.scratch = scratch.path().to_owned();
    let _lane = stage.lane().await;
    assert_eq!(homes().len(), 1);
    assert_ne!(homes(), left);
}

/// What must be true within five seconds.
async fn until(true_at_last: impl Fn() -> bool) {
    for _ in 0..250 {
        if true_at_last() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(true_at_last());
}
