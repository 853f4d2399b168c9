//! What a person sees of a render in the terminal.

use framewright_proto::v1::{ChunkState, Render};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{collections::BTreeMap, io::IsTerminal as _, time::Duration};

/// Lines for chunks that fit under the film's own: the running ones.
const CHUNK_LINES: usize = 12;

/// A bar for the film, and a line for each chunk that runs. Where stderr is no terminal, a plain
/// line for each tenth of the film.
pub(crate) struct Board {
    bars: MultiProgress,
    film: ProgressBar,
    chunks: BTreeMap<u32, ProgressBar>,
    plain: bool,
    told: Option<(String, u64)>,
    notice: String,
}

/// What a chunk's line says.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) index: u32,
    pub(crate) frames: std::ops::Range<u32>,
    pub(crate) done: u32,
    pub(crate) fps: f64,
    pub(crate) running: bool,
    pub(crate) note: String,
}

impl Board {
    pub(crate) fn new() -> Self {
        let plain = !std::io::stderr().is_terminal();
        let target = if plain {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bars = MultiProgress::with_draw_target(target);
        let film = bars.add(ProgressBar::new(0));
        film.set_style(style("{spinner} {prefix:<11} {msg}"));
        film.enable_steady_tick(Duration::from_millis(120));
        Self {
            bars,
            film,
            chunks: BTreeMap::new(),
            plain,
            told: None,
            notice: String::new(),
        }
    }

    /// A stage that has no frames to count.
    pub(crate) fn stage(&mut self, stage: &str, message: &str) {
        self.film.set_prefix(stage.to_owned());
        self.film.set_message(message.to_owned());
        if self.plain && self.told.as_ref().is_none_or(|(told, _)| told != stage) {
            anstream::eprintln!("{stage}");
            self.told = Some((stage.to_owned(), 0));
        }
    }

    /// The film and its chunks.
    pub(crate) fn frames(
        &mut self,
        stage: &str,
        frames: u32,
        lines: &[Line],
        eta: Option<Duration>,
    ) {
        let done: u32 = lines.iter().map(|line| line.done).sum();
        if self.film.length() != Some(frames.into()) {
            self.film.set_length(frames.into());
            self.film.set_style(style(
                "{spinner} {prefix:<11} {bar:32} {pos}/{len} frames  {msg}",
            ));
        }
        self.film.set_prefix(stage.to_owned());
        self.film.set_position(done.into());
        let eta = eta.map_or(String::new(), |eta| format!("about {} left", readable(eta)));
        self.film.set_message(eta.clone());
        self.plain_line(stage, done, frames, &eta);
        self.chunk_lines(lines);
    }

    /// The same from what the service says.
    pub(crate) fn show(&mut self, render: &Render) {
        let stage = super::state_word(render.state());
        let Some(film) = &render.film else {
            self.stage(&stage, &render.notice);
            return;
        };
        let lines: Vec<_> = render
            .chunks
            .iter()
            .map(|chunk| Line {
                index: chunk.index,
                frames: chunk.start_frame..chunk.end_frame,
                done: chunk.frames_done,
                fps: chunk.fps,
                running: chunk.state() == ChunkState::Running,
                note: if chunk.attempt > 1 {
                    format!("attempt {}", chunk.attempt)
                } else {
                    String::new()
                },
            })
            .collect();
        let eta = render.eta.and_then(|eta| Duration::try_from(eta).ok());
        self.frames(&stage, film.frames, &lines, eta);
        if !render.notice.is_empty() && render.notice != self.notice {
            self.say(&render.notice);
        }
        self.notice.clone_from(&render.notice);
    }

    /// A line that stays.
    pub(crate) fn say(&self, line: &str) {
        if self.plain {
            anstream::eprintln!("{line}");
        } else {
            let _ = self.bars.println(line);
        }
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self) {
        self.film.finish_and_clear();
        let _ = self.bars.clear();
    }

    fn plain_line(&mut self, stage: &str, done: u32, frames: u32, eta: &str) {
        let tenth = u64::from(done) * 10 / u64::from(frames.max(1));
        let now = (stage.to_owned(), tenth);
        if self.plain && self.told.as_ref() != Some(&now) {
            anstream::eprintln!("{stage} {done}/{frames} frames  {eta}");
            self.told = Some(now);
        }
    }

    fn chunk_lines(&mut self, lines: &[Line]) {
        let shown: BTreeMap<_, _> = lines
            .iter()
            .filter(|line| line.running)
            .take(CHUNK_LINES)
            .map(|line| (line.index, line))
            .collect();
        self.chunks.retain(|index, bar| {
            let keep = shown.contains_key(index);
            if !keep {
                bar.finish_and_clear();
            }
            keep
        });
        for (index, line) in shown {
            let bars = &self.bars;
            let bar = self.chunks.entry(index).or_insert_with(|| {
                let bar = bars.add(ProgressBar::new(u64::from(
                    line.frames.end - line.frames.start,
                )));
                bar.set_style(style("  {prefix:<24} {bar:18} {pos}/{len}  {msg}"));
                bar
            });
            let last = line.frames.end.saturating_sub(1);
            bar.set_prefix(format!(
                "chunk {} ({}–{last})",
                index + 1,
                line.frames.start
            ));
            bar.set_position(line.done.into());
            bar.set_message(format!("{:.1} fps {}", line.fps, line.note));
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━╌")
}

fn readable(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=99 => format!("{seconds} s"),
        seconds @ 100..=5999 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}
