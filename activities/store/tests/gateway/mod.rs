//! A real S3 server, versitygw on a folder, for as long as a test lives.

use framewright_process::Process;
use framewright_store::{S3Options, S3Store};
use std::{
    env,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpStream, process::Command};

pub(crate) const BUCKET: &str = "films";

pub(crate) struct Gateway {
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    _process: Process,
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let port = free_port();
        let mut command = Command::new(program());
        command
            .args(["--port", &format!("127.0.0.1:{port}")])
            .args(["--access", "key", "--secret", "secret", "--quiet", "posix"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let process = framewright_process::spawn(command, 0).await.unwrap();
        for _ in 0..600 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .is_ok()
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self {
            port,
            folder,
            _process: process,
        }
    }

    /// As flags of framewright, for a store at this prefix.
    #[allow(dead_code, reason = "the store's own tests have no command line")]
    pub(crate) fn flags(&self, prefix: &str) -> Vec<String> {
        [
            "--store",
            &format!("s3://{BUCKET}/{prefix}"),
            "--s3-endpoint",
            &format!("http://127.0.0.1:{}", self.port),
            "--s3-path-style",
        ]
        .map(str::to_owned)
        .into()
    }

    pub(crate) async fn store(&self, address: &str) -> S3Store {
        store_at(self.port, address).await
    }
}

/// How the server at `port` is reached.
pub(crate) fn options(port: u16) -> S3Options {
    S3Options {
        endpoint: Some(format!("http://127.0.0.1:{port}").parse().unwrap()),
        region: Some("us-east-1".to_owned()),
        path_style: true,
    }
}

pub(crate) async fn store_at(port: u16, address: &str) -> S3Store {
    S3Store::open(address.parse().unwrap(), &options(port))
        .await
        .unwrap()
}

/// The SDK takes these from the environment, as it does everywhere.
///
/// A process of its own for each file of tests, and set before a thread is started.
pub(crate) fn set_credentials() {
    // SAFETY: called first in a process that has no other thread yet.
    #[allow(unsafe_code)]
    unsafe {
        env::set_var("AWS_ACCESS_KEY_ID", "key");
        env::set_var("AWS_SECRET_ACCESS_KEY", "secret");
    }
}

fn program() -> PathBuf {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let data =
        env::var_os("XDG_DATA_HOME").map_or_else(|| home.join(".local/share"), PathBuf::from);
    let on_path = env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join("versitygw"))
        .collect::<Vec<_>>();
    on_path
        .into_iter()
        .chain([
            data.join("framewright/bin/versitygw"),
            home.join("go/bin/versitygw"),
        ])
        .find(|file| file.is_file())
        .expect("the S3 server `versitygw` is needed: run `make setup`")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
