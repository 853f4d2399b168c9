//! The service as its users meet it: the real binary, real Temporal, Chromium and ffmpeg.
//!
//! Each test runs a service of its own, on free ports and in a folder of its own, and looks at it
//! from outside: through gRPC, the command line, signals and `/proc`.

mod bad_input;
mod faults;
mod harness;
mod life_and_death;
mod same_bytes;
mod service;
mod stills;
