use super::{DEEPEST, Edits};
use cssparser::{Delimiter, Delimiters, ParseError, Parser, ParserInput, Token};

/// At-rules that hold further rules. What others hold (`@keyframes`, `@font-face`, `@property`) has
/// no selectors and stays as it is.
const GROUPS: [&str; 7] = [
    "media",
    "supports",
    "container",
    "layer",
    "starting-style",
    "scope",
    "-moz-document",
];

/// `css` with the selector list of every rule changed by `change`. Rules within a rule stay: they
/// are relative to it.
pub(crate) fn with_selectors(css: &str, change: &dyn Fn(&str) -> String) -> String {
    let mut input = ParserInput::new(css);
    let mut walk = Walk {
        css,
        change,
        edits: Edits::default(),
        depth: 0,
    };
    walk.rules(&mut Parser::new(&mut input));
    walk.edits.apply(css)
}

struct Walk<'a> {
    css: &'a str,
    change: &'a dyn Fn(&str) -> String,
    edits: Edits,
    depth: usize,
}

impl Walk<'_> {
    fn rules(&mut self, parser: &mut Parser<'_, '_>) {
        loop {
            let state = parser.state();
            let start = parser.position().byte_index();
            let Ok(token) = parser.next_including_whitespace_and_comments().cloned() else {
                return;
            };
            match &token {
                Token::WhiteSpace(_)
                | Token::Comment(_)
                | Token::CDO
                | Token::CDC
                | Token::Semicolon => {}
                Token::AtKeyword(name) => self.at_rule(parser, &name.to_ascii_lowercase()),
                _ => {
                    parser.reset(&state);
                    pass(parser, Delimiter::CurlyBracketBlock);
                    let end = parser.position().byte_index();
                    // A selector without a block at the end of the sheet is no rule.
                    if matches!(parser.next(), Ok(Token::CurlyBracketBlock)) {
                        self.edits
                            .push(start..end, (self.change)(&self.css[start..end]));
                        pass_block(parser);
                    }
                }
            }
        }
    }

    fn at_rule(&mut self, parser: &mut Parser<'_, '_>, name: &str) {
        let start = parser.position().byte_index();
        pass(parser, Delimiter::CurlyBracketBlock | Delimiter::Semicolon);
        let end = parser.position().byte_index();
        let has_block = matches!(parser.next(), Ok(Token::CurlyBracketBlock));
        if !has_block {
            return;
        }
        if !GROUPS.contains(&name) || self.depth >= DEEPEST {
            return pass_block(parser);
        }
        if name == "scope" {
            // The rules in it are relative to what its prelude names.
            let prelude = scope_prelude(&self.css[start..end], self.change);
            self.edits.push(start..end, prelude);
            return pass_block(parser);
        }
        self.depth += 1;
        // It fails where something was left unread, and all is read.
        let _ = parser.parse_nested_block(|inner| {
            self.rules(inner);
            Ok::<(), ParseError<'_, ()>>(())
        });
        self.depth -= 1;
    }
}

fn scope_prelude(prelude: &str, change: &dyn Fn(&str) -> String) -> String {
    if prelude.trim().is_empty() {
        return format!(" ({}) ", change(":root"));
    }
    let mut edits = Edits::default();
    let mut input = ParserInput::new(prelude);
    let mut parser = Parser::new(&mut input);
    while let Ok(token) = parser.next_including_whitespace_and_comments().cloned() {
        if !matches!(token, Token::ParenthesisBlock) {
            continue;
        }
        let start = parser.position().byte_index();
        let _ = parser.parse_nested_block(|inner| {
            pass(inner, Delimiter::None);
            let end = inner.position().byte_index();
            edits.push(start..end, change(&prelude[start..end]));
            Ok::<(), ParseError<'_, ()>>(())
        });
    }
    edits.apply(prelude)
}

/// Reads the block whose opening was read last. Else the parser stands at its beginning, and only the
/// next token would take it behind its end.
fn pass_block(parser: &mut Parser<'_, '_>) {
    let _ = parser.parse_nested_block(|inner| {
        while inner.next_including_whitespace_and_comments().is_ok() {}
        Ok::<(), ParseError<'_, ()>>(())
    });
}

/// Reads up to one of `delimiters`.
fn pass(parser: &mut Parser<'_, '_>, delimiters: Delimiters) {
    let _ = parser.parse_until_before(delimiters, |inner| {
        while inner.next_including_whitespace_and_comments().is_ok() {}
        Ok::<(), ParseError<'_, ()>>(())
    });
}

#[cfg(test)]
mod tests {
    use super::with_selectors;

    #[test]
    fn rules_are_found_and_all_else_stays() {
        let css = "@charset \"utf-8\";@import 'a.css' layer(x);\n@layer base, top;\n\
            /* .no { } */ .a:is(.b,.c){color:red;& .d{x:y} @media print{.e{}}}\n\
            @media (width > 3px) { @supports (display: grid) { .f , .g{} } }\n\
            @layer base{h1{}} @container c (width>1px){.h{}}\n\
            @keyframes k{from{a:b}50%{c:d}}@font-face{font-family:x}@property --p{syntax:'*'}\n\
            @scope (.i) to (.j){.k{}}@scope{.l{}} .m{content:'}'}.o{}.q{} .n";
        let expected = css
            .replace(".a:is(.b,.c){", "<.a:is(.b,.c)>{")
            .replace(".f , .g{", "<.f , .g>{")
            .replace("h1{", "<h1>{")
            .replace(".h{", "<.h>{")
            .replace("(.i) to (.j)", "(<.i>) to (<.j>)")
            .replace("@scope{", "@scope (<:root>) {")
            .replace(".m{", "<.m>{")
            .replace(".o{", "<.o>{")
            .replace(".q{", "<.q>{");
        assert_eq!(with_selectors(css, &|list| format!("<{list}>")), expected);
    }
}
