//! The commands that are not a service.

mod bench;
mod check;
mod config;
mod doctor;
mod gc;
mod in_process;
mod plan;
mod render;
mod status;
mod steer;
mod stills;

pub(crate) use bench::bench;
pub(crate) use check::check;
pub(crate) use config::config;
pub(crate) use doctor::doctor;
pub(crate) use gc::gc;
pub(crate) use plan::plan;
pub(crate) use render::render;
pub(crate) use status::{list, status};
pub(crate) use steer::{cancel, pause, resume};
pub(crate) use stills::stills;

use crate::{
    cli::{FilmArgs, Variables, in_s3},
    exit::Exit,
};
use framewright_activities::{Failure, Workshop, plan::FilmRequest};
use framewright_composition::{Limits, Project};
use framewright_film::{Digest, FrameSize, Quality};
use framewright_store::{FetchLimits, S3Outside, S3Url, put_blob};
use std::path::Path;

/// Reads a project from a folder or an archive, checks it as far as that goes without a browser,
/// and packs it.
pub(super) async fn pack(film: &FilmArgs, outside: &S3Outside) -> Result<Packed, Exit> {
    let project = open(&film.project, outside).await?;
    let facts = framewright_composition::inspect(&project, film.entry.as_deref());
    Ok(Packed {
        size: facts.map_err(Failure::from)?.size,
        archive: project.pack().map_err(Failure::from)?,
    })
}

/// A project that can be uploaded.
pub(super) struct Packed {
    /// A zip file.
    pub(super) archive: Vec<u8>,
    /// The size of its film.
    pub(super) size: FrameSize,
}

async fn open(path: &Path, outside: &S3Outside) -> Result<Project, Exit> {
    if let Some(text) = in_s3(path) {
        return Ok(from_s3(text, outside).await?);
    }
    if path.is_dir() {
        return Ok(Project::from_dir(path).map_err(Failure::from)?);
    }
    let bytes = std::fs::read(path).map_err(|error| {
        Exit::input(format!(
            "the project `{}` cannot be read: {error}",
            path.display()
        ))
        .hint("name a folder with an `index.html`, or a zip file of one")
    })?;
    Ok(Project::from_zip(bytes).map_err(Failure::from)?)
}

/// With the credentials of whoever runs the command, who may read what they may read.
async fn from_s3(text: &str, outside: &S3Outside) -> Result<Project, Failure> {
    let url: S3Url = text.parse()?;
    let Limits { bytes, files, .. } = Limits::default();
    if !url.is_folder() {
        return Ok(Project::from_zip(outside.get(&url, bytes).await?)?);
    }
    let limits = FetchLimits {
        bytes,
        objects: files,
    };
    let files = outside.get_folder(&url, limits, Project::takes).await?;
    Ok(Project::from_files(files)?)
}

/// Puts the project into this process's own store and says what film is wanted of it.
pub(super) async fn request(
    workshop: &Workshop,
    film: &FilmArgs,
    quality: Quality,
    chunks: Option<u32>,
) -> Result<FilmRequest, Exit> {
    let archive = pack(film, &workshop.outside).await?.archive;
    let project = put_blob(&*workshop.store, archive.into())
        .await
        .map_err(Failure::from)?;
    Ok(FilmRequest {
        tenant: "local".to_owned(),
        project,
        // All of it is rendered by this process.
        workers: Some(1),
        entry: film.entry.clone(),
        fps: film.fps,
        quality,
        variables: put_variables(workshop, film.variables.as_ref()).await?,
        strict_variables: film.strict_variables,
        chunks,
    })
}

async fn put_variables(
    workshop: &Workshop,
    variables: Option<&Variables>,
) -> Result<Option<Digest>, Exit> {
    let Some(variables) = variables.filter(|variables| !variables.is_empty()) else {
        return Ok(None);
    };
    let json = serde_json::to_vec(variables).map_err(|error| Exit::input(error.to_string()))?;
    let digest = put_blob(&*workshop.store, json.into())
        .await
        .map_err(Failure::from)?;
    Ok(Some(digest))
}

/// A text that is the command's result, on stdout.
pub(crate) fn print_text(text: &str) {
    anstream::print!("{text}");
}

/// One line of data for programs, on stdout, and nowhere else in this binary.
pub(crate) fn print_json(value: &serde_json::Value) {
    anstream::println!("{value}");
}
