//! What frames cost, measured on a few of them while the plan is made.
//!
//! A frame after a jump is painted whole, so each sample is taken after a frame that is thrown
//! away. One frame in sixty is sampled, within bounds for very short and very long films; of a film
//! that is one chunk, only until a sample shows that another lane finds something to do.
//! Where neighbours differ by much, more samples are taken between them: there a heavy region
//! begins or ends.

use crate::{Failure, Machine, PlanKeys, Workshop, plan::Frozen};
use framewright_capture::{CaptureError, Lane, Rows, Shot};
use framewright_film::FrameSize;
use framewright_store::{Body, PutMode};
use framewright_workflows::{Cost, CostCurve};
use std::time::{Duration, Instant};

/// Frames of film for each sample of the first walk.
const FRAMES_PER_SAMPLE: u32 = 60;
/// Samples of the first walk, however short the film is.
const LEAST_SAMPLES: u32 = 3;
/// Samples of the first walk, however long it is.
const MOST_SAMPLES: u32 = 16;

/// After this long no further sample is begun: a page that is so slow is cut by what is known.
const BUDGET: Duration = Duration::from_secs(60);

/// Cheap frames are taken several at a time, until they have lasted so long: processor time is
/// counted in ticks of a few milliseconds.
const LONG_ENOUGH: Duration = Duration::from_millis(30);
const MOST_FRAMES_OF_A_SAMPLE: u32 = 4;

/// A page that keeps fewer cores busy than there are by this factor leaves room for another.
const PLAINLY_LESS: f64 = 1.25;

/// A film of so few segments is not measured: there is nothing to decide.
const LEAST_SEGMENTS: u32 = 3;

/// Processor time of reading, converting and encoding, microseconds per million pixels: x264
/// superfast 17 ms and conversion 3 ms at 1920 × 1080 (capture lab, section 0).
const ENCODE_US_PER_MEGAPIXEL: f64 = 9_600.0;
/// Of that, what a lane has to wait for: pixels are read and converted before the next frame is
/// painted over them, 5 ms at 1920 × 1080.
const HAND_OVER_US_PER_MEGAPIXEL: f64 = 2_400.0;
/// Encoding a frame that is the one before again.
const REPEAT_US_PER_MEGAPIXEL: f64 = 2_500.0;

/// Takes a frame and forgets it.
struct Nobody;

/// One measured frame.
#[derive(Clone, Copy, Debug)]
struct Sample {
    frame: u32,
    cost: Cost,
    /// Part of the time that the browser would have taken with the machine for itself.
    alone: f64,
}

/// How closely a film is to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// To choose lanes for a film that is one chunk.
    Lanes,
    /// To cut it.
    Cut,
}

/// What the frames of a film cost: as it was measured before, else measured now in the page that is
/// open, whose browser is kept for more work. `None` where that is not worth it, or does not
/// succeed: a film can be cut without.
pub(crate) async fn known_or_measured(
    workshop: &Workshop,
    mut frozen: Frozen,
    care: Care,
) -> Result<Option<CostCurve>, Failure> {
    let key = PlanKeys(frozen.plan).costs()?;
    let few = frozen.manifest.segments().count() < LEAST_SEGMENTS;
    let known = match few || workshop.store.head(&key).await?.is_none() {
        true => None,
        false => serde_json::from_slice(&workshop.store.get(&key).await?).ok(),
    };
    if few || known.is_some() {
        workshop.browsers.keep(frozen.lane).await;
        return Ok(known);
    }
    match measure(&mut frozen, care).await {
        Ok(curve) => {
            workshop.browsers.keep(frozen.lane).await;
            if let (Some(curve), Care::Cut) = (&curve, care) {
                let json = serde_json::to_vec(curve).map_err(Failure::Manifest)?;
                let body = Body::from(json);
                workshop.store.put(&key, body, PutMode::Replace).await?;
            }
            Ok(curve)
        }
        Err(error) => {
            // A frame that cannot be had is the chunks' to report, with their attempts. The browser
            // is not to be trusted any more, and ends here.
            tracing::warn!(%error, "what frames cost could not be measured");
            Ok(None)
        }
    }
}

