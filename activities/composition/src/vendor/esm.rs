//! Modules as esm.sh and jsDelivr's `+esm` hand them out: whatever a package holds can be imported.
//!
//! Both services build such modules; here each file of the package stays a module of its own, and
//! only what it imports is written anew, as the address of another such module.

use std::{collections::HashMap, ops::Range};

/// The address of file `path` of `package` (`name@version`) as a module; of its entry if the path
/// is empty.
pub(crate) fn address(package: &str, path: &str) -> String {
    let slash = if path.is_empty() { "" } else { "/" };
    format!("https://cdn.jsdelivr.net/npm/{package}{slash}{path}/+esm")
}

/// What the module `text` imports by literal names.
pub(crate) fn specifiers(text: &str) -> impl Iterator<Item = &str> {
    places(text).into_iter().map(|place| &text[place])
}

/// The module `source` of a package, with these addresses for what it imports.
pub(crate) fn linked(source: &str, addresses: &HashMap<String, String>) -> String {
    let mut text = String::with_capacity(source.len() + 200);
    if source.contains("process.env") {
        text.push_str("const process={env:{NODE_ENV:\"production\"}};");
    }
    if !is_module(source) {
        text.push_str(&from_common_js(source));
        return text;
    }
    text.push_str(&with_specifiers(source, &|specifier| {
        addresses.get(specifier).cloned()
    }));
    text
}

/// The module `source` with other names for what it imports, where `change` has one.
pub(crate) fn with_specifiers(source: &str, change: &dyn Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(source.len() + 200);
    let mut from = 0;
    for place in places(source) {
        let specifier = &source[place.clone()];
        text.push_str(&source[from..place.start]);
        match change(specifier) {
            Some(other) => text.push_str(&other),
            None => text.push_str(specifier),
        }
        from = place.end;
    }
    text.push_str(&source[from..]);
    text
}

/// A module that is the one at `address`, whose text is `source`.
pub(crate) fn leading_to(address: &str, source: &str) -> String {
    let mut text = format!("export * from \"{address}\";\n");
    let has_default = !is_module(source)
        || source.contains("export default")
        || source.contains("as default")
        || source.contains("export{default");
    if has_default {
        text.push_str(&format!("export {{ default }} from \"{address}\";\n"));
    }
    text
}

/// The path in the package of what file `from` imports as `specifier`, if that is in the package.
pub(crate) fn beside(from: &str, specifier: &str) -> Option<String> {
    if !specifier.starts_with("./") && !specifier.starts_with("../") {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Package and path in it of a bare specifier, which is no address.
pub(crate) fn bare(specifier: &str) -> Option<(&str, &str)> {
    let is_name = specifier
        .starts_with(|c: char| c == '@' || c.is_ascii_lowercase() || c.is_ascii_digit())
        && !specifier.contains(':');
    if !is_name {
        return None;
    }
    let slashes = if specifier.starts_with('@') { 2 } else { 1 };
    match specifier.match_indices('/').nth(slashes - 1) {
        Some((at, _)) => Some((&specifier[..at], &specifier[at + 1..])),
        None if slashes == 1 => Some((specifier, "")),
        None if specifier.contains('/') => Some((specifier, "")),
        None => None,
    }
}

/// Whether a text is a module rather than a script that sets `module.exports`.
fn is_module(text: &str) -> bool {
    let statement = |keyword: &str| {
        text.match_indices(keyword).any(|(at, _)| {
            let before = text[..at].trim_end_matches([' ', '\t']).chars().next_back();
            let starts = matches!(before, None | Some('\n' | ';' | '}' | '/'));
            let after = text[at + keyword.len()..].chars().next();
            starts && matches!(after, Some(' ' | '{' | '*' | '"' | '\''))
        })
    };
    statement("export") || (statement("import") && !text.contains("module.exports"))
}

/// A CommonJS or UMD script as a module whose default export is what the script exports.
fn from_common_js(source: &str) -> String {
    format!(
        "const module={{exports:{{}}}};(function(module,exports,require,define){{{source}\n}}).call(globalThis,module,module.exports,\
         (name)=>{{throw new Error(`require(\"${{name}}\") cannot be had in a module`)}},undefined);export default module.exports;\n"
    )
}

/// Where in the module `text` names of imports stand, without their quotes.
fn places(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for keyword in ["from", "import"] {
        for (at, _) in text.match_indices(keyword) {
            let part_of_a_name = |c: char| c.is_alphanumeric() || "_$.".contains(c);
            let rest = &text[at + keyword.len()..];
            if text[..at].chars().next_back().is_some_and(part_of_a_name)
                || rest.starts_with(part_of_a_name)
            {
                continue;
            }
            let tail = rest.trim_start();
            let tail = tail.strip_prefix('(').map_or(tail, str::trim_start);
            let Some(quote) = tail.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
                continue;
            };
            let start = text.len() - tail.len() + 1;
            let end = text[start..].find(quote).map(|len| start + len);
            found.extend(end.map(|end| start..end).filter(|place| {
                let name = &text[place.clone()];
                !name.is_empty() && name.len() < 300 && !name.contains(['\n', '\\', ' '])
            }));
        }
    }
    found.sort_by_key(|place| place.start);
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::{bare, beside, linked, specifiers};
    use std::collections::HashMap;

    #[test]
    fn imports_are_found_and_written_anew() {
        let text = "import{a}from\"./a.js\";import b from 'three';const c=import(\"@x/y/z\");export*from'../d';x.from(\"no\");";
        let found: Vec<_> = specifiers(text).collect();
        assert_eq!(found, ["./a.js", "three", "@x/y/z", "../d"]);
        let addresses = HashMap::from([("three".to_owned(), "https://t".to_owned())]);
        assert_eq!(
            linked(text, &addresses),
            text.replace("'three'", "'https://t'")
        );
        assert!(
            linked("module.exports = 1", &HashMap::new())
                .ends_with("export default module.exports;\n")
        );
    }

    #[test]
    fn names_of_packages_and_files() {
        assert_eq!(bare("three/addons/x.js"), Some(("three", "addons/x.js")));
        assert_eq!(bare("@a/b"), Some(("@a/b", "")));
        assert_eq!(bare("@a/b/c/d"), Some(("@a/b", "c/d")));
        assert_eq!(bare("https://x"), None);
        assert_eq!(beside("dist/m/x.js", "../y.js").unwrap(), "dist/y.js");
        assert_eq!(beside("x.js", "../../y.js"), None);
    }
}
