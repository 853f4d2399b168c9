//! JavaScript, as far as looking for words in it goes: what is a comment or a string is not code.

/// `text` with comments and the insides of strings and regular expressions blanked out, byte for
/// byte in place. What `${…}` holds stays.
pub(super) fn code_of(text: &str) -> String {
    let mut masked = Masked {
        bytes: text.as_bytes(),
        out: text.as_bytes().to_vec(),
        at: 0,
    };
    masked.code(false);
    // Whole characters are blanked or none, so it is text still.
    String::from_utf8_lossy(&masked.out).into_owned()
}

/// Where `word` stands in `code` as a word of its own.
pub(super) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|&byte| is_name(byte));
    code.match_indices(word).filter_map(move |(at, _)| {
        let bytes = code.as_bytes();
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        (!is_part(before) && !is_part(bytes.get(at + word.len()))).then_some(at)
    })
}

struct Masked<'a> {
    bytes: &'a [u8],
    out: Vec<u8>,
    at: usize,
}

impl Masked<'_> {
    /// Goes through code, to the end or to the brace that closes a placeholder.
    fn code(&mut self, in_placeholder: bool) {
        let mut depth = 0;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'/' if self.follows(b"//") => self.blank_until(b"\n", 0),
                b'/' if self.follows(b"/*") => self.blank_until(b"*/", 2),
                b'/' if self.begins_expression() => self.regular_expression(),
                b'"' | b'\'' => self.string(byte),
                b'`' => self.template(),
                b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' if depth == 0 && in_placeholder => {
                    self.at += 1;
                    return;
                }
                b'}' => {
                    depth -= 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    fn follows(&self, what: &[u8]) -> bool {
        self.bytes[self.at..].starts_with(what)
    }

    fn blank(&mut self) {
        if let Some(byte) = self.out.get_mut(self.at)
            && *byte != b'\n'
        {
            *byte = b' ';
        }
        self.at += 1;
    }

    fn blank_until(&mut self, end: &[u8], more: usize) {
        self.blank();
        while self.at < self.bytes.len() && !self.follows(end) {
            self.blank();
        }
        for _ in 0..more {
            self.blank();
        }
    }

    /// The quotes stay, so that there is something between the parentheses of a call.
    fn string(&mut self, quote: u8) {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => {
                    self.blank();
                    self.blank();
                }
                // A string that was not closed ends with its line.
                b'\n' => return,
                _ if byte == quote => {
                    self.at += 1;
                    return;
                }
                _ => self.blank(),
            }
        }
    }

    fn template(&mut self) {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => {
                    self.blank();
                    self.blank();
                }
                b'`' => {
                    self.at += 1;
                    return;
                }
                b'$' if self.follows(b"${") => {
                    self.at += 2;
                    self.code(true);
                }
                _ => self.blank(),
            }
        }
    }

    fn regular_expression(&mut self) {
        let mut in_class = false;
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => {
                    self.blank();
                    self.blank();
                }
                b'\n' => return,
                b'/' if !in_class => {
                    self.at += 1;
                    return;
                }
                _ => {
                    in_class = match byte {
                        b'[' => true,
                        b']' => false,
                        _ => in_class,
                    };
                    self.blank();
                }
            }
        }
    }

    /// Whether a slash here begins a regular expression: after a value it divides.
    fn begins_expression(&self) -> bool {
        let before = self.out[..self.at].trim_ascii_end();
        let Some(&last) = before.last() else {
            return true;
        };
        if !is_name(last) {
            return !matches!(last, b')' | b']' | b'}' | b'"' | b'\'' | b'`');
        }
        let start = before.iter().rposition(|&byte| !is_name(byte));
        let word = &before[start.map_or(0, |at| at + 1)..];
        matches!(
            word,
            b"return" | b"typeof" | b"case" | b"in" | b"of" | b"void"
        )
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

#[cfg(test)]
mod tests {
    use super::{code_of, words};

    #[test]
    fn only_code_is_left() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b\n*/ c", "a     \n   c"),
            (r#"f("a\"b", 'c')"#, r#"f("    ", ' ')"#),
            ("`a${b + `c${d}`}e`", "` ${b + ` ${d}`} `"),
            ("x = /[/'\"]/g; a / b / c", "x = /     /g; a / b / c"),
            ("return /'/", "return / /"),
        ] {
            assert_eq!(code_of(text), code, "{text}");
        }
        assert_eq!(words("Date.now() myDate Date", "Date").count(), 2);
    }
}
