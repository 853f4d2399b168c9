use framewright_film::{Disposition, Fault, Fps, FrameSize};
use std::{io, time::Duration};

/// What can go wrong between a frame and a film.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A program is not there or cannot be run.
    #[error("`{program}` was not found or cannot be run (looked in {place})")]
    Missing {
        /// `ffmpeg` or `ffprobe`.
        program: &'static str,
        /// Where it was looked for: the name of a variable or an option.
        place: &'static str,
    },
    /// This ffmpeg cannot make H.264.
    #[error("`ffmpeg` is built without libx264")]
    NoX264,
    /// A child ended before its work was done.
    #[error("`{program}` ended early during {task} ({status}): {said}")]
    Ended {
        /// `ffmpeg` or `ffprobe`.
        program: &'static str,
        /// What it was doing.
        task: &'static str,
        /// Its exit status, in the system's words.
        status: String,
        /// The signal that killed it, if one did.
        signal: Option<i32>,
        /// The end of what it wrote to standard error.
        said: String,
    },
    /// A wait ran out of its budget.
    #[error("{task} took longer than {} s", budget.as_secs())]
    TimedOut {
        /// What was waited for.
        task: &'static str,
        /// How long.
        budget: Duration,
    },
    /// A child lives and does nothing: it was stopped, or waits for what does not come.
    #[error("`{program}` did nothing any more during {task}")]
    Frozen {
        /// `ffmpeg` or `ffprobe`.
        program: &'static str,
        /// What it was doing.
        task: &'static str,
    },
    /// A segment was given more or fewer frames than it was started for.
    #[error("a segment of {expected} frames was given {given}")]
    FrameCount {
        /// Frames it was started for.
        expected: u32,
        /// Frames that came, or would have come.
        given: u32,
    },
    /// A frame is not of the film's size.
    #[error("a frame of a film of {expected} px must have that size, not {found}")]
    FrameSize {
        /// The film's size, even on both sides.
        expected: FrameSize,
        /// The size of the frame that came.
        found: FrameSize,
    },
    /// "The last frame again" was said before there was one.
    #[error("a segment cannot begin by repeating a frame")]
    NothingToRepeat,
    /// A film without segments, or a segment without frames.
    #[error("there is nothing to encode")]
    Nothing,
    /// ffmpeg ended well, and yet its file breaks off.
    #[error("the file that `ffmpeg` wrote is not whole")]
    Torn,
    /// The file is not the film that was asked for.
    #[error("the film is not as planned: {0}")]
    Gate(#[from] Defect),
    /// The system refused something.
    #[error("{task} failed: {source}")]
    Io {
        /// What was tried.
        task: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// The fact about a finished file that is off.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Defect {
    /// ffprobe made no sense of it.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// More or other streams than one of video.
    #[error("it must hold one video stream and holds {0}")]
    Streams(String),
    /// A property of the stream: codec, pixel format or a colour tag.
    #[error("its {property} must be `{expected}` and is `{found}`")]
    Property {
        /// ffprobe's name for it.
        property: &'static str,
        /// What was planned.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// Another size.
    #[error("it must be {expected} px and is {found} px")]
    Size {
        /// What was planned, even on both sides.
        expected: FrameSize,
        /// What it is.
        found: FrameSize,
    },
    /// Another number of frames.
    #[error("it must have {expected} frames and has {found}")]
    Frames {
        /// What was planned.
        expected: u32,
        /// What it has.
        found: u32,
    },
    /// Decoding times do not rise strictly.
    #[error("the decoding time of packet {0} does not come after the one before it")]
    DecodingTime(u32),
    /// A frame is not at its time, or two share one.
    #[error("packet {packet} shows at {seconds:.6} s, where no frame or another frame is")]
    FrameTime {
        /// Which packet, from 0, in the file's order.
        packet: u32,
        /// Its presentation time.
        seconds: f64,
    },
    /// It does not begin at zero.
    #[error("it must start at 0 and starts at {0:.6} s")]
    Start(f64),
    /// It does not begin with a picture that can be decoded alone.
    #[error("its first frame is no key frame")]
    NoKeyFrame,
    /// It is longer or shorter than its frames.
    #[error("{frames} frames at {fps} fps last {expected:.6} s, but it says {found:.6} s")]
    Duration {
        /// What was planned.
        frames: u32,
        /// What was planned.
        fps: Fps,
        /// `frames / fps`, in seconds.
        expected: f64,
        /// What the file says, in seconds.
        found: f64,
    },
}

impl EncodeError {
    pub(crate) fn io(task: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { task, source }
    }
}

impl Fault for EncodeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "FW0301",
            Self::NoX264 => "FW0302",
            Self::Ended { .. } => "FW0303",
            Self::TimedOut { .. } => "FW0304",
            Self::FrameCount { .. } | Self::NothingToRepeat | Self::Nothing => "FW0305",
            Self::FrameSize { .. } => "FW0306",
            Self::Gate(_) => "FW0307",
            Self::Io { .. } => "FW0308",
            Self::Frozen { .. } => "FW0309",
            Self::Torn => "FW0310",
        }
    }

    fn disposition(&self) -> Disposition {
        match self {
            Self::Ended { .. }
            | Self::TimedOut { .. }
            | Self::Frozen { .. }
            | Self::Torn
            | Self::Io { .. } => Disposition::Retry {
                after: Duration::ZERO,
            },
            _ => Disposition::Permanent,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { .. } => {
                "install Debian's `ffmpeg` package, or name the programs in FRAMEWRIGHT_FFMPEG and FRAMEWRIGHT_FFPROBE"
            }
            Self::NoX264 => {
                "install Debian's `ffmpeg` package, which has it, and name it in FRAMEWRIGHT_FFMPEG if another comes first in PATH"
            }
            Self::Ended { said, .. } if said.contains("No space left on device") => {
                "make room on the worker's disk for temporary files"
            }
            Self::Torn => "make room on the worker's disk for temporary files",
            Self::TimedOut { .. } => {
                "see whether the worker has a CPU and a disk of its own, or give it fewer lanes"
            }
            Self::Gate(_) => "this is a defect of framewright, please report it with the film",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
