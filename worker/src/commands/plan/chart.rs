//! A cost curve as blocks of text.

use framewright_film::FrameRange;
use framewright_workflows::{CostCurve, Film};

/// Columns of the chart, at the most.
const WIDTH: u32 = 72;
/// Lines of it; each block has eight steps.
const HEIGHT: u64 = 5;
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Processor time per frame over the film, with the dearest at the top; below it where the chunks
/// begin, and the frames.
pub(super) fn chart(film: &Film, costs: &CostCurve) -> String {
    let width = film.frames.clamp(1, WIDTH);
    let frame_at =
        |column: u32| (u64::from(film.frames) * u64::from(column) / u64::from(width)) as u32;
    let columns: Vec<u64> = (0..width)
        .map(|column| {
            let frames = FrameRange::new(frame_at(column), frame_at(column + 1));
            costs.mean(frames).cpu_us
        })
        .collect();
    let top = columns.iter().copied().max().unwrap_or(0).max(1);
    let mut text = String::new();
    for line in (0..HEIGHT).rev() {
        let label = match line {
            0 => "0 ms".to_owned(),
            line if line + 1 == HEIGHT => format!("{:.0} ms", top as f64 / 1e3),
            _ => String::new(),
        };
        text += &format!("{label:>8} ┤");
        for &cost in &columns {
            // In eighths of a line, rounded up: whatever costs something is seen.
            let full = (cost * HEIGHT * 8).div_ceil(top);
            text.push(BLOCKS[full.saturating_sub(line * 8).min(8) as usize]);
        }
        text.push('\n');
    }
    text += &format!("{:>8} └", "");
    let begins = |column| {
        let range = FrameRange::new(frame_at(column), frame_at(column + 1));
        (1..film.chunks).any(|index| range.contains(film.chunk_frames(index).start))
    };
    text.extend((0..width).map(|column| if begins(column) { '┬' } else { '─' }));
    let last = film.frames.saturating_sub(1).to_string();
    let gap = (width as usize).saturating_sub(1 + last.len());
    text += &format!("\n{:>10}0{:gap$}{last}\n", "", "");
    text
}

#[cfg(test)]
mod tests {
    use super::chart;
    use framewright_film::{Digest, Fps, FrameSize};
    use framewright_workflows::Film;

    #[test]
    fn a_heavy_middle_stands_out() {
        let costs = "0/0 0:10/10000 8:10/40000 16:10/10000".parse().unwrap();
        let film = Film {
            plan: Digest::of("a plan"),
            toolchain: String::new(),
            composition: String::new(),
            size: FrameSize {
                width: 2,
                height: 2,
            },
            fps: Fps::DEFAULT,
            frames: 24,
            segment_frames: 2,
            chunks: 3,
            cut: Some("5 2 5".parse().unwrap()),
            costs: None,
        };
        let lines = [
            "   40 ms ┤        ████████        ",
            "         ┤        ████████        ",
            "         ┤        ████████        ",
            "         ┤▂▂▂▂▂▂▂▂████████▂▂▂▂▂▂▂▂",
            "    0 ms ┤████████████████████████",
            "         └──────────┬───┬─────────",
            "          0                     23",
        ];
        assert_eq!(chart(&film, &costs).lines().collect::<Vec<_>>(), lines);
    }
}
