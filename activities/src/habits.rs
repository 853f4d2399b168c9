/// How a worker uses its capture sessions. Only benchmarks have another than the default: they
/// bring back what once made renders in few chunks the slowest, to measure it against the cure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// Who asks the browser who draws WebGL.
    pub probe: ProbeHabit,
    /// What becomes of the session that was opened first.
    pub warmup: WarmupHabit,
}

/// Who asks the browser who draws WebGL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProbeHabit {
    /// The session, once, before there are other lanes.
    #[default]
    Once,
    /// Every lane, all of them at the same time.
    PerLane,
}

/// What becomes of the session that was opened first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WarmupHabit {
    /// It is the first lane, and its browser serves the next chunk.
    #[default]
    Keep,
    /// It is closed before the lanes start; nothing stays warm.
    Discard,
}
