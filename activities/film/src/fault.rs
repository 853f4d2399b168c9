use std::time::Duration;

/// Whether it makes sense to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The same input will fail in the same way: the render ends.
    Permanent,
    /// Something around it failed; try again, not sooner than `after`.
    Retry {
        /// The least time to wait. Zero leaves it to the retry policy.
        after: Duration,
    },
}

/// An error that can end a render, as the rooms report it.
///
/// The code is stable: it is the Temporal failure type, the `reason` of a gRPC `ErrorInfo` and the
/// name of a page in `docs/errors/`. `Display` is for callers and holds no path of this machine.
pub trait Fault: std::error::Error {
    /// `FW` and four digits. Each crate has a hundred of its own:
    /// 01 composition, 02 capture, 03 encode, 04 store, 05 activities and service.
    fn code(&self) -> &'static str;

    /// Whether a retry can help.
    fn disposition(&self) -> Disposition;

    /// What the reader can do about it, as one sentence without a final period.
    fn hint(&self) -> Option<String> {
        None
    }
}
