//! The root composition: that there is one, and what it declares.

use super::{
    document::{Document, Node},
    finding::{Findings, Place},
    rule,
};
use crate::{LONGEST_SECONDS, VariableDeclaration, inspect::pixels, variables};
use framewright_film::{Fps, FrameSize};

/// The root of the entry file, by its index.
pub(super) fn find(entry: &Document, findings: &mut Findings) -> Option<usize> {
    let of_page = |node: &&Node| !node.in_template && node.has("data-composition-id");
    let mut roots = entry
        .nodes
        .iter()
        .filter(of_page)
        .filter(|node| node.is_root());
    let first = roots.next();
    for second in roots {
        let (one, other) = (id(first?), id(second));
        let why = format!("`{other}` says that it is the root, and so does `{one}`");
        findings.add(
            &rule::TWO_ROOTS,
            entry.place_of(second),
            entry.shown(second),
            why,
        );
    }
    let outermost = |node: &&Node| {
        let mut ancestors = entry.ancestors(node);
        !ancestors.any(|at| entry.nodes[at].has("data-composition-id"))
    };
    let beside: Vec<_> = entry
        .nodes
        .iter()
        .filter(of_page)
        .filter(outermost)
        .collect();
    if let (None, [shown, others @ ..]) = (first, &beside[..]) {
        for other in others {
            let why = format!(
                "only `{}` is rendered: it is the first composition that stands in no other",
                id(shown)
            );
            findings.add(
                &rule::SECOND_ROOT,
                entry.place_of(other),
                entry.shown(other),
                why,
            );
        }
    }
    let root = first.or_else(|| beside.first().copied());
    let root = root.filter(|root| !id(root).is_empty());
    if root.is_none() {
        let place = Place {
            line: Some(1),
            ..Place::file(&entry.file)
        };
        let why = format!("`{}` has no element with `data-composition-id`", entry.file);
        findings.add(&rule::MISSING_ROOT, place, entry.file.clone(), why);
    }
    let root = root?.start_tag.start;
    entry
        .nodes
        .iter()
        .position(|node| node.start_tag.start == root)
}

/// What the root says of the film.
pub(super) fn facts(entry: &Document, root: &Node, findings: &mut Findings) {
    let mut add = |rule, why: String| {
        findings.add(rule, entry.place_of(root), entry.shown(root), why);
    };
    let side = |name: &str, absent| root.get(name).map_or(Some(absent), pixels);
    match (side("data-width", 1080), side("data-height", 1920)) {
        (Some(width), Some(height)) => {
            if let Err(error) = FrameSize::new(width, height) {
                add(&rule::INVALID_SIZE, error.to_string());
            }
        }
        _ => {
            let [width, height] =
                ["data-width", "data-height"].map(|name| root.get(name).unwrap_or_default());
            add(
                &rule::INVALID_SIZE,
                format!("`{width}` × `{height}` is no size in whole pixels"),
            );
        }
    }
    if let Some(Err(error)) = root.get("data-fps").map(str::parse::<Fps>) {
        add(&rule::INVALID_RATE, error.to_string());
    }
    if let Some((name, value)) = declared_duration(root) {
        match value.trim().parse::<f64>() {
            Ok(seconds) if seconds > LONGEST_SECONDS => {
                add(
                    &rule::FILM_TOO_LONG,
                    format!("`{name}=\"{value}\"` is longer than 6 hours"),
                );
            }
            Ok(seconds) if seconds > 0.0 => {}
            _ => add(
                &rule::INVALID_DURATION,
                format!("`{name}=\"{value}\"` is no length in seconds above 0"),
            ),
        }
    }
}

/// The duration that the root declares, as it is written, and in which attribute.
pub(super) fn declared_duration(root: &Node) -> Option<(&'static str, &str)> {
    let names = ["data-duration", "data-composition-duration"];
    names
        .into_iter()
        .find_map(|name| Some((name, root.get(name)?)))
}

/// The variables that a document declares.
pub(super) fn declarations(
    document: &Document,
    findings: &mut Findings,
) -> Vec<VariableDeclaration> {
    let mut declared = Vec::new();
    for node in &document.nodes {
        let Some(text) = node.get("data-composition-variables") else {
            continue;
        };
        match variables::parsed(text) {
            Ok(more) => declared.extend(more),
            Err(error) => {
                let why = format!("`data-composition-variables` cannot be read: {error}");
                let (place, shown) = (document.place_of(node), document.shown(node));
                findings.add(&rule::INVALID_DECLARATIONS, place, shown, why);
            }
        }
    }
    declared
}

fn id(node: &Node) -> &str {
    node.get("data-composition-id").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Document, Findings, find};

    #[test]
    fn the_first_of_several_is_the_root_and_the_others_are_named() {
        let two = "<p data-composition-id=one><i data-composition-id=in></i></p>\n<p data-composition-id=two></p>";
        for (text, found) in [
            (two.to_owned(), vec!["second-root"]),
            (two.replace("=two>", "=two data-root=true>"), vec![]),
            (
                two.replace("=one>", "=one data-root=true>")
                    .replace("=two>", "=two data-root=true>"),
                vec!["two-roots"],
            ),
        ] {
            let entry = Document::read("index.html", &text).unwrap();
            let mut findings = Findings::default();
            assert!(find(&entry, &mut findings).is_some());
            let rules: Vec<_> = findings.sorted().iter().map(|one| one.rule.id).collect();
            assert_eq!(rules, found, "{text}");
        }
    }
}