/// Measures frames of the film in the page that is open. It is moved to and fro, and has to be loaded
/// anew before frames are taken from it in earnest, as beginning a segment does.
///
/// # Errors
/// As capturing frames.
pub(crate) async fn measure(
    frozen: &mut Frozen,
    care: Care,
) -> Result<Option<CostCurve>, CaptureError> {
    let Frozen {
        manifest,
        lane,
        load,
        ..
    } = frozen;
    let (begun, frames) = (Instant::now(), manifest.frames);
    let (first, more) = match care {
        Care::Lanes => (
            samples(frames, FRAMES_PER_SAMPLE * 2).min(MOST_SAMPLES / 2),
            0,
        ),
        Care::Cut => {
            let first = samples(frames, FRAMES_PER_SAMPLE);
            (first, first.div_ceil(2))
        }
    };
    let mut samples = Vec::new();
    let points = spread(frames, first);
    walk(lane, manifest.size, &points, begun, care, &mut samples).await?;
    let more = between(&samples, more);
    walk(lane, manifest.size, &more, begun, care, &mut samples).await?;
    samples.sort_by_key(|sample| sample.frame);
    samples.dedup_by_key(|sample| sample.frame);

    let segment = segment(*load, &samples);
    let samples: Vec<_> = samples.iter().map(|s| (s.frame, s.cost)).collect();
    let curve = CostCurve::nearest(segment, &samples);
    tracing::info!(
        samples = samples.len(),
        took_ms = begun.elapsed().as_millis(),
        curve = curve.as_ref().map(tracing::field::display),
        "frames measured"
    );
    Ok(curve)
}

/// To begin a segment, the page is loaded, moved and painted once. Loading it was not measured as
/// closely as frames are; how busy the machine is, the samples know.
fn segment(load: Duration, samples: &[Sample]) -> Cost {
    let count = samples.len().max(1);
    let alone: f64 = samples.iter().map(|sample| sample.alone).sum();
    let load = load.mul_f64(alone / count as f64).as_micros() as u64;
    let paint: Cost = samples.iter().map(|sample| sample.cost).sum();
    Cost {
        wall_us: load + paint.wall_us / count as u64,
        cpu_us: load + paint.cpu_us / count as u64,
    }
}

fn samples(frames: u32, frames_per_sample: u32) -> u32 {
    (frames / frames_per_sample).clamp(LEAST_SAMPLES, MOST_SAMPLES)
}

/// The middles of `count` equal parts.
fn spread(frames: u32, count: u32) -> Vec<u32> {
    let middle = |part: u32| {
        let twice = u64::from(frames) * u64::from(2 * part + 1) / u64::from(2 * count);
        (twice as u32).min(frames.saturating_sub(1))
    };
    let mut points: Vec<_> = (0..count).map(middle).collect();
    points.dedup();
    points
}

/// Up to `count` frames between neighbours that differ: again and again the middle of the gap that
/// leaves most in doubt, which is its length times the difference of its ends.
fn between(samples: &[Sample], count: u32) -> Vec<u32> {
    struct Gap {
        from: u32,
        to: u32,
        difference: u64,
    }
    let mut gaps: Vec<_> = samples
        .windows(2)
        .filter_map(|pair| {
            let (a, b) = (pair[0].cost.cpu_us, pair[1].cost.cpu_us);
            let (from, to) = (pair[0].frame, pair[1].frame);
            let difference = a.abs_diff(b);
            // Less is within what measuring one frame is good for.
            (difference * 2 > a.max(b)).then_some(Gap {
                from,
                to,
                difference,
            })
        })
        .collect();
    let mut points = Vec::new();
    while points.len() < count as usize {
        let doubt = |gap: &Gap| u64::from(gap.to - gap.from) * gap.difference;
        let worst = (0..gaps.len()).max_by_key(|&index| doubt(&gaps[index]));
        let Some(gap) = worst.map(|index| gaps.swap_remove(index)) else {
            break;
        };
        let middle = gap.from.midpoint(gap.to);
        if gap.to - gap.from < 8 {
            continue;
        }
        points.push(middle);
        // Where in the gap the step is, is not known: half of it may be on either side.
        for (from, to) in [(gap.from, middle), (middle, gap.to)] {
            let difference = gap.difference / 2;
            gaps.push(Gap {
                from,
                to,
                difference,
            });
        }
    }
    points.sort_unstable();
    points
}

