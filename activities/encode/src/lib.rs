//! From lossless frames to a film: segment encoders, colour, join and gate.
//!
//! Frames come in as BGRA, the way a browser's compositor holds them. A [`Converter`] makes BT.709
//! 4:2:0 of them, an [`I420`], some rows at a time while they are near. Each segment of a film has
//! an encoder of its own, a [`SegmentEncoder`]: one thread feeds one `ffmpeg`, so the browser can
//! paint frame n + 1 while n is encoded. Segments are [joined](join) by copy, and the [`gate`]
//! measures what came out before anybody sees it.
//!
//! Invariants:
//! * the bytes of a segment depend on its frames, on the [`Encoding`] and on the version of ffmpeg
//!   and x264, and on nothing else: not on the CPU, the machine's load or the segment's place;
//! * a file appears under its name when it is whole, and not before;
//! * every wait has a budget, and no `ffmpeg` outlives its handle.
//!
//! Non-goals: it captures nothing, stores nothing, and decides neither which frames make a
//! segment nor whether to try again.
//!
//! ```no_run
//! # async fn film(frames: Vec<Vec<u8>>) -> Result<(), framewright_encode::EncodeError> {
//! use framewright_encode::{
//!     Converter, Encoding, Expected, Ffmpeg, I420, SegmentEncoder, gate, join,
//! };
//! use framewright_film::{Fps, FrameSize, Quality};
//! use std::path::Path;
//!
//! let ffmpeg = Ffmpeg::find(None).await?;
//! let size = FrameSize { width: 1920, height: 1080 };
//! let encoding = Encoding { size, fps: Fps::DEFAULT, quality: Quality::Standard };
//! let count = frames.len() as u32;
//! let mut segment = SegmentEncoder::start(&ffmpeg, &encoding, count, "0000.mp4").await?;
//! let (mut converter, mut frame) = (Converter::new(size), I420::new(size));
//! for bgra in frames {
//!     converter.frame(&bgra, &mut frame);
//!     frame = segment.frame(frame).await?;
//! }
//! segment.finish().await?;
//! join(&ffmpeg, encoding.fps, &["0000.mp4"], Path::new("film.mp4")).await?;
//! gate(&ffmpeg, Path::new("film.mp4"), &Expected::of(&encoding, count)).await?;
//! # Ok(())
//! # }
//! ```

mod child;
mod colour;
mod encoding;
mod error;
mod ffmpeg;
mod gate;
mod i420;
mod join;
mod part;
mod preview;
mod segment;
mod whole;

pub use colour::{Converter, Simd};
pub use encoding::Encoding;
pub use error::{Defect, EncodeError};
pub use ffmpeg::Ffmpeg;
pub use gate::{Expected, Measured, gate};
pub use i420::I420;
pub use join::join;
pub use preview::preview_jpeg;
pub use segment::SegmentEncoder;
