//! How long a film takes on machines that are not here: a model, in arithmetic alone.
//!
//! ```text
//! wall  = plan + the last chunk to end + assemble
//! chunk = queue + first frame + max( lanes alone, cores together )
//! ```
//!
//! * *lanes alone*: its segments, in order, each to the lane that is free first, each for the real
//!   time that it was measured to take in a lane that has the machine for itself;
//! * *cores together*: the processor time of all of them, spread over the cores.
//!
//! A plain page is bound by the first with few lanes and by the second with many; a shader that
//! fills all cores by itself is bound by the second from the first lane on. Chunks go to workers as
//! Temporal's queue gives them out: in order, each to the worker that is free first. A worker's
//! first chunk starts a browser, the others find it warm. `docs/capacity.md` holds predictions
//! against what was measured.

use crate::{
    cost::{Cost, least_parallel},
    cut::Cut,
    policy,
};
use std::time::Duration;

/// The machines: alike, each with one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Workers that take chunks, one at a time each.
    pub workers: u32,
    /// Cores that each of them may use.
    pub cores: u32,
}

/// What a render costs besides its frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overheads {
    /// From the request to the plan.
    pub plan: Duration,
    /// Until an activity that a free worker could take is with it.
    pub queue: Duration,
    /// What the start of a chunk adds to beginning its first segment, with a browser to start.
    pub cold_start: Duration,
    /// The same with a browser that served a chunk before.
    pub warm_start: Duration,
    /// Processor time of starting the browser of one lane, once for each worker.
    pub lane_cpu: Duration,
    /// From the last segment to the film in the store, without what depends on its length.
    pub assemble: Duration,
    /// The same, for each segment.
    pub assemble_segment: Duration,
    /// How much longer a lane takes for a frame than painting it does: frames are handed over.
    pub lane_factor: f64,
    /// Part of the cores' time that a chunk makes use of when there is work for all of them.
    pub utilisation: f64,
}

/// What the model says of one way to cut a film.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// How many chunks.
    pub chunks: u32,
    /// The most lanes that one of them gets.
    pub lanes: u32,
    /// From request to film.
    pub wall: Duration,
    /// Processor time of all of it.
    pub cpu: Duration,
    /// The chunk that takes longest.
    pub longest_chunk: Duration,
    /// Part of the time between plan and assembling in which the workers have something to do.
    pub busy: f64,
}

impl Overheads {
    /// Two cores at 1080p, embedded Temporal, `standard` quality. To be taken anew from
    /// `framewright bench` when what they stand for changes; `docs/capacity.md` says from which run.
    pub const MEASURED: Self = Self {
        plan: Duration::from_millis(1_500),
        queue: Duration::from_millis(100),
        cold_start: Duration::from_millis(700),
        warm_start: Duration::from_millis(100),
        lane_cpu: Duration::from_millis(450),
        assemble: Duration::from_millis(400),
        assemble_segment: Duration::from_millis(2),
        lane_factor: 1.08,
        utilisation: 0.96,
    };
}

/// How long a film takes whose segments cost `segments`, cut into `chunks`. `lanes` says how many
/// a chunk gets, by the cost of the part where they help most and its number of segments.
pub fn predict(
    segments: &[Cost],
    chunks: u32,
    fleet: Fleet,
    overheads: &Overheads,
    lanes: impl Fn(Cost, u32) -> u32,
) -> Prediction {
    let cut = cut(segments, chunks);
    let workers = fleet.workers.clamp(1, policy::WINDOW) as usize;
    let mut free = vec![Duration::ZERO; workers.min(cut.len())];
    let mut begun = vec![false; free.len()];
    let (mut cpu, mut busy) = (Duration::ZERO, Duration::ZERO);
    let (mut longest, mut most_lanes) = (Duration::ZERO, 1);
    for part in &cut {
        let cost: Cost = part.iter().copied().sum();
        let lanes = lanes(least_parallel(part.iter().copied()), part.len() as u32)
            .clamp(1, part.len().max(1) as u32);
        let worker = first_free(&free);
        let (start, starting) = if std::mem::replace(&mut begun[worker], true) {
            (overheads.warm_start, Duration::ZERO)
        } else {
            (overheads.cold_start, overheads.lane_cpu * lanes)
        };
        let work = Duration::from_micros(cost.cpu_us) + starting;
        let together = work.div_f64(f64::from(fleet.cores.max(1)) * overheads.utilisation);
        let alone = makespan(part, lanes).mul_f64(overheads.lane_factor);
        let chunk = start + alone.max(together);
        free[worker] += overheads.queue + chunk;
        cpu += work;
        busy += chunk;
        longest = longest.max(chunk);
        most_lanes = most_lanes.max(lanes);
    }
    let rendering = free.iter().max().copied().unwrap_or_default();
    let assemble = overheads.assemble + overheads.assemble_segment * segments.len() as u32;
    let capacity = rendering * fleet.workers.max(1);
    Prediction {
        chunks: cut.len() as u32,
        lanes: most_lanes,
        wall: overheads.plan + rendering + assemble,
        cpu: overheads.plan + cpu + assemble,
        longest_chunk: longest,
        busy: busy.as_secs_f64() / capacity.as_secs_f64().max(f64::MIN_POSITIVE),
    }
}

