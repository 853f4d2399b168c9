//! What the docs promise about the code.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if path.is_dir() && !hidden && !path.ends_with("target") {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

/// `FW` and four digits, wherever they stand in quotes.
fn codes(text: &str) -> impl Iterator<Item = String> {
    text.split('"')
        .filter(|word| word.len() == 6 && word.starts_with("FW"))
        .filter(|word| word[2..].bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
}

#[test]
fn every_error_code_has_a_page() {
    let mut sources = Vec::new();
    for folder in ["activities", "workflows/src", "worker/src"] {
        files(&root().join(folder), ".rs", &mut sources);
    }
    let used: BTreeSet<_> = sources
        .iter()
        .flat_map(|source| codes(&fs::read_to_string(source).unwrap()).collect::<Vec<_>>())
        .collect();
    assert!(used.len() > 40, "the codes are found: {used:?}");
    let pages = root().join("docs/errors");
    let missing: Vec<_> = used
        .iter()
        .filter(|code| !pages.join(format!("{code}.md")).is_file())
        .collect();
    assert!(missing.is_empty(), "no page in docs/errors for {missing:?}");
}

/// Names of metrics of ours between two `quote`s.
fn metrics(text: &str, quote: char) -> BTreeSet<String> {
    let endings = ["_total", "_seconds", "_bytes", "_info", "_up"];
    let is_metric = |word: &&str| {
        word.starts_with("framewright_")
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            && endings.iter().any(|ending| word.ends_with(ending))
    };
    let words = text.split(quote).filter(is_metric);
    words.map(str::to_owned).collect()
}

#[test]
fn every_metric_is_in_the_docs_and_the_docs_name_no_other() {
    let mut sources = Vec::new();
    for folder in ["activities", "workflows/src", "worker/src"] {
        files(&root().join(folder), ".rs", &mut sources);
    }
    let read = |source: &PathBuf| metrics(&fs::read_to_string(source).unwrap(), '"');
    let counted: BTreeSet<_> = sources.iter().flat_map(read).collect();
    let docs = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    // The first column of a table.
    let rows = docs
        .lines()
        .filter(|line| line.starts_with("| `framewright_"));
    let named: BTreeSet<_> = rows
        .filter_map(|row| {
            metrics(row.split(" | ").next().unwrap(), '`')
                .into_iter()
                .next()
        })
        .collect();
    assert!(counted.len() > 15, "the metrics are found: {counted:?}");
    assert_eq!(counted, named);
}

#[test]
fn links_in_the_docs_lead_somewhere() {
    let mut pages = Vec::new();
    files(&root(), ".md", &mut pages);
    let mut broken = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#', ' ']).next().unwrap_or("");
            if target.is_empty() || target.contains("://") {
                continue;
            }
            if !page.parent().unwrap().join(target).exists() {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// `[file](path) `name`` in the table of the contract.
#[test]
fn tests_that_the_contract_names_are_there() {
    let docs = root().join("docs");
    let table = fs::read_to_string(docs.join("contract.md")).unwrap();
    let mut named = 0;
    for link in table.split("](").skip(1) {
        let Some((file, rest)) = link.split_once(") `") else {
            continue;
        };
        if !file.ends_with(".rs") {
            continue;
        }
        let name = rest.split('`').next().unwrap();
        let text = fs::read_to_string(docs.join(file)).unwrap();
        assert!(text.contains(&format!("fn {name}(")), "{file}: {name}");
        named += 1;
    }
    assert!(named > 50, "the names are found: {named}");
}