async fn walk(
    lane: &mut Lane,
    size: FrameSize,
    points: &[u32],
    begun: Instant,
    care: Care,
    samples: &mut Vec<Sample>,
) -> Result<(), CaptureError> {
    let cores = Machine::here().cores;
    for &frame in points {
        if begun.elapsed() > BUDGET {
            tracing::warn!("frames cost so much that few of them were measured");
            break;
        }
        lane.capture(frame.saturating_sub(1), None, &mut Nobody)
            .await?;
        let (mut taken, mut painted) = (0, 0);
        let before = lane.processor_time();
        let clock = Instant::now();
        while taken == 0 || (taken < MOST_FRAMES_OF_A_SAMPLE && clock.elapsed() < LONG_ENOUGH) {
            // At the very end the last frame is taken again, which costs nothing.
            let next = frame + taken;
            painted += u32::from(lane.capture(next, None, &mut Nobody).await? == Shot::Painted);
            taken += 1;
        }
        let wall = clock.elapsed() / taken;
        let work = lane.processor_time().since(&before);
        let painted = f64::from(painted) / f64::from(taken);
        // Where the kernel tells nothing, a page is taken to work in one thread.
        let (ran, paint) = match work.ran.is_zero() {
            true => (wall, wall),
            false => (work.ran / taken, work.alone(cores) / taken),
        };
        let alone = (paint.as_secs_f64() / wall.as_secs_f64().max(1e-9)).min(1.0);
        let cost = cost(size, wall.mul_f64(alone), ran, painted);
        tracing::debug!(frame, %cost, ?wall, ?ran, painted, taken, "frame measured");
        samples.push(Sample { frame, cost, alone });
        // Lanes are given for where they help: one such place is enough to know of.
        if care == Care::Lanes && cost.parallelism() * PLAINLY_LESS < f64::from(cores) {
            break;
        }
    }
    Ok(())
}

/// A frame that takes `paint` in a browser that has the machine for itself, while its threads `ran`.
/// Its encoder works beside the page, and is what a lane waits for where painting costs less.
fn cost(size: FrameSize, paint: Duration, ran: Duration, painted: f64) -> Cost {
    let megapixels = f64::from(size.width) * f64::from(size.height) / 1e6;
    let each = painted * ENCODE_US_PER_MEGAPIXEL + (1.0 - painted) * REPEAT_US_PER_MEGAPIXEL;
    let encode = (megapixels * each) as u64;
    let hand_over = (megapixels * painted * HAND_OVER_US_PER_MEGAPIXEL) as u64;
    Cost {
        wall_us: (paint.as_micros() as u64 + hand_over).max(encode).max(1),
        cpu_us: ran.as_micros() as u64 + encode,
    }
}

impl Rows for Nobody {
    fn rows(&mut self, _first: u32, _bgra: &[u8]) {}
}

#[cfg(test)]
mod tests {
    use super::{Sample, between, spread};
    use framewright_workflows::Cost;

    #[test]
    fn samples_are_the_middles_of_equal_parts() {
        assert_eq!(spread(660, 4), [82, 247, 412, 577]);
        assert_eq!(spread(1, 4), [0]);
    }

    #[test]
    fn more_is_measured_where_neighbours_differ() {
        let sample = |frame, cpu_us| Sample {
            frame,
            cost: Cost { wall_us: 0, cpu_us },
            alone: 1.0,
        };
        let plain = [sample(100, 50), sample(200, 60), sample(300, 45)];
        assert_eq!(between(&plain, 6), [0_u32; 0]);
        let heavy = [
            sample(100, 50),
            sample(200, 55),
            sample(300, 400),
            sample(400, 390),
        ];
        assert_eq!(between(&heavy, 3), [225, 250, 275]);
    }
}
