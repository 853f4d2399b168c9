use super::rule::{Rule, Severity};
use std::collections::BTreeSet;

/// One thing that was found, and where.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which rule found it.
    pub rule: &'static Rule,
    /// Where.
    pub place: Place,
    /// The element, text, font or address that it is about, as the author wrote it.
    pub subject: String,
    /// What is wrong, one sentence without a final period.
    pub message: String,
}

/// A place in a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Path in the project, or the URL of a file that is not in it.
    pub file: String,
    /// Counted from 1; `None` where only the file is known.
    pub line: Option<u32>,
    /// In characters, counted from 1.
    pub column: Option<u32>,
}

/// What was found so far, each thing once.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    found: Vec<Finding>,
    seen: BTreeSet<(&'static str, Place, String)>,
}

impl Place {
    /// A file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            ..Self::default()
        }
    }
}

impl Findings {
    /// Adds what `rule` found at `place` about `subject`, unless it is known.
    pub fn add(
        &mut self,
        rule: &'static Rule,
        place: Place,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) {
        let subject = subject.into();
        if self.seen.insert((rule.id, place.clone(), subject.clone())) {
            self.found.push(Finding {
                rule,
                place,
                subject,
                message: message.into(),
            });
        }
    }

    /// Whether `rule` found anything.
    pub fn has(&self, rule: &Rule) -> bool {
        self.found.iter().any(|one| one.rule.id == rule.id)
    }

    /// Whether something was found about `subject` by `rule`, wherever.
    pub fn knows(&self, rule: &Rule, subject: &str) -> bool {
        self.found
            .iter()
            .any(|one| one.rule.id == rule.id && one.subject == subject)
    }

    /// How many are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        let of = |one: &&Finding| one.rule.severity == severity;
        self.found.iter().filter(of).count()
    }

    /// In the order of files and lines; what matters more comes first within a line.
    pub fn sorted(&self) -> Vec<&Finding> {
        let mut sorted: Vec<_> = self.found.iter().collect();
        sorted.sort_by(|a, b| {
            let key = |one: &Finding| (one.place.clone(), one.rule.severity, one.rule.id);
            key(a).cmp(&key(b))
        });
        sorted
    }
}
