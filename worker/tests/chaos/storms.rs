//! Processes of ours that are killed, or stopped.

use crate::{
    draw::{Blow, Fault, Victim, generator, rounds, seed},
    stage::Stage,
};
use fastrand::Rng;
use std::time::Duration;

const ALL: [Victim; 7] = [
    Victim::Dev,
    Victim::Worker,
    Victim::Temporal,
    Victim::Browser,
    Victim::Renderer,
    Victim::Gpu,
    Victim::Ffmpeg,
];

/// A process that was stopped is noticed within this, as a worker that says nothing is.
const NOTICED: Duration = Duration::from_secs(10);

async fn storm(usual: u64, blow: fn(&mut Rng) -> Blow, victims: &[Victim]) {
    let seed = seed();
    let mut stage = Stage::open().await;
    stage.rehearse().await;
    let mut slowest = Duration::ZERO;
    for seed in seed..seed + rounds(usual) {
        let fault = Fault::draw(seed, blow, victims);
        eprintln!("SEED={seed}: {fault}");
        let noticed = stage.round(seed, fault).await;
        slowest = slowest.max(noticed.unwrap_or_default());
    }
    assert!(slowest <= NOTICED, "noticed after {slowest:?} only");
    stage.close().await;
}

/// What `make test` runs: one round of each of the worst.
#[tokio::test(flavor = "multi_thread")]
async fn a_short_storm() {
    let seed = seed();
    let mut stage = Stage::open().await;
    stage.rehearse().await;
    for (blow, victim) in [
        (Blow::Kill, Victim::Temporal),
        (Blow::Freeze, Victim::Renderer),
        (Blow::Kill, Victim::Ffmpeg),
    ] {
        let fault = Fault {
            blow,
            victim,
            after: generator(seed).f64() / 4.0,
            mid_render: true,
        };
        stage.round(seed, fault).await;
    }
    stage.close().await;
}

/// `kill -9` of a random process at a random moment.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "make chaos"]
async fn kills() {
    storm(100, |_| Blow::Kill, &ALL).await;
}

/// `SIGSTOP` of a random process at a random moment.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "make chaos"]
async fn freezes() {
    let victims = ALL.map(|victim| match victim {
        // Who is frozen with all that watches it is not noticed by itself: an operator's affair.
        Victim::Dev => Victim::Worker,
        victim => victim,
    });
    storm(20, |_| Blow::Freeze, &victims).await;
}

/// Stopped for some seconds and woken again: nothing may come of it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "make chaos"]
async fn naps() {
    storm(10, |rng| Blow::Nap(1.0 + 5.0 * rng.f64()), &ALL[1..]).await;
}
