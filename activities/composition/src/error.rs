use framewright_film::{Disposition, Fault, FpsError, SizeError};
use std::{io, time::Duration};

/// Why a project cannot be turned into a page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompositionError {
    /// There is no such project, or it cannot be read.
    #[error("the project cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// The bytes are no zip archive.
    #[error("the project is not a readable zip archive: {0}")]
    BadArchive(String),
    /// A name in the project leads out of it.
    #[error("`{0}` leads out of the project")]
    Escapes(String),
    /// The project is larger than a project may be.
    #[error("the project is too large: {what} is above the limit of {limit}")]
    TooLarge {
        /// What was counted, with the number.
        what: String,
        /// The most that is accepted, with its unit.
        limit: String,
    },
    /// The entry file is not there.
    #[error("the project has no file `{0}`")]
    NoEntry(String),
    /// The entry file is no text that a browser would read as we do.
    #[error("`{0}` is not UTF-8 text")]
    NotText(String),
    /// The entry file holds no composition.
    #[error("`{0}` has no element with `data-composition-id`")]
    NoComposition(String),
    /// More than one element says that it is the root.
    #[error("`{file}` has two roots, `{first}` and `{second}`")]
    TwoRoots {
        /// The entry file.
        file: String,
        /// The composition id of one.
        first: String,
        /// The composition id of the other.
        second: String,
    },
    /// A length that no film can have.
    #[error("`{file}`: `{attribute}=\"{value}\"` is not a length in seconds above 0 and at most {max} (6 hours)", max = crate::inspect::LONGEST_SECONDS)]
    BadDuration {
        /// The entry file.
        file: String,
        /// The attribute's name.
        attribute: &'static str,
        /// What was written.
        value: String,
    },
    /// A side that is no whole number of pixels.
    #[error("`{file}`: `{attribute}=\"{value}\"` is not a whole number of pixels")]
    BadPixels {
        /// The entry file.
        file: String,
        /// The attribute's name.
        attribute: &'static str,
        /// What was written.
        value: String,
    },
    /// A size that no film can have.
    #[error("`{file}`: `data-width` and `data-height`: {source}")]
    BadSize {
        /// The entry file.
        file: String,
        /// Which sides are accepted.
        source: SizeError,
    },
    /// A frame rate that no film can have.
    #[error("`{file}`: `data-fps`: {source}")]
    BadFps {
        /// The entry file.
        file: String,
        /// Which rates are accepted.
        source: FpsError,
    },
    /// The declarations of variables cannot be read.
    #[error("`{file}`: `data-composition-variables` is not a JSON array of declarations: {why}")]
    BadDeclarations {
        /// The entry file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file that is to be mounted is not there.
    #[error("{place} mounts `{path}`, which the project does not have")]
    NotMountable {
        /// The file and element that mount it.
        place: String,
        /// The path as it was written.
        path: String,
    },
    /// A file without content.
    #[error("`{file}` is empty{}", mounted_by(.place.as_deref()))]
    Empty {
        /// The file.
        file: String,
        /// The file and element that mount it, if it is mounted.
        place: Option<String>,
    },
    /// Files that mount each other.
    #[error("{place} mounts `{file}`, which is mounted within itself: {}", .trail.join(" → "))]
    Circular {
        /// The file and element that close the circle.
        place: String,
        /// The file.
        file: String,
        /// The files from the entry down to the circle's end.
        trail: Vec<String>,
    },
    /// Compositions nested deeper, or mounted more often, than anybody means.
    #[error("{place} mounts `{file}`: {limit}")]
    TooManyMounts {
        /// The file and element that go too far.
        place: String,
        /// The file.
        file: String,
        /// What is allowed.
        limit: String,
    },
    /// A variable that is not declared.
    #[error("{place}: there is no variable `{id}`{}", declared_are(.declared))]
    UnknownVariable {
        /// Who sets it.
        place: String,
        /// Its name.
        id: String,
        /// Those that there are.
        declared: Vec<String>,
    },
    /// A variable whose value is not what it is declared to be.
    #[error("{place}: the variable `{id}` must be {expected}, not `{given}`")]
    WrongVariable {
        /// Who sets it.
        place: String,
        /// Its name.
        id: String,
        /// What would be right.
        expected: String,
        /// What was given, as JSON.
        given: String,
    },
    /// Values on a host that cannot be read.
    #[error("{place}: `data-variable-values` is not a JSON object: {why}")]
    BadValues {
        /// The file and element.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// The page could not be rewritten.
    #[error("`{file}` cannot be compiled: {why}")]
    BadHtml {
        /// The entry file.
        file: String,
        /// What the HTML rewriter said.
        why: String,
    },
    /// A remote reference that names nothing we can have.
    #[error("{place} asks for `{url}`: {why}")]
    Missing {
        /// The file and element that refer to it.
        place: String,
        /// The reference.
        url: String,
        /// What was tried and how it ended.
        why: String,
    },
    /// The network or a server in it failed.
    #[error("`{url}` could not be fetched: {why}")]
    Network {
        /// What was asked for.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// What came is not what its publisher signed.
    #[error("`{url}` does not match its integrity hash `{expected}`")]
    Tampered {
        /// What was asked for.
        url: String,
        /// The hash of the registry.
        expected: String,
    },
    /// The folder for fetched files cannot be used.
    #[error("the cache of fetched files cannot be used: {0}")]
    Cache(#[source] io::Error),
    /// The options of the registry client make no sense.
    #[error("`{0}` is not the address of an npm registry")]
    BadRegistry(String),
}

impl Fault for CompositionError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "FW0101",
            Self::BadArchive(_) => "FW0102",
            Self::Escapes(_) => "FW0103",
            Self::TooLarge { .. } => "FW0104",
            Self::NoEntry(_) => "FW0105",
            Self::NotText(_) => "FW0106",
            Self::NoComposition(_) => "FW0107",
            Self::TwoRoots { .. } => "FW0108",
            Self::BadDuration { .. } => "FW0109",
            Self::BadPixels { .. } | Self::BadSize { .. } => "FW0110",
            Self::BadFps { .. } => "FW0111",
            Self::BadDeclarations { .. } | Self::BadValues { .. } => "FW0112",
            Self::BadHtml { .. } => "FW0113",
            Self::Missing { .. } => "FW0114",
            Self::Network { .. } => "FW0115",
            Self::Tampered { .. } => "FW0116",
            Self::Cache(_) => "FW0117",
            Self::BadRegistry(_) => "FW0118",
            Self::NotMountable { .. } => "FW0119",
            Self::Empty { .. } => "FW0120",
            Self::Circular { .. } => "FW0121",
            Self::TooManyMounts { .. } => "FW0122",
            Self::UnknownVariable { .. } => "FW0123",
            Self::WrongVariable { .. } => "FW0124",
        }
    }

    fn disposition(&self) -> Disposition {
        match self {
            Self::Network { .. } => Disposition::Retry {
                after: Duration::from_secs(2),
            },
            Self::Cache(_) | Self::Tampered { .. } => Disposition::Retry {
                after: Duration::ZERO,
            },
            _ => Disposition::Permanent,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoEntry(_) => {
                "put an `index.html` at the top of the project, or name another entry file"
            }
            Self::NoComposition(_) => {
                "give the root element a `data-composition-id`, as in `<div data-composition-id=\"main\" data-width=\"1920\" data-height=\"1080\" data-duration=\"10\">`"
            }
            Self::TwoRoots { .. } => "leave `data-root=\"true\"` on one of them",
            Self::BadArchive(_) => "make a zip file of the project's folder, or name the folder",
            Self::Escapes(_) => "copy what it leads to into the project",
            Self::TooLarge { .. } => "leave out what the composition does not use",
            Self::NotText(_) => "save the file as UTF-8",
            Self::Missing { .. } => {
                "correct the reference, or put the file into the project and refer to it by a relative path"
            }
            Self::NotMountable { .. } => {
                "write `data-composition-src` as the path from the top of the project, such as `compositions/card.html`"
            }
            Self::Circular { .. } => "take the `data-composition-src` that closes the circle away",
            Self::UnknownVariable { .. } => {
                "declare it in `data-composition-variables`, or leave it out"
            }
            Self::Network { .. } => {
                "check that the npm registry can be reached; `npm_config_registry` names another one"
            }
            Self::Cache(_) => "check that the folder can be written to and the disk is not full",
            Self::BadRegistry(_) => "write it as `https://registry.example/`",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn mounted_by(place: Option<&str>) -> String {
    place.map_or_else(String::new, |place| format!("; {place} mounts it"))
}

fn declared_are(declared: &[String]) -> String {
    if declared.is_empty() {
        return ", nor any other".to_owned();
    }
    let names: Vec<_> = declared.iter().map(|id| format!("`{id}`")).collect();
    format!(" (declared: {})", names.join(", "))
}
