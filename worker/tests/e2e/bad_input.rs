//! What is wrong is said, with a hint and an exit code, and nothing is left behind.

use crate::harness::{Process, film, framewright, in_process};
use std::{fs, net::TcpListener, path::Path};
use tempfile::TempDir;

/// Runs in a folder of its own and returns exit code and stderr.
fn run(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let output = framewright()
        .args(args)
        .current_dir(folder)
        .env("FRAMEWRIGHT_DATA", folder.join("data"))
        .env("FRAMEWRIGHT_SCRATCH", folder.join("scratch"))
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(output.stdout.is_empty(), "stdout is for data");
    (
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn mistakes_have_an_exit_code_and_a_hint() {
    let folder = TempDir::new().unwrap();
    let small = film("small");
    let small = small.to_str().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::create_dir(folder.path().join("plain")).unwrap();
    fs::write(folder.path().join("plain/index.html"), "<p>no film").unwrap();
    fs::write(folder.path().join("no.zip"), "not a zip").unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    // An ffmpeg that has no encoder, and no browser at all.
    fs::write(
        folder.path().join("bin/ffmpeg"),
        "#!/bin/sh\necho ffmpeg version 1\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("bin/ffprobe"),
        "#!/bin/sh\necho ffprobe version 1\n",
    )
    .unwrap();
    for program in ["ffmpeg", "ffprobe"] {
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.path().join("bin").join(program), executable).unwrap();
    }
    let ffmpeg = folder.path().join("bin/ffmpeg");
    let ffmpeg = ffmpeg.to_str().unwrap();

    let render = |project| vec!["render", project, "-o", "film.mp4", "--in-process"];
    let (throws, no_length) = (film("throws"), film("no-length"));
    let (throws, no_length) = (throws.to_str().unwrap(), no_length.to_str().unwrap());
    let with = |more: &[&'static str]| [&render("SMALL")[..], more].concat();
    // Arguments, environment, exit code, what is said.
    type Case<'a> = (Vec<&'a str>, Vec<(&'a str, &'a str)>, i32, &'a str);
    let cases: Vec<Case<'_>> = vec![
        (render("empty"), vec![], 2, "index.html"),
        (render("plain"), vec![], 2, "data-composition-id"),
        (render("nowhere"), vec![], 2, "nowhere"),
        (render(throws), vec![], 2, "out of colours"),
        (render(no_length), vec![], 2, "no length"),
        (render("no.zip"), vec![], 2, "zip"),
        (with(&["--variables", "{bad"]), vec![], 2, "JSON object"),
        (with(&["--variables", "[1]"]), vec![], 2, "JSON object"),
        (with(&["--fps", "fast"]), vec![], 2, "frame rate"),
        (with(&["--quality", "best"]), vec![], 2, "draft"),
        (with(&["--chunks", "0"]), vec![], 2, "chunks"),
        (with(&["--wibble"]), vec![], 2, "wibble"),
        (with(&["--entry", "other.html"]), vec![], 2, "other.html"),
        (
            vec!["stills", "SMALL", "--frames", "90", "-o", "out"],
            vec![],
            2,
            "90",
        ),
        (
            render("SMALL"),
            vec![("FRAMEWRIGHT_CHROMIUM", "/none")],
            3,
            "chromium",
        ),
        (
            render("SMALL"),
            vec![("FRAMEWRIGHT_FFMPEG", "/none")],
            3,
            "ffmpeg",
        ),
        (
            render("SMALL"),
            vec![("FRAMEWRIGHT_FFMPEG", ffmpeg)],
            3,
            "libx264",
        ),
        (
            vec![
                "render",
                "SMALL",
                "-o",
                "film.mp4",
                "--server",
                "http://127.0.0.1:1",
            ],
            vec![],
            4,
            "127.0.0.1:1",
        ),
        (vec!["worker"], vec![], 2, "--temporal-address"),
        (
            vec!["render", "SMALL", "-o", "empty", "--in-process"],
            vec![],
            2,
            "folder",
        ),
    ];
    for (mut args, environment, code, says) in cases {
        for arg in &mut args {
            if *arg == "SMALL" {
                *arg = small;
            }
        }
        let (ended, told) = run(folder.path(), &args, &environment);
        assert_eq!(ended, code, "{args:?} {environment:?}\n{told}");
        assert!(told.contains("error"), "{args:?}\n{told}");
        assert!(told.contains(says), "{args:?} says `{says}`:\n{told}");
        assert!(!folder.path().join("film.mp4").exists(), "{args:?}");
    }
}

#[test]
fn a_page_that_cannot_be_a_film_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let root = |more: &str| {
        format!(
            "<!doctype html><body><div data-composition-id=\"a\" data-width=\"64\" data-height=\"64\" {more}></div>"
        )
    };
    let with = |more: &str| root("data-duration=\"1\" data-no-timeline") + more;
    // The page, the error's code, the culprit.
    for (html, code, culprit) in [
        (String::new(), "FW0120", "index.html"),
        ("<p>no film".to_owned(), "FW0107", "index.html"),
        (
            root("data-root=\"true\"") + "<p data-composition-id=\"b\" data-root=\"true\">",
            "FW0108",
            "`b`",
        ),
        (root("data-duration=\"NaN\""), "FW0109", "NaN"),
        (root("data-duration=\"36000\""), "FW0109", "36000"),
        (
            root("data-duration=\"1\" data-no-timeline").replace(
                "</div>",
                "<div data-composition-id=\"b\" data-composition-src=\"index.html\"></div></div>",
            ),
            "FW0121",
            "index.html → index.html",
        ),
        (with("<img src=\"gone.png\">"), "FW0210", "gone.png"),
        (
            with("<script src=\"gone.js\"></script>"),
            "FW0210",
            "gone.js",
        ),
        (
            with("<i id=\"egg\" data-start=\"hen\"></i><i id=\"hen\" data-start=\"egg\"></i>"),
            "FW0209",
            "leads back to itself",
        ),
        (
            root("data-duration=\"1\"") + "<script>throw new Error(\"out of ideas\")</script>",
            "FW0209",
            "out of ideas",
        ),
        (
            with("<script>__tailwindReady = new Promise(() => {})</script>"),
            "FW0209",
            "__tailwindReady",
        ),
        (
            with("<script>for (;;);</script>"),
            "FW0208",
            "a script to end",
        ),
        (
            with(
                "<script>addEventListener(\"hf-seek\", () => { throw new Error(\"out of paint\") })</script>",
            ),
            "FW0211",
            "out of paint",
        ),
    ] {
        let project = folder.path().join("project");
        fs::create_dir_all(&project).unwrap();
        fs::write(project.join("index.html"), &html).unwrap();
        let args = ["render", "project", "-o", "film.mp4", "--in-process"];
        let (ended, told) = run(folder.path(), &args, &[]);
        assert_eq!(ended, 2, "{html}\n{told}");
        assert!(told.contains(&format!("error[{code}]")), "{html}\n{told}");
        assert!(told.contains(culprit), "{html} says `{culprit}`:\n{told}");
        let left = Process::marked(folder.path().to_str().unwrap());
        assert!(left.is_empty(), "{html} leaves {left:?}");
        let left = fs::read_dir(folder.path().join("scratch"));
        assert_eq!(left.into_iter().flatten().count(), 0, "{html}");
        assert!(!folder.path().join("film.mp4").exists(), "{html}");
    }
}

