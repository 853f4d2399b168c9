//! An `id` is known in the whole page: `url(#shade)` in one instance must not find another's.

use super::{FILE, instances::Instance, part::Part};
use crate::{
    dom::{self, Document, NodeRef},
    style::AUTHORED_ID,
};
use std::collections::{BTreeMap, BTreeSet};

/// Gives elements that are referred to by `#id` an id of their own where several have the same.
pub(crate) fn part_ways(
    page: &Document,
    instances: &mut [Instance],
    parts: &BTreeMap<String, Part>,
) {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for element in dom::elements(&page.root()) {
        if let Some(id) = dom::filled(&element, "id") {
            *times.entry(id).or_default() += 1;
        }
    }
    times.retain(|_, times| *times > 1);
    if times.is_empty() {
        return;
    }
    for instance in instances {
        let host = page.tree.get_unchecked(&instance.host);
        let within = |one: &NodeRef<'_>| dom::closest(one, FILE).map(|host| host.id);
        let all = dom::elements(&host).into_iter();
        let own: Vec<_> = all.filter(|one| within(one) == Some(host.id)).collect();
        let referred: BTreeSet<String> = own.iter().flat_map(references).collect();
        let sheets = &parts[&instance.file].sheets;
        for element in &own {
            let Some(id) = dom::filled(element, "id") else {
                continue;
            };
            // One sheet is for all instances, so what it refers to is theirs together.
            let in_sheet = || {
                sheets
                    .iter()
                    .any(|sheet| urls(&sheet.text).any(|one| one == id))
            };
            if times.contains_key(&id) && referred.contains(&id) && !in_sheet() {
                element.set_attr(AUTHORED_ID, &id);
                element.set_attr("id", &new_id(&id, &instance.id));
                instance.aliases.insert(id);
            }
        }
        for element in own.iter().filter(|_| !instance.aliases.is_empty()) {
            refer_anew(element, instance);
        }
    }
}

fn new_id(id: &str, instance: &str) -> String {
    let instance = instance.replace(|c: char| !c.is_alphanumeric() && c != '_' && c != '-', "-");
    format!("{instance}--{id}")
}

/// The ids that an element's attributes refer to.
fn references(element: &NodeRef<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in element.attrs() {
        let value = attribute.value.trim();
        match value.strip_prefix('#') {
            Some(id) if &*attribute.name.local == "href" => found.push(id.to_owned()),
            _ => found.extend(urls(value).map(str::to_owned)),
        }
    }
    found
}

/// The ids in the `url(#id)`s of a text.
fn urls(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("url(").filter_map(|(at, _)| {
        let (inside, _) = text[at + "url(".len()..].split_once(')')?;
        let inside = inside.trim().trim_matches(['"', '\'']);
        inside.strip_prefix('#')
    })
}

fn refer_anew(element: &NodeRef<'_>, instance: &Instance) {
    for attribute in element.attrs() {
        let name = &*attribute.name.local;
        if name == "id" {
            continue;
        }
        let mut value = attribute.value.to_string();
        for id in &instance.aliases {
            let new = new_id(id, &instance.id);
            if name == "href" && value.trim() == format!("#{id}") {
                value = format!("#{new}");
            }
            for end in [")", "\")", "')", " )"] {
                value = value.replace(&format!("#{id}{end}"), &format!("#{new}{end}"));
            }
        }
        if *value != *attribute.value {
            element.set_attr(name, &value);
        }
    }
}
