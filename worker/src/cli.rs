//! The command line.

use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use framewright_activities::{Habits, ProbeHabit, Programs, WarmupHabit};
use framewright_film::{Fps, FrameSize, Quality};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

mod store;

pub(crate) use store::{AllowArgs, ConfigArgs, GcArgs, Grant, S3Args, in_s3};

/// Where the service listens unless told otherwise.
pub(crate) const DEFAULT_GRPC: &str = "127.0.0.1:7710";
/// Blobs that are kept near.
pub(crate) const DEFAULT_CACHE: &str = "4GiB";
/// Where its pages are.
pub(crate) const DEFAULT_WEB: &str = "127.0.0.1:7711";

/// Render HTML compositions to video, durably.
///
/// Exit codes: 0 done; 1 the render failed; 2 the command line or the project is not right;
/// 3 this machine lacks something; 4 a server cannot be reached; 130 cancelled.
#[derive(Debug, Parser)]
#[command(name = "framewright", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// What to log to stderr, e.g. `info` or `framewright_capture=debug`
    #[arg(long, global = true, env = "FRAMEWRIGHT_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// Log as JSON lines
    #[arg(long, global = true, env = "FRAMEWRIGHT_LOG_JSON")]
    pub(crate) log_json: bool,
    /// Send traces to this OTLP/gRPC endpoint
    #[arg(
        long,
        global = true,
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        value_name = "URL"
    )]
    pub(crate) otlp: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole service on this machine: Temporal, gRPC, pages, a worker
    Dev(DevArgs),
    /// Run what clients talk to, gRPC and pages, and the workflow code; renders need workers elsewhere
    Serve(ServeArgs),
    /// Run a worker for a service that runs elsewhere
    Worker(WorkerArgs),
    /// Render a project to a film
    Render(RenderArgs),
    /// Say how a render is
    Status(StatusArgs),
    /// Say which renders there are
    List(ListArgs),
    /// Ask a render to begin nothing new; what runs is finished
    Pause(PauseArgs),
    /// Let a paused render go on
    Resume(StatusArgs),
    /// Stop a render for good
    Cancel(PauseArgs),
    /// Write single frames of a project as PNG files
    Stills(StillsArgs),
    /// Say what is wrong with a project, before it is rendered
    Check(CheckArgs),
    /// Measure a project and predict how long its film takes
    Plan(PlanArgs),
    /// Measure renders of a project by the number of their chunks
    Bench(BenchArgs),
    /// Say what this machine has and lacks
    Doctor(DoctorArgs),
    /// Say which settings hold, and where they come from
    Config(ConfigArgs),
    /// Remove what no render needs any more from the store
    Gc(GcArgs),
}

/// Where things are kept and found.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlaceArgs {
    /// File of settings [default: `framewright/framewright.toml` in `~/.config`, then in `/etc`; `none` for none]
    #[arg(long, env = "FRAMEWRIGHT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for projects, films and Temporal's history [default: the user's data folder]
    #[arg(long, env = "FRAMEWRIGHT_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Folder for what is thrown away [default: the system's temporary folder]
    #[arg(long, env = "FRAMEWRIGHT_SCRATCH", value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// Where projects, segments and films are kept: a folder or `s3://BUCKET/PREFIX` [default: `store` in the data folder]
    #[arg(long, env = "FRAMEWRIGHT_STORE", value_name = "PLACE")]
    pub(crate) store: Option<String>,
    #[command(flatten)]
    pub(crate) s3: S3Args,
    /// Copies of blobs to keep on this machine when the store is in S3
    #[arg(
        long,
        env = "FRAMEWRIGHT_CACHE_SIZE",
        default_value = DEFAULT_CACHE,
        value_name = "BYTES"
    )]
    pub(crate) cache_size: ByteSize,
    /// The browser [default: `chromium-headless-shell` on PATH]
    #[arg(long, env = "FRAMEWRIGHT_CHROMIUM", value_name = "FILE")]
    pub(crate) chromium: Option<PathBuf>,
    /// The encoder [default: `ffmpeg` on PATH]
    #[arg(long, env = "FRAMEWRIGHT_FFMPEG", value_name = "FILE")]
    pub(crate) ffmpeg: Option<PathBuf>,
}

