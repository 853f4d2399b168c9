//! A Temporal server for tests.

use crate::stage::PATIENCE;
use framewright_process::Process;
use framewright_workflows::queues::SEARCH_ATTRIBUTES;
use std::{
    net::TcpListener,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions};

/// Ends with this process.
pub(crate) struct Server {
    port: u16,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start(more: &[String]) -> Self {
        let program = temporal();
        let folder = tempfile::TempDir::new().unwrap();
        let port = {
            let socket = TcpListener::bind("127.0.0.1:0").unwrap();
            socket.local_addr().unwrap().port()
        };
        let log = std::fs::File::create(folder.path().join("temporal.log")).unwrap();
        let mut command = tokio::process::Command::new(program);
        command
            .args(["server", "start-dev", "--headless", "--ip", "127.0.0.1"])
            .args(["--log-level", "error", "--port", &port.to_string()])
            .args([
                "--dynamic-config-value",
                "matching.numTaskqueueReadPartitions=1",
            ])
            .args([
                "--dynamic-config-value",
                "matching.numTaskqueueWritePartitions=1",
            ])
            .args(more)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        for (name, kind) in SEARCH_ATTRIBUTES {
            command.args(["--search-attribute", &format!("{name}={kind}")]);
        }
        let process = framewright_process::spawn(command, 0).await.unwrap();
        Self {
            port,
            _process: process,
            _folder: folder,
        }
    }

    pub(crate) async fn client(&self) -> Client {
        let url: url::Url = format!("http://127.0.0.1:{}", self.port).parse().unwrap();
        let begun = Instant::now();
        let connection = loop {
            match Connection::connect(ConnectionOptions::new(url.clone()).build()).await {
                Ok(connection) => break connection,
                Err(error) if begun.elapsed() > PATIENCE => panic!("no server: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        Client::new(connection, ClientOptions::new("default").build()).unwrap()
    }
}

/// Where `make setup` puts the program, unless it is on PATH.
fn temporal() -> std::path::PathBuf {
    let named = std::env::var_os("FRAMEWRIGHT_TEMPORAL").map(Into::into);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("temporal"));
    let data = std::env::var_os("XDG_DATA_HOME").map_or_else(
        || Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".local/share"),
        Into::into,
    );
    let ours = data.join("framewright/bin/temporal");
    let mut places = named.into_iter().chain(on_path).chain([ours]);
    places
        .find(|file| file.is_file())
        .expect("the program `temporal` is on PATH (`make setup`)")
}
