//! The real workflow code on a real Temporal server. Only the steps are simulated: activities of the
//! same names that answer at once, or as a test wants them to.
//!
//! `FRAMEWRIGHT_SAVE_HISTORIES=1 cargo test -p framewright-workflows --test real` keeps the history
//! of each path that is not there yet in `tests/histories/`, where `replay.rs` holds later versions
//! to them. After a change to what the workflow asks for, give the paths that it touches new names.

// A test's panic is its report, and clippy's leave for tests does not reach their helpers.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod borders;
mod history;
mod long_film;
mod paths;
mod server;
mod simulated;
mod stage;
