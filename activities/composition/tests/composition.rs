//! From projects to bundles, with the real npm registry.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use framewright_composition::{
    CompileOptions, CompositionError, Limits, PageBundle, Project, Vendor, VendorOptions, compile,
    inspect,
};
use framewright_film::{Disposition, Fault as _, FrameSize};
use std::{fs, io::Write as _, path::Path};
use zip::{ZipWriter, write::SimpleFileOptions};

const ROOT: &str = r#"<div data-composition-id="main" data-width="320" data-height="180" data-duration="1"></div>"#;

fn project(files: &[(&str, &str)]) -> Project {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Project::from_dir(dir.path()).unwrap()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn offline(cache: &Path) -> Vendor {
    let mut options = VendorOptions::default();
    // The discard port: nobody listens.
    options.registry = Some("http://127.0.0.1:9/".to_owned());
    Vendor::new(cache, options).unwrap()
}

async fn compiled(project: &Project, vendor: &Vendor) -> Result<PageBundle, CompositionError> {
    compile(project, &CompileOptions::default(), vendor).await
}

fn page(bundle: &PageBundle) -> String {
    String::from_utf8(bundle.resources[bundle.entry.as_str()].bytes.to_vec()).unwrap()
}

#[test]
fn bad_compositions_are_refused_by_name() {
    let root = |attributes: &str| {
        format!("<!doctype html><div data-composition-id=\"main\" {attributes}></div>")
    };
    let table = [
        ("FW0107", "<p>nothing to film</p>".to_owned()),
        (
            "FW0107",
            "<template><div data-composition-id=\"main\"></div></template>".to_owned(),
        ),
        (
            "FW0108",
            format!(
                "{}{}",
                root("data-root=\"true\""),
                root("data-root=\"true\"")
            ),
        ),
        ("FW0109", root("data-duration=\"NaN\"")),
        ("FW0109", root("data-duration=\"-3\"")),
        ("FW0109", root("data-duration=\"0\"")),
        ("FW0109", root("data-duration=\"soon\"")),
        ("FW0109", root("data-composition-duration=\"36000\"")),
        ("FW0110", root("data-width=\"wide\"")),
        ("FW0110", root("data-width=\"0\"")),
        ("FW0110", root("data-height=\"100000\"")),
        ("FW0111", root("data-fps=\"0\"")),
        ("FW0111", root("data-fps=\"fast\"")),
        ("FW0112", root("data-composition-variables=\"{\"")),
        (
            "FW0112",
            root("data-composition-variables='{\"id\": \"title\"}'"),
        ),
        ("FW0112", root("data-composition-variables='[{\"id\": 7}]'")),
    ];
    for (code, html) in table {
        let error = inspect(&project(&[("index.html", &html)]), None).unwrap_err();
        assert_eq!(error.code(), code, "{html}: {error}");
        assert_eq!(error.disposition(), Disposition::Permanent);
        assert!(error.to_string().contains("`index.html`"), "{error}");
        assert!(!error.to_string().ends_with('.'), "{error}");
    }
    let empty = inspect(&project(&[]), None).unwrap_err();
    assert_eq!(empty.to_string(), "the project has no file `index.html`");
    assert!(empty.hint().is_some());
    let other = inspect(&project(&[("index.html", ROOT)]), Some("film.html")).unwrap_err();
    assert_eq!(other.to_string(), "the project has no file `film.html`");
}

#[test]
fn facts_are_read_from_the_root() {
    let html = r#"<!doctype html><html data-composition-variables='[{"id":"tint","type":"color","default":"red"}]'>
        <body><div data-composition-id="outer"><div data-composition-id="inner" data-root="false"></div></div>
        <section data-composition-id="main" data-root="true" data-width="1920" data-height="1080"
          data-duration="2.5" data-fps="29.97"
          data-composition-variables="[{&quot;id&quot;:&quot;title&quot;,&quot;type&quot;:&quot;string&quot;,&quot;default&quot;:&quot;A &amp;amp; B&quot;}]"></section>"#;
    let facts = inspect(&project(&[("index.html", html)]), None).unwrap();
    assert_eq!(facts.id, "main");
    assert_eq!(
        facts.size,
        FrameSize {
            width: 1920,
            height: 1080
        }
    );
    assert_eq!(facts.duration, Some(2.5));
    assert_eq!(facts.fps.unwrap().to_string(), "30000/1001");
    let ids: Vec<_> = facts.variables.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["tint", "title"]);

    let bare = inspect(
        &project(&[("index.html", "<div data-composition-id=a>")]),
        None,
    )
    .unwrap();
    assert_eq!(
        bare.size,
        FrameSize {
            width: 1080,
            height: 1920
        }
    );
    assert_eq!((bare.duration, bare.fps), (None, None));
}

