use super::{
    Mounts,
    instances::Instance,
    part::{Part, Script, Tag},
    script::{SCOPED, free_in_module, joined},
};
use crate::{
    dom::{self, Document, NodeRef},
    mount::FILE,
    style::{self, Names},
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// On elements that were moved out of a mounted file: the file.
pub(crate) const FROM: &str = "data-hf-file";

/// Puts what mounted files bring besides their content into the page: links and style sheets at the
/// end of the head, scripts at the end of the body, those with addresses first.
pub(crate) fn place(page: &Document, mounts: &Mounts, instances: &[Instance]) {
    if instances.is_empty() {
        return;
    }
    let renamed: BTreeSet<String> = instances
        .iter()
        .filter(|one| one.id != one.authored)
        .map(|one| one.authored.clone())
        .collect();
    keep_names(page, &renamed);
    let names: BTreeMap<&str, Names> = mounts
        .parts
        .iter()
        .map(|(file, part)| (file.as_str(), names(file, part, instances, &renamed)))
        .collect();
    let parts = || {
        mounts
            .order
            .iter()
            .map(|file| (file.as_str(), &mounts.parts[file]))
    };
    let head = page.head().unwrap_or_else(|| page.root());
    let body = page.body().unwrap_or_else(|| page.root());
    let mut known = addresses(page);
    for (file, part) in parts() {
        for link in &part.links {
            add_once(&head, file, link, &mut known);
        }
    }
    for (file, part) in parts() {
        for sheet in &part.sheets {
            let names = &names[file];
            let text = style::with_selectors(&sheet.text, &|list| style::scoped(list, names));
            let element = new_element(page, "style", file, &text);
            if let Some(media) = &sheet.media {
                element.set_attr("media", media);
            }
            head.append_child(&element);
        }
    }
    for (file, part) in parts() {
        for script in &part.scripts {
            match script {
                // Before any module of the page, or the browser would not take it.
                Script::ImportMap(text) => {
                    let element = new_element(page, "script", file, text);
                    element.set_attr("type", "importmap");
                    head.prepend_child(&element);
                }
                Script::External(tag) => add_once(&body, file, tag, &mut known),
                _ => {}
            }
        }
    }
    for instance in instances {
        let part = &mounts.parts[&instance.file];
        run(page, &body, instance, part, &names[instance.file.as_str()]);
    }
}

/// The inline scripts of one instance.
fn run(page: &Document, body: &NodeRef<'_>, instance: &Instance, part: &Part, names: &Names) {
    let scope = json!({
        "id": instance.id,
        "file": instance.file,
        "own": names.own,
        "root": names.root,
        "ids": names.ids,
    });
    // It may end no script element.
    let scope = scope.to_string().replace('<', "\\u003c");
    let classic = part.scripts.iter().filter_map(|script| match script {
        Script::Classic(text) if !text.trim().is_empty() => Some(text.clone()),
        _ => None,
    });
    for text in joined(classic.collect()) {
        let parameters = SCOPED.join(",");
        let text = format!(
            "__framewright.compose({scope},function({parameters}){{return function(){{\n{text}\n}}}})"
        );
        body.append_child(&new_element(page, "script", &instance.file, &text));
    }
    for script in &part.scripts {
        let Script::Module(text) = script else {
            continue;
        };
        let names = free_in_module(text).join(",");
        let text = format!("const {{{names}}}=__framewright.compose({scope});{text}");
        let element = new_element(page, "script", &instance.file, &text);
        element.set_attr("type", "module");
        body.append_child(&element);
    }
}

fn names(file: &str, part: &Part, instances: &[Instance], renamed: &BTreeSet<String>) -> Names {
    let root = part.root.as_ref();
    let hosts = instances.iter().filter(|one| one.file == file);
    let mut ids: BTreeSet<String> = hosts.clone().flat_map(|one| one.aliases.clone()).collect();
    ids.extend(root.and_then(|root| root.element_id.clone()));
    let mut own: BTreeSet<String> = hosts.map(|one| one.authored.clone()).collect();
    own.extend(root.map(|root| root.id.clone()));
    Names {
        host: format!("[{FILE}={}]", style::quoted(file)),
        root: root.map(|root| root.id.clone()),
        root_is_box: root.is_some_and(|root| root.outermost),
        ids,
        own,
        renamed: renamed.clone(),
    }
}

/// The page's own rules name hosts by the ids that they had.
fn keep_names(page: &Document, renamed: &BTreeSet<String>) {
    if renamed.is_empty() {
        return;
    }
    for element in dom::elements(&page.root()) {
        if dom::name(&element) != "style" {
            continue;
        }
        let text = element.text();
        if text.contains("data-composition-id") {
            let text = style::with_selectors(&text, &|list| style::renamed(list, renamed));
            element.set_text(text);
        }
    }
}

/// What the page loads already.
fn addresses(page: &Document) -> BTreeSet<String> {
    let all = dom::elements(&page.root());
    let scripts_and_links = all.iter().filter(|one| {
        let name = dom::name(one);
        name == "script" || name == "link"
    });
    scripts_and_links
        .filter_map(|one| dom::filled(one, "src").or_else(|| dom::filled(one, "href")))
        .collect()
}

fn add_once(parent: &NodeRef<'_>, file: &str, tag: &Tag, known: &mut BTreeSet<String>) {
    if !known.insert(tag.url.clone()) {
        return;
    }
    parent.append_html(tag.html.as_str());
    if let Some(added) = parent.last_child() {
        added.set_attr(FROM, file);
    }
}

fn new_element<'a>(page: &'a Document, name: &str, file: &str, text: &str) -> NodeRef<'a> {
    let element = page.tree.new_element(name);
    element.set_attr(FROM, file);
    element.set_text(text);
    element
}
