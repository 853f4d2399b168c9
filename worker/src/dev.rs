//! The whole service on one machine: Temporal, gRPC, pages, workers.
//!
//! Everything but the workers runs in this process; each worker is a process of its own, because
//! it is what dies: a worker that is killed is started again and the render goes on.

use crate::{
    cli::{AddressArgs, AllowArgs, DevArgs, Grant, HabitArgs, RenderArgs, ServeArgs, in_s3},
    crew::{Crew, WorkerLog},
    data::Data,
    exit::Exit,
    metrics::Metrics,
    readiness::Readiness,
    service::{Addresses, AllowList, Beyond, Service},
    telemetry::Telemetry,
    temporal::{self, DevServer, Given, Ports},
    web, workers,
};
use framewright_activities::Programs;
use framewright_film::FrameSize;
use framewright_store::{S3Outside, S3Url};
use std::{fs::File, future::Future, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// How often free ports are looked for.
const PORT_ATTEMPTS: u32 = 3;

/// `framewright dev`.
pub(crate) async fn run(args: DevArgs, telemetry: &Telemetry) -> Result<(), Exit> {
    let stop = workers::asked_to_stop()?;
    // Starting may mean building the Temporal server, for minutes.
    let stack = tokio::select! {
        started = Stack::start(&args, WorkerLog::Ours, telemetry) => started?,
        () = stop.cancelled() => return Ok(()),
    };
    let addresses = stack.addresses();
    let Addresses {
        grpc,
        web,
        temporal_ui,
        temporal,
        ..
    } = addresses;
    if args.json {
        crate::commands::print_json(&serde_json::json!({
            "grpc": grpc, "web": web, "temporal": temporal, "temporal_ui": temporal_ui,
        }));
    }
    anstream::eprintln!("\nframewright is ready\n");
    anstream::eprintln!("  gRPC      {grpc}");
    anstream::eprintln!("  renders   {web}/renders");
    if let Some(ui) = temporal_ui {
        anstream::eprintln!("  Temporal  {ui}");
    }
    anstream::eprintln!("  data      {}", stack.data.root().display());
    anstream::eprintln!("\n  framewright render PROJECT -o film.mp4    in another terminal");
    anstream::eprintln!(
        "  Ctrl-C                                    ends all of it; renders go on at the next start\n"
    );
    stack.serve(stop.cancelled_owned()).await
}

impl From<ServeArgs> for DevArgs {
    /// All of it but the workers.
    fn from(args: ServeArgs) -> Self {
        Self {
            place: args.place,
            temporal: args.temporal,
            addresses: args.addresses,
            allow: args.allow,
            temporal_port: None,
            workers: 0,
            json: args.json,
            own_temporal: false,
            habits: HabitArgs::default(),
            expect: None,
        }
    }
}

/// `framewright serve`.
pub(crate) async fn serve(args: ServeArgs, telemetry: &Telemetry) -> Result<(), Exit> {
    if temporal::given(&args.temporal)?.is_none() {
        return Err(Exit::input("no Temporal server was named").hint(
            "pass `--temporal-address HOST:PORT`, or run everything here with `framewright dev`",
        ));
    }
    run(args.into(), telemetry).await
}

impl DevArgs {
    /// A service that lives for one render, of a film of this size.
    pub(crate) fn for_one_render(args: &RenderArgs, size: Option<FrameSize>) -> Result<Self, Exit> {
        let address = |text: &str| {
            text.parse()
                .map_err(|_| Exit::failed(format!("`{text}` is not an address")))
        };
        Ok(Self {
            place: args.place.clone(),
            temporal: args.temporal.clone(),
            addresses: AddressArgs {
                listen: address(crate::cli::DEFAULT_GRPC)?,
                web: address(crate::cli::DEFAULT_WEB)?,
            },
            allow: named(args),
            temporal_port: None,
            workers: 1,
            json: false,
            own_temporal: false,
            habits: HabitArgs::default(),
            expect: size,
        })
    }
}

/// What the command line names is allowed: it is our own user who asks.
fn named(args: &RenderArgs) -> AllowArgs {
    let grant = |path| {
        let url: S3Url = in_s3(path)?.parse().ok()?;
        let (folder, _) = url.name().rsplit_once('/').unwrap_or_default();
        Some(Grant {
            tenant: args.tenant.clone(),
            place: format!("s3://{}/{folder}", url.bucket()).parse().ok()?,
        })
    };
    AllowArgs {
        allow_source: grant(&args.film.project).into_iter().collect(),
        allow_output: grant(&args.output).into_iter().collect(),
    }
}

/// The parts of a running service, in the order in which they end.
pub(crate) struct Stack {
    service: Arc<Service>,
    sdk: temporalio_sdk::Runtime,
    servers: JoinSet<Result<(), Exit>>,
    stop_servers: CancellationToken,
    workers: Crew,
    temporal: Option<DevServer>,
    data: Data,
    _lock: File,
}

impl Stack {
    /// Starts everything; when this returns, the addresses answer.
    pub(crate) async fn start(
        args: &DevArgs,
        log: WorkerLog,
        telemetry: &Telemetry,
    ) -> Result<Self, Exit> {
        let metrics = Metrics::install();
        // What can be refused at once is refused before anything is started.
        let grpc = listen(args.addresses.listen, "--listen").await?;
        let web = listen(args.addresses.web, "--web").await?;
        let given = match args.own_temporal {
            true => None,
            false => temporal::given(&args.temporal)?,
        };
        let data = Data::open(&args.place)?;
        let lock = data.lock()?;
        let store = data.store(&args.place).await?;
        // A machine without Chromium or ffmpeg is told so here, not by a worker that dies.
        let programs = async {
            match args.workers {
                0 => Ok::<_, Exit>(None),
                _ => {
                    let workshop = data.workshop(&args.place).await?;
                    Ok(Some(workshop.toolchain.programs.clone()))
                }
            }
        };
        let (server, embedded, workers) = match given {
            Some(server) => {
                let programs = programs.await?;
                let workers = Crew::start(args, &server, log, &data, programs.as_ref(), telemetry);
                (server, None, workers)
            }
            None => {
                let (server, embedded, workers) =
                    embedded(args, log, &data, programs, telemetry).await?;
                (server, Some(embedded), workers)
            }
        };
        let client = temporal::connect(
            &server,
            &format!("framewright/{}", std::process::id()),
            telemetry,
        )
        .await?;
        match embedded {
            Some(_) => temporal::keep_history(&client).await,
            None => temporal::register_search_attributes(&client).await,
        }
        let temporal_ui = args.temporal.temporal_ui.clone().or_else(|| {
            let ports = embedded.as_ref()?.ports;
            Some(format!("http://127.0.0.1:{}", ports.ui))
        });
        let addresses = Addresses {
            grpc: format!("http://{}", local_address(&grpc)?),
            web: format!("http://{}", local_address(&web)?),
            temporal_ui,
            temporal: server.address.clone(),
            namespace: server.namespace.clone(),
        };
        metrics.with_workers(workers.lines());
        let readiness = Readiness {
            temporal: client.clone(),
            store: store.clone(),
        };
        data.note_server(&server.address);
        let beyond = Beyond {
            allow: AllowList::new(&args.allow, args.place.store.as_deref()),
            outside: S3Outside::new(args.place.s3.options()),
        };
        let service = Arc::new(Service::new(
            client,
            store,
            data.uploads()?,
            addresses,
            beyond,
        ));
        let stop_servers = CancellationToken::new();
        let mut servers = JoinSet::new();
        servers.spawn(service.clone().serve_grpc(grpc, stop_servers.clone()));
        servers.spawn(web::serve(
            service.clone(),
            readiness,
            metrics,
            web,
            stop_servers.clone(),
        ));
        let stack = Self {
            sdk: workers::runtime()?,
            service,
            servers,
            stop_servers,
            workers,
            temporal: embedded,
            data,
            _lock: lock,
        };
        Ok(stack)
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        self.service.addresses()
    }

    /// The connection to Temporal.
    pub(crate) fn temporal(&self) -> temporalio_client::Client {
        self.service.temporal().clone()
    }

    /// Serves as long as `work` takes. It ends before this returns, so that nothing of it is left.
    pub(crate) async fn serve_while<T>(
        self,
        work: impl Future<Output = Result<T, Exit>>,
    ) -> Result<T, Exit> {
        let done = CancellationToken::new();
        let over = CancellationToken::new();
        let worked = async {
            let worked = tokio::select! {
                worked = work => Some(worked),
                () = over.cancelled() => None,
            };
            done.cancel();
            worked
        };
        let served = async {
            let served = self.serve(done.cancelled()).await;
            over.cancel();
            served
        };
        let (worked, served) = tokio::join!(worked, served);
        match (worked, served) {
            (Some(worked), served) => worked.and_then(|value| served.map(|()| value)),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(Exit::failed("the service ended early")),
        }
    }

    /// Serves until `stop` or until a part ends that must not; then ends everything within 5 s.
    pub(crate) async fn serve(mut self, stop: impl Future<Output = ()>) -> Result<(), Exit> {
        let worker = workers::workflows(&self.sdk, self.service.temporal())?;
        let stop_workflows = CancellationToken::new();
        let workflows = workers::run_until(
            vec![worker],
            CancellationToken::new(),
            stop_workflows.clone().cancelled_owned(),
            Duration::from_secs(1),
        );
        tokio::pin!(workflows);
        let ended = tokio::select! {
            () = stop => Ok(()),
            ended = &mut workflows => ended,
            Some(ended) = self.servers.join_next() => ended.unwrap_or_else(|error| Err(Exit::failed(error.to_string()))),
            lost = temporal_lost(&mut self.temporal, &self.data) => Err(lost),
        };
        tracing::info!("stopping");
        // The workflow worker goes on while the chunk workers drain: it takes their results.
        let drain = self.workers.stop();
        tokio::select! {
            () = drain => {}
            _ = &mut workflows => {}
        }
        stop_workflows.cancel();
        self.stop_servers.cancel();
        self.servers.abort_all();
        if let Some(server) = self.temporal {
            server.stop().await;
        }
        ended
    }
}

/// The embedded server, and workers that come up, with their browsers, while it does.
async fn embedded(
    args: &DevArgs,
    log: WorkerLog,
    data: &Data,
    programs: impl Future<Output = Result<Option<Programs>, Exit>>,
    telemetry: &Telemetry,
) -> Result<(Given, DevServer, Crew), Exit> {
    let chosen_here = matches!(args.temporal_port, None | Some(0));
    let ports = Ports::choose(args.temporal_port)?;
    let (programs, mut server) = tokio::try_join!(programs, DevServer::start(data, ports))?;
    let mut attempt = 1;
    loop {
        let address = Given::local(server.ports.grpc)?;
        let workers = Crew::start(args, &address, log, data, programs.as_ref(), telemetry);
        match server.wait_until_it_answers(data).await {
            Ok(()) => return Ok((address, server, workers)),
            // A port that was free can be somebody else's by the time the server asks for it.
            Err(error) if chosen_here && attempt < PORT_ATTEMPTS && server.has_ended() => {
                tracing::warn!(error = error.message(), "other ports are tried");
            }
            Err(error) => return Err(error),
        }
        workers.stop().await;
        server = DevServer::start(data, Ports::choose(Some(0))?).await?;
        attempt += 1;
    }
}

/// Returns when the embedded server, if there is one, cannot be kept alive.
async fn temporal_lost(server: &mut Option<DevServer>, data: &Data) -> Exit {
    match server {
        Some(server) => server.supervise(data).await,
        None => std::future::pending().await,
    }
}

async fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener, Exit> {
    TcpListener::bind(address).await.map_err(|error| {
        Exit::machine(format!("`{address}` cannot be listened on: {error}")).hint(format!(
            "stop what uses it, or name another address with `{flag}`"
        ))
    })
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr, Exit> {
    listener
        .local_addr()
        .map_err(|error| Exit::machine(error.to_string()))
}
