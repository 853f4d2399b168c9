use super::{DEEPEST, Edits, quoted};
use cssparser::{ParseError, Parser, ParserInput, Token};

/// `css` with the addresses in it that `change` has another one for.
pub(crate) fn with_urls(css: &str, change: &dyn Fn(&str) -> Option<String>) -> String {
    let mut input = ParserInput::new(css);
    let mut walk = Walk {
        change,
        edits: Edits::default(),
        depth: 0,
    };
    walk.block(&mut Parser::new(&mut input), false);
    walk.edits.apply(css)
}

struct Walk<'a> {
    change: &'a dyn Fn(&str) -> Option<String>,
    edits: Edits,
    depth: usize,
}

impl Walk<'_> {
    /// Looks through one block; `strings` says whether a string in it is an address.
    fn block(&mut self, parser: &mut Parser<'_, '_>, strings: bool) {
        let mut after_import = false;
        loop {
            let start = parser.position().byte_index();
            let Ok(token) = parser.next_including_whitespace_and_comments().cloned() else {
                return;
            };
            let range = start..parser.position().byte_index();
            match &token {
                Token::WhiteSpace(_) | Token::Comment(_) => continue,
                Token::UnquotedUrl(url) => {
                    if let Some(url) = (self.change)(url) {
                        self.edits.push(range, format!("url({})", quoted(&url)));
                    }
                }
                Token::QuotedString(url) if strings || after_import => {
                    if let Some(url) = (self.change)(url) {
                        self.edits.push(range, quoted(&url));
                    }
                }
                Token::Function(name) => {
                    let strings = ["url", "src", "image-set", "-webkit-image-set"]
                        .iter()
                        .any(|one| name.eq_ignore_ascii_case(one));
                    self.nested(parser, strings);
                }
                Token::ParenthesisBlock | Token::SquareBracketBlock | Token::CurlyBracketBlock => {
                    self.nested(parser, false);
                }
                _ => {}
            }
            after_import =
                matches!(&token, Token::AtKeyword(name) if name.eq_ignore_ascii_case("import"));
        }
    }

    fn nested(&mut self, parser: &mut Parser<'_, '_>, strings: bool) {
        if self.depth >= DEEPEST {
            return;
        }
        self.depth += 1;
        // It fails where the block has been left unread, and all of it is read.
        let _ = parser.parse_nested_block(|inner| {
            self.block(inner, strings);
            Ok::<(), ParseError<'_, ()>>(())
        });
        self.depth -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::with_urls;

    #[test]
    fn addresses_are_found_by_their_place_in_the_grammar() {
        let change = |url: &str| url.ends_with(".png").then(|| format!("/a/{url}"));
        let css = r#"@import "x.png" screen; /* url(c.png) */
            a { background: url( b.png ) no-repeat, image-set("c.png" 1x, url('d.png') 2x); content: "e.png" }
            @media print { b { mask: url("f.png"); src: url(g.woff2) } }"#;
        let expected = r#"@import "/a/x.png" screen; /* url(c.png) */
            a { background: url("/a/b.png") no-repeat, image-set("/a/c.png" 1x, url("/a/d.png") 2x); content: "e.png" }
            @media print { b { mask: url("/a/f.png"); src: url(g.woff2) } }"#;
        assert_eq!(with_urls(css, &change), expected);
        let deep = "a{b:".to_owned() + &"(".repeat(100_000);
        assert_eq!(with_urls(&deep, &change), deep);
    }
}
