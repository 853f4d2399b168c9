use crate::{
    CompositionError, Result,
    project::{Collected, is_ignored},
};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _, Write as _},
    path::{Component, Path},
};
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Unpacks `bytes` into `into`, which knows the limits.
pub(crate) fn unpack(bytes: &[u8], into: &mut Collected) -> Result<()> {
    let bad = |error: zip::result::ZipError| CompositionError::BadArchive(error.to_string());
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(bad)?;
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(bad)?;
        let name = file.name().replace('\\', "/");
        if file.is_symlink() {
            return Err(CompositionError::Escapes(name));
        }
        let Some(path) = normal(&name)? else { continue };
        if file.is_dir() {
            continue;
        }
        into.announce(file.size())?;
        // The size in the header is a claim: a bomb says less than it unpacks to.
        let mut content = Vec::new();
        let read = file
            .by_ref()
            .take(into.room() + 1)
            .read_to_end(&mut content);
        read.map_err(|error| CompositionError::BadArchive(error.to_string()))?;
        into.insert(path, content.into())?;
    }
    Ok(())
}

/// Packs `files` so that the same files give the same bytes.
pub(crate) fn pack(files: &BTreeMap<String, Bytes>) -> Result<Vec<u8>> {
    let bad = |error: zip::result::ZipError| CompositionError::BadArchive(error.to_string());
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(6))
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        writer.start_file(path.as_str(), options).map_err(bad)?;
        writer
            .write_all(bytes)
            .map_err(|error| CompositionError::BadArchive(error.to_string()))?;
    }
    Ok(writer.finish().map_err(bad)?.into_inner())
}

/// The path inside the project, or `None` for what is left out of one.
pub(crate) fn normal(name: &str) -> Result<Option<String>> {
    let escapes = || CompositionError::Escapes(name.to_owned());
    if name.contains('\0') || name.contains(':') {
        return Err(escapes());
    }
    let mut parts = Vec::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str().ok_or_else(escapes)?),
            Component::CurDir => {}
            _ => return Err(escapes()),
        }
    }
    if parts.is_empty() || parts.iter().any(|part| is_ignored(part)) {
        return Ok(None);
    }
    Ok(Some(parts.join("/")))
}
