//! The steps of a render: [`plan`], [`render_chunk`], [`assemble`].
//!
//! Each step is one short file that reads as a recipe; the rooms below it do the work and know
//! nothing of Temporal: `composition` (what the page is), `page` (what runs in it), `capture`
//! (frames), `encode` (segments and films), `store` (where it all lives).
//!
//! The recipes know nothing of Temporal either. Two things call them: [`temporal`] makes them the
//! activities of the `Render` workflow, and [`in_process`] runs them one after the other. Both
//! give the same bytes, because the bytes depend on the [`Manifest`] alone.
//!
//! Invariants:
//! * a step can be killed anywhere and begun again: what it finished is in the store under a name
//!   that follows from the plan, and is found there;
//! * a segment's frames depend on plan and frame number, not on lane, chunk, worker or attempt.

pub mod assemble;
pub mod check;
pub mod in_process;
pub mod lanes;
pub mod plan;
pub mod publish;
pub mod render_chunk;
pub mod stills;
pub mod temporal;

mod cost;
mod failure;
mod habits;
mod machine;
mod manifest;
mod meter;
mod scratch;
mod segment;
mod site;
mod spans;
mod toolchain;
mod trial;
mod workshop;

pub use failure::Failure;
pub use habits::{Habits, ProbeHabit, WarmupHabit};
pub use machine::Machine;
pub use manifest::{Manifest, PlanKeys, ResourceRef};
pub use meter::ChunkMeter;
pub use scratch::Scratch;
pub use spans::BAGGAGE;
pub use toolchain::{Programs, Toolchain, ToolchainOptions};
pub use trial::trial;
pub use workshop::Workshop;
