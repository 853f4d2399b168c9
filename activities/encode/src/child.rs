//! A run of ffmpeg or ffprobe: budgeted, and with its last words at hand.

use crate::EncodeError;
use framewright_process::{Process, RENDERER_NICE, spawn};
use std::{
    future::Future, os::unix::process::ExitStatusExt as _, path::Path, process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
    task::JoinHandle,
};

/// How much of standard error is kept, in bytes: the last lines say why.
const TAIL: usize = 2048;
/// How long the last words are waited for once the child has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) process: Process,
    said: Option<JoinHandle<String>>,
    program: &'static str,
    task: &'static str,
}

impl Child {
    /// Starts `command` for `task`, a noun phrase that errors name.
    pub(crate) async fn start(
        program: &'static str,
        task: &'static str,
        mut command: Command,
    ) -> Result<Self, EncodeError> {
        command.stderr(Stdio::piped());
        let mut process = spawn(command, RENDERER_NICE)
            .await
            .map_err(EncodeError::io(task))?;
        let said = process.take_stderr().map(|pipe| tokio::spawn(tail(pipe)));
        Ok(Self {
            process,
            said,
            program,
            task,
        })
    }

    /// Waits for something that the child has to do. A child that has not done it after `budget`,
    /// or that does nothing at all any more, is killed.
    pub(crate) async fn owes<T>(
        &mut self,
        what: impl Future<Output = T>,
        budget: Duration,
    ) -> Result<T, EncodeError> {
        let late = tokio::select! {
            biased;
            done = what => return Ok(done),
            late = self.late(budget) => late,
        };
        self.process.kill().await;
        Err(late)
    }

    /// Waits for a successful end. A child that is still there after `budget`, or that does nothing
    /// at all any more, is killed.
    pub(crate) async fn succeed(&mut self, budget: Duration) -> Result<(), EncodeError> {
        let late = self.late(budget);
        let status = tokio::select! {
            biased;
            status = self.process.wait() => status.map_err(EncodeError::io(self.task))?,
            late = late => {
                self.process.kill().await;
                return Err(late);
            }
        };
        if status.success() {
            return Ok(());
        }
        Err(self.ended(status.to_string(), status.signal()).await)
    }

    /// The error for a child that is known to be of no use any more; kills what is left of it.
    pub(crate) async fn failed(&mut self, grace: Duration) -> EncodeError {
        let (status, signal) = match tokio::time::timeout(grace, self.process.wait()).await {
            Ok(Ok(status)) => (status.to_string(), status.signal()),
            _ => {
                self.process.kill().await;
                ("it had stopped listening and was killed".to_owned(), None)
            }
        };
        self.ended(status, signal).await
    }

    /// Returns when the child is not to be waited for any more, and why.
    fn late(&self, budget: Duration) -> impl Future<Output = EncodeError> + use<> {
        let (group, program, task) = (self.process.id(), self.program, self.task);
        async move {
            tokio::select! {
                () = framewright_process::frozen(group) => EncodeError::Frozen { program, task },
                () = tokio::time::sleep(budget) => EncodeError::TimedOut { task, budget },
            }
        }
    }

    async fn ended(&mut self, status: String, signal: Option<i32>) -> EncodeError {
        let said = match self.said.take() {
            Some(said) => tokio::time::timeout(LAST_WORDS, said).await,
            None => Ok(Ok(String::new())),
        };
        let said = match said {
            Ok(Ok(said)) if !said.is_empty() => said,
            _ => "it said nothing".to_owned(),
        };
        EncodeError::Ended {
            program: self.program,
            task: self.task,
            status,
            signal,
            said,
        }
    }
}

/// Runs `command` to its end and returns its standard output, which must be short.
pub(crate) async fn output(
    program: &'static str,
    task: &'static str,
    mut command: Command,
    input: &[u8],
    budget: Duration,
) -> Result<Vec<u8>, EncodeError> {
    use tokio::io::AsyncWriteExt as _;

    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Child::start(program, task, command).await?;
    let (stdin, stdout) = (child.process.take_stdin(), child.process.take_stdout());
    let mut written = Vec::new();
    let talk = async {
        let write = async {
            if let Some(mut stdin) = stdin {
                // A child that ends without reading says so by its status.
                let _ = stdin.write_all(input).await;
            }
        };
        let read = async {
            match stdout {
                Some(mut stdout) => stdout.read_to_end(&mut written).await,
                None => Ok(0),
            }
        };
        tokio::join!(write, read).1
    };
    let read = child.owes(talk, budget).await?;
    read.map_err(EncodeError::io(task))?;
    child.succeed(budget).await?;
    Ok(written)
}

/// Reads to the end and keeps the last [`TAIL`] bytes, without the paths of this machine.
async fn tail(mut pipe: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..read]);
        let excess = kept.len().saturating_sub(TAIL);
        kept.drain(..excess);
    }
    without_paths(String::from_utf8_lossy(&kept).trim())
}

/// Error text goes to callers: of an absolute path only the file's name is left.
fn without_paths(text: &str) -> String {
    let is_edge = |c: char| c.is_whitespace() || "'\"`:,".contains(c);
    let mut clean = String::new();
    for word in text.split_inclusive(is_edge) {
        let bare = word.trim_end_matches(is_edge);
        let name = bare.strip_prefix('/').map(|path| {
            let name = Path::new(path).file_name();
            name.unwrap_or_default().to_string_lossy().into_owned()
        });
        clean.push_str(name.as_deref().unwrap_or(bare));
        clean.push_str(&word[bare.len()..]);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::without_paths;

    #[test]
    fn callers_see_names_and_no_folders() {
        assert_eq!(
            without_paths("file:/srv/work/7/a.mp4: no 4/4 'x' '/tmp/b'\n/c"),
            "file:a.mp4: no 4/4 'x' 'b'\nc"
        );
    }
}
