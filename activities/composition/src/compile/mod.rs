//! The compiler: follows what a page refers to, and gathers the answers.

mod references;
mod rewrite;
pub(crate) mod scan;

use crate::{
    CompositionError, PageBundle, Project, Resource, Result, Vendor,
    bundle::ORIGIN,
    inspect,
    mount::Expansion,
    variables::Checked,
    vendor::{Packages, Refusal},
};
use references::{Kind, Reference};
use scan::Scan;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use url::Url;

/// What a page is compiled with.
#[derive(Clone, Debug, Default)]
pub struct CompileOptions {
    /// The entry file; `index.html` when not named.
    pub entry: Option<String>,
    /// The render's variables, by id.
    pub variables: Map<String, Value>,
    /// Whether a variable that nothing declares, or whose value is not of its type, is an error
    /// rather than a warning.
    pub strict: bool,
}

/// Gathers every byte that the page of `project` will be given.
///
/// # Errors
/// When the composition makes no sense, or something it refers to cannot be had.
pub async fn compile(
    project: &Project,
    options: &CompileOptions,
    vendor: &Vendor,
) -> Result<PageBundle> {
    let (file, text) = project.entry(options.entry.as_deref())?;
    let scan = Scan::of(&file, text)?;
    let composition = inspect::of_scan(&file, &scan)?;
    let entry = local_url(&file);
    let mut warnings = Vec::new();
    let mut page = rewrite::wrapped(text, &scan);
    let expansion = Expansion {
        project,
        entry: &file,
        declared: &composition.variables,
        given: &options.variables,
    };
    let mut checked = Checked {
        strict: options.strict,
        warnings: &mut warnings,
    };
    let mut images = Vec::new();
    if let Some(expanded) = expansion.of(&page, &mut checked)? {
        page = expanded.text.into();
        images = expanded.images;
    }
    let scan = Scan::of(&file, &page)?;
    let mut gathering = Gathering {
        project,
        packages: vendor.packages(),
        resources: project_resources(project),
        warnings,
        seen: BTreeSet::new(),
        queue: VecDeque::new(),
    };
    gathering.seen.insert(entry.to_string());
    gathering.enqueue(references::in_page(&file, &entry, &scan));
    gathering.enqueue(references::in_variables(&entry, images));
    gathering.run().await?;
    let page = rewrite::entry(&file, &page, &entry, &scan, &gathering.resources)?;
    gathering
        .resources
        .insert(entry.to_string(), Resource::named(&file, page.into()));
    Ok(PageBundle {
        entry,
        resources: gathering.resources,
        composition,
        variables: options.variables.clone(),
        warnings: gathering.warnings,
    })
}

/// Follows references until there are no new ones.
struct Gathering<'a> {
    project: &'a Project,
    packages: Packages<'a>,
    resources: BTreeMap<String, Resource>,
    warnings: Vec<String>,
    seen: BTreeSet<String>,
    queue: VecDeque<Reference>,
}

impl Gathering<'_> {
    fn enqueue(&mut self, references: Vec<Reference>) {
        for reference in references {
            if self.seen.insert(reference.url.to_string()) {
                self.queue.push_back(reference);
            }
        }
    }

    async fn run(&mut self) -> Result<()> {
        while let Some(reference) = self.queue.pop_front() {
            if let Some(path) = local_path(&reference.url) {
                self.follow_local(&reference, &path)?;
            } else {
                self.follow_remote(&reference).await?;
            }
        }
        Ok(())
    }

    fn follow_local(&mut self, reference: &Reference, path: &str) -> Result<()> {
        let Some(bytes) = self.project.get(path) else {
            self.warnings.push(format!(
                "{} refers to `{path}`, which the project does not have",
                reference.place
            ));
            return Ok(());
        };
        let found = self.references_in(path, reference, bytes)?;
        self.enqueue(found);
        Ok(())
    }

    async fn follow_remote(&mut self, reference: &Reference) -> Result<()> {
        let fetched = match self.packages.fetch(&reference.url).await {
            Ok(fetched) => fetched,
            Err(Refusal::Failed(error)) => return Err(error),
            Err(Refusal::Missing(why)) if reference.optional => {
                let (place, url) = (&reference.place, &reference.url);
                self.warnings
                    .push(format!("{place} asks for `{url}`: {why}"));
                return Ok(());
            }
            Err(Refusal::Missing(why)) => {
                return Err(CompositionError::Missing {
                    place: reference.place.clone(),
                    url: reference.url.to_string(),
                    why,
                });
            }
        };
        self.warnings.extend(fetched.warning);
        let found = self.references_in(reference.url.as_str(), reference, &fetched.bytes)?;
        let resource = Resource::typed(&fetched.content_type, fetched.bytes);
        self.resources.insert(reference.url.to_string(), resource);
        self.enqueue(found);
        Ok(())
    }

    /// What a file refers to in its turn.
    fn references_in(&self, name: &str, from: &Reference, bytes: &[u8]) -> Result<Vec<Reference>> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Ok(Vec::new());
        };
        Ok(match from.kind {
            Kind::Style => references::in_style(name, &from.url, text),
            Kind::Module => references::in_module(name, &from.url, text, &from.imports),
            Kind::Script => references::in_script(name, &from.url, text, &from.imports),
            Kind::Page => references::in_page(name, &from.url, &Scan::of(name, text)?),
            Kind::Other => Vec::new(),
        })
    }
}

fn project_resources(project: &Project) -> BTreeMap<String, Resource> {
    project
        .files()
        .map(|(path, bytes)| {
            (
                local_url(path).to_string(),
                Resource::named(path, bytes.clone()),
            )
        })
        .collect()
}

/// The address under which a file of the project is served.
pub(crate) fn local_url(path: &str) -> Url {
    let mut url = Url::parse(ORIGIN).expect("the origin is a URL");
    url.path_segments_mut()
        .expect("http URLs have paths")
        .clear()
        .extend(path.split('/'));
    url
}

/// The path in the project of an address, if it is one of the project's.
pub(crate) fn local_path(url: &Url) -> Option<String> {
    let path = url.as_str().strip_prefix(ORIGIN)?;
    let path = path.split(['?', '#']).next().unwrap_or(path);
    Some(percent_decoded(path))
}

pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
