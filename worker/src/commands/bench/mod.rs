//! `framewright bench`: the real service, measured by the number of chunks.
//!
//! One service of its own (embedded Temporal, gRPC, worker processes; free ports, a temporary data
//! folder) renders the film again and again. The configurations take turns, so that a machine that
//! gets slower or faster meanwhile does so for all of them.

mod chart;
mod history;
mod numbers;
mod report;
mod round;

use super::{pack, request};
use crate::{
    cli::{AddressArgs, AllowArgs, BenchArgs, DevArgs, HabitArgs, PlaceArgs, S3Args, TemporalArgs},
    client::Client,
    crew::WorkerLog,
    data::Data,
    dev::Stack,
    exit::Exit,
    telemetry::Telemetry,
    workers,
};
use framewright_activities::{Failure, Scratch, Workshop, plan};
use framewright_store::S3Outside;
use framewright_workflows::Film;
use report::Report;
use round::{Rounds, Wanted};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// `framewright bench`.
pub(crate) async fn bench(args: BenchArgs, telemetry: &Telemetry) -> Result<(), Exit> {
    for file in [&args.json, &args.svg].into_iter().flatten() {
        // An hour of measuring must not end with a file that cannot be written.
        drop(crate::client::part_beside(file)?);
    }
    let archive = pack(&args.film, &S3Outside::new(args.s3.options()))
        .await?
        .archive;
    let stop = workers::asked_to_stop()?;
    let place = Place::open(&args)?;
    tokio::select! {
        measured = measure(&args, archive, &place, telemetry) => present(&args, &measured?),
        () = stop.cancelled() => Err(Exit::cancelled()),
    }
}

/// Where this run keeps what it makes. Gone when it is dropped; should the process be killed, the
/// next framewright to start removes it.
struct Place {
    args: PlaceArgs,
    data: Data,
    folder: TempDir,
    _scratch: Scratch,
}

async fn measure(
    args: &BenchArgs,
    archive: Vec<u8>,
    place: &Place,
    telemetry: &Telemetry,
) -> Result<Report, Exit> {
    let workshop = place.data.workshop(&place.args).await?;
    let film = rehearse(args, &workshop).await?;
    forget_plans(place.data.root())?;
    let wanted = configurations(args, &film);
    let begun = report::Machine::now();

    let stack = Stack::start(&place.service(args)?, WorkerLog::File, telemetry).await?;
    let temporal = stack.temporal();
    let client = Client::connect(&stack.addresses().grpc).await?;
    let rounds = Rounds::new(args, &film, client, temporal, &workshop, place.data.root());
    let configurations = stack.serve_while(rounds.run(archive, wanted)).await?;
    Report::new(args, film, begun, configurations)
}

/// Plans the film once, here: to know how long it is, and so that the first render that is
/// measured does not fetch what the others find fetched, nor reads Chromium from a cold disk.
async fn rehearse(args: &BenchArgs, workshop: &Workshop) -> Result<Film, Exit> {
    let request = request(workshop, &args.film, args.quality, Some(1)).await?;
    Ok(plan::plan(workshop, &request).await?)
}

/// A segment that the store has is not rendered again, and the same film is the same plan. So
/// all plans are taken out of the store, a local folder of our own, between two renders. Projects
/// and what was fetched stay.
fn forget_plans(data: &Path) -> Result<(), Exit> {
    match fs::remove_dir_all(data.join("store/plans")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::scratch("removing the segments of the render before")(error).into())
        }
        _ => Ok(()),
    }
}

/// The numbers of chunks that the film allows, rising, and a word about those that it does not.
fn configurations(args: &BenchArgs, film: &Film) -> Vec<Wanted> {
    let most = (film.frames / args.chunk_size)
        .min(film.segments().count())
        .max(1);
    let mut chunks: Vec<_> = args
        .chunks
        .iter()
        .map(|&asked| {
            if asked > most {
                anstream::eprintln!(
                    "{asked} chunks are lowered to {most}: the film has {} frames in {} segments, and a chunk has at least {} frames (`--chunk-size`) and one segment",
                    film.frames,
                    film.segments().count(),
                    args.chunk_size
                );
            }
            asked.min(most)
        })
        .collect();
    chunks.sort_unstable();
    chunks.dedup();
    let in_process = (!args.skip_inprocess).then_some(Wanted::InProcess);
    in_process
        .into_iter()
        .chain(chunks.into_iter().map(Wanted::Chunks))
        .collect()
}

fn present(args: &BenchArgs, report: &Report) -> Result<(), Exit> {
    let write = |file: &PathBuf, text: String| {
        fs::write(file, text).map_err(|error| {
            Exit::machine(format!("`{}` cannot be written: {error}", file.display()))
        })
    };
    if let Some(file) = &args.json {
        let json = serde_json::to_string_pretty(report);
        write(
            file,
            json.map_err(|error| Exit::failed(error.to_string()))? + "\n",
        )?;
    }
    if let Some(file) = &args.svg {
        write(file, chart::draw(report)?)?;
    }
    super::print_text(&report.to_string());
    report.check()
}

impl Place {
    fn open(args: &BenchArgs) -> Result<Self, Exit> {
        let making = "making a folder for the benchmark";
        let scratch = Scratch::open(None).map_err(Failure::scratch(making))?;
        let folder = scratch.folder("bench").map_err(Failure::scratch(making))?;
        let place = PlaceArgs {
            config: None,
            store: None,
            s3: S3Args::default(),
            cache_size: bytesize::ByteSize::gib(4),
            data: Some(folder.path().join("data")),
            scratch: Some(folder.path().join("scratch")),
            chromium: args.chromium.clone(),
            ffmpeg: args.ffmpeg.clone(),
        };
        Ok(Self {
            data: Data::open(&place)?,
            args: place,
            folder,
            _scratch: scratch,
        })
    }

    fn service(&self, args: &BenchArgs) -> Result<DevArgs, Exit> {
        tracing::debug!(folder = %self.folder.path().display(), "a service for the benchmark");
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(DevArgs {
            expect: None,
            place: self.args.clone(),
            temporal: TemporalArgs::default(),
            addresses: AddressArgs {
                listen: free,
                web: free,
            },
            allow: AllowArgs::default(),
            temporal_port: Some(0),
            workers: args.workers,
            json: false,
            // Another server's workers would take our chunks.
            own_temporal: true,
            habits: HabitArgs {
                probe: args.probe,
                warmup: args.warmup,
            },
        })
    }
}
