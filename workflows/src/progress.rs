//! What is known of a running render, and how it is told.

use crate::job::{Film, RenderOutput, RenderProblem};
use framewright_film::FrameRange;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a render is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Accepted, nothing begun.
    #[default]
    Queued,
    /// The plan is being made.
    Planning,
    /// Chunks are being rendered.
    Rendering,
    /// The segments are being joined.
    Assembling,
    /// The film is in the store.
    Succeeded,
    /// It ended without a film.
    Failed,
    /// It was asked to stop and did.
    Cancelled,
}

/// A chunk as the workflow sees it. Who runs it and how far it is, only the server knows (its
/// pending activities).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkProgress {
    /// Its frames.
    pub frames: FrameRange,
    /// Frames whose segments are in the store.
    pub done: u32,
    /// Frames that were captured for it, by all activities that ended well.
    pub rendered: u32,
    /// Whether an activity has been scheduled for it.
    pub scheduled: bool,
}

/// The answer to the `progress` query.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Where the render is.
    pub stage: Stage,
    /// Once the plan is made.
    pub film: Option<Film>,
    /// In order of the film.
    pub chunks: Vec<ChunkProgress>,
    /// Once it succeeded.
    pub output: Option<RenderOutput>,
    /// Once it failed.
    pub problem: Option<RenderProblem>,
}

impl Stage {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Planning => "planning",
            Self::Rendering => "rendering",
            Self::Assembling => "assembling",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Progress {
    /// The plan is made: all its chunks wait.
    pub(crate) fn planned(&mut self, film: &Film) {
        self.chunks = (0..film.chunks)
            .map(|index| ChunkProgress {
                frames: film.chunk_frames(index),
                done: 0,
                rendered: 0,
                scheduled: false,
            })
            .collect();
        self.film = Some(film.clone());
    }

    /// Frames in the store.
    pub fn frames_done(&self) -> u32 {
        self.chunks.iter().map(|chunk| chunk.done).sum()
    }

    /// Percent of frames in the store, rounded down: 100 means all.
    pub fn percent(&self) -> u32 {
        let frames = self.film.as_ref().map_or(0, |film| film.frames);
        match frames {
            0 => 0,
            _ => (u64::from(self.frames_done()) * 100 / u64::from(frames)) as u32,
        }
    }

    /// Markdown for the "Current Details" of Temporal's UI.
    ///
    /// `5 of 30` and not `5/30`, which the UI would typeset as a fraction.
    pub fn details(&self) -> String {
        let mut text = format!("### {}", self.stage);
        if let Some(film) = &self.film {
            let percent = self.percent();
            let done = self.chunks.iter().filter(|c| c.done == c.frames.len());
            text += &format!(
                "\n\n`{}` **{percent} %**: {} of {} frames, {} of {} chunks\n\n{} · {} · {} fps · plan `{}`",
                bar(percent),
                self.frames_done(),
                film.frames,
                done.count(),
                film.chunks,
                film.composition,
                film.size,
                film.fps,
                film.plan.short(),
            );
            text += &self.table();
        }
        if let Some(output) = &self.output {
            text += &format!(
                "\n\nFilm: {} frames, {} bytes, sha256 `{}`",
                output.frames, output.size_bytes, output.sha256
            );
        }
        if let Some(problem) = &self.problem {
            text += &format!("\n\n**{}** {}", problem.code, problem.message);
            if let Some(hint) = &problem.hint {
                text += &format!("\n\n{hint}");
            }
        }
        text
    }

    /// What is done in a line, what is not in rows: the pane shows few of them, and people look
    /// here before they open an event. Which of them run, only the server knows.
    fn table(&self) -> String {
        const ROWS: usize = 24;
        let is_done = |chunk: &ChunkProgress| chunk.done == chunk.frames.len();
        let numbered = || (1..).zip(&self.chunks);
        let done: Vec<u32> = numbered()
            .filter(|(_, chunk)| is_done(chunk))
            .map(|(number, _)| number)
            .collect();
        let mut text = String::new();
        if !done.is_empty() {
            text += &format!("\n\nDone: chunks {}", ranges(&done));
        }
        let left: Vec<_> = numbered().filter(|(_, chunk)| !is_done(chunk)).collect();
        if left.is_empty() {
            return text;
        }
        let over = matches!(self.stage, Stage::Failed | Stage::Cancelled);
        if !over {
            text += "\n\nWhich of these run: tab *Pending Activities*, state *Started*";
        }
        text += "\n\n| chunk | frames | state |\n| --- | --- | --- |";
        for (number, chunk) in left.iter().take(ROWS) {
            let state = match (over, chunk.scheduled, chunk.done) {
                (true, ..) => "not finished".to_owned(),
                (_, true, 0) => "queued or running".to_owned(),
                (_, true, done) => format!("{done} done, the rest queued or running"),
                _ => "not begun".to_owned(),
            };
            let last = chunk.frames.end.saturating_sub(1);
            text += &format!("\n| {number} | {}–{last} | {state} |", chunk.frames.start);
        }
        if left.len() > ROWS {
            text += &format!("\n\n… and {} more", left.len() - ROWS);
        }
        text
    }
}

/// `1–3, 7` for rising numbers.
fn ranges(numbers: &[u32]) -> String {
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => parts.push((number, number)),
        }
    }
    let words = parts.iter().map(|&(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}–{last}")
        }
    });
    words.collect::<Vec<_>>().join(", ")
}

fn bar(percent: u32) -> String {
    let full = (percent / 5).min(20) as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(20 - full))
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn numbers_in_a_row_are_folded() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1–3, 7, 9–10");
        assert_eq!(ranges(&[]), "");
    }
}
