//! `framewright render`: project → film, through the service.

use super::{Packed, in_process, pack, print_json};
use crate::{
    cli::{DEFAULT_GRPC, DevArgs, FilmArgs, RenderArgs, in_s3},
    client::{Board, Client, state_word},
    crew::WorkerLog,
    dev::Stack,
    exit::{Exit, Kind, kind_of},
    telemetry::Telemetry,
    workers,
};
use framewright_activities::Failure;
use framewright_film::{FrameSize, Quality};
use framewright_proto::v1::{
    self, CreateRenderRequest, CreateRenderResponse, Render, RenderOptions, RenderState,
};
use framewright_store::{S3Outside, S3Url};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// From a request to stop to the last process gone.
const CANCEL_BUDGET: Duration = Duration::from_secs(15);

/// `framewright render`.
pub(crate) async fn render(args: RenderArgs, telemetry: &Telemetry) -> Result<(), Exit> {
    // What can be refused at once is refused before anything is started.
    match in_s3(&args.output) {
        None => drop(crate::client::part_beside(&args.output)?),
        Some(text) => {
            let url: S3Url = text.parse().map_err(Failure::from)?;
            if url.is_folder() {
                return Err(Exit::input(format!("`{url}` is a folder"))
                    .hint("name the object that the film shall be, such as `film.mp4` in it"));
            }
        }
    }
    if args.in_process {
        return in_process::render(&args).await;
    }
    let (project, size) = match in_s3(&args.film.project) {
        // The service reads it, if it lets us.
        Some(text) => {
            let url: S3Url = text.parse().map_err(Failure::from)?;
            (Project::InS3(url), None)
        }
        None => {
            let outside = S3Outside::new(args.place.s3.options());
            let Packed { archive, size } = pack(&args.film, &outside).await?;
            (Project::Packed(archive), Some(size))
        }
    };
    let stop = workers::asked_to_stop()?;
    if let Some(server) = &args.server {
        let client = Client::connect(server).await?;
        return through(client, &args, project, stop).await;
    }
    if let Ok(client) = Client::connect(DEFAULT_GRPC).await {
        return through(client, &args, project, stop).await;
    }
    embedded(&args, project, size, stop, telemetry).await
}

/// What a project is called by the service.
enum Named {
    /// It was uploaded.
    Project(String),
    /// The service reads it itself.
    Source(String),
}

/// What is to be rendered.
enum Project {
    /// A zip file that is here.
    Packed(Vec<u8>),
    /// Something that the service can read.
    InS3(S3Url),
}

/// Brings up the service for the duration of the render.
async fn embedded(
    args: &RenderArgs,
    project: Project,
    size: Option<FrameSize>,
    stop: CancellationToken,
    telemetry: &Telemetry,
) -> Result<(), Exit> {
    anstream::eprintln!("no service answers at {DEFAULT_GRPC}: running one for this render");
    let dev = DevArgs::for_one_render(args, size)?;
    let stack = tokio::select! {
        started = Stack::start(&dev, WorkerLog::File, telemetry) => started?,
        () = stop.cancelled() => return Err(Exit::cancelled()),
    };
    let client = Client::connect(&stack.addresses().grpc).await?;
    stack
        .serve_while(through(client, args, project, stop))
        .await
}

/// Uploads, submits, watches, downloads.
#[tracing::instrument(name = "render", skip_all, fields(project = %args.film.project.display()))]
async fn through(
    mut client: Client,
    args: &RenderArgs,
    project: Project,
    stop: CancellationToken,
) -> Result<(), Exit> {
    let begun = Instant::now();
    let mut board = Board::new();
    let named = match project {
        Project::Packed(archive) => {
            board.stage("uploading", &args.film.project.display().to_string());
            Named::Project(client.upload(archive, &args.tenant).await?)
        }
        Project::InS3(url) => {
            board.stage("reading", &url.to_string());
            Named::Source(url.to_string())
        }
    };
    let created = client.create(create_request(args, named)).await?;
    announce(&board, &created);

    let watched = {
        let mut watching = client.clone();
        let watch = watching.watch(&created.render_id, |render| board.show(render));
        tokio::pin!(watch);
        tokio::select! {
            watched = &mut watch => Some(watched?),
            () = stop.cancelled() => None,
        }
    };
    let Some(render) = watched else {
        board.stage("cancelling", &created.render_id);
        let cancelled = async {
            client
                .cancel(&created.render_id, "Ctrl-C in the terminal")
                .await?;
            client.watch(&created.render_id, |_| {}).await
        };
        let ended = tokio::time::timeout(CANCEL_BUDGET, cancelled)
            .await
            .map_err(|_| {
                Exit::new(
                    Kind::Cancelled,
                    "the render was asked to stop and has not yet",
                )
                .hint(format!("look at {}", created.page_url))
            })??;
        board.clear();
        return match ended.state() {
            // It was faster than the request to stop.
            RenderState::Succeeded => Err(Exit::cancelled().hint(format!(
                "the render had just finished; `framewright render … --request-id {}` downloads it",
                request_id(&created)
            ))),
            _ => Err(Exit::cancelled()),
        };
    };
    let output = match (render.state(), &render.output) {
        (RenderState::Succeeded, Some(output)) => output.clone(),
        _ => return Err(ended_badly(&render)),
    };
    if in_s3(&args.output).is_none() {
        board.stage("downloading", &args.output.display().to_string());
        client
            .download(&created.render_id, &args.output, &output)
            .await?;
    }
    board.clear();

    let seconds = begun.elapsed().as_secs_f64();
    let film = render.film.clone().unwrap_or_default();
    anstream::eprintln!(
        "{}: {} frames, {}x{} at {} fps, {} bytes, in {seconds:.1} s\nsha256 {}",
        args.output.display(),
        film.frames,
        film.width,
        film.height,
        film.fps,
        output.size_bytes,
        output.sha256
    );
    if args.json {
        print_json(&serde_json::json!({
            "render_id": created.render_id,
            "state": state_word(render.state()),
            "output": args.output,
            "sha256": output.sha256,
            "size_bytes": output.size_bytes,
            "plan_id": film.plan_id,
            "frames": film.frames,
            "fps": film.fps,
            "width": film.width,
            "height": film.height,
            "chunks": render.chunks.len(),
            "seconds": seconds,
            "page_url": created.page_url,
            "temporal_url": created.temporal_url,
        }));
    }
    Ok(())
}

