//! Renders that are measured, one after the other.

use super::{
    forget_plans,
    history::{self, Steps},
    numbers::seconds,
    report::Configuration,
};
use crate::{
    cli::BenchArgs,
    client::{Board, Client},
    commands::{render, request},
    exit::Exit,
};
use framewright_activities::{Workshop, in_process};
use framewright_proto::v1::{CreateRenderRequest, RenderState};
use framewright_workflows::{Film, RenderId};
use serde::{Serialize, Serializer};
use std::{
    fmt,
    io::IsTerminal as _,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

/// A render that takes longer than this, and [`FRAME_BUDGET`] for each of its frames, will not end.
const RENDER_BUDGET: Duration = Duration::from_secs(300);

/// The heaviest pages that were measured take a tenth of this for a frame.
const FRAME_BUDGET: Duration = Duration::from_secs(3);

const TENANT: &str = "bench";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Without Temporal, in this process, in one piece.
    InProcess,
    /// Through the service, in so many chunks.
    Chunks(u32),
}

/// One render.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Run {
    /// From 1.
    pub(super) iteration: u32,
    /// From asking for the render to its end, real time.
    pub(super) total_seconds: f64,
    pub(super) sha256: String,
    #[serde(flatten)]
    pub(super) steps: Steps,
}

pub(super) struct Rounds<'a> {
    args: &'a BenchArgs,
    film: &'a Film,
    client: Client,
    temporal: temporalio_client::Client,
    workshop: &'a Workshop,
    data: &'a Path,
    board: Option<Board>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        args: &'a BenchArgs,
        film: &'a Film,
        client: Client,
        temporal: temporalio_client::Client,
        workshop: &'a Workshop,
        data: &'a Path,
    ) -> Self {
        Self {
            args,
            film,
            client,
            temporal,
            workshop,
            data,
            // Elsewhere a bar would be a line for each tenth of each film.
            board: std::io::stderr().is_terminal().then(Board::new),
        }
    }

    /// Every configuration in turn, and that as often as was asked for.
    pub(super) async fn run(
        mut self,
        archive: Vec<u8>,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<Configuration>, Exit> {
        let project = self.client.upload(archive, TENANT).await?;
        let mut configurations: Vec<_> = wanted.into_iter().map(Configuration::new).collect();
        for iteration in 1..=self.args.iterations {
            for configuration in &mut configurations {
                let wanted = configuration.wanted;
                let budget = RENDER_BUDGET + FRAME_BUDGET * self.film.frames;
                let rendering = async {
                    match wanted {
                        Wanted::InProcess => self.in_process(iteration).await,
                        Wanted::Chunks(chunks) => self.through(&project, chunks, iteration).await,
                    }
                };
                let run = tokio::time::timeout(budget, rendering)
                    .await
                    .map_err(|_| {
                        let seconds = budget.as_secs();
                        Exit::failed(format!(
                            "render {iteration} of {wanted} did not end within {seconds} s"
                        ))
                    })??;
                forget_plans(self.data)?;
                self.say(&run.line(wanted, self.args.iterations));
                configuration.runs.push(run);
            }
        }
        Ok(configurations)
    }

    async fn in_process(&mut self, iteration: u32) -> Result<Run, Exit> {
        if let Some(board) = &mut self.board {
            board.stage("rendering", "in this process");
        }
        let args = self.args;
        let request = request(self.workshop, &args.film, args.quality, Some(1)).await?;
        let begun = Instant::now();
        let (_, output) = in_process::render(self.workshop, &request, args.lanes, |_| {}).await?;
        Ok(Run {
            iteration,
            total_seconds: seconds(begun.elapsed()),
            sha256: output.sha256.to_hex(),
            steps: Steps::default(),
        })
    }

    async fn through(&mut self, project: &str, chunks: u32, iteration: u32) -> Result<Run, Exit> {
        let args = self.args;
        let id = RenderId::new(TENANT, &format!("{chunks}-chunks-{iteration}"))
            .map_err(|error| Exit::failed(error.to_string()))?;
        let create = CreateRenderRequest {
            request_id: id.request.clone(),
            tenant: id.tenant.clone(),
            project_id: project.to_owned(),
            options: Some(render::options(
                &args.film,
                args.quality,
                Some(chunks),
                args.lanes,
            )),
            ..CreateRenderRequest::default()
        };
        let begun = SystemTime::now();
        let created = self.client.create(create).await?;
        let board = &mut self.board;
        let ended = self
            .client
            .watch(&created.render_id, |render| {
                if let Some(board) = board {
                    board.show(render);
                }
            })
            .await?;
        let (RenderState::Succeeded, Some(output)) = (ended.state(), &ended.output) else {
            return Err(render::ended_badly(&ended));
        };
        let steps = history::steps(&self.temporal, &id).await?;
        // By the server's clock, which is this machine's: a watcher looks twice a second only.
        let total = steps.ended.and_then(|end| end.duration_since(begun).ok());
        let total = total.ok_or_else(|| Exit::failed("the history does not say when it ended"))?;
        Ok(Run {
            iteration,
            total_seconds: seconds(total),
            sha256: output.sha256.clone(),
            steps,
        })
    }

    fn say(&self, line: &str) {
        match &self.board {
            Some(board) => board.say(line),
            None => anstream::eprintln!("{line}"),
        }
    }
}

impl Run {
    fn line(&self, wanted: Wanted, of: u32) -> String {
        let mut line = format!(
            "iteration {}/{of}  {wanted:<10}  {:6.2} s",
            self.iteration, self.total_seconds
        );
        let chunks = &self.steps.chunks;
        if chunks.is_empty() {
            return line;
        }
        let join = |words: Vec<String>| words.join(" ");
        let seconds = chunks.iter().map(|chunk| format!("{:.2}", chunk.seconds));
        let first = chunks.iter().map(|chunk| {
            let seconds = chunk.first_frame_seconds;
            seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.2}"))
        });
        line += &format!(
            "  chunks {}  first frames {}  probes {}",
            join(seconds.collect()),
            join(first.collect()),
            self.probes().len()
        );
        let again = chunks.iter().filter(|chunk| chunk.attempt > 1).count();
        if again > 0 {
            line += &format!("  TRIED AGAIN: {again}");
        }
        line
    }

    pub(super) fn probes(&self) -> Vec<framewright_workflows::ProbeSpan> {
        let chunks = self.steps.chunks.iter();
        chunks.flat_map(|chunk| chunk.probes.clone()).collect()
    }
}

impl Wanted {
    /// How many chunks; none in process.
    pub(super) fn chunks(self) -> Option<u32> {
        match self {
            Self::InProcess => None,
            Self::Chunks(chunks) => Some(chunks),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::InProcess => "in process".to_owned(),
            Self::Chunks(1) => "1 chunk".to_owned(),
            Self::Chunks(chunks) => format!("{chunks} chunks"),
        };
        f.pad(&text)
    }
}

impl Serialize for Wanted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
