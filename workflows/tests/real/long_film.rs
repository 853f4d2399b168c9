//! Two hours of film in more than a thousand chunks, on a server with the limits that servers have.

use crate::{
    simulated::{Does, Steps, film},
    stage::{Crew, Stage},
};
use framewright_workflows::{Cost, CostCurve, Cut};

const CHUNKS: u32 = 1_200;

/// Bytes of the largest payload that may be in history.
const MOST_BYTES: usize = 4_000;

#[tokio::test(flavor = "multi_thread")]
async fn two_hours_in_1200_chunks() {
    let stage = Stage::usual().await;
    let mut film = film("long", CHUNKS);
    assert_eq!(film.frames, 2 * 3600 * 30);
    // One worker is the worst there is for the number of events: it never ends two chunks at once.
    // The worst for their size: chunks of uneven lengths, and a curve of many steps.
    let segments = film.segments().count();
    let uneven: Vec<u64> = (0..u64::from(segments))
        .map(|i| 1 + i * i * 7919 % 13 / 4)
        .collect();
    film.cut = Cut::by_cost(&uneven, CHUNKS);
    film.chunks = film.cut.as_ref().map_or(CHUNKS, Cut::chunks);
    let sample = |i: u32| {
        (
            i * 9_000,
            Cost {
                wall_us: 123_456 + u64::from(i),
                cpu_us: 234_567,
            },
        )
    };
    let samples: Vec<_> = (0..24).map(sample).collect();
    film.costs = CostCurve::nearest(sample(0).1, &samples);
    let chunks = film.chunks;
    assert!(chunks >= 1_000);

    let steps = Steps::new(film, |_, _| Does::Finish);
    stage
        .play(steps, Crew::all(1), |_| {}, async |render| {
            let output = render.end().await.unwrap();
            assert_eq!(output.frames, 2 * 3600 * 30);
            assert_eq!(render.steps.begun(), chunks, "each chunk once");

            let runs = render.histories("").await;
            let events: usize = runs.iter().map(|run| run.len()).sum();
            let each = events as f64 / f64::from(chunks);
            let largest = runs.iter().map(|run| run.largest_payload()).max().unwrap();
            println!(
                "{chunks} chunks, {} runs, {events} events, {each:.2} a chunk, largest payload {largest} B",
                runs.len()
            );
            assert!(runs.len() > 1, "it went on in another run");
            assert!(each <= 6.5, "{each} events a chunk");
            assert!(largest < MOST_BYTES, "{largest} bytes in a payload");

            let progress = render.progress().await;
            assert_eq!(progress.frames_done(), 2 * 3600 * 30);
            assert!(progress.details().contains("a film of the tests"));
            assert_eq!(render.memo("summary").await.as_deref(), Some("a film of the tests"));
            assert_eq!(render.memo("request").await.as_deref(), Some("its digest"));
            assert_eq!(render.stage().await, "succeeded");
        })
        .await;
}
