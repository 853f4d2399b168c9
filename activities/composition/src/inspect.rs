use crate::{
    CompositionError, Project, Result,
    compile::scan::{Marked, Scan},
    variables,
};
use framewright_film::{Fps, FrameSize};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest film that is accepted, in seconds.
pub const LONGEST_SECONDS: f64 = 6.0 * 60.0 * 60.0;

/// What the root of a composition declares about its film.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Composition {
    /// The entry file's path in the project.
    pub entry: String,
    /// The value of `data-composition-id`.
    pub id: String,
    /// Size of the page and of the frames, CSS px; 1080 × 1920 when not declared.
    pub size: FrameSize,
    /// Seconds; `None` when only the running page can tell.
    pub duration: Option<f64>,
    /// The rate the author wants when the render names none.
    pub fps: Option<Fps>,
    /// The variables that a render may set, in the author's order.
    pub variables: Vec<VariableDeclaration>,
}

/// One declaration of `data-composition-variables`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VariableDeclaration {
    /// The name under which pages read it.
    pub id: String,
    /// `string`, `number`, `color`, `boolean`, `enum`, `font` or `image`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The value when a render sets none.
    #[serde(default)]
    pub default: Value,
    /// What an `enum` may be: values, or objects with a `value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Value>,
}

/// Reads the facts of the composition in `entry` (`index.html` when not named).
///
/// # Errors
/// When there is no such file or composition, or an attribute of the root makes no sense; the error
/// names file, attribute and value.
pub fn inspect(project: &Project, entry: Option<&str>) -> Result<Composition> {
    let (file, text) = project.entry(entry)?;
    let scan = Scan::of(&file, text)?;
    of_scan(&file, &scan)
}

/// The facts of a page that has been scanned.
pub(crate) fn of_scan(file: &str, scan: &Scan) -> Result<Composition> {
    let root = root(file, scan)?;
    let mut variables = Vec::new();
    for text in [&scan.html_variables, &root.variables]
        .into_iter()
        .flatten()
    {
        variables.extend(variables::declarations(file, text)?);
    }
    Ok(Composition {
        entry: file.to_owned(),
        id: root.id.clone(),
        size: size(file, root)?,
        duration: duration(file, root)?,
        fps: fps(file, root)?,
        variables,
    })
}

fn root<'a>(file: &str, scan: &'a Scan) -> Result<&'a Marked> {
    let mut marked = scan.compositions.iter().filter(|one| one.is_root);
    let first = marked.next();
    if let (Some(first), Some(second)) = (first, marked.next()) {
        return Err(CompositionError::TwoRoots {
            file: file.to_owned(),
            first: first.id.clone(),
            second: second.id.clone(),
        });
    }
    first
        .or_else(|| scan.compositions.iter().find(|one| !one.nested))
        .filter(|root| !root.id.is_empty())
        .ok_or_else(|| CompositionError::NoComposition(file.to_owned()))
}

fn size(file: &str, root: &Marked) -> Result<FrameSize> {
    let side = |attribute: &'static str, value: &Option<String>, absent: u32| match value {
        None => Ok(absent),
        Some(value) => pixels(value).ok_or_else(|| CompositionError::BadPixels {
            file: file.to_owned(),
            attribute,
            value: value.clone(),
        }),
    };
    let width = side("data-width", &root.width, 1080)?;
    let height = side("data-height", &root.height, 1920)?;
    FrameSize::new(width, height).map_err(|source| CompositionError::BadSize {
        file: file.to_owned(),
        source,
    })
}

pub(crate) fn pixels(text: &str) -> Option<u32> {
    let text = text.trim();
    let number: f64 = text
        .strip_suffix("px")
        .unwrap_or(text)
        .trim()
        .parse()
        .ok()?;
    let whole = number >= 0.0 && number.fract() == 0.0 && number <= f64::from(u32::MAX);
    whole.then_some(number as u32)
}

fn duration(file: &str, root: &Marked) -> Result<Option<f64>> {
    let Some((attribute, value)) = &root.duration else {
        return Ok(None);
    };
    match value.trim().parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= LONGEST_SECONDS => Ok(Some(seconds)),
        _ => Err(CompositionError::BadDuration {
            file: file.to_owned(),
            attribute,
            value: value.clone(),
        }),
    }
}

fn fps(file: &str, root: &Marked) -> Result<Option<Fps>> {
    let Some(text) = &root.fps else {
        return Ok(None);
    };
    let fps = text.parse().map_err(|source| CompositionError::BadFps {
        file: file.to_owned(),
        source,
    })?;
    Ok(Some(fps))
}
