//! What the frames of a film cost, as it was measured on a few of them.

use framewright_film::{FrameRange, Segments};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a piece of work costs: time of one lane, and processor time of all that it keeps busy
/// (page, compositor, encoder). Both in microseconds.
///
/// They differ where a page fills several cores by itself, as WebGL on SwiftShader does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Real time of a lane that has the machine for itself, microseconds.
    pub wall_us: u64,
    /// Processor time, microseconds.
    pub cpu_us: u64,
}

/// A step function over the frames of a film: what each costs; and what it costs to begin a
/// segment.
///
/// It is measured, so it differs from time to time and from machine to machine: it decides who
/// does what, and never what the film looks like. In history it is a short text:
/// `210000/260000 0:45200/61000 227:240100/455000`, first the cost of beginning a segment, then
/// the frames from which on a frame costs so much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostCurve {
    segment: Cost,
    steps: Vec<Step>,
}

/// The text was no cost curve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a cost curve: `segment 0:frame N:frame …` is expected, each cost `wall/cpu` in microseconds"
)]
pub struct CostCurveError(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    from: u32,
    frame: Cost,
}

impl Cost {
    /// Cores that one lane keeps busy.
    pub fn parallelism(self) -> f64 {
        self.cpu_us as f64 / self.wall_us.max(1) as f64
    }

    fn times(self, count: u32) -> Self {
        Self {
            wall_us: self.wall_us * u64::from(count),
            cpu_us: self.cpu_us * u64::from(count),
        }
    }
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            wall_us: self.wall_us + other.wall_us,
            cpu_us: self.cpu_us + other.cpu_us,
        }
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |sum, cost| sum + cost)
    }
}

impl CostCurve {
    /// A film in which every frame costs what the nearest of `samples` did: (frame, cost), rising.
    ///
    /// `None` without samples.
    pub fn nearest(segment: Cost, samples: &[(u32, Cost)]) -> Option<Self> {
        let mut steps = Vec::new();
        for (index, &(frame, cost)) in samples.iter().enumerate() {
            let from = match index.checked_sub(1) {
                None => 0,
                Some(before) => samples[before].0.midpoint(frame) + 1,
            };
            steps.push(Step { from, frame: cost });
        }
        (!steps.is_empty()).then_some(Self { segment, steps })
    }

    /// What it costs to begin a segment: a new page and an encoder.
    pub fn segment(&self) -> Cost {
        self.segment
    }

    /// What `frames` cost, without the beginnings of segments.
    pub fn frames(&self, frames: FrameRange) -> Cost {
        let spans = self.steps.iter().zip(self.ends());
        spans
            .map(|(step, end)| {
                let from = step.from.max(frames.start);
                step.frame.times(end.min(frames.end).saturating_sub(from))
            })
            .sum()
    }

    /// What a frame of `frames` costs on average; nothing where there are none.
    pub fn mean(&self, frames: FrameRange) -> Cost {
        let sum = self.frames(frames);
        let count = u64::from(frames.len().max(1));
        Cost {
            wall_us: sum.wall_us / count,
            cpu_us: sum.cpu_us / count,
        }
    }

    /// The tenth of the time of `frames` in which a lane keeps the fewest cores busy: there lanes
    /// help most, and more of them do no harm to the rest.
    pub fn least_parallel(&self, frames: FrameRange) -> Cost {
        let spans = self.steps.iter().zip(self.ends());
        least_parallel(spans.map(|(step, end)| {
            let part = FrameRange::new(step.from.max(frames.start), end.min(frames.end));
            step.frame.times(part.len())
        }))
    }

    /// What each segment costs, its beginning included.
    pub fn segments(&self, segments: Segments) -> Vec<Cost> {
        let each = |index| self.segment + self.frames(segments.range(index));
        (0..segments.count()).map(each).collect()
    }

    /// Of each step, the frame after its last.
    fn ends(&self) -> impl Iterator<Item = u32> {
        let next = self.steps.iter().skip(1).map(|step| step.from);
        next.chain([u32::MAX])
    }
}

