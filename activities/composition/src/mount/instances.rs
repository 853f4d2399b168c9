use super::{Expansion, FILE, part::Part, shown};
use crate::{
    CompositionError, Result, VariableDeclaration,
    dom::{self, Document, NodeRef},
    style::ORIGINAL_ID,
    variables::{self, Checked, Values},
};
use dom_query::NodeId;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One host and what it mounts.
pub(crate) struct Instance {
    pub(crate) host: NodeId,
    pub(crate) file: String,
    /// The composition id that its author gave the host.
    pub(crate) authored: String,
    /// The one that it has in the page, and nothing else has.
    pub(crate) id: String,
    pub(crate) values: Values,
    /// Ids of its elements that are others in the page.
    pub(crate) aliases: BTreeSet<String>,
}

/// Finds the hosts in document order, and gives each a composition id that no other element has.
pub(crate) fn name(page: &Document) -> Vec<Instance> {
    let all = dom::elements(&page.root());
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for id in all
        .iter()
        .filter_map(|one| dom::filled(one, "data-composition-id"))
    {
        *times.entry(id).or_default() += 1;
    }
    let mut taken: BTreeSet<String> = times.keys().cloned().collect();
    let mut instances = Vec::new();
    for host in all {
        let Some(file) = dom::attribute(&host, FILE) else {
            continue;
        };
        let authored = dom::attribute(&host, "data-composition-id").unwrap_or_default();
        let mut id = authored.clone();
        if times.get(&authored).is_some_and(|&times| times > 1) {
            let mut numbers = 1..;
            while taken.contains(&id) {
                let number = numbers.next().unwrap_or_default();
                id = format!("{authored}__hf{number}");
            }
            taken.insert(id.clone());
            host.set_attr(ORIGINAL_ID, &authored);
            host.set_attr("data-composition-id", &id);
        }
        instances.push(Instance {
            host: host.id,
            file,
            authored,
            id,
            values: Values::new(),
            aliases: BTreeSet::new(),
        });
    }
    instances
}

/// Resolves the variables of the page and of every instance, and shows them where they are asked
/// for. Returns the addresses of images among them.
pub(crate) fn give_values(
    expansion: &Expansion<'_>,
    page: &Document,
    instances: &mut [Instance],
    parts: &BTreeMap<String, Part>,
    checked: &mut Checked<'_>,
) -> Result<Vec<(String, String)>> {
    let everywhere = parts.values().flat_map(|part| &part.declared);
    let known: Vec<_> = expansion.declared.iter().chain(everywhere).collect();
    checked.check("the render's variables", expansion.given, &known)?;
    let own = variables::resolved(expansion.declared, &[expansion.given]);
    let mut images = images(&format!("`{}`", expansion.entry), &own, expansion.declared);
    for instance in instances.iter_mut() {
        let host = page.tree.get_unchecked(&instance.host);
        let declared = &parts[&instance.file].declared;
        let within = dom::closest(&host, FILE).and_then(|one| dom::attribute(&one, FILE));
        let file = within.unwrap_or_else(|| expansion.entry.to_owned());
        let place = format!("`{file}`: {}", shown(&host));
        let written = host_values(&host, &place, checked)?;
        checked.check(&place, &written, &declared.iter().collect::<Vec<_>>())?;
        instance.values = variables::resolved(declared, &[expansion.given, &written]);
        if !instance.values.is_empty() {
            let all = Value::Object(instance.values.clone()).to_string();
            host.set_attr("data-variable-values", &all);
        }
        dom::add_style(&host, &variables::custom_properties(&instance.values));
        images.extend(self::images(&place, &instance.values, declared));
    }
    if let Some(root) = root(page) {
        dom::add_style(&root, &variables::custom_properties(&own));
    }
    for element in dom::elements(&page.root()) {
        if !element.has_attr("data-var-text") && !element.has_attr("data-var-src") {
            continue;
        }
        let instance = dom::closest_or_self(&element, FILE)
            .and_then(|host| instances.iter().find(|one| one.host == host.id));
        let values = instance.map_or(&own, |instance| &instance.values);
        if let Err(warning) = variables::show(&element, values) {
            let file = instance.map_or(expansion.entry, |instance| &instance.file);
            checked.warnings.push(format!("`{file}`: {warning}"));
        }
    }
    Ok(images)
}

fn host_values(host: &NodeRef<'_>, place: &str, checked: &mut Checked<'_>) -> Result<Values> {
    let Some(text) = dom::filled(host, "data-variable-values") else {
        return Ok(Values::new());
    };
    match serde_json::from_str(&text) {
        Ok(values) => Ok(values),
        Err(error) => {
            checked.object(CompositionError::BadValues {
                place: place.to_owned(),
                why: error.to_string(),
            })?;
            Ok(Values::new())
        }
    }
}

fn images(place: &str, values: &Values, declared: &[VariableDeclaration]) -> Vec<(String, String)> {
    let named = declared.iter().filter(|one| one.kind == "image");
    named
        .filter_map(|one| {
            let url = variables::image(values.get(&one.id)?)?;
            Some((format!("{place}: variable `{}`", one.id), url.to_owned()))
        })
        .collect()
}

/// The page's root composition.
fn root(page: &Document) -> Option<NodeRef<'_>> {
    let all = dom::elements(&page.root());
    let composed = |one: &&NodeRef<'_>| one.has_attr("data-composition-id");
    let marked = |one: &&NodeRef<'_>| dom::attribute(one, "data-root").as_deref() == Some("true");
    let outer = |one: &&NodeRef<'_>| dom::closest(one, "data-composition-id").is_none();
    let mut found = all.iter().filter(composed);
    let first = found.clone().find(marked).or_else(|| found.find(outer));
    first.copied()
}
