//! Style sheets of Google Fonts, made from the `@fontsource` packages, which hold the same files.

use super::{
    Fetched, Packages, Refusal,
    cdn::{Entry, Wanted},
};
use crate::content_type;
use std::collections::BTreeSet;
use url::Url;

/// A family and the faces of it that a page asks for.
#[derive(Debug, PartialEq, Eq)]
struct Family {
    name: String,
    /// Weight and whether it is italic.
    faces: BTreeSet<(u16, bool)>,
    /// Asked for as a range of weights, which only a variable font has.
    variable: bool,
}

impl Packages<'_> {
    pub(crate) async fn google_fonts(&mut self, url: &Url) -> Result<Fetched, Refusal> {
        let mut css = String::new();
        let mut absent = Vec::new();
        for family in families(url) {
            let found = match self.variable_faces(&family).await {
                Ok(None) | Err(Refusal::Missing(_)) => self.static_faces(&family).await,
                Ok(Some(text)) => Ok(text),
                Err(refusal) => return Err(refusal),
            };
            match found {
                Ok(text) => css.push_str(&text),
                Err(Refusal::Missing(_)) => absent.push(family.name),
                Err(refusal) => return Err(refusal),
            }
        }
        let warning = (!absent.is_empty()).then(|| {
            format!(
                "no `@fontsource` package has the font {}: it is substituted",
                absent.join(", ")
            )
        });
        Ok(Fetched {
            content_type: content_type::of("fonts.css").to_owned(),
            bytes: css.into(),
            warning,
        })
    }

    async fn static_faces(&mut self, family: &Family) -> Result<String, Refusal> {
        let package = format!("@fontsource/{}", slug(&family.name));
        let (version, files) = self.open(&package, "").await?;
        let base = base_address(&package, &version);
        let mut css = String::new();
        for (weight, italic) in &family.faces {
            let suffix = if *italic { "-italic" } else { "" };
            // Google leaves out what a family does not have, too.
            let Some(bytes) = files.get(&format!("{weight}{suffix}.css")) else {
                continue;
            };
            css.push_str(&String::from_utf8_lossy(bytes).replace("url(./", &format!("url({base}")));
            css.push('\n');
        }
        if css.is_empty() {
            return Err(Refusal::Missing(format!(
                "npm package `{package}` has none of the faces"
            )));
        }
        Ok(css)
    }

    async fn variable_faces(&mut self, family: &Family) -> Result<Option<String>, Refusal> {
        if !family.variable {
            return Ok(None);
        }
        let package = format!("@fontsource-variable/{}", slug(&family.name));
        let (version, files) = self.open(&package, "").await?;
        let base = base_address(&package, &version);
        let italics: BTreeSet<bool> = family.faces.iter().map(|(_, italic)| *italic).collect();
        let mut css = String::new();
        for italic in italics {
            let name = if italic {
                "wght-italic.css"
            } else {
                "wght.css"
            };
            let Some(bytes) = files.get(name) else {
                continue;
            };
            let text = String::from_utf8_lossy(bytes).replace("url(./", &format!("url({base}"));
            let renamed = text.replace(
                &format!("'{} Variable'", family.name),
                &format!("'{}'", family.name),
            );
            css.push_str(&renamed);
            css.push('\n');
        }
        Ok((!css.is_empty()).then_some(css))
    }
}

/// An address under which the package's files are answered for.
fn base_address(package: &str, version: &str) -> String {
    debug_assert!(matches!(
        super::cdn::source(
            &format!("https://cdn.jsdelivr.net/npm/{package}@{version}/x")
                .parse()
                .expect("a plain URL")
        ),
        Some(super::Source::Npm(Wanted {
            entry: Entry::Path(_),
            ..
        }))
    ));
    format!("https://cdn.jsdelivr.net/npm/{package}@{version}/")
}

fn slug(name: &str) -> String {
    name.trim().to_lowercase().replace(' ', "-")
}

/// Reads `css2?family=Name:ital,wght@0,400;1,700&family=…` and the older `css?family=A:400,700i|B`.
fn families(url: &Url) -> Vec<Family> {
    let values = url.query_pairs().filter(|(name, _)| name == "family");
    values
        .flat_map(|(_, value)| value.split('|').map(family).collect::<Vec<_>>())
        .filter(|family| !family.name.is_empty())
        .collect()
}

fn family(text: &str) -> Family {
    let (name, axes) = text.split_once(':').unwrap_or((text, ""));
    let mut faces = BTreeSet::new();
    let mut variable = false;
    let mut add = |weight: &str, italic: bool| match weight.split_once("..") {
        Some((low, high)) => {
            variable = true;
            let low = low.parse().unwrap_or(100);
            let high = high.parse().unwrap_or(900);
            faces.extend(
                (1..=9)
                    .map(|n| n * 100)
                    .filter(|n| (low..=high).contains(n))
                    .map(|n| (n, italic)),
            );
        }
        None => {
            if let Some(weight) = weight_of(weight) {
                faces.insert((weight, italic));
            }
        }
    };
    if let Some((tags, tuples)) = axes.split_once('@') {
        let tags: Vec<&str> = tags.split(',').collect();
        for tuple in tuples.split(';') {
            let values: Vec<&str> = tuple.split(',').collect();
            let axis = |tag: &str| {
                let at = tags.iter().position(|other| *other == tag)?;
                values.get(at).copied()
            };
            add(axis("wght").unwrap_or("400"), axis("ital") == Some("1"));
        }
    } else {
        for face in axes.split(',').filter(|face| !face.is_empty()) {
            let italic = face.ends_with('i') || face.ends_with("italic");
            let weight = face.trim_end_matches("italic").trim_end_matches('i');
            add(if weight.is_empty() { "400" } else { weight }, italic);
        }
    }
    if faces.is_empty() {
        faces.insert((400, false));
    }
    Family {
        name: name.replace('+', " ").trim().to_owned(),
        faces,
        variable,
    }
}

fn weight_of(text: &str) -> Option<u16> {
    match text {
        "regular" | "normal" => Some(400),
        "bold" | "b" => Some(700),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::families;

    #[test]
    fn both_forms_of_address_are_read() {
        let read = |url: &str| {
            let families = families(&url.parse().unwrap());
            let texts: Vec<_> = families
                .iter()
                .map(|family| format!("{} {:?} {}", family.name, family.faces, family.variable))
                .collect();
            texts.join("; ")
        };
        assert_eq!(
            read(
                "https://fonts.googleapis.com/css2?family=Playfair+Display:ital,wght@0,400;1,700&family=Inter:wght@300..500&display=swap"
            ),
            "Playfair Display {(400, false), (700, true)} false; Inter {(300, false), (400, false), (500, false)} true"
        );
        assert_eq!(
            read("https://fonts.googleapis.com/css?family=Roboto:400,700i|Lato"),
            "Roboto {(400, false), (700, true)} false; Lato {(400, false)} false"
        );
    }
}
