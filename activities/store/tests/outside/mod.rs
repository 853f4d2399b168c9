//! What is not the store's, and what others may do in it.

use crate::{
    gateway::{BUCKET, Gateway, options, store_at},
    key,
    trouble::{Trouble, Troubled},
};
use framewright_film::{Digest, Fault as _};
use framewright_store::{
    FetchLimits, Presigned, Put, PutMode, S3Outside, S3Url, Store as _, StoreError,
};
use std::{
    fs,
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const LIMITS: FetchLimits = FetchLimits {
    bytes: 1 << 20,
    objects: 5,
};

fn url(text: &str) -> S3Url {
    format!("s3://{BUCKET}/{text}").parse().unwrap()
}

pub(crate) async fn folders_and_objects_are_fetched(gateway: &Gateway) {
    let folder = gateway.folder.path().join(BUCKET).join("projects/one");
    fs::create_dir_all(folder.join("assets")).unwrap();
    fs::create_dir_all(folder.join(".git")).unwrap();
    fs::create_dir_all(gateway.folder.path().join(BUCKET).join("projects/one-more")).unwrap();
    for (name, text) in [
        ("index.html", "<html>"),
        ("assets/ä b+c.svg", "<svg>"),
        (".git/config", "no"),
        ("../one-more/index.html", "no"),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    let way = Troubled::start(gateway.port).await;
    let outside = S3Outside::new(options(way.port));
    let fetch = async |text: &str, limits| {
        let wanted = |name: &str| !name.starts_with('.');
        outside.get_folder(&url(text), limits, wanted).await
    };
    for trouble in [None, Some(Trouble::Truncated), Some(Trouble::Reset)] {
        if let Some(trouble) = trouble {
            way.makes(trouble);
        }
        let files = fetch("projects/one/", LIMITS).await.unwrap();
        let files: Vec<_> = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), &bytes[..]))
            .collect();
        let wanted: [(&str, &[u8]); 2] =
            [("assets/ä b+c.svg", b"<svg>"), ("index.html", b"<html>")];
        assert_eq!(files, wanted);
    }
    let one = FetchLimits {
        objects: 1,
        ..LIMITS
    };
    let short = FetchLimits { bytes: 8, ..LIMITS };
    for limits in [one, short] {
        let error = fetch("projects/one/", limits).await.unwrap_err();
        assert_eq!(error.code(), "FW0414", "{error}");
    }
    let error = fetch("projects/on/", LIMITS).await.unwrap_err();
    assert_eq!(error.code(), "FW0411", "{error}");

    let page = url("projects/one/index.html");
    assert_eq!(outside.get(&page, 6).await.unwrap(), "<html>");
    for (text, limit, code) in [
        ("projects/one/index.html", 5, "FW0414"),
        ("projects/one/none.html", 5, "FW0411"),
    ] {
        let error = outside.get(&url(text), limit).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.hint().is_some());
    }
    let nowhere = "s3://no-such-bucket/a.zip".parse().unwrap();
    assert_eq!(outside.get(&nowhere, 9).await.unwrap_err().code(), "FW0411");
}

pub(crate) async fn a_film_is_published_once(gateway: &Gateway) {
    let way = Troubled::start(gateway.port).await;
    let outside = S3Outside::new(options(way.port));
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mp4");
    let target = url("out/film.mp4");
    let there = gateway.folder.path().join(BUCKET).join("out/film.mp4");
    // The second is so large that it goes in parts.
    for bytes in [vec![7; 100_000], vec![8; 65 << 20]] {
        fs::write(&film, &bytes).unwrap();
        let digest = Digest::of(&bytes);
        way.makes(Trouble::Reset);
        let publish = async || outside.publish(&target, &film, digest, "video/mp4").await;
        // An answer that was lost may have been a `Created`.
        publish().await.unwrap();
        assert!(fs::read(&there).unwrap() == bytes);
        assert_eq!(publish().await.unwrap(), Put::AlreadyThere);
    }
    let foreign = there.with_file_name("source.zip");
    fs::write(&foreign, "mine").unwrap();
    let target = url("out/source.zip");
    let published = outside.publish(&target, &film, Digest::of("x"), "video/mp4");
    let error = published.await.unwrap_err();
    assert_eq!(error.code(), "FW0413", "{error}");
    assert_eq!(fs::read(&foreign).unwrap(), b"mine");
    assert!(matches!(error, StoreError::Occupied(_)));
}

pub(crate) async fn addresses_carry_leave(gateway: &Gateway) {
    let store = gateway.store("s3://films/signed").await;
    let (name, minute) = (key("uploads/a.zip"), Duration::from_secs(60));
    let put = store.presigned_put(&name, 5, minute).await.unwrap();
    let put = put.unwrap();
    // Not for other bytes than were announced.
    assert_ne!(ask(gateway.port, &put, b"five and more").await.0, 200);
    assert_eq!(store.head(&name).await.unwrap(), None);
    assert_eq!(ask(gateway.port, &put, b"bytes").await.0, 200);
    assert_eq!(store.get(&name).await.unwrap(), "bytes");
    // Not for another object.
    let mut other = put.clone();
    other.url = put.url.replace("a.zip", "b.zip");
    assert_eq!(ask(gateway.port, &other, b"bytes").await.0, 403);

    let get = store.presigned_get(&name, "film.mp4", minute).await;
    let get = get.unwrap().unwrap();
    let (status, answer) = ask(gateway.port, &get, b"").await;
    assert!(status == 200 && answer.ends_with("bytes"), "{answer}");
    assert!(answer.contains("filename=\"film.mp4\""), "{answer}");
    assert!(get.expires > SystemTime::now() && !format!("{get:?}").contains("Signature"));
}

/// Status and answer of a request as an HTTP client without any knowledge of S3 makes it.
async fn ask(port: u16, leave: &Presigned, body: &[u8]) -> (u16, String) {
    let (_, path) = leave.url.split_once(&format!("127.0.0.1:{port}")).unwrap();
    let mut request = format!(
        "{} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n",
        leave.method
    );
    for (name, value) in &leave.headers {
        if !["host", "content-length"].contains(&name.as_str()) {
            request += &format!("{name}: {value}\r\n");
        }
    }
    request += &format!("content-length: {}\r\n\r\n", body.len());
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    server.write_all(request.as_bytes()).await.unwrap();
    server.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

pub(crate) async fn uploads_that_broke_off_are_found(gateway: &Gateway) {
    let way = Troubled::start(gateway.port).await;
    let store = store_at(way.port, "s3://films/litter").await;
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film");
    fs::write(&film, vec![1; 70 << 20]).unwrap();
    let begun = SystemTime::now() - Duration::from_secs(60);
    let later = SystemTime::now() + Duration::from_secs(3600);
    // A writer that is dropped in the middle cannot clean up.
    let (name, mut found) = (key("big"), Vec::new());
    for millis in (0..400).step_by(20) {
        let put = store.put(&name, film.clone().into(), PutMode::Replace);
        let _ = tokio::time::timeout(Duration::from_millis(millis), put).await;
        found = store.litter(later).await.unwrap();
        if !found.is_empty() {
            break;
        }
    }
    assert_eq!(found[0].name, "big");
    assert_eq!(store.litter(begun).await.unwrap(), [], "it is too young");
    let elsewhere = store_at(gateway.port, "s3://films/lit").await;
    assert_eq!(elsewhere.litter(later).await.unwrap(), [], "it is not ours");
    for litter in &found {
        store.remove_litter(litter).await.unwrap();
        store.remove_litter(litter).await.unwrap();
    }
    assert_eq!(store.litter(later).await.unwrap(), []);
}
