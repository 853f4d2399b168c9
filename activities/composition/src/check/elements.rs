//! What elements must not share, and what they must have.

use super::{
    document::{Document, Node},
    finding::Findings,
    rule,
};
use std::collections::BTreeMap;

/// Ids that are used twice.
pub(super) fn duplicates(document: &Document, findings: &mut Findings) {
    // An id within an inline drawing is often a copy's, and nobody asks for it by name.
    let in_drawing = |node: &Node| {
        document
            .ancestors(node)
            .any(|at| document.nodes[at].tag == "svg")
    };
    for (attribute, rule) in [
        ("id", &rule::DUPLICATE_ID),
        ("data-composition-id", &rule::DUPLICATE_COMPOSITION),
    ] {
        let mut first: BTreeMap<&str, &Node> = BTreeMap::new();
        for node in document.nodes.iter().filter(|node| !node.in_template) {
            let Some(id) = node.get(attribute).filter(|id| !id.is_empty()) else {
                continue;
            };
            let Some(earlier) = first.insert(id, node) else {
                continue;
            };
            first.insert(id, earlier);
            let instances = earlier.get("data-composition-src");
            let same_file = instances.is_some() && instances == node.get("data-composition-src");
            if same_file || (attribute == "id" && in_drawing(node)) {
                continue;
            }
            let line = document.place_of(earlier).line.unwrap_or(0);
            let why = format!("`{attribute}=\"{id}\"` is also on the element of line {line}");
            findings.add(rule, document.place_of(node), document.shown(node), why);
        }
    }
}

/// Media that have no place in the film.
pub(super) fn media(document: &Document, findings: &mut Findings) {
    for node in &document.nodes {
        if matches!(node.tag.as_str(), "video" | "audio") && !node.has("data-start") {
            let why = format!("this `<{}>` has no `data-start`", node.tag);
            findings.add(
                &rule::MEDIA_WITHOUT_START,
                document.place_of(node),
                document.shown(node),
                why,
            );
        }
    }
}
