//! What is wrong with a project: what can be seen without opening it, and then what its page shows.

mod page;
mod site;

use crate::{Failure, Workshop};
use framewright_composition::{
    CompileOptions, Project,
    check::{self, Findings, Place},
};

/// All that was found.
#[derive(Debug)]
pub struct Report {
    /// In no order; see [`Findings::sorted`].
    pub findings: Findings,
    /// Whether the page was ready and looked at. If not, a finding says why.
    pub opened: bool,
}

/// Checks a project, without Temporal and without the store.
///
/// # Errors
/// When the project cannot be read, or this machine cannot open a page. What is wrong with the
/// project is no error.
pub async fn check(
    workshop: &Workshop,
    project: &Project,
    options: &CompileOptions,
) -> Result<Report, Failure> {
    let mut checked = check::check(project, options, &workshop.vendor).await?;
    let opened = match checked.bundle.clone() {
        Some(bundle) => page::look(workshop, bundle, &mut checked).await?,
        None => false,
    };
    Ok(Report {
        findings: checked.findings,
        opened,
    })
}

/// `index.html:12:5`, as the compiler wrote it onto the element.
fn place_of(at: &str) -> Place {
    let mut parts = at.rsplitn(3, ':');
    let (column, line, file) = (parts.next(), parts.next(), parts.next());
    Place {
        file: file.unwrap_or_default().to_owned(),
        line: line.and_then(|line| line.parse().ok()),
        column: column.and_then(|column| column.parse().ok()),
    }
}
