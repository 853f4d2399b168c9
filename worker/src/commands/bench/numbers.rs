//! The few statistics that the report needs.

use framewright_workflows::ProbeSpan;
use serde::Serialize;
use std::time::Duration;

/// Seconds of several renders, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) worst: f64,
    pub(super) median: f64,
    /// Of the sample: divided by one less than there are values. 0 for a single one.
    pub(super) std: f64,
}

impl Summary {
    /// `None` of nothing.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let sorted = sorted(values);
        let worst = *sorted.last()?;
        let count = sorted.len();
        let median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2.0;
        let mean = sorted.iter().sum::<f64>() / count as f64;
        let squares: f64 = sorted.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            worst,
            median,
            std: (squares / (count.max(2) - 1) as f64).sqrt(),
        })
    }
}

/// To the millisecond: what is below it is no result.
pub(super) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

/// The smallest value that 95 % of the values do not exceed (nearest rank).
pub(super) fn p95(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let rank = (sorted.len() * 95).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// The most spans that were open at one time. One that ends as another begins is not beside it.
pub(super) fn most_at_once(spans: &[ProbeSpan]) -> usize {
    let open_at = |time: u64| {
        let open = |span: &&ProbeSpan| span.begin <= time && time < span.end.max(span.begin + 1);
        spans.iter().filter(open).count()
    };
    spans
        .iter()
        .map(|span| open_at(span.begin))
        .max()
        .unwrap_or(0)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::{ProbeSpan, Summary, most_at_once, p95};

    #[test]
    fn of_known_values() {
        let summary = Summary::of(&[4.0, 2.0, 9.0, 5.0]).unwrap();
        assert_eq!((summary.worst, summary.median), (9.0, 4.5));
        // Squares of the distances to the mean of 5: 1 + 9 + 16 + 0, divided by 3.
        assert!((summary.std - (26.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(Summary::of(&[3.0]).unwrap().std, 0.0);
        assert_eq!(Summary::of(&[]), None);

        let hundred: Vec<_> = (1..=100).map(f64::from).collect();
        assert_eq!(p95(&hundred), Some(95.0));
        assert_eq!(p95(&hundred[..3]), Some(3.0));
        assert_eq!(p95(&[]), None);
    }

    #[test]
    fn what_touches_does_not_overlap() {
        let span = |begin, end| ProbeSpan { begin, end };
        assert_eq!(most_at_once(&[]), 0);
        assert_eq!(most_at_once(&[span(0, 5), span(5, 9)]), 1);
        assert_eq!(most_at_once(&[span(0, 5), span(4, 9), span(4, 4)]), 3);
    }
}