#[test]
fn projects_stay_inside_themselves() {
    for name in [
        "../evil.html",
        "/etc/evil.html",
        "a/../../evil.html",
        "C:\\evil.html",
    ] {
        let error = Project::from_zip(zip_of(&[("index.html", b"x"), (name, b"x")])).unwrap_err();
        assert_eq!(error.code(), "FW0103", "{name}: {error}");
    }
    let error = Project::from_zip(b"no archive at all").unwrap_err();
    assert_eq!(error.code(), "FW0102");

    let zeros = vec![0; 4 << 20];
    let bomb = zip_of(&[("index.html", ROOT.as_bytes()), ("zeros.bin", &zeros)]);
    let limits = Limits {
        bytes: 1 << 20,
        files: 10,
    };
    let error = Project::from_zip_within(&bomb, limits).unwrap_err();
    assert_eq!(error.code(), "FW0104", "{error}");
    let limits = Limits {
        bytes: 8 << 20,
        files: 1,
    };
    assert_eq!(
        Project::from_zip_within(&bomb, limits).unwrap_err().code(),
        "FW0104"
    );

    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "x").unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("index.html"), ROOT).unwrap();
    std::os::unix::fs::symlink("index.html", dir.path().join("same.html")).unwrap();
    let linked = Project::from_dir(dir.path()).unwrap();
    assert!(
        linked.get("same.html").is_some(),
        "a link inside is a file like any other"
    );
    std::os::unix::fs::symlink(outside.path().join("secret"), dir.path().join("key")).unwrap();
    assert_eq!(
        Project::from_dir(dir.path()).unwrap_err().to_string(),
        "`key` leads out of the project"
    );
    fs::remove_file(dir.path().join("key")).unwrap();
    std::os::unix::fs::symlink(".", dir.path().join("again")).unwrap();
    assert!(Project::from_dir(dir.path()).is_err());
}

#[test]
fn the_same_folder_packs_to_the_same_bytes() {
    let files = [
        ("index.html", ROOT),
        ("assets/b.svg", "<svg/>"),
        ("assets/a.svg", "<svg />"),
    ];
    let mut reversed = files;
    reversed.reverse();
    let hidden = [
        &files[..],
        &[(".git/HEAD", "x"), ("node_modules/x/index.js", "x")],
    ]
    .concat();
    let packed = project(&files).pack().unwrap();
    assert_eq!(packed, project(&reversed).pack().unwrap());
    assert_eq!(packed, project(&hidden).pack().unwrap());
    let again = Project::from_zip(&packed).unwrap();
    assert_eq!(again.files().count(), 3);
    assert_eq!(again.pack().unwrap(), packed);
    // As file managers pack a folder.
    let nested = zip_of(&[
        ("film/index.html", ROOT.as_bytes()),
        ("film/a.svg", b"<svg/>"),
    ]);
    assert!(
        Project::from_zip(nested)
            .unwrap()
            .get("index.html")
            .is_some()
    );
}

