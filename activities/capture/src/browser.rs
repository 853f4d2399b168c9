use crate::{
    CaptureError, ProcessorTime, SessionSpec, Wall,
    error::LastWords,
    flags,
    home::{self, Home},
    pipe::{Pipe, StderrTail},
    wall::{
        Gate, Server,
        namespace::{self, Report},
    },
    watch::Peer,
};
use chromiumoxide::cdp::browser_protocol::browser::{CloseParams, GetVersionParams};
use framewright_process::{Process, RENDERER_NICE, group};
use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::{process::Command, time::timeout};

/// One browser: its process tree, the pipe to it, the wall around it and its folder.
///
/// Fields are dropped in this order: nobody writes to the folder any more when it is removed.
pub(crate) struct Browser {
    pub(crate) pipe: Pipe,
    process: Process,
    pub(crate) server: Server,
    /// Where the compositor paints.
    pub(crate) gpu: Peer,
    pub(crate) shelter: Shelter,
    _home: Home,
}

/// What stands between the browser and the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shelter {
    pub(crate) wall: Wall,
    /// Chromium's own sandbox.
    pub(crate) sandbox: bool,
}

/// Whether Chromium's sandbox was seen not to work on this machine.
static NO_SANDBOX: AtomicBool = AtomicBool::new(false);

/// Why one way to start did not work.
enum Failure {
    NoNamespace {
        step: &'static str,
        source: io::Error,
    },
    NoSandbox,
    Other(CaptureError),
}

impl Browser {
    /// Starts a browser behind the best wall, and in the best sandbox, that the machine allows.
    pub(crate) async fn launch(spec: &SessionSpec) -> Result<Self, CaptureError> {
        let mut shelter = Shelter {
            wall: spec.wall,
            sandbox: !NO_SANDBOX.load(Ordering::Relaxed),
        };
        loop {
            match start(spec, shelter).await {
                Ok(browser) => {
                    metrics::counter!("framewright_browsers_started_total").increment(1);
                    return Ok(browser);
                }
                Err(Failure::NoNamespace { step, source }) => {
                    tracing::warn!(
                        step,
                        %source,
                        "the browser cannot have a network of its own: its resolver alone keeps it from this machine's"
                    );
                    shelter.wall = Wall::Loopback;
                }
                Err(Failure::NoSandbox) => {
                    tracing::warn!("Chromium's sandbox does not work here: it runs without");
                    NO_SANDBOX.store(true, Ordering::Relaxed);
                    shelter.sandbox = false;
                }
                Err(Failure::Other(error)) => return Err(error),
            }
        }
    }

    /// Memory of all its processes, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        group::resident_bytes(self.process.id())
    }

    /// How long the threads of all its processes ran.
    pub(crate) fn processor_time(&self) -> ProcessorTime {
        ProcessorTime::of_group(self.process.id())
    }

    /// Ends the browser: asks it, waits, and kills what is left.
    pub(crate) async fn close(mut self, budget: Duration) {
        let _ = self.pipe.call(None, &CloseParams {}, budget).await;
        let _ = timeout(budget, self.process.wait()).await;
        self.process.kill().await;
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Self {
        Self::Other(error)
    }
}

