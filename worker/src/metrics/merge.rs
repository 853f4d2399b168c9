//! Several processes' metrics as one text.

use std::collections::BTreeMap;

/// What one worker answered.
pub(super) struct Answer {
    pub(super) worker: String,
    /// `None` if it did not.
    pub(super) text: Option<String>,
}

/// All samples of one name; the format wants them in one place.
#[derive(Default)]
struct Family<'a> {
    /// `# HELP` and `# TYPE`.
    head: Vec<&'a str>,
    samples: Vec<String>,
}

/// `own`, and what workers answered, whose samples get the label `worker`. Whether a worker answered
/// is a sample too.
pub(super) fn merge(own: &str, answers: &[Answer]) -> String {
    let mut families = BTreeMap::new();
    read(own, None, &mut families);
    for answer in answers {
        if let Some(text) = &answer.text {
            read(text, Some(&answer.worker), &mut families);
        }
        let up: &mut Family<'_> = families.entry("framewright_worker_up").or_default();
        up.head = vec!["# TYPE framewright_worker_up gauge"];
        let worker = escaped(&answer.worker);
        let value = u8::from(answer.text.is_some());
        up.samples.push(format!(
            "framewright_worker_up{{worker=\"{worker}\"}} {value}"
        ));
    }
    let mut merged = String::new();
    for family in families.values() {
        let head = family.head.iter().copied();
        for line in head.chain(family.samples.iter().map(String::as_str)) {
            merged.push_str(line);
            merged.push('\n');
        }
        merged.push('\n');
    }
    merged
}

/// Every family's samples follow its `# TYPE` line: that is how our exporter writes them.
fn read<'a>(text: &'a str, worker: Option<&str>, families: &mut BTreeMap<&'a str, Family<'a>>) {
    let mut name = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(about) = line.strip_prefix("# ") {
            name = about.split(' ').nth(1).unwrap_or_default();
            let family = families.entry(name).or_default();
            if !family.head.contains(&line) {
                family.head.push(line);
            }
            continue;
        }
        let sample = match worker {
            Some(worker) => labelled(line, worker),
            None => line.to_owned(),
        };
        families.entry(name).or_default().samples.push(sample);
    }
}

/// `name{a="b"} 1` or `name 1`, with one label more.
fn labelled(sample: &str, worker: &str) -> String {
    let worker = escaped(worker);
    match (sample.find('{'), sample.find(' ')) {
        (Some(brace), space) if space.is_none_or(|space| brace < space) => {
            let (name, rest) = sample.split_at(brace + 1);
            format!("{name}worker=\"{worker}\",{rest}")
        }
        (_, Some(space)) => {
            let (name, rest) = sample.split_at(space);
            format!("{name}{{worker=\"{worker}\"}}{rest}")
        }
        _ => sample.to_owned(),
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::{Answer, merge};

    #[test]
    fn families_stay_together_and_samples_tell_their_worker() {
        let own = "# TYPE a counter\na 1\n\n# TYPE b gauge\nb{x=\"y z\"} 2\n";
        let answer = |worker: &str, text: Option<&str>| Answer {
            worker: worker.to_owned(),
            text: text.map(str::to_owned),
        };
        let answers = [
            answer(
                "one",
                Some("# TYPE b gauge\nb{x=\"y\"} 3\nb 4\n\n# TYPE c counter\nc 5\n"),
            ),
            answer("two", None),
        ];
        let expected = "\
# TYPE a counter
a 1

# TYPE b gauge
b{x=\"y z\"} 2
b{worker=\"one\",x=\"y\"} 3
b{worker=\"one\"} 4

# TYPE c counter
c{worker=\"one\"} 5

# TYPE framewright_worker_up gauge
framewright_worker_up{worker=\"one\"} 1
framewright_worker_up{worker=\"two\"} 0

";
        assert_eq!(merge(own, &answers), expected);
    }
}
