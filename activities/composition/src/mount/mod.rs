//! Sub-compositions: the files and templates that a page mounts become part of it.
//!
//! A host keeps its place and its window; what it mounts goes inside, with its root element as the
//! box that the file's rules and scripts know. Style sheets of the file are limited to its hosts,
//! its scripts run after the page's own and see their host alone (`page/runtime/scopes.js`).

mod ids;
mod instances;
mod part;
mod place;
mod rebase;
mod script;

pub(crate) use place::FROM;

use crate::{
    CompositionError, Project, Result, VariableDeclaration,
    dom::{self, Document, NodeRef},
    variables::{Checked, Values},
};
use dom_query::NodeId;
use part::{Part, text_of};
use rebase::Rebase;
use std::collections::BTreeMap;

/// On a host: the file, or `#` and the id of the template, that it mounts.
pub(crate) const FILE: &str = "data-composition-file";

/// How deep compositions may nest.
const DEEPEST: usize = 20;

/// How many hosts a page may have: files that mount files twice each would double for ever.
const MOST_HOSTS: usize = 1000;

/// A page and what it is rendered with.
pub(crate) struct Expansion<'a> {
    pub(crate) project: &'a Project,
    /// The page's path in the project.
    pub(crate) entry: &'a str,
    /// What the page's root declares.
    pub(crate) declared: &'a [VariableDeclaration],
    /// The render's variables.
    pub(crate) given: &'a Values,
}

/// A page with all that it mounts.
pub(crate) struct Expanded {
    pub(crate) text: String,
    /// Addresses that variables name, with who names them.
    pub(crate) images: Vec<(String, String)>,
}

/// What has been mounted so far.
#[derive(Default)]
struct Mounts {
    /// The contents of the page's templates, by their ids.
    templates: BTreeMap<String, NodeId>,
    parts: BTreeMap<String, Part>,
    /// The keys of `parts` in the order in which they were met.
    order: Vec<String>,
    hosts: usize,
}

impl Expansion<'_> {
    /// The page in which all hosts are filled and all variables show. `None` where it has neither.
    pub(crate) fn of(&self, text: &str, checked: &mut Checked<'_>) -> Result<Option<Expanded>> {
        let asks = ["data-composition-src", "data-var-", "-template"];
        let lower = text.to_ascii_lowercase();
        let declares = !self.declared.is_empty() || !self.given.is_empty();
        if !declares && !asks.iter().any(|one| lower.contains(one)) {
            return Ok(None);
        }
        let page = dom::parse(text);
        let mut mounts = Mounts {
            templates: templates(&page),
            ..Mounts::default()
        };
        let mut waiting = vec![page.root()];
        while let Some(node) = waiting.pop() {
            if node.is_element() {
                self.mount(&node, &mut mounts)?;
            }
            let within = dom::elements(&node).into_iter().rev();
            waiting.extend(within.filter(|one| mounts.is_host(one)));
        }
        let mut instances = instances::name(&page);
        let images = instances::give_values(self, &page, &mut instances, &mounts.parts, checked)?;
        ids::part_ways(&page, &mut instances, &mounts.parts);
        place::place(&page, &mounts, &instances);
        Ok(Some(Expanded {
            text: page.html().to_string(),
            images,
        }))
    }

    fn mount(&self, host: &NodeRef<'_>, mounts: &mut Mounts) -> Result<()> {
        let around: Vec<String> = host
            .ancestors_it(None)
            .filter_map(|one| dom::attribute(&one, FILE))
            .collect();
        let within = around.first().map_or(self.entry, String::as_str);
        let place = format!("`{within}`: {}", shown(host));
        let (key, template) = self.found(host, within, &place, mounts)?;
        let too_many = |limit: String| CompositionError::TooManyMounts {
            place: place.clone(),
            file: key.clone(),
            limit,
        };
        if around.contains(&key) || key == self.entry {
            let above = around.iter().rev().cloned();
            let mut trail: Vec<_> = [self.entry.to_owned()].into_iter().chain(above).collect();
            trail.push(key.clone());
            return Err(CompositionError::Circular {
                place,
                file: key,
                trail,
            });
        }
        if around.len() >= DEEPEST {
            let limit = format!("compositions may nest {DEEPEST} deep");
            return Err(too_many(limit));
        }
        mounts.hosts += 1;
        if mounts.hosts > MOST_HOSTS {
            return Err(too_many(format!("a page may have {MOST_HOSTS} hosts")));
        }
        if !mounts.parts.contains_key(&key) {
            let part = match template {
                Some(id) => Part::of_template(self.entry, &host.tree.get_unchecked(&id))?,
                None => self.read(&key)?,
            };
            if part.is_empty() {
                return Err(CompositionError::Empty {
                    file: key,
                    place: Some(place),
                });
            }
            mounts.order.push(key.clone());
            mounts.parts.insert(key.clone(), part);
        }
        fill(host, &key, &mounts.parts[&key]);
        Ok(())
    }

    fn read(&self, path: &str) -> Result<Part> {
        let bytes = self
            .project
            .get(path)
            .map(AsRef::as_ref)
            .unwrap_or_default();
        let rebase = Rebase {
            project: self.project,
            entry: self.entry,
            file: path,
        };
        Part::of_file(&rebase, text_of(path, bytes)?)
    }

    /// The file that a host mounts, or the template with its contents.
    fn found(
        &self,
        host: &NodeRef<'_>,
        within: &str,
        place: &str,
        mounts: &Mounts,
    ) -> Result<(String, Option<NodeId>)> {
        let src = dom::filled(host, "data-composition-src");
        if let Some(src) = &src {
            let rebase = Rebase {
                project: self.project,
                entry: self.entry,
                file: within,
            };
            if let Some(path) = rebase.path(src.trim_start_matches('/')) {
                return Ok((path, None));
            }
        }
        match mounts.template(host) {
            Some((name, contents)) => Ok((name, Some(contents))),
            None => Err(CompositionError::NotMountable {
                place: place.to_owned(),
                path: src.unwrap_or_default(),
            }),
        }
    }
}

