use std::fmt;
use url::Url;

/// Who answers for an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file of an npm package.
    Npm(Wanted),
    /// Style sheets of Google Fonts.
    GoogleFonts,
}

/// A file of an npm package.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) package: String,
    /// A range, a tag, or empty.
    pub(crate) range: String,
    pub(crate) entry: Entry,
}

/// Which file of the package.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The one at this path.
    Path(String),
    /// What the package says a `<script>` should get.
    Script,
    /// What the package says an `import` should get: of the package, or of a path in it. What a
    /// module imports in its turn leads to modules of the same kind.
    Module(Option<String>),
    /// The best one of this name.
    Named(String),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "file `{path}`"),
            Self::Script => f.write_str("entry for scripts"),
            Self::Module(None) => f.write_str("entry for modules"),
            Self::Module(Some(path)) => write!(f, "module `{path}`"),
            Self::Named(name) => write!(f, "file named `{name}`"),
        }
    }
}

/// Who answers for `url`, if it is not simply the web.
pub(crate) fn source(url: &Url) -> Option<Source> {
    let path = url.path().trim_start_matches('/');
    match url.host_str()? {
        "fonts.googleapis.com" => Some(Source::GoogleFonts),
        "cdn.jsdelivr.net" | "fastly.jsdelivr.net" => {
            let spec = path.strip_prefix("npm/")?;
            if let Some(spec) = spec.strip_suffix("/+esm") {
                return module(spec);
            }
            npm(spec, Entry::Script)
        }
        "esm.run" | "cdn.skypack.dev" => module(path.strip_prefix("pin/").unwrap_or(path)),
        "unpkg.com" | "www.unpkg.com" => {
            let as_module = url.query_pairs().any(|(name, _)| name == "module");
            if as_module {
                module(path)
            } else {
                npm(path, Entry::Script)
            }
        }
        "esm.sh" => module(without_build(path)),
        "cdnjs.cloudflare.com" | "ajax.googleapis.com" => library(path.strip_prefix("ajax/libs/")?),
        "d3js.org" => {
            let (version, rest) = path.strip_prefix("d3.v")?.split_once('.')?;
            let file = format!("d3.{rest}");
            wanted("d3", version, Entry::Named(file))
        }
        "code.jquery.com" => {
            let rest = path.strip_prefix("jquery-")?;
            let version = rest.strip_suffix(".min.js").or(rest.strip_suffix(".js"))?;
            let file = if rest.ends_with(".min.js") {
                "jquery.min.js"
            } else {
                "jquery.js"
            };
            wanted("jquery", version, Entry::Named(file.to_owned()))
        }
        _ => None,
    }
}

fn wanted(package: &str, range: &str, entry: Entry) -> Option<Source> {
    Some(Source::Npm(Wanted {
        package: package.to_owned(),
        range: range.to_owned(),
        entry,
    }))
}

/// `name@range/path` or `@scope/name@range/path`; range and path may be absent.
fn npm(spec: &str, without_path: Entry) -> Option<Source> {
    let decoded = spec
        .replace("%40", "@")
        .replace("%5E", "^")
        .replace("%5e", "^");
    let names = if decoded.starts_with('@') { 2 } else { 1 };
    let mut parts = decoded.splitn(names + 1, '/');
    let head: Vec<&str> = parts.by_ref().take(names).collect();
    let head = head.join("/");
    let path = parts.next().unwrap_or("").trim_matches('/');
    let (package, range) = match head.get(1..)?.find('@') {
        Some(at) => (&head[..at + 1], &head[at + 2..]),
        None => (head.as_str(), ""),
    };
    if package.is_empty() || (names == 2 && !package.contains('/')) {
        return None;
    }
    let entry = if path.is_empty() {
        without_path
    } else {
        Entry::Path(path.to_owned())
    };
    wanted(package, range, entry)
}

/// As [`npm`], for an `import`.
fn module(spec: &str) -> Option<Source> {
    match npm(spec, Entry::Module(None))? {
        Source::Npm(Wanted {
            package,
            range,
            entry: Entry::Path(path),
        }) => wanted(&package, &range, Entry::Module(Some(path))),
        other => Some(other),
    }
}

