use framewright_capture::CaptureError;
use framewright_composition::CompositionError;
use framewright_encode::EncodeError;
use framewright_film::{Disposition, Fault};
use framewright_store::StoreError;
use framewright_workflows::RenderProblem;
use std::time::Duration;

/// Why a step did not succeed: an error of one of the rooms, or one of ours.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The project is at fault, or what it asks for cannot be had.
    #[error(transparent)]
    Composition(#[from] CompositionError),
    /// The browser or the page.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// ffmpeg, or what it made.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The scratch folder.
    #[error("the scratch folder could not be used while {task}: {source}")]
    Scratch {
        /// What was being done.
        task: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The plan was made for another toolchain.
    #[error("the plan was made for toolchain `{wanted}`, this worker has `{have}`")]
    Toolchain {
        /// The plan's fingerprint.
        wanted: String,
        /// Ours.
        have: String,
    },
    /// What the store holds as a plan is none.
    #[error("the plan cannot be read: {0}")]
    Manifest(#[source] serde_json::Error),
    /// The variables are no JSON object.
    #[error("the variables are not a JSON object: {0}")]
    Variables(#[source] serde_json::Error),
    /// The film is longer than a film may be.
    #[error("the film would have {frames} frames; at most {max} are accepted")]
    TooLong {
        /// What it would have.
        frames: u64,
        /// The limit.
        max: u32,
    },
    /// Neither the composition nor its timelines say how long it is.
    #[error(
        "the composition has no duration: its root has no `data-duration` and none could be inferred"
    )]
    NoDuration,
    /// A frame beyond the end was asked for.
    #[error("frame {frame} is beyond the end: the film has {frames} frames, 0–{}", frames - 1)]
    NoSuchFrame {
        /// What was asked for.
        frame: u32,
        /// Frames of the film.
        frames: u32,
    },
    /// A lane ended without saying why: a bug of ours.
    #[error("a capture lane ended unexpectedly: {0}")]
    Lane(String),
}

impl Failure {
    /// For `map_err` on work with scratch files.
    pub fn scratch(task: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Scratch { task, source }
    }

    /// The message and what was behind it, for logs and for whoever sits at this machine.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let words = error.to_string();
            // Some errors repeat their cause in their own words.
            if !text.contains(&words) {
                text += ": ";
                text += &words;
            }
            cause = error.source();
        }
        text
    }

    /// The same, as it travels through history and over the wire.
    pub fn problem(&self) -> RenderProblem {
        RenderProblem {
            code: self.code().to_owned(),
            message: self.to_string(),
            hint: self.hint(),
            failures: Vec::new(),
        }
    }

    fn room(&self) -> Option<&dyn Fault> {
        match self {
            Self::Composition(fault) => Some(fault),
            Self::Capture(fault) => Some(fault),
            Self::Encode(fault) => Some(fault),
            Self::Store(fault) => Some(fault),
            _ => None,
        }
    }
}

impl Fault for Failure {
    fn code(&self) -> &'static str {
        if let Some(fault) = self.room() {
            return fault.code();
        }
        match self {
            Self::Scratch { .. } => "FW0502",
            Self::Toolchain { .. } => "FW0503",
            Self::Manifest(_) => "FW0504",
            Self::Variables(_) => "FW0505",
            Self::TooLong { .. } => "FW0506",
            Self::NoDuration => "FW0507",
            Self::NoSuchFrame { .. } => "FW0508",
            _ => "FW0509",
        }
    }

    fn disposition(&self) -> Disposition {
        if let Some(fault) = self.room() {
            return fault.disposition();
        }
        match self {
            // Another worker, or this one after a while, may have room or the right toolchain.
            Self::Scratch { .. } | Self::Toolchain { .. } | Self::Lane(_) => Disposition::Retry {
                after: Duration::ZERO,
            },
            _ => Disposition::Permanent,
        }
    }

    fn hint(&self) -> Option<String> {
        if let Some(fault) = self.room() {
            return fault.hint();
        }
        let hint = match self {
            Self::NoDuration => "give the root element a `data-duration` in seconds",
            Self::TooLong { .. } => {
                "check `data-duration` and the frame rate, or cut the film into several"
            }
            Self::Scratch { .. } => {
                "check free space and permissions of the scratch folder (`--scratch`)"
            }
            Self::Toolchain { .. } => {
                "submit the render again, so that it is planned for the workers that run now"
            }
            Self::Variables(_) => "pass an object such as `{\"title\": \"Hello\"}`",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
