//! The contract of [`Store`](framewright_store::Store), and what a local folder owes beyond it.
#![allow(clippy::unwrap_used, reason = "a panic is a test's report")]

mod suite;

use framewright_film::{Digest, Fault as _};
use framewright_store::{
    Body, CachedStore, Key, LocalStore, PutMode, Store as _, StoreError, blob_key, fetch_blob,
    get_blob, put_blob, put_blob_file,
};
use std::{env, fs, path::Path, time::Duration};
use tokio::process::Command;

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn temporaries(root: &Path) -> usize {
    fs::read_dir(root.join(".tmp")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path()).await.unwrap();
    suite::run(&store).await;
    assert_eq!(temporaries(folder.path()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_keeps_the_contract_and_its_budget() {
    let folder = tempfile::tempdir().unwrap();
    let far = LocalStore::open(folder.path().join("far")).await.unwrap();
    let near = folder.path().join("near");
    let cached = || CachedStore::open(std::sync::Arc::new(far.clone()), near.clone(), 100_000);
    let store = cached().await.unwrap();
    suite::run(&store).await;

    let blob = |n: u8| bytes::Bytes::from(vec![n; 9_000]);
    for n in 0..40 {
        put_blob(&store, blob(n)).await.unwrap();
    }
    let kept = LocalStore::open(&near)
        .await
        .unwrap()
        .list("")
        .await
        .unwrap();
    let size: u64 = kept.iter().map(|(_, meta)| meta.size).sum();
    assert!(size <= 100_000 && kept.len() > 5, "{size}");
    // What went is fetched again; what is damaged here is not damaged there.
    let last = Digest::of(blob(39));
    fs::write(near.join(blob_key(last).as_str()), "rust").unwrap();
    for n in [0, 39] {
        let bytes = get_blob(&store, Digest::of(blob(n))).await.unwrap();
        assert_eq!(bytes, blob(n));
    }
    // And from here alone, without a way there.
    far.delete(&blob_key(last)).await.unwrap();
    assert_eq!(
        get_blob(&cached().await.unwrap(), last).await.unwrap(),
        blob(39)
    );
}

/// Fills a cache until it is told to stop. Not a test by itself: the one below starts it.
#[tokio::test]
#[ignore = "one of two processes"]
async fn fill_a_cache() {
    let (Some(far), Some(near)) = (env::var_os("CACHE_FAR"), env::var_os("CACHE_NEAR")) else {
        return;
    };
    let far = LocalStore::open(Path::new(&far)).await.unwrap();
    let cached = CachedStore::open(std::sync::Arc::new(far), Path::new(&near), 400_000);
    let store = cached.await.unwrap();
    for round in 0..600u32 {
        let blob = bytes::Bytes::from(vec![(round * 7 % 97) as u8; 9_000]);
        let digest = put_blob(&store, blob.clone()).await.unwrap();
        assert_eq!(get_blob(&store, digest).await.unwrap(), blob);
    }
}

#[tokio::test]
async fn two_processes_evict_from_one_cache_and_nothing_torn_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let (far, near) = (folder.path().join("far"), folder.path().join("near"));
    let mut others = Vec::new();
    for _ in 0..2 {
        let mut other = Command::new(env::current_exe().unwrap());
        other
            .args(["--exact", "fill_a_cache", "--ignored"])
            .env("CACHE_FAR", &far)
            .env("CACHE_NEAR", &near)
            .stdout(std::process::Stdio::null());
        others.push(framewright_process::spawn(other, 0).await.unwrap());
    }
    for mut other in others {
        // What a power cut or a bad disk does to files in use.
        while other.try_wait().unwrap().is_none() {
            for (key, _) in LocalStore::open(&near)
                .await
                .unwrap()
                .list("blobs/")
                .await
                .unwrap()
            {
                let file = near.join(key.as_str());
                let Ok(mut bytes) = fs::read(&file) else {
                    continue;
                };
                match bytes.first().copied().unwrap_or(0) % 3 {
                    0 => bytes.truncate(bytes.len() / 2),
                    1 => bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1),
                    _ => continue,
                }
                let _ = fs::write(file, bytes);
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        assert!(other.wait().await.unwrap().success());
    }
    let size: u64 = {
        let kept = LocalStore::open(&near).await.unwrap();
        kept.list("")
            .await
            .unwrap()
            .iter()
            .map(|(_, meta)| meta.size)
            .sum()
    };
    assert!(size <= 400_000 + 2 * 400_000 / 16, "{size}");
    let later = std::time::SystemTime::now() + Duration::from_secs(60);
    assert_eq!(
        LocalStore::open(&near)
            .await
            .unwrap()
            .litter(later)
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn what_is_asked_for_again_gets_young() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path()).await.unwrap();
    let digest = put_blob(&store, "frames".into()).await.unwrap();
    let file = fs::File::open(folder.path().join(blob_key(digest).as_str())).unwrap();
    let now = std::time::SystemTime::now();
    file.set_modified(now - 2 * framewright_store::REFRESH)
        .unwrap();
    put_blob(&store, "frames".into()).await.unwrap();
    let meta = store.head(&blob_key(digest)).await.unwrap().unwrap();
    assert!(now.duration_since(meta.modified).unwrap_or_default() < framewright_store::REFRESH);
    // The last one takes the folders with it.
    store.delete(&blob_key(digest)).await.unwrap();
    assert!(!folder.path().join("blobs").exists());
}

#[tokio::test]
async fn a_damaged_blob_is_removed_so_that_it_can_be_put_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path().join("store")).await.unwrap();
    let digest = put_blob(&store, "frames".into()).await.unwrap();
    let file = folder.path().join("store").join(blob_key(digest).as_str());
    let out = folder.path().join("out");

    fs::write(&file, "flames").unwrap();
    let error = get_blob(&store, digest).await.unwrap_err();
    assert_eq!(error.code(), "FW0406", "{error}");
    let gone = get_blob(&store, digest).await.unwrap_err();
    assert!(matches!(gone, StoreError::NotFound(_)));

    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "flames").unwrap();
    let error = fetch_blob(&store, digest, &out).await.unwrap_err();
    assert_eq!(error.code(), "FW0406", "{error}");
    assert!(!out.exists());

    put_blob(&store, "frames".into()).await.unwrap();
    assert_eq!(fetch_blob(&store, digest, &out).await.unwrap(), 6);
    assert_eq!(put_blob_file(&store, &out).await.unwrap(), digest);
}

