//! The chunk grid: cards while there are few, small cells and a table of the notable when many.

use super::text;
use framewright_proto::v1::{Chunk, ChunkState, RenderState};

/// More chunks than this would not fit a screen as cards.
const MOST_CARDS: usize = 40;

/// All chunks of a render.
#[derive(Debug, Default)]
pub(super) struct Grid {
    pub(super) cells: Vec<Cell>,
    /// How many are in each state that occurs.
    pub(super) tally: Vec<Tally>,
}

/// A state, as a word and as a class of the style sheet; never the colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) word: &'static str,
    pub(super) class: &'static str,
}

#[derive(Debug)]
pub(super) struct Tally {
    pub(super) mark: Mark,
    pub(super) count: usize,
}

/// One chunk.
#[derive(Debug)]
pub(super) struct Cell {
    /// From 1, as Temporal's page names its activity: `chunk-3-of-7`.
    pub(super) number: u32,
    /// `240–479`
    pub(super) frames: String,
    pub(super) mark: Mark,
    pub(super) done: u32,
    pub(super) of: u32,
    /// 0 when there is nothing to say about it.
    pub(super) attempt: u32,
    pub(super) worker: String,
    /// `12.4 fps`
    pub(super) rate: String,
    pub(super) error: String,
}

impl Mark {
    pub(super) fn of_render(state: RenderState) -> Self {
        let (word, class) = match state {
            RenderState::Unspecified => ("unknown", "waiting"),
            RenderState::Queued => ("queued", "waiting"),
            RenderState::Planning => ("planning", "running"),
            RenderState::Rendering => ("rendering", "running"),
            RenderState::Assembling => ("assembling", "running"),
            RenderState::Succeeded => ("done", "done"),
            RenderState::Failed => ("failed", "failed"),
            RenderState::Cancelled => ("cancelled", "stopped"),
            RenderState::Paused => ("paused", "waiting"),
        };
        Self { word, class }
    }

    fn of_chunk(chunk: &Chunk, render: RenderState) -> Self {
        let (word, class) = match chunk.state() {
            ChunkState::Done => ("done", "done"),
            // What ran when somebody cancelled the render did nothing wrong.
            ChunkState::Failed if render == RenderState::Cancelled => ("stopped", "stopped"),
            ChunkState::Failed => ("failed", "failed"),
            ChunkState::Running => ("running", "running"),
            ChunkState::Waiting | ChunkState::Unspecified => match render {
                RenderState::Failed | RenderState::Cancelled => ("not begun", "waiting"),
                _ if chunk.attempt > 1 => ("retrying", "retrying"),
                _ => ("waiting", "waiting"),
            },
        };
        Self { word, class }
    }
}

impl Grid {
    pub(super) fn new(chunks: &[Chunk], render: RenderState) -> Self {
        let cells: Vec<Cell> = chunks
            .iter()
            .map(|chunk| Cell::new(chunk, render))
            .collect();
        let mut tally: Vec<Tally> = Vec::new();
        for cell in &cells {
            match tally.iter_mut().find(|tally| tally.mark == cell.mark) {
                Some(tally) => tally.count += 1,
                None => tally.push(Tally {
                    mark: cell.mark,
                    count: 1,
                }),
            }
        }
        Self { cells, tally }
    }

    pub(super) fn is_dense(&self) -> bool {
        self.cells.len() > MOST_CARDS
    }

    /// What a person would look for among many: first what went wrong, then what runs.
    pub(super) fn notable(&self) -> Vec<&Cell> {
        let mut cells: Vec<&Cell> = self.cells.iter().filter(|cell| cell.rank() > 0).collect();
        cells.sort_by_key(|cell| (std::cmp::Reverse(cell.rank()), cell.number));
        cells
    }

    pub(super) fn heading(&self) -> String {
        text::count(self.cells.len(), "chunk")
    }
}

impl Cell {
    fn new(chunk: &Chunk, render: RenderState) -> Self {
        let last = chunk.end_frame.saturating_sub(1);
        Self {
            number: chunk.index + 1,
            frames: format!("{}–{last}", chunk.start_frame),
            mark: Mark::of_chunk(chunk, render),
            done: chunk.frames_done,
            of: chunk.end_frame.saturating_sub(chunk.start_frame),
            attempt: if chunk.attempt > 1 { chunk.attempt } else { 0 },
            worker: chunk.worker.clone(),
            rate: match chunk.fps {
                fps if fps > 0.0 && chunk.state() == ChunkState::Running => format!("{fps:.1} fps"),
                _ => String::new(),
            },
            error: chunk.last_error.clone(),
        }
    }

    fn rank(&self) -> u8 {
        match self.mark.class {
            "failed" => 3,
            _ if self.attempt > 0 || !self.error.is_empty() => 2,
            "running" => 1,
            _ => 0,
        }
    }

    /// All there is, for a cell too small to show it.
    pub(super) fn summary(&self) -> String {
        let mut text = format!(
            "chunk {}: frames {}, {}, {} of {}",
            self.number, self.frames, self.mark.word, self.done, self.of
        );
        if self.attempt > 0 {
            text += &format!(", attempt {}", self.attempt);
        }
        for (what, value) in [("", &self.rate), ("on ", &self.worker), ("", &self.error)] {
            if !value.is_empty() {
                text += &format!(", {what}{value}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Grid, RenderState};
    use framewright_proto::v1::{Chunk, ChunkState};

    fn chunk(index: u32, state: ChunkState, attempt: u32) -> Chunk {
        Chunk {
            index,
            state: state.into(),
            start_frame: index * 30,
            end_frame: index * 30 + 30,
            attempt,
            ..Chunk::default()
        }
    }

    #[test]
    fn a_cancelled_render_blames_no_chunk() {
        let chunks = [
            chunk(0, ChunkState::Done, 1),
            chunk(1, ChunkState::Failed, 1),
            chunk(2, ChunkState::Waiting, 0),
        ];
        let words = |state| {
            Grid::new(&chunks, state)
                .cells
                .iter()
                .map(|cell| cell.mark.word)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            words(RenderState::Cancelled),
            ["done", "stopped", "not begun"]
        );
        assert_eq!(words(RenderState::Failed), ["done", "failed", "not begun"]);
    }

    #[test]
    fn among_many_the_failed_and_retried_come_first() {
        let mut chunks: Vec<_> = (0..500).map(|i| chunk(i, ChunkState::Waiting, 0)).collect();
        chunks[7].state = ChunkState::Running.into();
        chunks[300] = chunk(300, ChunkState::Waiting, 2);
        chunks[400] = chunk(400, ChunkState::Failed, 5);
        let grid = Grid::new(&chunks, RenderState::Rendering);
        assert!(grid.is_dense());
        let notable = grid.notable();
        let seen: Vec<_> = notable
            .iter()
            .map(|cell| (cell.number, cell.mark.word))
            .collect();
        assert_eq!(seen, [(401, "failed"), (301, "retrying"), (8, "running")]);
        assert_eq!(notable[1].frames, "9000–9029");
    }
}
