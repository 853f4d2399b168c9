use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How close the film comes to the lossless frames. `encode` says what each means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// For a quick look.
    Draft,
    /// For publishing.
    #[default]
    Standard,
    /// For further work on the film.
    High,
}

/// The text named no quality.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a quality: `draft`, `standard` or `high` is expected")]
pub struct QualityError(String);

impl Quality {
    /// The word for it, as users write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Standard => "standard",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Quality {
    type Err = QualityError;

    fn from_str(text: &str) -> Result<Self, QualityError> {
        [Self::Draft, Self::Standard, Self::High]
            .into_iter()
            .find(|quality| quality.as_str() == text)
            .ok_or_else(|| QualityError(text.to_owned()))
    }
}
