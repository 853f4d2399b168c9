//! Which segments make up which chunk.

use std::{fmt, ops::Range, str::FromStr};

/// Bytes of a chunk table in history, of 4 kB that a payload may have at most. A longer one comes from thousands of chunks of uneven
/// lengths; with so many, whoever is free takes the next, and their lengths matter no more.
const MOST_BYTES: usize = 2_000;

/// A chunk table: how many segments each chunk has, in order. None has none.
///
/// In history it is a short text of runs: `3x8 7 2x12` are three chunks of eight segments, one of
/// seven, two of twelve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut(Vec<Run>);

/// The text was no chunk table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a chunk table: runs such as `3x8 7 2x12` are expected")]
pub struct CutError(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    chunks: u32,
    /// Of each of them.
    segments: u32,
}

impl Cut {
    /// Shares segments out by what each costs: `chunks` runs of consecutive segments such that the
    /// dearest run is as cheap as can be, and the others are near the average.
    ///
    /// There are never more chunks than segments. `None` without segments, and when the table
    /// would be too long for history.
    pub fn by_cost(costs: &[u64], chunks: u32) -> Option<Self> {
        let count = costs.len();
        let chunks = (chunks as usize).clamp(1, count.max(1));
        // Where nothing costs anything, segments are shared out by number.
        let sums: Vec<u64> = std::iter::once(0)
            .chain(costs.iter().scan(0, |sum, cost| {
                *sum += cost.max(&1);
                Some(*sum)
            }))
            .collect();
        let total = *sums.last()?;
        let most = dearest(&sums, chunks);

        // The earliest ends that leave the rest possible, from the last chunk to the first.
        let mut earliest = vec![count; chunks];
        for chunk in (0..chunks - 1).rev() {
            let end = earliest[chunk + 1];
            let start = sums.partition_point(|sum| sum + most < sums[end]);
            earliest[chunk] = start.max(chunk + 1);
        }
        let (mut start, mut lengths) = (0, Vec::new());
        for (chunk, &earliest) in earliest.iter().enumerate() {
            let latest = furthest(&sums, start, most).min(count - (chunks - 1 - chunk));
            let aim = total * (chunk as u64 + 1) / chunks as u64;
            let above = sums.partition_point(|&sum| sum < aim);
            let below_is_nearer = aim - sums[above - 1] <= sums[above] - aim;
            let near = above - usize::from(below_is_nearer);
            let end = near.clamp(earliest.max(start + 1), latest);
            lengths.push((end - start) as u32);
            start = end;
        }
        let cut = Self::of_lengths(&lengths);
        (!costs.is_empty() && cut.to_string().len() <= MOST_BYTES).then_some(cut)
    }

    fn of_lengths(lengths: &[u32]) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for &segments in lengths {
            match runs.last_mut() {
                Some(run) if run.segments == segments => run.chunks += 1,
                _ => runs.push(Run {
                    chunks: 1,
                    segments,
                }),
            }
        }
        Self(runs)
    }

    /// How many chunks there are.
    pub fn chunks(&self) -> u32 {
        self.0.iter().map(|run| run.chunks).sum()
    }

    /// How many segments they have together.
    pub fn segments(&self) -> u32 {
        self.0.iter().map(|run| run.chunks * run.segments).sum()
    }

    /// The segments of chunk `index`, half-open; empty past the end.
    pub fn segments_of(&self, index: u32) -> Range<u32> {
        let (mut chunk, mut segment) = (0, 0);
        for run in &self.0 {
            if index < chunk + run.chunks {
                let start = segment + (index - chunk) * run.segments;
                return start..start + run.segments;
            }
            chunk += run.chunks;
            segment += run.chunks * run.segments;
        }
        segment..segment
    }
}

