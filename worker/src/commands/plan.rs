//! `framewright plan`: what a film would cost, before it is rendered.

mod chart;

use super::{print_json, request};
use crate::{cli::PlanArgs, data::Data, exit::Exit, workers};
use anstyle::{Effects, Style};
use framewright_activities::{Machine, lanes, plan};
use framewright_film::{FrameSize, Quality};
use framewright_workflows::{
    Cost, CostCurve, Film,
    capacity::{self, Fleet, Overheads, Prediction},
};
use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

/// Chunk counts in the table, besides the best and the one that would be cut.
const MOST_CHUNKS: u32 = 24;
const ROWS: usize = 12;

const BOLD: Style = Style::new().effects(Effects::BOLD);

/// Makes the plan in this process, measures the film and tells what the model makes of it.
pub(crate) async fn plan(args: PlanArgs) -> Result<(), Exit> {
    let begun = Instant::now();
    let stop = workers::asked_to_stop()?;
    let data = Data::open(&args.place)?;
    let workshop = data.workshop(&args.place).await?;
    let mut request = request(&workshop, &args.film, Quality::Standard, args.chunks).await?;
    request.workers = Some(args.workers);
    let film = tokio::select! {
        film = plan::survey(&workshop, &request) => film?,
        () = stop.cancelled() => return Err(Exit::cancelled()),
    };
    workshop.browsers.close().await;

    let here = Machine::here();
    let machine = args.cores.map_or(here, |cores| Machine {
        cores,
        // Nothing is known of that machine's memory; of this one's, that it would not be enough.
        memory: u64::MAX,
    });
    let sheet = Sheet {
        fleet: Fleet {
            workers: args.workers,
            cores: machine.cores,
        },
        machine,
        took: begun.elapsed(),
        film,
    };
    if args.json {
        print_json(&sheet.json());
    } else {
        anstream::print!("{}", sheet.text());
    }
    Ok(())
}

/// All that is told.
struct Sheet {
    film: Film,
    machine: Machine,
    fleet: Fleet,
    took: Duration,
}

impl Sheet {
    /// By chunk count; empty where nothing was measured.
    fn predictions(&self, costs: &CostCurve) -> Vec<Prediction> {
        let each = costs.segments(self.film.segments());
        let most = (each.len() as u32).min(MOST_CHUNKS.max(self.film.chunks));
        let counts = 1..=most;
        counts
            .map(|chunks| {
                let lanes = |cost, segments| self.lanes(self.film.size, segments, cost);
                capacity::predict(&each, chunks, self.fleet, &Overheads::MEASURED, lanes)
            })
            .collect()
    }

    fn lanes(&self, size: FrameSize, segments: u32, cost: Cost) -> u32 {
        lanes::lanes(self.machine, size, segments, Some(cost))
    }

    fn text(&self) -> String {
        let film = &self.film;
        let segments = film.segments();
        let mut text = format!(
            "{BOLD}{}{BOLD:#} · {} · {} fps · {} frames ({:.1} s) · {} segments of {} frames\nplan {} · planned and measured in {:.1} s\n",
            film.composition,
            film.size,
            film.fps,
            film.frames,
            film.fps.seconds_at(film.frames),
            segments.count(),
            film.segment_frames,
            film.plan.short(),
            self.took.as_secs_f64(),
        );
        let Some(costs) = &film.costs else {
            text += "\nThe film is so short that nothing is decided by what its frames cost.\n";
            return text;
        };
        text += &format!(
            "\n{BOLD}Cost{BOLD:#}, processor time per frame; {:.0} s in all, {:.0} ms to begin a segment\n\n{}",
            costs.segments(segments).into_iter().sum::<Cost>().cpu_us as f64 / 1e6,
            costs.segment().cpu_us as f64 / 1e3,
            chart::chart(film, costs)
        );
        text += &self.chunks(costs);
        text += &self.table(costs);
        text
    }

