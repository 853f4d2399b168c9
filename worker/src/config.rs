//! Settings: a flag wins over the environment, the environment over a file.
//!
//! The file is TOML, and its keys are the long names of the flags that have a variable
//! (`cache-size = "2GiB"`); `[tenants.NAME]` says what a tenant may name. What the file says becomes the
//! default of the flag, so that all three are read, and checked, by the same code.
//!
//! All mistakes are reported at once: whoever writes settings for ten machines does not want to
//! hear of them one by one.

mod file;

use crate::{cli::Cli, exit::Exit};
use clap::{ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use std::{
    collections::BTreeMap,
    error::Error as _,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

pub(crate) use file::Settings as FileSettings;

/// In place of a file's name: none.
pub(crate) const NONE: &str = "none";

/// The name of the flag, and of the variable, that name the file.
const CONFIG: &str = "config";
const CONFIG_VARIABLE: &str = "FRAMEWRIGHT_CONFIG";

/// What holds.
pub(crate) struct Settings {
    pub(crate) cli: Cli,
    /// Where each of it comes from.
    pub(crate) matches: ArgMatches,
    pub(crate) file: FileSettings,
}

/// Flags that can be set by a variable, and so by a file too; by their long names.
pub(crate) type Known = BTreeMap<String, clap::Arg>;

/// Reads the command line, the environment and the file. What is only asked for help ends here.
pub(crate) fn read(args: Vec<OsString>) -> Result<Settings, Exit> {
    let command = Cli::command();
    let mut built = command.clone();
    built.build();
    let known = known(&built);
    let mut mistakes = Vec::new();
    let chosen = chosen(&built, &args);
    let mut file = match find(&args) {
        Some(path) => FileSettings::read(path, &known, &mut mistakes),
        None => FileSettings::default(),
    };
    // Workers that `dev` starts read its file, and must not answer where a worker of its own would.
    if args.iter().any(|arg| arg == "--metrics-line") {
        file.forget("metrics");
    }
    let before_flags = mistakes.len() + check_environment(chosen, &mut mistakes);
    check_flags(chosen, &args, &mut mistakes);

    let parsed = with_defaults(command, &file).try_get_matches_from(&args);
    // What clap says of one wrong flag is better than what we could.
    if before_flags == 0 && mistakes.len() < 2 {
        let matches = parsed.unwrap_or_else(|error| error.exit());
        let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        return Ok(Settings { cli, matches, file });
    }
    if let Err(error) = &parsed
        && !error.use_stderr()
    {
        // Help helps also where the settings are wrong.
        error.exit();
    }
    let what = match mistakes.len() {
        1 => "a setting is wrong".to_owned(),
        many => format!("{many} settings are wrong"),
    };
    Err(Exit::input(format!("{what}\n\n  {}", mistakes.join("\n  "))).hint(
        "mend all of them; `framewright config` then shows what holds, and `framewright help COMMAND` what there is",
    ))
}

fn known(command: &Command) -> Known {
    let subcommands = command.get_subcommands().flat_map(Command::get_arguments);
    command
        .get_arguments()
        .chain(subcommands)
        .filter(|arg| arg.get_env().is_some())
        .filter_map(|arg| Some((arg.get_long()?.to_owned(), arg.clone())))
        .filter(|(name, _)| name != CONFIG)
        .collect()
}

/// The subcommand that is meant; the command itself if that is not known.
fn chosen<'a>(command: &'a Command, args: &[OsString]) -> &'a Command {
    args.iter()
        .skip(1)
        .find_map(|arg| command.find_subcommand(arg))
        .unwrap_or(command)
}

/// The file that was named, else the one that lies where settings lie. Not the one in the working
/// directory: a project from elsewhere must not say which program is started.
fn find(args: &[OsString]) -> Option<PathBuf> {
    let named = flags(args).find(|(name, _)| *name == CONFIG);
    let named = named.and_then(|(_, value)| value.map(OsStr::to_owned));
    let named =
        named.or_else(|| std::env::var_os(CONFIG_VARIABLE).filter(|value| !value.is_empty()));
    if let Some(named) = named {
        return (named != NONE).then(|| named.into());
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let user = set("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".config")));
    user.into_iter()
        .chain([PathBuf::from("/etc")])
        .map(|folder| folder.join("framewright/framewright.toml"))
        .find(|file| file.is_file())
}

/// Long flags and their values, as far as they can be told without knowing them.
fn flags(args: &[OsString]) -> impl Iterator<Item = (&str, Option<&OsStr>)> {
    args.iter().enumerate().filter_map(|(index, arg)| {
        let text = arg.to_str()?.strip_prefix("--")?;
        Some(match text.split_once('=') {
            Some((name, value)) => (name, Some(OsStr::new(value))),
            None => (text, args.get(index + 1).map(OsString::as_os_str)),
        })
    })
}

/// Returns how many it found.
fn check_environment(command: &Command, mistakes: &mut Vec<String>) -> usize {
    let before = mistakes.len();
    for arg in command.get_arguments() {
        let Some(variable) = arg.get_env() else {
            continue;
        };
        let Some(value) = std::env::var_os(variable).filter(|value| !value.is_empty()) else {
            continue;
        };
        if let Some(why) = wrong(arg, &value) {
            mistakes.push(format!("{}: {why}", variable.to_string_lossy()));
        }
    }
    mistakes.len() - before
}

fn check_flags(command: &Command, args: &[OsString], mistakes: &mut Vec<String>) {
    for (name, value) in flags(args) {
        let of = |arg: &&clap::Arg| arg.get_long() == Some(name);
        let arg = command.get_arguments().find(of);
        let takes = |arg: &&clap::Arg| arg.get_action().takes_values();
        if let (Some(arg), Some(value)) = (arg.filter(takes), value)
            && let Some(why) = wrong(arg, value)
        {
            mistakes.push(format!("--{name}: {why}"));
        }
    }
}

/// Why `value` is none of this flag's, if it is not.
fn wrong(arg: &clap::Arg, value: &OsStr) -> Option<String> {
    if !arg.get_action().takes_values() {
        let is_bool = value == "true" || value == "false";
        return (!is_bool)
            .then(|| format!("`{}` is neither true nor false", value.to_string_lossy()));
    }
    let text = value.to_string_lossy();
    let parts: Vec<&str> = match arg.get_value_delimiter() {
        Some(delimiter) => text.split(delimiter).collect(),
        None => vec![&text],
    };
    let alone = Command::new("value").no_binary_name(true).arg(
        clap::Arg::new("value")
            .action(ArgAction::Set)
            .allow_hyphen_values(true)
            .value_parser(arg.get_value_parser().clone()),
    );
    parts.into_iter().find_map(|part| {
        let error = alone.clone().try_get_matches_from([part]).err()?;
        let why = match error.source() {
            Some(why) => why.to_string(),
            None => first_line(&error.to_string()),
        };
        Some(format!("`{part}`: {why}"))
    })
}

fn first_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.take(2).collect::<Vec<_>>().join(" ");
    line.trim_start_matches("error: ").to_owned()
}

/// What the file says becomes what holds where nobody says anything else.
fn with_defaults(mut command: Command, file: &FileSettings) -> Command {
    let defaults = command
        .get_arguments()
        .filter_map(|arg| Some((arg.get_id().clone(), file.get(arg.get_long()?)?.to_vec())))
        .collect::<Vec<_>>();
    for (id, values) in defaults {
        command = command.mut_arg(id, |arg| arg.default_values(values));
    }
    let names: Vec<_> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    for name in names {
        command = command.mut_subcommand(name, |command| with_defaults(command, file));
    }
    command
}

/// A path as a default.
fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
