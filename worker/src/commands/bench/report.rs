//! What was measured, as a table for people and as JSON for programs.

use super::{
    numbers::{Summary, most_at_once, p95},
    round::{Run, Wanted},
};
use crate::{
    cli::{BenchArgs, word},
    exit::Exit,
};
use framewright_workflows::Film;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    time::SystemTime,
};

/// A worst total that is this share above the neighbours' is marked.
const REMARKABLE: f64 = 0.10;

/// Something to measure and what came of it.
pub(super) struct Configuration {
    pub(super) wanted: Wanted,
    pub(super) runs: Vec<Run>,
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) composition: String,
    pub(super) frames: u32,
    size: String,
    fps: String,
    quality: String,
    pub(super) iterations: u32,
    pub(super) workers: u32,
    probe: String,
    warmup: String,
    pub(super) date: String,
    begin: Machine,
    end: Machine,
    pub(super) rows: Vec<Row>,
}

/// Where it was measured, and how busy that was.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    pub(super) cores: usize,
    pub(super) processor: String,
    /// Processes that ran or wanted to, on average of the last minute.
    load: String,
}

/// A configuration in numbers. Seconds, unless they say otherwise.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) what: Wanted,
    /// Absent in process.
    pub(super) chunks: Option<u32>,
    /// Fewest and most of a chunk.
    lanes: Option<(u32, u32)>,
    pub(super) total: Summary,
    /// What all workers together spent on the chunks of a render, at worst.
    worst_pod_total: Option<f64>,
    /// What the busiest worker spent on the chunks of a render, at worst.
    worst_busiest_worker: Option<f64>,
    chunk_p95: Option<f64>,
    /// From the start of a chunk to its first frame, in a browser that was started for it…
    first_frame_cold: Option<Summary>,
    /// …and in one that had served a chunk before.
    first_frame_warm: Option<Summary>,
    plan: Option<Summary>,
    assemble: Option<Summary>,
    /// Of all renders.
    probes: usize,
    /// At any time in any render.
    most_probes_at_once: usize,
    /// By which share the worst total exceeds that of each neighbour, if by more than a tenth.
    pub(super) above_neighbours: Option<f64>,
    pub(super) runs: Vec<Run>,
}

impl Configuration {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            runs: Vec::new(),
        }
    }
}

impl Report {
    pub(super) fn new(
        args: &BenchArgs,
        film: Film,
        begin: Machine,
        configurations: Vec<Configuration>,
    ) -> Result<Self, Exit> {
        let rows: Option<Vec<_>> = configurations.into_iter().map(Row::new).collect();
        let mut rows = rows.ok_or_else(|| Exit::failed("nothing was measured"))?;
        mark(&mut rows);
        Ok(Self {
            composition: film.composition,
            frames: film.frames,
            size: film.size.to_string(),
            fps: film.fps.to_string(),
            quality: args.quality.to_string(),
            iterations: args.iterations,
            workers: args.workers,
            probe: word(args.probe),
            warmup: word(args.warmup),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            begin,
            end: Machine::now(),
            rows,
        })
    }

    /// An error if the renders are not what they must be to be compared.
    pub(super) fn check(&self) -> Result<(), Exit> {
        let films = self.films();
        if films.len() > 1 {
            return Err(Exit::failed(format!(
                "the renders gave {} different films: {}",
                films.len(),
                films.into_iter().collect::<Vec<_>>().join(", ")
            ))
            .hint("bytes must depend on the plan alone; `--json` tells which render gave which"));
        }
        let reused: u32 = self.chunks().map(|chunk| chunk.reused).sum();
        if reused > 0 {
            return Err(Exit::failed(format!(
                "{reused} frames were found in the store instead of being rendered: the times are void"
            ))
            .hint("a worker may have lived on; measure again"));
        }
        Ok(())
    }

    pub(super) fn machine(&self) -> String {
        let Machine {
            cores, processor, ..
        } = &self.begin;
        format!("{cores} cores, {processor}")
    }

    fn films(&self) -> BTreeSet<&str> {
        let runs = self.rows.iter().flat_map(|row| &row.runs);
        runs.map(|run| run.sha256.as_str()).collect()
    }

    fn chunks(&self) -> impl Iterator<Item = &super::history::Chunk> {
        let runs = self.rows.iter().flat_map(|row| &row.runs);
        runs.flat_map(|run| &run.steps.chunks)
    }
}

