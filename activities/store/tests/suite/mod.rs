//! What every [`Store`] must do, on an empty one.

use framewright_store::{
    Body, Key, Put, PutMode, Store, StoreError, fetch_blob, get_blob, put_blob,
};
use std::{
    fs,
    time::{Duration, SystemTime},
};
use tokio::io::AsyncReadExt as _;

/// Checks all of the contract. Leaves objects behind.
pub(crate) async fn run(store: &dyn Store) {
    what_is_put_can_be_got(store).await;
    what_is_not_there_is_not_found(store).await;
    one_of_many_writers_creates(store).await;
    parts_can_be_read(store).await;
    listing_is_by_text_and_sorted(store).await;
    files_go_in_and_out(store).await;
    blobs_have_their_digest(store).await;
    writers_that_ended_leave_nothing(store).await;
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

async fn what_is_put_can_be_got(store: &dyn Store) {
    let a = key("round/trip/a");
    let put = async |body: &'static str, mode| store.put(&a, body.into(), mode).await.unwrap();
    assert_eq!(put("one", PutMode::IfAbsent).await, Put::Created);
    assert_eq!(put("two", PutMode::IfAbsent).await, Put::AlreadyThere);
    assert_eq!(store.get(&a).await.unwrap(), "one");
    assert_eq!(put("three", PutMode::Replace).await, Put::Created);
    assert_eq!(store.get(&a).await.unwrap(), "three");
    let meta = store.head(&a).await.unwrap().unwrap();
    assert_eq!(meta.size, 5);
    let age = SystemTime::now().duration_since(meta.modified);
    assert!(age.unwrap_or_default().as_secs() < 600);
    assert_eq!(put("", PutMode::Replace).await, Put::Created);
    assert_eq!(store.get(&a).await.unwrap(), "");
    store.delete(&a).await.unwrap();
    assert_eq!(store.head(&a).await.unwrap(), None);
}

async fn what_is_not_there_is_not_found(store: &dyn Store) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    store
        .put(&key("here/x"), "x".into(), PutMode::Replace)
        .await
        .unwrap();
    // Also not what is only the beginning of other keys, or goes on after one.
    for absent in ["nowhere", "no/where", "here", "here/x/y"] {
        let absent = key(absent);
        let errors = [
            store.get(&absent).await.unwrap_err(),
            store.fetch(&absent, &out).await.unwrap_err(),
            store.read(&absent, 0..1).await.unwrap_err(),
        ];
        for error in errors {
            assert!(
                matches!(&error, StoreError::NotFound(k) if *k == absent),
                "{error:?}"
            );
        }
        assert_eq!(store.head(&absent).await.unwrap(), None);
        store.delete(&absent).await.unwrap();
    }
    assert_eq!(store.get(&key("here/x")).await.unwrap(), "x");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

async fn one_of_many_writers_creates(store: &dyn Store) {
    for round in 0..8 {
        let key = key(&format!("race/{round}/object"));
        let writers = (0..32u8).map(|writer| {
            let key = key.clone();
            async move {
                let body = Body::from(vec![writer; 50_000]);
                (
                    writer,
                    store.put(&key, body, PutMode::IfAbsent).await.unwrap(),
                )
            }
        });
        let outcomes = join_all(writers).await;
        let created: Vec<_> = outcomes
            .into_iter()
            .filter(|(_, put)| *put == Put::Created)
            .collect();
        let [(winner, _)] = created.as_slice() else {
            panic!("{created:?}");
        };
        let bytes = store.get(&key).await.unwrap();
        assert_eq!(bytes, vec![*winner; 50_000]);
    }
}

async fn parts_can_be_read(store: &dyn Store) {
    let key = key("parts");
    store
        .put(&key, "0123456789".into(), PutMode::Replace)
        .await
        .unwrap();
    for (range, wanted) in [
        (0..u64::MAX, "0123456789"),
        (0..4, "0123"),
        (3..5, "34"),
        (7..99, "789"),
        (10..11, ""),
        (4..4, ""),
    ] {
        let mut reader = store.read(&key, range).await.unwrap();
        let mut text = String::new();
        reader.body.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, wanted);
        assert_eq!((reader.len, reader.size), (wanted.len() as u64, 10));
    }
    let error = store.read(&key, 11..12).await.unwrap_err();
    let StoreError::OutOfRange { start, size, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!((start, size), (11, 10));
}

async fn listing_is_by_text_and_sorted(store: &dyn Store) {
    let all = [
        "list/a",
        "list/a-b",
        "list/a.c/d",
        "list/ab/c",
        "list/b/a/z",
        "list/b0",
    ];
    for text in all.iter().rev() {
        store
            .put(&key(text), "x".into(), PutMode::Replace)
            .await
            .unwrap();
    }
    for prefix in [
        "list/",
        "list",
        "list/a",
        "list/a.",
        "list/b/",
        "list/b/a/z",
        "list/c",
    ] {
        let found = store.list(prefix).await.unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|(key, meta)| (key.as_str(), meta.size))
            .collect();
        let wanted = all.iter().filter(|text| text.starts_with(prefix));
        assert_eq!(
            found,
            wanted.map(|text| (*text, 1)).collect::<Vec<_>>(),
            "{prefix}"
        );
    }
    assert!(store.list("").await.unwrap().len() >= all.len());
}

async fn files_go_in_and_out(store: &dyn Store) {
    let folder = tempfile::tempdir().unwrap();
    let (source, out) = (folder.path().join("in"), folder.path().join("out"));
    let bytes: Vec<u8> = (0..3_000_001u32).map(|i| (i * 7 / 3) as u8).collect();
    fs::write(&source, &bytes).unwrap();
    fs::write(&out, "something older").unwrap();
    let key = key("files/film.mp4");
    let put = store.put(&key, source.into(), PutMode::IfAbsent).await;
    assert_eq!(put.unwrap(), Put::Created);
    assert_eq!(store.fetch(&key, &out).await.unwrap(), 3_000_001);
    assert!(fs::read(&out).unwrap() == bytes);
    let absent = folder.path().join("absent").into();
    let error = store.put(&key, absent, PutMode::Replace).await.unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
    assert_eq!(store.head(&key).await.unwrap().unwrap().size, 3_000_001);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

async fn blobs_have_their_digest(store: &dyn Store) {
    let folder = tempfile::tempdir().unwrap();
    let digest = put_blob(store, "a blob".into()).await.unwrap();
    assert_eq!(put_blob(store, "a blob".into()).await.unwrap(), digest);
    assert_eq!(get_blob(store, digest).await.unwrap(), "a blob");
    let out = folder.path().join("out");
    assert_eq!(fetch_blob(store, digest, &out).await.unwrap(), 6);
    assert_eq!(fs::read(out).unwrap(), b"a blob");
}

/// All at once, without a crate for it: each is polled whenever one of them is woken.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|cx| {
        pending.retain_mut(|future| match future.as_mut().poll(cx) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}

/// After all of the above, refused and colliding writers among them.
async fn writers_that_ended_leave_nothing(store: &dyn Store) {
    let later = SystemTime::now() + Duration::from_secs(3600);
    assert_eq!(store.litter(later).await.unwrap(), []);
}
