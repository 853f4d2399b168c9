//! What a box counts, held against a film.

use crate::{
    gateway::{BUCKET, Gateway},
    harness::{Dev, eventually, film, film_of, framewright, signal, submit},
};
use framewright_proto::v1::RenderOptions;
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Stdio},
};
use tempfile::TempDir;

/// One look at `/metrics`.
struct Metrics(String);

impl Metrics {
    async fn of(dev: &Dev) -> Self {
        Self(get(&format!("{}/metrics", dev.web)).await.1)
    }

    /// The sum of the samples of `name` that have all these labels, of all processes.
    fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let samples = self.0.lines().filter(|line| {
            let end = line.find(['{', ' ']).unwrap_or(0);
            line[..end] == *name && labels.iter().all(|label| line.contains(label))
        });
        let value = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
        samples.map(value).sum()
    }

    fn names(&self) -> BTreeSet<&str> {
        let types = self
            .0
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "));
        types.map(|told| told.split(' ').next().unwrap()).collect()
    }
}

async fn get(url: &str) -> (u16, String) {
    // Its TLS is built without a provider; none is needed to be there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::get(url).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_add_up_to_the_film_and_every_name_is_in_the_docs() {
    let folder = TempDir::new().unwrap();
    let dev = Dev::start_with(folder.path(), &["--workers", "2", "--log-json"]);
    let mut client = dev.client().await;
    let options = || RenderOptions {
        chunks: 2,
        lanes: 2,
        ..RenderOptions::default()
    };
    let id = submit(&mut client, "counted", &film("long"), options()).await;
    let sha256 = film_of(&mut client, &id).await;

    let first = Metrics::of(&dev).await;
    let rendered = r#"how="rendered""#;
    assert_eq!(first.sum("framewright_frames_total", &[rendered]), 360.0);
    assert_eq!(first.sum("framewright_segments_total", &[rendered]), 6.0);
    assert_eq!(first.sum("framewright_frame_seconds_count", &[]), 360.0);
    // The plan's session, and one of each chunk.
    assert_eq!(
        first.sum("framewright_session_start_seconds_count", &[]),
        3.0
    );
    assert_eq!(first.sum("framewright_probe_seconds_count", &[]), 3.0);
    let waits = |step| first.sum("framewright_queue_wait_seconds_count", &[step]);
    assert_eq!(waits(r#"step="render_chunk""#), 2.0);
    assert_eq!(waits(r#"step="assemble""#), 1.0);
    let outcome = r#"outcome="succeeded""#;
    assert_eq!(first.sum("framewright_renders_total", &[outcome]), 1.0);
    assert_eq!(first.sum("framewright_worker_up", &[]), 2.0);
    // Of the store: six segments, six previews, the film and what is known of it, at least.
    let put = r#"request="put""#;
    assert!(first.sum("framewright_store_request_seconds_count", &[put]) >= 14.0);
    // The SDK's, of this process and of the workers.
    let completed = "temporal_workflow_completed_total";
    assert_eq!(first.sum(completed, &[]), 1.0);
    let executed = "temporal_activity_execution_latency_seconds_count";
    assert_eq!(first.sum(executed, &[r#"worker="worker-"#]), 4.0);

    let again = submit(&mut client, "counted-again", &film("long"), options()).await;
    assert_eq!(film_of(&mut client, &again).await, sha256);
    let second = Metrics::of(&dev).await;
    let reused = r#"how="reused""#;
    assert_eq!(second.sum("framewright_frames_total", &[rendered]), 360.0);
    assert_eq!(second.sum("framewright_frames_total", &[reused]), 360.0);
    assert_eq!(second.sum("framewright_segments_total", &[reused]), 6.0);
    assert_eq!(second.sum("framewright_renders_total", &[outcome]), 2.0);

    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let docs = fs::read_to_string(docs).unwrap();
    let unnamed: Vec<_> = second
        .names()
        .into_iter()
        .filter(|name| !docs.contains(&format!("`{name}`")))
        .collect();
    assert!(
        unnamed.is_empty(),
        "not in docs/operations.md: {unnamed:#?}"
    );

    lines_tell_their_render(&dev.log(), &id);
}

/// Whatever a step logs names its render, and its chunk if it is of one.
fn lines_tell_their_render(log: &str, id: &str) {
    let lines: Vec<serde_json::Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let span_of = |line: &serde_json::Value, field: &str| {
        let spans = line["spans"].as_array()?.clone();
        spans.into_iter().find(|span| !span[field].is_null())
    };
    for (message, of_chunk) in [
        ("segment begins", true),
        ("segment is stored", true),
        ("frames measured", false),
        ("film assembled", false),
    ] {
        let said: Vec<_> = lines
            .iter()
            .filter(|line| line["fields"]["message"] == message)
            .collect();
        assert!(!said.is_empty(), "`{message}` is logged");
        for line in said {
            let span = span_of(line, "render").unwrap_or_else(|| panic!("no render: {line}"));
            assert_eq!(span["render"], id, "{line}");
            assert_eq!(!span["chunk"].is_null(), of_chunk, "{line}");
        }
    }
    // Sessions are of a plan or of a chunk, never of nobody.
    let rooms = [
        "framewright_capture",
        "framewright_encode",
        "framewright_activities",
    ];
    let homeless: Vec<_> = lines
        .iter()
        .filter(|line| {
            rooms
                .iter()
                .any(|room| line["target"].as_str().unwrap_or("").starts_with(room))
        })
        .filter(|line| span_of(line, "render").is_none())
        .map(|line| line["fields"]["message"].clone())
        .collect();
    // What a worker finds out before there is a render.
    let allowed = |message: &serde_json::Value| message.as_str().unwrap_or("").contains("found");
    let homeless: Vec<_> = homeless
        .iter()
        .filter(|message| !allowed(message))
        .collect();
    assert!(homeless.is_empty(), "{homeless:?}");
}

struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        signal(self.0.id().cast_signed(), libc::SIGTERM);
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_ready_as_long_as_temporal_answers() {
    let folder = TempDir::new().unwrap();
    let dev = Dev::start_with(folder.path(), &["--workers", "0"]);
    let log = folder.path().join("worker.log");
    let child = framewright()
        .args(["worker", "--role", "general", "--metrics", "127.0.0.1:0"])
        .args(["--temporal-address", &dev.temporal])
        .arg("--data")
        .arg(folder.path().join("data"))
        .arg("--scratch")
        .arg(folder.path().join("scratch"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let _worker = Worker(child);
    let address = eventually("the worker's address", || {
        let log = fs::read_to_string(&log).unwrap();
        let line = log
            .lines()
            .find(|line| line.contains("metrics and probes"))?;
        let address = line.split("address=").nth(1)?.split_whitespace().next()?;
        Some(format!("http://{address}"))
    })
    .await;
    let ready = || async { get(&format!("{address}/readyz")).await };
    while ready().await.0 != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (status, metrics) = get(&format!("{address}/metrics")).await;
    assert_eq!(status, 200);
    for name in ["framewright_build_info", "temporal_request_total"] {
        assert!(metrics.contains(name), "{metrics}");
    }

    tokio::task::spawn_blocking(move || drop(dev))
        .await
        .unwrap();
    let (status, why) = ready().await;
    assert_eq!(
        (status, why.as_str()),
        (503, "the Temporal server does not answer\n")
    );
    assert_eq!(get(&format!("{address}/healthz")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_ready_as_long_as_the_store_can_be_reached() {
    let gateway = Gateway::start().await;
    let folder = TempDir::new().unwrap();
    let (store, endpoint) = (
        format!("s3://{BUCKET}/ready"),
        format!("http://127.0.0.1:{}", gateway.port),
    );
    let s3 = ["--s3-endpoint", &endpoint, "--s3-path-style"];
    let place = [&["--workers", "0", "--store", &store], &s3[..]].concat();
    let dev = Dev::start_with(folder.path(), &place);
    let ready = format!("{}/readyz", dev.web);
    assert_eq!(get(&ready).await.0, 200);

    drop(gateway);
    let (status, why) = get(&ready).await;
    assert_eq!(
        (status, why.as_str()),
        (503, "the store cannot be reached\n")
    );
    assert_eq!(get(&format!("{}/healthz", dev.web)).await.0, 200);
}