/// esm.sh's addresses may begin with the build's version: `v135/`, `stable/`, or a `*` that keeps
/// dependencies out.
fn without_build(path: &str) -> &str {
    let path = path.strip_prefix('*').unwrap_or(path);
    match path.split_once('/') {
        Some(("stable", rest)) => rest,
        Some((first, rest)) if is_build(first) => rest,
        _ => path,
    }
}

fn is_build(word: &str) -> bool {
    word.strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// `library/version/file`, as cdnjs and Google's hosted libraries have it.
fn library(spec: &str) -> Option<Source> {
    let mut parts = spec.splitn(3, '/');
    let (name, version, file) = (parts.next()?, parts.next()?, parts.next()?);
    let package = match name {
        "three.js" | "threejs" => "three",
        "bodymovin" => "lottie-web",
        "Chart.js" => "chart.js",
        "d3js" => "d3",
        "pixi.js" | "chart.js" | "typed.js" | "matter-js" => name,
        other => other.strip_suffix(".js").unwrap_or(other),
    };
    let package = package.to_ascii_lowercase();
    // Three.js counts revisions there and minor versions here.
    let version = match version.strip_prefix('r') {
        Some(revision) if package == "three" => format!("0.{revision}"),
        _ => version.to_owned(),
    };
    wanted(&package, &version, Entry::Named(file.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Entry, Source, source};

    fn npm(url: &str) -> (String, String, Entry) {
        match source(&url.parse().unwrap()) {
            Some(Source::Npm(wanted)) => (wanted.package, wanted.range, wanted.entry),
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn addresses_of_cdns_name_packages() {
        let path = |text: &str| Entry::Path(text.to_owned());
        let named = |text: &str| Entry::Named(text.to_owned());
        for (url, package, range, entry) in [
            (
                "https://cdn.jsdelivr.net/npm/gsap@3.14.2/dist/gsap.min.js",
                "gsap",
                "3.14.2",
                path("dist/gsap.min.js"),
            ),
            (
                "https://cdn.jsdelivr.net/npm/gsap@3.14.2",
                "gsap",
                "3.14.2",
                Entry::Script,
            ),
            (
                "https://cdn.jsdelivr.net/npm/@fontsource/inter@5/index.css",
                "@fontsource/inter",
                "5",
                path("index.css"),
            ),
            (
                "https://unpkg.com/three@^0.160/build/three.module.js",
                "three",
                "^0.160",
                path("build/three.module.js"),
            ),
            (
                "https://unpkg.com/@lottiefiles/lottie-player",
                "@lottiefiles/lottie-player",
                "",
                Entry::Script,
            ),
            (
                "https://esm.sh/three@0.160.0",
                "three",
                "0.160.0",
                Entry::Module(None),
            ),
            (
                "https://esm.sh/v135/three@0.160.0/examples/jsm/controls/OrbitControls?deps=x",
                "three",
                "0.160.0",
                Entry::Module(Some("examples/jsm/controls/OrbitControls".to_owned())),
            ),
            (
                "https://cdn.jsdelivr.net/npm/animejs@4/+esm",
                "animejs",
                "4",
                Entry::Module(None),
            ),
            (
                "https://cdn.skypack.dev/canvas-confetti",
                "canvas-confetti",
                "",
                Entry::Module(None),
            ),
            (
                "https://cdnjs.cloudflare.com/ajax/libs/gsap/3.12.5/gsap.min.js",
                "gsap",
                "3.12.5",
                named("gsap.min.js"),
            ),
            (
                "https://cdnjs.cloudflare.com/ajax/libs/three.js/r128/three.min.js",
                "three",
                "0.128",
                named("three.min.js"),
            ),
            (
                "https://cdnjs.cloudflare.com/ajax/libs/bodymovin/5.12.2/lottie.min.js",
                "lottie-web",
                "5.12.2",
                named("lottie.min.js"),
            ),
            (
                "https://d3js.org/d3.v7.min.js",
                "d3",
                "7",
                named("d3.min.js"),
            ),
        ] {
            assert_eq!(
                npm(url),
                (package.to_owned(), range.to_owned(), entry),
                "{url}"
            );
        }
        assert_eq!(
            source(&"https://example.com/npm/gsap".parse().unwrap()),
            None
        );
    }
}