impl Mounts {
    /// Whether an element is still to be filled.
    fn is_host(&self, element: &NodeRef<'_>) -> bool {
        if dom::filled(element, "data-composition-src").is_some() {
            return true;
        }
        // An author may have filled it; then the template is for something else.
        !element.has_attr(FILE)
            && self.template(element).is_some()
            && element.first_element_child().is_none()
    }

    /// The page's template for a host, by the host's composition id.
    fn template(&self, host: &NodeRef<'_>) -> Option<(String, NodeId)> {
        let name = format!("{}-template", dom::filled(host, "data-composition-id")?);
        let contents = *self.templates.get(&name)?;
        Some((format!("#{name}"), contents))
    }
}

fn templates(page: &Document) -> BTreeMap<String, NodeId> {
    let all = dom::elements(&page.root());
    let named = all.iter().filter_map(|one| {
        let contents = dom::template_contents(one)?;
        Some((dom::filled(one, "id")?, contents.id))
    });
    named.collect()
}

/// Puts a part into its host, and what the host leaves unsaid on the host.
fn fill(host: &NodeRef<'_>, key: &str, part: &Part) {
    host.set_html(part.content.as_str());
    host.remove_attr("data-composition-src");
    host.set_attr(FILE, key);
    let absent = |name: &str| dom::filled(host, name).is_none();
    if absent("data-composition-id") {
        let stem = key.rsplit('/').next().unwrap_or(key);
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
        let id = part.root.as_ref().map(|root| root.id.as_str());
        host.set_attr(
            "data-composition-id",
            id.filter(|id| !id.is_empty()).unwrap_or(stem),
        );
    }
    let is_retimed = [
        "data-duration",
        "data-end",
        "data-playback-rate",
        "data-playback-start",
        "data-media-start",
    ]
    .iter()
    .any(|name| !absent(name));
    if absent("data-start") && (is_retimed || dom::closest(host, FILE).is_some()) {
        // So that what is inside has a clock of its own, and its host's host has one too.
        host.set_attr("data-start", "0");
    }
    let Some(root) = &part.root else {
        return;
    };
    for (name, value) in [("data-width", &root.width), ("data-height", &root.height)] {
        if let Some(value) = value.as_ref().filter(|_| absent(name)) {
            host.set_attr(name, value);
        }
    }
    if !root.has_timeline {
        host.set_attr("data-no-timeline", "");
    }
    if !absent("data-start") && absent("data-duration") && absent("data-end") {
        let number = |name: &str| dom::filled(host, name)?.parse::<f64>().ok();
        let rate = number("data-playback-rate").unwrap_or(1.0).clamp(0.1, 5.0);
        let skipped = number("data-playback-start").or_else(|| number("data-media-start"));
        let seconds = root
            .duration
            .as_ref()
            .and_then(|text| text.parse::<f64>().ok());
        let length = seconds.map(|seconds| (seconds - skipped.unwrap_or(0.0)) / rate);
        if let Some(length) = length.filter(|length| length.is_finite() && *length > 0.0) {
            host.set_attr("data-duration", &length.to_string());
        }
    }
}

/// How an element is shown in messages.
fn shown(element: &NodeRef<'_>) -> String {
    let name = dom::name(element);
    let known = ["id", "data-composition-id"]
        .into_iter()
        .find_map(|attribute| Some((attribute, dom::filled(element, attribute)?)));
    match known {
        Some((attribute, value)) => format!("<{name} {attribute}=\"{value}\">"),
        None => format!("<{name}>"),
    }
}
