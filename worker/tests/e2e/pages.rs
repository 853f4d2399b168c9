//! The pages, as a browser would ask for them.

use crate::harness::{Dev, end_of, film, submit};
use framewright_proto::v1::RenderOptions;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

#[tokio::test]
async fn a_render_can_be_watched_and_its_film_played() {
    let folder = TempDir::new().unwrap();
    let dev = Dev::start(folder.path());
    let mut client = dev.client().await;
    let id = submit(
        &mut client,
        "seen",
        &film("small"),
        RenderOptions::default(),
    )
    .await;
    let render = end_of(&mut client, &id).await;

    // The client wants one even where nothing is encrypted; another test may have set it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let get = |path: String| async move { reqwest::get(path).await.unwrap() };
    let page = get(render.page_url.clone()).await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    let sha256 = render.output.unwrap().sha256;
    for part in [
        "done",
        &sha256,
        "<video",
        &render.temporal_url.replace('&', "&amp;"),
    ] {
        assert!(
            page.to_lowercase().contains(&part.to_lowercase()),
            "the page has no `{part}`:\n{page}"
        );
    }
    let played = get(format!("{}/film.mp4", render.page_url)).await;
    assert_eq!(
        hex::encode(Sha256::digest(played.bytes().await.unwrap())),
        sha256
    );
    let picture = get(format!("{}/previews/0.jpg", render.page_url)).await;
    assert_eq!(picture.headers()["content-type"], "image/jpeg");
    assert!(
        get(format!("{}/renders", dev.web))
            .await
            .text()
            .await
            .unwrap()
            .contains("seen")
    );
    assert_eq!(
        get(format!("{}/renders/default/none", dev.web))
            .await
            .status(),
        404
    );
    assert_eq!(get(format!("{}/readyz", dev.web)).await.status(), 200);
}
