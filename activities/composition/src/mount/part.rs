use super::rebase::Rebase;
use crate::{
    CompositionError, Result, VariableDeclaration,
    compile::scan::{PLAYER_MARK, is_player},
    dom::{self, Document, NodeRef},
    style::{AUTHORED_ID, INNER_ROOT, with_urls},
    variables,
    vendor::esm,
};

/// A file that is mounted, taken apart: what goes into its hosts, and what the page needs once.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// HTML for the inside of a host.
    pub(crate) content: String,
    pub(crate) root: Option<InnerRoot>,
    pub(crate) declared: Vec<VariableDeclaration>,
    pub(crate) sheets: Vec<Sheet>,
    pub(crate) links: Vec<Tag>,
    pub(crate) scripts: Vec<Script>,
}

/// The root element of a mounted file, as its author wrote it.
#[derive(Debug, Default)]
pub(crate) struct InnerRoot {
    /// Its composition id.
    pub(crate) id: String,
    /// Its `id`.
    pub(crate) element_id: Option<String>,
    /// Whether nothing of the file is around it.
    pub(crate) outermost: bool,
    pub(crate) width: Option<String>,
    pub(crate) height: Option<String>,
    pub(crate) duration: Option<String>,
    pub(crate) has_timeline: bool,
}

/// A style sheet whose rules belong to the file.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) text: String,
    pub(crate) media: Option<String>,
}

/// An element that loads something by its address.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    pub(crate) url: String,
    pub(crate) html: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Script {
    External(Tag),
    Classic(String),
    Module(String),
    ImportMap(String),
}

impl Part {
    /// Takes the file apart that `text` is the text of.
    pub(crate) fn of_file(rebase: &Rebase<'_>, text: &str) -> Result<Self> {
        let page = dom::parse(text);
        let mut part = Self::default();
        let root = page.root();
        if let Some(text) = dom::elements(&root)
            .iter()
            .find(|one| dom::name(one) == "html")
            .and_then(|html| dom::filled(html, "data-composition-variables"))
        {
            part.declared = variables::declarations(rebase.file, &text)?;
        }
        let content = content_of(&page);
        let mut inert = String::new();
        if let Some(head) = page.head() {
            inert = part.take(&head, Some(rebase));
        }
        let body = page.body().unwrap_or(root);
        if content.id != body.id {
            inert.push_str(&part.take(&body, Some(rebase)));
        }
        part.read(&content, rebase.file, Some(rebase))?;
        part.content.insert_str(0, &inert);
        Ok(part)
    }

    /// Takes a `<template>` of the page apart.
    pub(crate) fn of_template(entry: &str, template: &NodeRef<'_>) -> Result<Self> {
        let mut part = Self::default();
        // The page's template stays whole: what is taken apart is a copy.
        let copy = dom::parse(&template.inner_html());
        let content = copy.body().unwrap_or_else(|| copy.root());
        if let Some(head) = copy.head() {
            part.take(&head, None);
        }
        part.read(&content, entry, None)?;
        Ok(part)
    }

