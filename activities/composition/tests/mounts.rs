//! Sub-compositions and variables, from files to the page that a browser gets.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use framewright_composition::{
    CompileOptions, CompositionError, PageBundle, Project, Vendor, VendorOptions, compile, inspect,
};
use framewright_film::{Disposition, Fault as _};
use serde_json::{Value, json};
use std::fs;

fn project(files: &[(&str, &str)]) -> Project {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Project::from_dir(dir.path()).unwrap()
}

async fn compiled(
    files: &[(&str, &str)],
    variables: Value,
    strict: bool,
) -> Result<PageBundle, CompositionError> {
    let cache = tempfile::tempdir().unwrap();
    let mut vendor = VendorOptions::default();
    // The discard port: nobody listens.
    vendor.registry = Some("http://127.0.0.1:9/".to_owned());
    let vendor = Vendor::new(cache.path(), vendor).unwrap();
    let options = CompileOptions {
        variables: variables.as_object().unwrap().clone(),
        strict,
        ..CompileOptions::default()
    };
    compile(&project(files), &options, &vendor).await
}

fn text(bundle: &PageBundle) -> String {
    String::from_utf8(bundle.resources[bundle.entry.as_str()].bytes.to_vec()).unwrap()
}

async fn page(files: &[(&str, &str)]) -> String {
    text(&compiled(files, json!({}), false).await.unwrap())
}

fn entry(inside: &str) -> String {
    format!(
        "<!doctype html><html><head><style>.title {{ color: red }}</style></head><body>\
         <div data-composition-id=\"main\" data-width=\"640\" data-height=\"360\" data-duration=\"3\">{inside}</div>\
         <script>first()</script></body></html>"
    )
}

const CARD: &str = r##"<!doctype html>
<html data-composition-variables='[{"id": "title", "type": "string", "default": "Untitled"}]'>
<head>
  <link rel="stylesheet" href="card.css">
  <style>@import "theme.css"; body { background: url(paper.png) } .title { color: blue }</style>
  <script src="lib.js" defer></script>
</head>
<body>
  <div id="root" data-composition-id="card" data-root="true" data-width="320" data-height="180" data-start="0" data-duration="2" style="left: 1px">
    <p class="title" data-var-text="title">none<p>unclosed <img src="assets/logo.png"><img src="near.png">
  </div>
  <script>window.__timelines["card"] = gsap.timeline();</script>
  <script type="application/json" id="data">{"a": 1}</script>
  <script type="module">import { gsap } from "gsap"; document.title;</script>
</body></html>"##;

fn card_files(index: &str) -> Vec<(&str, &str)> {
    vec![
        ("index.html", index),
        ("compositions/card.html", CARD),
        (
            "compositions/card.css",
            "#root { border: 1px solid } i { background: url(near.png) }",
        ),
        ("compositions/theme.css", ""),
        ("compositions/near.png", ""),
        ("compositions/paper.png", ""),
        ("compositions/lib.js", ""),
        ("assets/logo.png", ""),
    ]
}

#[tokio::test]
async fn a_file_becomes_part_of_its_host() {
    let index = entry(
        r#"<section id="a" data-composition-src="compositions/card.html" data-start="1">gone</section>"#,
    );
    let text = page(&card_files(&index)).await;
    for part in [
        // The host has what its file said, and a window as long as the file is.
        r#"<section id="a" data-start="1" data-composition-file="compositions/card.html" data-composition-id="card" data-width="320" data-height="180" data-duration="2" data-variable-values="{&quot;title&quot;:&quot;Untitled&quot;}" style="--title:Untitled;">"#,
        // The root element is a box without times of its own.
        r#"<div data-width="320" data-height="180" data-duration="2" style="left: 1px;width:320px;height:180px" data-hf-inner-root="card" data-hf-authored-id="root">"#,
        r#"<p class="title" data-var-text="title">Untitled</p><p>unclosed <img src="assets/logo.png"><img src="/compositions/near.png">"#,
        r#"<script type="application/json" id="data">{"a": 1}</script>"#,
        // The page's own rules stay; those of the file are within its hosts.
        "<style>.title { color: red }</style>",
        r#"<style data-hf-file="compositions/card.html">[data-composition-file="compositions/card.html"] :is([data-hf-authored-id="root"],#root) { border: 1px solid } [data-composition-file="compositions/card.html"] i { background: url("/compositions/near.png") }</style>"#,
        r#"@import "/compositions/theme.css"; [data-composition-file="compositions/card.html"] > :where([data-hf-inner-root]):not(hf) { background: url("/compositions/paper.png") } [data-composition-file="compositions/card.html"] .title { color: blue }</style></head>"#,
        // Scripts come after the page's own; what has an address before what has none.
        r#"<script src="/__framewright/fonts-ready"></script><script>first()</script><script src="/compositions/lib.js" data-hf-file="compositions/card.html"></script><script data-hf-file="compositions/card.html">__framewright.compose({"file":"compositions/card.html","id":"card","ids":["root"],"own":["card"],"root":"card"},function(document,window,gsap,self,globalThis,__timelines,__hyperframes,hyperframesAnime){return function(){
window.__timelines["card"] = gsap.timeline();
}})</script><script data-hf-file="compositions/card.html" type="module">const {document,window,self,globalThis,__timelines,__hyperframes,hyperframesAnime}=__framewright.compose({"#,
    ] {
        assert!(text.contains(part), "{part}\n\n{text}");
    }
    assert!(!text.contains("gone"), "{text}");
}

