use crate::{CompositionError, Result, mount};
use lol_html::{RewriteStrSettings, doctype, element, html_content::Element, rewrite_str, text};
use std::{cell::RefCell, rc::Rc};

/// What one look at a page's HTML finds.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) has_doctype: bool,
    pub(crate) has_html: bool,
    pub(crate) has_head: bool,
    /// `data-composition-variables` of `<html>`.
    pub(crate) html_variables: Option<String>,
    /// In document order, those in templates left out.
    pub(crate) compositions: Vec<Marked>,
    pub(crate) links: Vec<Link>,
    /// Contents of `<style>`, and `style` attributes.
    pub(crate) styles: Vec<String>,
    pub(crate) modules: Vec<String>,
    pub(crate) scripts: Vec<String>,
    pub(crate) import_maps: Vec<String>,
    pub(crate) base: Option<String>,
}

/// An element with a `data-composition-id`.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    pub(crate) id: String,
    pub(crate) is_root: bool,
    pub(crate) nested: bool,
    pub(crate) width: Option<String>,
    pub(crate) height: Option<String>,
    /// With the name of the attribute that it stood in.
    pub(crate) duration: Option<(&'static str, String)>,
    pub(crate) fps: Option<String>,
    pub(crate) variables: Option<String>,
}

/// An attribute that refers to another file.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) role: Role,
    /// How the element is shown in messages, such as `<script src>`.
    pub(crate) shown: &'static str,
    /// The page has an `onerror` for it.
    pub(crate) guarded: bool,
    /// The mounted file that it stands in, where it is not the page itself.
    pub(crate) file: Option<String>,
}

/// What the browser does with what is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Script,
    Module,
    Style,
    Page,
    Other,
}

