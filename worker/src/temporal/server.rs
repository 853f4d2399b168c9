//! The embedded Temporal server: the official CLI's dev server on a SQLite file.

use crate::{data::Data, exit::Exit};
use framewright_process::Process;
use framewright_workflows::queues::SEARCH_ATTRIBUTES;
use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, process::Command};

/// From start to the first answer. It takes half a second on a quiet machine.
const START_BUDGET: Duration = Duration::from_secs(30);

/// A server that lived this long after its start was well; an end before that is one in a row. What
/// a start cannot mend, a locked database, a taken port or a full disk, ends it within a second.
const HEALTHY: Duration = Duration::from_secs(3);
/// So many ends in a row are no accident.
const MOST_ENDS: u32 = 6;
/// Before the server is started again: at once after a long life, then longer each time.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Beyond the defaults: priorities and fairness in strict order, which needs a single partition;
/// `temporal worker list`.
const DYNAMIC_CONFIG: [&str; 6] = [
    "matching.useNewMatcher=true",
    "matching.enableFairness=true",
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    "frontend.WorkerHeartbeatsEnabled=true",
    "frontend.ListWorkersEnabled=true",
];

/// Where the server listens, on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// gRPC.
    pub(crate) grpc: u16,
    /// Web UI.
    pub(crate) ui: u16,
}

/// A running server. It ends with this process, however that ends; its history stays.
pub(crate) struct DevServer {
    process: Process,
    pub(crate) ports: Ports,
    program: PathBuf,
    begun: Instant,
}

impl Ports {
    /// The port that was named and the one 1000 above; else Temporal's usual ones, or free ones
    /// if those are taken.
    pub(crate) fn choose(named: Option<u16>) -> Result<Self, Exit> {
        let usual = Self {
            grpc: 7233,
            ui: 8233,
        };
        match named {
            None if is_free(usual.grpc) && is_free(usual.ui) => Ok(usual),
            None | Some(0) => {
                Self::free().map_err(|error| Exit::machine(format!("no free port: {error}")))
            }
            Some(grpc) => {
                let ui = grpc.checked_add(1000).ok_or_else(|| {
                    Exit::input(format!(
                        "port {grpc} leaves no room for the Web UI 1000 above it"
                    ))
                })?;
                match [grpc, ui].into_iter().find(|&port| !is_free(port)) {
                    None => Ok(Self { grpc, ui }),
                    Some(port) => Err(Exit::machine(format!("port {port} is taken")).hint(
                        "name another with `--temporal-port`, or leave it away to have a free one chosen",
                    )),
                }
            }
        }
    }

    fn free() -> std::io::Result<Self> {
        // Both sockets are held until both ports are known, or they could be the same.
        let one = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let two = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self {
            grpc: one.local_addr()?.port(),
            ui: two.local_addr()?.port(),
        })
    }
}

impl DevServer {
    /// Starts the server on the data folder's database. It does not answer yet.
    pub(crate) async fn start(data: &Data, ports: Ports) -> Result<Self, Exit> {
        let program = super::obtain().await?;
        end_orphan(data).await;
        let process = spawn(&program, data, ports).await?;
        Ok(Self {
            process,
            ports,
            program,
            begun: Instant::now(),
        })
    }

    /// Keeps the server alive, on the same ports and the same database: one that ends is started
    /// again, and one that was stopped is ended first. Clients reconnect by themselves.
    ///
    /// Returns only when it ends again and again.
    pub(crate) async fn supervise(&mut self, data: &Data) -> Exit {
        let mut ends = 0;
        loop {
            let how = self.end_of_life().await;
            ends = match self.begun.elapsed() < HEALTHY {
                true => ends + 1,
                false => 1,
            };
            if ends == MOST_ENDS {
                return Exit::failed(format!(
                    "the embedded Temporal server ended {ends} times in a row ({how})"
                ))
                .hint(hint(data));
            }
            let pause = match ends {
                1 => Duration::ZERO,
                again => Duration::from_millis(125 << again).min(LONGEST_PAUSE),
            };
            tracing::warn!(
                how,
                ends,
                ?pause,
                "the embedded Temporal server is started again"
            );
            tokio::time::sleep(pause).await;
            self.begun = Instant::now();
            match spawn(&self.program, data, self.ports).await {
                Ok(process) => self.process = process,
                // Counts as an end: the one that is gone is found gone again.
                Err(error) => tracing::error!(error = error.message(), "Temporal"),
            }
            match self.wait_until_it_answers(data).await {
                Ok(()) => tracing::info!(
                    after = ?self.begun.elapsed(),
                    "the embedded Temporal server answers again"
                ),
                Err(error) => {
                    tracing::warn!(error = error.message(), "the embedded Temporal server");
                    self.process.kill().await;
                }
            }
        }
    }