/// The least that the dearest of `chunks` runs can cost. `sums[i]` is what the first `i` segments
/// cost.
fn dearest(sums: &[u64], chunks: usize) -> u64 {
    let total = sums.last().copied().unwrap_or(0);
    let single = sums.windows(2).map(|pair| pair[1] - pair[0]).max();
    let (mut low, mut high) = (single.unwrap_or(0), total);
    while low < high {
        let middle = low.midpoint(high);
        let (mut runs, mut start) = (0, 0);
        while start < sums.len() - 1 {
            start = furthest(sums, start, middle);
            runs += 1;
        }
        if runs <= chunks {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The furthest end of a run from `start` that costs `most` at the most.
fn furthest(sums: &[u64], start: usize, most: u64) -> usize {
    sums.partition_point(|&sum| sum <= sums[start] + most) - 1
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Run { chunks, segments }) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            match chunks {
                1 => write!(f, "{segments}")?,
                _ => write!(f, "{chunks}x{segments}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Cut {
    type Err = CutError;

    fn from_str(text: &str) -> Result<Self, CutError> {
        let run = |text: &str| {
            let (chunks, segments) = text.split_once('x').unwrap_or(("1", text));
            let run = Run {
                chunks: chunks.parse().ok()?,
                segments: segments.parse().ok()?,
            };
            let sane = run.chunks > 0 && run.segments > 0;
            (sane && run.chunks.checked_mul(run.segments).is_some()).then_some(run)
        };
        let runs: Option<_> = text.split(' ').map(run).collect();
        runs.map(Self).ok_or_else(|| CutError(text.to_owned()))
    }
}

framewright_film::serde_as_text!(Cut);

#[cfg(test)]
mod tests {
    use super::Cut;
    use proptest::prelude::*;

    fn cost_of(costs: &[u64], segments: std::ops::Range<u32>) -> u64 {
        costs[segments.start as usize..segments.end as usize]
            .iter()
            .map(|cost| cost.max(&1))
            .sum()
    }

    /// The least dearest run, by trying all of them.
    fn least(costs: &[u64], chunks: usize) -> u64 {
        let sum = |costs: &[u64]| costs.iter().map(|cost| cost.max(&1)).sum::<u64>();
        if chunks == 1 {
            return sum(costs);
        }
        (1..=costs.len() - (chunks - 1))
            .map(|first| sum(&costs[..first]).max(least(&costs[first..], chunks - 1)))
            .min()
            .unwrap()
    }

    proptest! {
        #[test]
        fn every_segment_is_in_one_chunk_and_no_chunk_is_empty(
            costs in prop::collection::vec(0_u64..1_000_000, 1..400),
            wanted in 1_u32..500,
        ) {
            let cut = Cut::by_cost(&costs, wanted).unwrap();
            let chunks = wanted.min(costs.len() as u32);
            prop_assert_eq!(cut.chunks(), chunks);
            let mut next = 0;
            for index in 0..chunks {
                let segments = cut.segments_of(index);
                prop_assert_eq!(segments.start, next);
                prop_assert!(!segments.is_empty());
                next = segments.end;
            }
            prop_assert_eq!(next, costs.len() as u32);
            prop_assert_eq!(cut.segments(), costs.len() as u32);
            prop_assert_eq!(cut.to_string().parse::<Cut>().unwrap(), cut);
        }

        #[test]
        fn the_dearest_chunk_is_as_cheap_as_can_be(
            costs in prop::collection::vec(0_u64..50, 1..10),
            wanted in 1_u32..6,
        ) {
            let cut = Cut::by_cost(&costs, wanted).unwrap();
            let dearest = (0..cut.chunks())
                .map(|index| cost_of(&costs, cut.segments_of(index)))
                .max()
                .unwrap();
            prop_assert_eq!(dearest, least(&costs, cut.chunks() as usize));
        }
    }

    #[test]
    fn a_heavy_region_is_cut_finer() {
        let heavy = 8..16;
        let costs: Vec<u64> = (0..22)
            .map(|second| if heavy.contains(&second) { 8 } else { 1 })
            .collect();
        let cut = Cut::by_cost(&costs, 6).unwrap();
        let (first, middle) = (cut.segments_of(0), cut.segments_of(2));
        assert!(first.len() >= 8 && middle.len() <= 2, "{cut}");
        assert!(
            (0..6).all(|index| cost_of(&costs, cut.segments_of(index)) <= 16),
            "{cut}"
        );
    }

    #[test]
    fn a_table_fits_history() {
        let even = Cut::by_cost(&[5; 40_000], 10_000).unwrap();
        assert_eq!(even.to_string(), "10000x4");
        let uneven: Vec<u64> = (0..2_000).map(|i| 1 + i * i % 97).collect();
        assert!(Cut::by_cost(&uneven, 500).unwrap().to_string().len() <= 2_000);
        let uneven: Vec<u64> = (0..40_000).map(|i| 1 + i * i % 9_973).collect();
        assert_eq!(Cut::by_cost(&uneven, 10_000), None, "cut by number then");
    }
}
