//! Faults at random moments of real renders, and the same bytes after each.
//!
//! A render of a short film is begun, something is done to it that its seed decides, and then it
//! is looked at: the film and each of its segments have the bytes of a quiet render, nothing that
//! the store held was rendered again, no process and no file is left (`stage`). A failure names the
//! seed that repeats it, and keeps the logs.
//!
//! `make test` runs a short storm; `make chaos` the rest (docs/chaos.md).

// A test's panic is its report, and clippy's leave for tests does not reach their helpers.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod cancels;
mod disks;
mod draw;
mod fleet;
#[path = "../../../activities/store/tests/gateway/mod.rs"]
#[allow(dead_code, reason = "the store's own tests need more of it")]
mod gateway;
#[path = "../e2e/harness.rs"]
#[allow(dead_code, reason = "the other tests need more of it")]
mod harness;
mod log;
mod stage;
mod storms;
mod temporal;
mod way;
