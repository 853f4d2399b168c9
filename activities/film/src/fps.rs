use std::{fmt, str::FromStr};

/// Frames per second, as a fraction in lowest terms.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fps {
    num: u32,
    den: u32,
}

/// The text was no frame rate that a film can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a frame rate: a number such as `30` or a fraction such as `30000/1001`, above 0 and at most 240, is expected"
)]
pub struct FpsError(String);

impl Fps {
    /// 30 frames per second, the contract's default.
    pub const DEFAULT: Self = Self { num: 30, den: 1 };

    /// The highest rate that is accepted, frames per second.
    pub const MAX: u32 = 240;

    /// `num / den` frames per second.
    ///
    /// # Errors
    /// When the rate is not above 0 and at most [`Fps::MAX`].
    pub fn new(num: u32, den: u32) -> Result<Self, FpsError> {
        let sane = den > 0 && num > 0 && u64::from(num) <= u64::from(den) * u64::from(Self::MAX);
        if !sane || den > 100_000 {
            return Err(FpsError(format!("{num}/{den}")));
        }
        let divisor = gcd(num, den);
        Ok(Self {
            num: num / divisor,
            den: den / divisor,
        })
    }

    /// Numerator, in lowest terms.
    pub fn num(self) -> u32 {
        self.num
    }

    /// Denominator, in lowest terms.
    pub fn den(self) -> u32 {
        self.den
    }

    /// The rate as a float, for logs and ratios; never for timing.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// The time that `frame` shows, in seconds.
    pub fn seconds_at(self, frame: u32) -> f64 {
        f64::from(frame) * f64::from(self.den) / f64::from(self.num)
    }

    /// How many frames `seconds` fill: rounded if within 1e-3 of an integer, else up
    /// (composition contract, section 1).
    ///
    /// `None` when `seconds` is not a positive finite number or the film would not fit 32 bits.
    pub fn frames_in(self, seconds: f64) -> Option<u32> {
        let exact = seconds * f64::from(self.num) / f64::from(self.den);
        if !exact.is_finite() || exact <= 0.0 || exact > f64::from(u32::MAX) {
            return None;
        }
        let nearest = exact.round();
        let frames = if (exact - nearest).abs() <= 1e-3 {
            nearest
        } else {
            exact.ceil()
        };
        // Bounded by the check above.
        Some((frames as u32).max(1))
    }
}

impl fmt::Display for Fps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            write!(f, "{}", self.num)
        } else {
            write!(f, "{}/{}", self.num, self.den)
        }
    }
}

impl fmt::Debug for Fps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fps({self})")
    }
}

impl FromStr for Fps {
    type Err = FpsError;

    /// Accepts `30`, `30000/1001` and decimals. The NTSC shorthands (`23.976`, `29.97`, `59.94`,
    /// …) mean the exact fraction over 1001, as in ffmpeg.
    fn from_str(text: &str) -> Result<Self, FpsError> {
        let bad = || FpsError(text.to_owned());
        let text = text.trim();
        if let Some((num, den)) = text.split_once('/') {
            let num = num.trim().parse().map_err(|_| bad())?;
            let den = den.trim().parse().map_err(|_| bad())?;
            return Self::new(num, den).map_err(|_| bad());
        }
        if let Ok(whole) = text.parse() {
            return Self::new(whole, 1).map_err(|_| bad());
        }
        let decimal: f64 = text.parse().map_err(|_| bad())?;
        if !decimal.is_finite() || decimal <= 0.0 || decimal > f64::from(Self::MAX) {
            return Err(bad());
        }
        let ntsc = decimal.ceil();
        if ntsc > decimal && (ntsc * 1000.0 / 1001.0 - decimal).abs() < 0.005 {
            return Self::new(ntsc as u32 * 1000, 1001).map_err(|_| bad());
        }
        Self::new((decimal * 1000.0).round() as u32, 1000).map_err(|_| bad())
    }
}

crate::serde_as_text!(Fps);

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::Fps;

    fn fps(text: &str) -> Fps {
        text.parse().unwrap()
    }

    #[test]
    fn reads_what_people_write() {
        assert_eq!(fps("30").to_string(), "30");
        assert_eq!(fps("60/2").to_string(), "30");
        assert_eq!(fps("29.97").to_string(), "30000/1001");
        assert_eq!(fps("23.976").to_string(), "24000/1001");
        assert_eq!(fps("12.5").to_string(), "25/2");
        for bad in ["", "0", "-1", "NaN", "inf", "30/0", "1000", "thirty", "1e9"] {
            assert!(bad.parse::<Fps>().is_err(), "{bad}");
        }
    }

    #[test]
    fn frames_round_only_when_near() {
        assert_eq!(fps("30").frames_in(10.0), Some(300));
        assert_eq!(fps("30").frames_in(22.0), Some(660));
        assert_eq!(fps("30").frames_in(1.0 / 30.0 + 1e-6), Some(1));
        assert_eq!(fps("30").frames_in(1.01), Some(31));
        assert_eq!(fps("29.97").frames_in(10.01), Some(300));
        for none in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e12] {
            assert_eq!(fps("30").frames_in(none), None);
        }
    }
}
