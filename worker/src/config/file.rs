//! The file of settings.

use super::{CONFIG, Known, shown, wrong};
use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, ffi::OsStr, path::PathBuf};

/// What tenants may name.
const TENANTS: &str = "tenants";
const PLACES: [(&str, &str); 2] = [("sources", "allow-source"), ("outputs", "allow-output")];

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) path: Option<PathBuf>,
    /// By the long name of the flag.
    values: BTreeMap<String, Vec<String>>,
}

impl Settings {
    /// Reads the file. What is wrong with it is told, all of it.
    pub(super) fn read(path: PathBuf, known: &Known, mistakes: &mut Vec<String>) -> Self {
        let mut settings = Self {
            values: BTreeMap::from([(CONFIG.to_owned(), vec![shown(&path)])]),
            path: Some(path.clone()),
        };
        let mut tell = |what: String| mistakes.push(format!("{}: {what}", path.display()));
        let read = Figment::from(Toml::file_exact(&path)).extract::<Map<String, Value>>();
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                tell(one_line(&error.to_string()));
                return settings;
            }
        };
        for (name, value) in read {
            if name == TENANTS {
                settings.read_tenants(&value, known, &mut tell);
                continue;
            }
            let Some(arg) = known.get(&name) else {
                tell(format!(
                    "there is no setting `{name}`{}",
                    near(&name, known)
                ));
                continue;
            };
            let Some(values) = texts(&value) else {
                tell(format!(
                    "`{name}`: a text, a number, a truth value or a list of these is expected"
                ));
                continue;
            };
            for value in &values {
                if let Some(why) = wrong(arg, OsStr::new(value)) {
                    tell(format!("`{name}`: {why}"));
                }
            }
            settings.values.insert(name, values);
        }
        settings
    }

    /// ```toml
    /// [tenants.acme]
    /// sources = ["s3://acme-assets/films"]
    /// ```
    fn read_tenants(&mut self, tenants: &Value, known: &Known, tell: &mut dyn FnMut(String)) {
        let Some(tenants) = tenants.as_object() else {
            return tell(format!("`{TENANTS}`: a table for each tenant is expected"));
        };
        for (tenant, places) in tenants {
            let Some(places) = places.as_object() else {
                tell(format!("`{TENANTS}.{tenant}`: a table is expected"));
                continue;
            };
            for (name, value) in places {
                let flag = PLACES.iter().find(|(place, _)| place == name);
                let Some((flag, arg)) = flag.and_then(|(_, flag)| Some((*flag, known.get(*flag)?)))
                else {
                    tell(format!(
                        "`{TENANTS}.{tenant}`: there is no `{name}`, but `sources` and `outputs`"
                    ));
                    continue;
                };
                let Some(values) = texts(value) else {
                    tell(format!(
                        "`{TENANTS}.{tenant}.{name}`: a list of places is expected"
                    ));
                    continue;
                };
                for place in values {
                    let grant = format!("{tenant}={place}");
                    match wrong(arg, OsStr::new(&grant)) {
                        Some(why) => tell(format!("`{TENANTS}.{tenant}.{name}`: {why}")),
                        None => self.values.entry(flag.to_owned()).or_default().push(grant),
                    }
                }
            }
        }
    }

    /// As if it said nothing of a flag.
    pub(super) fn forget(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// What it says of a flag.
    pub(crate) fn get(&self, name: &str) -> Option<&[String]> {
        self.values.get(name).map(Vec::as_slice)
    }
}

/// As on a command line.
fn texts(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        value => Some(vec![text(value)?]),
    }
}

/// `cache_size` for `cache-size`, and the like.
fn near(name: &str, known: &Known) -> String {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_', '.'], "");
    known
        .keys()
        .find(|key| plain(key) == plain(name))
        .map_or_else(String::new, |key| format!("; `{key}` is meant?"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
