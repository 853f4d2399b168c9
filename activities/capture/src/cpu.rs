//! Processor time of a process tree, read from `/proc`.

use std::{fs, iter::Sum, ops::Sub, time::Duration};

/// Clock ticks of `/proc/<pid>/stat` per second: fixed in Linux's interface with programs.
const TICKS: u64 = 100;

/// What a browser has had of the processor, all threads of all its processes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessorTime {
    /// Threads ran for so long.
    pub ran: Duration,
    /// Threads could have run for so long and waited for a core: nothing, on a machine with cores
    /// to spare. Always nothing on a kernel without scheduler statistics.
    pub waited: Duration,
}

impl ProcessorTime {
    /// What the processes of `group` have had since they began. Threads that have ended do not
    /// count.
    ///
    /// Scheduler statistics count in nanoseconds, for each thread (`proc_pid_schedstat`); a kernel
    /// without them leaves ticks of 10 ms.
    pub(crate) fn of_group(group: u32) -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter_map(|pid| of_process(pid, group)).sum()
    }
}

impl Sub for ProcessorTime {
    type Output = Self;

    /// What came between; a thread that has ended takes what it had with it.
    fn sub(self, earlier: Self) -> Self {
        Self {
            ran: self.ran.saturating_sub(earlier.ran),
            waited: self.waited.saturating_sub(earlier.waited),
        }
    }
}

impl Sum for ProcessorTime {
    fn sum<I: Iterator<Item = Self>>(times: I) -> Self {
        times.fold(Self::default(), |sum, time| Self {
            ran: sum.ran + time.ran,
            waited: sum.waited + time.waited,
        })
    }
}

fn of_process(pid: u32, group: u32) -> Option<ProcessorTime> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; after it: state, parent, group.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if fields.get(2)?.parse() != Ok(group) {
        return None;
    }
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let times = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let mut nanos = text.split_whitespace().map(str::parse);
        Some(ProcessorTime {
            ran: Duration::from_nanos(nanos.next()?.ok()?),
            waited: Duration::from_nanos(nanos.next()?.ok()?),
        })
    });
    let sum: ProcessorTime = times.sum();
    if !sum.ran.is_zero() {
        return Some(sum);
    }
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ProcessorTime {
        ran: Duration::from_millis(ticks * 1000 / TICKS),
        waited: Duration::ZERO,
    })
}

#[cfg(test)]
mod tests {
    use super::ProcessorTime;
    use framewright_process::spawn;
    use std::{process::Stdio, time::Duration};
    use tokio::{io::AsyncReadExt as _, process::Command};

    #[tokio::test]
    async fn the_work_of_a_child_counts() {
        let mut shell = Command::new("sh");
        let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo; sleep 600";
        shell.args(["-c", script]).stdout(Stdio::piped());
        let mut process = spawn(shell, 0).await.unwrap();
        let mut line = [0];
        let mut stdout = process.take_stdout().unwrap();
        stdout.read_exact(&mut line).await.unwrap();
        let used = ProcessorTime::of_group(process.id());
        assert!(used.ran > Duration::from_millis(10), "{used:?}");
        assert_eq!((used - used).ran, Duration::ZERO);
        process.kill().await;
    }
}
