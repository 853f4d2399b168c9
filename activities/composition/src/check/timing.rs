//! Clips: when they are on, and whether that can be.

use super::{
    document::{Document, Node},
    finding::Findings,
    roots::declared_duration,
    rule::{self, Rule},
};
use std::collections::BTreeMap;

/// Sums of attributes differ in their last bits.
const SAME_MOMENT: f64 = 1e-6;

/// What is never painted.
const UNPAINTED: [&str; 10] = [
    "html", "head", "script", "style", "link", "meta", "title", "template", "source", "track",
];

/// Looks at the clips of a document. `root` is the film's root, if it is in this one.
pub(super) fn check(document: &Document, root: Option<usize>, findings: &mut Findings) {
    let mut clips = Clips {
        document,
        root,
        known: BTreeMap::new(),
        findings,
    };
    let timed: Vec<usize> = (0..document.nodes.len())
        .filter(|&at| document.nodes[at].has("data-start"))
        .collect();
    let mut windows = Vec::new();
    for &at in &timed {
        if clips.has_effect(at) {
            let start = clips.start(at, &mut Vec::new());
            let end = clips.end(at, start);
            windows.extend(start.map(|start| (at, start, end)));
        }
    }
    for &(at, start, end) in &windows {
        clips.against_the_end(at, start, end);
    }
    clips.overlaps(&windows);
}

struct Clips<'a> {
    document: &'a Document,
    root: Option<usize>,
    /// `None` where a mistake was reported.
    known: BTreeMap<usize, Option<f64>>,
    findings: &'a mut Findings,
}

impl Clips<'_> {
    fn add(&mut self, rule: &'static Rule, at: usize, why: String) {
        let node = &self.document.nodes[at];
        let (place, shown) = (self.document.place_of(node), self.document.shown(node));
        self.findings.add(rule, place, shown, why);
    }

    fn node(&self, at: usize) -> &Node {
        &self.document.nodes[at]
    }

    /// The composition that an element is in.
    fn home(&self, at: usize) -> Option<usize> {
        let mut ancestors = self.document.ancestors(self.node(at));
        ancestors.find(|&up| self.node(up).has("data-composition-id"))
    }

    fn has_effect(&mut self, at: usize) -> bool {
        let node = self.node(at);
        let tag = node.tag.clone();
        if UNPAINTED.contains(&tag.as_str()) {
            self.add(
                &rule::START_WITHOUT_EFFECT,
                at,
                format!("`<{tag}>` is never painted, so it cannot come and go"),
            );
            return false;
        }
        if self.root != Some(at) {
            return true;
        }
        let value = node.get("data-start").unwrap_or_default().trim().to_owned();
        if value.parse::<f64>() != Ok(0.0) && !value.is_empty() {
            self.add(&rule::START_WITHOUT_EFFECT, at, format!("the film begins with its root, so `data-start=\"{value}\"` on it changes nothing"));
        }
        false
    }

    /// Seconds on the clock of its composition.
    fn start(&mut self, at: usize, trail: &mut Vec<usize>) -> Option<f64> {
        if let Some(&known) = self.known.get(&at) {
            return known;
        }
        let text = self
            .node(at)
            .get("data-start")
            .unwrap_or_default()
            .trim()
            .to_owned();
        let start = match text.parse::<f64>() {
            _ if text.is_empty() => Some(0.0),
            Ok(seconds) if seconds >= 0.0 && seconds.is_finite() => Some(seconds),
            Ok(_) => {
                self.add(
                    &rule::INVALID_TIMING,
                    at,
                    format!("`data-start=\"{text}\"` is no time in seconds"),
                );
                None
            }
            Err(_) => self.relative(at, &text, trail),
        };
        self.known.insert(at, start);
        start
    }

    fn relative(&mut self, at: usize, text: &str, trail: &mut Vec<usize>) -> Option<f64> {
        if trail.contains(&at) {
            let circle: Vec<_> = trail.iter().map(|&one| name(self.node(one))).collect();
            self.add(
                &rule::TIMING_CYCLE,
                at,
                format!(
                    "`data-start=\"{text}\"` leads back to itself: {}",
                    circle.join(", ")
                ),
            );
            return None;
        }
        let (id, offset) = reference(text);
        let (other, offset) = match (self.find(text, at), self.find(id, at)) {
            (Some(whole), _) => (whole, 0.0),
            (None, Some(other)) => (other, offset),
            (None, None) => {
                self.add(
                    &rule::UNKNOWN_CLIP,
                    at,
                    format!("`data-start=\"{text}\"` names no clip `{id}` of its composition"),
                );
                return None;
            }
        };
        trail.push(at);
        let start = self.start(other, trail);
        trail.pop();
        let end = self.end(other, start);
        let start = start?;
        match end {
            Some(end) => Some((end + offset).max(0.0)),
            None => {
                let why = format!(
                    "`data-start=\"{text}\"` follows `{id}`, which begins at {start} s and has no `data-duration`"
                );
                // A video or a composition file may know its own length.
                if !knows_its_length(self.node(other)) {
                    self.add(&rule::OPEN_CLIP, at, why);
                }
                None
            }
        }
    }

    fn find(&self, id: &str, from: usize) -> Option<usize> {
        let home = self.home(from);
        let by = |attribute: &str| {
            (0..self.document.nodes.len()).find(|&at| {
                let node = self.node(at);
                at != from
                    && node.get(attribute) == Some(id)
                    && node.has("data-start")
                    && self.home(at) == home
            })
        };
        by("id").or_else(|| by("data-composition-id"))
    }

    /// When a clip ends; `None` if with the composition, or if that is not known.
    fn end(&mut self, at: usize, start: Option<f64>) -> Option<f64> {
        for name in ["data-duration", "data-end"] {
            let Some(text) = self.node(at).get(name).map(str::to_owned) else {
                continue;
            };
            match leading_number(&text) {
                Some(seconds) if seconds >= 0.0 && seconds.is_finite() => {
                    let from = if name == "data-end" { Some(0.0) } else { start };
                    return from.map(|from| from + seconds);
                }
                _ => self.add(
                    &rule::INVALID_TIMING,
                    at,
                    format!("`{name}=\"{text}\"` is no time in seconds"),
                ),
            }
        }
        None
    }

    fn against_the_end(&mut self, at: usize, start: f64, end: Option<f64>) {
        if end.is_some_and(|end| end <= start) {
            self.add(
                &rule::CLIP_NEVER_SHOWN,
                at,
                format!("it ends when it begins, at {start} s"),
            );
            return;
        }
        let Some(home) = self.home(at) else {
            return;
        };
        // What a composition file declares of itself is less than what its host says.
        if self.root.is_none() {
            return;
        }
        let whole = declared_duration(self.node(home)).and_then(|(_, text)| leading_number(text));
        let Some(whole) = whole.filter(|&whole| whole > 0.0) else {
            return;
        };
        let of = match self.root {
            Some(root) if root == home => "the film".to_owned(),
            _ => format!("the composition {}", name(self.node(home))),
        };
        match end {
            _ if start >= whole - SAME_MOMENT => {
                self.add(
                    &rule::CLIP_NEVER_SHOWN,
                    at,
                    format!("it begins at {start} s, and {of} ends at {whole} s"),
                );
            }
            Some(end) if end > whole + 0.05 => {
                self.add(
                    &rule::CLIP_CUT,
                    at,
                    format!("it ends at {end} s, and {of} at {whole} s"),
                );
            }
            _ => {}
        }
    }

    fn overlaps(&mut self, windows: &[(usize, f64, Option<f64>)]) {
        let mut tracks: BTreeMap<_, Vec<(usize, f64, f64)>> = BTreeMap::new();
        for &(at, start, end) in windows {
            let node = self.node(at);
            let track = node
                .get("data-track-index")
                .or_else(|| node.get("data-layer"));
            let (Some(track), Some(end)) = (
                track,
                end.or((!knows_its_length(node)).then_some(f64::INFINITY)),
            ) else {
                continue;
            };
            let track = (self.home(at), track.trim().to_owned());
            tracks.entry(track).or_default().push((at, start, end));
        }
        for ((_, track), mut clips) in tracks {
            clips.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            let mut longest: Option<(usize, f64)> = None;
            for (at, start, end) in clips {
                if let Some((before, until)) = longest
                    && start < until - SAME_MOMENT
                {
                    let other = self.document.place_of(self.node(before)).line.unwrap_or(0);
                    let until = if until.is_finite() {
                        format!("at {until} s")
                    } else {
                        "with the film".to_owned()
                    };
                    self.add(&rule::OVERLAPPING_CLIPS, at, format!("on track {track} it begins at {start} s, and the clip of line {other} ends {until}"));
                }
                if longest.is_none_or(|(_, until)| until < end) {
                    longest = Some((at, end));
                }
            }
        }
    }
}

