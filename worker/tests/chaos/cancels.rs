//! Renders that are cancelled at random moments.

use crate::{
    draw::{generator, rounds, seed},
    harness::{Process, cancel},
    stage::{Stage, is_encoder},
};
use framewright_proto::v1::RenderState;
use std::time::{Duration, Instant};

/// From the request to the last process gone.
const BAR: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make chaos"]
async fn cancelled() {
    let seed = seed();
    let mut stage = Stage::open().await;
    stage.rehearse().await;
    let mut client = stage.dev().client().await;
    let mut took = Vec::new();
    for seed in seed..seed + rounds(100) {
        let begun = stage.begin(&format!("cancel-{seed}")).await;
        let after = generator(seed).f64() * 0.9;
        tokio::time::sleep(stage.quiet.took.mul_f64(after)).await;
        let clock = Instant::now();
        cancel(&mut client, &begun.id).await;
        let render = stage.end(&begun.id).await;
        while !stage.is_idle().await {
            let family = stage.dev().family();
            assert!(
                clock.elapsed() < BAR * 10,
                "SEED={seed}: still at work: {family:#?}"
            );
        }
        let elapsed = clock.elapsed();
        // It may have been quicker.
        let ended = render.state();
        assert!(
            matches!(ended, RenderState::Cancelled | RenderState::Succeeded),
            "{ended:?}"
        );
        stage.nothing_is_left(&begun.id).await;
        eprintln!("SEED={seed}: {ended:?} at {after:.2}, gone after {elapsed:.2?}");
        if ended == RenderState::Cancelled {
            took.push(elapsed);
        }
    }
    took.sort();
    let at = |part: f64| took[((took.len() - 1) as f64 * part).round() as usize];
    let (p50, p99) = (at(0.5), at(0.99));
    eprintln!("{} cancelled: p50 {p50:.2?}, p99 {p99:.2?}", took.len());
    assert!(p99 <= BAR);
    stage.close().await;
}

impl Stage {
    /// No encoder, and no browser that does anything: those that are there wait for the next film.
    async fn is_idle(&self) -> bool {
        let work = || {
            let family = self.dev().family();
            let encodes = family.iter().any(is_encoder);
            let browsers = family
                .iter()
                .filter(|process| process.command_line.contains("--type="));
            let ticks: Vec<_> = browsers
                .map(|process| (process.pid, ticks(process)))
                .collect();
            (encodes, ticks)
        };
        let (encodes, before) = work();
        if encodes {
            return false;
        }
        if before.is_empty() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        let (encodes, after) = work();
        // A tick or two are Chromium's own housekeeping.
        let ran = |(pid, now): &(i32, u64)| {
            let then = before.iter().find(|(before, _)| before == pid);
            then.map_or(*now, |(_, then)| now - then)
        };
        !encodes && after.iter().map(ran).sum::<u64>() <= 3
    }
}

fn ticks(process: &Process) -> u64 {
    framewright_process::group::ticks(process.pid).unwrap_or(0)
}