#[test]
fn a_taken_port_is_named() {
    let folder = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = taken.local_addr().unwrap().port().to_string();
    for args in [
        vec![
            "dev",
            "--listen",
            &address,
            "--web",
            "127.0.0.1:0",
            "--temporal-port",
            "0",
        ],
        vec![
            "dev",
            "--listen",
            "127.0.0.1:0",
            "--web",
            &address,
            "--temporal-port",
            "0",
        ],
        vec![
            "dev",
            "--listen",
            "127.0.0.1:0",
            "--web",
            "127.0.0.1:0",
            "--temporal-port",
            &port,
        ],
    ] {
        let (code, told) = run(folder.path(), &args, &[]);
        assert_eq!(code, 3, "{told}");
        assert!(told.contains(&port) && told.contains("hint"), "{told}");
    }
}

#[test]
fn an_in_process_render_leaves_nothing_but_the_film() {
    let folder = TempDir::new().unwrap();
    let output = in_process(
        &film("small"),
        folder.path(),
        &folder.path().join("out/film.mp4"),
        &["--fps", "10"],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["frames"], 30);
    let left: Vec<_> = fs::read_dir(folder.path().join("out"))
        .unwrap()
        .flatten()
        .map(|f| f.file_name())
        .collect();
    assert_eq!(left, ["film.mp4"]);
    assert_eq!(
        fs::read_dir(folder.path().join("scratch")).unwrap().count(),
        0
    );
}
