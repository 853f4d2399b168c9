//! Processor time of a process tree, read from `/proc`.

use framewright_process::group;
use std::{collections::HashMap, fs, time::Duration};

/// Clock ticks of `/proc/<pid>/stat` per second: fixed in Linux's interface with programs.
const TICKS: u64 = 100;

/// How long the threads of a browser ran, of all its processes, since they began.
#[derive(Clone, Debug, Default)]
pub struct ProcessorTime(HashMap<i32, Thread>);

/// What a browser's threads did between two moments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// They ran for so long, all together.
    pub ran: Duration,
    /// The same by pool: the threads of one name in one process.
    pools: Vec<Pool>,
}

#[derive(Clone, Debug)]
struct Thread {
    process: i32,
    name: String,
    ran: Duration,
}

/// How long each thread of a pool ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Pool(Vec<Duration>);

impl ProcessorTime {
    /// Of the threads that the processes of `group` have now.
    ///
    /// Scheduler statistics count in nanoseconds, for each thread (`proc_pid_schedstat`). A kernel
    /// without them leaves ticks of 10 ms; a process counts as one thread then.
    pub(crate) fn of_group(group: u32) -> Self {
        let threads = group::members(group).filter_map(threads);
        Self(threads.flatten().collect())
    }

    /// What was done since `earlier`.
    pub fn since(&self, earlier: &Self) -> Work {
        let mut pools: HashMap<_, Pool> = HashMap::new();
        for (id, thread) in &self.0 {
            let before = earlier
                .0
                .get(id)
                .map_or(Duration::ZERO, |thread| thread.ran);
            let ran = thread.ran.saturating_sub(before);
            let pool = pools.entry((thread.process, &thread.name)).or_default();
            pool.0.push(ran);
        }
        Work {
            ran: pools.values().map(Pool::ran).sum(),
            pools: pools.into_values().collect(),
        }
    }
}

impl Work {
    /// How long it would have taken with `cores` cores for the browser alone. Others who worked at
    /// the same time do not show in it.
    ///
    /// A frame goes from one thread to the next, and only the threads of a pool work side by side:
    /// those that draw tiles, or those of SwiftShader.
    pub fn alone(&self, cores: u32) -> Duration {
        self.pools
            .iter()
            .map(|pool| pool.ran() / pool.width().min(cores).max(1))
            .sum()
    }
}

impl Pool {
    fn ran(&self) -> Duration {
        self.0.iter().sum()
    }

    /// Threads that took part. Which of them did more is chance: they share their work.
    fn width(&self) -> u32 {
        let longest = self.0.iter().max().copied().unwrap_or_default();
        let took_part = self.0.iter().filter(|&&ran| ran * 10 >= longest);
        took_part.count() as u32
    }
}

fn threads(pid: i32) -> Option<Vec<(i32, Thread)>> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let threads: Vec<_> = entries
        .filter_map(|entry| {
            let read = |file| fs::read_to_string(entry.path().join(file)).ok();
            let nanos = read("schedstat")?.split_whitespace().next()?.parse().ok()?;
            let name = read("comm")?;
            let thread = Thread {
                process: pid,
                // `Thread<00>`, `Thread<01>` are one pool: SwiftShader's.
                name: name
                    .trim_end()
                    .trim_end_matches(|c: char| !c.is_alphabetic())
                    .to_owned(),
                ran: Duration::from_nanos(nanos),
            };
            Some((entry.file_name().to_str()?.parse().ok()?, thread))
        })
        .collect();
    if threads.iter().any(|(_, thread)| !thread.ran.is_zero()) {
        return Some(threads);
    }
    let ticks = group::ticks(pid)?;
    let whole = Thread {
        process: pid,
        name: String::new(),
        ran: Duration::from_millis(ticks * 1000 / TICKS),
    };
    Some(vec![(pid, whole)])
}

#[cfg(test)]
mod tests {
    use super::{ProcessorTime, Thread};
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
        let work = ProcessorTime::of_group(process.id()).since(&ProcessorTime::default());
        assert!(work.ran > Duration::from_millis(10), "{work:?}");
        assert_eq!(work.alone(2), work.ran, "one thread");
        process.kill().await;
    }

    #[test]
    fn a_pool_works_side_by_side_and_the_others_one_after_the_other() {
        let thread = |process, name: &str, millis| Thread {
            process,
            name: name.to_owned(),
            ran: Duration::from_millis(millis),
        };
        let threads = [
            thread(1, "main", 5),
            thread(1, "tiles", 10),
            thread(1, "tiles", 8),
            thread(1, "tiles", 0),
            thread(2, "main", 20),
        ];
        let work = ProcessorTime((0..).zip(threads).collect()).since(&ProcessorTime::default());
        assert_eq!(work.ran, Duration::from_millis(43));
        assert_eq!(work.alone(1), Duration::from_millis(43));
        assert_eq!(work.alone(2), Duration::from_millis(34));
        assert_eq!(work.alone(8), Duration::from_millis(34), "two took part");
    }
}
