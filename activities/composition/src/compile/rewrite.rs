use super::scan::{Scan, attribute, brings_player, see_script};
use crate::{CompositionError, Resource, Result, vendor::integrity_matches};
use framewright_page::FONTS_READY_PATH;
use lol_html::{
    RewriteStrSettings, element,
    html_content::{ContentType, Element},
    rewrite_str,
};
use std::{borrow::Cow, cell::RefCell, collections::BTreeMap, rc::Rc};
use url::Url;

/// Positions of letters must not depend on hints or on the size they were drawn at before.
const LETTERS: &str = "<style>*{text-rendering:geometricPrecision!important}</style>";

/// What a page without a document around it gets (contract, section 1).
const WRAPPING: &str = "<style>*{box-sizing:border-box}html,body{margin:0;padding:0;overflow:hidden;background:#000;font-family:Inter,sans-serif}</style>";

#[derive(Default)]
struct State {
    /// How deep we are in `<head>` and `<template>`, where no script of the body is.
    outside_body: usize,
    gate_is_set: bool,
    letters_are_set: bool,
}

/// The page with a document around it, where it has none.
pub(crate) fn wrapped<'a>(text: &'a str, scan: &Scan) -> Cow<'a, str> {
    if scan.has_doctype || scan.has_html {
        return text.into();
    }
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">{WRAPPING}</head><body>\n{text}\n</body></html>\n"
    )
    .into()
}

/// The entry page with what the contract adds to it, and nothing else changed.
pub(crate) fn entry(
    file: &str,
    text: &str,
    url: &Url,
    scan: &Scan,
    resources: &BTreeMap<String, Resource>,
) -> Result<String> {
    let gate = format!("<script src=\"{FONTS_READY_PATH}\"></script>");
    let state = Rc::new(RefCell::new(State::default()));
    let on_start = state.clone();
    let on_end = state.clone();
    let gate_at_end = gate.clone();
    let has_head = scan.has_head;
    let settings = RewriteStrSettings {
        element_content_handlers: vec![element!(
            "html, head, template, body, script, link, img, source",
            move |element| {
                if element.tag_name() == "script" && brings_player(element) {
                    element.remove();
                    return Ok(());
                }
                add(element, &on_start, &gate, has_head);
                drop_stale_integrity(element, url, resources);
                keep_one_density(element);
                Ok(())
            }
        )],
        document_content_handlers: vec![lol_html::end!(move |end| {
            let mut state = on_end.borrow_mut();
            if !state.letters_are_set {
                end.append(LETTERS, ContentType::Html);
            }
            if !state.gate_is_set {
                end.append(&gate_at_end, ContentType::Html);
            }
            state.gate_is_set = true;
            Ok(())
        })],
        ..RewriteStrSettings::new()
    };
    rewrite_str(text, settings).map_err(|error| CompositionError::BadHtml {
        file: file.to_owned(),
        why: error.to_string(),
    })
}

fn add(element: &mut Element<'_, '_>, shared: &Rc<RefCell<State>>, gate: &str, has_head: bool) {
    let name = element.tag_name();
    let mut state = shared.borrow_mut();
    // First, so that a rule of the author's own on the same elements comes after it.
    let first_place = name == if has_head { "head" } else { "html" };
    if first_place && !state.letters_are_set {
        state.letters_are_set = true;
        element.prepend(LETTERS, ContentType::Html);
    }
    match name.as_str() {
        "head" | "template" => {
            state.outside_body += 1;
            let shared = shared.clone();
            if let Some(handlers) = element.end_tag_handlers() {
                handlers.push(Box::new(move |_| {
                    let mut state = shared.borrow_mut();
                    state.outside_body = state.outside_body.saturating_sub(1);
                    Ok(())
                }));
            }
        }
        // The end tag of `<head>` may be left out.
        "body" => state.outside_body = 0,
        "script"
            if state.outside_body == 0 && !state.gate_is_set && see_script(element).is_some() =>
        {
            state.gate_is_set = true;
            element.before(gate, ContentType::Html);
        }
        _ => {}
    }
}

/// Leaves an image one candidate of its `srcset`: the one for a screen of density 1, which a film is.
///
/// Chromium takes a denser one if that happens to be in its cache already, so what a frame shows
/// would depend on which file came first.
fn keep_one_density(element: &mut Element<'_, '_>) {
    let Some(set) = element.get_attribute("srcset") else {
        return;
    };
    let Some(candidates) = densities(&set) else {
        return;
    };
    let fits = |&&(_, density): &&(&str, f64)| density >= 1.0;
    let by_density = |a: &&(&str, f64), b: &&(&str, f64)| a.1.total_cmp(&b.1);
    let best = candidates.iter().filter(fits).min_by(by_density);
    let Some(&(url, density)) = best.or_else(|| candidates.iter().max_by(by_density)) else {
        return;
    };
    // The `src` of an image is its candidate for density 1.
    let has_src = element.tag_name() == "img" && element.has_attribute("src");
    if has_src && density > 1.0 {
        element.remove_attribute("srcset");
    } else {
        // It was an attribute's value before, so it can be one again.
        let _ = element.set_attribute("srcset", &format!("{url} {density}x"));
    }
}

/// The candidates of a `srcset`; `None` where they are chosen by width, or by rules that a comma
/// in a URL takes a parser for.
fn densities(set: &str) -> Option<Vec<(&str, f64)>> {
    if set.contains("data:") {
        return None;
    }
    let candidates = set
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    candidates
        .map(
            |candidate| match candidate.split_once(char::is_whitespace) {
                None => Some((candidate, 1.0)),
                Some((url, descriptor)) => {
                    let density = descriptor.trim().strip_suffix('x')?.parse().ok()?;
                    Some((url, density))
                }
            },
        )
        .collect()
}

/// The bundle answers with the file that npm has. Where the page's own hash is of something else
/// (a CDN's build of it), the browser would refuse it.
fn drop_stale_integrity(
    element: &mut Element<'_, '_>,
    base: &Url,
    resources: &BTreeMap<String, Resource>,
) {
    let Some(integrity) = attribute(element, "integrity") else {
        return;
    };
    let target = attribute(element, "src").or_else(|| attribute(element, "href"));
    let resource = target
        .and_then(|target| base.join(&target).ok())
        .and_then(|url| resources.get(url.as_str()));
    if resource.is_some_and(|resource| !integrity_matches(&integrity, &resource.bytes)) {
        element.remove_attribute("integrity");
        element.remove_attribute("crossorigin");
    }
}

#[cfg(test)]
mod tests {
    use super::densities;

    #[test]
    fn candidates_are_told_apart_by_density_only() {
        let two = densities("a.png, b.png 2x").unwrap();
        assert_eq!(two, [("a.png", 1.0), ("b.png", 2.0)]);
        assert_eq!(densities("a.png 480w, b.png 800w"), None);
        assert_eq!(densities("data:image/png;base64,AA 1x"), None);
    }
}
