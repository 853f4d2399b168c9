//! Workers that share nothing but Temporal and a bucket.

use crate::{
    gateway::{BUCKET, Gateway},
    harness::{
        Dev, eventually, film, film_of, framewright, reference, segments_in, signal, submit,
    },
    history::{Step, steps},
};
use framewright_proto::v1::RenderOptions;
use framewright_workflows::ChunkOutcome;
use std::{
    fs,
    path::Path,
    process::{Child, Stdio},
};
use tempfile::TempDir;

const CHUNKS: u32 = 12;

struct Worker(Child);

impl Worker {
    fn start(dev: &Dev, folder: &Path, name: &str, store: &[String]) -> Self {
        let log = fs::File::create(folder.join(format!("{name}.log"))).unwrap();
        let child = framewright()
            .args(["worker", "--role", "chunks,general", "--name", name])
            .args(["--temporal-address", &dev.temporal])
            .args(store)
            .arg("--data")
            .arg(folder.join(name))
            .arg("--scratch")
            .arg(folder.join(format!("{name}-scratch")))
            .env("FRAMEWRIGHT_LOG", "warn,framewright=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child)
    }

    fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        signal(self.pid(), libc::SIGTERM);
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_workers_and_a_bucket_make_the_same_film() {
    let project = film("dozen");
    let wanted = reference(&project, &["--lanes", "1"]);
    let gateway = Gateway::start().await;
    let folder = TempDir::new().unwrap();
    let store = gateway.flags("e2e");
    let mut service: Vec<&str> = store.iter().map(String::as_str).collect();
    service.extend(["--workers", "0"]);
    let dev = Dev::start_with(folder.path(), &service);
    let mut workers: Vec<_> = ["one", "two", "three"]
        .map(|name| Worker::start(&dev, folder.path(), name, &store))
        .into();

    let mut client = dev.client().await;
    let options = RenderOptions {
        chunks: CHUNKS,
        lanes: 1,
        ..RenderOptions::default()
    };
    let id = submit(&mut client, "fleet", &project, options.clone()).await;
    let bucket = gateway.folder.path().join(BUCKET).join("e2e");
    eventually("a segment in the bucket", || {
        (!segments_in(&bucket).is_empty()).then_some(())
    })
    .await;
    // It finishes what it has in hand and goes; the others do the rest.
    let mut leaving = workers.remove(1);
    signal(leaving.pid(), libc::SIGTERM);
    assert!(leaving.0.wait().unwrap().success());
    drop(leaving);
    assert_eq!(film_of(&mut client, &id).await, wanted);

    let begun = || -> usize {
        ["one", "two", "three"]
            .map(|name| {
                let log = fs::read_to_string(folder.path().join(format!("{name}.log"))).unwrap();
                log.matches("segment begins").count()
            })
            .iter()
            .sum()
    };
    assert_eq!(begun(), CHUNKS as usize, "no segment was rendered twice");
    assert!(!folder.path().join("data/store").exists());
    let chunks = chunks(&dev, &id).await;
    assert_eq!(rendered(&chunks), 240);
    one_at_a_time_and_none_charged(&chunks);

    // The same plan again, under another name: nothing of it is rendered.
    let again = submit(&mut client, "again", &project, options).await;
    assert_eq!(film_of(&mut client, &again).await, wanted);
    assert_eq!(begun(), CHUNKS as usize, "the second render found them all");
    let chunks = self::chunks(&dev, &again).await;
    assert_eq!(rendered(&chunks), 0);
}

async fn chunks(dev: &Dev, id: &str) -> Vec<Step> {
    let mut steps = steps(dev, id).await;
    steps.retain(|step| step.kind == "render_chunk");
    assert!(steps.len() >= CHUNKS as usize, "{steps:?}");
    steps
}

fn rendered(chunks: &[Step]) -> u32 {
    let outcomes = chunks
        .iter()
        .map(|chunk| serde_json::from_slice::<ChunkOutcome>(&chunk.result).unwrap());
    outcomes.map(|outcome| outcome.rendered).sum()
}

fn one_at_a_time_and_none_charged(chunks: &[Step]) {
    for chunk in chunks {
        assert_eq!(chunk.attempt, 1, "{chunk:?}");
        let overlaps = |other: &&Step| {
            other.worker == chunk.worker
                && other.started > chunk.started
                && other.started < chunk.ended
        };
        let other = chunks.iter().find(overlaps);
        assert!(other.is_none(), "{chunk:?} and {other:?}");
    }
    let mut workers: Vec<_> = chunks.iter().map(|chunk| &chunk.worker).collect();
    workers.sort();
    workers.dedup();
    assert_eq!(workers.len(), 3, "each had a share");
}
