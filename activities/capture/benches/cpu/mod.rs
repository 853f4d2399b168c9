//! Processor time of this process and of all that it started.

use std::{collections::BTreeMap, fs};

/// Ticks of processor time, `sysconf(_SC_CLK_TCK)` a second: 100 on every Linux there is.
#[derive(Clone, Copy)]
pub(crate) struct Cpu(u64);

const MILLIS_PER_TICK: f64 = 10.0;

struct Process {
    parent: u32,
    ticks: u64,
}

impl Cpu {
    /// Up to now. What a process that ended has spent is its parent's, as far as that waited for it.
    pub(crate) fn of_this_tree() -> Self {
        let all: BTreeMap<u32, Process> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                Some((pid, Process::read(pid)?))
            })
            .collect();
        let ours = |pid: u32| {
            let mut pid = pid;
            while pid != std::process::id() {
                match all.get(&pid) {
                    Some(process) => pid = process.parent,
                    None => return false,
                }
            }
            true
        };
        let ticks = all.iter().filter(|(pid, _)| ours(**pid));
        Self(ticks.map(|(_, process)| process.ticks).sum())
    }

    pub(crate) fn millis_since(self, before: Self) -> f64 {
        (self.0 as f64 - before.0 as f64) * MILLIS_PER_TICK
    }
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything, so count from its end (proc(5)).
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<_> = rest.split_whitespace().collect();
        let number = |field: usize| fields.get(field)?.parse::<u64>().ok();
        Some(Self {
            parent: number(1)?.try_into().ok()?,
            // utime, stime, cutime, cstime.
            ticks: number(11)? + number(12)? + number(13)? + number(14)?,
        })
    }
}