    /// Whether there is nothing to be seen and nothing to be run.
    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_none() && self.content.trim().is_empty() && self.scripts.is_empty()
    }

    fn read(
        &mut self,
        content: &NodeRef<'_>,
        file: &str,
        rebase: Option<&Rebase<'_>>,
    ) -> Result<()> {
        self.take(content, rebase);
        if let Some(rebase) = rebase {
            for element in dom::elements(content) {
                rebase_element(&element, rebase);
            }
        }
        if let Some(root) = inner_root(content) {
            if let Some(text) = dom::filled(&root, "data-composition-variables") {
                self.declared.extend(variables::declarations(file, &text)?);
            }
            let inner = InnerRoot::mark(&root, content);
            if inner.outermost {
                keep_classes(&root, content);
            }
            self.root = Some(inner);
        }
        self.content = content.inner_html().to_string();
        Ok(())
    }

    /// Takes styles, links and scripts out. Returns what else the head holds that a script may
    /// read.
    fn take(&mut self, node: &NodeRef<'_>, rebase: Option<&Rebase<'_>>) -> String {
        let in_head = dom::name(node) == "head";
        let mut kept = String::new();
        for element in dom::elements(node) {
            let change = |url: &str| rebase.and_then(|rebase| rebase.url(url));
            match dom::name(&element).as_str() {
                "style" => self.sheets.push(Sheet {
                    text: with_urls(&element.text(), &change),
                    media: dom::filled(&element, "media"),
                }),
                "link" => self.take_link(&element, rebase),
                "script" if brings_player(&element) => {}
                "script" => match script(&element, &change) {
                    Some(script) => self.scripts.push(script),
                    None => {
                        if in_head {
                            kept.push_str(&element.html());
                        }
                        continue;
                    }
                },
                _ => continue,
            }
            element.remove_from_parent();
        }
        kept
    }

    fn take_link(&mut self, link: &NodeRef<'_>, rebase: Option<&Rebase<'_>>) {
        let rel = dom::attribute(link, "rel").unwrap_or_default();
        let is_sheet = rel
            .split_whitespace()
            .any(|word| word.eq_ignore_ascii_case("stylesheet"));
        let Some(url) = dom::filled(link, "href").filter(|_| is_sheet) else {
            return;
        };
        let local = rebase.and_then(|rebase| {
            let path = rebase.path(&url)?;
            let bytes = rebase.project.get(&path)?;
            let text = std::str::from_utf8(bytes).ok()?.to_owned();
            Some((path, text, rebase))
        });
        match local {
            // What the project has of its own is the file's own: its rules are for its hosts.
            Some((path, text, rebase)) => {
                let from = Rebase {
                    file: &path,
                    ..*rebase
                };
                let text = text.trim_start_matches('\u{feff}');
                self.sheets.push(Sheet {
                    text: with_urls(text, &|url| from.url_from_sheet(url)),
                    media: dom::filled(link, "media"),
                });
            }
            None => self.links.push(Tag {
                url,
                html: link.html().to_string(),
            }),
        }
    }
}

impl InnerRoot {
    /// Reads the root element and leaves it what it is inside a host: a box of its size, without
    /// times of its own.
    fn mark(root: &NodeRef<'_>, content: &NodeRef<'_>) -> Self {
        let id = dom::attribute(root, "data-composition-id").unwrap_or_default();
        let read = Self {
            element_id: dom::filled(root, "id"),
            outermost: root.parent().is_some_and(|parent| parent.id == content.id),
            width: dom::filled(root, "data-width"),
            height: dom::filled(root, "data-height"),
            duration: dom::filled(root, "data-duration")
                .or_else(|| dom::filled(root, "data-composition-duration")),
            has_timeline: !root.has_attr("data-no-timeline"),
            id,
        };
        root.remove_attrs(&[
            "id",
            "data-composition-id",
            "data-root",
            "data-start",
            "data-end",
            "data-track-index",
            "data-track",
            "data-layer",
        ]);
        root.set_attr(INNER_ROOT, &read.id);
        if let Some(id) = &read.element_id {
            root.set_attr(AUTHORED_ID, id);
        }
        let side = |value: &Option<String>| match value.as_deref().map(pixels) {
            Some(Some(pixels)) => format!("{pixels}px"),
            _ => "100%".to_owned(),
        };
        let (width, height) = (side(&read.width), side(&read.height));
        dom::add_style(root, &format!("width:{width};height:{height}"));
        read
    }
}

fn pixels(text: &str) -> Option<f64> {
    let number: f64 = text.trim_end_matches("px").trim().parse().ok()?;
    (number > 0.0 && number.is_finite()).then_some(number)
}

