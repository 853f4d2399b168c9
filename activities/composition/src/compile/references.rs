use super::scan::{Role, Scan};
use crate::vendor::specifiers;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use url::Url;

/// Something that a file refers to.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) url: Url,
    pub(crate) kind: Kind,
    /// Who refers to it, for messages: "`index.html` `<script src>`".
    pub(crate) place: String,
    /// The film may do without it: it was found by reading code, which can be mistaken, or the page
    /// says what to do without it.
    pub(crate) optional: bool,
    /// The import map of the page that it belongs to.
    pub(crate) imports: ImportMap,
}

/// How to look for further references in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Style,
    Script,
    Module,
    Page,
    Other,
}

/// Bare names that a page's modules may import, and what they mean.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImportMap(Arc<BTreeMap<String, String>>);

/// What the page at `url` refers to.
pub(crate) fn in_page(file: &str, url: &Url, scan: &Scan) -> Vec<Reference> {
    let base = scan.base.as_ref().and_then(|base| url.join(base).ok());
    let base = base.as_ref().unwrap_or(url);
    let imports = ImportMap::of(&scan.import_maps, base);
    let mut found = Vec::new();
    for link in &scan.links {
        let kind = match link.role {
            Role::Script => Kind::Script,
            Role::Module => Kind::Module,
            Role::Style => Kind::Style,
            Role::Page => Kind::Page,
            Role::Other => Kind::Other,
        };
        let file = link.file.as_deref().unwrap_or(file);
        let place = format!("`{file}`: {}", link.shown);
        found.extend(refer(base, &link.url, kind, place, link.guarded, &imports));
    }
    for style in &scan.styles {
        found.extend(in_style(file, base, style));
    }
    for module in &scan.modules {
        found.extend(in_module(file, base, module, &imports));
    }
    for script in &scan.scripts {
        found.extend(in_script(file, base, script, &imports));
    }
    found
}

/// Images that variables of the page at `base` name, each with who names it.
pub(crate) fn in_variables(base: &Url, images: Vec<(String, String)>) -> Vec<Reference> {
    let none = ImportMap::default();
    let found = images.into_iter();
    found
        .filter_map(|(place, url)| refer(base, &url, Kind::Other, place, false, &none))
        .collect()
}

/// What the style sheet `text` at `base` refers to.
pub(crate) fn in_style(file: &str, base: &Url, text: &str) -> Vec<Reference> {
    let none = ImportMap::default();
    let text = without_comments(text);
    let mut found = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("@import") {
        rest = &rest[at + "@import".len()..];
        let rule = rest.split(';').next().unwrap_or("").trim();
        let target = quoted(rule).or_else(|| in_parentheses(rule.strip_prefix("url")?));
        if let Some(target) = target {
            let place = format!("`{file}`: @import");
            found.extend(refer(base, &target, Kind::Style, place, false, &none));
        }
    }
    let imported: Vec<Url> = found.iter().map(|one| one.url.clone()).collect();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("url(") {
        rest = &rest[at + "url".len()..];
        let Some(target) = in_parentheses(rest) else {
            continue;
        };
        let place = format!("`{file}`: url()");
        let reference = refer(base, &target, Kind::Other, place, false, &none);
        found.extend(reference.filter(|one| !imported.contains(&one.url)));
    }
    found
}

/// What the module `text` at `base` imports by literal names.
pub(crate) fn in_module(file: &str, base: &Url, text: &str, imports: &ImportMap) -> Vec<Reference> {
    let mut found = programs(file, text);
    for specifier in specifiers(text) {
        let url = imports.resolve(base, specifier);
        found.extend(url.map(|url| imported(file, url, imports)));
    }
    found
}

/// What the classic script `text` at `base` imports by literal names.
pub(crate) fn in_script(file: &str, base: &Url, text: &str, imports: &ImportMap) -> Vec<Reference> {
    let targets = after_word(text, "import").filter_map(|tail| {
        let target = quoted(tail.strip_prefix('(')?.trim_start())?;
        imports.resolve(base, &target)
    });
    let mut found = programs(file, text);
    found.extend(targets.map(|url| imported(file, url, imports)));
    found
}

/// WebAssembly that a script fetches by a literal address.
fn programs(file: &str, text: &str) -> Vec<Reference> {
    let ends = text.match_indices(".wasm");
    let found = ends.filter_map(|(at, end)| {
        let start = text[..at].rfind(['"', '\'', '`'])? + 1;
        let quoted = text[at + end.len()..].starts_with(['"', '\'', '`']);
        let target = Some(&text[start..at + end.len()]).filter(|_| quoted)?;
        let url = Url::parse(target).ok()?;
        let fetched = target.starts_with("https://") && !target.contains(['$', '{', '\\']);
        fetched.then(|| Reference {
            url,
            kind: Kind::Other,
            place: format!("`{file}`: WebAssembly"),
            optional: true,
            imports: ImportMap::default(),
        })
    });
    found.collect()
}

