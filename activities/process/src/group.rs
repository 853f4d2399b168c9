//! A process group, as `/proc` shows it.

use std::fs;

// Fields of `/proc/<pid>/stat`, counted from the state on (proc(5)).
const STATE: usize = 0;
const GROUP: usize = 2;
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const RESIDENT_PAGES: usize = 21;

/// The living processes of a group.
pub fn members(group: u32) -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(move |pid| number(*pid, GROUP) == Some(group.into()))
}

/// Resident memory of all processes of a group, in bytes. What they share counts for each.
pub fn resident_bytes(group: u32) -> u64 {
    let pages: u64 = members(group)
        .filter_map(|pid| number(pid, RESIDENT_PAGES))
        .sum();
    pages * 4096
}

/// Clock ticks that a process ran, in its own code and in the kernel's.
pub fn ticks(pid: i32) -> Option<u64> {
    Some(number(pid, USER_TICKS)? + number(pid, SYSTEM_TICKS)?)
}

/// The letter for what a process is doing: `R`uns or would, `S`leeps, waits for the `D`isk, was
/// s`T`opped, is a `Z`ombie.
pub(crate) fn state(pid: i32) -> Option<char> {
    field(pid, STATE)?.chars().next()
}

fn number(pid: i32, index: usize) -> Option<u64> {
    field(pid, index)?.parse().ok()
}

fn field(pid: i32, index: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, parentheses too.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(index).map(str::to_owned)
}
