//! `framewright gc`: removes from the store what no render needs any more.
//!
//! What an open render may use is asked of Temporal; what one may have just begun to use is young
//! ([`framewright_store::REFRESH`]). The store is listed first, then Temporal is asked, and each
//! object is looked at once more before it goes.

mod choose;
mod open;

use super::print_json;
use crate::{cli::GcArgs, data::Data, exit::Exit, telemetry::Telemetry};
use choose::{Doomed, Kind, Listing};
use framewright_activities::{Failure, Manifest};
use framewright_film::Digest;
use framewright_store::{REFRESH, Store, StoreError};
use futures_util::{StreamExt as _, TryStreamExt as _};
use open::OpenRenders;
use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

/// Objects that are removed at the same time.
const AT_ONCE: usize = 16;

pub(crate) async fn gc(args: GcArgs, telemetry: &Telemetry) -> Result<(), Exit> {
    let data = Data::open(&args.place)?;
    let store = data.store(&args.place).await?;
    let age: Duration = args.older_than.into();
    let before = SystemTime::now()
        .checked_sub(age)
        .ok_or_else(|| Exit::input(format!("nothing can be older than {}", args.older_than)))?;
    let listing = Listing::of(&*store).await.map_err(Failure::from)?;
    let open = open::ask(&args, &data, telemetry).await?;
    if age < 2 * REFRESH && open.count > 0 {
        let message = format!(
            "{} renders are open; what is younger than two hours may be theirs",
            open.count
        );
        return Err(Exit::input(message)
            .reason("FW0542")
            .hint("name `2h` or more, or wait until they have ended"));
    }

    let mut doomed = listing.plans(&open.mentioned, before, args.films);
    let needed = needed_blobs(&*store, &listing, &doomed, &open).await?;
    doomed.extend(listing.blobs(&needed, before));
    doomed.extend(listing.uploads(before));
    let litter = store.litter(before).await.map_err(Failure::from)?;

    let removed: Vec<_> = if args.dry_run {
        doomed
    } else {
        remove(&*store, doomed, before)
            .await
            .map_err(Failure::from)?
    };
    for litter in litter.iter().filter(|_| !args.dry_run) {
        store.remove_litter(litter).await.map_err(Failure::from)?;
    }
    let broken = litter
        .into_iter()
        .map(|litter| (Kind::Broken, litter.name, litter.size));
    let mut removed: Vec<_> = removed
        .into_iter()
        .map(|doomed| (doomed.kind, doomed.key.to_string(), doomed.size))
        .chain(broken)
        .collect();
    removed.sort_by(|(_, a, _), (_, b, _)| a.cmp(b));
    tell(&args, &open, &removed);
    Ok(())
}

/// Blobs of plans that stay and have no film yet, and what open renders mention.
async fn needed_blobs(
    store: &dyn Store,
    listing: &Listing,
    doomed: &[Doomed],
    open: &OpenRenders,
) -> Result<BTreeSet<Digest>, Failure> {
    let mut needed = open.mentioned.clone();
    let gone: BTreeSet<_> = doomed.iter().map(|doomed| &doomed.key).collect();
    for (plan, manifest) in listing.manifests() {
        let stays = !gone.contains(&manifest);
        if !stays || (listing.has_film(plan) && !open.mentioned.contains(&plan)) {
            continue;
        }
        match Manifest::load(store, plan).await {
            Ok(manifest) => needed.extend(manifest.resources.values().map(|blob| blob.digest)),
            Err(Failure::Store(StoreError::NotFound(_))) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(needed)
}

/// Removes what is still as old as it was. What goes first is what others look for first.
async fn remove(
    store: &dyn Store,
    doomed: Vec<Doomed>,
    before: SystemTime,
) -> Result<Vec<Doomed>, StoreError> {
    let mut removed = Vec::new();
    let (first, rest): (Vec<_>, Vec<_>) = doomed
        .into_iter()
        .partition(|doomed| matches!(doomed.kind, Kind::Plan | Kind::Film));
    for group in [first, rest] {
        let removing = futures_util::stream::iter(group).map(async |doomed| {
            let old = store.head(&doomed.key).await?;
            if old.is_some_and(|meta| meta.modified < before) {
                store.delete(&doomed.key).await?;
                return Ok(Some(doomed));
            }
            Ok::<_, StoreError>(None)
        });
        let done: Vec<_> = removing.buffer_unordered(AT_ONCE).try_collect().await?;
        removed.extend(done.into_iter().flatten());
    }
    Ok(removed)
}

fn tell(args: &GcArgs, open: &OpenRenders, removed: &[(Kind, String, u64)]) {
    let bytes: u64 = removed.iter().map(|(_, _, size)| size).sum();
    if args.json {
        let entry = |(kind, key, size): &(Kind, String, u64)| serde_json::json!({ "kind": kind.word(), "key": key, "size_bytes": size });
        print_json(&serde_json::json!({
            "dry_run": args.dry_run,
            "open_renders": open.count,
            "removed": removed.iter().map(entry).collect::<Vec<_>>(),
            "size_bytes": bytes,
        }));
    } else {
        for (kind, key, size) in removed {
            anstream::println!("{:<13} {size:>12} {key}", kind.word());
        }
    }
    let done = if args.dry_run {
        "would be removed"
    } else {
        "removed"
    };
    anstream::eprintln!(
        "{} objects, {}, {done}; {} renders are open",
        removed.len(),
        bytesize::ByteSize::b(bytes),
        open.count
    );
}
