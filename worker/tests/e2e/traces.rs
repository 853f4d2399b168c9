//! A render as a trace: from the command that asks for it to the film in the store.

use crate::{
    collector::{Collector, Trace},
    harness::{
        Dev, eventually, film, film_of, framewright, in_process, reference, segments, signal,
        submit,
    },
};
use framewright_proto::v1::RenderOptions;
use std::{collections::BTreeSet, path::Path, process::Stdio};
use tempfile::TempDir;

/// What there is of every render, on the way from the command to the store.
const STEPS: [&str; 18] = [
    "render",
    "plan",
    "compile",
    "session",
    "launch",
    "probe",
    "load",
    "measure",
    "render_chunk",
    "lane",
    "segment",
    "capture",
    "encode",
    "publish",
    "assemble",
    "fetch",
    "join",
    "gate",
];

/// What the service and Temporal add to it.
const SERVICE: [&str; 11] = [
    "UploadProject",
    "create_render",
    "CreateRender",
    "StartWorkflow:Render",
    "RunWorkflow:Render",
    "StartActivity:plan",
    "RunActivity:plan",
    "RunActivity:render_chunk",
    "RunActivity:assemble",
    "WatchRender",
    "DownloadOutput",
];

async fn render(dev: &Dev, project: &Path, more: &[&str]) {
    let (grpc, project, folder) = (dev.grpc.clone(), project.to_owned(), dev.folder.clone());
    let more: Vec<String> = more.iter().map(|text| (*text).to_owned()).collect();
    let output = tokio::task::spawn_blocking(move || {
        framewright()
            .arg("render")
            .arg(project)
            .arg("-o")
            .arg(folder.join("film.mp4"))
            .args(["--server", &grpc, "--request-id", "traced"])
            .args(more)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    });
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

fn names(trace: &Trace) -> BTreeSet<&str> {
    trace.0.iter().map(|sent| sent.span.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_render_is_one_trace_from_the_command_to_the_store() {
    let collector = Collector::start().await;
    let folder = TempDir::new().unwrap();
    let otlp = ["--otlp", &collector.url];
    let dev = Dev::start_with(folder.path(), &[&otlp[..], &["--workers", "2"]].concat());
    let flags = [&otlp[..], &["--chunks", "2", "--lanes", "2"]].concat();
    render(&dev, &film("long"), &flags).await;
    // Processes that end send what they have.
    tokio::task::spawn_blocking(move || drop(dev))
        .await
        .unwrap();

    let trace = collector.trace_of("render");
    trace.assert_whole();
    let have = names(&trace);
    let missing: Vec<_> = STEPS
        .iter()
        .chain(&SERVICE)
        .filter(|name| !have.contains(*name))
        .collect();
    assert!(missing.is_empty(), "{missing:?} of\n{}", trace.tree());
    let processes: BTreeSet<_> = trace.0.iter().map(|sent| sent.process.as_str()).collect();
    let expected = [
        "framewright-dev",
        "framewright-render",
        "framewright-worker",
    ];
    assert_eq!(processes, expected.into());

    let chunks = trace.named("render_chunk");
    assert_eq!(chunks.len(), 2, "{}", trace.tree());
    assert_eq!(
        trace.named("probe").len(),
        3,
        "the plan's and one for each chunk"
    );
    let (mut frames, mut segments) = (0, BTreeSet::new());
    for chunk in chunks {
        assert_eq!(chunk.text("render").as_deref(), Some("default/traced"));
        let by_lanes = trace.below(chunk, "lane").into_iter();
        let by_lanes: i64 = by_lanes.map(|lane| lane.number("frames")).sum();
        assert_eq!(by_lanes, chunk.number("frames"), "{}", trace.tree());
        let lanes: BTreeSet<_> = trace
            .below(chunk, "lane")
            .iter()
            .map(|lane| lane.number("lane"))
            .collect();
        assert_eq!(lanes, [1, 2].into(), "{}", trace.tree());
        for segment in trace.below(chunk, "segment") {
            frames += segment.number("frames");
            segments.insert(segment.number("segment"));
            // Whatever span of it one looks at.
            assert_eq!(
                segment.text("framewright.render").as_deref(),
                Some("default/traced")
            );
            assert_eq!(segment.number("framewright.chunk"), chunk.number("chunk"));
            let each: f64 = segment.text("ms_per_frame").unwrap().parse().unwrap();
            assert!(each > 0.0);
            for part in ["capture", "encode", "publish"] {
                assert_eq!(
                    trace.below(segment, part).len(),
                    1,
                    "{part}\n{}",
                    trace.tree()
                );
            }
        }
    }
    assert_eq!(
        (frames, segments),
        (360, (1..=6).collect()),
        "{}",
        trace.tree()
    );
}

/// An attempt that failed and the one after it, in the trace of a client that has none itself.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_tried_again_stays_in_the_trace() {
    let collector = Collector::start().await;
    let folder = TempDir::new().unwrap();
    let dev = Dev::start_with(folder.path(), &["--otlp", &collector.url]);
    let mut client = dev.client().await;
    let options = RenderOptions {
        chunks: 1,
        lanes: 1,
        ..RenderOptions::default()
    };
    let id = submit(&mut client, "twice", &film("long"), options).await;
    eventually("a segment", || {
        (!segments(folder.path()).is_empty()).then_some(())
    })
    .await;
    let encoder = eventually("an encoder", || dev.find("rawvideo")).await;
    signal(encoder.pid, libc::SIGKILL);
    film_of(&mut client, &id).await;
    tokio::task::spawn_blocking(move || drop(dev))
        .await
        .unwrap();

    let trace = collector.trace_of("CreateRender");
    trace.assert_whole();
    let chunks = trace.named("render_chunk");
    let attempts: BTreeSet<_> = chunks.iter().map(|chunk| chunk.number("attempt")).collect();
    assert_eq!(attempts, [1, 2].into(), "{}", trace.tree());
    let failed = trace
        .named("RunActivity:render_chunk")
        .into_iter()
        .filter(|sent| {
            sent.span
                .status
                .as_ref()
                .is_some_and(|status| status.code == 2)
        });
    assert_eq!(failed.count(), 1, "{}", trace.tree());
}

/// Workflow code is replayed by the second service: its spans are those that the first one sent.

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_started_again_goes_on_in_the_trace() {
    let collector = Collector::start().await;
    let folder = TempDir::new().unwrap();
    let flags = ["--otlp", &collector.url];
    let dev = Dev::start_with(folder.path(), &flags);
    let options = RenderOptions {
        chunks: 3,
        lanes: 1,
        ..RenderOptions::default()
    };
    let id = submit(&mut dev.client().await, "later", &film("long"), options).await;
    eventually("a segment", || {
        (!segments(folder.path()).is_empty()).then_some(())
    })
    .await;
    tokio::task::spawn_blocking(move || drop(dev))
        .await
        .unwrap();

    let dev = Dev::start_with(folder.path(), &flags);
    film_of(&mut dev.client().await, &id).await;
    tokio::task::spawn_blocking(move || drop(dev))
        .await
        .unwrap();

    let trace = collector.trace_of("CreateRender");
    trace.assert_whole();
    assert_eq!(
        trace.named("RunWorkflow:Render").len(),
        1,
        "{}",
        trace.tree()
    );
    assert_eq!(trace.named("assemble").len(), 1, "{}", trace.tree());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_the_steps_are_the_same() {
    let collector = Collector::start().await;
    let folder = TempDir::new().unwrap();
    let (path, url) = (folder.path().to_owned(), collector.url.clone());
    let output = tokio::task::spawn_blocking(move || {
        in_process(
            &film("small"),
            &path,
            &path.join("film.mp4"),
            &["--otlp", &url],
        )
    });
    let output = output.await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let trace = collector.trace_of("render");
    trace.assert_whole();
    let have = names(&trace);
    // A film this short is not measured.
    let missing: Vec<_> = STEPS
        .iter()
        .filter(|name| **name != "measure" && !have.contains(*name))
        .collect();
    assert!(missing.is_empty(), "{missing:?} of\n{}", trace.tree());
}

#[test]
fn a_collector_that_is_away_or_never_answers_costs_spans_alone() {
    let wanted = reference(&film("small"), &[]);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = (format!("http://{}", silent.local_addr().unwrap()), silent);
    for url in ["http://127.0.0.1:1", &silent.0] {
        assert_eq!(reference(&film("small"), &["--otlp", url]), wanted);
    }
}
