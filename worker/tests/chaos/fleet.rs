//! Workers that nobody supervises: one that is frozen, and wakes again.

use crate::{
    draw::{generator, rounds, seed},
    harness::{eventually, framewright, signal},
    stage::{Stage, room},
};
use std::{
    fs,
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

struct Worker {
    child: Child,
    log: PathBuf,
}

impl Worker {
    fn start(stage: &Stage, name: &str) -> Self {
        let folder = stage.folder();
        let path = folder.join(format!("{name}.log"));
        let log = fs::File::create(&path).unwrap();
        let child = framewright()
            .args(["worker", "--role", "chunks,general", "--name", name])
            .args(["--temporal-address", &stage.dev().temporal])
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--scratch")
            .arg(folder.join("scratch"))
            .env("FRAMEWRIGHT_LOG", "warn,framewright=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, log: path }
    }

    fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// How many segments it has begun.
    fn begun(&self) -> usize {
        let log = fs::read_to_string(&self.log).unwrap();
        log.matches("segment begins").count()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        signal(self.pid(), libc::SIGCONT);
        signal(self.pid(), libc::SIGTERM);
        let _ = self.child.wait();
    }
}

/// Frozen with a segment in hand until the other worker has taken its chunk over, then woken: it is
/// told that its attempt is over, and whatever it still stores is what is there already.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "make chaos"]
async fn a_frozen_worker_wakes() {
    let seed = seed();
    let mut stage = Stage::open_with(room(), &["--workers", "0"], None).await;
    let workers = ["one", "two"].map(|name| Worker::start(&stage, name));
    stage.rehearse().await;
    for seed in seed..seed + rounds(5) {
        let mut rng = generator(seed);
        let before = workers.each_ref().map(Worker::begun);
        let begun = stage.begin(&format!("frozen-{seed}")).await;
        let frozen = eventually("a worker that captures", || {
            let mut both = workers.iter().zip(before);
            both.find(|(worker, before)| worker.begun() > *before)
        })
        .await
        .0;
        tokio::time::sleep(Duration::from_millis(rng.u64(..400))).await;
        let clock = Instant::now();
        signal(frozen.pid(), libc::SIGSTOP);
        // Some are woken before the others are done, some after.
        let render = if rng.bool() {
            tokio::time::sleep(Duration::from_secs(rng.u64(9..14))).await;
            signal(frozen.pid(), libc::SIGCONT);
            stage.end(&begun.id).await
        } else {
            let render = stage.end(&begun.id).await;
            signal(frozen.pid(), libc::SIGCONT);
            render
        };
        let took = clock.elapsed();
        let again = stage.check(&begun, &render, 2).await;
        eprintln!(
            "SEED={seed}: a worker was frozen, {again} segments again, film after {took:.1?}"
        );
    }
    drop(workers);
    stage.close().await;
}
