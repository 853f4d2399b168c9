//! HTML as a tree, parsed as a browser that runs scripts parses it.

pub(crate) use dom_query::{Document, NodeRef};

use html5ever::{
    ParseOpts, parse_document, tendril::TendrilSink as _, tree_builder::TreeBuilderOpts,
};

/// Parses a page, or what would stand in the body of one.
pub(crate) fn parse(text: &str) -> Document {
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            scripting_enabled: true,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    parse_document(Document::default(), options).one(text)
}

/// All elements below `node` in document order. What is in templates is not below anything.
pub(crate) fn elements<'a>(node: &NodeRef<'a>) -> Vec<NodeRef<'a>> {
    let all = node.descendants_it();
    all.filter(NodeRef::is_element).collect()
}

/// The element's name in lower case.
pub(crate) fn name(element: &NodeRef<'_>) -> String {
    element
        .node_name()
        .map(|name| name.to_ascii_lowercase())
        .unwrap_or_default()
}

/// The value of an attribute, without blanks around it.
pub(crate) fn attribute(element: &NodeRef<'_>, name: &str) -> Option<String> {
    Some(element.attr(name)?.trim().to_owned())
}

/// As [`attribute`], where an empty value means nothing.
pub(crate) fn filled(element: &NodeRef<'_>, name: &str) -> Option<String> {
    attribute(element, name).filter(|value| !value.is_empty())
}

/// What a `<template>` holds.
pub(crate) fn template_contents<'a>(template: &NodeRef<'a>) -> Option<NodeRef<'a>> {
    let id = template.element_ref()?.template_contents?;
    template.tree.get(&id)
}

/// The nearest element around `element` that has the attribute.
pub(crate) fn closest<'a>(element: &NodeRef<'a>, attribute: &str) -> Option<NodeRef<'a>> {
    element
        .ancestors_it(None)
        .find(|one| one.has_attr(attribute))
}

/// The same, or the element itself.
pub(crate) fn closest_or_self<'a>(element: &NodeRef<'a>, attribute: &str) -> Option<NodeRef<'a>> {
    if element.has_attr(attribute) {
        return Some(*element);
    }
    closest(element, attribute)
}

/// Adds declarations to the `style` attribute, after those that are there.
pub(crate) fn add_style(element: &NodeRef<'_>, declarations: &str) {
    if declarations.is_empty() {
        return;
    }
    let written = element.attr("style").unwrap_or_default();
    let written = written.trim_end();
    let joint = if written.is_empty() || written.ends_with(';') {
        ""
    } else {
        ";"
    };
    element.set_attr("style", &format!("{written}{joint}{declarations}"));
}
