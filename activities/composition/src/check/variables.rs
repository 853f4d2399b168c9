//! Names of variables that nobody declares.

use super::{
    code::{code_of, words},
    document::Document,
    finding::{Findings, Place},
    pieces::Piece,
    rule,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Looks for names beside those that are `declared`.
pub(super) fn check(
    documents: &[Document],
    scripts: &[Piece<'_>],
    given: &Map<String, Value>,
    declared: &BTreeSet<String>,
    findings: &mut Findings,
) {
    let why = |name: &str| format!("no composition declares a variable `{name}`");
    for name in given.keys().filter(|name| !declared.contains(*name)) {
        let place = Place::file(&documents[0].file);
        findings.add(&rule::UNKNOWN_VARIABLE, place, name, why(name));
    }
    // Hosts may pass what their files read without a declaration.
    let mut known = declared.clone();
    for document in documents {
        for node in &document.nodes {
            let values = node.get("data-variable-values").unwrap_or_default();
            if let Ok(values) = serde_json::from_str::<Map<String, Value>>(values) {
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
