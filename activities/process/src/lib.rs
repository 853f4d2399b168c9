//! Child processes and folders that cannot outlive us.
//!
//! Chromium, ffmpeg and the Temporal dev server are started through [`spawn`]. Each child
//!
//! * leads a process group of its own, so that a Ctrl-C in the terminal reaches only us and so
//!   that the whole tree can be ended at once (Debian's launchers are shell scripts: killing the
//!   pid that was started would leave the tree alive);
//! * gets `SIGKILL` from the kernel when we die, however we die;
//! * runs at the niceness that is asked for: renderers at [`RENDERER_NICE`], so that a Temporal
//!   server on the same machine is not starved;
//! * is killed, tree and all, when its handle is dropped.
//!
//! The kernel's parent-death signal belongs to the *thread* that forked: a child started from a
//! pool thread would die when that thread retires. So one thread, which lives as long as the
//! process, starts all of them.
//!
//! [`frozen`] tells a child that does nothing from one that is only slow.

mod folder;
mod frozen;
pub mod group;

use std::{
    io,
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
    sync::{OnceLock, mpsc},
    time::Duration,
};
use tokio::{
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    runtime::Handle,
    sync::oneshot,
};

pub use folder::OwnedFolder;
pub use frozen::{frozen, stopped};

/// Niceness of Chromium and ffmpeg: below the embedded Temporal server, which stalls renders by
/// 10 s when it is starved.
pub const RENDERER_NICE: i32 = 10;

/// A child process and all that it started.
#[derive(Debug)]
pub struct Process {
    child: Child,
    group: i32,
    ended: Option<ExitStatus>,
}

/// Starts `command` as the leader of its own process group, at `nice`, tied to our life.
///
/// A `pre_exec` hook that the command already has runs before ours. Must be called from within a
/// tokio runtime.
///
/// # Errors
/// What the system says when the program cannot be started, `NotFound` when it is not there.
pub async fn spawn(command: Command, nice: i32) -> io::Result<Process> {
    let (reply, answer) = oneshot::channel();
    let job = Job {
        command,
        nice,
        runtime: Handle::current(),
        reply,
    };
    let gone = || io::Error::other("the thread that starts processes is gone");
    starter()?.send(job).map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

impl Process {
    /// The child's process id, which is its process group's id too.
    pub fn id(&self) -> u32 {
        self.group.unsigned_abs()
    }

    /// The write end of its standard input, once, if it was piped.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The read end of its standard output, once, if it was piped.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// The read end of its standard error, once, if it was piped.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits for the child to end. Its tree may live on: see [`Process::kill`].
    ///
    /// # Errors
    /// What the system says; not when the child ended badly.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let status = self.child.wait().await?;
        self.ended = Some(status);
        Ok(status)
    }

    /// The exit status if the child has ended.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        Ok(self.ended)
    }

    /// Sends `signal` to the whole group.
    pub fn signal(&self, signal: i32) {
        // SAFETY: kill takes no pointers. The group id stays ours until the group is empty: we are
        // the parent of its leader, and a leader's id is not given away while its group has members.
        #[allow(unsafe_code)]
        unsafe {
            libc::kill(-self.group, signal);
        }
    }

    /// Kills the whole tree and reaps the child.
    pub async fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        let _ = self.wait().await;
        // Whatever forked between the signal and the leader's end.
        self.signal(libc::SIGKILL);
    }

    /// Asks the child to end (`SIGTERM`), and kills the tree if it has not within `grace`.
    pub async fn end(&mut self, grace: Duration) -> ExitStatus {
        self.signal(libc::SIGTERM);
        let waited = tokio::time::timeout(grace, self.wait()).await;
        self.kill().await;
        match waited {
            Ok(Ok(status)) => status,
            _ => self.ended.unwrap_or(ExitStatus::from_raw(libc::SIGKILL)),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(libc::SIGKILL);
    }
}

struct Job {
    command: Command,
    nice: i32,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Process>>,
}

impl Job {
    fn run(mut self) {
        let (nice, parent) = (self.nice, std::process::id());
        // SAFETY: between fork and exec only system calls are made; no memory is allocated.
        #[allow(unsafe_code)]
        unsafe {
            self.command.pre_exec(move || bind_to_parent(nice, parent));
        }
        self.command.kill_on_drop(true);
        let _entered = self.runtime.enter();
        let started = self.command.spawn().map(|child| Process {
            // A child that was just started and not awaited has an id.
            group: child.id().unwrap_or_default().cast_signed(),
            child,
            ended: None,
        });
        // A caller that gave up drops the answer, and with it the process.
        let _ = self.reply.send(started);
    }
}

fn bind_to_parent(nice: i32, parent: u32) -> io::Result<()> {
    // SAFETY: plain system calls, all safe after fork.
    #[allow(unsafe_code)]
    unsafe {
        if libc::setpgid(0, 0) != 0
            || libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) != 0
        {
            return Err(io::Error::last_os_error());
        }
        // The parent may have died before the kernel knew of our wish.
        if libc::getppid().unsigned_abs() != parent {
            libc::_exit(1);
        }
        // A nicer child is a courtesy, not a condition.
        libc::setpriority(libc::PRIO_PROCESS, 0, nice);
    }
    Ok(())
}

fn starter() -> io::Result<&'static mpsc::Sender<Job>> {
    static STARTER: OnceLock<Option<mpsc::Sender<Job>>> = OnceLock::new();
    STARTER
        .get_or_init(|| {
            let (jobs, queue) = mpsc::channel::<Job>();
            let thread = std::thread::Builder::new().name("process-starter".into());
            thread
                .spawn(move || queue.into_iter().for_each(Job::run))
                .ok()
                .map(|_| jobs)
        })
        .as_ref()
        .ok_or_else(|| io::Error::other("no thread could be made to start processes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;
    use tokio::io::AsyncReadExt as _;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        command
    }

    async fn alive(pid: &str) -> bool {
        // A zombie that nobody reaps yet is dead for us.
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[tokio::test]
    async fn the_tree_dies_with_its_handle() {
        let mut process = spawn(shell("sleep 600 & echo $!; wait"), 0).await.unwrap();
        let mut stdout = process.take_stdout().unwrap();
        let mut line = vec![0; 16];
        let read = stdout.read(&mut line).await.unwrap();
        let grandchild = String::from_utf8_lossy(&line[..read]).trim().to_owned();
        assert!(alive(&grandchild).await);
        drop(process);
        let mut rest = Vec::new();
        // The pipe closes when the last process that holds it is gone.
        stdout.read_to_end(&mut rest).await.unwrap();
        // A process that ends closes its files a moment before it is gone.
        let gone = async {
            while alive(&grandchild).await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), gone)
            .await
            .expect("killed with its parent");
    }

    #[tokio::test]
    async fn a_missing_program_is_not_found() {
        let error = spawn(Command::new("/no/such/program"), 0)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn an_end_is_waited_for_and_then_forced() {
        let stubborn = "trap '' TERM; echo ready; sleep 600";
        let mut process = spawn(shell(stubborn), 0).await.unwrap();
        let mut ready = [0; 6];
        let mut stdout = process.take_stdout().unwrap();
        stdout.read_exact(&mut ready).await.unwrap();
        let status = process.end(Duration::from_millis(50)).await;
        assert_eq!(status.signal(), Some(libc::SIGKILL));
    }
}
