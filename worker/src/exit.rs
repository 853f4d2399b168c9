//! How a command ends: an error a person can act on, and an exit code a script can act on.

use anstyle::{AnsiColor, Style};
use framewright_activities::Failure;
use framewright_film::Fault as _;
use std::{io::Write as _, process::ExitCode};

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) struct Exit {
    kind: Kind,
    message: String,
    hint: Option<String>,
    /// `FW…`, when it has one.
    reason: Option<String>,
}

/// What a script can tell apart. Documented in `docs/cli.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 1: the render ended without a film, or something unforeseen went wrong.
    Failed = 1,
    /// 2: the command line, or the project, is not right. Trying again will not help.
    Input = 2,
    /// 3: this machine lacks something: a program, a port, room on the disk.
    Machine = 3,
    /// 4: the service or the Temporal server cannot be reached.
    Unreachable = 4,
    /// 130: it was asked to stop (128 + SIGINT, as shells count).
    Cancelled = 130,
}

impl Exit {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            reason: None,
        }
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    pub(crate) fn machine(message: impl Into<String>) -> Self {
        Self::new(Kind::Machine, message)
    }

    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unreachable, message)
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(Kind::Cancelled, "cancelled")
    }

    /// The command has said on stdout what is wrong.
    pub(crate) fn told() -> Self {
        Self::new(Kind::Failed, "")
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.kind as u8)
    }
}

impl From<Failure> for Exit {
    fn from(failure: Failure) -> Self {
        let exit = Self::new(kind_of(failure.code()), failure.chain()).reason(failure.code());
        match failure.hint() {
            Some(hint) => exit.hint(hint),
            None => exit,
        }
    }
}

/// Whose fault an error is. The code decides, so that a render that failed elsewhere and one that
/// failed in this process end alike.
pub(crate) fn kind_of(code: &str) -> Kind {
    match code {
        // No browser, no encoder, another GPU; no room, no permission.
        "FW0201" | "FW0202" | "FW0207" | "FW0301" | "FW0302" | "FW0404" | "FW0405" | "FW0410"
        | "FW0412" | "FW0502" => Kind::Machine,
        // Something that is fetched was not to be had this time.
        "FW0115" | "FW0116" | "FW0117" => Kind::Failed,
        // The page never got ready, threw, or lacks a file.
        "FW0208" | "FW0209" | "FW0210" | "FW0211" => Kind::Input,
        "FW0409" | "FW0411" | "FW0413" | "FW0414" | "FW0505" | "FW0506" | "FW0507" | "FW0508"
        | "FW0540" | "FW0541" | "FW0542" => Kind::Input,
        _ if code.starts_with("FW01") => Kind::Input,
        _ => Kind::Failed,
    }
}

/// Prints an error as `uv` and `cargo` do: what, then why not, then what to do.
pub(crate) fn report(exit: &Exit) {
    if exit.message.is_empty() {
        return;
    }
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let bold = Style::new().bold();
    let mut stderr = anstream::stderr().lock();
    // There is nowhere to say that stderr is gone.
    let _ = match &exit.reason {
        Some(reason) => writeln!(stderr, "{red}error{red:#}[{reason}]: {}", exit.message),
        None => writeln!(stderr, "{red}error{red:#}: {}", exit.message),
    };
    if let Some(hint) = &exit.hint {
        let _ = writeln!(stderr, "\n{bold}hint{bold:#}: {hint}");
    }
}
