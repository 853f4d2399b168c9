//! What is known of a running render, and how it is told.

use crate::job::{ChunkFailure, Film, Pause, RenderOutput, RenderProblem};
use framewright_film::FrameRange;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

/// The word for a render that is paused, in place of its stage.
pub const PAUSED: &str = "paused";

/// Failed attempts that are remembered of a render.
const FAILURES_KEPT: usize = 50;

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

/// A step waits, and no worker is there that could take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Nobody asks this task queue for work.
    pub task_queue: String,
    /// Since when that is known, in milliseconds of Unix time.
    pub since: u64,
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
    /// What kind of film, for people: survives where the workflow's own summary does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// While it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// How long it was paused before that, in milliseconds.
    #[serde(default)]
    pub paused_millis: u64,
    /// While no worker is there for what it waits for. Looked at now and then: a service knows
    /// sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// When it ends at the latest, in milliseconds of Unix time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
    /// The last attempts that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<ChunkFailure>,
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
    /// The plan is made: all its chunks wait, but those before `next`, which an earlier run saw
    /// done.
    pub(crate) fn planned(&mut self, film: &Film, next: u32) {
        self.chunks = (0..film.chunks)
            .map(|index| {
                let frames = film.chunk_frames(index);
                let is_done = index < next;
                ChunkProgress {
                    frames,
                    done: if is_done { frames.len() } else { 0 },
                    rendered: 0,
                    scheduled: is_done,
                }
            })
            .collect();
        self.film = Some(film.clone());
    }

    /// The stage as people call it: a render that is paused is that, whatever it was about to do.
    pub fn word(&self) -> &'static str {
        match (&self.pause, self.stage) {
            (_, Stage::Succeeded | Stage::Failed | Stage::Cancelled) | (None, _) => {
                self.stage.as_str()
            }
            (Some(_), _) => PAUSED,
        }
    }

    /// Attempts that failed; the oldest are forgotten.
    pub(crate) fn note_failures(&mut self, failures: impl IntoIterator<Item = ChunkFailure>) {
        for failure in failures {
            if !self.failures.contains(&failure) {
                self.failures.push(failure);
            }
        }
        let surplus = self.failures.len().saturating_sub(FAILURES_KEPT);
        self.failures.drain(..surplus);
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
        let mut text = format!("### {}", self.word());
        if !self.summary.is_empty() {
            text += &format!("\n\n{}", self.summary);
        }
        text += &self.standstill();
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

    /// Why nothing happens, and until when.
    fn standstill(&self) -> String {
        let mut text = String::new();
        if matches!(
            self.stage,
            Stage::Succeeded | Stage::Failed | Stage::Cancelled
        ) {
            return text;
        }
        if let Some(pause) = &self.pause {
            text += &format!("\n\n**Paused** since {}", time(pause.since));
            if !pause.reason.is_empty() {
                text += &format!(": {}", pause.reason);
            }
            text += ". What runs is finished, nothing new begins until it is resumed";
        }
        if let Some(waiting) = &self.waiting {
            text += &format!(
                "\n\n**Waiting for a worker**: since {} none is there for task queue `{}`",
                time(waiting.since),
                waiting.task_queue
            );
        }
        if let Some(deadline) = self.deadline {
            text += &format!("\n\nEnds at the latest {}", time(deadline));
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

/// `2026-11-24 19:04:05 UTC`
fn time(millis: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_millis(millis);
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace('T', " ").replace('Z', " UTC")
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
