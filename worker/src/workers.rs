//! Temporal workers: which activities and workflows this process offers.

use crate::{
    cli::{HabitArgs, Role, WorkerArgs},
    data::Data,
    exit::{Exit, Kind},
    metrics::{self, Endpoint, Metrics},
    readiness::Readiness,
    telemetry::Telemetry,
    temporal,
};
use framewright_activities::{
    Workshop,
    temporal::{ChunkActivities, GeneralActivities, QueueActivities},
};
use framewright_workflows::{RenderWorkflow, policy, queues};
use std::{future::Future, time::Duration};
use temporalio_client::Client;
use temporalio_common::telemetry::TelemetryOptions;
use temporalio_sdk::{
    Runtime, Worker, WorkerOptions,
    runtime::{
        PollerBehavior, RuntimeOptions,
        worker_tuner::{FixedSizeSlotSupplier, TunerHolder, WorkerTuner},
    },
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Plans and assemblies that one worker runs at a time. Each may open a browser.
const GENERAL_SLOTS: usize = 2;

/// `framewright worker`.
pub(crate) async fn run(args: WorkerArgs, telemetry: &Telemetry) -> Result<(), Exit> {
    let Some(server) = temporal::given(&args.temporal)? else {
        return Err(Exit::input("no Temporal server was named").hint(
            "pass `--temporal-address HOST:PORT`, or run everything here with `framewright dev`",
        ));
    };
    let drain = CancellationToken::new();
    let endpoint = match args.metrics {
        Some(address) => Some(Endpoint::open(address, drain.clone()).await?),
        None => None,
    };
    if args.metrics_line
        && let Err(error) = metrics::answer(Metrics::install())
    {
        tracing::warn!(%error, "nobody reads this worker's metrics");
    }
    let data = Data::open(&args.place)?;
    let mut workshop = data.workshop_with(&args.place, args.programs).await?;
    workshop.habits = HabitArgs {
        probe: args.probe,
        warmup: args.warmup,
    }
    .into();
    let identity = args.name.clone().unwrap_or_else(identity);
    if let Some(size) = args.expect {
        let workshop = workshop.clone();
        tokio::spawn(async move { workshop.prepare_browsers(size).await });
    }
    let client = temporal::connect(&server, &identity, telemetry).await?;
    let runtime = runtime()?;
    let has = |role| args.role.contains(&role) || args.role.contains(&Role::All);
    let mut workers = Vec::new();
    if has(Role::Workflows) {
        workers.push(workflows(&runtime, &client)?);
    }
    if has(Role::General) {
        workers.push(general(&runtime, &client, &workshop)?);
    }
    if has(Role::Chunks) {
        workers.push(chunks(&runtime, &client, &workshop, &drain)?);
    }
    if let Some(endpoint) = endpoint {
        endpoint.complete(Readiness {
            temporal: client,
            store: workshop.store.clone(),
        });
    }
    tracing::info!(
        identity,
        temporal = server.address,
        toolchain = workshop.toolchain.fingerprint(),
        chromium = workshop.toolchain.programs.chromium.version,
        ffmpeg = workshop.toolchain.programs.ffmpeg.version,
        "worker is ready"
    );
    let grace = Duration::from_secs_f64(args.grace);
    run_until(workers, drain, asked_to_stop()?.cancelled_owned(), grace).await
}

/// Runs the workers until `stop`, then lets what they do end within `grace`.
///
/// The SDK's workers are not `Send`, so this is awaited at the end of `main`.
pub(crate) async fn run_until(
    mut workers: Vec<Worker>,
    drain: CancellationToken,
    stop: impl Future<Output = ()>,
    grace: Duration,
) -> Result<(), Exit> {
    let stops: Vec<_> = workers.iter().map(Worker::shutdown_handle).collect();
    let running = futures_util::future::try_join_all(workers.iter_mut().map(Worker::run));
    tokio::pin!(running);
    let ended = tokio::select! {
        ended = &mut running => Some(ended),
        () = stop => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            tracing::info!("draining: segments in hand are finished first");
            drain.cancel();
            stops.iter().for_each(|stop| stop());
            match tokio::time::timeout(grace, running).await {
                Ok(ended) => ended,
                Err(_) => {
                    tracing::warn!(
                        ?grace,
                        "gave up waiting; what was in hand is rendered again elsewhere"
                    );
                    return Ok(());
                }
            }
        }
    };
    ended
        .map(drop)
        .map_err(|error| Exit::failed(format!("a worker ended: {error}")))
}

