//! The steps of a frame and of a session, in real time: for a quiet machine.
//!
//! ```sh
//! cargo bench -p framewright-capture --bench steps [-- FILTER]
//! ```

// What fails ends a benchmark.
#![allow(clippy::unwrap_used)]

mod stage;

use divan::{Bencher, black_box};
use framewright_capture::{CaptureSession, Owner, Rows, Steps, WarmBrowsers};
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

/// In a browser that has not drawn WebGL yet, as a session asks.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn probe_once(bencher: Bencher) {
    probes(bencher, 1);
}

/// In six such browsers at the same time: what this project began with.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn probe_six_at_once(bencher: Bencher) {
    probes(bencher, MANY);
}

fn probes(bencher: Bencher, count: usize) {
    let runtime = Runtime::new().unwrap();
    let film = runtime.block_on(Film::open("moving"));
    let open = || join_all((0..count).map(|_| Steps::open(&film.spec)));
    bencher
        .with_inputs(|| runtime.block_on(open()))
        .bench_local_values(|opened| {
            let mut pages: Vec<_> = opened.into_iter().map(Result::unwrap).collect();
            let asked = join_all(pages.iter_mut().map(Steps::probe));
            runtime.block_on(asked).into_iter().for_each(Result::unwrap);
            // Their end is not part of it.
            pages
        });
}