#[tokio::test]
async fn instances_of_a_file_are_told_apart() {
    let index = entry(
        r#"<div data-composition-id="card" data-composition-src="compositions/card.html" data-start="0" data-duration="1" data-variable-values='{"title": "It&apos;s 1 < 2"}'></div>
           <div data-composition-id="card" data-composition-src="./compositions/card.html" data-start="card" data-duration="1"></div>
           <style>[data-composition-id="card"] { position: absolute }</style>"#,
    );
    let bundle = compiled(&card_files(&index), json!({"title": "Render"}), true)
        .await
        .unwrap();
    let text = text(&bundle);
    for part in [
        r#"data-hf-original-composition-id="card""#,
        r#"data-composition-id="card__hf1""#,
        r#"data-composition-id="card__hf2""#,
        // The host's value is above the render's, and that above the default.
        r#">It's 1 &lt; 2</p>"#,
        ">Render</p>",
        r#"style="--title:Render;""#,
        r#":is([data-composition-id="card"],[data-hf-original-composition-id="card"]) { position"#,
        r#""id":"card__hf1""#,
        r#""id":"card__hf2""#,
    ] {
        assert!(text.contains(part), "{part}\n\n{text}");
    }
    assert_eq!(text.matches("color: blue").count(), 1, "one sheet for both");
    assert_eq!(text.matches("lib.js").count(), 1, "loaded once");
    assert!(bundle.warnings.is_empty(), "{:?}", bundle.warnings);
}

#[tokio::test]
async fn instances_refer_to_what_is_theirs() {
    let index = entry(&"<div data-composition-src=g.html></div>".repeat(2));
    let file = r##"<style>#shade { opacity: .5 } i { mask: url(#kept) }</style><svg><defs><g id="shade"></g><g id="kept"></g></defs>
        <rect fill="url(#shade)" style="mask: url('#kept')"/><use href="#shade"/></svg>"##;
    let text = page(&[("index.html", &index), ("g.html", file)]).await;
    for part in [
        r#"<g id="g__hf2--shade" data-hf-authored-id="shade"></g><g id="kept"></g>"#,
        r##"<rect fill="url(#g__hf2--shade)" style="mask: url('#kept')"></rect><use href="#g__hf2--shade">"##,
        r#" :is([data-hf-authored-id="shade"],#shade) { opacity"#,
    ] {
        assert!(text.contains(part), "{part}\n\n{text}");
    }
}

