//! An HTML file with the places of its elements.

use super::finding::Place;
use crate::{CompositionError, Result, compile::scan::attribute};
use lol_html::{RewriteStrSettings, element, html_content::Element as Parsed, rewrite_str};
use std::{cell::RefCell, ops::Range, rc::Rc};

/// The attribute that tells, in a page that was opened to be checked, where an element was written.
pub const AT: &str = "data-framewright-at";

/// A file of a project, and how to name places in it.
pub(super) struct Document {
    pub(super) file: String,
    pub(super) text: String,
    /// In the order of their start tags.
    pub(super) nodes: Vec<Node>,
}

/// An element.
pub(super) struct Node {
    pub(super) tag: String,
    attributes: Vec<(String, String)>,
    /// Its start tag, in bytes of the file.
    pub(super) start_tag: Range<usize>,
    /// What is between its tags.
    pub(super) content: Range<usize>,
    pub(super) parent: Option<usize>,
    pub(super) in_template: bool,
}

#[derive(Default)]
struct State {
    nodes: Vec<Node>,
    /// Elements whose end was not seen yet.
    open: Vec<usize>,
}

impl Document {
    pub(super) fn read(file: &str, text: &str) -> Result<Self> {
        let state = Rc::new(RefCell::new(State::default()));
        let shared = state.clone();
        let settings = RewriteStrSettings {
            element_content_handlers: vec![element!("*", move |element| {
                see(element, &shared);
                Ok(())
            })],
            ..RewriteStrSettings::new()
        };
        rewrite_str(text, settings).map_err(|error| CompositionError::BadHtml {
            file: file.to_owned(),
            why: error.to_string(),
        })?;
        let mut nodes = std::mem::take(&mut state.borrow_mut().nodes);
        for node in &mut nodes {
            if node.content.end == usize::MAX {
                node.content.end = text.len();
            }
        }
        Ok(Self {
            file: file.to_owned(),
            text: text.to_owned(),
            nodes,
        })
    }

    /// The place of a byte of the file.
    pub(super) fn place(&self, at: usize) -> Place {
        let (line, column) = line_and_column(&self.text, at);
        Place {
            file: self.file.clone(),
            line: Some(line),
            column: Some(column),
        }
    }

    pub(super) fn place_of(&self, node: &Node) -> Place {
        self.place(node.start_tag.start)
    }

    /// The start tag on one line, shortened.
    pub(super) fn shown(&self, node: &Node) -> String {
        shortened(&self.text[node.start_tag.clone()])
    }

    pub(super) fn content(&self, node: &Node) -> &str {
        &self.text[node.content.clone()]
    }

    /// The element around it, and the ones around that.
    pub(super) fn ancestors<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = usize> + 'a {
        std::iter::successors(node.parent, |&at| self.nodes[at].parent)
    }

    /// The file with each element told where it was written. No line moves.
    pub(super) fn annotated(&self) -> String {
        let mut text = String::with_capacity(self.text.len() * 2);
        let mut copied = 0;
        for node in &self.nodes {
            let after_name = node.start_tag.start + 1 + node.tag.len();
            text.push_str(&self.text[copied..after_name]);
            copied = after_name;
            let (line, column) = line_and_column(&self.text, node.start_tag.start);
            let file = self.file.replace('&', "&amp;").replace('"', "&quot;");
            text.push_str(&format!(" {AT}=\"{file}:{line}:{column}\""));
        }
        text.push_str(&self.text[copied..]);
        text
    }
}

impl Node {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let of = |one: &&(String, String)| one.0 == name;
        self.attributes.iter().find(of).map(|one| one.1.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn is_root(&self) -> bool {
        self.has("data-composition-id") && self.get("data-root") == Some("true")
    }
}

/// On one line, without what is too much for a message.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 100;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

pub(super) fn line_and_column(text: &str, at: usize) -> (u32, u32) {
    let before = &text[..at.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    (line as u32, column as u32)
}

fn see(element: &mut Parsed<'_, '_>, shared: &Rc<RefCell<State>>) {
    let names: Vec<String> = element.attributes().iter().map(|one| one.name()).collect();
    let attributes = names.into_iter().map(|name| {
        let value = attribute(element, &name).unwrap_or_default();
        (name, value)
    });
    let attributes = attributes.collect();
    let start_tag = element.source_location().bytes();
    let mut state = shared.borrow_mut();
    let parent = state.open.last().copied();
    let in_template = parent.is_some_and(|at| {
        let parent = &state.nodes[at];
        parent.in_template || parent.tag == "template"
    });
    let index = state.nodes.len();
    state.nodes.push(Node {
        tag: element.tag_name(),
        attributes,
        content: start_tag.end..usize::MAX,
        start_tag,
        parent,
        in_template,
    });
    let handlers = element.end_tag_handlers();
    let Some(handlers) = handlers else {
        // It can have no content.
        let end = state.nodes[index].content.start;
        state.nodes[index].content.end = end;
        return;
    };
    state.open.push(index);
    let shared = shared.clone();
    handlers.push(Box::new(move |end| {
        let mut state = shared.borrow_mut();
        let end = end.source_location().bytes().start;
        if let Some(depth) = state.open.iter().position(|&open| open == index) {
            // Those within it whose own end tag was left out end here too.
            for closed in state.open.split_off(depth) {
                state.nodes[closed].content.end = end;
            }
        }
        Ok(())
    }));
}

#[cfg(test)]
mod tests {
    use super::Document;

    #[test]
    fn places_survive_annotation() {
        let text = "<div\n  id=a>\n<p>ä<b>b</b>\n<br><i>c</i></div>\n<script>1 < 2</script>";
        let document = Document::read("x.html", text).unwrap();
        let places: Vec<_> = document
            .nodes
            .iter()
            .map(|node| {
                let place = document.place_of(node);
                (
                    node.tag.as_str(),
                    place.line.unwrap(),
                    place.column.unwrap(),
                )
            })
            .collect();
        let expected = [
            ("div", 1, 1),
            ("p", 3, 1),
            ("b", 3, 5),
            ("br", 4, 1),
            ("i", 4, 5),
            ("script", 5, 1),
        ];
        assert_eq!(places, expected);
        let annotated = document.annotated();
        assert!(annotated.contains("<b data-framewright-at=\"x.html:3:5\">b</b>"));
        assert_eq!(annotated.lines().count(), text.lines().count());
        assert_eq!(document.content(&document.nodes[5]), "1 < 2");
    }
}
