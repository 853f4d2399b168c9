use super::quoted;
use cssparser::{ParseError, Parser, ParserInput, Token};
use std::collections::BTreeSet;

/// Parentheses within a pseudo-class, above which it is left alone: nobody writes so many.
const MOST_PARENTHESES: usize = 64;

/// On the root element of a mounted file: the composition id that it had.
pub(crate) const INNER_ROOT: &str = "data-hf-inner-root";
/// The `id` that an element of a mounted file had. In the page the element of that name may be
/// another one.
pub(crate) const AUTHORED_ID: &str = "data-hf-authored-id";
/// On a host that was given a composition id of its own: the one that its author gave it.
pub(crate) const ORIGINAL_ID: &str = "data-hf-original-composition-id";

/// What the selectors of a mounted file can name, and where it is in the page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// A selector for the hosts of the file.
    pub(crate) host: String,
    /// The composition id of the file's root element; `None` when it has no such element.
    pub(crate) root: Option<String>,
    /// Whether the root element is the host's child, and so the composition's box.
    pub(crate) root_is_box: bool,
    /// The `id`s that elements of the file had, and now have as [`AUTHORED_ID`].
    pub(crate) ids: BTreeSet<String>,
    /// The composition ids by which the file may call itself.
    pub(crate) own: BTreeSet<String>,
    /// Composition ids that hosts had before they were given ones of their own.
    pub(crate) renamed: BTreeSet<String>,
}

/// A selector list that applies within the hosts of a file alone.
pub(crate) fn scoped(list: &str, names: &Names) -> String {
    let parts = split(list);
    let scoped = parts.into_iter().map(|part| {
        let bare = part.trim();
        if bare.is_empty() {
            return part.to_owned();
        }
        // Blanks and comments around it belong to the author.
        let (before, after) = part.split_at(part.find(bare).unwrap_or(0));
        format!("{before}{}{}", complex(bare, names), &after[bare.len()..])
    });
    scoped.collect::<Vec<_>>().join(",")
}

/// A selector list of the page, in which hosts are known by the ids that their authors gave them.
pub(crate) fn renamed(list: &str, renamed: &BTreeSet<String>) -> String {
    let names = Names {
        renamed: renamed.clone(),
        ..Names::default()
    };
    compounds(list, &names)
        .iter()
        .map(|compound| format!("{}{}", compound.combinator, compound.whole()))
        .collect()
}

/// Simple selectors that apply to one element, and what stands between them and those before.
#[derive(Default)]
struct Compound {
    combinator: String,
    pieces: Vec<Piece>,
}

enum Piece {
    Text(String),
    /// `html` or `body`.
    DocumentType(String),
    /// `:root`, or the composition's own id where no element has it.
    DocumentClass(String),
    /// The attribute selector for the composition's own id, changed.
    Own(String),
    /// `[data-start]` and `[data-duration]`, which root elements lose.
    Timing(String),
}

impl Compound {
    fn is_document(&self) -> bool {
        let mut pieces = self.pieces.iter();
        pieces.any(|piece| matches!(piece, Piece::DocumentType(_) | Piece::DocumentClass(_)))
    }

    fn is_own(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Own(_) | Piece::DocumentClass(_)))
    }

    /// Without what stands for the document.
    fn text(&self) -> String {
        let own = self.is_own();
        let texts = self.pieces.iter().map(|piece| match piece {
            Piece::Timing(_) if own => "",
            Piece::Text(text) | Piece::Own(text) | Piece::Timing(text) => text,
            Piece::DocumentType(_) | Piece::DocumentClass(_) => "",
        });
        texts.collect()
    }

    fn whole(&self) -> String {
        let texts = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text)
            | Piece::Own(text)
            | Piece::Timing(text)
            | Piece::DocumentType(text)
            | Piece::DocumentClass(text) => text.as_str(),
        });
        texts.collect()
    }
}

fn complex(selector: &str, names: &Names) -> String {
    let compounds = compounds(selector, names);
    let document = compounds.iter().take_while(|one| one.is_document()).count();
    let mut scoped = names.host.clone();
    if document == 0 {
        scoped.push(' ');
    } else if document == compounds.len() && names.root_is_box {
        scoped.push_str(&format!(" > :where([{INNER_ROOT}])"));
    }
    // Selectors that match nothing, so that a rule weighs what it weighed.
    for piece in compounds[..document].iter().flat_map(|one| &one.pieces) {
        match piece {
            Piece::DocumentType(_) => scoped.push_str(":not(hf)"),
            Piece::DocumentClass(_) => scoped.push_str(":not(.hf)"),
            _ => {}
        }
    }
    let own: String = compounds[..document].iter().map(Compound::text).collect();
    if document < compounds.len() && names.root_is_box && !own.trim().is_empty() {
        // Classes of the document are on the box, which may be what is looked for below it.
        scoped.push_str(&format!(":has(> :where([{INNER_ROOT}]){})", own.trim()));
    } else {
        scoped.push_str(&own);
    }
    for (i, compound) in compounds.iter().enumerate().skip(document) {
        if i > 0 {
            scoped.push_str(&compound.combinator);
        }
        if compound.is_document() {
            // Below another element the document is never found, and so it shall be here.
            scoped.push_str(&compound.whole());
        } else {
            scoped.push_str(&compound.text());
        }
    }
    scoped
}