async fn start(spec: &SessionSpec, shelter: Shelter) -> Result<Browser, Failure> {
    let user = home::other_user();
    let home = home::create(spec.scratch.clone(), spec.fonts.clone(), user).await?;
    let loopback = match shelter.wall {
        Wall::Namespace => None,
        Wall::Loopback => Some(
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .map_err(CaptureError::io("listening for the browser"))?,
        ),
    };
    let port = match &loopback {
        None => namespace::PORT,
        Some(listener) => listener
            .local_addr()
            .map_err(CaptureError::io("listening for the browser"))?
            .port(),
    };
    let mut command = command(spec, shelter, &home, port);
    if let Some(user) = user {
        // Without groups: the standard library clears them when root becomes somebody else.
        command.uid(user).gid(user);
    }
    let pipes = CaptureError::io("making a pipe");
    let ((commands, our_commands), (our_answers, answers)) = io::pipe()
        .and_then(|commands| Ok((commands, io::pipe()?)))
        .map_err(pipes)?;
    let preparing = CaptureError::io("preparing the browser's process");
    let preparation = namespace::prepare(
        &mut command,
        commands.into(),
        answers.into(),
        loopback.is_none(),
        user.map_or_else(ourselves, |nobody| (nobody, nobody, true)),
    )
    .map_err(preparing)?;
    let started = framewright_process::spawn(command, RENDERER_NICE).await;
    let report = preparation
        .report()
        .map_err(CaptureError::io("hearing of the browser's process"))?;
    let listener = match (report, loopback) {
        (Report::Refused { step, source }, _) => {
            return Err(Failure::NoNamespace { step, source });
        }
        (Report::Listener(listener), _) | (Report::Nothing, Some(listener)) => Some(listener),
        (Report::Nothing, None) => None,
    };
    let mut process = started.map_err(CaptureError::io("starting the browser"))?;
    let mut stderr = StderrTail::of(process.take_stderr());
    let Some(listener) = listener else {
        let words = stderr.last_words().await;
        return Err(CaptureError::Launch(words).into());
    };
    let server = Server::start(listener, spec.site.clone(), Gate::new(spec.budgets.fonts))?;
    let mut pipe = Pipe::new(
        OwnedFd::from(our_commands),
        OwnedFd::from(our_answers),
        process.id(),
        stderr,
    )
    .map_err(CaptureError::io("opening the pipe to the browser"))?;
    let greeting = pipe
        .call(None, &GetVersionParams {}, spec.budgets.launch)
        .await;
    greeting.map_err(|error| launch_failure(error, shelter))?;
    let gpu = find_gpu(process.id(), spec.budgets.launch).await?;
    let watch = gpu
        .watch()
        .map_err(CaptureError::io("watching the browser's GPU process"))?;
    pipe.watch_gpu(watch);
    Ok(Browser {
        pipe,
        process,
        server,
        gpu,
        shelter,
        _home: home,
    })
}

fn launch_failure(error: CaptureError, shelter: Shelter) -> Failure {
    match error {
        CaptureError::BrowserDied { last_words, .. } => {
            let LastWords(words) = &last_words;
            if shelter.sandbox && words.contains("sandbox") {
                Failure::NoSandbox
            } else {
                CaptureError::Launch(last_words).into()
            }
        }
        other => other.into(),
    }
}

fn command(spec: &SessionSpec, shelter: Shelter, home: &Home, port: u16) -> Command {
    let mut command = Command::new(&spec.chromium.path);
    command.args(flags::FLAGS.iter().map(|flag| flag.switch));
    command.args(flags::sized(spec.size));
    if !shelter.sandbox {
        command.arg("--no-sandbox");
    }
    let folder = home.path();
    command
        .arg(format!("--host-resolver-rules=MAP * 127.0.0.1:{port}"))
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ));
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // What the machine's environment says must not show in a frame.
    command.env_clear().envs([
        ("PATH", "/usr/bin:/bin"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("DBUS_SESSION_BUS_ADDRESS", "disabled:"),
    ]);
    command
        .env("HOME", folder)
        .env("TMPDIR", folder.join("tmp"));
    for (variable, name) in [
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_RUNTIME_DIR", "tmp"),
    ] {
        command.env(variable, folder.join(name));
    }
    if let Some(config) = home.fontconfig() {
        command.env("FONTCONFIG_FILE", config);
    }
    command
}

fn ourselves() -> (u32, u32, bool) {
    let (uid, gid) = std::fs::metadata("/proc/self").map_or((0, 0), |us| (us.uid(), us.gid()));
    (uid, gid, false)
}

/// The process that draws: it starts at the same time as the first answer comes.
async fn find_gpu(group: u32, budget: Duration) -> Result<Peer, CaptureError> {
    let search = async {
        loop {
            if let Some(gpu) = Peer::find(group, "--type=gpu-process") {
                return gpu;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(budget, search)
        .await
        .map_err(|_| CaptureError::Unanswered {
            command: "the start of the GPU process",
            budget,
        })
}
