use super::cdn::Entry;
use bytes::Bytes;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::{collections::BTreeMap, io::Read as _};

/// The files of one npm package.
#[derive(Debug)]
pub(crate) struct Package {
    files: BTreeMap<String, Bytes>,
    manifest: Value,
}

impl Package {
    /// Unpacks a tarball of at most `limit` bytes, unpacked.
    pub(crate) fn unpack(tarball: &[u8], limit: u64) -> Result<Self, String> {
        let text = |error: std::io::Error| format!("its tarball cannot be read: {error}");
        let mut archive = tar::Archive::new(GzDecoder::new(tarball).take(limit));
        let mut files = BTreeMap::new();
        for entry in archive.entries().map_err(text)? {
            let mut entry = entry.map_err(text)?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = entry.path().map_err(text)?.to_string_lossy().into_owned();
            // The first folder is `package` by custom, but not always.
            let Some((_, path)) = path.split_once('/') else {
                continue;
            };
            let path = path.to_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(text)?;
            files.insert(path, Bytes::from(content));
        }
        let manifest = files
            .get("package.json")
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .unwrap_or(Value::Null);
        Ok(Self { files, manifest })
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Bytes> {
        self.files.get(path)
    }

    /// The path of the file that `entry` means.
    pub(crate) fn find(&self, entry: &Entry) -> Option<String> {
        match entry {
            Entry::Path(path) => self.at(path),
            Entry::Script => self.script_entry(),
            Entry::Module(path) => self.module_entry(path.as_deref()),
            Entry::Named(name) => self.named(name),
        }
    }

    /// The file at `path`, or the unminified one beside it: jsDelivr minifies on demand.
    fn at(&self, path: &str) -> Option<String> {
        let path = path.trim_start_matches("./");
        let plain = path.replace(".min.", ".");
        let with_extension = format!("{path}.js");
        let index = format!("{path}/index.js");
        [path, &with_extension, &index, &plain]
            .into_iter()
            .find(|path| self.files.contains_key(*path))
            .map(str::to_owned)
    }

    fn script_entry(&self) -> Option<String> {
        ["jsdelivr", "unpkg", "browser", "main"]
            .into_iter()
            .filter_map(|field| self.manifest.get(field)?.as_str())
            .find_map(|path| self.at(path))
            .or_else(|| self.at("index.js"))
    }

    /// Where an `import` of the package's name leads, or of a path in it.
    pub(crate) fn module_entry(&self, path: Option<&str>) -> Option<String> {
        let exports = self.manifest.get("exports");
        let Some(path) = path else {
            let root = exports.and_then(|exports| exports.get(".").or(Some(exports)));
            let from_exports = root.and_then(import_condition);
            let from_fields = ["module", "jsnext:main", "main"]
                .into_iter()
                .filter_map(|field| self.manifest.get(field)?.as_str().map(str::to_owned));
            return from_exports
                .into_iter()
                .chain(from_fields)
                .find_map(|path| self.at(&path))
                .or_else(|| self.at("index.js"));
        };
        // A file that is there is meant, whatever the package would rather export.
        if self.files.contains_key(path) {
            return Some(path.to_owned());
        }
        let exported = exports.and_then(|exports| subpath(exports, path));
        exported
            .and_then(|path| self.at(&path))
            .or_else(|| self.at(path))
            .or_else(|| self.at(&format!("{path}.mjs")))
    }

    /// The versions of `dependency` that the package works with; empty if it does not say.
    pub(crate) fn range_of(&self, dependency: &str) -> &str {
        ["dependencies", "peerDependencies", "optionalDependencies"]
            .into_iter()
            .find_map(|field| self.manifest.get(field)?.get(dependency)?.as_str())
            .unwrap_or("")
    }

    /// The file of this name that lies where builds lie, or nearest to the top.
    fn named(&self, name: &str) -> Option<String> {
        let likely = [
            "",
            "dist/",
            "build/",
            "umd/",
            "build/player/",
            "lib/",
            "dist/umd/",
            "src/",
        ];
        let at_likely = likely.into_iter().map(|folder| format!("{folder}{name}"));
        let suffix = format!("/{name}");
        at_likely
            .into_iter()
            .find(|path| self.files.contains_key(path))
            .or_else(|| {
                let mut others: Vec<_> = self
                    .files
                    .keys()
                    .filter(|path| path.ends_with(&suffix))
                    .collect();
                others.sort_by_key(|path| (path.matches('/').count(), path.len()));
                others.first().map(|path| (*path).clone())
            })
    }
}

/// What `exports` says of a path in the package, patterns included.
fn subpath(exports: &Value, path: &str) -> Option<String> {
    let wanted = format!("./{path}");
    if let Some(value) = exports.get(&wanted) {
        return import_condition(value);
    }
    exports.as_object()?.iter().find_map(|(pattern, value)| {
        let (before, after) = pattern.split_once('*')?;
        let star = wanted.strip_prefix(before)?.strip_suffix(after)?;
        Some(import_condition(value)?.replace('*', star))
    })
}

/// The target for browsers' `import` in a value of `exports`.
fn import_condition(value: &Value) -> Option<String> {
    match value {
        Value::String(path) => Some(path.clone()),
        Value::Object(conditions) => ["browser", "import", "module", "default"]
            .into_iter()
            .filter_map(|name| conditions.get(name))
            .find_map(import_condition),
        Value::Array(options) => options.iter().find_map(import_condition),
        _ => None,
    }
}