#[tokio::test]
async fn templates_and_nested_files_are_mounted_too() {
    let index = entry(
        r#"<div data-composition-id="badge" data-start="0" data-duration="1"></div>
        <div data-composition-id="outer" data-composition-src="compositions/outer.html" data-start="1"></div>
        <template id="badge-template"><style>b { color: red }</style><b class="inside">badge</b></template>"#,
    );
    let text = page(&[
        ("index.html", &index),
        // Without a document around it, and with a path from where it stands.
        (
            "compositions/outer.html",
            r#"<template><div data-composition-id="outer"><div data-composition-src="inner.html"></div></div></template>"#,
        ),
        ("compositions/inner.html", "<p>deep</p>"),
    ])
    .await;
    for part in [
        r##"data-composition-file="#badge-template"><b class="inside">badge</b></div>"##,
        r##"[data-composition-file="#badge-template"] b { color: red }"##,
        r#"data-hf-inner-root="outer" style="width:100%;height:100%"><div data-composition-file="compositions/inner.html" data-composition-id="inner" data-start="0"><p>deep</p></div></div>"#,
    ] {
        assert!(text.contains(part), "{part}\n\n{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_mounted_is_named() {
    let host = |path: &str| entry(&format!("<i id=\"h\" data-composition-src=\"{path}\"></i>"));
    let nests = |path: &str| {
        format!("<div data-composition-id=x><div data-composition-src=\"{path}\"></div></div>")
    };
    let gone = host("gone.html");
    let empty = host("empty.html");
    let a = host("a.html");
    let table = [
        (
            "FW0119",
            "`index.html`: <i id=\"h\"> mounts `gone.html`, which the project does not have",
            vec![("index.html", gone)],
        ),
        (
            "FW0120",
            "`empty.html` is empty; `index.html`: <i id=\"h\"> mounts it",
            vec![
                ("index.html", empty),
                ("empty.html", "<template> </template>".into()),
            ],
        ),
        (
            "FW0120",
            "`index.html` is empty",
            vec![("index.html", " \n".into())],
        ),
        (
            "FW0121",
            "`b.html`: <div> mounts `a.html`, which is mounted within itself: index.html → a.html → b.html → a.html",
            vec![
                ("index.html", a.clone()),
                ("a.html", nests("b.html")),
                ("b.html", nests("a.html")),
            ],
        ),
        (
            "FW0121",
            "`a.html`: <div> mounts `index.html`, which is mounted within itself: index.html → a.html → index.html",
            vec![("index.html", a.clone()), ("a.html", nests("index.html"))],
        ),
        (
            "FW0122",
            "`19.html`: <div> mounts `20.html`: compositions may nest 20 deep",
            (0..21)
                .map(|i| {
                    (
                        Box::leak(format!("{i}.html").into_boxed_str()) as &str,
                        nests(&format!("{}.html", i + 1)),
                    )
                })
                .chain([("index.html", host("0.html"))])
                .collect(),
        ),
    ];
    for (code, message, files) in table {
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let error = compiled(&files, json!({}), false).await.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, message));
        assert_eq!(error.disposition(), Disposition::Permanent);
    }
    let twice = "<div data-composition-src=next.html></div>".repeat(2);
    let mut files = vec![("index.html".to_owned(), entry(&twice.replace("next", "0")))];
    files.extend((0..12).map(|i| {
        (
            format!("{i}.html"),
            twice.replace("next", &(i + 1).to_string()),
        )
    }));
    files.push(("12.html".to_owned(), "leaf".to_owned()));
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let error = compiled(&files, json!({}), false).await.unwrap_err();
    assert!(
        error.to_string().ends_with("a page may have 1000 hosts"),
        "{error}"
    );
}

