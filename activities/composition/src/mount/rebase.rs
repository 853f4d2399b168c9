use crate::{Project, compile::local_url};

/// What a relative address in a file means once the file is part of the page.
///
/// Authors write paths from the top of the project, as in the entry file, or from the file itself,
/// as it works when the file is opened alone. The first that exists is meant, in this order.
pub(crate) struct Rebase<'a> {
    pub(crate) project: &'a Project,
    /// The page's own path in the project.
    pub(crate) entry: &'a str,
    /// The path of the file in which the address stands.
    pub(crate) file: &'a str,
}

impl Rebase<'_> {
    /// The address to write instead; `None` where the one that is there is right, or nothing is.
    pub(crate) fn url(&self, url: &str) -> Option<String> {
        let url = url.trim();
        let path = self.path(url)?;
        let (written, suffix) = divided(url);
        let as_written = joined(folder(self.entry), &decoded(written));
        (as_written != path).then(|| format!("{}{suffix}", local_url(&path).path()))
    }

    /// As [`Rebase::url`], for an address in a style sheet, which is always meant from the sheet.
    pub(crate) fn url_from_sheet(&self, url: &str) -> Option<String> {
        let url = url.trim();
        if !is_relative(url) {
            return None;
        }
        let (written, suffix) = divided(url);
        let path = joined(folder(self.file), &decoded(written));
        Some(format!("{}{suffix}", local_url(&path).path()))
    }

    /// The path in the project that a relative address leads to.
    pub(crate) fn path(&self, url: &str) -> Option<String> {
        let url = url.trim();
        if !is_relative(url) {
            return None;
        }
        let path = decoded(divided(url).0);
        [joined("", &path), joined(folder(self.file), &path)]
            .into_iter()
            .find(|path| self.project.get(path).is_some())
    }

    /// A `srcset` with each of its addresses changed.
    pub(crate) fn srcset(&self, set: &str) -> Option<String> {
        if set.contains("data:") {
            return None;
        }
        let candidates = set.split(',').map(|candidate| {
            let candidate = candidate.trim();
            let (url, descriptor) = candidate
                .split_once(char::is_whitespace)
                .unwrap_or((candidate, ""));
            let url = self.url(url).unwrap_or_else(|| url.to_owned());
            format!("{url} {descriptor}").trim_end().to_owned()
        });
        Some(candidates.collect::<Vec<_>>().join(", "))
    }
}

/// Whether an address is a path that the place of its file gives a meaning to.
pub(crate) fn is_relative(url: &str) -> bool {
    let scheme = url.split(['/', '?', '#']).next().unwrap_or("");
    !url.is_empty() && !url.starts_with(['/', '#', '?', '\\']) && !scheme.contains(':')
}

fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn divided(url: &str) -> (&str, &str) {
    url.split_at(url.find(['?', '#']).unwrap_or(url.len()))
}

fn decoded(path: &str) -> String {
    crate::compile::percent_decoded(path)
}

/// `path` as seen from `folder`. No path leads out of the top, as in a browser.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