fn compounds(selector: &str, names: &Names) -> Vec<Compound> {
    let mut input = ParserInput::new(selector);
    let mut parser = Parser::new(&mut input);
    let mut compounds = vec![Compound::default()];
    let mut gap = String::new();
    let mut before = Token::Comma;
    loop {
        let start = parser.position().byte_index();
        let Ok(token) = parser.next_including_whitespace_and_comments().cloned() else {
            break;
        };
        if matches!(
            token,
            Token::Function(_)
                | Token::SquareBracketBlock
                | Token::ParenthesisBlock
                | Token::CurlyBracketBlock
        ) {
            pass_block(&mut parser);
        }
        let text = &selector[start..parser.position().byte_index()];
        let between = matches!(
            token,
            Token::WhiteSpace(_) | Token::Comment(_) | Token::Comma
        ) || matches!(token, Token::Delim('>' | '+' | '~'));
        if between {
            gap.push_str(text);
        } else {
            if !gap.is_empty() {
                compounds.push(Compound {
                    combinator: std::mem::take(&mut gap),
                    pieces: Vec::new(),
                });
            }
            let compound = compounds.last_mut().expect("there is a first one");
            compound.pieces.extend(piece(&token, &before, text, names));
            if matches!(token, Token::Ident(_))
                && matches!(compound.pieces.last(), Some(Piece::DocumentClass(_)))
            {
                // Its colon came before it.
                compound.pieces.remove(compound.pieces.len() - 2);
            }
        }
        before = token;
    }
    if let Some(last) = compounds.last_mut().filter(|_| !gap.is_empty()) {
        last.pieces.push(Piece::Text(gap));
    }
    compounds
}

fn piece(token: &Token<'_>, before: &Token<'_>, text: &str, names: &Names) -> Option<Piece> {
    let after_mark = matches!(before, Token::Delim('.' | '|') | Token::Colon);
    Some(match token {
        Token::Ident(name) if !after_mark && is_document(name) => {
            Piece::DocumentType(text.to_owned())
        }
        Token::Ident(name)
            if matches!(before, Token::Colon) && name.eq_ignore_ascii_case("root") =>
        {
            Piece::DocumentClass(format!(":{text}"))
        }
        Token::IDHash(id) if names.ids.contains(&**id) => {
            let authored = quoted(id);
            Piece::Text(format!(":is([{AUTHORED_ID}={authored}],{text})"))
        }
        Token::SquareBracketBlock => attribute(text, names),
        Token::Function(name) if takes_selectors(name) => {
            let open = text.find('(').map_or(0, |at| at + 1);
            let close = text.len() - usize::from(text.ends_with(')'));
            Piece::Text(format!(
                "{}{}{}",
                &text[..open],
                argument(&text[open..close], names),
                &text[close..]
            ))
        }
        _ => Piece::Text(text.to_owned()),
    })
}

fn is_document(name: &str) -> bool {
    name.eq_ignore_ascii_case("html") || name.eq_ignore_ascii_case("body")
}

fn takes_selectors(name: &str) -> bool {
    let known = ["is", "where", "not", "has", "matches", "-webkit-any"];
    known.iter().any(|one| name.eq_ignore_ascii_case(one))
}

/// What stands in the parentheses of a pseudo-class: the same names, no other place.
fn argument(list: &str, names: &Names) -> String {
    if list.matches('(').count() > MOST_PARENTHESES {
        return list.to_owned();
    }
    compounds(list, names)
        .iter()
        .map(|compound| {
            let mut text = compound.combinator.clone();
            for piece in &compound.pieces {
                match piece {
                    Piece::DocumentType(_) | Piece::DocumentClass(_) if names.root_is_box => {
                        text.push_str(&format!("[{INNER_ROOT}]"));
                    }
                    Piece::DocumentType(_) | Piece::DocumentClass(_) => text.push_str(&names.host),
                    _ => {}
                }
            }
            text + &compound.text()
        })
        .collect()
}

