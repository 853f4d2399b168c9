//! Scripts of mounted files: what is in them, as far as their text tells.

use std::collections::BTreeSet;

/// Names that a script of a mounted file finds its own things under.
pub(crate) const SCOPED: [&str; 8] = [
    "document",
    "window",
    "gsap",
    "self",
    "globalThis",
    "__timelines",
    "__hyperframes",
    "hyperframesAnime",
];

/// Joins scripts where a later one uses what an earlier one declares at its top: each gets a
/// function of its own, and names do not pass from one to another.
pub(crate) fn joined(scripts: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for script in scripts {
        let own = declared(&script);
        let first = joined.iter().position(|earlier| {
            let names = declared(earlier);
            let needed = names.iter().any(|name| has_word(&script, name));
            needed && names.is_disjoint(&own)
        });
        match first {
            Some(first) => {
                // All between keep their order.
                let mut together = joined.split_off(first).join("\n;\n");
                together.push_str("\n;\n");
                together.push_str(&script);
                joined.push(together);
            }
            None => joined.push(script),
        }
    }
    joined
}

/// Those of [`SCOPED`] that a module may be given: it does not have them from elsewhere.
pub(crate) fn free_in_module(module: &str) -> Vec<&'static str> {
    let mut taken = declared(module);
    for (at, _) in module.match_indices("import") {
        let clause = &module[at..];
        let clause = &clause[..clause.find(['"', '\'', '`', '(']).unwrap_or(clause.len())];
        let words = clause.split(|c: char| !is_name(c));
        taken.extend(words.map(str::to_owned));
    }
    let free = SCOPED.into_iter();
    free.filter(|name| !taken.contains(*name)).collect()
}

/// What lines of the outermost indentation declare.
fn declared(script: &str) -> BTreeSet<String> {
    let lines = || script.lines().filter(|line| !line.trim().is_empty());
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let outermost = lines().map(indentation).min().unwrap_or(0);
    let mut names = BTreeSet::new();
    for line in lines().filter(|line| indentation(line) == outermost) {
        let mut words = line.split_whitespace();
        let mut word = words.next().unwrap_or("");
        if matches!(word, "export" | "async") {
            word = words.next().unwrap_or("");
        }
        if !matches!(
            word,
            "function" | "function*" | "class" | "const" | "let" | "var"
        ) {
            continue;
        }
        let rest = words.collect::<Vec<_>>().join(" ");
        let rest = rest.trim_start_matches('*').trim_start();
        if let Some(inside) = rest.strip_prefix(['{', '[']) {
            let inside = inside.split(['}', ']']).next().unwrap_or("");
            let parts = inside.split(',').filter_map(|part| part.rsplit(':').next());
            names.extend(parts.map(first_name).filter(|name| !name.is_empty()));
        } else {
            names.insert(first_name(rest)).then_some(());
        }
    }
    names.remove("");
    names
}

fn first_name(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|&c| is_name(c))
        .collect()
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(|c| is_name(c) || c == '.') && !after.is_some_and(is_name)
    })
}

#[cfg(test)]
mod tests {
    use super::{free_in_module, joined};

    #[test]
    fn scripts_are_joined_where_names_pass() {
        let scripts = [
            "  function draw() {\n    const x = 1;\n  }",
            "const tl = gsap.timeline();",
            "draw(tl2)",
            "const tl = 2; use(tl)",
            "drawn(x)",
        ];
        let texts = joined(scripts.map(str::to_owned).to_vec());
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert!(texts[0].ends_with("draw(tl2)"));
        assert_eq!(texts[1..], ["const tl = 2; use(tl)", "drawn(x)"]);
    }

    #[test]
    fn modules_keep_what_they_import() {
        let module = "import { gsap, Draggable as D } from 'gsap/all';\nimport './x.js';\nconst { document: doc, self } = window;";
        assert_eq!(
            free_in_module(module),
            [
                "document",
                "window",
                "globalThis",
                "__timelines",
                "__hyperframes",
                "hyperframesAnime"
            ]
        );
    }
}
