use crate::{destination::Destination, status::Pending};
use framewright_film::{Disposition, Fault, FrameSize};
use std::{fmt, io, time::Duration};

/// Why frames could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// There is no browser to capture with.
    #[error("no usable `{looked_for}` was found")]
    ChromiumMissing {
        /// The program that was looked for.
        looked_for: String,
    },

    /// The browser ended before it answered for the first time.
    #[error("the browser did not start")]
    Launch(#[source] LastWords),

    /// The pipe to the browser closed: somebody killed it, or it crashed.
    #[error("the browser died while it was asked for {doing}")]
    BrowserDied {
        /// The command that was not answered.
        doing: &'static str,
        /// What it wrote last.
        #[source]
        last_words: LastWords,
    },

    /// A process of the browser other than its main one died.
    #[error("the browser's {process} process died while it was asked for {doing}")]
    ChildDied {
        /// `page` or `GPU`.
        process: &'static str,
        /// The command that was not answered.
        doing: &'static str,
    },

    /// A command was not answered within its budget.
    #[error("the browser did not answer `{command}` within {} s", budget.as_secs_f64())]
    Unanswered {
        /// The command.
        command: &'static str,
        /// How long it was waited for.
        budget: Duration,
    },

    /// The browser lives and does nothing: it was stopped, or waits for what does not come.
    #[error("the browser did nothing any more while it was asked for {doing}")]
    Frozen {
        /// The command that was not answered.
        doing: &'static str,
    },

    /// The browser refused a command, or gave an answer that makes no sense.
    #[error("the browser refused `{command}`: {message}")]
    Refused {
        /// The command.
        command: &'static str,
        /// The browser's words.
        message: String,
    },

    /// WebGL is not SwiftShader: pixels would depend on this machine.
    #[error("WebGL is drawn by `{vendor}` `{renderer}`, not by SwiftShader")]
    ForeignGl {
        /// What the browser calls the vendor.
        vendor: String,
        /// What the browser calls the renderer.
        renderer: String,
    },

    /// The page did not become ready within the whole budget.
    #[error("the page was not ready after {} s: {}{}", waited.as_secs(), Waits(pending), Thrown(exceptions))]
    NotReady {
        /// How long it was waited for.
        waited: Duration,
        /// What was waited for; empty when not even the document was there.
        pending: Vec<Pending>,
        /// The first exceptions that the page's scripts threw.
        exceptions: Vec<String>,
    },

    /// The page itself says that it cannot become ready.
    #[error(
        "the page failed ({kind}): {message}{}{}",
        From(origin),
        Thrown(exceptions)
    )]
    PageFailed {
        /// A short word for what went wrong.
        kind: String,
        /// What went wrong.
        message: String,
        /// The composition or script it comes from; may be empty.
        origin: String,
        /// The first exceptions that the page's scripts threw.
        exceptions: Vec<String>,
    },

    /// The page draws with WebGPU and has no other way.
    #[error(
        "the page needs WebGPU, which a renderer without a graphics card does not have: {message}"
    )]
    WebGpu {
        /// What the page said.
        message: String,
    },

    /// The page needs something that the plan does not hold.
    #[error("the page needs the {destination} `{url}`, which is not there")]
    AssetMissing {
        /// As the browser asked for it.
        url: String,
        /// What it would have been used for.
        destination: Destination,
    },

    /// The plan holds what the page asked for, and the store did not give it.
    #[error("`{url}`, which the page needs, could not be had from the store")]
    Unavailable {
        /// As the browser asked for it.
        url: String,
    },

    /// A load of the page got other fonts or files than the load that made the plan.
    #[error("the page was loaded with other fonts or files than planned: {found}, not {planned}")]
    LoadedOtherwise {
        /// The print of the load that made the plan.
        planned: String,
        /// Of this one.
        found: String,
    },

    /// The page threw while it was moved to a frame.
    #[error("the page failed while it moved to frame {frame}: {message}")]
    SeekFailed {
        /// The frame.
        frame: u32,
        /// What was thrown.
        message: String,
    },

    /// The page did not come to a frame, or the browser did not paint it, within the budget.
    #[error("frame {frame} was not there within {} s", budget.as_secs_f64())]
    FrameLost {
        /// The frame.
        frame: u32,
        /// How long it was waited for.
        budget: Duration,
    },

    /// The compositor's buffer no longer holds what is on the screen.
    #[error("the frames read from the compositor are not those it shows")]
    TapLost,

    /// A picture came back in another size or shape than was asked for.
    #[error("the browser painted {found}, not {expected}")]
    WrongPicture {
        /// What came.
        found: String,
        /// What was asked for.
        expected: FrameSize,
    },

    /// An earlier call was given up half-way, so this lane's state is unknown.
    #[error("the lane was interrupted and cannot be used any more")]
    Interrupted,

    /// A system call failed.
    #[error("{doing} failed")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// The end of what a browser wrote to its standard error. Holds paths: for logs, not for callers.
