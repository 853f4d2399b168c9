//! Times and amounts, as people read them.

use std::time::{Duration, SystemTime};

/// A point in time, for a `<time>` element.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// `2026-11-24T08:37:24Z`
    pub(super) machine: String,
    /// `2026-11-24 08:37:24 UTC`
    pub(super) absolute: String,
    /// `3 min ago`
    pub(super) relative: String,
}

impl Moment {
    pub(super) fn new(time: SystemTime, now: SystemTime) -> Self {
        let machine = humantime::format_rfc3339_seconds(time).to_string();
        Self {
            absolute: machine.replace('T', " ").replace('Z', " UTC"),
            relative: ago(now.duration_since(time).unwrap_or_default()),
            machine,
        }
    }
}

/// The time that a message of ours carries.
pub(super) fn time(timestamp: Option<prost_types::Timestamp>) -> Option<SystemTime> {
    // What is before our era, or past what the clock can say, is not shown.
    let time = SystemTime::try_from(timestamp?).ok()?;
    (time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs() < 253_402_300_800).then_some(time)
}

fn ago(age: Duration) -> String {
    match age.as_secs() {
        0..5 => "just now".to_owned(),
        seconds @ 5..60 => format!("{seconds} s ago"),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

/// `7.3 s`, `42 s`, `3 min 5 s`, `2 h 4 min`.
pub(super) fn span(duration: Duration) -> String {
    match duration.as_secs() {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Where in a film, as players show it: `0:08.5`.
pub(super) fn timecode(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    let (minutes, tenths) = (tenths / 600, tenths % 600);
    format!("{minutes}:{:02}.{}", tenths / 10, tenths % 10)
}

/// `812 B`, `3.4 MB`.
pub(super) fn size(bytes: u64) -> String {
    let mut amount = bytes as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB"] {
        if amount < 999.95 {
            break;
        }
        amount /= 1000.0;
        unit = larger;
    }
    match unit {
        "B" => format!("{bytes} B"),
        _ => format!("{amount:.1} {unit}"),
    }
}

/// `1 chunk`, `7 chunks`.
pub(super) fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::{ago, size, span, timecode};
    use std::time::Duration;

    #[test]
    fn amounts_read_well_at_their_edges() {
        let s = Duration::from_secs;
        assert_eq!(
            [0, 999, 1000, 999_999, 12_345_678].map(size),
            ["0 B", "999 B", "1.0 kB", "1.0 MB", "12.3 MB"]
        );
        assert_eq!(
            [s(9), s(59), s(60), s(3725)].map(span),
            ["9.0 s", "59 s", "1 min 0 s", "1 h 2 min"]
        );
        assert_eq!(
            [s(0), s(59), s(119), s(7200), s(172_800)].map(ago),
            ["just now", "59 s ago", "1 min ago", "2 h ago", "2 days ago"]
        );
        assert_eq!(
            [0.0, 8.5, 59.96, 61.0].map(timecode),
            ["0:00.0", "0:08.5", "1:00.0", "1:01.0"]
        );
    }
}
