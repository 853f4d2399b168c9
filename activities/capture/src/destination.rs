use std::fmt;

/// What the browser will use an answer for, as it says itself (`Sec-Fetch-Dest`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// The page.
    Document,
    /// A page within the page.
    Frame,
    /// A script, a module, a worker.
    Script,
    /// A style sheet.
    Style,
    /// A font.
    Font,
    /// An image, also one that a style sheet names.
    Image,
    /// A video or audio element, or a track of one.
    Media,
    /// `fetch`, `XMLHttpRequest`, and all that is not named above: the page's own business.
    Fetch,
}

impl Destination {
    /// Whether a film without it would be wrong, so that its absence is an error.
    pub fn is_essential(self) -> bool {
        match self {
            Self::Document | Self::Script | Self::Style | Self::Font | Self::Image => true,
            Self::Frame | Self::Media | Self::Fetch => false,
        }
    }

    /// From the request's `Sec-Fetch-Dest`. The browser sends none to plain `http` hosts other
    /// than `localhost`: there the `Accept` header and the end of the path must do.
    pub(crate) fn of(header: Option<&str>, accept: Option<&str>, path: &str) -> Self {
        match header {
            Some("document") => Self::Document,
            Some("iframe" | "frame" | "embed" | "object") => Self::Frame,
            Some(
                "script" | "worker" | "sharedworker" | "serviceworker" | "audioworklet"
                | "paintworklet",
            ) => Self::Script,
            Some("style") => Self::Style,
            Some("font") => Self::Font,
            Some("image") => Self::Image,
            Some("video" | "audio" | "track") => Self::Media,
            Some(_) => Self::Fetch,
            None => Self::guess(accept.unwrap_or_default(), path),
        }
    }

    fn guess(accept: &str, path: &str) -> Self {
        if accept.starts_with("text/html") {
            return Self::Document;
        }
        if accept.starts_with("text/css") {
            return Self::Style;
        }
        if accept.starts_with("image/") {
            return Self::Image;
        }
        match path.rsplit('.').next().unwrap_or_default() {
            "js" | "mjs" => Self::Script,
            "woff" | "woff2" | "ttf" | "otf" => Self::Font,
            _ => Self::Fetch,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Document => "document",
            Self::Frame => "frame",
            Self::Script => "script",
            Self::Style => "style sheet",
            Self::Font => "font",
            Self::Image => "image",
            Self::Media => "media file",
            Self::Fetch => "resource",
        })
    }
}
