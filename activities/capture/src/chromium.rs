use crate::CaptureError;
use serde::{Deserialize, Serialize};
use std::{
    env, fs,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{io::AsyncReadExt as _, process::Command, time::timeout};

const PROGRAM: &str = "chromium-headless-shell";

/// A program that captures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chromium {
    /// The program itself, not a script around it.
    pub path: PathBuf,
    /// As it says it: `Chromium 156.0.8078.79`.
    pub version: String,
}

impl Chromium {
    /// The browser at `path`, or the one that `FRAMEWRIGHT_CHROMIUM` names, or
    /// `chromium-headless-shell` on the `PATH`.
    ///
    /// # Errors
    /// [`CaptureError::ChromiumMissing`] when there is none that runs.
    pub async fn find(path: Option<&Path>) -> Result<Self, CaptureError> {
        let named = path
            .map(Path::to_owned)
            .or_else(|| env::var_os("FRAMEWRIGHT_CHROMIUM").map(PathBuf::from));
        let wanted = named.unwrap_or_else(|| PathBuf::from(PROGRAM));
        let missing = || CaptureError::ChromiumMissing {
            looked_for: wanted.file_name().map_or_else(
                || PROGRAM.to_owned(),
                |name| name.to_string_lossy().into_owned(),
            ),
        };
        let found = on_path(&wanted).ok_or_else(missing)?;
        let path = behind_script(&found).unwrap_or(found);
        let version = version(&path).await.map_err(|error| {
            tracing::warn!(%error, path = %path.display(), "the browser does not say its version");
            missing()
        })?;
        Ok(Self { path, version })
    }
}

fn on_path(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return is_program(program).then(|| program.to_owned());
    }
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|candidate| is_program(candidate))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The program that a launcher script starts. A script in between would have the pipe to the
/// browser open after the browser's death, and take the kernel's signal of our own.
fn behind_script(path: &Path) -> Option<PathBuf> {
    let mut head = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(4096).read_to_end(&mut head).ok()?;
    if !head.starts_with(b"#!") {
        return None;
    }
    let script = String::from_utf8_lossy(&head);
    script
        .lines()
        .skip(1)
        .flat_map(|line| line.split(|c: char| c.is_whitespace() || "\"'=".contains(c)))
        .map(Path::new)
        .find(|word| word.is_absolute() && is_elf(word))
        .map(Path::to_owned)
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    is_program(path)
        && fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok())
        && magic == *b"\x7fELF"
}

async fn version(path: &Path) -> io::Result<String> {
    let mut command = Command::new(path);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut process = framewright_process::spawn(command, 0).await?;
    let mut said = String::new();
    if let Some(stdout) = process.take_stdout() {
        let mut stdout = stdout.take(1024);
        timeout(Duration::from_secs(20), stdout.read_to_string(&mut said)).await??;
    }
    process.kill().await;
    let version = said.lines().next().unwrap_or_default().trim();
    if version.is_empty() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(version.to_owned())
}
