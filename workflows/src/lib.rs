//! The `Render` workflow: what happens to a film, whatever dies on the way.
//!
//! A render is planned, its chunks are rendered in a bounded window, and the film is assembled.
//! This crate says in which order and what to do when a step fails; the steps themselves are
//! activities and live in `framewright-activities`, which knows this crate and not the reverse:
//! [`steps`] declares their names and the types that pass to and fro.
//!
//! Invariants:
//! * deterministic: no I/O, no clock, no randomness but the SDK's. The histories in
//!   `tests/histories/` are replayed in CI; a change that would break a running render fails there;
//! * what passes through history is small (under 2 kB) and never a frame, a plan or a secret;
//! * the number of chunks and how they are cut ([`Cut`]) decide who does what, never what the film
//!   looks like ([`chunks`]).

pub mod capacity;
pub mod chunks;
pub mod cost;
pub mod cut;
pub mod job;
pub mod policy;
pub mod progress;
pub mod queues;
pub mod render;
pub mod steps;

pub use cost::{Cost, CostCurve};
pub use cut::Cut;
pub use job::{
    AssembleSpec, ChunkFailure, ChunkOutcome, ChunkSpec, Continued, FailedAttempt, Film, Heartbeat,
    Pause, ProbeSpan, RenderId, RenderIdError, RenderJob, RenderOutput, RenderProblem,
};
pub use progress::{ChunkProgress, Progress, Stage, Waiting};
pub use render::RenderWorkflow;
