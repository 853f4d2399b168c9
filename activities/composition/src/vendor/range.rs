use semver::{Version, VersionReq};

/// The highest of `versions` that an npm range allows.
///
/// npm and Cargo write ranges almost alike. The differences: a bare version is exact in npm, `1.2`
/// means any `1.2.x`, blanks mean *and*, `||` means *or*, and `1 - 2` is a range.
pub(crate) fn highest<'a>(range: &str, versions: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alternatives: Vec<VersionReq> = range.split("||").filter_map(requirement).collect();
    versions
        .filter_map(|text| Some((Version::parse(text).ok()?, text)))
        .filter(|(version, _)| alternatives.iter().any(|one| one.matches(version)))
        .max_by(|(a, _), (b, _)| a.cmp(b))
        .map(|(_, text)| text)
}

fn requirement(range: &str) -> Option<VersionReq> {
    let range = range.trim();
    if let Some((low, high)) = range.split_once(" - ") {
        return VersionReq::parse(&format!(">={}, <={}", low.trim(), high.trim())).ok();
    }
    let comparators: Vec<String> = range.split_whitespace().map(comparator).collect();
    let joined = comparators.join(", ");
    VersionReq::parse(if joined.is_empty() { "*" } else { &joined }).ok()
}

fn comparator(text: &str) -> String {
    let text = text.trim_start_matches(['v', '=']);
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return if text == "x" || text == "X" {
            "*".to_owned()
        } else {
            text.to_owned()
        };
    }
    let numbers: Vec<&str> = text
        .splitn(3, '.')
        .take_while(|part| !matches!(*part, "x" | "X" | "*"))
        .collect();
    match numbers.as_slice() {
        [major] => format!("{major}.*"),
        [major, minor] => format!("{major}.{minor}.*"),
        _ => format!("={text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::highest;

    #[test]
    fn ranges_mean_what_npm_means() {
        let versions = [
            "2.9.0",
            "3.12.0",
            "3.12.5",
            "3.14.2",
            "4.0.0-beta.1",
            "0.160.1",
            "0.160.0",
        ];
        for (range, expected) in [
            ("3", Some("3.14.2")),
            ("3.12", Some("3.12.5")),
            ("3.12.x", Some("3.12.5")),
            ("^3.12.0", Some("3.14.2")),
            ("~3.12.0", Some("3.12.5")),
            ("3.12.0", Some("3.12.0")),
            ("v3.12.0", Some("3.12.0")),
            (">=2 <3", Some("2.9.0")),
            ("2 || 3.12.0", Some("3.12.0")),
            ("2.0.0 - 3.12.0", Some("3.12.0")),
            ("0.160", Some("0.160.1")),
            ("*", Some("3.14.2")),
            ("", Some("3.14.2")),
            ("5", None),
            ("nonsense", None),
        ] {
            assert_eq!(highest(range, versions.into_iter()), expected, "{range}");
        }
    }
}
