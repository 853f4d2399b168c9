//! What a captured frame costs over the least that it can cost: one call to move the page, one
//! frame, and nothing else, driven by a script of a few lines that knows nothing of the contract.
//!
//! ```sh
//! cargo bench -p framewright-capture --bench floor -- [FILM…] [--frames N] [--rounds N]
//! ```
//!
//! Prints Markdown: CPU milliseconds per frame of the browser's processes and of this one, medians
//! of the rounds, which take turns. CPU time rather than real time, so that it can be measured on a
//! machine that does something else, too.

// A program for people who measure: it prints, and what fails ends it.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

mod cpu;
mod stage;

use cpu::Cpu;
use framewright_capture::{Lane, Rows, SessionSpec, Steps, open_lane};
use stage::Film;

/// Bars of issue 4, on pages that move: ours ÷ floor. On pages that stand still: ours − floor, ms.
const MOVING_BAR: f64 = 1.15;
const STILL_BAR: f64 = 3.0;

const FILMS: [&str; 5] = ["moving", "video-like", "gl-light", "shader-third", "still"];

/// Frames of a segment, as the plan cuts them.
const SEGMENT: u32 = 30;

/// Moves a page by what every page of `benches/films` has, and cares for nothing else.
const LEAST: &str = r#"
if (top === self) {
  const facesLoaded = async () => {
    getComputedStyle(document.documentElement).color;
    await Promise.allSettled([...document.fonts].map((face) => face.load()));
    await fetch(`/__framewright/fonts-loaded?load=${__framewrightConfig.load}`, { method: "POST" });
  };
  const watch = () => (document.querySelector('script[src$="/fonts-ready"]') ? facesLoaded() : setTimeout(watch, 2));
  watch();
  let timelines, clips;
  globalThis.__framewright = {
    status: () => ({ ready: document.readyState === "complete" && Object.keys(window.__timelines ?? {}).length > 0 }),
    settle() {
      timelines = Object.values(window.__timelines);
      clips = [...document.querySelectorAll("[data-start]")].map(({ style, dataset }) => ({
        style, start: Number(dataset.start), end: Number(dataset.start) + Number(dataset.duration),
      }));
    },
    seek(t) {
      for (const timeline of timelines) timeline.totalTime(Math.min(t, timeline.totalDuration()));
      for (const { style, start, end } of clips) style.visibility = t >= start && t < end ? "visible" : "hidden";
      const promises = [];
      dispatchEvent(new CustomEvent("hf-seek", { detail: { time: t, waitUntil: (promise) => promises.push(promise) } }));
      return promises.length === 0 ? 0 : Promise.all(promises).then(() => 0);
    },
  };
}
"#;

struct Asked {
    films: Vec<String>,
    frames: u32,
    rounds: usize,
}

/// Pixels are read and let go: what becomes of them is another room's.
struct Nowhere;

impl Rows for Nowhere {
    fn rows(&mut self, _: u32, bgra: &[u8]) {
        std::hint::black_box(bgra);
    }
}

#[tokio::main]
async fn main() {
    let asked = Asked::read();
    println!(
        "| film | frames | floor ms | ours ms | ours ÷ floor | ours − floor ms | bar | with the page loaded anew every {SEGMENT} frames ms |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for film in &asked.films {
        let stage = Film::open(film).await;
        let (mut floors, mut ours, mut segments) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..asked.rounds {
            floors.push(floor(&stage.spec, asked.frames).await);
            ours.push(captured(&stage.spec, asked.frames, asked.frames).await);
            segments.push(captured(&stage.spec, asked.frames, SEGMENT).await);
        }
        let [floor, ours, segments] = [floors, ours, segments].map(median);
        let (bar, missed) = if film == "still" {
            (format!("≤ {STILL_BAR} ms over"), ours - floor > STILL_BAR)
        } else {
            (format!("≤ {MOVING_BAR}"), ours / floor > MOVING_BAR)
        };
        println!(
            "| {film} | {} | {floor:.1} | {ours:.1} | {:.3} | {:.1} | {bar}{} | {segments:.1} |",
            asked.frames,
            ours / floor,
            ours - floor,
            if missed { " ✗" } else { "" },
        );
    }
}

/// One call, one frame. CPU milliseconds per frame.
async fn floor(spec: &SessionSpec, frames: u32) -> f64 {
    let mut spec = spec.clone();
    spec.runtime = LEAST.into();
    let mut page = Steps::open(&spec).await.unwrap();
    page.seek(0).await.unwrap();
    page.paint().await.unwrap();
    let before = Cpu::of_this_tree();
    for frame in 0..frames {
        page.seek(frame).await.unwrap();
        page.paint().await.unwrap();
    }
    let spent = Cpu::of_this_tree().millis_since(before);
    page.close().await;
    spent / f64::from(frames)
}

/// As a chunk captures it, in segments of so many frames. CPU milliseconds per frame.
async fn captured(spec: &SessionSpec, frames: u32, segment: u32) -> f64 {
    let mut lane = open_lane(spec).await.unwrap();
    // The first segment's page is loaded already; the last one's is loaded for the frames after.
    lane.begin_segment(0).await.unwrap();
    let before = Cpu::of_this_tree();
    for first in (0..frames).step_by(segment as usize) {
        let end = frames.min(first + segment);
        capture(&mut lane, first, end).await;
        if segment < frames {
            lane.begin_segment(end).await.unwrap();
        }
    }
    let spent = Cpu::of_this_tree().millis_since(before);
    lane.close().await;
    spent / f64::from(frames)
}

async fn capture(lane: &mut Lane, first: u32, end: u32) {
    for frame in first..end {
        let next = Some(frame + 1).filter(|&next| next < end);
        lane.capture(frame, next, &mut Nowhere).await.unwrap();
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
}

impl Asked {
    fn read() -> Self {
        let mut asked = Self {
            films: Vec::new(),
            frames: 120,
            rounds: 3,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|n| n.parse().ok());
            match word.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--frames" => asked.frames = number().expect("--frames N"),
                "--rounds" => asked.rounds = number().expect("--rounds N") as usize,
                film => asked.films.push(film.to_owned()),
            }
        }
        if asked.films.is_empty() {
            asked.films = FILMS.map(str::to_owned).to_vec();
        }
        asked
    }
}