fn announce(board: &Board, created: &CreateRenderResponse) {
    board.say(&format!("render   {}", created.render_id));
    board.say(&format!("watch    {}", created.page_url));
    if !created.temporal_url.is_empty() {
        board.say(&format!("Temporal {}", created.temporal_url));
    }
}

fn create_request(args: &RenderArgs, project: Named) -> CreateRenderRequest {
    let mut request = CreateRenderRequest {
        request_id: args.request_id.clone().unwrap_or_else(new_request_id),
        tenant: args.tenant.clone(),
        options: Some(RenderOptions {
            max_duration: args.deadline.and_then(|most| most.try_into().ok()),
            ..options(&args.film, args.quality, args.chunks, args.lanes)
        }),
        output: in_s3(&args.output).unwrap_or_default().to_owned(),
        ..CreateRenderRequest::default()
    };
    match project {
        Named::Project(id) => request.project_id = id,
        Named::Source(url) => request.source = url,
    }
    request
}

/// What is asked of the service for a film.
pub(super) fn options(
    film: &FilmArgs,
    quality: Quality,
    chunks: Option<u32>,
    lanes: Option<u32>,
) -> RenderOptions {
    let quality = match quality {
        Quality::Draft => v1::Quality::Draft,
        Quality::Standard => v1::Quality::Standard,
        Quality::High => v1::Quality::High,
    };
    RenderOptions {
        entry: film.entry.clone().unwrap_or_default(),
        fps: film.fps.map_or_else(String::new, |fps| fps.to_string()),
        quality: quality.into(),
        chunks: chunks.unwrap_or(0),
        lanes: lanes.unwrap_or(0),
        variables: film.variables.clone().map(wire_struct),
        strict_variables: film.strict_variables,
        max_duration: None,
    }
}

/// Sorts by time and reads well in a list: `20261124-081500-3f9a`.
fn new_request_id() -> String {
    use std::time::{SystemTime, UNIX_EPOCH};
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let digits: String = time.chars().filter(char::is_ascii_digit).collect();
    let (day, clock) = digits.split_at(8);
    let salt = now.subsec_nanos() ^ std::process::id().rotate_left(16);
    format!("{day}-{clock}-{:04x}", salt & 0xffff)
}

fn request_id(created: &CreateRenderResponse) -> &str {
    created
        .render_id
        .split_once('/')
        .map_or("", |(_, request)| request)
}

/// Why there is no film.
pub(super) fn ended_badly(render: &Render) -> Exit {
    let Some(error) = &render.error else {
        return match render.state() {
            RenderState::Cancelled => Exit::cancelled(),
            state => Exit::failed(format!("the render ended as {}", state_word(state))),
        };
    };
    let exit = Exit::new(kind_of(&error.code), error.message.clone()).reason(error.code.clone());
    if error.hint.is_empty() {
        exit.hint(format!("look at {}", render.page_url))
    } else {
        exit.hint(error.hint.clone())
    }
}

fn wire_struct(fields: crate::cli::Variables) -> prost_types::Struct {
    let fields = fields
        .into_iter()
        .map(|(name, value)| (name, wire_value(value)));
    prost_types::Struct {
        fields: fields.collect(),
    }
}

fn wire_value(value: serde_json::Value) -> prost_types::Value {
    use prost_types::value::Kind;
    use serde_json::Value;
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(value),
        Value::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or(f64::NAN)),
        Value::String(value) => Kind::StringValue(value),
        Value::Array(values) => Kind::ListValue(prost_types::ListValue {
            values: values.into_iter().map(wire_value).collect(),
        }),
        Value::Object(fields) => Kind::StructValue(wire_struct(fields)),
    };
    prost_types::Value { kind: Some(kind) }
}
