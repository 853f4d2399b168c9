use crate::wall::Refusal;
use serde::Deserialize;
use std::fmt;

/// Something that a page waits for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Pending {
    /// The kind of wait: `fonts`, `timelines`, `images`, `document`, …
    pub wait: String,
    /// What it waits for: ids or URLs.
    #[serde(default)]
    pub what: Vec<String>,
    /// For how long, in milliseconds.
    #[serde(default)]
    pub ms: f64,
}

/// What a ready page says of itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PageFacts {
    /// Length of the film in seconds, if the page knows one.
    pub duration: Option<f64>,
    /// Width of the root composition in CSS px.
    pub width: Option<f64>,
    /// Height of the root composition in CSS px.
    pub height: Option<f64>,
    /// Id of the root composition.
    pub composition_id: Option<String>,
    /// What the page's runtime wants a person to know.
    pub notes: Vec<String>,
    /// What must be the same whenever this page is loaded with the same fonts and files.
    pub print: String,
    /// The first exceptions that scripts threw while the page loaded. They need not be fatal.
    #[serde(skip)]
    pub exceptions: Vec<String>,
    /// What the page asked for in vain, and can do without.
    #[serde(skip)]
    pub refusals: Vec<Refusal>,
}

/// The runtime's answer to the question whether the page is ready.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) ready: bool,
    pub(crate) pending: Vec<Pending>,
    pub(crate) failed: Option<Failed>,
    #[serde(flatten)]
    pub(crate) facts: PageFacts,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failed {
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) source: Option<String>,
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.wait)?;
        if !self.what.is_empty() {
            write!(f, " (`{}`)", self.what.join("`, `"))?;
        }
        write!(f, " for {:.1} s", self.ms / 1000.0)
    }
}
