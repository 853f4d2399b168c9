//! Style sheets, changed where they must be and otherwise left byte for byte.

mod scope;
mod selector;
mod urls;

pub(crate) use scope::with_selectors;
pub(crate) use selector::{AUTHORED_ID, INNER_ROOT, Names, ORIGINAL_ID, renamed, scoped};
pub(crate) use urls::with_urls;

use std::ops::Range;

/// How deep blocks are looked into: further down nobody writes, and recursion has its end.
const DEEPEST: usize = 64;

/// Replacements in a text, in rising order.
#[derive(Default)]
struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    fn push(&mut self, range: Range<usize>, text: String) {
        self.0.push((range, text));
    }

    fn apply(self, text: &str) -> String {
        let mut changed = String::with_capacity(text.len() + 64);
        let mut at = 0;
        for (range, new) in self.0 {
            changed.push_str(&text[at..range.start]);
            changed.push_str(&new);
            at = range.end;
        }
        changed.push_str(&text[at..]);
        changed
    }
}

/// `text` as a quoted CSS string that may stand in a `<style>` too.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '<' | '\n' | '\r' | '\u{c}' => quoted.push_str(&format!("\\{:x} ", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