/// Trips at the first SIGTERM or SIGINT. A second one does not wait for an orderly end: the kernel
/// ends our children with us.
pub(crate) fn asked_to_stop() -> Result<CancellationToken, Exit> {
    let catch = |kind| {
        signal(kind).map_err(|error| Exit::machine(format!("signals cannot be caught: {error}")))
    };
    let (mut term, mut int) = (
        catch(SignalKind::terminate())?,
        catch(SignalKind::interrupt())?,
    );
    let stop = CancellationToken::new();
    let first = stop.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if first.is_cancelled() {
                std::process::exit(Kind::Cancelled as i32);
            }
            first.cancel();
        }
    });
    Ok(stop)
}

/// The SDK's core on the runtime that we already run.
pub(crate) fn runtime() -> Result<Runtime, Exit> {
    let telemetry = TelemetryOptions::builder()
        .metrics(metrics::of_the_sdk())
        .attach_service_name(false)
        .build();
    let options = RuntimeOptions::builder()
        .telemetry_options(telemetry)
        .heartbeat_interval(Some(Duration::from_secs(10)))
        .build()
        .map_err(Exit::failed)?;
    Runtime::from_current_tokio(options).map_err(|error| Exit::failed(error.to_string()))
}

/// The workflow code. Needs no browser, and sits with the service, so that a worker that is killed
/// takes no workflow task with it.
pub(crate) fn workflows(runtime: &Runtime, client: &Client) -> Result<Worker, Exit> {
    let options = WorkerOptions::new(queues::WORKFLOWS)
        .max_cached_workflows(500)
        .workflow_task_poller_behavior(PollerBehavior::SimpleMaximum(4))
        .workflow_interceptor(metrics::count_outcomes())
        .register_workflow::<RenderWorkflow>()
        .map_err(|error| Exit::failed(error.to_string()))?
        .register_activities(QueueActivities {
            temporal: client.clone(),
        })
        .build();
    worker(runtime, client, options)
}

fn general(runtime: &Runtime, client: &Client, workshop: &Workshop) -> Result<Worker, Exit> {
    let options = WorkerOptions::new(queues::GENERAL)
        .max_cached_workflows(0)
        .tuner(activity_slots(GENERAL_SLOTS))
        .max_heartbeat_throttle_interval(policy::HEARTBEAT_THROTTLE)
        .default_heartbeat_throttle_interval(policy::HEARTBEAT_THROTTLE)
        .register_activities(GeneralActivities {
            workshop: workshop.clone(),
            temporal: client.clone(),
        })
        .build();
    worker(runtime, client, options)
}

fn chunks(
    runtime: &Runtime,
    client: &Client,
    workshop: &Workshop,
    drain: &CancellationToken,
) -> Result<Worker, Exit> {
    let options = WorkerOptions::new(queues::chunks(workshop.toolchain.fingerprint()))
        .max_cached_workflows(0)
        // One chunk at a time: its lanes are what fills the machine.
        .tuner(activity_slots(1))
        .activity_task_poller_behavior(PollerBehavior::SimpleMaximum(1))
        .max_heartbeat_throttle_interval(policy::HEARTBEAT_THROTTLE)
        .default_heartbeat_throttle_interval(policy::HEARTBEAT_THROTTLE)
        .max_eager_activity_reservations_per_workflow_task(0)
        .register_activities(ChunkActivities {
            workshop: workshop.clone(),
            temporal: client.clone(),
            drain: drain.clone(),
        })
        .build();
    worker(runtime, client, options)
}

/// `max_concurrent_activities` has no setter of its own: it is the size of the slot supplier.
fn activity_slots(slots: usize) -> WorkerTuner {
    TunerHolder::builder()
        .workflow_task_slot_supplier(FixedSizeSlotSupplier::new(1))
        .activity_task_slot_supplier(FixedSizeSlotSupplier::new(slots))
        .local_activity_task_slot_supplier(FixedSizeSlotSupplier::new(1))
        .nexus_task_slot_supplier(FixedSizeSlotSupplier::new(1))
        .build()
        .into()
}

fn worker(runtime: &Runtime, client: &Client, options: WorkerOptions) -> Result<Worker, Exit> {
    Worker::new(runtime, client.clone(), options)
        .map_err(|error| Exit::failed(format!("the worker cannot start: {error}")))
}

/// `host/pid`: what Temporal's UI shows as the worker's identity.
fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}/{}", host.trim(), std::process::id())
}
