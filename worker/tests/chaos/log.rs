//! What the service's log tells of a render.

use std::collections::BTreeMap;

/// How often segments were begun, and whether the store had them.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Begun, by the frames of the segment.
    begun: BTreeMap<String, usize>,
    /// Begun although it was stored.
    in_vain: Vec<String>,
    stored: Vec<String>,
}

impl Told {
    /// Lines of a log, in order.
    pub(crate) fn by(log: &str) -> Self {
        let mut told = Self::default();
        for line in log.lines() {
            let Some(frames) = frames(line) else { continue };
            if line.contains("segment begins") {
                if told.stored.contains(&frames) {
                    told.in_vain.push(frames.clone());
                }
                *told.begun.entry(frames).or_default() += 1;
            } else if line.contains("segment is stored")
                || line.contains("segment was there already")
            {
                told.stored.push(frames);
            }
        }
        told
    }

    /// Segments that were begun once more than they had to be.
    pub(crate) fn again(&self) -> usize {
        self.begun.values().map(|times| times - 1).sum()
    }

    /// Segments that were begun although the store had them.
    pub(crate) fn in_vain(&self) -> &[String] {
        &self.in_vain
    }
}

/// `frames=frames 0–29` in a line of the log.
fn frames(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("frames=frame")?;
    let rest = rest.trim_start_matches('s').trim_start();
    Some(rest.split_whitespace().next()?.to_owned())
}

#[test]
fn what_is_begun_again_is_counted() {
    let told = Told::by(
        "DEBUG segment begins frames=frames 0–29
         DEBUG segment begins frames=frames 30–59
         DEBUG segment is stored frames=frames 0–29
         DEBUG segment begins frames=frames 30–59
         DEBUG segment begins frames=frames 0–29",
    );
    assert_eq!((told.again(), told.in_vain().len()), (2, 1));
}
