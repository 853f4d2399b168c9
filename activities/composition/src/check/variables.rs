//! Variables that nobody declares, and values that are not what they are declared to be.

use super::{
    code::{code_of, words},
    document::Document,
    finding::{Findings, Place},
    pieces::{Piece, own_file},
    rule,
};
use crate::{
    CompositionError, VariableDeclaration,
    variables::{Checked, Values, parsed, resolved},
};
use std::collections::BTreeSet;

/// Looks at values that are `given`, by the render and by hosts, and for names that nobody declares.
/// `declared` has the declarations of each document.
pub(super) fn check(
    documents: &[Document],
    scripts: &[Piece<'_>],
    given: &Values,
    declared: &[Vec<VariableDeclaration>],
    findings: &mut Findings,
) {
    let why = |name: &str| format!("no composition declares a variable `{name}`");
    let place = Place::file(&documents[0].file);
    values("the render", &place, given, &declared[0], findings);
    for document in documents {
        for node in &document.nodes {
            let place = document.place_of(node);
            if let Some(text) = node.get("data-composition-variables") {
                let own = parsed(text).unwrap_or_default();
                let defaults = resolved(&own, &[]);
                values("its default", &place, &defaults, &own, findings);
            }
            let src = node.get("data-composition-src");
            let mounted = src.and_then(|src| mounted(documents, document, src));
            let text = node.get("data-variable-values").unwrap_or_default();
            if let (Some(mounted), Ok(own)) = (mounted, serde_json::from_str::<Values>(text)) {
                values("the host", &place, &own, &declared[mounted], findings);
            }
        }
    }
    let declared = declared.iter().flatten().map(|one| one.id.clone());
    let mut known: BTreeSet<String> = declared.collect();
    // Hosts may pass what their files read without a declaration.
    for document in documents {
        for node in &document.nodes {
            let values = node.get("data-variable-values").unwrap_or_default();
            if let Ok(values) = serde_json::from_str::<Values>(values) {
                known.extend(values.into_iter().map(|(name, _)| name));
            }
        }
    }
    for document in documents {
        for node in &document.nodes {
            for attribute in ["data-var-text", "data-var-src"] {
                let name = node.get(attribute).map(str::trim).unwrap_or_default();
                if !name.is_empty() && !known.contains(name) {
                    let (place, shown) = (document.place_of(node), document.shown(node));
                    findings.add(&rule::UNKNOWN_VARIABLE, place, shown, why(name));
                }
            }
        }
    }
    for script in scripts {
        for (at, name) in read(&code_of(&script.text)) {
            if !known.contains(&name) {
                findings.add(
                    &rule::UNKNOWN_VARIABLE,
                    script.place(at),
                    &*name,
                    why(&name),
                );
            }
        }
    }
}

/// Holds values against declarations, one by one, as the compiler does.
fn values(
    who: &str,
    place: &Place,
    values: &Values,
    declared: &[VariableDeclaration],
    findings: &mut Findings,
) {
    let declared: Vec<_> = declared.iter().collect();
    for (id, value) in values {
        let one = Values::from_iter([(id.clone(), value.clone())]);
        let mut checked = Checked {
            strict: true,
            warnings: &mut Vec::new(),
        };
        match checked.check(who, &one, &declared) {
            Ok(()) => {}
            Err(CompositionError::WrongVariable {
                expected, given, ..
            }) => {
                let why = format!("`{id}` is to be {expected}, and {who} says `{given}`");
                findings.add(&rule::INVALID_VARIABLE, place.clone(), id, why);
            }
            Err(_) => {
                let why = format!("{who} sets `{id}`, which is not declared");
                findings.add(&rule::UNKNOWN_VARIABLE, place.clone(), id, why);
            }
        }
    }
}

/// Which document a host mounts.
fn mounted(documents: &[Document], from: &Document, src: &str) -> Option<usize> {
    let from_project = src.trim_start_matches("./").trim_start_matches('/');
    let beside = own_file(from, src).unwrap_or_default();
    let mut names = [from_project, beside.as_str()].into_iter();
    names.find_map(|name| documents.iter().position(|one| one.file == name))
}

/// The variables that a script reads by name, as far as that can be seen.
fn read(code: &str) -> Vec<(usize, String)> {
    const CALL: &str = "getVariables";
    let mut found = Vec::new();
    for at in words(code, CALL) {
        let after = at + CALL.len();
        let Some(rest) = code[after..].strip_prefix("()") else {
            continue;
        };
        let after = after + 2;
        if let Some(name) = member(rest) {
            found.push((after, name));
            continue;
        }
        let starts = ["const ", "let ", "var "].map(|word| {
            let start = code[..at].rfind(word)?;
            Some(start + word.len())
        });
        let Some(start) = starts.into_iter().flatten().max() else {
            continue;
        };
        let Some((target, _)) = code[start..at].rsplit_once('=') else {
            continue;
        };
        let target = target.trim();
        if let Some(names) = target
            .strip_prefix('{')
            .and_then(|names| names.strip_suffix('}'))
        {
            for one in names.split(',') {
                let name = one.split([':', '=']).next().unwrap_or_default().trim();
                if !name.is_empty() && !name.starts_with("...") {
                    found.push((start, name.to_owned()));
                }
            }
        } else if !target.is_empty()
            && target
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            for at in words(&code[after..], target).map(|at| after + at) {
                let is_own = !code[..at].trim_end().ends_with('.');
                found.extend(
                    member(&code[at + target.len()..])
                        .filter(|_| is_own)
                        .map(|name| (at, name)),
                );
            }
        }
    }
    found
}

/// The name in `.name` or `?.name`, if it is not written to or called.
fn member(code: &str) -> Option<String> {
    let name = code.strip_prefix("?.").or_else(|| code.strip_prefix('.'))?;
    let end = name
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
        .unwrap_or(name.len());
    let (name, rest) = name.split_at(end);
    let rest = rest.trim_start();
    let is_read = !rest.starts_with('(') && (!rest.starts_with('=') || rest.starts_with("=="));
    (is_read && !name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn names_are_read_in_the_usual_ways() {
        let code = "const { title, tint: color = 1 } = window.__hyperframes.getVariables();\n\
            const v = __hyperframes.getVariables(); use(v.speed, other.v.no, v.toString());\n\
            paint(__hyperframes.getVariables().size)";
        let names: Vec<_> = read(code).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["title", "tint", "speed", "size"]);
    }
}
