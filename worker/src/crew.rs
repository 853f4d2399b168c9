//! The workers of a service on one machine, each a process of its own. One that dies is started again.

use crate::{
    cli::{DevArgs, HabitArgs, PlaceArgs},
    config,
    data::Data,
    metrics::Lines,
    telemetry::Telemetry,
    temporal::Given,
};
use framewright_activities::Programs;
use framewright_film::FrameSize;
use framewright_process::Process;
use std::time::{Duration, Instant};
use tokio::{process::Command, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// After a request to stop: the segments in hand, then the end. All of it must be over in 5 s.
const WORKER_GRACE: Duration = Duration::from_millis(2000);

/// A worker that dies sooner than this after its start is started again more slowly.
const HEALTHY: Duration = Duration::from_secs(10);

/// Where the workers' logs go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WorkerLog {
    /// To our stderr.
    Ours,
    /// To a file in the data folder.
    File,
}

/// The worker processes.
pub(crate) struct Crew {
    supervisors: JoinSet<()>,
    stop: CancellationToken,
    lines: Lines,
}

impl Crew {
    pub(crate) fn start(
        args: &DevArgs,
        server: &Given,
        log: WorkerLog,
        data: &Data,
        programs: Option<&Programs>,
        telemetry: &Telemetry,
    ) -> Self {
        let programs = programs.and_then(|programs| serde_json::to_string(programs).ok());
        let stop = CancellationToken::new();
        let mut supervisors = JoinSet::new();
        let lines = Lines::default();
        for number in 1..=args.workers {
            let order = WorkerOrder {
                name: format!("worker-{number}"),
                place: PlaceArgs {
                    data: Some(data.root().clone()),
                    ..args.place.clone()
                },
                habits: args.habits,
                expect: args.expect,
                programs: programs.clone(),
                server: server.clone(),
                log,
                log_flags: telemetry.flags().to_vec(),
                data: data.clone(),
                lines: lines.clone(),
            };
            supervisors.spawn(supervise(order, stop.clone()));
        }
        Self {
            supervisors,
            stop,
            lines,
        }
    }

    /// By which the workers are asked for their metrics.
    pub(crate) fn lines(&self) -> Lines {
        self.lines.clone()
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while self.supervisors.join_next().await.is_some() {}
    }
}

struct WorkerOrder {
    name: String,
    place: PlaceArgs,
    habits: HabitArgs,
    expect: Option<FrameSize>,
    /// For the first start alone: later they may be others.
    programs: Option<String>,
    server: Given,
    log: WorkerLog,
    log_flags: Vec<String>,
    data: Data,
    lines: Lines,
}

async fn supervise(mut order: WorkerOrder, stop: CancellationToken) {
    let mut pause = Duration::from_millis(100);
    loop {
        let begun = Instant::now();
        match order.spawn().await {
            Ok(mut worker) => {
                let stopped = framewright_process::stopped(worker.id());
                tokio::select! {
                    status = worker.wait() => tracing::warn!(worker = order.name, ?status, "a worker ended and is started again"),
                    // It holds its place and does nothing: without it, its chunk waits for nobody.
                    () = stopped => tracing::warn!(worker = order.name, "a worker was stopped and is started again"),
                    () = stop.cancelled() => {
                        worker.end(WORKER_GRACE + Duration::from_millis(300)).await;
                        return;
                    }
                }
                worker.kill().await;
            }
            Err(error) => {
                tracing::error!(worker = order.name, %error, "a worker cannot be started")
            }
        }
        order.programs = None;
        metrics::counter!("framewright_worker_restarts_total", "worker" => order.name.clone())
            .increment(1);
        pause = if begun.elapsed() > HEALTHY {
            Duration::from_millis(100)
        } else {
            (pause * 2).min(Duration::from_secs(10))
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

impl WorkerOrder {
    async fn spawn(&self) -> std::io::Result<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["worker", "--role", "chunks,general", "--name", &self.name])
            .args(["--grace", &WORKER_GRACE.as_secs_f64().to_string()])
            .args(["--temporal-address", &self.server.address])
            .args(["--temporal-namespace", &self.server.namespace])
            .args(self.habits.flags())
            .args(&self.log_flags)
            .arg("--metrics-line")
            // Workers of one box cannot all listen where one was told to.
            .env_remove("FRAMEWRIGHT_METRICS")
            .stdin(self.lines.open(&self.name)?);
        let PlaceArgs {
            config: file,
            cache_size,
            data,
            scratch,
            store,
            s3,
            chromium,
            ffmpeg,
        } = &self.place;
        let paths = [
            // The worker shall not look for another one.
            (
                "--config",
                &Some(file.clone().unwrap_or_else(|| config::NONE.into())),
            ),
            ("--data", data),
            ("--scratch", scratch),
            ("--chromium", chromium),
            ("--ffmpeg", ffmpeg),
        ];
        for (flag, path) in paths {
            if let Some(path) = path {
                command.arg(flag).arg(path);
            }
        }
        if let Some(store) = store {
            command.args(["--store", store]);
        }
        command.args(s3.flags());
        command.args(["--cache-size", &cache_size.as_u64().to_string()]);
        if let Some(size) = self.expect {
            command.args(["--expect", &size.to_string()]);
        }
        if let Some(programs) = &self.programs {
            command.args(["--programs", programs]);
        }
        if let WorkerLog::File = self.log {
            let log = self
                .data
                .log(&format!("{}.log", self.name))
                .map_err(|exit| std::io::Error::other(exit.message().to_owned()))?;
            command.stdout(log.try_clone()?).stderr(log);
        }
        framewright_process::spawn(command, 0).await
    }
}
