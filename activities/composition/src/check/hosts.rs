//! The composition files that a project's pages mount.

use super::{document::Document, finding::Findings, pieces::own_file, rule};
use crate::{Project, Result};

/// As deep as hosts may nest.
const DEEPEST: usize = 20;

/// What a file can hold without anything to mount.
const SCAFFOLD: [&str; 9] = [
    "html", "head", "body", "meta", "title", "link", "style", "template", "base",
];

/// The entry file, and then the files that it mounts, each once.
pub(super) fn read(
    project: &Project,
    entry: &str,
    text: &str,
    findings: &mut Findings,
) -> Result<Vec<Document>> {
    let mut documents = vec![Document::read(entry, text)?];
    let mut trail = vec![entry.to_owned()];
    let mounted = mount(project, &documents[0], &mut trail, findings)?;
    for document in mounted {
        if documents.iter().all(|known| known.file != document.file) {
            documents.push(document);
        }
    }
    Ok(documents)
}

fn mount(
    project: &Project,
    document: &Document,
    trail: &mut Vec<String>,
    findings: &mut Findings,
) -> Result<Vec<Document>> {
    let mut mounted: Vec<Document> = Vec::new();
    for node in &document.nodes {
        let Some(src) = node.get("data-composition-src") else {
            continue;
        };
        let (place, shown) = (document.place_of(node), document.shown(node));
        let Some((path, text)) = find(project, document, src) else {
            if !src.contains("://") {
                let why = format!("`{src}` is not in the project");
                findings.add(&rule::MISSING_COMPOSITION_FILE, place, shown, why);
            }
            continue;
        };
        if trail.contains(&path) || trail.len() > DEEPEST {
            let circle = [&trail[..], std::slice::from_ref(&path)].concat();
            let why = format!("`{path}` contains itself: {}", circle.join(" → "));
            findings.add(&rule::CIRCULAR_INCLUDE, place, shown, why);
            continue;
        }
        if mounted.iter().any(|known| known.file == path) {
            continue;
        }
        let file = Document::read(&path, text)?;
        if is_empty(&file) {
            let why = format!("`{path}` has nothing to mount");
            findings.add(&rule::EMPTY_COMPOSITION_FILE, place, shown, why);
            continue;
        }
        trail.push(path);
        let nested = mount(project, &file, trail, findings)?;
        trail.pop();
        mounted.push(file);
        mounted.extend(nested);
    }
    Ok(mounted)
}

/// Relative to the project, or to the file that mounts it.
fn find<'a>(project: &'a Project, document: &Document, src: &str) -> Option<(String, &'a str)> {
    let from_project = src.trim_start_matches("./").trim_start_matches('/');
    let paths = [Some(from_project.to_owned()), own_file(document, src)];
    paths.into_iter().flatten().find_map(|path| {
        let text = std::str::from_utf8(project.get(&path)?).ok()?;
        Some((path, text))
    })
}

fn is_empty(document: &Document) -> bool {
    let mut nodes = document.nodes.iter();
    !nodes.any(|node| !SCAFFOLD.contains(&node.tag.as_str()))
}
