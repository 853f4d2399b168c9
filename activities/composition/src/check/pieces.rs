//! Style sheets and scripts of a project, wherever they stand.

use super::{
    document::{Document, Node, line_and_column},
    finding::Place,
};
use crate::{
    Project,
    compile::{local_path, local_url},
};
use std::collections::BTreeSet;
use url::Url;

/// A style sheet or script, and where it stands.
pub(super) struct Piece<'a> {
    file: &'a str,
    whole: &'a str,
    /// Where it begins in the file.
    start: usize,
    pub(super) text: String,
    /// An attribute: its insides have no places of their own.
    is_attribute: bool,
    /// What relative addresses in it are relative to.
    pub(super) base: Url,
}

impl Piece<'_> {
    /// The place of a byte of its text.
    pub(super) fn place(&self, at: usize) -> Place {
        let at = if self.is_attribute { 0 } else { at };
        let (line, column) = line_and_column(self.whole, self.start + at);
        Place {
            file: self.file.to_owned(),
            line: Some(line),
            column: Some(column),
        }
    }
}

/// `<style>`, attributes that are style, and linked style sheets of the project.
pub(super) fn styles<'a>(project: &'a Project, documents: &'a [Document]) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut files = BTreeSet::new();
    for document in documents {
        for node in &document.nodes {
            if node.tag == "style" {
                pieces.push(inside(document, node));
            }
            let family = node.get("font-family");
            let family = family.map(|family| format!("font-family:{family}"));
            for text in node
                .get("style")
                .map(str::to_owned)
                .into_iter()
                .chain(family)
            {
                let mut piece = inside(document, node);
                piece.start = node.start_tag.start;
                piece.is_attribute = true;
                piece.text = text;
                pieces.push(piece);
            }
            if is_style_sheet(node) {
                let path = node.get("href").and_then(|href| own_file(document, href));
                files.extend(path);
            }
        }
    }
    pieces.extend(files.iter().filter_map(|path| whole_file(project, path)));
    pieces
}

/// Inline scripts and linked ones of the project. What somebody has minified is a library.
pub(super) fn scripts<'a>(project: &'a Project, documents: &'a [Document]) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut files = BTreeSet::new();
    for document in documents {
        for node in document.nodes.iter().filter(|node| is_script(node)) {
            match node.get("src") {
                None => pieces.push(inside(document, node)),
                Some(src) => files.extend(own_file(document, src)),
            }
        }
    }
    let own = files.iter().filter_map(|path| whole_file(project, path));
    pieces.extend(own.filter(|piece| !is_minified(&piece.text)));
    pieces
}

pub(super) fn is_script(node: &Node) -> bool {
    let kind = node.get("type").unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    node.tag == "script"
        && matches!(
            kind.as_str(),
            "" | "module" | "text/javascript" | "application/javascript" | "text/ecmascript"
        )
}

pub(super) fn is_style_sheet(node: &Node) -> bool {
    let rel = node.get("rel").unwrap_or_default().to_ascii_lowercase();
    node.tag == "link" && rel.split_whitespace().any(|word| word == "stylesheet")
}

/// The path in the project of an address in a document, if it is one of the project's.
pub(super) fn own_file(document: &Document, address: &str) -> Option<String> {
    local_path(&local_url(&document.file).join(address).ok()?)
}

fn inside<'a>(document: &'a Document, node: &Node) -> Piece<'a> {
    Piece {
        file: &document.file,
        whole: &document.text,
        start: node.content.start,
        text: document.content(node).to_owned(),
        is_attribute: false,
        base: local_url(&document.file),
    }
}

fn whole_file<'a>(project: &'a Project, path: &str) -> Option<Piece<'a>> {
    let (file, bytes) = project.files().find(|(file, _)| *file == path)?;
    let text = std::str::from_utf8(bytes).ok()?;
    Some(Piece {
        file,
        whole: text,
        start: 0,
        text: text.to_owned(),
        is_attribute: false,
        base: local_url(file),
    })
}

fn is_minified(text: &str) -> bool {
    text.lines().any(|line| line.len() > 2_000)
}