#[derive(Clone, Debug, Default)]
pub struct LastWords(pub String);

struct Waits<'a>(&'a [Pending]);
struct Thrown<'a>(&'a [String]);
struct From<'a>(&'a str);

impl CaptureError {
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}

impl Fault for CaptureError {
    fn code(&self) -> &'static str {
        match self {
            Self::ChromiumMissing { .. } => "FW0201",
            Self::Launch(_) => "FW0202",
            Self::BrowserDied { .. } => "FW0203",
            Self::ChildDied { .. } => "FW0204",
            Self::Unanswered { .. } => "FW0205",
            Self::Refused { .. } => "FW0206",
            Self::ForeignGl { .. } => "FW0207",
            Self::NotReady { .. } => "FW0208",
            Self::PageFailed { .. } => "FW0209",
            Self::AssetMissing { .. } => "FW0210",
            Self::SeekFailed { .. } => "FW0211",
            Self::FrameLost { .. } => "FW0212",
            Self::TapLost => "FW0213",
            Self::WrongPicture { .. } => "FW0214",
            Self::Interrupted => "FW0215",
            Self::Io { .. } => "FW0216",
            Self::WebGpu { .. } => "FW0217",
            Self::Frozen { .. } => "FW0218",
            Self::Unavailable { .. } => "FW0219",
            Self::LoadedOtherwise { .. } => "FW0220",
        }
    }

    fn disposition(&self) -> Disposition {
        match self {
            Self::ChromiumMissing { .. }
            | Self::ForeignGl { .. }
            | Self::PageFailed { .. }
            | Self::WebGpu { .. }
            | Self::AssetMissing { .. }
            | Self::SeekFailed { .. } => Disposition::Permanent,
            // A starved machine is the likelier cause than a page that waits for ever: the waits
            // that a page can be blamed for have budgets of their own and end as `PageFailed`.
            Self::NotReady { .. }
            | Self::Launch(_)
            | Self::BrowserDied { .. }
            | Self::ChildDied { .. }
            | Self::Unanswered { .. }
            | Self::Frozen { .. }
            | Self::Refused { .. }
            | Self::FrameLost { .. }
            | Self::TapLost
            | Self::WrongPicture { .. }
            | Self::Interrupted
            | Self::Unavailable { .. }
            | Self::LoadedOtherwise { .. }
            | Self::Io { .. } => Disposition::Retry {
                after: Duration::ZERO,
            },
        }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::ChromiumMissing { .. } => {
                "install Debian's `chromium-headless-shell`, or name the program in `FRAMEWRIGHT_CHROMIUM`"
            }
            Self::ForeignGl { .. } => {
                "use a Chromium that brings SwiftShader (`libvk_swiftshader.so` next to the program)"
            }
            Self::NotReady { .. } => {
                "make the page finish what it waits for, or mark a composition that has no timeline with `data-no-timeline`"
            }
            Self::AssetMissing { .. } => "add the file to the project, or remove the reference",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

impl fmt::Display for LastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("it wrote nothing to its standard error")
        } else {
            f.write_str(self.0.trim_end())
        }
    }
}

impl std::error::Error for LastWords {}

impl fmt::Display for Waits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("its document was not there");
        }
        f.write_str("waiting for ")?;
        for (i, pending) in self.0.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{pending}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Thrown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            some => write!(f, "; its scripts threw: {}", some.join("; ")),
        }
    }
}

impl fmt::Display for From<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            origin => write!(f, " (in `{origin}`)"),
        }
    }
}
