//! The contract of [`Store`] on a real S3 server, also when the way to it is bad.
#![allow(clippy::unwrap_used, reason = "a panic is a test's report")]

mod gateway;
mod outside;
mod suite;
mod trouble;

use framewright_film::Fault as _;
use framewright_store::{Body, Key, Put, PutMode, S3Options, S3Store, Store as _};
use gateway::{BUCKET, Gateway, set_credentials, store_at};
use std::fs;
use trouble::{Trouble, Troubled};

/// One test, one thread at first: the credentials are set in the environment.
#[test]
fn s3() {
    set_credentials();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let gateway = Gateway::start().await;
            a_bucket_keeps_the_contract(&gateway).await;
            large_files_go_in_parts(&gateway).await;
            a_bad_way_loses_nothing(&gateway).await;
            what_is_wrong_is_said(&gateway).await;
            outside::folders_and_objects_are_fetched(&gateway).await;
            outside::a_film_is_published_once(&gateway).await;
            outside::addresses_carry_leave(&gateway).await;
            outside::uploads_that_broke_off_are_found(&gateway).await;
        });
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

async fn a_bucket_keeps_the_contract(gateway: &Gateway) {
    let store = gateway.store("s3://films/some/prefix").await;
    suite::run(&store).await;
    let outside = gateway.store("s3://films/some/pre").await;
    assert_eq!(
        outside.list("").await.unwrap(),
        [],
        "a prefix ends at a `/`"
    );
}

async fn large_files_go_in_parts(gateway: &Gateway) {
    let store = gateway.store("s3://films/large").await;
    let folder = tempfile::tempdir().unwrap();
    let (source, out) = (folder.path().join("in"), folder.path().join("out"));
    let bytes: Vec<u8> = (0..(130u32 << 20) / 4)
        .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    fs::write(&source, &bytes).unwrap();
    let put = async |mode| {
        store
            .put(&key("film.mp4"), Body::File(source.clone()), mode)
            .await
    };
    assert_eq!(put(PutMode::IfAbsent).await.unwrap(), Put::Created);
    assert_eq!(put(PutMode::IfAbsent).await.unwrap(), Put::AlreadyThere);
    assert_eq!(put(PutMode::Replace).await.unwrap(), Put::Created);
    let size = store.fetch(&key("film.mp4"), &out).await.unwrap();
    assert_eq!(size, bytes.len() as u64);
    assert!(fs::read(&out).unwrap() == bytes);
}

/// Answers that are refused, cut off, or never come: all of them, and nothing is lost or torn.
async fn a_bad_way_loses_nothing(gateway: &Gateway) {
    let way = Troubled::start(gateway.port).await;
    let store = store_at(way.port, "s3://films/troubled").await;
    for trouble in [Trouble::Unavailable, Trouble::Reset, Trouble::Truncated] {
        way.makes(trouble);
        for round in 0..12u8 {
            let name = key(&format!("{trouble:?}/{round}"));
            let bytes = vec![round; 300_000];
            let put = store.put(&name, bytes.clone().into(), PutMode::IfAbsent);
            // An answer that was lost may have been a `Created`.
            put.await.unwrap();
            assert!(store.get(&name).await.unwrap() == bytes, "{trouble:?}");
        }
        assert!(way.made() > 3, "{trouble:?} was not seen");
    }
}

async fn what_is_wrong_is_said(gateway: &Gateway) {
    let options = S3Options {
        endpoint: Some(
            format!("http://127.0.0.1:{}", gateway.port)
                .parse()
                .unwrap(),
        ),
        region: None,
        path_style: true,
    };
    let absent = S3Store::open("s3://no-such-bucket".parse().unwrap(), &options).await;
    assert_eq!(absent.unwrap_err().code(), "FW0410");
    assert!(gateway.folder.path().join(BUCKET).is_dir());
}
