//! Style sheets, as far as fonts and addresses in them go.

use cssparser::{ParseError, Parser, ParserInput, Token};

/// What is of interest in a style sheet, with its place in bytes.
#[derive(Debug, PartialEq)]
pub(super) enum Item {
    /// The families of a `font-family` or `font`, in the author's order.
    Families(usize, Vec<String>),
    /// The family that an `@font-face` declares.
    Face(String),
    /// The target of an `@import`.
    Import(usize, String),
    /// The target of a `url()`.
    Url(usize, String),
}

/// A value on its way.
#[derive(Default)]
struct Value {
    /// `font-family`, `font`, or another property.
    name: String,
    at: usize,
    families: Vec<String>,
    current: String,
    /// A variable stands for what cannot be read here.
    unknown: bool,
}

/// Reads a style sheet, or the value of a `style` attribute.
pub(super) fn items(text: &str) -> Vec<Item> {
    let mut input = ParserInput::new(text);
    let mut found = Vec::new();
    walk(&mut Parser::new(&mut input), false, &mut found);
    found
}

fn walk(parser: &mut Parser<'_, '_>, in_face: bool, found: &mut Vec<Item>) {
    let mut value: Option<Value> = None;
    let mut word: Option<(String, usize)> = None;
    let mut rule = String::new();
    loop {
        parser.skip_whitespace();
        let at = parser.position().byte_index();
        let Ok(token) = parser.next().cloned() else {
            break;
        };
        let before = word.take();
        match token {
            Token::Semicolon => {
                finish(value.take(), in_face, found);
                rule.clear();
            }
            Token::Colon if value.is_none() => {
                value = before.map(|(name, at)| Value {
                    name,
                    at,
                    ..Value::default()
                });
            }
            Token::AtKeyword(name) => rule = name.to_ascii_lowercase(),
            Token::CurlyBracketBlock => {
                // What looked like a declaration was a selector.
                value = None;
                let is_face = rule == "font-face";
                rule.clear();
                nested(parser, is_face, found);
            }
            Token::UnquotedUrl(url) => found.push(address(&rule, at, &url)),
            Token::Function(name) if name.eq_ignore_ascii_case("url") => {
                let quoted = parser.parse_nested_block(|inner| {
                    Ok::<_, ParseError<'_, ()>>(inner.expect_string_cloned().ok())
                });
                if let Ok(Some(url)) = quoted {
                    found.push(address(&rule, at, &url));
                }
            }
            Token::QuotedString(url) if rule == "import" => found.push(address(&rule, at, &url)),
            Token::ParenthesisBlock | Token::SquareBracketBlock => nested(parser, in_face, found),
            Token::Ident(name) => {
                if let Some(value) = &mut value {
                    value.word(&name);
                }
                word = Some((name.to_ascii_lowercase(), at));
            }
            token => {
                if let Some(value) = &mut value {
                    value.token(&token);
                }
                if matches!(token, Token::Function(_)) {
                    nested(parser, in_face, found);
                }
            }
        }
    }
    finish(value, in_face, found);
}

fn nested(parser: &mut Parser<'_, '_>, in_face: bool, found: &mut Vec<Item>) {
    let _ = parser.parse_nested_block(|inner| {
        walk(inner, in_face, found);
        Ok::<_, ParseError<'_, ()>>(())
    });
}

fn address(rule: &str, at: usize, url: &str) -> Item {
    match rule {
        "import" => Item::Import(at, url.to_owned()),
        _ => Item::Url(at, url.to_owned()),
    }
}

fn finish(value: Option<Value>, in_face: bool, found: &mut Vec<Item>) {
    let Some(mut value) = value else { return };
    if value.name != "font-family" && value.name != "font" {
        return;
    }
    let last = std::mem::take(&mut value.current);
    value.families.push(last);
    value.families.retain(|family| !family.is_empty());
    match (in_face, value.families.first()) {
        (_, None) => {}
        (true, Some(family)) => found.push(Item::Face(family.clone())),
        (false, Some(_)) if value.unknown => {}
        (false, Some(_)) => found.push(Item::Families(value.at, value.families)),
    }
}

impl Value {
    fn word(&mut self, name: &str) {
        if !self.current.is_empty() {
            self.current.push(' ');
        }
        self.current.push_str(name);
    }

    fn token(&mut self, token: &Token<'_>) {
        match token {
            Token::QuotedString(family) => self.word(family),
            Token::Comma => {
                let family = std::mem::take(&mut self.current);
                self.families.push(family);
            }
            // In the shorthand, families come after the last size.
            Token::Number { .. } | Token::Dimension { .. } | Token::Percentage { .. } => {
                self.current.clear();
            }
            Token::Function(name) => {
                let is_last = name.eq_ignore_ascii_case("var") || name.eq_ignore_ascii_case("env");
                self.unknown |= is_last && self.name == "font-family" && self.families.is_empty();
                self.current.clear();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, items};

    #[test]
    fn fonts_and_addresses_are_found() {
        let text = "@import \"a.css\";\n@font-face { font-family: 'My Font'; src: url(f.woff2) format(\"woff2\") }\n\
            p:hover { font: 800 1.5em/1.2 Big Caslon, serif; background: URL( 'b.png' ) }\n\
            @media (min-width: 1px) { a { font-family: \"X\", Y } b { font-family: var(--f), Z } }";
        let found = items(text);
        let families =
            |at, names: &[&str]| Item::Families(at, names.iter().map(|&n| n.to_owned()).collect());
        let at = |word: &str| text.find(word).unwrap();
        assert_eq!(
            found,
            [
                Item::Import(at("\"a.css\""), "a.css".to_owned()),
                Item::Face("My Font".to_owned()),
                Item::Url(at("url(f"), "f.woff2".to_owned()),
                families(at("font: 800"), &["Big Caslon", "serif"]),
                Item::Url(at("URL("), "b.png".to_owned()),
                families(at("font-family: \"X\""), &["X", "Y"]),
            ]
        );
        let style = items("font-family:Arial");
        assert_eq!(style, [families(0, &["Arial"])]);
    }
}