fn name(node: &Node) -> String {
    let name = node.get("id").or_else(|| node.get("data-composition-id"));
    format!("`{}`", name.unwrap_or(&node.tag))
}

fn knows_its_length(node: &Node) -> bool {
    matches!(node.tag.as_str(), "video" | "audio") || node.has("data-composition-src")
}

/// `intro + 0.5` is half a second after the end of `intro`.
fn reference(text: &str) -> (&str, f64) {
    let split = text.rfind(['+', '-']).and_then(|at| {
        let amount = text[at + 1..].trim().trim_end_matches('s');
        let amount: f64 = amount.parse().ok().filter(|amount: &f64| *amount >= 0.0)?;
        let sign = if text.as_bytes()[at] == b'-' {
            -1.0
        } else {
            1.0
        };
        Some((text[..at].trim(), sign * amount))
    });
    split
        .filter(|(id, _)| !id.is_empty())
        .unwrap_or((text, 0.0))
}

/// As `parseFloat` reads it: `2s` is 2.
fn leading_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let ends = (1..=text.len())
        .rev()
        .filter(|&end| text.is_char_boundary(end));
    let mut numbers = ends.filter(|&end| {
        text.as_bytes()[end - 1].is_ascii_digit() || text.as_bytes()[end - 1] == b'.'
    });
    numbers.find_map(|end| text[..end].parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{leading_number, reference};

    #[test]
    fn references_are_read_as_the_page_reads_them() {
        assert_eq!(reference("intro + 0.5"), ("intro", 0.5));
        assert_eq!(reference("intro-1s"), ("intro", -1.0));
        assert_eq!(reference("lower-third"), ("lower-third", 0.0));
        assert_eq!(leading_number("2.5s"), Some(2.5));
        assert_eq!(leading_number("-3"), Some(-3.0));
        assert_eq!(leading_number("NaN"), None);
    }
}
