//! Getting the `temporal` program where nobody installed it.

use crate::{data::user_data_folder, exit::Exit};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use temporalio_sdk_core::ephemeral_server::{
    EphemeralExe, EphemeralExeVersion, TemporalDevServerConfig,
};
use tokio::{process::Command, time::timeout};

/// The newest that builds from the Go module proxy: later ones name a module that is not there.
const VERSION: &str = "v1.5.1";

/// A download of 100 MB.
const DOWNLOAD_BUDGET: Duration = Duration::from_secs(5 * 60);

/// A build takes 340 s of CPU time.
const BUILD_BUDGET: Duration = Duration::from_secs(30 * 60);

/// `temporal`: named, on PATH, where `make setup` puts it; else downloaded by the SDK, else built
/// by Go.
pub(crate) async fn obtain() -> Result<PathBuf, Exit> {
    if let Some(program) = find() {
        return Ok(program);
    }
    let folder = home().ok_or_else(missing)?;
    std::fs::create_dir_all(&folder)
        .map_err(|error| Exit::machine(format!("no room for the program `temporal`: {error}")))?;
    tracing::info!("the program `temporal` is not here; downloading it");
    match timeout(DOWNLOAD_BUDGET, download(&folder)).await {
        Ok(Ok(program)) => return Ok(program),
        Ok(Err(error)) => tracing::info!(error, "no download"),
        Err(_) => tracing::info!("the download took too long"),
    }
    tracing::info!("building `temporal` {VERSION} with Go; this takes some minutes, once");
    match timeout(BUILD_BUDGET, build(&folder)).await {
        Ok(Ok(())) => find().ok_or_else(missing),
        _ => Err(missing()),
    }
}

/// `temporal` if it is here already.
pub(crate) fn find() -> Option<PathBuf> {
    let named = std::env::var_os("FRAMEWRIGHT_TEMPORAL").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = std::env::split_paths(&path)
        .map(|folder| folder.join("temporal"))
        .collect();
    let ours = home()
        .into_iter()
        .flat_map(|folder| [folder.join("temporal"), folder.join(downloaded())]);
    named
        .into_iter()
        .chain(on_path)
        .chain(ours)
        .find(|file| file.is_file())
}

fn home() -> Option<PathBuf> {
    Some(user_data_folder()?.join("framewright/bin"))
}

/// What the SDK calls the file.
fn downloaded() -> String {
    format!("temporal-cli-{VERSION}")
}

/// The SDK downloads when it starts a server, and only then; so one is started and ended.
async fn download(folder: &Path) -> Result<PathBuf, String> {
    let exe = EphemeralExe::CachedDownload {
        version: EphemeralExeVersion::Fixed(VERSION.to_owned()),
        dest_dir: Some(folder.to_string_lossy().into_owned()),
        ttl: None,
    };
    let config = TemporalDevServerConfig::builder().exe(exe).build();
    let started = config
        .start_server_with_output(std::process::Stdio::null(), std::process::Stdio::null())
        .await;
    match started {
        Ok(mut server) => server.shutdown().await.map_err(|error| error.to_string())?,
        Err(error) => return Err(error.to_string()),
    }
    Ok(folder.join(downloaded()))
}

async fn build(folder: &Path) -> std::io::Result<()> {
    let mut command = Command::new("go");
    command
        .args([
            "install",
            &format!("github.com/temporalio/cli/cmd/temporal@{VERSION}"),
        ])
        .env("GOBIN", folder)
        .env("CGO_ENABLED", "0")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null());
    let mut build = framewright_process::spawn(command, 0).await?;
    if build.wait().await?.success() {
        Ok(())
    } else {
        Err(std::io::Error::other("go install failed"))
    }
}

fn missing() -> Exit {
    Exit::machine("the program `temporal` was not found, and could be neither downloaded nor built")
        .hint("run `make setup`, or install the Temporal CLI and put it on PATH")
}
