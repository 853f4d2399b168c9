use crate::destination::Destination;
use bytes::Bytes;
use std::{io, path::PathBuf};
use url::Url;

/// All that the browser can reach: it answers every URL that the browser asks for.
///
/// Calls come from threads that may block, several at a time. The same URL must get the same
/// answer for as long as a session lives.
pub trait Site: Send + Sync + 'static {
    /// What stands under `url`. Its fragment is never there; its query is.
    fn answer(&self, url: &Url, destination: Destination) -> Answer;
}

/// What stands under a URL.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Bytes of some kind.
    Found {
        /// For the `Content-Type` header.
        content_type: String,
        /// All of it; the server cuts out a range if one is asked for.
        body: Bytes,
    },
    /// Nothing.
    Missing,
    /// Something, which cannot be had at the moment. What the page makes of that is no frame of
    /// the film.
    Unavailable,
}

/// A plain folder as a site: the path of a URL is a path in the folder, whatever the host.
///
/// For tests and for looking at a page by hand; a film's site is made from its plan.
#[derive(Clone, Debug)]
pub struct FolderSite {
    root: PathBuf,
}

impl FolderSite {
    /// Serves what is in the folder `root`, and nothing that a link leads out of it.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn new(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into().canonicalize()?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { root })
    }

    fn read(&self, url: &Url) -> Option<(PathBuf, Vec<u8>)> {
        let mut path = self.root.clone();
        for part in url.path_segments()?.filter(|part| !part.is_empty()) {
            path.push(unescape(part)?);
        }
        if path.is_dir() {
            path.push("index.html");
        }
        let path = path.canonicalize().ok()?;
        if !path.starts_with(&self.root) {
            return None;
        }
        let bytes = std::fs::read(&path).ok()?;
        Some((path, bytes))
    }
}

impl Site for FolderSite {
    fn answer(&self, url: &Url, _: Destination) -> Answer {
        let Some((path, bytes)) = self.read(url) else {
            return Answer::Missing;
        };
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
        let content_type = match extension.to_ascii_lowercase().as_str() {
            "html" | "htm" => "text/html; charset=utf-8",
            "js" | "mjs" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "json" => "application/json",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "jpg" | "jpeg" => "image/jpeg",
            "webp" => "image/webp",
            "avif" => "image/avif",
            "gif" => "image/gif",
            "woff2" => "font/woff2",
            "woff" => "font/woff",
            "ttf" => "font/ttf",
            "otf" => "font/otf",
            "wasm" => "application/wasm",
            _ => "application/octet-stream",
        };
        Answer::Found {
            content_type: content_type.to_owned(),
            body: bytes.into(),
        }
    }
}

/// Undoes percent-encoding of one path segment; `None` if that is no text or leads elsewhere.
fn unescape(segment: &str) -> Option<String> {
    let bytes = segment.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let digits = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
            plain.push(u8::from_str_radix(digits, 16).ok()?);
            at += 3;
        } else {
            plain.push(byte);
            at += 1;
        }
    }
    let plain = String::from_utf8(plain).ok()?;
    let leads_elsewhere = plain == ".." || plain.contains(['/', '\0']);
    (!leads_elsewhere).then_some(plain)
}
