//! Total over number of chunks, as a picture.

use super::report::{Report, Row};
use crate::exit::Exit;
use askama::Template;

/// Of the picture, and of the field within it in which the curves are; pixels.
const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = WIDTH - 36.0;
const TOP: f64 = 96.0;
const BOTTOM: f64 = HEIGHT - 92.0;

/// About as many lines across.
const LINES: f64 = 6.0;

#[derive(Template)]
#[template(path = "bench.svg")]
struct Chart<'a> {
    report: &'a Report,
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    across: Vec<Tick>,
    along: Vec<Tick>,
    worst: String,
    median: String,
    points: Vec<Point>,
    marks: Vec<Mark>,
    in_process: Option<f64>,
}

struct Tick {
    at: f64,
    label: String,
}

struct Point {
    x: f64,
    y: f64,
    title: String,
}

/// A worst total, with its value or with what is remarkable about it.
struct Mark {
    x: f64,
    y: f64,
    label: String,
    remarkable: bool,
}

/// Draws the report as SVG.
pub(super) fn draw(report: &Report) -> Result<String, Exit> {
    Chart::of(report)
        .render()
        .map_err(|error| Exit::failed(format!("the curve cannot be drawn: {error}")))
}

impl<'a> Chart<'a> {
    fn of(report: &'a Report) -> Self {
        let rows: Vec<_> = report
            .rows
            .iter()
            .filter_map(|row| Some((f64::from(row.chunks?), row)))
            .collect();
        let most_chunks = rows.iter().map(|(chunks, _)| *chunks).fold(1.0, f64::max);
        let most_seconds = report.rows.iter().map(|row| row.total.worst);
        let most_seconds = most_seconds.fold(0.001, f64::max) * 1.08;
        // Room at both ends, so that no point lies on an axis.
        let x = |chunks: f64| LEFT + (RIGHT - LEFT) * (chunks + 0.5) / (most_chunks + 1.5);
        let y = |seconds: f64| BOTTOM - (BOTTOM - TOP) * seconds / most_seconds;
        let line = |value: fn(&Row) -> f64| {
            let points = rows
                .iter()
                .map(|(chunks, row)| format!("{:.1},{:.1}", x(*chunks), y(value(row))));
            points.collect::<Vec<_>>().join(" ")
        };
        let points = rows.iter().flat_map(|(chunks, row)| {
            row.runs.iter().map(|run| Point {
                x: x(*chunks),
                y: y(run.total_seconds),
                title: format!("iteration {}: {:.2} s", run.iteration, run.total_seconds),
            })
        });
        let marks = rows.iter().map(|(chunks, row)| Mark {
            x: x(*chunks),
            y: y(row.total.worst),
            label: match row.above_neighbours {
                None => format!("{:.1}", row.total.worst),
                Some(share) => format!("{:.1} (+{:.0} %)", row.total.worst, share * 100.0),
            },
            remarkable: row.above_neighbours.is_some(),
        });
        let in_process = report.rows.iter().find(|row| row.chunks.is_none());
        Self {
            report,
            width: WIDTH,
            height: HEIGHT,
            left: LEFT,
            right: RIGHT,
            top: TOP,
            bottom: BOTTOM,
            across: across(most_seconds, y),
            along: rows
                .iter()
                .map(|(chunks, _)| Tick {
                    at: x(*chunks),
                    label: chunks.to_string(),
                })
                .collect(),
            worst: line(|row| row.total.worst),
            median: line(|row| row.total.median),
            points: points.collect(),
            marks: marks.collect(),
            in_process: in_process.map(|row| y(row.total.median)),
        }
    }
}

/// Lines at round numbers of seconds: 1, 2 or 5 times a power of ten apart.
fn across(most: f64, y: impl Fn(f64) -> f64) -> Vec<Tick> {
    let rough = most / LINES;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let step = steps.iter().map(|step| step * power);
    let step = step
        .into_iter()
        .find(|&step| step >= rough)
        .unwrap_or(rough);
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let count = (most / step).floor() as u32;
    (0..=count)
        .map(|line| f64::from(line) * step)
        .map(|seconds| Tick {
            at: y(seconds),
            label: format!("{seconds:.decimals$}"),
        })
        .collect()
}