#[derive(Default)]
struct State {
    scan: Scan,
    templates: usize,
    compositions: usize,
    raw: String,
    /// The mounted files that the element is in.
    files: Vec<String>,
    script: Option<ScriptKind>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScriptKind {
    Classic,
    Module,
    ImportMap,
}

impl Scan {
    /// Looks through the HTML `text` of `file`.
    pub(crate) fn of(file: &str, text: &str) -> Result<Self> {
        let state = Rc::new(RefCell::new(State::default()));
        let on_element = state.clone();
        let on_style = state.clone();
        let on_script = state.clone();
        let on_doctype = state.clone();
        let settings = RewriteStrSettings {
            element_content_handlers: vec![
                element!("*", move |element| {
                    see(element, &on_element);
                    Ok(())
                }),
                text!("style", move |chunk| {
                    let mut state = on_style.borrow_mut();
                    state.raw.push_str(chunk.as_str());
                    if chunk.last_in_text_node() {
                        let text = std::mem::take(&mut state.raw);
                        state.scan.styles.push(text);
                    }
                    Ok(())
                }),
                text!("script", move |chunk| {
                    let mut state = on_script.borrow_mut();
                    state.raw.push_str(chunk.as_str());
                    if chunk.last_in_text_node() {
                        let text = std::mem::take(&mut state.raw);
                        match state.script {
                            Some(ScriptKind::Classic) => state.scan.scripts.push(text),
                            Some(ScriptKind::Module) => state.scan.modules.push(text),
                            Some(ScriptKind::ImportMap) => state.scan.import_maps.push(text),
                            None => {}
                        }
                    }
                    Ok(())
                }),
            ],
            document_content_handlers: vec![doctype!(move |_| {
                on_doctype.borrow_mut().scan.has_doctype = true;
                Ok(())
            })],
            ..RewriteStrSettings::new()
        };
        rewrite_str(text, settings).map_err(|error| CompositionError::BadHtml {
            file: file.to_owned(),
            why: error.to_string(),
        })?;
        Ok(std::mem::take(&mut state.borrow_mut().scan))
    }
}

fn see(element: &mut Element<'_, '_>, shared: &Rc<RefCell<State>>) {
    let name = element.tag_name();
    let mut state = shared.borrow_mut();
    match name.as_str() {
        "html" => {
            state.scan.has_html = true;
            state.scan.html_variables = attribute(element, "data-composition-variables");
        }
        "head" => state.scan.has_head = true,
        "base" => state.scan.base = attribute(element, "href"),
        "template" => {
            state.templates += 1;
            on_end(element, shared, |state| state.templates -= 1);
        }
        "script" => state.script = see_script(element),
        _ => {}
    }
    if let Some(style) = attribute(element, "style").filter(|style| style.contains("url(")) {
        state.scan.styles.push(style);
    }
    let own = attribute(element, mount::FROM);
    let file = own.or_else(|| state.files.last().cloned());
    let links = links(element, &name, file.filter(|file| !file.starts_with('#')));
    state.scan.links.extend(links);
    if let Some(file) = attribute(element, mount::FILE) {
        state.files.push(file);
        on_end(element, shared, |state| drop(state.files.pop()));
    }
    if state.templates == 0
        && let Some(id) = attribute(element, "data-composition-id")
    {
        let nested = state.compositions > 0;
        state.scan.compositions.push(marked(element, id, nested));
        state.compositions += 1;
        on_end(element, shared, |state| state.compositions -= 1);
    }
}

fn on_end(
    element: &mut Element<'_, '_>,
    shared: &Rc<RefCell<State>>,
    change: impl FnOnce(&mut State) + 'static,
) {
    let shared = shared.clone();
    if let Some(handlers) = element.end_tag_handlers() {
        handlers.push(Box::new(move |_| {
            change(&mut shared.borrow_mut());
            Ok(())
        }));
    }
}

/// Whether a script is the platform's own player, which previews bring along: it would drive the page
/// beside us.
pub(crate) fn is_player(marked: bool, src: Option<&str>) -> bool {
    let path = src.unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.strip_suffix(".js").unwrap_or_default();
    marked || stem.starts_with("hyperframe.runtime") || stem.starts_with("hyperframe-runtime")
}

/// As [`is_player`], of an element; by [`PLAYER_MARK`] if not by its address.
pub(crate) fn brings_player(element: &Element<'_, '_>) -> bool {
    let src = attribute(element, "src");
    is_player(element.has_attribute(PLAYER_MARK), src.as_deref())
}

/// On the script that a preview brings along.
pub(crate) const PLAYER_MARK: &str = "data-hyperframes-preview-runtime";

/// What a browser does with a script element; `None`: nothing.
pub(crate) fn see_script(element: &Element<'_, '_>) -> Option<ScriptKind> {
    if brings_player(element) {
        return None;
    }
    let kind = attribute(element, "type")
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match kind.as_str() {
        "module" => Some(ScriptKind::Module),
        "importmap" => Some(ScriptKind::ImportMap),
        "" | "text/javascript" | "application/javascript" | "text/ecmascript" => {
            Some(ScriptKind::Classic)
        }
        _ => None,
    }
}

fn marked(element: &Element<'_, '_>, id: String, nested: bool) -> Marked {
    let duration = ["data-duration", "data-composition-duration"]
        .into_iter()
        .find_map(|name| Some((name, attribute(element, name)?)));
    Marked {
        id,
        is_root: attribute(element, "data-root").as_deref() == Some("true"),
        nested,
        width: attribute(element, "data-width"),
        height: attribute(element, "data-height"),
        duration,
        fps: attribute(element, "data-fps"),
        variables: attribute(element, "data-composition-variables"),
    }
}

fn links(element: &Element<'_, '_>, name: &str, file: Option<String>) -> Vec<Link> {
    let guarded = element.has_attribute("onerror");
    let link = |attribute_name: &str, role, shown| {
        let url = attribute(element, attribute_name)?;
        Some(Link {
            url,
            role,
            shown,
            guarded,
            file: file.clone(),
        })
    };
    let found = match name {
        "script" => match see_script(element) {
            Some(ScriptKind::Module) => link("src", Role::Module, "<script type=\"module\" src>"),
            Some(ScriptKind::Classic) => link("src", Role::Script, "<script src>"),
            _ => None,
        },
        "link" => {
            let rel = attribute(element, "rel")
                .unwrap_or_default()
                .to_ascii_lowercase();
            let has = |word: &str| rel.split_whitespace().any(|one| one == word);
            if has("stylesheet") {
                link("href", Role::Style, "<link rel=\"stylesheet\">")
            } else if has("modulepreload") {
                link("href", Role::Module, "<link rel=\"modulepreload\">")
            } else if has("preload") {
                let role = match attribute(element, "as").as_deref() {
                    Some("style") => Role::Style,
                    Some("script") => Role::Script,
                    _ => Role::Other,
                };
                link("href", role, "<link rel=\"preload\">")
            } else {
                None
            }
        }
        "img" => link("src", Role::Other, "<img>"),
        "image" => link("href", Role::Other, "<image>")
            .or_else(|| link("xlink:href", Role::Other, "<image>")),
        "iframe" => link("src", Role::Page, "<iframe>"),
        "video" => link("src", Role::Other, "<video>"),
        "audio" => link("src", Role::Other, "<audio>"),
        "source" => link("src", Role::Other, "<source>"),
        _ => None,
    };
    let poster = if name == "video" {
        link("poster", Role::Other, "<video poster>")
    } else {
        None
    };
    let candidates = attribute(element, "srcset").into_iter().flat_map(|set| {
        let urls = set
            .split(',')
            .filter_map(|one| one.split_whitespace().next());
        urls.map(str::to_owned).collect::<Vec<_>>()
    });
    let srcset = candidates.map(|url| Link {
        url,
        role: Role::Other,
        shown: "srcset",
        guarded,
        file: file.clone(),
    });
    found.into_iter().chain(poster).chain(srcset).collect()
}

/// The value of an attribute as the browser would see it: the rewriter hands out what was written.
pub(crate) fn attribute(element: &Element<'_, '_>, name: &str) -> Option<String> {
    let written = element.get_attribute(name)?;
    if !written.contains('&') {
        return Some(written);
    }
    let entities = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    Some(
        entities
            .iter()
            .fold(written, |text, (entity, plain)| text.replace(entity, plain)),
    )
}
