//! What `framewright check` finds, where, and how it ends.

use crate::harness::{film, framewright};
use framewright_composition::check::RULES;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};
use tempfile::TempDir;

/// With no registry, unless `online`.
fn check(project: &Path, folder: &Path, online: bool, more: &[&str]) -> Output {
    let mut command = framewright();
    if !online {
        // The discard port: nobody listens.
        command.env("npm_config_registry", "http://127.0.0.1:9/");
    }
    command
        .arg("check")
        .arg(project)
        .args(more)
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--scratch")
        .arg(folder.join("scratch"))
        .output()
        .unwrap()
}

/// Exit code, and each finding as `id file:line`.
fn found(project: &Path, folder: &Path, online: bool) -> (i32, Vec<String>) {
    let output = check(project, folder, online, &["--json"]);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let findings = told["findings"].as_array().unwrap();
    let shown = findings.iter().map(|finding| {
        for text in ["message", "remedy", "subject", "severity"] {
            assert!(!finding[text].as_str().unwrap().is_empty(), "{finding}");
        }
        let text = |name: &str| finding[name].as_str().unwrap();
        format!("{} {}:{}", text("id"), text("file"), finding["line"])
    });
    (output.status.code().unwrap(), shown.collect())
}

#[test]
fn every_mistake_has_its_line() {
    let folder = TempDir::new().unwrap();
    let (code, mistakes) = found(&film("mistakes"), folder.path(), false);
    assert_eq!(
        mistakes,
        [
            "text-overflow compositions/card.html:6",
            "script-error compositions/card.html:9",
            "missing-asset index.html:5",
            "font-substituted index.html:7",
            "font-missing index.html:8",
            "generic-font index.html:9",
            "missing-asset index.html:10",
            "start-without-effect index.html:17",
            "unknown-variable index.html:18",
            "overlapping-clips index.html:19",
            "clip-never-shown index.html:20",
            "duplicate-id index.html:20",
            "clip-cut index.html:21",
            "text-overflow index.html:22",
            "outside-frame index.html:23",
            "text-outside-frame index.html:24",
            "missing-asset index.html:26",
            "media-without-start index.html:27",
            "invalid-variable index.html:29",
            "unknown-variable index.html:29",
            "start-without-effect index.html:31",
            "unknown-variable index.html:33",
            "wall-clock index.html:34",
            "font-substituted index.html:35",
            "console index.html:36",
            "film-clock index.html:36",
            "seeded-random index.html:37",
            "timer-animation index.html:38",
            "timer-animation index.html:39",
            "data-not-found index.html:41",
            "missing-asset index.html:43",
            "seek-error index.html:47",
            "unknown-timeline index.html:50",
            "busy-wait index.html:53",
            "film-clock index.html:53",
            "script-error index.html:54",
        ]
    );
    assert_eq!(code, 1);
    let (code, unmade) = found(&film("unmade"), folder.path(), false);
    assert_eq!(
        unmade,
        [
            "unknown-clip compositions/card.html:3",
            "timing-cycle compositions/card.html:4",
            "invalid-timing compositions/card.html:6",
            "invalid-timing compositions/card.html:7",
            "circular-include compositions/card.html:8",
            "remote-asset index.html:5",
            "invalid-fps index.html:8",
            "invalid-size index.html:8",
            "missing-composition-file index.html:10",
            "empty-composition-file index.html:11",
            "duplicate-composition-id index.html:12",
            "open-clip index.html:12",
        ]
    );
    assert_eq!(code, 1);
    assert_eq!(
        fs::read_dir(folder.path().join("scratch")).unwrap().count(),
        0
    );
}

#[test]
fn what_ends_a_film_is_found_by_name() {
    let folder = TempDir::new().unwrap();
    let root = |more: &str| {
        format!("<div data-composition-id=\"a\" {more} data-width=\"64\" data-height=\"64\"></div>")
    };
    let endless =
        "<script>window.__timelines.a = { duration: () => 1e9, pause() {}, seek() {} }</script>";
    let loading = "<img src=\"data:image/png,\" data-var-src=\"none\">";
    let never = "<script>window.__tailwindReady = new Promise(() => {})</script>";
    for (html, expected) in [
        (String::new(), "missing-root index.html:1"),
        (
            "<p>nothing to film</p>".to_owned(),
            "missing-root index.html:1",
        ),
        (
            format!(
                "{}\n{}",
                root("data-root=\"true\""),
                root("data-root=\"true\"")
            ),
            "two-roots index.html:2",
        ),
        (
            root("data-duration=\"NaN\""),
            "invalid-duration index.html:1",
        ),
        (root("data-duration=\"0\""), "invalid-duration index.html:1"),
        (
            root("data-duration=\"36000\""),
            "film-too-long index.html:1",
        ),
        (
            root("data-duration=\"1\" data-composition-variables=\"{\""),
            "invalid-declarations index.html:1",
        ),
        (root("data-no-timeline"), "no-duration index.html:1"),
        (
            format!("\n{}{endless}", root("")),
            "endless-timeline index.html:2",
        ),
        (
            format!("\n{}<script>{{</script>", root("data-duration=\"1\"")),
            "unregistered-timeline index.html:2",
        ),
        (
            format!(
                "{}{loading}{never}",
                root("data-duration=\"1\" data-no-timeline")
            ),
            "never-ready index.html:1",
        ),
    ] {
        let project = folder.path().join("project");
        fs::create_dir_all(&project).unwrap();
        fs::write(project.join("index.html"), &html).unwrap();
        let (code, found) = found(&project, folder.path(), false);
        assert!(found.iter().any(|one| one == expected), "{html}: {found:?}");
        assert_eq!(code, 1, "{html}");
    }
}

#[test]
fn the_examples_have_no_errors() {
    // What they fetch is kept for the next time.
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("check");
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut projects = Vec::new();
    for folder in ["examples", "benches/films"] {
        let entries = fs::read_dir(top.join(folder)).unwrap().flatten();
        projects.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| path.is_dir()),
        );
    }
    assert!(projects.len() >= 7);
    for project in projects {
        let output = check(&project, &folder, true, &[]);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}:\n{told}", project.display());
        assert!(
            told.contains("0 errors, 0 warnings"),
            "{}:\n{told}",
            project.display()
        );
    }
}

#[test]
fn people_see_the_line_and_what_to_do() {
    let folder = TempDir::new().unwrap();
    let output = check(&film("throws"), folder.path(), false, &[]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for part in [
        "error[seek-error]: a script threw `Error: out of colours`",
        "--> index.html:7",
        "7 | const seek = (t)",
        "= help: ",
        "1 error, 0 warnings, 0 notes",
    ] {
        assert!(told.contains(part), "{part}:\n{told}");
    }
    for (project, more, says) in [
        ("nowhere", &[][..], "nowhere"),
        ("small", &["--entry", "other.html"], "other.html"),
        ("small", &["--variables", "[]"], "JSON object"),
    ] {
        let output = check(&film(project), folder.path(), false, more);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(says) && output.stdout.is_empty(), "{told}");
    }
}

#[test]
fn every_rule_is_in_the_docs() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/check.md");
    let page = fs::read_to_string(page).unwrap();
    let told: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let rules: Vec<_> = RULES
        .iter()
        .map(|rule| {
            let (id, severity) = (rule.id, rule.severity);
            format!("| `{id}` | {severity} | {} | {} |", rule.means, rule.remedy)
        })
        .collect();
    assert_eq!(told, rules);
}