    fn chunks(&self, costs: &CostCurve) -> String {
        let film = &self.film;
        let mut text = format!(
            "\n{BOLD}Chunks{BOLD:#} of equal cost\n\n  chunk   frames        segments  ms/frame  cores/lane  lanes\n"
        );
        for index in 0..film.chunks {
            let (frames, segments) = (film.chunk_frames(index), film.chunk_segments(index));
            let mean = costs.mean(frames);
            let least = costs.least_parallel(frames);
            let lanes = self.lanes(film.size, segments.len() as u32, least);
            let range = format!("{}–{}", frames.start, frames.end.saturating_sub(1));
            let _ = writeln!(
                text,
                "  {:>5}   {range:<13} {:>8}  {:>8.0}  {:>10.1}  {lanes:>5}",
                index + 1,
                segments.len(),
                mean.cpu_us as f64 / 1e3,
                mean.parallelism(),
            );
        }
        text
    }

    fn table(&self, costs: &CostCurve) -> String {
        let predictions = self.predictions(costs);
        let best = capacity::best(&predictions);
        let Fleet { workers, cores } = self.fleet;
        let plural = |count: u32| if count == 1 { "" } else { "s" };
        let mut text = format!(
            "\n{BOLD}Predicted{BOLD:#} for {workers} worker{} of {cores} core{} each\n\n  chunks  lanes     wall      cpu  longest chunk  workers busy\n",
            plural(workers),
            plural(cores),
        );
        let step = predictions.len().div_ceil(ROWS).max(1);
        for (index, prediction) in predictions.iter().enumerate() {
            let is_cut = prediction.chunks == self.film.chunks;
            let is_best = Some(index) == best;
            if index % step != 0 && !is_cut && !is_best && index + 1 != predictions.len() {
                continue;
            }
            let note = match (is_best, is_cut) {
                (true, true) => "  ← best, and what would be cut",
                (true, _) => "  ← best",
                (_, true) => "  ← what would be cut",
                _ => "",
            };
            let style = if is_best { BOLD } else { Style::new() };
            let _ = writeln!(
                text,
                "{style}  {:>6}  {:>5}  {:>5.1} s  {:>5.1} s  {:>11.1} s  {:>10.0} %{note}{style:#}",
                prediction.chunks,
                prediction.lanes,
                prediction.wall.as_secs_f64(),
                prediction.cpu.as_secs_f64(),
                prediction.longest_chunk.as_secs_f64(),
                prediction.busy * 100.0,
            );
        }
        text
    }

    fn json(&self) -> serde_json::Value {
        let film = &self.film;
        let costs = film.costs.as_ref();
        let predictions = costs.map_or(Vec::new(), |costs| self.predictions(costs));
        let best = capacity::best(&predictions).map(|best| predictions[best].chunks);
        let millis = |micros: u64| micros as f64 / 1e3;
        serde_json::json!({
            "plan_id": film.plan,
            "composition": film.composition,
            "frames": film.frames,
            "fps": film.fps,
            "width": film.size.width,
            "height": film.size.height,
            "segment_frames": film.segment_frames,
            "segments": costs.map_or(Vec::new(), |costs| costs.segments(film.segments())).iter().map(|cost| serde_json::json!({
                "wall_ms": millis(cost.wall_us),
                "cpu_ms": millis(cost.cpu_us),
            })).collect::<Vec<_>>(),
            "chunks": (0..film.chunks).map(|index| {
                let (frames, segments) = (film.chunk_frames(index), film.chunk_segments(index));
                let mean = costs.map(|costs| costs.mean(frames));
                let least = costs.map(|costs| costs.least_parallel(frames));
                serde_json::json!({
                    "frames": [frames.start, frames.end],
                    "segments": [segments.start, segments.end],
                    "wall_ms_per_frame": mean.map(|mean| millis(mean.wall_us)),
                    "cpu_ms_per_frame": mean.map(|mean| millis(mean.cpu_us)),
                    "lanes": lanes::lanes(self.machine, film.size, segments.len() as u32, least),
                })
            }).collect::<Vec<_>>(),
            "workers": self.fleet.workers,
            "cores": self.fleet.cores,
            "predictions": predictions.iter().map(|prediction| serde_json::json!({
                "chunks": prediction.chunks,
                "lanes": prediction.lanes,
                "wall_seconds": prediction.wall.as_secs_f64(),
                "cpu_seconds": prediction.cpu.as_secs_f64(),
                "longest_chunk_seconds": prediction.longest_chunk.as_secs_f64(),
                "busy": prediction.busy,
            })).collect::<Vec<_>>(),
            "best_chunks": best,
            "seconds": self.took.as_secs_f64(),
        })
    }
}
