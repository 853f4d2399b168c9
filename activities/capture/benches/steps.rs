//! The steps of a frame and of a session, in real time: for a quiet machine.
//!
//! ```sh
//! cargo bench -p framewright-capture --bench steps [-- FILTER]
//! ```

// What fails ends a benchmark.
#![allow(clippy::unwrap_used)]

mod stage;

use divan::{Bencher, black_box};
use framewright_capture::{
    CaptureSession, Lane, Owner, Rows, SessionSpec, Steps, WarmBrowsers, open_lane,
};
use futures_util::future::join_all;
use stage::Film;
use tokio::runtime::Runtime;

/// A page of each kind.
const FILMS: [&str; 5] = ["moving", "video-like", "gl-light", "shader-third", "still"];

/// Lanes that once probed all at the same time.
const MANY: usize = 6;

fn main() {
    divan::main();
}

struct Nowhere;

impl Rows for Nowhere {
    fn rows(&mut self, _: u32, bgra: &[u8]) {
        black_box(bgra);
    }
}

/// The frames that a page is moved to. From 50 on: there the shader of `shader-third` is seen.
#[derive(Default)]
struct Frames(u32);

impl Frames {
    fn next(&mut self) -> u32 {
        self.0 += 1;
        50 + self.0 % 35
    }
}

fn on_page(film: &str, run: impl FnOnce(&Runtime, Steps)) {
    let runtime = Runtime::new().unwrap();
    let film = runtime.block_on(Film::open(film));
    let steps = runtime.block_on(Steps::open(&film.spec)).unwrap();
    run(&runtime, steps);
}

#[divan::bench(args = FILMS, sample_count = 30, sample_size = 1)]
fn seek(bencher: Bencher, film: &str) {
    on_page(film, |runtime, mut page| {
        let mut frames = Frames::default();
        bencher.bench_local(|| runtime.block_on(page.seek(frames.next())).unwrap());
    });
}

#[divan::bench(args = FILMS, sample_count = 30, sample_size = 1)]
fn seek_and_paint(bencher: Bencher, film: &str) {
    on_page(film, |runtime, mut page| {
        let mut frames = Frames::default();
        bencher.bench_local(|| {
            runtime.block_on(async {
                page.seek(frames.next()).await.unwrap();
                page.paint().await.unwrap()
            })
        });
    });
}

#[divan::bench(sample_count = 100, sample_size = 1)]
fn read_from_the_compositor(bencher: Bencher) {
    on_page("moving", |runtime, mut page| {
        runtime.block_on(page.paint()).unwrap();
        bencher.bench_local(|| page.read(&mut Nowhere).unwrap());
    });
}

/// What a segment begins with.
#[divan::bench(args = FILMS, sample_count = 10, sample_size = 1)]
fn load_anew(bencher: Bencher, film: &str) {
    on_page(film, |runtime, mut page| {
        bencher.bench_local(|| runtime.block_on(page.load()).unwrap());
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn session_cold(bencher: Bencher) {
    let runtime = Runtime::new().unwrap();
    let film = runtime.block_on(Film::open("moving"));
    // Without its end, which is not what a chunk waits for.
    bencher
        .with_inputs(|| film.spec.clone())
        .bench_local_values(|spec| runtime.block_on(CaptureSession::open(spec)).unwrap());
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn session_warm(bencher: Bencher) {
    let runtime = Runtime::new().unwrap();
    let film = runtime.block_on(Film::open("moving"));
    let mut spec = film.spec.clone();
    spec.owner = Some(Owner {
        tenant: "bench".to_owned(),
        site: "moving".to_owned(),
    });
    let browsers = WarmBrowsers::default();
    let open = || runtime.block_on(browsers.session(spec.clone())).unwrap();
    runtime.block_on(browsers.keep(open().into_lane()));
    bencher.bench_local(|| {
        let session = open();
        runtime.block_on(browsers.keep(session.into_lane()));
    });
    runtime.block_on(browsers.close());
}

/// A session that probes, and five lanes beside it that do not.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn six_lanes_one_probe(bencher: Bencher) {
    six(bencher, async |spec: &SessionSpec| {
        let mut lanes = vec![session(spec).await];
        let more = join_all((1..MANY).map(|_| open_lane(spec))).await;
        lanes.extend(more.into_iter().map(Result::unwrap));
        lanes
    });
}

/// Six sessions at the same time, each of which probes: what this project began with.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn six_lanes_six_probes(bencher: Bencher) {
    six(bencher, async |spec: &SessionSpec| {
        join_all((0..MANY).map(|_| session(spec))).await
    });
}

fn six(bencher: Bencher, open: impl AsyncFn(&SessionSpec) -> Vec<Lane>) {
    let runtime = Runtime::new().unwrap();
    let film = runtime.block_on(Film::open("moving"));
    bencher.bench_local(|| runtime.block_on(open(&film.spec)));
}

async fn session(spec: &SessionSpec) -> Lane {
    CaptureSession::open(spec.clone())
        .await
        .unwrap()
        .into_lane()
}