/// Which Temporal server.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TemporalArgs {
    /// Temporal server to use, `host:port` or a URL; none is started then. The variables
    /// `TEMPORAL_*` and the file `temporal.toml` of the Temporal SDKs work too
    #[arg(long, env = "TEMPORAL_ADDRESS", value_name = "ADDRESS")]
    pub(crate) temporal_address: Option<String>,
    /// Namespace on that server
    #[arg(long, env = "TEMPORAL_NAMESPACE", value_name = "NAME")]
    pub(crate) temporal_namespace: Option<String>,
    /// Base URL of its Web UI, for links
    #[arg(long, env = "FRAMEWRIGHT_TEMPORAL_UI", value_name = "URL")]
    pub(crate) temporal_ui: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) temporal: TemporalArgs,
    #[command(flatten)]
    pub(crate) addresses: AddressArgs,
    #[command(flatten)]
    pub(crate) allow: AllowArgs,
    /// Port of the embedded Temporal server; its Web UI is 1000 above; 0 for free ones [default: 7233, else a free one]
    #[arg(long, env = "FRAMEWRIGHT_TEMPORAL_PORT", value_name = "PORT")]
    pub(crate) temporal_port: Option<u16>,
    /// Worker processes to run; each renders one chunk at a time
    #[arg(long, env = "FRAMEWRIGHT_WORKERS", default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=64))]
    pub(crate) workers: u32,
    /// Print the addresses as a line of JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// Start a Temporal server whatever the surroundings say of another one.
    #[arg(skip)]
    pub(crate) own_temporal: bool,
    /// Habits of the workers.
    #[arg(skip)]
    pub(crate) habits: HabitArgs,
    /// Size of a film that is to be rendered as soon as all is there.
    #[arg(skip)]
    pub(crate) expect: Option<FrameSize>,
}

/// Where a service listens.
#[derive(Clone, Debug, Args)]
pub(crate) struct AddressArgs {
    /// Address of the gRPC server
    #[arg(long, env = "FRAMEWRIGHT_LISTEN", default_value = DEFAULT_GRPC, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// Address of the pages
    #[arg(long, env = "FRAMEWRIGHT_WEB", default_value = DEFAULT_WEB, value_name = "ADDR")]
    pub(crate) web: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) temporal: TemporalArgs,
    #[command(flatten)]
    pub(crate) addresses: AddressArgs,
    #[command(flatten)]
    pub(crate) allow: AllowArgs,
    /// Print the addresses as a line of JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Render chunks, one at a time
    Chunks,
    /// Plan and assemble
    General,
    /// Run the workflow code
    Workflows,
    /// All of these
    All,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) temporal: TemporalArgs,
    /// What to do
    #[arg(
        long,
        env = "FRAMEWRIGHT_ROLE",
        value_delimiter = ',',
        default_value = "all"
    )]
    pub(crate) role: Vec<Role>,
    /// Name shown in Temporal's UI [default: host and process id]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// After a request to stop, seconds for the segments in hand before they are abandoned
    #[arg(long, env = "FRAMEWRIGHT_GRACE", default_value_t = 30.0, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) grace: f64,
    /// Answer `/metrics`, `/healthz` and `/readyz` at this address
    #[arg(long, env = "FRAMEWRIGHT_METRICS", value_name = "ADDR")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Answer whoever started this worker with its metrics, on the standard input
    #[arg(long, hide = true)]
    pub(crate) metrics_line: bool,
    /// For `framewright bench` alone
    #[arg(long, value_enum, default_value_t, hide = true)]
    pub(crate) probe: Probe,
    /// For `framewright bench` alone
    #[arg(long, value_enum, default_value_t, hide = true)]
    pub(crate) warmup: Warmup,
    /// Open browsers at once, for a film of this size
    #[arg(long, value_parser = frame_size, hide = true)]
    pub(crate) expect: Option<FrameSize>,
    /// What whoever started this worker has found
    #[arg(long, value_parser = json::<Programs>, hide = true)]
    pub(crate) programs: Option<Programs>,
}

