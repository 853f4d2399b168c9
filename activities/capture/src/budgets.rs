use std::time::Duration;

/// How long each wait may take. Generous: they are there so that nothing hangs, not so that
/// something is fast; a starved machine must not fail a render.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Budgets {
    /// From the start of the process to its first answer.
    pub launch: Duration,
    /// A command that only changes a setting.
    pub command: Duration,
    /// From navigation until the page says that it is ready.
    pub ready: Duration,
    /// How long the page's body scripts wait for its fonts.
    pub fonts: Duration,
    /// The page's own work for one frame.
    pub seek: Duration,
    /// Painting one frame.
    pub frame: Duration,
    /// An orderly end of the browser; then it is killed.
    pub close: Duration,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            launch: Duration::from_secs(30),
            command: Duration::from_secs(15),
            ready: Duration::from_secs(45),
            fonts: Duration::from_secs(10),
            seek: Duration::from_secs(30),
            frame: Duration::from_secs(30),
            close: Duration::from_secs(2),
        }
    }
}
