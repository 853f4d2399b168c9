use super::Values;
use crate::{CompositionError, Result, VariableDeclaration};
use cssparser::{Parser, ParserInput, Token, color::parse_hash_color, color::parse_named_color};
use serde_json::Value;

/// Holds values against declarations. What does not fit is an error when that was asked for, and
/// otherwise a warning.
pub(crate) struct Checked<'a> {
    pub(crate) strict: bool,
    pub(crate) warnings: &'a mut Vec<String>,
}

impl Checked<'_> {
    /// Checks `values`, given by `place`, which is how messages begin.
    pub(crate) fn check(
        &mut self,
        place: &str,
        values: &Values,
        declared: &[&VariableDeclaration],
    ) -> Result<()> {
        for (id, value) in values {
            let mut same = declared.iter().filter(|one| one.id == *id).peekable();
            if same.peek().is_none() {
                self.object(CompositionError::UnknownVariable {
                    place: place.to_owned(),
                    id: id.clone(),
                    declared: declared.iter().map(|one| one.id.clone()).collect(),
                })?;
            }
            for declaration in same {
                if let Err(expected) = fits(value, declaration) {
                    self.object(CompositionError::WrongVariable {
                        place: place.to_owned(),
                        id: id.clone(),
                        expected,
                        given: shortened(&value.to_string()),
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Says that something does not fit.
    pub(crate) fn object(&mut self, error: CompositionError) -> Result<()> {
        if self.strict {
            return Err(error);
        }
        self.warnings.push(error.to_string());
        Ok(())
    }
}

/// Whether a value is of the declared type; otherwise what was expected.
fn fits(value: &Value, declaration: &VariableDeclaration) -> Result<(), String> {
    let (good, expected) = match declaration.kind.as_str() {
        "string" => (value.is_string(), "a string"),
        "number" => (value.is_number(), "a number"),
        "boolean" => (value.is_boolean(), "`true` or `false`"),
        "color" => (value.as_str().is_some_and(is_color), "a CSS colour"),
        "font" => (names(value, "name"), "the name of a font"),
        "image" => (names(value, "url"), "the address of an image"),
        "enum" if !declaration.options.is_empty() => {
            let options = declaration.options.iter();
            let mut options = options.map(|one| one.get("value").unwrap_or(one));
            if options.clone().any(|one| one == value) {
                return Ok(());
            }
            let list: Vec<_> = options
                .by_ref()
                .map(|one| format!("`{}`", bare(one)))
                .collect();
            return Err(format!("one of {}", list.join(", ")));
        }
        "enum" => (value.is_string() || value.is_number(), "a string"),
        _ => return Ok(()),
    };
    if good {
        Ok(())
    } else {
        Err(expected.to_owned())
    }
}

/// A string, or what editors write: an object with the string in it.
fn names(value: &Value, key: &str) -> bool {
    let text = value.as_str().or_else(|| value.get(key)?.as_str());
    text.is_some_and(|text| !text.trim().is_empty())
}

fn is_color(text: &str) -> bool {
    let functions = [
        "rgb",
        "rgba",
        "hsl",
        "hsla",
        "hwb",
        "lab",
        "lch",
        "oklab",
        "oklch",
        "color",
        "color-mix",
        "light-dark",
        "var",
    ];
    let mut input = ParserInput::new(text);
    let mut parser = Parser::new(&mut input);
    let good = match parser.next() {
        Ok(Token::Hash(digits) | Token::IDHash(digits)) => {
            parse_hash_color(digits.as_bytes()).is_ok()
        }
        Ok(Token::Ident(name)) => {
            let known = ["transparent", "currentcolor"];
            known.iter().any(|one| name.eq_ignore_ascii_case(one))
                || parse_named_color(name).is_ok()
        }
        Ok(Token::Function(name)) => functions.iter().any(|one| name.eq_ignore_ascii_case(one)),
        _ => false,
    };
    // What the function takes is the browser's to say.
    good && parser.expect_exhausted().is_ok()
}

fn bare(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::fits;
    use crate::VariableDeclaration;
    use serde_json::{Value, json};

    #[test]
    fn values_are_held_against_their_types() {
        let table = [
            ("string", json!("x"), json!(1), "a string"),
            ("number", json!(1.5), json!("1.5"), "a number"),
            ("boolean", json!(false), json!("false"), "`true` or `false`"),
            ("color", json!("#E9b44c"), json!("#12"), "a CSS colour"),
            (
                "color",
                json!("RebeccaPurple"),
                json!("bleu"),
                "a CSS colour",
            ),
            (
                "color",
                json!("rgb(1 2 3 / 50%)"),
                json!("rgb(1,2,3);x"),
                "a CSS colour",
            ),
            (
                "font",
                json!({"name": "Lora"}),
                json!(""),
                "the name of a font",
            ),
            (
                "image",
                json!("a.png"),
                json!({"src": "a.png"}),
                "the address of an image",
            ),
            (
                "enum",
                json!("left"),
                json!("up"),
                "one of `left`, `right`, `3`",
            ),
            ("enum", json!(3), json!("3"), "one of `left`, `right`, `3`"),
        ];
        for (kind, good, bad, expected) in table {
            let declaration: VariableDeclaration = serde_json::from_value(json!({
                "id": "x", "type": kind, "options": ["left", {"value": "right", "label": "Right"}, 3],
            }))
            .unwrap();
            assert_eq!(fits(&good, &declaration), Ok(()), "{kind} {good}");
            assert_eq!(
                fits(&bad, &declaration),
                Err(expected.to_owned()),
                "{kind} {bad}"
            );
        }
        let untyped = VariableDeclaration::default();
        assert_eq!(fits(&Value::Null, &untyped), Ok(()));
    }
}
