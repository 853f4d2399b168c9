//! Temporal servers that come and go.

use crate::{
    draw::{Blow, Fault, Victim, generator, rounds, seed},
    harness::{Dev, eventually, signal},
    stage::{Stage, room},
};
use framewright_process::Process;
use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::Command;

/// A server that `dev` did not start.
struct Server {
    process: Process,
    folder: PathBuf,
    port: u16,
}

impl Server {
    async fn start(folder: &Path, port: u16) -> Self {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("temporal.log"))
            .unwrap();
        let mut command = Command::new(program());
        command
            .args(["server", "start-dev", "--headless", "--log-level", "warn"])
            .args(["--ip", "127.0.0.1", "--port", &port.to_string()])
            .arg("--db-filename")
            .arg(folder.join("elsewhere.db"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let process = framewright_process::spawn(command, 0).await.unwrap();
        eventually("a Temporal server", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        })
        .await;
        Self {
            process,
            folder: folder.to_owned(),
            port,
        }
    }

    async fn away_for(mut self, time: Duration) -> Self {
        self.process.kill().await;
        tokio::time::sleep(time).await;
        Self::start(&self.folder, self.port).await
    }
}

fn program() -> PathBuf {
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join("temporal"))
        .chain([
            home.join(".local/share/framewright/bin/temporal"),
            home.join("go/bin/temporal"),
        ])
        .find(|file| file.is_file())
        .expect("the Temporal CLI is needed: run `make setup`")
}

/// The embedded one, killed once in each of ten renders, and each time started again by `dev`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "make chaos"]
async fn restarts_of_temporal() {
    let seed = seed();
    let mut stage = Stage::open().await;
    stage.rehearse().await;
    for seed in seed..seed + rounds(10) {
        let fault = Fault::draw(seed, |_| Blow::Kill, &[Victim::Temporal]);
        stage.round(seed, fault).await;
    }
    stage.close().await;
}

/// One that is away for 30 s while chunks end.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "make chaos"]
async fn an_absence_of_temporal() {
    let seed = seed();
    let folder = room();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let mut server = Server::start(folder.path(), port).await;
    let address = format!("http://127.0.0.1:{port}");
    let mut stage = Stage::open_with(folder, &["--temporal-address", &address], None).await;
    stage.rehearse().await;
    for seed in seed..seed + rounds(3) {
        let name = format!("away-{seed}");
        let begun = stage.begin(&name).await;
        let log = stage.mark();
        eventually("a segment that is captured", || {
            stage.since(&log).contains("segment begins").then_some(())
        })
        .await;
        let while_away = stage.mark();
        let until = Duration::from_millis(generator(seed).u64(..500));
        tokio::time::sleep(until).await;
        server = server.away_for(Duration::from_secs(30)).await;
        let ended = stage.since(&while_away).contains("a result is held back");
        let render = stage.end(&begun.id).await;
        let again = stage.check(&begun, &render, 1).await;
        eprintln!(
            "SEED={seed}: away for 30 s, a chunk ended meanwhile: {ended}, {again} segments again"
        );
    }
    stage.close().await;
}

/// A server that cannot be kept alive ends `dev` with an error that says so.
#[tokio::test]
#[ignore = "make chaos"]
async fn a_temporal_that_dies_again_and_again() {
    let folder = room();
    let mut dev = Dev::start(folder.path());
    let mut killed = 0;
    while killed < 6 {
        let server = eventually("Temporal", || dev.find(Victim::Temporal.mark())).await;
        signal(server.pid, libc::SIGKILL);
        eventually("its end", || {
            let now = dev.find(Victim::Temporal.mark());
            now.is_none_or(|now| now.pid != server.pid).then_some(())
        })
        .await;
        killed += 1;
    }
    assert_eq!(dev.wait().code(), Some(1));
    assert!(
        dev.log().contains("ended 6 times in a row"),
        "{}",
        dev.log()
    );
    assert!(dev.family().is_empty());
}
