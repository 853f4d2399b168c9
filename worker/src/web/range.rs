//! The part of `Range` (RFC 9110, 14.2) that players and download tools use: one range of bytes.

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The whole: no range, or one that may be ignored.
    Whole,
    /// These bytes; not empty.
    Part(Range<u64>),
    /// Bytes that are not there.
    Unsatisfiable,
}

impl Wanted {
    /// What `header` wants of `size` bytes.
    ///
    /// Several ranges, other units and malformed ones are answered with the whole, as the RFC
    /// allows; only a well-formed range past the end is refused.
    pub(super) fn of(header: &str, size: u64) -> Self {
        let Some((first, last)) = header
            .strip_prefix("bytes=")
            .and_then(|r| r.split_once('-'))
        else {
            return Self::Whole;
        };
        let range = match (number(first), number(last)) {
            (Some(first), None) if last.is_empty() => first..size,
            (Some(first), Some(last)) if first <= last => first..size.min(last.saturating_add(1)),
            (None, Some(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
            _ => return Self::Whole,
        };
        match range.is_empty() {
            true => Self::Unsatisfiable,
            false => Self::Part(range),
        }
    }
}

/// Digits only: `parse` alone would take `+5`.
fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::Wanted::{self, Part, Unsatisfiable, Whole};

    #[test]
    fn ranges_are_inclusive_and_clamped() {
        for (header, wanted) in [
            ("bytes=0-", Part(0..100)),
            ("bytes=0-0", Part(0..1)),
            ("bytes=10-19", Part(10..20)),
            ("bytes=90-500", Part(90..100)),
            ("bytes=-10", Part(90..100)),
            ("bytes=-500", Part(0..100)),
            ("bytes=0-18446744073709551615", Part(0..100)),
            ("bytes=100-", Unsatisfiable),
            ("bytes=200-300", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
        ] {
            assert_eq!(Wanted::of(header, 100), wanted, "{header}");
        }
    }

    #[test]
    fn what_is_not_one_range_of_bytes_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-4",
            "bytes=+5-",
            "bytes= 5-",
            "bytes=0-1,5-6",
            "frames=0-1",
            "bytes=0x1-",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(Wanted::of(header, 100), Whole, "{header}");
        }
    }
}