/// How workers use their capture sessions. Only benchmarks have another than the default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HabitArgs {
    pub(crate) probe: Probe,
    pub(crate) warmup: Warmup,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Probe {
    /// Each session, before it has further lanes
    #[default]
    Once,
    /// Every lane, all at the same time
    PerLane,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Warmup {
    /// The session is the first lane, and its browser serves the next chunk
    #[default]
    Keep,
    /// The session is closed before the lanes start
    Discard,
}

/// What the film shall be.
#[derive(Clone, Debug, Args)]
pub(crate) struct FilmArgs {
    /// Project: a folder, or a zip file of one; either may be in S3, `s3://BUCKET/PATH/` or `s3://BUCKET/PATH/FILE`
    #[arg(value_name = "PROJECT")]
    pub(crate) project: PathBuf,
    /// HTML file of the composition within the project [default: index.html]
    #[arg(long, value_name = "FILE")]
    pub(crate) entry: Option<String>,
    /// Frames per second, `30` or `30000/1001` [default: the composition's own, else 30]
    #[arg(long)]
    pub(crate) fps: Option<Fps>,
    /// Values of the composition's variables, a JSON object
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    pub(crate) variables: Option<Variables>,
    /// Refuse variables that the composition does not declare or that have the wrong type
    #[arg(long)]
    pub(crate) strict_variables: bool,
}

pub(crate) type Variables = serde_json::Map<String, serde_json::Value>;

#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    #[command(flatten)]
    pub(crate) film: FilmArgs,
    /// File to write, or an object in S3 to be published, `s3://BUCKET/PATH/film.mp4`
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// How close to the lossless frames: draft, standard or high
    #[arg(long, default_value_t = Quality::Standard)]
    pub(crate) quality: Quality,
    /// Activities that share the film [default: by the number of workers]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) chunks: Option<u32>,
    /// Capture pages in parallel within a chunk [default: by cores, memory and what a page keeps busy]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) lanes: Option<u32>,
    /// Service to use [default: the one on 127.0.0.1:7710; where none answers, one is run for the duration]
    #[arg(long, env = "FRAMEWRIGHT_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Name of the render; the same name again attaches to the same render [default: a new one]
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<String>,
    /// Whose render it is
    #[arg(long, default_value = "default", value_name = "NAME")]
    pub(crate) tenant: String,
    /// How long it may take, waiting included, e.g. `10m`; what is rendered by then is kept
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, conflicts_with = "in_process")]
    pub(crate) deadline: Option<Duration>,
    /// Render in this process, without Temporal
    #[arg(long, conflicts_with_all = ["server", "request_id"])]
    pub(crate) in_process: bool,
    /// Print the result as JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) temporal: TemporalArgs,
}

