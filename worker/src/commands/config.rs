//! `framewright config`: which settings hold, and where they come from.

use super::{print_json, print_text};
use crate::{cli::ConfigArgs, config::Settings};
use clap::{ArgMatches, CommandFactory as _, parser::ValueSource};
use std::fmt::Write as _;

/// Variables whose value is nobody's business; that they are set may explain something.
const SECRETS: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "TEMPORAL_API_KEY",
];

/// Variables of others that we heed.
const OTHERS: [&str; 6] = [
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_REGION",
    "TEMPORAL_PROFILE",
    "TEMPORAL_CONFIG_FILE",
    "npm_config_registry",
];

struct Line {
    name: String,
    /// None where what holds is found out at the start of a command.
    value: Option<String>,
    from: String,
}

pub(crate) fn config(args: &ConfigArgs, settings: &Settings) {
    let lines = lines(settings);
    if args.json {
        let entry = |line: &Line| {
            let what = serde_json::json!({ "value": line.value, "from": line.from });
            (line.name.clone(), what)
        };
        let all: serde_json::Map<_, _> = lines.iter().map(entry).collect();
        return print_json(&all.into());
    }
    let shown = |line: &Line| line.value.clone().unwrap_or_else(|| "–".to_owned());
    let width = |text: &dyn Fn(&Line) -> String| {
        let widths = lines.iter().map(|line| text(line).chars().count());
        widths.max().unwrap_or(0)
    };
    let (names, values) = (width(&|line| line.name.clone()), width(&shown).min(60));
    let mut text = String::new();
    for line in &lines {
        let value = shown(line);
        let _ = writeln!(text, "{:names$}  {value:values$}  {}", line.name, line.from);
    }
    print_text(&text);
}

fn lines(settings: &Settings) -> Vec<Line> {
    let Some((_, matches)) = settings.matches.subcommand() else {
        return Vec::new();
    };
    let mut command = crate::cli::Cli::command();
    command.build();
    let command = command.find_subcommand("config");
    let mut lines: Vec<_> = command
        .into_iter()
        .flat_map(clap::Command::get_arguments)
        .filter(|arg| arg.get_env().is_some())
        .filter_map(|arg| line(arg, matches, settings))
        .collect();
    for name in OTHERS {
        if let Ok(value) = std::env::var(name) {
            lines.push(of_environment(name, without_password(&value)));
        }
    }
    for name in SECRETS {
        if std::env::var_os(name).is_some() {
            lines.push(of_environment(name, "set, not shown".to_owned()));
        }
    }
    lines
}

fn line(arg: &clap::Arg, matches: &ArgMatches, settings: &Settings) -> Option<Line> {
    let name = arg.get_long()?.to_owned();
    let id = arg.get_id().as_str();
    let values: Vec<_> = matches
        .get_raw(id)
        .into_iter()
        .flatten()
        .map(|value| without_password(&value.to_string_lossy()))
        .collect();
    let from = match matches.value_source(id) {
        Some(ValueSource::CommandLine) => format!("--{name}"),
        Some(ValueSource::EnvVariable) => arg.get_env()?.to_string_lossy().into_owned(),
        Some(_) if name == "config" => "found".to_owned(),
        _ => match (&settings.file.path, settings.file.get(&name)) {
            (Some(path), Some(_)) => path.display().to_string(),
            _ => "default".to_owned(),
        },
    };
    Some(Line {
        name,
        value: (!values.is_empty()).then(|| values.join(", ")),
        from,
    })
}

fn of_environment(name: &str, value: String) -> Line {
    Line {
        name: name.to_owned(),
        value: Some(value),
        from: "environment".to_owned(),
    }
}

/// A URL may have a password in it.
fn without_password(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(mut url) if url.password().is_some() => {
            let _ = url.set_password(Some("***"));
            url.into()
        }
        _ => text.to_owned(),
    }
}
