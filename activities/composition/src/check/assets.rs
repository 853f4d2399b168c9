//! Files that are referred to and are not there.

use super::{
    css::{Item, items},
    document::{Document, Node},
    finding::{Findings, Place},
    pieces::{Piece, is_script},
    rule,
};
use crate::{
    Project, Vendor,
    compile::{local_path, local_url},
    vendor::Refusal,
};
use std::collections::BTreeMap;
use url::Url;

/// A reference to a file.
struct Reference {
    /// As it was written.
    written: String,
    /// What it may mean; the first that is there is taken.
    urls: Vec<Url>,
    place: Place,
    subject: String,
}

/// Looks for every file that the pages and style sheets refer to.
pub(super) async fn check(
    project: &Project,
    documents: &[Document],
    styles: &[Piece<'_>],
    vendor: &Vendor,
    findings: &mut Findings,
) {
    let mut remote: BTreeMap<Url, Reference> = BTreeMap::new();
    for reference in in_documents(documents).chain(in_styles(styles)) {
        let paths: Vec<_> = reference.urls.iter().filter_map(local_path).collect();
        if paths.is_empty() {
            let url = reference.urls[0].clone();
            remote.entry(url).or_insert(reference);
        } else if !paths.iter().any(|path| project.get(path).is_some()) {
            let why = format!("`{}` is not in the project", reference.written);
            findings.add(
                &rule::MISSING_ASSET,
                reference.place,
                reference.subject,
                why,
            );
        }
    }
    let mut packages = vendor.packages();
    for (url, reference) in remote {
        let why = match packages.fetch(&url).await {
            Ok(_) => continue,
            Err(Refusal::Missing(why)) => why,
            Err(Refusal::Failed(error)) => error.to_string(),
        };
        let why = format!("`{}` cannot be had: {why}", reference.written);
        findings.add(&rule::REMOTE_ASSET, reference.place, reference.subject, why);
    }
}

fn in_documents(documents: &[Document]) -> impl Iterator<Item = Reference> + '_ {
    documents.iter().flat_map(|document| {
        let base = local_url(&document.file);
        // A composition file may refer to files beside it or, as a part of the page, from the top.
        let bases = [base, local_url(&documents[0].file)];
        document.nodes.iter().flat_map(move |node| {
            let bases = bases.clone();
            addresses(node).into_iter().filter_map(move |written| {
                let mut urls: Vec<Url> = bases
                    .iter()
                    .filter_map(|base| join(base, &written))
                    .collect();
                urls.dedup();
                Some(Reference {
                    urls: (!urls.is_empty()).then_some(urls)?,
                    written,
                    place: document.place_of(node),
                    subject: document.shown(node),
                })
            })
        })
    })
}

fn in_styles<'a>(styles: &'a [Piece<'_>]) -> impl Iterator<Item = Reference> + 'a {
    styles.iter().flat_map(|style| {
        items(&style.text).into_iter().filter_map(|item| {
            let (Item::Import(at, written) | Item::Url(at, written)) = item else {
                return None;
            };
            Some(Reference {
                urls: vec![join(&style.base, &written)?],
                place: style.place(at),
                subject: format!("url({written})"),
                written,
            })
        })
    })
}

/// What an element makes the browser load.
fn addresses(node: &Node) -> Vec<String> {
    // The page has a plan of its own, or a value is put in its place.
    if node.has("onerror") || node.has("data-var-src") {
        return Vec::new();
    }
    let one = |name: &str| node.get(name).map(str::to_owned).into_iter().collect();
    match node.tag.as_str() {
        "script" if !is_script(node) => Vec::new(),
        "script" | "iframe" | "audio" | "source" | "embed" => one("src"),
        "img" => {
            let set = node.get("srcset").unwrap_or_default().split(',');
            let urls = set
                .filter_map(|one| one.split_whitespace().next())
                .map(str::to_owned);
            one("src").into_iter().chain(urls).collect::<Vec<String>>()
        }
        "video" => ["src", "poster"]
            .into_iter()
            .filter_map(|name| node.get(name).map(str::to_owned))
            .collect(),
        "image" => ["href", "xlink:href"]
            .into_iter()
            .filter_map(|name| node.get(name).map(str::to_owned))
            .collect(),
        "link" => {
            let rel = node.get("rel").unwrap_or_default().to_ascii_lowercase();
            let loads = rel
                .split_whitespace()
                .any(|word| matches!(word, "stylesheet" | "modulepreload"));
            if loads { one("href") } else { Vec::new() }
        }
        _ => Vec::new(),
    }
}

/// The absolute address; `None` for what holds its own content or names a part of the page.
fn join(base: &Url, written: &str) -> Option<Url> {
    let written = written.trim();
    if written.is_empty() || written.starts_with('#') || written.contains("{{") {
        return None;
    }
    let mut url = base.join(written).ok()?;
    url.set_fragment(None);
    matches!(url.scheme(), "http" | "https" | "file").then_some(url)
}