#[tokio::test]
async fn pages_are_changed_only_where_the_contract_says() {
    let cache = tempfile::tempdir().unwrap();
    let vendor = offline(cache.path());
    let html = "<!doctype html>\n<html><head><title>x</title><script>early()</script></head>\n<body class=\"a\">\
        <template><script>never()</script></template><p>text &amp; more</p><script>first()</script><script>second()</script></body></html>\n";
    let html = html.replace("<p>", &format!("{ROOT}<p>"));
    // A preview's own player is left out: it would drive the page too.
    let player = "<script data-hyperframes-preview-runtime=\"1\" src=\"\"></script>\
        <script src=\"lib/hyperframe.runtime.iife.js?v=2\"></script>";
    let with_player = html.replace("<script>early()", &format!("{player}<script>early()"));
    let bundle = compiled(
        &project(&[("index.html", &with_player), ("a b/ü.svg", "<svg/>")]),
        &vendor,
    )
    .await
    .unwrap();
    let expected = html
        .replace(
            "<head>",
            "<head><style>*{text-rendering:geometricPrecision!important}</style>",
        )
        .replace(
            "<script>first()",
            "<script src=\"/__framewright/fonts-ready\"></script><script>first()",
        );
    assert_eq!(page(&bundle), expected);
    assert_eq!(bundle.entry.as_str(), "http://film.localhost/index.html");
    let svg = &bundle.resources["http://film.localhost/a%20b/%C3%BC.svg"];
    assert_eq!(svg.content_type, "image/svg+xml; charset=utf-8");

    let fragment = compiled(
        &project(&[("index.html", &format!("{ROOT}<script>x()</script>"))]),
        &vendor,
    )
    .await
    .unwrap();
    let text = page(&fragment);
    assert!(
        text.starts_with("<!DOCTYPE html>\n<html><head><style>*{text-rendering"),
        "{text}"
    );
    for part in [
        "background:#000",
        "fonts-ready\"></script><script>x()",
        "geometricPrecision",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn scripts_come_from_npm_once() {
    let cache = tempfile::tempdir().unwrap();
    let gsap = "https://cdn.jsdelivr.net/npm/gsap@3.14.2/dist/gsap.min.js";
    let old = "https://cdnjs.cloudflare.com/ajax/libs/gsap/3.12.5/gsap.min.js";
    let short = "https://unpkg.com/gsap@~3.12.7";
    let fonts =
        "https://fonts.googleapis.com/css2?family=Lora:ital,wght@0,400;1,700&amp;display=swap";
    let html = format!(
        r#"<!doctype html><html><head><link rel="stylesheet" href="{fonts}">
        <script src="{gsap}" integrity="sha384-AAAA" crossorigin="anonymous"></script>
        <script src="{old}" integrity="sha512-7eHRwcbYkK4d9g/6tD/mhkf++eoTHwpNM9woBxtPUBWm67zeAfFC+HrdoE2GanKeocly/VxeLvIqwvCdk7qScg==" crossorigin="anonymous"></script>
        <script src="{short}"></script></head><body>{ROOT}<script>gsap.timeline()</script></body></html>"#
    );
    let project = project(&[("index.html", &html)]);
    let online = Vendor::new(cache.path(), VendorOptions::default()).unwrap();
    let first = compiled(&project, &online).await.unwrap();
    for (url, version) in [(gsap, "3.14.2"), (old, "3.12.5"), (short, "3.12.7")] {
        let script = &first.resources[url];
        assert_eq!(script.content_type, "text/javascript; charset=utf-8");
        let text = String::from_utf8_lossy(&script.bytes);
        assert!(text.contains(version), "{url}");
    }
    let css = &first.resources[&fonts.replace("&amp;", "&")];
    assert!(css.content_type.starts_with("text/css"));
    let faces = first
        .resources
        .iter()
        .filter(|(url, _)| url.contains("@fontsource/lora") && url.ends_with(".woff2"));
    assert!(faces.count() >= 2);
    let text = page(&first);
    assert!(
        !text.contains("sha384-AAAA"),
        "a hash that no longer fits is dropped"
    );
    assert!(text.contains("sha512-7eHR"), "one that fits stays");
    assert!(first.warnings.is_empty(), "{:?}", first.warnings);

    // The registry is gone; the cache is not.
    let second = compiled(&project, &offline(cache.path())).await.unwrap();
    assert_eq!(first.digest(), second.digest());

    let empty = tempfile::tempdir().unwrap();
    let error = compiled(&project, &offline(empty.path()))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "FW0115", "{error}");
    assert!(matches!(error.disposition(), Disposition::Retry { .. }));
}

#[tokio::test]
async fn modules_bring_what_they_import() {
    let cache = tempfile::tempdir().unwrap();
    let html = format!(
        r#"<!doctype html><html><head><script type="importmap">{{"imports": {{
          "three": "https://cdn.jsdelivr.net/npm/three@0.180.0/build/three.module.js",
          "three/addons/": "https://cdn.jsdelivr.net/npm/three@0.180.0/examples/jsm/"}}}}</script></head>
        <body>{ROOT}<script type="module">
          import * as THREE from 'three';
          import {{ OrbitControls }} from "three/addons/controls/OrbitControls.js";
          import {{ scaleLinear }} from "https://esm.sh/d3-scale@4.0.2";
          import {{ animate }} from "https://cdn.jsdelivr.net/npm/animejs@4.0.2/+esm";
          import "./local.js";
        </script></body></html>"#
    );
    let project = project(&[
        ("index.html", &html),
        ("local.js", "export * from './other.js'"),
        ("other.js", ""),
    ]);
    let vendor = Vendor::new(cache.path(), VendorOptions::default()).unwrap();
    let bundle = compiled(&project, &vendor).await.unwrap();
    for url in [
        "https://cdn.jsdelivr.net/npm/three@0.180.0/build/three.module.js",
        "https://cdn.jsdelivr.net/npm/three@0.180.0/build/three.core.js",
        "https://cdn.jsdelivr.net/npm/three@0.180.0/examples/jsm/controls/OrbitControls.js",
        "https://esm.sh/d3-scale@4.0.2",
        "https://cdn.jsdelivr.net/npm/d3-scale@4.0.2/src/linear.js/+esm",
        "https://cdn.jsdelivr.net/npm/animejs@4.0.2/+esm",
    ] {
        assert!(bundle.resources.contains_key(url), "{url}");
    }
    // What a package depends on comes with it, under the version that it asks for.
    let dependency = "https://cdn.jsdelivr.net/npm/d3-array@";
    assert!(
        bundle
            .resources
            .keys()
            .any(|url| url.starts_with(dependency))
    );
}

#[tokio::test]
async fn what_cannot_be_had_is_named() {
    let cache = tempfile::tempdir().unwrap();
    let vendor = Vendor::new(cache.path(), VendorOptions::default()).unwrap();
    for url in [
        "https://cdn.jsdelivr.net/npm/gsap@3.14.2/dist/no-such-file.js",
        "https://cdn.jsdelivr.net/npm/gsap@99",
        "http://169.254.169.254/latest/meta-data",
        "https://film.invalid/x.js",
    ] {
        let html = format!("<!doctype html><script src=\"{url}\"></script>{ROOT}");
        let error = compiled(&project(&[("index.html", &html)]), &vendor)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "FW0114", "{error}");
        assert_eq!(error.disposition(), Disposition::Permanent);
        let text = error.to_string();
        assert!(
            text.contains(url) && text.contains("`index.html`: <script src>"),
            "{text}"
        );
    }
    let html = format!("<!doctype html>{ROOT}<img src=\"gone.png\">");
    let bundle = compiled(&project(&[("index.html", &html)]), &vendor)
        .await
        .unwrap();
    assert_eq!(
        bundle.warnings,
        ["`index.html`: <img> refers to `gone.png`, which the project does not have"]
    );
}
