//! Processor time of a process tree, read from `/proc`.

use std::{fs, time::Duration};

/// Clock ticks of `/proc/<pid>/stat` per second: fixed in Linux's interface with programs.
const TICKS: u64 = 100;

/// Processor time that the processes of `group` have used since they began. Processes that have
/// ended do not count.
///
/// Scheduler statistics count in nanoseconds, for each thread; a kernel without them leaves ticks
/// of 10 ms.
pub(crate) fn time_of_group(group: u32) -> Duration {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything; after it: state, parent, group.
        let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        (fields.get(2)?.parse() == Ok(group)).then_some(())?;
        time_of_threads(pid).or_else(|| {
            let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
            Some(Duration::from_millis(ticks * 1000 / TICKS))
        })
    })
    .sum()
}

fn time_of_threads(pid: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let times = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    });
    let nanos: u64 = times.sum();
    (nanos > 0).then(|| Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::time_of_group;
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
        let used = time_of_group(process.id());
        assert!(used > Duration::from_millis(10), "{used:?}");
        process.kill().await;
    }
}
