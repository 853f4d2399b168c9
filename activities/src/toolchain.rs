use crate::{Failure, Scratch};
use framewright_capture::Chromium;
use framewright_encode::Ffmpeg;
use framewright_film::Digest;
use std::path::PathBuf;

/// Where the programs are, if not where they are looked for.
#[derive(Clone, Debug, Default)]
pub struct ToolchainOptions {
    /// `chromium-headless-shell`.
    pub chromium: Option<PathBuf>,
    /// `ffmpeg`; `ffprobe` is looked for beside it.
    pub ffmpeg: Option<PathBuf>,
}

/// All that decides what a frame looks like and how it is encoded, besides the plan.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The browser.
    pub chromium: Chromium,
    /// The encoder.
    pub ffmpeg: Ffmpeg,
    /// The folder with the bundled fonts and their `fonts.conf`.
    pub fonts: PathBuf,
    fingerprint: String,
}

impl Toolchain {
    /// Finds the programs and lays the bundled fonts out in `scratch`.
    ///
    /// # Errors
    /// When a program is missing or cannot do what is needed; the error says what to install.
    pub async fn find(options: &ToolchainOptions, scratch: &Scratch) -> Result<Self, Failure> {
        let chromium = Chromium::find(options.chromium.as_deref()).await?;
        let ffmpeg = Ffmpeg::find(options.ffmpeg.as_deref()).await?;
        let fonts = framewright_composition::install_fonts(&scratch.path())
            .map_err(Failure::scratch("laying out the bundled fonts"))?;
        let facts = [
            chromium.version.clone(),
            framewright_capture::flags_fingerprint(),
            framewright_page::fingerprint().to_hex(),
            framewright_composition::fonts_fingerprint().to_hex(),
            ffmpeg.version.clone(),
        ];
        let fingerprint = Digest::of(facts.join("\n")).short();
        Ok(Self {
            chromium,
            ffmpeg,
            fonts,
            fingerprint,
        })
    }

    /// Twelve hexadecimal digits: equal where the same plan gives the same bytes.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}