fn attribute(text: &str, names: &Names) -> Piece {
    let inside = text.trim_start_matches('[').trim_end_matches(']');
    let mut input = ParserInput::new(inside);
    let mut parser = Parser::new(&mut input);
    let plain = || Piece::Text(text.to_owned());
    let Ok(name) = parser.expect_ident_cloned() else {
        return plain();
    };
    if name.eq_ignore_ascii_case("data-start") || name.eq_ignore_ascii_case("data-duration") {
        return Piece::Timing(text.to_owned());
    }
    if !name.eq_ignore_ascii_case("data-composition-id") {
        return plain();
    }
    let value = parser
        .expect_delim('=')
        .and_then(|()| parser.expect_ident_or_string().cloned());
    let Ok(value) = value else {
        return plain();
    };
    if names.own.contains(&*value) {
        return match &names.root {
            Some(root) => Piece::Own(format!("[{INNER_ROOT}={}]", quoted(root))),
            None => Piece::DocumentClass(text.to_owned()),
        };
    }
    if names.renamed.contains(&*value) {
        return Piece::Text(format!(":is({text},[{ORIGINAL_ID}={}])", quoted(&value)));
    }
    plain()
}

/// The parts of a list between its commas.
fn split(list: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut begin = 0;
    let mut input = ParserInput::new(list);
    let mut parser = Parser::new(&mut input);
    loop {
        let start = parser.position().byte_index();
        match parser.next_including_whitespace_and_comments() {
            Ok(Token::Comma) => {
                parts.push(&list[begin..start]);
                begin = parser.position().byte_index();
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    parts.push(&list[begin..]);
    parts
}

/// Reads the block whose opening was read last.
fn pass_block(parser: &mut Parser<'_, '_>) {
    let _ = parser.parse_nested_block(|inner| {
        while inner.next_including_whitespace_and_comments().is_ok() {}
        Ok::<(), ParseError<'_, ()>>(())
    });
}

#[cfg(test)]
mod tests {
    use super::{Names, renamed, scoped};

    fn names() -> Names {
        Names {
            host: "S".to_owned(),
            root: Some("card".to_owned()),
            root_is_box: true,
            ids: ["root".to_owned()].into(),
            own: ["card".to_owned()].into(),
            renamed: ["badge".to_owned()].into(),
        }
    }

    #[test]
    fn selectors_apply_within_the_host() {
        let table = [
            (".a, .b > i", "S .a, S .b > i"),
            ("*", "S *"),
            ("\n  a:hover::before ", "\n  S a:hover::before "),
            ("body", "S > :where([data-hf-inner-root]):not(hf)"),
            (":root", "S > :where([data-hf-inner-root]):not(.hf)"),
            (
                "html body.dark",
                "S > :where([data-hf-inner-root]):not(hf):not(hf).dark",
            ),
            ("body > .a", "S:not(hf) > .a"),
            (
                "html.x body.y > .a",
                "S:not(hf):not(hf):has(> :where([data-hf-inner-root]).x.y) > .a",
            ),
            (".body, #body", "S .body, S #body"),
            ("#root .a", "S :is([data-hf-authored-id=\"root\"],#root) .a"),
            ("#rooted", "S #rooted"),
            (
                "[data-composition-id=\"card\"] .a",
                "S [data-hf-inner-root=\"card\"] .a",
            ),
            (
                "[data-start='0'][data-composition-id=card].b",
                "S [data-hf-inner-root=\"card\"].b",
            ),
            ("i[data-start]", "S i[data-start]"),
            (
                "[data-composition-id='badge']",
                "S :is([data-composition-id='badge'],[data-hf-original-composition-id=\"badge\"])",
            ),
            (
                "a:not(#root, .b):is(.c, .d)",
                "S a:not(:is([data-hf-authored-id=\"root\"],#root), .b):is(.c, .d)",
            ),
            (
                ":is(html, body)",
                "S :is([data-hf-inner-root], [data-hf-inner-root])",
            ),
            ("[title=\"a, b\"] /* c */ i", "S [title=\"a, b\"] /* c */ i"),
        ];
        for (selector, expected) in table {
            assert_eq!(scoped(selector, &names()), expected, "{selector}");
        }
        let bare = Names {
            root: None,
            root_is_box: false,
            ..names()
        };
        assert_eq!(scoped("body", &bare), "S:not(hf)");
        assert_eq!(
            scoped("[data-composition-id=card] b", &bare),
            "S:not(.hf) b"
        );
    }

    #[test]
    fn the_page_keeps_its_names_for_hosts() {
        let ids = ["badge".to_owned()].into();
        assert_eq!(
            renamed(" body > i, [data-composition-id=\"badge\"] b ", &ids),
            " body > i, :is([data-composition-id=\"badge\"],[data-hf-original-composition-id=\"badge\"]) b "
        );
    }
}
