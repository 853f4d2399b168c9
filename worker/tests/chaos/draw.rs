//! What a seed decides.

use fastrand::Rng;
use std::fmt;

/// A process of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    /// `framewright dev`, and with it all others.
    Dev,
    Worker,
    Temporal,
    /// Chromium's main process.
    Browser,
    Renderer,
    Gpu,
    Ffmpeg,
}

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Blow {
    /// `SIGKILL`.
    Kill,
    /// `SIGSTOP`, for good.
    Freeze,
    /// `SIGSTOP`, and `SIGCONT` after so many seconds.
    Nap(f64),
}

/// One fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) blow: Blow,
    pub(crate) victim: Victim,
    /// When, as a part of the time that a quiet render takes.
    pub(crate) after: f64,
    /// The time begins with the first segment, so that there is somebody to strike.
    pub(crate) mid_render: bool,
}

/// `SEED` of the environment, else another each time; printed either way.
pub(crate) fn seed() -> u64 {
    let seed = number("SEED").unwrap_or_else(|| u64::from(fastrand::u32(..)));
    eprintln!("SEED={seed}");
    seed
}

/// `N` of the environment.
pub(crate) fn rounds(usual: u64) -> u64 {
    number("N").unwrap_or(usual)
}

/// Seeds that follow each other give draws that do not.
pub(crate) fn generator(seed: u64) -> Rng {
    let mut rng = Rng::with_seed(seed);
    Rng::with_seed(rng.u64(..) ^ seed.rotate_left(32))
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("`{name}={text}` is no number")),
    )
}

impl Fault {
    /// The fault of one round. The same seed gives the same fault.
    pub(crate) fn draw(seed: u64, blow: fn(&mut Rng) -> Blow, victims: &[Victim]) -> Self {
        let mut rng = generator(seed);
        Self {
            blow: blow(&mut rng),
            victim: victims[rng.usize(..victims.len())],
            after: rng.f64(),
            mid_render: false,
        }
    }
}

impl Victim {
    /// What its command line holds.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Dev => " dev ",
            Self::Worker => " worker --role chunks",
            Self::Temporal => " server start-dev",
            Self::Browser => "--remote-debugging-pipe",
            Self::Renderer => "--type=renderer",
            Self::Gpu => "--type=gpu-process",
            Self::Ffmpeg => "rawvideo",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            blow,
            victim,
            after,
            ..
        } = self;
        write!(f, "{blow:?} {victim:?} at {after:.2}")
    }
}
