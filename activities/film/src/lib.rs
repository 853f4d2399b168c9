//! The words of framewright: what a film is made of, as arithmetic.
//!
//! Every room speaks of frames, segments and sizes; this crate makes them types, so that a frame
//! number cannot be taken for a second and a range cannot be closed by mistake. It does no I/O and
//! knows neither Temporal nor a browser.
//!
//! Invariants:
//! * time is a consequence of the frame number: frame `i` shows `i / fps`, exactly;
//! * ranges are half-open, `start <= i < end`;
//! * a film is cut into [`Segments`] by its frame count and segment length alone, never by the
//!   number of chunks, lanes or workers.
//!
//! ```
//! use framewright_film::{Fps, Segments};
//! let fps: Fps = "30".parse().unwrap();
//! let segments = Segments::new(660, 30);
//! assert_eq!(segments.count(), 22);
//! assert_eq!(segments.range(8).to_string(), "frames 240–269");
//! assert_eq!(fps.seconds_at(240), 8.0);
//! ```

mod digest;
mod fault;
mod fps;
mod quality;
mod range;
mod size;
mod text;

pub use digest::{Digest, DigestError};
pub use fault::{Disposition, Fault};
pub use fps::{Fps, FpsError};
pub use quality::{Quality, QualityError};
pub use range::{FrameRange, Segments};
pub use size::{FrameSize, SizeError};
