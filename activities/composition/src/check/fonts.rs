//! Which fonts the author names, and which ones the film gets.

use super::{
    code::{code_of, words},
    css::{Item, items},
    document::Document,
    finding::Findings,
    pieces::Piece,
    rule,
};
use crate::fonts::substitute;
use std::collections::BTreeSet;
use url::Url;

/// Families of which CSS itself says what they are (CSS Fonts, section 2.1).
const GENERIC: [&str; 13] = [
    "sans-serif",
    "serif",
    "monospace",
    "cursive",
    "fantasy",
    "math",
    "emoji",
    "system-ui",
    "ui-sans-serif",
    "ui-serif",
    "ui-monospace",
    "ui-rounded",
    "fangsong",
];

const KEYWORDS: [&str; 11] = [
    "inherit",
    "initial",
    "unset",
    "revert",
    "revert-layer",
    "caption",
    "icon",
    "menu",
    "message-box",
    "small-caption",
    "status-bar",
];

/// Families that a page brings itself, in lower case.
#[derive(Default)]
pub(super) struct Brought(BTreeSet<String>);

impl Brought {
    /// By the `@font-face` rules of a style sheet.
    pub(super) fn by_style(&mut self, text: &str) {
        for item in items(text) {
            match item {
                Item::Face(family) => self.add(&family),
                Item::Import(_, url) => self.by_address(&url),
                _ => {}
            }
        }
    }

    /// By a link to a service of fonts.
    pub(super) fn by_document(&mut self, document: &Document) {
        let links = document.nodes.iter().filter(|node| node.tag == "link");
        for address in links.filter_map(|node| node.get("href")) {
            self.by_address(address);
        }
    }

    /// By `new FontFace("…", …)`.
    pub(super) fn by_script(&mut self, text: &str) {
        for tail in text.split("FontFace(").skip(1) {
            let tail = tail.trim_start();
            if let Some(quote) = tail.chars().next().filter(|c| "\"'`".contains(*c)) {
                self.add(tail[1..].split(quote).next().unwrap_or_default());
            }
        }
    }

    /// `?family=Open+Sans:wght@400|Lato`
    fn by_address(&mut self, address: &str) {
        let Ok(url) = Url::parse(address) else { return };
        let values = url.query_pairs().filter(|(name, _)| name == "family");
        for (_, value) in values {
            for family in value.split('|') {
                self.add(family.split(':').next().unwrap_or_default());
            }
        }
    }

    fn add(&mut self, family: &str) {
        self.0.insert(family.trim().to_lowercase());
    }

    fn has(&self, family: &str) -> bool {
        self.0.contains(&family.to_lowercase())
    }
}

/// Looks at what a script draws text with: `context.font = "…"`.
pub(super) fn in_script(script: &Piece<'_>, brought: &Brought, findings: &mut Findings) {
    let code = code_of(&script.text);
    for at in words(&code, "font").filter(|&at| code[..at].ends_with('.')) {
        let rest = code[at + "font".len()..].trim_start();
        let Some(value) = rest.strip_prefix('=').map(str::trim_start) else {
            continue;
        };
        let start = code.len() - value.len();
        let Some(quote) = value.chars().next().filter(|c| "\"'`".contains(*c)) else {
            continue;
        };
        let font = script.text[start + 1..]
            .split(quote)
            .next()
            .unwrap_or_default();
        for item in items(&format!("font:{}", filled(font))) {
            if let Item::Families(_, families) = item {
                family(script, at, &families, brought, findings);
            }
        }
    }
}

/// A template with something in its placeholders: most likely they are sizes and weights.
fn filled(template: &str) -> String {
    let mut parts = template.split("${");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        filled.push('1');
        filled.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    filled
}

/// Looks at the first name of every list of families.
pub(super) fn in_styles(styles: &[Piece<'_>], brought: &Brought, findings: &mut Findings) {
    for style in styles {
        for item in items(&style.text) {
            if let Item::Families(at, families) = item {
                family(style, at, &families, brought, findings);
            }
        }
    }
}

fn family(
    style: &Piece<'_>,
    at: usize,
    families: &[String],
    brought: &Brought,
    findings: &mut Findings,
) {
    let first = families[0].as_str();
    let lower = first.to_lowercase();
    if KEYWORDS.contains(&lower.as_str()) || brought.has(first) || substitute::is_bundled(first) {
        return;
    }
    let is_generic = GENERIC.contains(&lower.as_str());
    let rule = match substitute::of(first) {
        _ if is_generic => &rule::GENERIC_FONT,
        Some(_) => &rule::FONT_SUBSTITUTED,
        None => &rule::FONT_MISSING,
    };
    // Once in a project is enough: the answer is the same everywhere.
    if findings.knows(rule, first) {
        return;
    }
    let why = match substitute::of(first) {
        Some(font) => format!("`{first}` is painted as `{font}`"),
        None => {
            let next = families[1..]
                .iter()
                .find_map(|next| match substitute::of(next) {
                    _ if brought.has(next) => Some(next.clone()),
                    Some(font) => Some(font.to_owned()),
                    None => substitute::is_bundled(next).then(|| next.clone()),
                });
            let painted = next.map_or("in the browser's default font".to_owned(), |next| {
                format!("as `{next}`")
            });
            format!("`{first}` is not there: its text is painted {painted}")
        }
    };
    findings.add(rule, style.place(at), first, why);
}