impl ImportMap {
    fn of(texts: &[String], base: &Url) -> Self {
        let mut map = BTreeMap::new();
        for text in texts {
            let Ok(value) = serde_json::from_str::<Value>(text) else {
                continue;
            };
            let Some(imports) = value.get("imports").and_then(Value::as_object) else {
                continue;
            };
            for (name, target) in imports {
                if let Some(url) = target.as_str().and_then(|target| base.join(target).ok()) {
                    map.insert(name.clone(), url.to_string());
                }
            }
        }
        Self(Arc::new(map))
    }

    /// The address of what a module at `base` imports as `name`.
    fn resolve(&self, base: &Url, name: &str) -> Option<Url> {
        if name.starts_with("./") || name.starts_with("../") || name.starts_with('/') {
            return base.join(name).ok();
        }
        if let Some(target) = self.0.get(name) {
            return Url::parse(target).ok();
        }
        // The longest prefix wins, as in browsers.
        let prefix = self
            .0
            .iter()
            .rev()
            .find(|(prefix, _)| prefix.ends_with('/') && name.starts_with(prefix.as_str()));
        if let Some((prefix, target)) = prefix {
            return Url::parse(target).ok()?.join(&name[prefix.len()..]).ok();
        }
        let url = Url::parse(name).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    }
}

fn imported(file: &str, url: Url, imports: &ImportMap) -> Reference {
    Reference {
        url: without_fragment(url),
        kind: Kind::Module,
        place: format!("`{file}`: import"),
        optional: true,
        imports: imports.clone(),
    }
}

fn refer(
    base: &Url,
    target: &str,
    kind: Kind,
    place: String,
    optional: bool,
    imports: &ImportMap,
) -> Option<Reference> {
    let target = target.trim();
    if target.is_empty() || target.starts_with('#') {
        return None;
    }
    let url = without_fragment(base.join(target).ok()?);
    matches!(url.scheme(), "http" | "https").then(|| Reference {
        url,
        kind,
        place,
        optional,
        imports: imports.clone(),
    })
}

fn without_fragment(mut url: Url) -> Url {
    url.set_fragment(None);
    url
}

/// What follows each occurrence of `word` as a word, without leading blanks.
fn after_word<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(word).filter_map(move |(at, _)| {
        let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == '.';
        let before = text[..at].chars().next_back();
        let tail = &text[at + word.len()..];
        let alone = !before.is_some_and(part_of_a_name) && !tail.starts_with(part_of_a_name);
        alone.then(|| tail.trim_start())
    })
}

/// The text in the quotes that `text` begins with.
fn quoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (inside, _) = text[1..].split_once(quote)?;
    let plain = !inside.contains(['\n', '\\']);
    plain.then(|| inside.to_owned())
}

/// The text, quoted or not, in the parentheses that `text` begins with.
fn in_parentheses(text: &str) -> Option<String> {
    let inside = text.strip_prefix('(')?.trim_start();
    if let Some(target) = quoted(inside) {
        return Some(target);
    }
    let (target, _) = inside.split_once(')')?;
    Some(target.trim().to_owned())
}

fn without_comments(css: &str) -> String {
    let mut kept = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::{ImportMap, in_module, in_style};

    #[test]
    fn finds_what_code_refers_to() {
        let base = "https://cdn.jsdelivr.net/npm/three@0.180.0/build/three.module.js"
            .parse()
            .unwrap();
        let map = r#"{"imports": {"three": "https://cdn.jsdelivr.net/npm/three@0.180.0/build/three.module.js",
            "three/addons/": "https://cdn.jsdelivr.net/npm/three@0.180.0/examples/jsm/"}}"#;
        let imports = ImportMap::of(&[map.to_owned()], &base);
        let urls = |text: &str| -> Vec<String> {
            in_module("x", &base, text, &imports)
                .iter()
                .map(|one| one.url.to_string())
                .collect()
        };
        let cdn = "https://cdn.jsdelivr.net/npm/three@0.180.0/";
        assert_eq!(
            urls(r#"import{a as b}from"./three.core.js";export*from'../x.js'"#),
            [format!("{cdn}build/three.core.js"), format!("{cdn}x.js"),]
        );
        assert_eq!(
            urls("import 'three';\nimport { C } from 'three/addons/C.js'"),
            [
                format!("{cdn}build/three.module.js"),
                format!("{cdn}examples/jsm/C.js"),
            ]
        );
        assert_eq!(
            urls("const m = await import( \"https://esm.sh/d3@7\" )"),
            ["https://esm.sh/d3@7"]
        );
        assert!(urls("importantly = from; x.import('./no.js'); import 'bare'").is_empty());
        let css = "/* url(no.png) */ @import url(\"a.css\"); @import 'b.css' screen; i{background:url( c.png )} u{mask:url(#m)} b{src:url(data:x)}";
        let styles: Vec<_> = in_style("x", &base, css)
            .iter()
            .map(|one| one.url.to_string())
            .collect();
        assert_eq!(
            styles,
            ["a.css", "b.css", "c.png"].map(|name| format!("{cdn}build/{name}"))
        );
    }
}
