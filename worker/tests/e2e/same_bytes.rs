//! The bytes of a film depend on its plan, not on who shared the work.

use crate::harness::{Dev, download, end_of, film, film_of, reference, submit};
use framewright_proto::v1::{RenderOptions, RenderState};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

#[tokio::test]
async fn chunks_and_lanes_and_temporal_do_not_show() {
    let project = film("small");
    let wanted = reference(&project, &["--lanes", "1"]);
    assert_eq!(
        reference(&project, &["--chunks", "3", "--lanes", "2"]),
        wanted,
        "in process"
    );
    // A service of its own for each, or the second would find the segments of the first.
    for (chunks, lanes) in [(1, 1), (3, 1), (7, 2)] {
        let folder = TempDir::new().unwrap();
        let dev = Dev::start(folder.path());
        let mut client = dev.client().await;
        let options = RenderOptions {
            chunks,
            lanes,
            ..RenderOptions::default()
        };
        let id = submit(&mut client, "one", &project, options).await;
        assert_eq!(
            film_of(&mut client, &id).await,
            wanted,
            "{chunks} chunks, {lanes} lanes"
        );
    }
}

/// Chunks of equal cost: fewer seconds where frames are dear. How it was cut does not show.
#[tokio::test]
async fn a_heavy_region_is_cut_finer_and_that_does_not_show() {
    let project = film("uneven");
    let wanted = reference(&project, &["--chunks", "1", "--lanes", "1"]);
    let folder = TempDir::new().unwrap();
    let dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let options = RenderOptions {
        chunks: 4,
        lanes: 1,
        ..RenderOptions::default()
    };
    let id = submit(&mut client, "uneven", &project, options).await;
    let render = end_of(&mut client, &id).await;
    assert_eq!(render.state(), RenderState::Succeeded, "{:?}", render.error);
    assert_eq!(render.output.unwrap().sha256, wanted);

    let chunks: Vec<_> = render
        .chunks
        .iter()
        .map(|chunk| chunk.start_frame..chunk.end_frame)
        .collect();
    let mut next = 0;
    for frames in &chunks {
        assert_eq!(frames.start, next);
        next = frames.end;
    }
    assert_eq!((chunks.len(), next), (4, 240));
    let length_at = |frame| {
        let chunk = chunks.iter().find(|frames| frames.contains(&frame));
        chunk.map(std::ops::Range::len).unwrap()
    };
    // Seconds 3 and 4 are heavy.
    assert!(length_at(105) < length_at(15), "{chunks:?}");
    assert!(length_at(135) < length_at(225), "{chunks:?}");
}

#[tokio::test]
async fn end_to_end_and_again() {
    let folder = TempDir::new().unwrap();
    let dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let id = submit(
        &mut client,
        "first",
        &film("small"),
        RenderOptions::default(),
    )
    .await;
    let render = end_of(&mut client, &id).await;
    assert_eq!(render.state(), RenderState::Succeeded, "{:?}", render.error);
    let facts = render.film.unwrap();
    assert_eq!(
        (facts.frames, facts.width, facts.height, &*facts.fps),
        (90, 320, 180, "30")
    );
    assert!(render.progress >= 1.0);

    let output = render.output.unwrap();
    let whole = download(&mut client, &id, 0).await;
    assert_eq!(whole.len() as u64, output.size_bytes);
    assert_eq!(hex::encode(Sha256::digest(&whole)), output.sha256);
    // A download that broke off goes on where it was.
    assert_eq!(download(&mut client, &id, 1000).await, whole[1000..]);

    // The same film under another name: nothing is rendered again.
    let id = submit(
        &mut client,
        "second",
        &film("small"),
        RenderOptions::default(),
    )
    .await;
    let again = end_of(&mut client, &id).await;
    assert_eq!(again.output.unwrap().sha256, output.sha256);
}
