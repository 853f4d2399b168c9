//! What scripts do that a film cannot bear, or that is other than they think.

use super::{
    code::{code_of, words},
    document::shortened,
    finding::Findings,
    pieces::Piece,
    rule::{self, Rule},
};

/// Words that are worth a note, once for each script.
const NOTED: [(&str, &Rule); 5] = [
    ("Date.now", &rule::FILM_CLOCK),
    ("performance.now", &rule::FILM_CLOCK),
    ("Math.random", &rule::RANDOM),
    ("getRandomValues", &rule::RANDOM),
    ("randomUUID", &rule::RANDOM),
];

const CLOCKS: [&str; 3] = ["Date.now", "performance.now", "Date"];

/// Looks at one script. `compositions` are the ids that there are.
pub(super) fn check(script: &Piece<'_>, compositions: &[String], findings: &mut Findings) {
    let code = code_of(&script.text);
    for (word, rule) in NOTED {
        let found: Vec<usize> = words(&code, word).collect();
        if let Some(&first) = found.first() {
            let times = match found.len() {
                1 => String::new(),
                times => format!(" {times} times"),
            };
            let why = format!("the script uses `{word}`{times}");
            findings.add(rule, script.place(first), word, why);
        }
    }
    for at in words(&code, "Date") {
        let is_new = code[..at].trim_end().ends_with("new");
        let rest = code[at + "Date".len()..].trim_start();
        let is_now = match rest.strip_prefix('(') {
            Some(rest) => rest.trim_start().starts_with(')'),
            None => !rest.starts_with('.'),
        };
        if is_new && is_now {
            findings.add(
                &rule::WALL_CLOCK,
                script.place(at),
                line_of(&script.text, at),
                "`new Date()` is the film's time, which begins on 2020-01-01",
            );
        }
    }
    for at in words(&code, "while") {
        let condition = in_parentheses(&code[at + "while".len()..]).unwrap_or_default();
        if CLOCKS
            .iter()
            .any(|clock| words(condition, clock).next().is_some())
        {
            findings.add(
                &rule::BUSY_WAIT,
                script.place(at),
                line_of(&script.text, at),
                "this loop waits for a clock that stands still",
            );
        }
    }
    for at in words(&code, "setInterval") {
        if code[at + "setInterval".len()..]
            .trim_start()
            .starts_with('(')
        {
            findings.add(
                &rule::TIMER_ANIMATION,
                script.place(at),
                "setInterval",
                "`setInterval` counts real time, not the film's",
            );
        }
    }
    timelines(script, &code, compositions, findings);
}

/// `__timelines["id"] =` and `__timelines.id =`.
fn timelines(script: &Piece<'_>, code: &str, compositions: &[String], findings: &mut Findings) {
    const TABLE: &str = "__timelines";
    for at in words(code, TABLE) {
        let after = at + TABLE.len();
        let rest = &script.text[after..];
        let named =
            if let Some(quoted) = rest.strip_prefix("[\"").or_else(|| rest.strip_prefix("['")) {
                let end = quoted.find(['"', '\'']);
                end.map(|end| (&quoted[..end], after + 2 + end + 2))
            } else if let Some(name) = rest.strip_prefix('.') {
                let end = name.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
                end.map(|end| (&name[..end], after + 1 + end))
            } else {
                None
            };
        let Some((id, end)) = named else { continue };
        let next = code.get(end..).unwrap_or_default().trim_start();
        let is_write = next.starts_with('=') && !next.starts_with("==");
        if is_write && !compositions.iter().any(|one| one == id) {
            findings.add(
                &rule::UNKNOWN_TIMELINE,
                script.place(at),
                id,
                format!("no composition has the id `{id}`"),
            );
        }
    }
}

/// What the parentheses at the beginning of `code` hold.
fn in_parentheses(code: &str) -> Option<&str> {
    let inside = code.trim_start().strip_prefix('(')?;
    let mut depth = 1;
    let end = inside.find(|c| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    })?;
    Some(&inside[..end])
}

fn line_of(text: &str, at: usize) -> String {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    shortened(text[start..].lines().next().unwrap_or_default())
}
