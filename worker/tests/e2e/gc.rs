//! Cleaning up: what is left, what must stay, and what a render needs again.

use crate::{
    bucket::files_in,
    gateway::{BUCKET, Gateway},
    harness::{Dev, cancel, end_of, eventually, film, film_of, framewright, segments_in, submit},
};
use framewright_proto::v1::{RenderOptions, RenderState};
use std::{collections::BTreeSet, fs, path::Path};
use tempfile::TempDir;

fn gc(folder: &Path, store: &[String], args: &[&str]) -> (i32, String, String) {
    let output = framewright()
        .arg("gc")
        .args(store)
        .arg("--data")
        .arg(folder.join("data"))
        .args(args)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Kinds of objects in a store, by folder and ending.
fn kinds(root: &Path) -> BTreeSet<String> {
    let root = root.to_string_lossy();
    let files = files_in(Path::new(&*root)).into_iter();
    files
        .map(|file| file.trim_start_matches(&*root).to_owned())
        // What a store, or a server, has for itself.
        .filter(|rest| !rest.contains("/."))
        .map(|rest| {
            let parts: Vec<_> = rest.split('/').filter(|part| !part.is_empty()).collect();
            match parts.as_slice() {
                ["plans", _, folder, _] => format!("plans/*/{folder}"),
                ["plans", _, file] => format!("plans/*/{file}"),
                [first, ..] => (*first).to_owned(),
                [] => String::new(),
            }
        })
        .collect()
}

async fn what_no_render_needs_goes(store: &[String], root: &Path, folder: &Path) {
    let flags: Vec<&str> = store.iter().map(String::as_str).collect();
    let dev = Dev::start_with(folder, &flags);
    let mut client = dev.client().await;
    let first = submit(
        &mut client,
        "first",
        &film("brief"),
        RenderOptions::default(),
    )
    .await;
    let wanted = film_of(&mut client, &first).await;
    let before = segments_in(root).len();

    let options = || RenderOptions {
        chunks: 4,
        lanes: 1,
        ..RenderOptions::default()
    };
    let long = submit(&mut client, "cancelled", &film("long"), options()).await;
    eventually("a segment", || {
        (segments_in(root).len() > before).then_some(())
    })
    .await;
    let (code, _, said) = gc(folder, store, &["--older-than", "0s"]);
    assert!(code == 2 && said.contains("FW0542"), "{said}");
    let (code, removed, said) = gc(folder, store, &["--older-than", "2h"]);
    assert_eq!((code, removed.as_str()), (0, ""), "{said}");
    cancel(&mut client, &long).await;
    let ended = end_of(&mut client, &long).await;
    assert_eq!(ended.state(), RenderState::Cancelled);

    // An upload that nobody asked for.
    let uploads = root.join("uploads/default");
    fs::create_dir_all(&uploads).unwrap();
    fs::write(uploads.join(format!("{:064x}.zip", 7)), "zip").unwrap();
    // A put whose writer died: whoever opens the folder next removes it.
    if store.is_empty() {
        fs::write(root.join(".tmp/put-left"), "half").unwrap();
    }
    let all = kinds(root);
    assert!(all.len() > 5, "{all:?}");
    let (code, would, said) = gc(folder, store, &["--older-than", "0s", "--dry-run"]);
    assert!(
        code == 0 && would.contains("segment") && would.contains("blob"),
        "{said}"
    );
    assert!(would.contains("upload"), "{would}");
    assert_eq!(kinds(root), all, "nothing was removed");
    let (code, removed, said) = gc(folder, store, &["--older-than", "0s"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(removed, would);
    assert!(!root.join(".tmp/put-left").exists());
    // All that is left is the film.
    let left: BTreeSet<_> = ["film.json", "film.mp4", "plan.json", "previews"]
        .map(|name| format!("plans/*/{name}"))
        .into();
    let mut found = kinds(root);
    found.remove("plans/*/costs.json");
    assert_eq!(found, left);

    // Without its segments it is not rendered again, and what was cancelled can be had after all.
    let again = submit(
        &mut client,
        "again",
        &film("brief"),
        RenderOptions::default(),
    )
    .await;
    assert_eq!(film_of(&mut client, &again).await, wanted);
    assert!(segments_in(root).is_empty());
    drop(dev);

    // And where no service runs: with the films, all of it.
    let mut args = vec!["--older-than", "0s", "--films", "--json"];
    let nowhere = TempDir::new().unwrap();
    if !store.is_empty() {
        // Of a store that is shared, somebody has to say which server knows its renders.
        let (code, _, said) = gc(nowhere.path(), store, &args);
        assert!(code == 2 && said.contains("--temporal-address"), "{said}");
    }
    let (code, told, said) = gc(folder, store, &args);
    assert_eq!(code, 0, "{said}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["open_renders"], 0);
    assert_eq!(kinds(root), BTreeSet::new(), "{told}");
    args.push("--dry-run");
    let (_, told, _) = gc(folder, store, &args);
    assert!(told.contains("\"removed\":[]"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_render_needs_goes_from_a_folder() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("data/store");
    what_no_render_needs_goes(&[], &root, folder.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_render_needs_goes_from_a_bucket() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start().await;
    let root = gateway.folder.path().join(BUCKET).join("e2e");
    what_no_render_needs_goes(&gateway.flags("e2e"), &root, folder.path()).await;
}
