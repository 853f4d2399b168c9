//! The capture room with a real browser.
#![allow(clippy::unwrap_used)] // In helpers of tests, too, a panic is the report.

mod failures;
mod fixtures;
mod lives;
mod loads;
mod purity;
mod seam;
mod stage;
mod wall;
mod warm;
