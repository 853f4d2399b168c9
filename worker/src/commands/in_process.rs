//! `framewright render --in-process`: the same steps, without Temporal.

use super::{print_json, request};
use crate::{
    cli::{RenderArgs, in_s3},
    client::{Board, Line, part_beside},
    data::Data,
    exit::Exit,
    workers,
};
use framewright_activities::{
    ChunkMeter, Failure, Workshop,
    in_process::{self, Event},
    publish,
};
use framewright_store::Key;
use framewright_workflows::{Film, RenderOutput};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often the bar is drawn anew.
const LOOK: Duration = Duration::from_millis(200);

#[tracing::instrument(skip_all, fields(project = %args.film.project.display()))]
pub(super) async fn render(args: &RenderArgs) -> Result<(), Exit> {
    let begun = Instant::now();
    let stop = workers::asked_to_stop()?;
    let data = Data::open(&args.place)?;
    let workshop = data.workshop(&args.place).await?;
    let request = request(&workshop, &args.film, args.quality, args.chunks).await?;

    let seen = Mutex::new(Seen::default());
    let rendering = in_process::render(&workshop, &request, args.lanes, |event| {
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .see(event);
    });
    let mut board = Board::new();
    board.stage("planning", "");
    let drawing = async {
        loop {
            tokio::time::sleep(LOOK).await;
            seen.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .draw(&mut board);
        }
    };
    let (film, mut output) = tokio::select! {
        rendered = rendering => rendered?,
        () = stop.cancelled() => return Err(Exit::cancelled()),
        () = drawing => return Err(Exit::failed("the progress bar ended")),
    };

    if let Some(place) = in_s3(&args.output) {
        board.stage("publishing", place);
        output = publish::publish(&workshop, output, Some(place)).await?;
    } else {
        save(&workshop, &output, &args.output).await?;
    }
    board.clear();

    let seconds = begun.elapsed().as_secs_f64();
    anstream::eprintln!(
        "{}: {} frames, {} at {} fps, {} bytes, in {seconds:.1} s\nsha256 {}",
        args.output.display(),
        film.frames,
        film.size,
        film.fps,
        output.size_bytes,
        output.sha256
    );
    if args.json {
        print_json(&serde_json::json!({
            "state": "succeeded",
            "output": args.output,
            "sha256": output.sha256,
            "size_bytes": output.size_bytes,
            "plan_id": film.plan,
            "frames": film.frames,
            "fps": film.fps,
            "width": film.size.width,
            "height": film.size.height,
            "chunks": film.chunks,
            "seconds": seconds,
        }));
    }
    Ok(())
}

/// The film as the file `to`, which appears whole or not at all.
async fn save(workshop: &Workshop, film: &RenderOutput, to: &Path) -> Result<(), Exit> {
    let part = part_beside(to)?;
    let key = Key::new(film.key.clone()).map_err(Failure::from)?;
    // `fetch` replaces the file beside its name, so a reader never sees half a film.
    workshop
        .store
        .fetch(&key, part.path())
        .await
        .map_err(Failure::from)?;
    // `fetch` put a file of its own there, which is for our eyes alone.
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(part.path(), readable)
        .map_err(|error| Exit::machine(format!("the film cannot be made readable: {error}")))?;
    part.persist(to).map_err(|error| {
        Exit::machine(format!(
            "`{}` cannot be written: {}",
            to.display(),
            error.error
        ))
    })?;
    Ok(())
}

/// What has happened so far.
#[derive(Default)]
struct Seen {
    film: Option<Film>,
    chunks: Vec<Arc<ChunkMeter>>,
    assembling: bool,
}

impl Seen {
    fn see(&mut self, event: Event) {
        match event {
            Event::Planned(film) => self.film = Some(film),
            Event::Chunk(_, meter) => self.chunks.push(meter),
            Event::Assembling => self.assembling = true,
            _ => {}
        }
    }

    fn draw(&self, board: &mut Board) {
        let Some(film) = &self.film else { return };
        let running = self.chunks.len().saturating_sub(1);
        let lines: Vec<_> = (0..film.chunks)
            .map(|index| {
                let frames = film.chunk_frames(index);
                let meter = self.chunks.get(index as usize).map(|meter| meter.read());
                Line {
                    index,
                    frames: frames.iter(),
                    done: meter.as_ref().map_or(0, |meter| meter.frames_done),
                    fps: meter.as_ref().map_or(0.0, |meter| meter.fps),
                    running: index as usize == running && !self.assembling,
                    note: String::new(),
                }
            })
            .collect();
        let done: u32 = lines.iter().map(|line| line.done).sum();
        let rate = lines.get(running).map_or(0.0, |line| line.fps);
        let eta =
            (rate > 0.0).then(|| Duration::from_secs_f64(f64::from(film.frames - done) / rate));
        let stage = if self.assembling {
            "assembling"
        } else {
            "rendering"
        };
        board.frames(stage, film.frames, &lines, eta);
    }
}
