//! How many pages capture a chunk at the same time.

use crate::machine::Machine;
use framewright_film::FrameSize;
use framewright_workflows::Cost;

/// A lane beyond these finds no core of its own on any machine that was measured.
pub const MOST_LANES: u32 = 16;

/// Memory of a lane at 1920 × 1080: browser, page and encoder (capture lab, section 0: 460 MB).
const LANE_BYTES: f64 = 500e6;
/// Of that, what does not grow with the pixels.
const BROWSER_BYTES: f64 = 250e6;
/// Memory for all that is not a lane.
const WORKER_BYTES: u64 = 300_000_000;

/// A lane must find at least this part of what it could keep busy, or it only costs memory.
const WORTH: f64 = 0.15;

/// How many lanes a chunk gets on `machine`:
///
/// ```text
/// the least of  segments
///               ( memory − 300 MB ) ÷ memory of a lane
///               cores ÷ cores that one lane keeps busy, rounded up
/// ```
///
/// A quotient that is less than 0.15 above a whole number is rounded down: there is almost nothing
/// left for one lane more. The cores that a lane keeps busy are what was measured when the plan was
/// made, one where nothing was; `cost` is of the part of the chunk where lanes help most, a tenth of
/// its time, since more lanes do no harm to the rest. Always one at least.
///
/// A page of plain DOM keeps 1.3 to 1.5 cores busy, its encoder included, so two cores get two lanes; a shader that
/// SwiftShader draws on all cores gets one.
pub fn lanes(machine: Machine, size: FrameSize, segments: u32, cost: Option<Cost>) -> u32 {
    let each = cost.map_or(1.0, |cost| cost.parallelism().max(0.5));
    let by_cores = (f64::from(machine.cores) / each - WORTH).ceil();
    let pixels = f64::from(size.width) * f64::from(size.height) / (1920.0 * 1080.0);
    let lane_bytes = BROWSER_BYTES + (LANE_BYTES - BROWSER_BYTES) * pixels;
    let by_memory = machine.memory.saturating_sub(WORKER_BYTES) as f64 / lane_bytes;
    let lanes = by_cores.min(by_memory.floor()).min(f64::from(segments));
    // Between 1 and 16: no digit is lost.
    lanes.clamp(1.0, f64::from(MOST_LANES)) as u32
}

/// What was asked for, else what suits this machine; never more than there are segments, and none
/// without a segment.
pub(crate) fn choose(
    wanted: Option<u32>,
    size: FrameSize,
    segments: usize,
    cost: Option<Cost>,
) -> u32 {
    let segments = u32::try_from(segments).unwrap_or(u32::MAX);
    let lanes = wanted.unwrap_or_else(|| lanes(Machine::here(), size, segments, cost));
    lanes.clamp(1, MOST_LANES).min(segments)
}

#[cfg(test)]
mod tests {
    use super::{choose, lanes};
    use crate::machine::Machine;
    use framewright_film::FrameSize;
    use framewright_workflows::Cost;

    const HD: FrameSize = FrameSize {
        width: 1920,
        height: 1080,
    };

    fn page(wall_ms: u64, cpu_ms: u64) -> Option<Cost> {
        Some(Cost {
            wall_us: wall_ms * 1000,
            cpu_us: cpu_ms * 1000,
        })
    }

    /// The table of `docs/capacity.md`.
    #[test]
    fn the_table_of_the_docs() {
        let (plain, shader, still) = (page(42, 58), page(230, 435), page(20, 26));
        for (cores, gigabytes, segments, cost, expected) in [
            (1, 8, 22, plain, 1),
            (2, 8, 22, plain, 2),
            (2, 8, 22, still, 2),
            (2, 8, 22, shader, 1),
            (2, 8, 22, None, 2),
            (2, 8, 1, plain, 1),
            (2, 1, 22, plain, 1),
            (4, 8, 22, plain, 3),
            (4, 8, 22, shader, 2),
            (8, 16, 22, plain, 6),
            (22, 64, 22, plain, 16),
            (22, 64, 4, plain, 4),
            (22, 4, 22, plain, 7),
            (64, 256, 100, plain, 16),
        ] {
            let machine = Machine {
                cores,
                memory: gigabytes * 1_000_000_000,
            };
            let given = lanes(machine, HD, segments, cost);
            assert_eq!(
                given, expected,
                "{cores} cores, {gigabytes} GB, {segments} segments, {cost:?}"
            );
        }
    }

    #[test]
    fn what_was_asked_for_wins_but_no_lane_is_without_a_segment() {
        assert_eq!(choose(Some(4), HD, 2, page(240, 460)), 2);
        assert_eq!(choose(Some(0), HD, 2, None), 1);
        assert_eq!(choose(None, HD, 0, None), 0);
        assert!(choose(None, HD, 100, None) >= 1);
    }
}
