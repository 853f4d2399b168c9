//! Compiles a project and writes what the browser would be given: `compile DIR OUTDIR`.
//!
//! Each answer becomes `OUTDIR/<host>/<path>`; the table of answers goes to stdout.
#![allow(clippy::print_stdout)]

use anyhow::Context as _;
use framewright_composition::{CompileOptions, Project, Vendor, VendorOptions, compile};
use std::{env, fs, path::PathBuf};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: compile DIR OUTDIR";
    let (dir, out) = (
        arguments.next().context(usage)?,
        arguments.next().context(usage)?,
    );
    let project = if dir.is_file() {
        Project::from_zip(fs::read(&dir)?)?
    } else {
        Project::from_dir(&dir)?
    };
    let cache = env::temp_dir().join("framewright-npm");
    let vendor = Vendor::new(&cache, VendorOptions::default())?;
    let bundle = compile(&project, &CompileOptions::default(), &vendor).await?;
    for (url, resource) in &bundle.resources {
        let (_, place) = url.split_once("://").context("an absolute URL")?;
        let path = out.join(place.replace(['?', '*'], "_"));
        fs::create_dir_all(path.parent().context("a host")?)?;
        fs::write(&path, &resource.bytes)?;
        let (digest, size) = (resource.digest.short(), resource.bytes.len());
        println!("{digest} {size:>9} {:<32} {url}", resource.content_type);
    }
    for warning in &bundle.warnings {
        println!("warning: {warning}");
    }
    println!("{:?}", bundle.composition);
    println!("{} {}", bundle.digest(), bundle.entry);
    Ok(())
}
