//! Variables: which values a composition is rendered with, whether they are what it declares, and
//! where they show without a script.

mod check;
mod show;

pub(crate) use check::Checked;
pub(crate) use show::{custom_properties, image, show};

use crate::{CompositionError, Result, VariableDeclaration};
use serde_json::{Map, Value};

/// The values of one composition, by id.
pub(crate) type Values = Map<String, Value>;

/// Reads a `data-composition-variables`: a list of declarations, or an object that has them under
/// their ids.
pub(crate) fn declarations(file: &str, text: &str) -> Result<Vec<VariableDeclaration>> {
    parsed(text).map_err(|error| CompositionError::BadDeclarations {
        file: file.to_owned(),
        why: error.to_string(),
    })
}

/// As [`declarations`], for those who say themselves where it stands.
pub(crate) fn parsed(text: &str) -> serde_json::Result<Vec<VariableDeclaration>> {
    if !text.trim_start().starts_with('{') {
        return serde_json::from_str(text);
    }
    let by_id: Map<String, Value> = serde_json::from_str(text)?;
    let declarations = by_id.into_iter().map(|(id, mut declaration)| {
        if let Value::Object(fields) = &mut declaration {
            fields.insert("id".to_owned(), id.into());
        }
        serde_json::from_value(declaration)
    });
    declarations.collect()
}

/// Declared defaults, and over them `layers`, the last one on top.
pub(crate) fn resolved(declared: &[VariableDeclaration], layers: &[&Values]) -> Values {
    let mut values = Values::new();
    for one in declared.iter().filter(|one| !one.default.is_null()) {
        values.insert(one.id.clone(), one.default.clone());
    }
    for (id, value) in layers.iter().copied().flatten() {
        values.insert(id.clone(), value.clone());
    }
    values
}

/// What a value is called where it is shown or set into CSS; `None` for what has no text.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(match number.as_f64() {
            // As a script would write it.
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
            _ => number.to_string(),
        }),
        _ => None,
    }
}