#[tokio::test]
async fn keys_that_a_folder_cannot_keep_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path()).await.unwrap();
    let put = async |text, mode| store.put(&key(text), "x".into(), mode).await;
    put("a/b", PutMode::Replace).await.unwrap();
    for mode in [PutMode::Replace, PutMode::IfAbsent] {
        for clash in ["a", "a/b/c", "a/b/c/d"] {
            let error = put(clash, mode).await.unwrap_err();
            assert!(matches!(error, StoreError::Clash(_)), "{clash}: {error:?}");
        }
    }
    assert_eq!(temporaries(folder.path()), 0);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_found_out_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = LocalStore::open(folder.path().join("file/store")).await;
    assert_eq!(error.unwrap_err().code(), "FW0408");
    // Refuses also root, whom permissions do not stop.
    let error = LocalStore::open("/sys/kernel").await.unwrap_err();
    assert_eq!(error.code(), "FW0405", "{error}");
    assert!(error.hint().is_some() && !error.to_string().contains('/'));
}

#[tokio::test]
async fn what_is_no_object_is_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path().join("store")).await.unwrap();
    fs::write(folder.path().join("secret"), "").unwrap();
    fs::write(folder.path().join("store/not a key"), "").unwrap();
    assert_eq!(store.list("").await.unwrap(), []);
    for prefix in ["../", "/etc/", "a/../../", ".tmp/"] {
        let error = store.list(prefix).await.unwrap_err();
        assert!(matches!(error, StoreError::BadKey(_)), "{error}");
    }
}

/// Puts large objects until it is killed. Not a test by itself: the one below starts it.
#[tokio::test]
#[ignore = "runs until it is killed"]
async fn put_until_killed() {
    let Some(root) = env::var_os("STORE_OF_THE_VICTIM") else {
        return;
    };
    let store = LocalStore::open(Path::new(&root)).await.unwrap();
    for round in 0u8.. {
        let bytes = vec![round; 8 << 20];
        let key = key(&format!("{}", round % 3));
        let put = store.put(&key, Body::from(bytes), PutMode::Replace);
        put.await.unwrap();
    }
}

#[tokio::test]
async fn a_writer_that_is_killed_leaves_whole_objects_and_no_litter() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path()).await.unwrap();
    let mut litter = 0;
    for round in 0..20 {
        let mut victim = Command::new(env::current_exe().unwrap());
        victim
            .args(["--exact", "put_until_killed", "--ignored"])
            .env("STORE_OF_THE_VICTIM", folder.path())
            .stdout(std::process::Stdio::null());
        let mut victim = framewright_process::spawn(victim, 0).await.unwrap();
        while temporaries(folder.path()) == litter {
            assert!(victim.try_wait().unwrap().is_none());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(round)).await;
        victim.kill().await;
        let later = std::time::SystemTime::now() + Duration::from_secs(60);
        let left = store.litter(later).await.unwrap();
        assert_eq!(left.len(), temporaries(folder.path()));
        for (key, meta) in store.list("").await.unwrap() {
            let bytes = store.get(&key).await.unwrap();
            assert_eq!(meta.size, 8 << 20);
            assert!(bytes.iter().all(|byte| *byte == bytes[0]));
        }
        // Not those of the living: this one is ours and locked.
        let living = folder.path().join(".tmp/living");
        let file = fs::File::create(&living).unwrap();
        file.lock().unwrap();
        match left.first() {
            // The one or the other way.
            Some(litter) if round % 2 == 0 => store.remove_litter(litter).await.unwrap(),
            _ => drop(LocalStore::open(folder.path()).await.unwrap()),
        }
        assert!(living.exists());
        fs::remove_file(living).unwrap();
        litter = temporaries(folder.path());
        assert_eq!(litter, 0);
    }
}

#[tokio::test]
async fn a_put_that_is_dropped_leaves_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path()).await.unwrap();
    let bytes = bytes::Bytes::from(vec![7; 8 << 20]);
    let digest = Digest::of(&bytes);
    for _ in 0..10 {
        let put = put_blob(&store, bytes.clone());
        // Polled once: it has begun.
        let _ = tokio::time::timeout(Duration::ZERO, put).await;
        match get_blob(&store, digest).await {
            Ok(found) => assert_eq!(found, bytes),
            Err(error) => assert!(matches!(error, StoreError::NotFound(_)), "{error}"),
        }
        store.delete(&blob_key(digest)).await.unwrap();
    }
}