/// Which render, and where.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The render, `tenant/request_id`; the tenant is `default` where it is left away
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    pub(crate) render: StatusArgs,
    /// Why, for whoever looks at the render
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Renders of this tenant alone [default: all]
    #[arg(long, default_value = "", value_name = "NAME")]
    pub(crate) tenant: String,
    /// How many at most: those that run first, then the last to end
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// A service that runs, and how to print what it says.
#[derive(Debug, Args)]
pub(crate) struct ServiceArgs {
    /// Service to ask
    #[arg(long, env = "FRAMEWRIGHT_SERVER", default_value = DEFAULT_GRPC, value_name = "URL")]
    pub(crate) server: String,
    /// Print JSON on stdout: one line for each render
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StillsArgs {
    #[command(flatten)]
    pub(crate) film: FilmArgs,
    /// Frames to write, e.g. `0,30,60`
    #[arg(long, value_delimiter = ',', required = true, value_name = "N,N,…")]
    pub(crate) frames: Vec<u32>,
    /// Folder to write `frame_000030.png` to
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Project: a folder, or a zip file of one
    #[arg(value_name = "PROJECT")]
    pub(crate) project: PathBuf,
    /// HTML file of the composition within the project [default: index.html]
    #[arg(long, value_name = "FILE")]
    pub(crate) entry: Option<String>,
    /// Values of the composition's variables, a JSON object
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    pub(crate) variables: Option<Variables>,
    /// Print all of it as one JSON document on stdout
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) film: FilmArgs,
    /// Chunks to cut the film into [default: by the number of workers]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) chunks: Option<u32>,
    /// Workers to predict for
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) workers: u32,
    /// Cores of each of them [default: those of this machine]
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub(crate) cores: Option<u32>,
    /// Print all of it as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) film: FilmArgs,
    /// How close to the lossless frames: draft, standard or high
    #[arg(long, default_value_t = Quality::Standard)]
    pub(crate) quality: Quality,
    /// Numbers of chunks to measure
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "3,6,8,12",
        value_name = "N,N,…",
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub(crate) chunks: Vec<u32>,
    /// Renders of each number
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) iterations: u32,
    /// Fewest frames of a chunk; numbers of chunks that would give less are lowered
    #[arg(long, default_value_t = 10, value_name = "FRAMES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) chunk_size: u32,
    /// Do not compare with renders in this process, without Temporal
    #[arg(long)]
    pub(crate) skip_inprocess: bool,
    /// Worker processes; each renders one chunk at a time
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) workers: u32,
    /// Capture pages in parallel within a chunk [default: by cores, memory and what a page keeps busy]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) lanes: Option<u32>,
    /// Who asks the browser who draws WebGL; `per-lane` brings back an old disease
    #[arg(long, value_enum, default_value_t)]
    pub(crate) probe: Probe,
    /// What becomes of the browser that was opened first; `discard` brings back an old disease
    #[arg(long, value_enum, default_value_t)]
    pub(crate) warmup: Warmup,
    /// Write everything that was measured to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Draw total over number of chunks to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Where projects, segments and films are kept: a folder or `s3://BUCKET/PREFIX` [default: `store` in the data folder]
    #[arg(long, env = "FRAMEWRIGHT_STORE", value_name = "PLACE")]
    pub(crate) store: Option<String>,
    #[command(flatten)]
    pub(crate) s3: S3Args,
    /// The browser [default: `chromium-headless-shell` on PATH]
    #[arg(long, env = "FRAMEWRIGHT_CHROMIUM", value_name = "FILE")]
    pub(crate) chromium: Option<PathBuf>,
    /// The encoder [default: `ffmpeg` on PATH]
    #[arg(long, env = "FRAMEWRIGHT_FFMPEG", value_name = "FILE")]
    pub(crate) ffmpeg: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

impl Command {
    /// As it is typed.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Dev(_) => "dev",
            Self::Serve(_) => "serve",
            Self::Worker(_) => "worker",
            Self::Render(_) => "render",
            Self::Status(_) => "status",
            Self::List(_) => "list",
            Self::Pause(_) => "pause",
            Self::Resume(_) => "resume",
            Self::Cancel(_) => "cancel",
            Self::Stills(_) => "stills",
            Self::Check(_) => "check",
            Self::Plan(_) => "plan",
            Self::Bench(_) => "bench",
            Self::Doctor(_) => "doctor",
            Self::Config(_) => "config",
            Self::Gc(_) => "gc",
        }
    }
}

impl HabitArgs {
    /// As the flags of a worker.
    pub(crate) fn flags(self) -> [String; 4] {
        [
            "--probe".to_owned(),
            word(self.probe),
            "--warmup".to_owned(),
            word(self.warmup),
        ]
    }
}

impl From<HabitArgs> for Habits {
    fn from(args: HabitArgs) -> Self {
        Self {
            probe: match args.probe {
                Probe::Once => ProbeHabit::Once,
                Probe::PerLane => ProbeHabit::PerLane,
            },
            warmup: match args.warmup {
                Warmup::Keep => WarmupHabit::Keep,
                Warmup::Discard => WarmupHabit::Discard,
            },
        }
    }
}

/// The word for a value, as it is typed.
pub(crate) fn word(value: impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("seconds are expected, 0 to 86400".to_owned()),
    }
}

fn frame_size(text: &str) -> Result<FrameSize, String> {
    let sides = text.split_once('x').ok_or("WIDTHxHEIGHT is expected")?;
    let side = |text: &str| text.parse::<u32>().map_err(|error| error.to_string());
    FrameSize::new(side(sides.0)?, side(sides.1)?).map_err(|error| error.to_string())
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn json_object(text: &str) -> Result<Variables, String> {
    serde_json::from_str(text).map_err(|error| {
        format!("{error}; a JSON object such as {{\"title\": \"Hello\"}} is expected")
    })
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