impl Row {
    /// `None` if there was no render.
    fn new(Configuration { wanted, runs }: Configuration) -> Option<Self> {
        let chunks: Vec<_> = runs.iter().flat_map(|run| &run.steps.chunks).collect();
        let lanes = || chunks.iter().map(|chunk| chunk.lanes);
        let first_frames = |warm: bool| {
            let chunks = chunks.iter().filter(|chunk| chunk.warm == warm);
            let seconds: Vec<_> = chunks
                .filter_map(|chunk| chunk.first_frame_seconds)
                .collect();
            Summary::of(&seconds)
        };
        let of_runs = |seconds: fn(&Run) -> f64| {
            let seconds: Vec<_> = runs.iter().map(seconds).collect();
            Summary::of(&seconds)
        };
        let through_service = wanted.chunks().is_some();
        let seconds: Vec<_> = chunks.iter().map(|chunk| chunk.seconds).collect();
        let probes = || runs.iter().map(Run::probes);
        Some(Self {
            what: wanted,
            // The planner may have cut otherwise than it was asked to.
            chunks: through_service.then(|| {
                let indices = chunks.iter().map(|chunk| chunk.index);
                indices.collect::<BTreeSet<_>>().len() as u32
            }),
            lanes: lanes().min().zip(lanes().max()),
            total: of_runs(|run| run.total_seconds)?,
            worst_pod_total: of_runs(pod_total)
                .filter(|_| through_service)
                .map(|s| s.worst),
            worst_busiest_worker: of_runs(busiest_worker)
                .filter(|_| through_service)
                .map(|s| s.worst),
            chunk_p95: p95(&seconds),
            first_frame_cold: first_frames(false),
            first_frame_warm: first_frames(true),
            plan: of_runs(|run| run.steps.plan_seconds).filter(|_| through_service),
            assemble: of_runs(|run| run.steps.assemble_seconds).filter(|_| through_service),
            probes: probes().map(|probes| probes.len()).sum(),
            most_probes_at_once: probes()
                .map(|probes| most_at_once(&probes))
                .max()
                .unwrap_or(0),
            above_neighbours: None,
            runs,
        })
    }
}

fn pod_total(run: &Run) -> f64 {
    run.steps.chunks.iter().map(|chunk| chunk.seconds).sum()
}

fn busiest_worker(run: &Run) -> f64 {
    let mut workers = BTreeMap::new();
    for chunk in &run.steps.chunks {
        *workers.entry(&chunk.worker).or_insert(0.0) += chunk.seconds;
    }
    workers.into_values().fold(0.0, f64::max)
}

/// Marks the rows, rising by chunks, whose worst total is above each neighbour's.
fn mark(rows: &mut [Row]) {
    let worst: Vec<_> = rows
        .iter()
        .map(|row| row.chunks.map(|_| row.total.worst))
        .collect();
    for (index, row) in rows.iter_mut().enumerate() {
        let neighbours = [index.checked_sub(1), Some(index + 1)];
        let above = neighbours
            .into_iter()
            .filter_map(|neighbour| worst.get(neighbour?).copied()?)
            .map(|neighbour| row.total.worst / neighbour - 1.0)
            .reduce(f64::min);
        row.above_neighbours = above.filter(|&share| share > REMARKABLE && row.chunks.is_some());
    }
}

impl Machine {
    pub(super) fn now() -> Self {
        let read = |file| fs::read_to_string(file).unwrap_or_default();
        let processor = read("/proc/cpuinfo").lines().find_map(|line| {
            Some(
                line.strip_prefix("model name")?
                    .split_once(": ")?
                    .1
                    .to_owned(),
            )
        });
        Self {
            cores: std::thread::available_parallelism().map_or(1, |cores| cores.get()),
            processor: processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

/// Markdown.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            composition,
            frames,
            size,
            fps,
            quality,
            iterations,
            workers,
            probe,
            warmup,
            date,
            begin,
            end,
            ..
        } = self;
        writeln!(
            f,
            "`{composition}`: {frames} frames, {size} at {fps} fps, {quality}; {iterations} iterations; workers: {workers}; probe: {probe}; warm-up: {warmup}\n"
        )?;
        writeln!(
            f,
            "{date}, {}, load {} before and {} after\n",
            self.machine(),
            begin.load,
            end.load
        )?;
        writeln!(
            f,
            "| chunks | lanes | worst s | median s | std s | std % | pod total s | chunk p95 s | first frame cold s | first frame warm s | probes | at once | |"
        )?;
        writeln!(
            f,
            "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
        )?;
        for row in &self.rows {
            row.write(f)?;
        }
        let renders: usize = self.rows.iter().map(|row| row.runs.len()).sum();
        writeln!(
            f,
            "\n*first frame*: median / worst over chunks, from the start of the activity. *pod total*: the sum of a render's chunks, at worst. {renders} renders, sha256 {}",
            self.films().into_iter().collect::<Vec<_>>().join(", ")
        )
    }
}

impl Row {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds =
            |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
        let both = |summary: Option<Summary>| {
            summary.map_or_else(String::new, |Summary { median, worst, .. }| {
                format!("{median:.2} / {worst:.2}")
            })
        };
        let Summary { worst, median, std } = self.total;
        let chunks = self
            .chunks
            .map_or_else(|| "in process".to_owned(), |n| n.to_string());
        let lanes = match self.lanes {
            None => String::new(),
            Some((fewest, most)) if fewest == most => most.to_string(),
            Some((fewest, most)) => format!("{fewest}–{most}"),
        };
        let (probes, at_once) = match self.chunks {
            None => (String::new(), String::new()),
            Some(_) => (
                self.probes.to_string(),
                self.most_probes_at_once.to_string(),
            ),
        };
        let remark = self.above_neighbours.map_or_else(String::new, |share| {
            format!(" **{:.0} % above its neighbours**", share * 100.0)
        });
        writeln!(
            f,
            "| {chunks} | {lanes} | {worst:.2} | {median:.2} | {std:.2} | {:.1} | {} | {} | {} | {} | {probes} | {at_once} |{remark} |",
            100.0 * std / median,
            seconds(self.worst_pod_total),
            seconds(self.chunk_p95),
            both(self.first_frame_cold),
            both(self.first_frame_warm),
        )
    }
}