/// The best of `predictions`: the first, and so with the fewest chunks, that takes at most a
/// hundredth longer than the quickest.
pub fn best(predictions: &[Prediction]) -> Option<usize> {
    let quickest = predictions.iter().map(|prediction| prediction.wall).min()?;
    let near = |prediction: &Prediction| prediction.wall <= quickest.mul_f64(1.01);
    predictions.iter().position(near)
}

fn cut(segments: &[Cost], chunks: u32) -> Vec<&[Cost]> {
    let costs: Vec<u64> = segments.iter().map(|cost| cost.cpu_us).collect();
    let cut = Cut::by_cost(&costs, chunks);
    let count = cut.as_ref().map_or(0, Cut::chunks);
    let of = |index| cut.as_ref().map(|cut| cut.segments_of(index));
    (0..count)
        .filter_map(of)
        .map(|part| &segments[part.start as usize..part.end as usize])
        .collect()
}

fn makespan(segments: &[Cost], lanes: u32) -> Duration {
    let mut free = vec![Duration::ZERO; lanes.max(1) as usize];
    for segment in segments {
        let lane = first_free(&free);
        free[lane] += Duration::from_micros(segment.wall_us);
    }
    free.into_iter().max().unwrap_or_default()
}

fn first_free(free: &[Duration]) -> usize {
    let first = free.iter().enumerate().min_by_key(|(_, until)| **until);
    first.map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::{Fleet, Overheads, best, predict};
    use crate::cost::Cost;
    use std::time::Duration;

    const FREE: Overheads = Overheads {
        plan: Duration::ZERO,
        queue: Duration::ZERO,
        cold_start: Duration::ZERO,
        warm_start: Duration::ZERO,
        lane_cpu: Duration::ZERO,
        assemble: Duration::ZERO,
        assemble_segment: Duration::ZERO,
        lane_factor: 1.0,
        utilisation: 1.0,
    };

    fn seconds(wall: u64, cpu: u64) -> Cost {
        Cost {
            wall_us: wall * 1_000_000,
            cpu_us: cpu * 1_000_000,
        }
    }

    fn wall(segments: &[Cost], chunks: u32, fleet: Fleet, lanes: u32) -> f64 {
        let predicted = predict(segments, chunks, fleet, &FREE, |_, _| lanes);
        predicted.wall.as_secs_f64()
    }

    const ONE: Fleet = Fleet {
        workers: 1,
        cores: 2,
    };

    #[test]
    fn lanes_help_until_the_cores_are_full() {
        let plain = [seconds(10, 15); 10];
        assert_eq!(wall(&plain, 1, ONE, 1), 100.0, "a lane after the other");
        assert_eq!(wall(&plain, 1, ONE, 2), 75.0, "150 s of two cores");
        assert_eq!(wall(&plain, 1, ONE, 3), 75.0);
        let shader = [seconds(10, 20); 10];
        assert_eq!(wall(&shader, 1, ONE, 1), wall(&shader, 1, ONE, 2));
    }

    #[test]
    fn workers_help_until_the_longest_chunk() {
        let fleet = |workers| Fleet { workers, cores: 2 };
        let mut film = [seconds(1, 1); 12];
        film[5] = seconds(6, 6);
        assert_eq!(wall(&film, 12, fleet(1), 1), 17.0);
        assert_eq!(wall(&film, 12, fleet(2), 1), 9.0);
        assert_eq!(wall(&film, 12, fleet(100), 1), 6.0);
    }

    #[test]
    fn a_chunk_that_costs_more_to_start_than_it_gains_is_not_cut() {
        let film = [seconds(1, 1); 24];
        let overheads = Overheads {
            warm_start: Duration::from_secs(1),
            ..FREE
        };
        let fleet = Fleet {
            workers: 3,
            cores: 1,
        };
        let predictions: Vec<_> = (1..=12)
            .map(|chunks| predict(&film, chunks, fleet, &overheads, |_, _| 1))
            .collect();
        let best = &predictions[best(&predictions).unwrap()];
        assert_eq!((best.chunks, best.wall), (3, Duration::from_secs(8)));
        assert!((best.busy - 1.0).abs() < 1e-9);
    }
}
