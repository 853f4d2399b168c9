//! Segments → film: joined by copy, checked, published.

use crate::{Failure, Manifest, PlanKeys, Workshop};
use framewright_encode::{Encoding, Expected};
use framewright_film::Digest;
use framewright_store::{Body, PutMode};
use framewright_workflows::RenderOutput;
use sha2::{Digest as _, Sha256};
use std::{path::PathBuf, time::Instant};
use tracing::{Instrument as _, info_span};

/// Joins the segments of `plan`, checks the film and puts it into the store.
///
/// A film that is there already is left as it is: the same plan gives the same bytes.
///
/// # Errors
/// When a segment is missing, or the film is not what the plan says.
pub async fn assemble(workshop: &Workshop, plan: Digest) -> Result<RenderOutput, Failure> {
    let keys = PlanKeys(plan);
    if let Some(output) = published(workshop, keys).await? {
        return Ok(output);
    }
    let manifest = Manifest::load(&*workshop.store, plan).await?;
    let folder = workshop
        .scratch
        .folder("assemble")
        .map_err(Failure::scratch("making room for the film"))?;

    let mut clock = Instant::now();
    let mut lap = || {
        std::mem::replace(&mut clock, Instant::now())
            .elapsed()
            .as_millis()
    };
    let segments = manifest.segments();
    let fetching = async {
        let mut files = Vec::new();
        for index in 0..segments.count() {
            let file = folder.path().join(format!("{index:06}.mp4"));
            let key = keys.segment(segments.range(index))?;
            workshop.store.fetch(&key, &file).await?;
            files.push(file);
        }
        Ok::<_, Failure>(files)
    };
    let fetching = fetching.instrument(info_span!("fetch", segments = segments.count()));
    let files = fetching.await?;
    let fetch_ms = lap();
    let film = folder.path().join("film.mp4");
    let ffmpeg = &workshop.toolchain.programs.ffmpeg;
    framewright_encode::join(ffmpeg, manifest.fps, &files, &film)
        .instrument(info_span!("join"))
        .await?;
    let join_ms = lap();
    let encoding = Encoding {
        size: manifest.size,
        fps: manifest.fps,
        quality: manifest.quality,
    };
    let expected = Expected::of(&encoding, manifest.frames);
    let gated = async {
        let gated = framewright_encode::gate(ffmpeg, &film, &expected).await;
        gated.map_err(Failure::from)
    };
    let gated = gated.instrument(info_span!("gate"));
    let (measured, sha256) = tokio::try_join!(gated, digest_of(film.clone()))?;
    let gate_ms = lap();

    let output = RenderOutput {
        key: keys.film()?.to_string(),
        sha256,
        size_bytes: measured.bytes,
        content_type: "video/mp4".to_owned(),
        frames: measured.frames,
        published: None,
    };
    publish(workshop, keys, film, &output)
        .instrument(info_span!("publish", bytes = output.size_bytes))
        .await?;
    let store_ms = lap();
    tracing::info!(fetch_ms, join_ms, gate_ms, store_ms, "film assembled");
    Ok(output)
}

async fn publish(
    workshop: &Workshop,
    keys: PlanKeys,
    film: PathBuf,
    output: &RenderOutput,
) -> Result<(), Failure> {
    let store = &workshop.store;
    let body = Body::File(film);
    store.put(&keys.film()?, body, PutMode::IfAbsent).await?;
    // Last: who finds the facts finds the film.
    let facts = serde_json::to_vec_pretty(output).map_err(Failure::Manifest)?;
    // A torn or older sheet of facts is replaced: it says nothing that the film does not.
    store
        .put(&keys.film_facts()?, Body::from(facts), PutMode::Replace)
        .await?;
    Ok(())
}

/// The film of a plan, if it is in the store.
pub(crate) async fn published(
    workshop: &Workshop,
    keys: PlanKeys,
) -> Result<Option<RenderOutput>, Failure> {
    let store = &workshop.store;
    if store.head(&keys.film_facts()?).await?.is_none() {
        return Ok(None);
    }
    let facts = store.get(&keys.film_facts()?).await?;
    let output: RenderOutput = serde_json::from_slice(&facts).map_err(Failure::Manifest)?;
    let there = store.head(&keys.film()?).await?;
    Ok(there
        .is_some_and(|meta| meta.size == output.size_bytes)
        .then_some(output))
}

/// SHA-256 of a file, read in pieces: a film may be larger than memory.
async fn digest_of(file: PathBuf) -> Result<Digest, Failure> {
    let task = "reading the film";
    let hashed = tokio::task::spawn_blocking(move || {
        let mut hasher = Sha256::new();
        std::io::copy(&mut std::fs::File::open(file)?, &mut hasher)?;
        Ok(Digest::from_bytes(hasher.finalize().into()))
    });
    let hashed = hashed.await.map_err(std::io::Error::other);
    hashed
        .and_then(|digest| digest)
        .map_err(Failure::scratch(task))
}