/// What of the file is mounted: its body, or the template in which its composition is.
fn content_of(page: &Document) -> NodeRef<'_> {
    let body = page.body().unwrap_or_else(|| page.root());
    if inner_root(&body).is_some() {
        return body;
    }
    let all = dom::elements(&page.root());
    let mut templates = all.iter().filter_map(dom::template_contents);
    let with_root = templates
        .clone()
        .find(|template| inner_root(template).is_some());
    let shown = |node: &NodeRef<'_>| {
        let inner = node.children();
        inner.iter().any(|child| {
            let name = dom::name(child);
            let silent = ["template", "style", "script", "link"].contains(&name.as_str());
            child.is_element() && !silent || child.is_text() && !child.text().trim().is_empty()
        })
    };
    with_root
        .or_else(|| templates.next().filter(|_| !shown(&body)))
        .unwrap_or(body)
}

/// The first composition that is not one within another, nor a host for another file.
fn inner_root<'a>(content: &NodeRef<'a>) -> Option<NodeRef<'a>> {
    dom::elements(content).into_iter().find(|element| {
        dom::filled(element, "data-composition-id").is_some()
            && !element.has_attr("data-composition-src")
            && dom::closest(element, "data-composition-id").is_none()
    })
}

fn rebase_element(element: &NodeRef<'_>, rebase: &Rebase<'_>) {
    for name in ["src", "href", "xlink:href", "poster", "data"] {
        let url = dom::filled(element, name);
        if let Some(url) = url.and_then(|url| rebase.url(&url)) {
            element.set_attr(name, &url);
        }
    }
    let set = dom::filled(element, "srcset");
    if let Some(set) = set.and_then(|set| rebase.srcset(&set)) {
        element.set_attr("srcset", &set);
    }
    if let Some(style) = element.attr("style").filter(|style| style.contains('(')) {
        element.set_attr("style", &with_urls(&style, &|url| rebase.url(url)));
    }
}

/// The classes of the file's `<html>` and `<body>` go on to the box that stands for them.
fn keep_classes(root: &NodeRef<'_>, content: &NodeRef<'_>) {
    let around = content.ancestors_it(None).chain([*content]);
    let classes = around.filter(|one| matches!(dom::name(one).as_str(), "html" | "body"));
    let classes: Vec<_> = classes
        .chain([*root])
        .filter_map(|one| dom::filled(&one, "class"))
        .collect();
    if !classes.is_empty() {
        root.set_attr("class", &classes.join(" "));
    }
}

fn brings_player(script: &NodeRef<'_>) -> bool {
    let src = dom::filled(script, "src");
    is_player(script.has_attr(PLAYER_MARK), src.as_deref())
}

/// What a script element is for the page; `None` where a browser runs nothing.
fn script(element: &NodeRef<'_>, change: &dyn Fn(&str) -> Option<String>) -> Option<Script> {
    let kind = dom::attribute(element, "type").unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    let classic = kind.is_empty()
        || ["text/", "application/"].iter().any(|prefix| {
            let rest = kind.strip_prefix(prefix);
            matches!(rest, Some("javascript" | "ecmascript" | "x-javascript"))
        });
    if !classic && kind != "module" && kind != "importmap" {
        return None;
    }
    if kind == "importmap" {
        return Some(Script::ImportMap(element.text().to_string()));
    }
    if let Some(url) = dom::filled(element, "src") {
        let url = change(&url).unwrap_or(url);
        element.set_attr("src", &url);
        // Order is kept, and all of them come before what is inline.
        element.remove_attrs(&["async", "defer"]);
        let html = element.html().to_string();
        return Some(Script::External(Tag { url, html }));
    }
    let text = element.text().to_string();
    Some(if kind == "module" {
        // Any other name is one of a package, or of an import map.
        let relative = |name: &str| change(name).filter(|_| name.starts_with('.'));
        Script::Module(esm::with_specifiers(&text, &relative))
    } else {
        Script::Classic(text)
    })
}

/// An error for a file that is not text.
pub(crate) fn text_of<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| CompositionError::NotText(file.to_owned()))?;
    Ok(text.trim_start_matches('\u{feff}'))
}
