//! What is wrong with a project, as far as that can be seen without opening it.
//!
//! [`check`] reads the entry file, the composition files that it mounts, and their styles and
//! scripts, and says what it finds: each [`Finding`] has a [`Rule`], a place and a subject. It also
//! compiles the project, with every element told where it was written ([`AT`]), so that who opens
//! the page can name places too.
//!
//! Invariants:
//! * a mistake is a finding, never an error: only a project that cannot be read is one;
//! * one mistake does not hide another, as far as they are apart from each other;
//! * what is found by guessing, from words in a script, is no error.

mod assets;
mod code;
mod css;
mod document;
mod elements;
mod finding;
mod fonts;
mod hosts;
mod pieces;
mod roots;
pub mod rule;
mod scripts;
mod timing;
mod variables;

pub use document::AT;
pub use finding::{Finding, Findings, Place};
pub use rule::{RULES, Rule, Severity};

use crate::{
    CompileOptions, CompositionError, PageBundle, Project, Result, Vendor,
    compile::{compile, local_path},
    project::DEFAULT_ENTRY,
};
use document::Document;
use url::Url;

/// What was found without a browser.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// What was found so far.
    pub findings: Findings,
    /// Where the root is.
    pub root: Option<Place>,
    /// The page, if there can be one.
    pub bundle: Option<PageBundle>,
    /// As it was written.
    project: Project,
    /// With places in it, line by line as it was written.
    annotated: Project,
}

/// Looks through a project and compiles it.
///
/// # Errors
/// When the project has no such entry file, or it is no text.
pub async fn check(
    project: &Project,
    options: &CompileOptions,
    vendor: &Vendor,
) -> Result<Checked> {
    let (entry, text) = match project.entry(options.entry.as_deref()) {
        // There is a place for it: the file.
        Err(CompositionError::Empty { .. }) => (entry_of(options).to_owned(), ""),
        entry => entry?,
    };
    let mut findings = Findings::default();
    let documents = hosts::read(project, &entry, text, &mut findings)?;
    let root = roots::find(&documents[0], &mut findings);
    if let Some(root) = root {
        roots::facts(&documents[0], &documents[0].nodes[root], &mut findings);
    }
    let mut declared = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        timing::check(document, root.filter(|_| index == 0), &mut findings);
        elements::duplicates(document, &mut findings);
        elements::media(document, &mut findings);
        declared.push(roots::declarations(document, &mut findings));
    }
    let scripts = pieces::scripts(project, &documents);
    let compositions = ids(&documents);
    for script in &scripts {
        scripts::check(script, &compositions, &mut findings);
    }
    variables::check(
        &documents,
        &scripts,
        &options.variables,
        &declared,
        &mut findings,
    );
    let styles = pieces::styles(project, &documents);
    assets::check(project, &documents, &styles, vendor, &mut findings).await;

    let annotated = annotated(project, &documents);
    let bundle = compiled(&annotated, options, vendor, &mut findings).await;
    let mut brought = fonts::Brought::default();
    for document in &documents {
        brought.by_document(document);
    }
    for style in &styles {
        brought.by_style(&style.text);
    }
    for script in &scripts {
        brought.by_script(&script.text);
    }
    for resource in bundle.iter().flat_map(|bundle| bundle.resources.values()) {
        if resource.content_type.starts_with("text/css")
            && let Ok(text) = std::str::from_utf8(&resource.bytes)
        {
            brought.by_style(text);
        }
    }
    fonts::in_styles(&styles, &brought, &mut findings);
    for script in &scripts {
        fonts::in_script(script, &brought, &mut findings);
    }
    let root = root.map(|root| documents[0].place_of(&documents[0].nodes[root]));
    Ok(Checked {
        findings,
        root,
        bundle,
        project: project.clone(),
        annotated,
    })
}

impl Checked {
    /// Where in the project a line of a file stands that the browser was given: what is mounted
    /// into a page moves.
    pub fn locate(&self, url: &str, line: u32) -> Place {
        let Some(path) = Url::parse(url).ok().and_then(|url| local_path(&url)) else {
            return Place {
                line: Some(line),
                ..Place::file(url)
            };
        };
        let served = self
            .bundle
            .as_ref()
            .and_then(|bundle| bundle.resources.get(url));
        let served = served.and_then(|served| std::str::from_utf8(&served.bytes).ok());
        let wanted = served.and_then(|text| line_of(text, line)).map(str::trim);
        let mut equal = Vec::new();
        for (file, bytes) in self.annotated.files() {
            let lines = std::str::from_utf8(bytes).unwrap_or_default().lines();
            let lines = lines
                .enumerate()
                .filter(|(_, text)| Some(text.trim()) == wanted);
            equal.extend(lines.map(|(index, _)| (file != path, index as u32 + 1, file)));
        }
        // In the same file if it is there, and then the nearest.
        equal.sort_by_key(|&(elsewhere, at, _)| (elsewhere, at.abs_diff(line)));
        let (_, line, file) = equal.first().copied().unwrap_or((false, line, &path));
        Place {
            line: Some(line),
            ..Place::file(file)
        }
    }

    /// The first place where a page or script of the project names `text`.
    pub fn mention(&self, text: &str) -> Option<Place> {
        self.project.files().find_map(|(file, bytes)| {
            let names = [".html", ".htm", ".js", ".mjs", ".css"];
            let is_text = names.iter().any(|name| file.ends_with(name));
            let whole = std::str::from_utf8(bytes).ok().filter(|_| is_text)?;
            let (line, column) = document::line_and_column(whole, whole.find(text)?);
            Some(Place {
                file: file.to_owned(),
                line: Some(line),
                column: Some(column),
            })
        })
    }
}

fn entry_of(options: &CompileOptions) -> &str {
    let entry = options.entry.as_deref().unwrap_or(DEFAULT_ENTRY);
    entry.trim_start_matches("./")
}

fn line_of(text: &str, line: u32) -> Option<&str> {
    text.lines().nth((line as usize).checked_sub(1)?)
}

fn ids(documents: &[Document]) -> Vec<String> {
    let nodes = documents.iter().flat_map(|document| &document.nodes);
    nodes
        .filter_map(|node| node.get("data-composition-id").map(str::to_owned))
        .collect()
}

/// The project with each element of its pages told where it was written.
fn annotated(project: &Project, documents: &[Document]) -> Project {
    let mut project = project.clone();
    for document in documents {
        project.replace(&document.file, document.annotated().into());
    }
    project
}

/// The page, unless what was found already keeps it from being one.
async fn compiled(
    project: &Project,
    options: &CompileOptions,
    vendor: &Vendor,
    findings: &mut Findings,
) -> Option<PageBundle> {
    let error = match compile(project, options, vendor).await {
        Ok(bundle) => return Some(bundle),
        Err(error) => error,
    };
    let file = entry_of(options);
    let (rule, subject) = match &error {
        CompositionError::Missing { url, .. } | CompositionError::Network { url, .. } => {
            (&rule::REMOTE_ASSET, url.as_str())
        }
        _ => (&rule::NOT_COMPILED, file),
    };
    // Whatever it is, it is not found twice.
    let is_known = match rule.id {
        "remote-asset" => findings.has(rule),
        _ => findings.count(Severity::Error) > 0,
    };
    if !is_known {
        findings.add(rule, Place::file(file), subject, error.to_string());
    }
    None
}