/// The tenth of the time of all `parts` in which a lane keeps the fewest cores busy.
pub fn least_parallel(parts: impl IntoIterator<Item = Cost>) -> Cost {
    let mut parts: Vec<_> = parts.into_iter().filter(|part| part.wall_us > 0).collect();
    parts.sort_by(|a, b| a.parallelism().total_cmp(&b.parallelism()));
    let mut left = parts.iter().map(|part| part.wall_us).sum::<u64>() / 10;
    let mut sum = Cost::default();
    for part in parts {
        let wall_us = part.wall_us.min(left);
        // In 128 bits: a long film has some 10^11 microseconds, and this multiplies two of them.
        let cpu = u128::from(part.cpu_us) * u128::from(wall_us) / u128::from(part.wall_us);
        let cpu_us = u64::try_from(cpu).unwrap_or(u64::MAX);
        sum = sum + Cost { wall_us, cpu_us };
        left -= wall_us;
    }
    sum
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.wall_us, self.cpu_us)
    }
}

impl fmt::Display for CostCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.segment)?;
        for Step { from, frame } in &self.steps {
            write!(f, " {from}:{frame}")?;
        }
        Ok(())
    }
}

impl FromStr for CostCurve {
    type Err = CostCurveError;

    fn from_str(text: &str) -> Result<Self, CostCurveError> {
        let cost = |text: &str| {
            let (wall, cpu) = text.split_once('/')?;
            Some(Cost {
                wall_us: wall.parse().ok()?,
                cpu_us: cpu.parse().ok()?,
            })
        };
        let step = |text: &str| {
            let (from, frame) = text.split_once(':')?;
            Some(Step {
                from: from.parse().ok()?,
                frame: cost(frame)?,
            })
        };
        let read = || {
            let mut words = text.split(' ');
            let segment = cost(words.next()?)?;
            let steps: Vec<_> = words.map(step).collect::<Option<_>>()?;
            let rising = steps.is_sorted_by(|a, b| a.from < b.from);
            (rising && steps.first()?.from == 0).then_some(Self { segment, steps })
        };
        read().ok_or_else(|| CostCurveError(text.to_owned()))
    }
}

framewright_film::serde_as_text!(CostCurve);

#[cfg(test)]
mod tests {
    use super::{Cost, CostCurve};
    use framewright_film::{FrameRange, Segments};

    fn cost(wall_us: u64, cpu_us: u64) -> Cost {
        Cost { wall_us, cpu_us }
    }

    #[test]
    fn a_frame_costs_what_the_nearest_sample_did() {
        let samples = [(10, cost(1, 2)), (20, cost(100, 200))];
        let curve = CostCurve::nearest(cost(7, 8), &samples).unwrap();
        assert_eq!(curve.frames(FrameRange::new(0, 16)), cost(16, 32));
        assert_eq!(curve.frames(FrameRange::new(16, 18)), cost(200, 400));
        assert_eq!(curve.mean(FrameRange::new(15, 17)), cost(50, 101));
        let segments: u64 = curve
            .segments(Segments::new(30, 8))
            .iter()
            .map(|segment| segment.wall_us)
            .sum();
        assert_eq!(segments, 16 + 14 * 100 + 4 * 7);
        assert_eq!(CostCurve::nearest(cost(7, 8), &[]), None);
    }

    #[test]
    fn a_short_part_does_not_decide_how_many_lanes_there_are() {
        // Of all the time a tenth is 1100 µs: 50 at one core, 950 at 1.5, and 100 at 2.2.
        let curve: CostCurve = "0/0 0:10/10 5:10/15 100:100/220".parse().unwrap();
        let parallelism = |from, to| {
            let part = curve.least_parallel(FrameRange::new(from, to));
            part.parallelism()
        };
        assert!((1.5..1.6).contains(&parallelism(0, 200)));
        assert_eq!(parallelism(120, 200), 2.2);
    }

    #[test]
    fn curves_read_back() {
        let text = "210000/260000 0:45200/61000 227:240100/455000";
        let curve: CostCurve = text.parse().unwrap();
        assert_eq!(curve.to_string(), text);
        for bad in [
            "",
            "1/2",
            "1/2 5:1/2",
            "1/2 0:1/2 0:1/2",
            "1 0:1/2",
            "1/2 0:1/2  7:1/2",
        ] {
            assert!(bad.parse::<CostCurve>().is_err(), "{bad}");
        }
    }
}
