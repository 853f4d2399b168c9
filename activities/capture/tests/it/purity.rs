use crate::stage::{DEPTH, DOM, GL, Stage, segment};
use framewright_capture::{Reader, ReaderChoice, open_lane};
use std::collections::HashSet;

#[tokio::test]
async fn a_frame_does_not_show_what_its_lane_did_before() {
    let stage = Stage::of(DOM, 1280, 720).await;

    let mut one = stage.lane().await;
    let mut expected = Vec::new();
    for first in [0, 30, 60] {
        expected.push(segment(&mut one, first..first + 30).await);
    }
    // Not even where no segment ended.
    assert_eq!(segment(&mut one, 0..90).await, expected.concat());
    one.close().await;
    let different: HashSet<_> = expected.iter().flatten().collect();
    assert!(
        different.len() > 80,
        "the page hardly moves: {}",
        different.len()
    );

    let (mut even, mut odd) = (stage.lane().await, open_lane(&stage.spec).await.unwrap());
    // On a thread of its own, as lanes are driven.
    let beside = tokio::spawn(async move {
        let digests = segment(&mut odd, 30..60).await;
        (odd, digests)
    });
    assert_eq!(segment(&mut even, 0..30).await, expected[0]);
    let (mut odd, digests) = beside.await.unwrap();
    assert_eq!(digests, expected[1]);
    assert_eq!(segment(&mut even, 60..90).await, expected[2]);
    // Backwards, and again.
    assert_eq!(segment(&mut odd, 0..30).await, expected[0]);
    assert_eq!(segment(&mut odd, 0..30).await, expected[0]);

    let mut fresh = stage.lane().await;
    assert_eq!(segment(&mut fresh, 60..90).await, expected[2]);
    fresh.close().await;

    // Or else equal frames would prove nothing: this page's past shows if nobody looks after it.
    let careless = framewright_page::runtime().replace("  repaintOverlooked();\n", "");
    assert_ne!(careless, framewright_page::runtime());
    let mut spec = stage.spec.clone();
    spec.runtime = careless.into();
    let mut lane = open_lane(&spec).await.unwrap();
    assert_ne!(segment(&mut lane, 0..90).await, expected.concat());
}

#[tokio::test]
async fn both_readers_see_the_same_pixels() {
    for (page, width, height) in [
        (DOM, 1280, 720),
        (DOM, 639, 359),
        (DOM, 360, 640),
        (GL, 640, 360),
        (DEPTH, 1280, 720),
    ] {
        let mut stage = Stage::of(page, width, height).await;
        let mut seen = Vec::new();
        for reader in [ReaderChoice::Tap, ReaderChoice::Screenshot] {
            stage.spec.reader = reader;
            let session = stage.open().await.unwrap();
            let tapped = session.report().reader == Reader::Tap;
            assert_eq!(tapped, reader == ReaderChoice::Tap);
            let mut lane = session.into_lane();
            let mut digests = segment(&mut lane, 0..12).await;
            digests.extend(segment(&mut lane, 40..52).await);
            seen.push(digests);
        }
        assert_eq!(seen[0], seen[1], "{width}x{height}");
        let different: HashSet<_> = seen[0].iter().collect();
        let different = different.len();
        assert!(different > 20, "{width}x{height} hardly moves: {different}");
    }
}

#[tokio::test]
async fn a_still_page_is_painted_once() {
    const STILL: &str = r#"<body style="margin:0;background:#369">
        <div data-composition-id="main" data-root="true" data-no-timeline data-duration="1">still</div>"#;
    let mut stage = Stage::of(STILL, 320, 180).await;
    for reader in [ReaderChoice::Tap, ReaderChoice::Screenshot] {
        stage.spec.reader = reader;
        let mut lane = stage.lane().await;
        for first in [0, 10] {
            lane.begin_segment(first).await.unwrap();
            let mut pixels = Vec::new();
            let mut painted = 0;
            for frame in first..first + 5 {
                let shot = lane.capture(frame, None, &mut pixels).await.unwrap();
                painted += u32::from(shot == framewright_capture::Shot::Painted);
            }
            assert_eq!(painted, 1);
            let corner = pixels[pixels.len() - 4..].to_vec();
            assert_eq!(corner, [0x99, 0x66, 0x33, 255]);
        }
    }
}