#[tokio::test]
async fn variables_are_checked_and_shown() {
    let index = r#"<!doctype html><div id=root data-composition-id=main data-duration=1 style="color: red" data-composition-variables='[
          {"id": "title", "type": "string", "default": "One"}, {"id": "size", "type": "number", "default": 3},
          {"id": "logo", "type": "image", "default": "a.png"}, {"id": "side", "type": "enum", "options": ["left", "right"], "default": "left"}]'>
        <h1><b>x</b><i data-var-text="title">old <u>kept</u> old</i></h1><img data-var-src="logo"><a data-var-src="logo"></a></div>"#;
    let files = [("index.html", index), ("a.png", ""), ("b.png", "")];
    let good = json!({"title": "T & <b>", "logo": "b.png", "side": "right"});
    let bundle = compiled(&files, good, true).await.unwrap();
    let text = text(&bundle);
    for part in [
        r#"style="color: red;--logo:b.png;--side:right;--size:3;--title:T &amp; b;""#,
        r#"<i data-var-text="title">T &amp; &lt;b&gt;<u>kept</u></i>"#,
        r#"<img data-var-src="logo" src="b.png">"#,
    ] {
        assert!(text.contains(part), "{part}\n\n{text}");
    }
    assert_eq!(
        bundle.warnings,
        ["`index.html`: `data-var-src` does nothing on <a>"]
    );

    let table = [
        (
            json!({"titel": "x"}),
            "FW0123",
            "the render's variables: there is no variable `titel` (declared: `title`, `size`, `logo`, `side`)",
        ),
        (
            json!({"size": "3"}),
            "FW0124",
            "the render's variables: the variable `size` must be a number, not `\"3\"`",
        ),
        (
            json!({"side": "up"}),
            "FW0124",
            "the render's variables: the variable `side` must be one of `left`, `right`, not `\"up\"`",
        ),
    ];
    for (variables, code, message) in table {
        let error = compiled(&files, variables.clone(), true).await.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, message));
        let bundle = compiled(&files, variables, false).await.unwrap();
        assert!(
            bundle.warnings.contains(&message.to_owned()),
            "{:?}",
            bundle.warnings
        );
    }
    let evil = compiled(&files, json!({"logo": "javascript:alert(1)"}), false)
        .await
        .unwrap();
    assert!(
        evil.warnings[0].contains("`javascript:alert(1)` is no address"),
        "{:?}",
        evil.warnings
    );

    let host = entry(r#"<p data-composition-src="card.html" data-variable-values="{x"></p>"#);
    let error = compiled(
        &[("index.html", &host), ("card.html", CARD)],
        json!({}),
        true,
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), "FW0112");
    assert!(
        error.to_string().starts_with(
            "`index.html`: <p data-composition-id=\"card\">: `data-variable-values` is not"
        ),
        "{error}"
    );
}

#[test]
fn facts_are_read_without_mounting() {
    let facts = inspect(
        &project(&[(
            "index.html",
            &entry("<i data-composition-src=gone.html></i>"),
        )]),
        None,
    );
    assert_eq!(facts.unwrap().id, "main");
}

#[tokio::test]
async fn modules_of_a_file_import_what_lies_beside_it() {
    let card = r#"<div data-composition-id="card"></div><script type="module">
        import { own } from "./own.js"; import { both } from './both.js'; import "three";</script>"#;
    let host =
        entry(r#"<i data-composition-id="card" data-composition-src="parts/card.html"></i>"#);
    let map = r#"<script type="importmap">{"imports": {"three": "/three.js"}}</script>"#;
    let text = page(&[
        (
            "index.html",
            &host.replace("</head>", &format!("{map}</head>")),
        ),
        ("parts/card.html", card),
        ("parts/own.js", "export const own = 1"),
        ("parts/both.js", "export const both = 1"),
        ("both.js", "export const both = 2"),
        ("three.js", ""),
    ])
    .await;
    // From the top of the project, as everywhere in a mounted file, and else from the file.
    let expected =
        r#"import { own } from "/parts/own.js"; import { both } from './both.js'; import "three";"#;
    assert!(text.contains(expected), "{text}");
}

#[test]
fn variables_may_be_declared_under_their_ids() {
    let page = entry("").replace(
        "<html>",
        r#"<html data-composition-variables='{"ink": {"type": "color", "default": "red"}, "n": {"type": "number"}}'>"#,
    );
    let facts = inspect(&project(&[("index.html", &page)]), None).unwrap();
    let ids: Vec<_> = facts
        .variables
        .iter()
        .map(|one| (one.id.as_str(), one.kind.as_str()))
        .collect();
    assert_eq!(ids, [("ink", "color"), ("n", "number")]);
    assert_eq!(facts.variables[0].default, "red");
}

#[tokio::test]
async fn classes_of_the_document_are_on_the_box_that_stands_for_it() {
    let card = r#"<!doctype html><html class="wide"><head><style>body.night .q { color: red }</style></head>
        <body class="night"><div class="own" data-composition-id="card"><p class="q"></p></div></body></html>"#;
    let host = entry(r#"<i data-composition-id="card" data-composition-src="card.html"></i>"#);
    let text = page(&[("index.html", &host), ("card.html", card)]).await;
    assert!(text.contains(r#"class="wide night own""#), "{text}");
    let rule = ":not(hf):has(> :where([data-hf-inner-root]).night) .q";
    assert!(text.contains(rule), "{text}");
}
