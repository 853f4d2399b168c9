//! The service as its users meet it: the real binary, real Temporal, Chromium and ffmpeg.
//!
//! Each test runs a service of its own, on free ports and in a folder of its own, and looks at it
//! from outside: through gRPC, the command line, signals and `/proc`.

// A test's panic is its report, and clippy's leave for tests does not reach their helpers.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod bad_input;
mod bench;
mod bucket;
mod check;
mod collector;
mod config;
mod docs;
mod faults;
mod fleet;
#[path = "../../../activities/store/tests/gateway/mod.rs"]
#[allow(dead_code, reason = "the store's own tests need more of it")]
mod gateway;
mod gc;
mod harness;
mod histories;
mod history;
mod life_and_death;
mod metrics;
mod pages;
mod same_bytes;
mod service;
mod steering;
mod stills;
mod traces;