    /// Waits for the end of the server, and how it came.
    async fn end_of_life(&mut self) -> String {
        // It would keep its connections and answer nobody.
        let stopped = framewright_process::stopped(self.process.id());
        let how = tokio::select! {
            ended = self.process.wait() => match ended {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            },
            () = stopped => "it was stopped".to_owned(),
        };
        self.process.kill().await;
        how
    }

    /// Ends the server, at once: its own orderly shutdown takes 3 s, and SQLite keeps what was
    /// committed either way.
    pub(crate) async fn stop(mut self) {
        self.process.kill().await;
    }

    /// Whether the server has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }

    /// Waits until the server answers.
    pub(crate) async fn wait_until_it_answers(&mut self, data: &Data) -> Result<(), Exit> {
        let begun = Instant::now();
        let hint = hint(data);
        loop {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(Exit::machine(format!(
                    "the embedded Temporal server ended at once ({status})"
                ))
                .hint(hint));
            }
            let answers = TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports.grpc))
                .await
                .is_ok();
            if answers {
                return Ok(());
            }
            if begun.elapsed() > START_BUDGET {
                return Err(Exit::machine(format!(
                    "the embedded Temporal server did not answer within {} s",
                    START_BUDGET.as_secs()
                ))
                .hint(hint));
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

fn hint(data: &Data) -> String {
    let log = data.root().join("logs/temporal.log");
    format!("its log is `{}`", log.display())
}

async fn spawn(program: &Path, data: &Data, ports: Ports) -> Result<Process, Exit> {
    let log = data.log("temporal.log")?;
    let errors = log
        .try_clone()
        .map_err(|error| Exit::machine(error.to_string()))?;
    let mut command = Command::new(program);
    command
        .args([
            "server",
            "start-dev",
            "--ip",
            "127.0.0.1",
            "--log-level",
            "warn",
        ])
        .arg("--db-filename")
        .arg(data.temporal_database())
        .args([
            "--port",
            &ports.grpc.to_string(),
            "--ui-port",
            &ports.ui.to_string(),
        ])
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors);
    for (name, kind) in SEARCH_ATTRIBUTES {
        command.args(["--search-attribute", &format!("{name}={kind}")]);
    }
    for setting in DYNAMIC_CONFIG {
        command.args(["--dynamic-config-value", setting]);
    }
    let process = framewright_process::spawn(command, 0)
        .await
        .map_err(|error| {
            Exit::machine(format!(
                "`{}` cannot be started: {error}",
                program.display()
            ))
        })?;
    // Helps to recognise it should we ever leave it behind.
    let _ = fs::write(data.root().join("temporal.pid"), process.id().to_string());
    Ok(process)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The caller holds the data folder's lock, so a server that still has its database open lost its
/// parent: it would keep SQLite's lock and ours would not start.
async fn end_orphan(data: &Data) {
    let noted = fs::read_to_string(data.root().join("temporal.pid"));
    let Some(pid) = noted.ok().and_then(|text| text.trim().parse::<i32>().ok()) else {
        return;
    };
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let database = data.temporal_database();
    let ours = command_line
        .split(|&byte| byte == 0)
        .any(|argument| argument == database.as_os_str().as_encoded_bytes());
    if !ours {
        return;
    }
    tracing::warn!(pid, "ending a Temporal server that lost its parent");
    // SAFETY: kill takes no pointers; the process was recognised by its command line.
    #[allow(unsafe_code)]
    unsafe {
        libc::kill(pid, libc::SIGKILL);
    }
    for _ in 0..100 {
        if fs::metadata(format!("/proc/{pid}")).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
