//! A browser's process group, as `/proc` shows it.

use std::fs;

/// The living processes of a group.
pub(crate) fn members(group: u32) -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(move |pid| number(*pid, GROUP) == Some(group.into()))
}

/// Resident memory of all processes of a group, in bytes. What they share counts for each.
pub(crate) fn resident_bytes(group: u32) -> u64 {
    let pages: u64 = members(group)
        .filter_map(|pid| number(pid, RESIDENT_PAGES))
        .sum();
    pages * 4096
}

/// Clock ticks that a process ran, in its own code and in the kernel's.
pub(crate) fn ticks(pid: i32) -> Option<u64> {
    Some(number(pid, USER_TICKS)? + number(pid, SYSTEM_TICKS)?)
}

// Fields of `/proc/<pid>/stat`, counted from the state on (proc(5)).
const GROUP: usize = 2;
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const RESIDENT_PAGES: usize = 21;

fn number(pid: i32, field: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, parentheses too.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(field)?.parse().ok()
}
